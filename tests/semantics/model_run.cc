#include "tests/semantics/model_run.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <set>

#include "tests/semantics/client_requests.h"
#include "tests/semantics/comparison.h"
#include "tests/semantics/generator.h"
#include "tests/semantics/model.h"
#include "tests/support/sim_hub.h"

namespace ingot::semantics {
namespace {

using namespace partition;  // NOLINT(google-build-using-namespace)

struct Client {
  std::string id;
  std::vector<ClientOp> ops;
  std::size_t at = 0;
  std::uint64_t request_id = 0;
  std::shared_ptr<Attempt> attempt;
  [[nodiscard]] bool done() const { return at == ops.size(); }
};

class ModelRun {
 public:
  explicit ModelRun(std::uint64_t seed) : seed_(seed), random_(seed) {
    register_programs(registry_, model_.gates_of_engine, &model_.notes_of_engine);
  }

  void play() {
    sim::SimHubPlan plan;
    plan.seed = random_.next();
    plan.run_in_calls = false;
    plan.evict = random_.one_in(3);
    plan.options.partitions = static_cast<std::uint32_t>(1 + random_.below(4));
    plan.options.segment_bytes = 1ULL << 20;
    plan.options.batch_bytes_max = 64ULL << 10;
    plan.options.persist_steps_first = random_.one_in(3);
    plan.options.replay_checker = random_.one_in(32);
    if (random_.one_in(3)) plan.options.entity_batch_operations_max = 2;
    crashes_ = random_.one_in(2) ? random_.below(4) : 0;
    hub_ = std::make_unique<sim::SimHub>(registry_, plan);
    plan_crash();
    for (std::uint64_t i = 0; i < kProgramsPerRun; ++i) {
      Client& client = clients_.emplace_back();
      client.id = "p" + std::to_string(i);
      client.ops = Generator(random_.next(), client.id).program();
    }
    if (!work()) return;
    hub_->run_in_calls(true);
    hub_->run_for(std::chrono::minutes(2));
    if (hub_->down()) hub_->recover();
    hub_->run_for(std::chrono::minutes(2));
    compare();
  }

 private:
  struct ModelAndGates : Model {
    Gates gates_of_engine;
    Notes notes_of_engine;
  };

  void plan_crash() {
    if (crashes_ == 0) return;
    --crashes_;
    hub_->crash_at({hub_->writes() + 1 + random_.below(150), random_.one_in(2)});
  }

  // False when they are stuck.
  bool work() {
    std::uint64_t idle = 0;
    for (std::uint64_t rounds = 0;; ++rounds) {
      if (hub_->down()) {
        hub_->recover();
        plan_crash();
      }
      bool any = false;
      bool all_done = true;
      for (Client& client : clients_) {
        if (client.done()) continue;
        all_done = false;
        if (client.attempt != nullptr && client.attempt->answers != 0) {
          any |= take_answer(client);
        } else if (client.attempt == nullptr && random_.one_in(4)) {
          issue(client);
        }
      }
      if (all_done) return true;
      if (::testing::Test::HasFailure()) return false;
      const bool busy = hub_->step() || hub_->step();
      idle = busy || any ? 0 : idle + 1;
      if (idle > 60) hub_->pass_time_to_next(std::chrono::hours(1));
      if (idle > 3000) return stuck();
      if (rounds == 2'000'000) return stuck();
    }
  }

  std::string history_of(const std::string& id) {
    std::string text;
    hub_->run_in_calls(true);
    const Result<std::vector<HistoryEvent>> events = hub_->client().get_history(id);
    if (!events.ok()) return events.status().to_string();
    for (const HistoryEvent& event : *events) {
      text += "    " + std::string(to_string(event.kind)) + " " + event.name + " " +
              event.instance_id + " id " + std::to_string(event.event_id) + " of " +
              std::to_string(event.scheduled_id) + " " + event.data.value_or("-") + "\n";
    }
    return text;
  }

  static std::string program_of(const Client& client) {
    std::string text;
    for (const ClientOp& op : client.ops) {
      text += "  " + std::string(name_of(op.kind)) + " " + op.id + " " + op.data;
      if (!op.script.empty()) encode_script(op.script, text);
      text += "\n";
    }
    return text;
  }

  bool stuck() {
    std::string text;
    for (const Client& client : clients_) {
      if (client.done()) continue;
      const ClientOp& op = client.ops[client.at];
      text += client.id + ": " + std::string(name_of(op.kind)) + " " + op.id + "\n";
      text += program_of(client) + history_of(op.id);
    }
    ADD_FAILURE() << "stuck:\n" << text << hub_->failure().to_string();
    return false;
  }

  // True when the client got on.
  bool take_answer(Client& client) {
    const std::shared_ptr<Attempt> attempt = std::exchange(client.attempt, nullptr);
    const ClientOp& op = client.ops[client.at];
    if (is_lost(attempt->code)) return false;  // again, with the same request id
    if (op.kind == ClientKind::wait_hang && custom_status_of(*attempt) != "hang") return false;
    const StatusCode expected = carry_out(model_, op);
    EXPECT_TRUE(is_expected(op, attempt->code, expected))
        << name_of(op.kind) << " " << op.id << " is " << to_string(attempt->code) << ", not "
        << to_string(expected);
    if (op.kind == ClientKind::wait_end && attempt->state) {
      compare(*attempt->state);
      if (::testing::Test::HasFailure()) {
        std::printf("after operation %zu of\n%s%s", client.at, program_of(client).c_str(),
                    history_of(op.id).c_str());
      }
    }
    ++client.at;
    client.request_id = 0;
    return true;
  }
  static std::string custom_status_of(const Attempt& attempt) {
    return attempt.state ? attempt.state->custom_status.value_or("") : "";
  }

  void issue(Client& client) {
    const ClientOp& op = client.ops[client.at];
    if (op.kind == ClientKind::open_gate) {
      model_.gates_of_engine[op.name] = true;
      carry_out(model_, op);
      ++client.at;
      return;
    }
    const auto attempt = client.attempt = std::make_shared<Attempt>();
    if (client.request_id == 0) client.request_id = ++last_request_;
    Request request = make_request(op, client.request_id, attempt);
    const PartitionId to = hub_->partition_of(op.id);
    if (!hub_->offer(to, std::move(request))) attempt->answer(StatusCode::unavailable);
  }

  void compare() {
    const Status failure = hub_->failure();
    EXPECT_TRUE(failure.ok()) << failure.to_string();
    std::set<std::string> missing;
    for (const auto& [id, instance] : model_.instances) missing.insert(id);
    InstanceQuery query;
    query.page_size = 1000;
    do {
      const Result<InstancePage> page = hub_->client().query_instances(query);
      ASSERT_TRUE(page.ok()) << page.status().to_string();
      for (const InstanceState& state : page->instances) {
        missing.erase(state.instance_id);
        compare(state);
      }
      query.continuation_token = page->continuation_token;
    } while (!query.continuation_token.empty());
    for (const std::string& id : missing) ADD_FAILURE() << id << " is only in the model";
    for (const auto& [name, state] : model_.entities) {
      const std::size_t at = name.find('@');
      const EntityId id(name.substr(0, at), name.substr(at + 1));
      const Result<EntityState> entity = hub_->client().get_entity(id);
      EXPECT_TRUE(entity.ok()) << name << ": " << entity.status().to_string();
      if (!entity.ok()) continue;
      EXPECT_EQ(entity->state.value_or("(none)"), state) << name;
      EXPECT_EQ(entity->locked_by, "") << name;
      EXPECT_EQ(entity->queued_operations, 0U) << name;
    }
    for (const std::string& note : model_.notes) {
      EXPECT_TRUE(model_.notes_of_engine.contains(note)) << note << " was never run";
    }
    const Result<InstanceCounts> counts = hub_->client().count_instances();
    ASSERT_TRUE(counts.ok()) << counts.status().to_string();
    InstanceCounts expected;
    for (const auto& [id, instance] : model_.instances) {
      ++expected.by_status[static_cast<std::size_t>(instance.status)];
    }
    EXPECT_EQ(counts->by_status, expected.by_status);
    if (!::testing::Test::HasFailure()) return;
    std::string text;
    for (const Client& client : clients_) text += client.id + "\n" + program_of(client);
    std::printf("the programs:\n%s", text.c_str());
  }

  void compare(const InstanceState& state) {
    const auto found = model_.instances.find(state.instance_id);
    ASSERT_NE(found, model_.instances.end()) << state.instance_id << " is not in the model";
    std::string text;
    encode_script(found->second.script, text);
    EXPECT_EQ(difference(found->second, state), "") << state.instance_id << ": " << text;
  }

  const std::uint64_t seed_;
  Random random_;
  ModelAndGates model_;
  Registry registry_;
  std::unique_ptr<sim::SimHub> hub_;
  std::vector<Client> clients_;
  std::uint64_t last_request_ = 0;
  std::uint64_t crashes_ = 0;
};

}  // namespace

void play_against_model(std::uint64_t seed) {
  SCOPED_TRACE("again with INGOT_MODEL_SEED=" + std::to_string(seed));
  ModelRun run(seed);
  run.play();
}

void play_many(std::uint64_t first, std::uint64_t count) {
  if (const char* seed = std::getenv("INGOT_MODEL_SEED"); seed != nullptr) {
    const char* runs = std::getenv("INGOT_MODEL_RUNS");
    first = std::strtoull(seed, nullptr, 10);
    count = runs == nullptr ? 1 : std::strtoull(runs, nullptr, 10);
  }
  std::printf("seeds %llu to %llu, %llu programs\n", static_cast<unsigned long long>(first),
              static_cast<unsigned long long>(first + count - 1),
              static_cast<unsigned long long>(count * kProgramsPerRun));
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    play_against_model(seed);
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace ingot::semantics
