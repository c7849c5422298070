#include "tests/semantics/model_run.h"

#include <gtest/gtest.h>

#include <algorithm>
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

struct Player {
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
      Player& client = clients_.emplace_back();
      client.id = "p" + std::to_string(i);
      client.ops = Generator(random_.next(), client.id, Extent::whole).program();
    }
    if (!work()) return;
    hub_->run_in_calls(true);
    hub_->run_for(std::chrono::minutes(2));
    if (hub_->down()) hub_->recover();
    hub_->run_for(std::chrono::minutes(2));
    compare();
    if (::testing::Test::HasFailure()) return;
    ask_about_all();
    purge_some();
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
      for (Player& client : clients_) {
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

  static std::string program_of(const Player& client) {
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
    for (const Player& client : clients_) {
      if (client.done()) continue;
      const ClientOp& op = client.ops[client.at];
      text += client.id + ": " + std::string(name_of(op.kind)) + " " + op.id + "\n";
      text += program_of(client) + history_of(op.id);
    }
    ADD_FAILURE() << "stuck:\n" << text << hub_->failure().to_string();
    return false;
  }

  // True when the client got on.
  bool take_answer(Player& client) {
    const std::shared_ptr<Attempt> attempt = std::exchange(client.attempt, nullptr);
    const ClientOp& op = client.ops[client.at];
    if (is_lost(attempt->code)) return false;  // again, with the same request id
    if (op.kind == ClientKind::wait_hang && custom_status_of(*attempt) != "hang") return false;
    const bool made = op.kind == ClientKind::restart_new && attempt->code == StatusCode::ok;
    if (made) {
      for (ClientOp& next : client.ops) {
        if (next.id == kNewId) next.id = attempt->id;
      }
    }
    const StatusCode expected =
        made ? (model_.restart_new(op.id, attempt->id), StatusCode::ok) : carry_out(model_, op);
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

  void issue(Player& client) {
    const ClientOp& op = client.ops[client.at];
    if (op.kind == ClientKind::open_gate) {
      model_.gates_of_engine[op.name] = true;
      carry_out(model_, op);
      ++client.at;
      return;
    }
    const auto attempt = client.attempt = std::make_shared<Attempt>();
    if (client.request_id == 0) client.request_id = ++last_request_;
    if (op.kind >= ClientKind::create_later) {
      return call_client(hub_->client(), op, hub_->now(), client.request_id, attempt);
    }
    Request request = make_request(op, client.request_id, attempt);
    const PartitionId to = hub_->partition_of(op.id);
    if (!hub_->offer(to, std::move(request))) attempt->answer(StatusCode::unavailable);
  }

  // Ids that the hub makes for children have a colon.
  static bool is_derived(std::string_view id) { return id.find(':') != std::string_view::npos; }

  // A call that can be repeated, whatever happens.
  template <typename Call>
  auto ask(const Call& call) {
    for (;;) {
      auto answer = call(hub_->client());
      if (answer.ok() || !hub_->down()) return answer;
      hub_->recover();
      plan_crash();
    }
  }

  void compare() {
    const Status failure = hub_->failure();
    EXPECT_TRUE(failure.ok()) << failure.to_string();
    std::set<std::string> missing;
    std::uint64_t derived = 0;
    for (const auto& [id, instance] : model_.instances) missing.insert(id);
    InstanceQuery query;
    query.page_size = 1000;
    do {
      const Result<InstancePage> page =
          ask([&](Client& client) { return client.query_instances(query); });
      ASSERT_TRUE(page.ok()) << page.status().to_string();
      for (const InstanceState& state : page->instances) {
        if (is_derived(state.instance_id)) {
          EXPECT_EQ(to_string(state.status), "Completed") << state.instance_id;
          ++derived;
          continue;
        }
        missing.erase(state.instance_id);
        compare(state);
      }
      query.continuation_token = page->continuation_token;
    } while (!query.continuation_token.empty());
    for (const std::string& id : missing) ADD_FAILURE() << id << " is only in the model";
    EXPECT_EQ(derived, model_.derived_children);
    for (const auto& [name, state] : model_.entities) {
      const std::size_t at = name.find('@');
      const EntityId id(name.substr(0, at), name.substr(at + 1));
      const auto entity = ask([&](Client& client) { return client.get_entity(id); });
      EXPECT_TRUE(entity.ok()) << name << ": " << entity.status().to_string();
      if (!entity.ok()) continue;
      EXPECT_EQ(entity->state.value_or("(none)"), state) << name;
      EXPECT_EQ(entity->locked_by, "") << name;
      EXPECT_EQ(entity->queued_operations, 0U) << name;
    }
    for (const std::string& note : model_.notes) {
      EXPECT_TRUE(model_.notes_of_engine.contains(note)) << note << " was never run";
    }
    const auto counts = ask([](Client& client) { return client.count_instances(); });
    ASSERT_TRUE(counts.ok()) << counts.status().to_string();
    InstanceCounts expected;
    for (const auto& [id, instance] : model_.instances) {
      ++expected.by_status[static_cast<std::size_t>(instance.status)];
    }
    expected.by_status[static_cast<std::size_t>(RuntimeStatus::completed)] += derived;
    EXPECT_EQ(counts->by_status, expected.by_status);
    if (!::testing::Test::HasFailure()) return;
    std::string text;
    for (const Player& client : clients_) text += client.id + "\n" + program_of(client);
    std::printf("the programs:\n%s", text.c_str());
  }

  // --- when all is quiet
  // --------------------------------------------------------------------------

  // By status, by prefix and by completion, in pages; entities by prefix.
  void ask_about_all() {
    InstanceQuery query;
    query.page_size = static_cast<std::uint32_t>(1 + random_.below(30));
    query.descending = random_.one_in(2);
    query.prefix = random_.one_in(3) ? "" : "p" + std::to_string(random_.below(kProgramsPerRun));
    const RuntimeStatus status =
        random_.one_in(2) ? RuntimeStatus::completed : RuntimeStatus::failed;
    query.statuses = {status};
    std::vector<std::string> expected;
    std::set<std::string> ended;
    for (const auto& [id, instance] : model_.instances) {
      if (Model::ended(instance)) ended.insert(id);
      if (instance.status == status && id.starts_with(query.prefix)) expected.push_back(id);
    }
    if (query.descending) std::reverse(expected.begin(), expected.end());
    std::vector<std::string> found;
    do {
      const auto page = ask([&](Client& client) { return client.query_instances(query); });
      ASSERT_TRUE(page.ok()) << page.status().to_string();
      for (const InstanceState& state : page->instances) {
        if (!is_derived(state.instance_id)) found.push_back(state.instance_id);
      }
      query.continuation_token = page->continuation_token;
    } while (!query.continuation_token.empty());
    EXPECT_EQ(found, expected) << query.prefix << " " << to_string(status);

    InstanceIdQuery ids;
    ids.page_size = query.page_size;
    do {
      const auto page = ask([&](Client& client) { return client.list_instance_ids(ids); });
      ASSERT_TRUE(page.ok()) << page.status().to_string();
      for (const std::string& id : page->ids) {
        EXPECT_TRUE(is_derived(id) || ended.erase(id) == 1) << id << " is listed";
      }
      ids.continuation_token = page->continuation_token;
    } while (!ids.continuation_token.empty());
    EXPECT_TRUE(ended.empty()) << *ended.begin() << " is not listed";

    std::set<std::string> sums;
    for (const auto& [name, state] : model_.entities) {
      if (name.starts_with("sum@")) sums.insert("@" + name);
    }
    EntityQuery entities;
    entities.prefix = "@sum@";
    entities.page_size = query.page_size;
    do {
      const auto page = ask([&](Client& client) { return client.query_entities(entities); });
      ASSERT_TRUE(page.ok()) << page.status().to_string();
      for (const EntityState& state : page->entities) {
        EXPECT_EQ(sums.erase(to_string(state.id)), 1U) << to_string(state.id);
      }
      entities.continuation_token = page->continuation_token;
    } while (!entities.continuation_token.empty());
    EXPECT_TRUE(sums.empty()) << *sums.begin();
  }

  // Empty entities, a tree of instances, and all that failed or completed. Twice, as it can be.
  void purge_some() {
    const auto cleaned = ask([](Client& client) { return client.clean_entity_storage(); });
    EXPECT_TRUE(cleaned.ok()) << cleaned.status().to_string();
    std::erase_if(model_.entities, [&](const auto& entity) {
      if (entity.second != Model::kNoState) return false;
      const std::size_t at = entity.first.find('@');
      const EntityId id(entity.first.substr(0, at), entity.first.substr(at + 1));
      const auto gone = ask([&](Client& client) { return client.get_entity(id); });
      EXPECT_EQ(gone.status().code(), StatusCode::not_found) << entity.first;
      return true;
    });
    const std::string root = "p" + std::to_string(random_.below(kProgramsPerRun));
    const Model::Answer expected = model_.purge_tree(root);
    for (int i = 0; i < 2; ++i) {
      const auto purged = ask([&](Client& client) { return client.purge_instance(root, true); });
      EXPECT_EQ(purged.ok(), expected == Model::Answer::ok) << root << purged.status().to_string();
    }
    compare();
    PurgeFilter filter;
    filter.statuses = {random_.one_in(2) ? RuntimeStatus::completed : RuntimeStatus::failed};
    std::erase_if(model_.instances,
                  [&](const auto& one) { return one.second.status == filter.statuses.front(); });
    if (filter.statuses.front() == RuntimeStatus::completed) model_.derived_children = 0;
    for (int i = 0; i < 2; ++i) {
      const auto purged = ask(
          [&](Client& client) { return client.purge_instances(filter, std::chrono::seconds(60)); });
      EXPECT_TRUE(purged.ok() && purged->complete) << purged.status().to_string();
    }
    compare();
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
  std::vector<Player> clients_;
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
