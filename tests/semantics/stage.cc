#include "tests/semantics/stage.h"

#include <algorithm>
#include <map>
#include <set>
#include <thread>

namespace ingot::semantics {
namespace {

constexpr Duration kLong = std::chrono::seconds(60);
// Simulated time costs nothing.
constexpr Duration kLongSimulated = std::chrono::hours(48);

bool is_outcome_unknown(StatusCode code) {
  return code == StatusCode::unknown || code == StatusCode::unavailable ||
         code == StatusCode::cancelled || code == StatusCode::timed_out;
}

void must(const Status& status) { EXPECT_TRUE(status.ok()) << status.to_string(); }

}  // namespace

Stage::Stage(StagePlan plan) : plan_(std::move(plan)) {
  options.partitions = 3;
  options.shards = 2;
  options.segment_bytes = 1ULL << 20;
  options.activity_threads = 2;
  options.persist_steps_first = plan_.persist_steps_first;
  options.replay_checker = plan_.way == Way::replay_checked;
}

Stage::~Stage() {
  ending_ = true;
  if (worker_thread_.joinable()) worker_thread_.join();
}

void Stage::add(const std::string& name, OrchestratorFn function) {
  must(registry.add_orchestrator(name, std::move(function)));
}
void Stage::add_activity(const std::string& name, ActivityFn function) {
  must(registry.add_activity(name, std::move(function)));
}
void Stage::add_inline(const std::string& name, ActivityFn function) {
  must(registry.add_activity(name, std::move(function), {.run_inline = true}));
}
void Stage::add_entity(const std::string& name, EntityFn function) {
  must(registry.add_entity(name, std::move(function)));
}

void Stage::add_worker(std::shared_ptr<StageWorker> worker) {
  options.foreign_work = true;
  worker_ = std::move(worker);
}

void Stage::open() {
  if (plan_.way == Way::simulated || plan_.way == Way::evicting) {
    options.batch_bytes_max = 64ULL << 10;
    sim::SimHubPlan plan;
    plan.options = options;
    plan.seed = plan_.seed;
    plan.evict = plan_.way == Way::evicting;
    sim_ = std::make_unique<sim::SimHub>(registry, plan);
    if (!plan_.crashes.empty()) sim_->crash_at(plan_.crashes.front());
    subscribe();
    return;
  }
  directory_ = std::make_unique<sim::TempDirectory>();
  Result<std::unique_ptr<TaskHub>> opened =
      TaskHub::open(directory_->path() + "/hub", registry, options);
  EXPECT_TRUE(opened.ok()) << opened.status().to_string();
  INGOT_ASSERT(opened.ok());
  hub_ = *std::move(opened);
  if (worker_ == nullptr) return;
  hub_->work_items().subscribe(worker_, {});
  worker_thread_ = std::thread([this] {
    while (!ending_) {
      if (!worker_->work(hub_->work_items())) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    }
  });
}

Client& Stage::client() {
  if (sim_ == nullptr) return hub_->client();
  if (sim_->down()) recover();
  return sim_->client();
}

void Stage::recover() {
  ++crashes_;
  sim_->recover();
  if (crashes_ < plan_.crashes.size()) {
    sim::PlannedCrash next = plan_.crashes[crashes_];
    next.write += sim_->writes();
    sim_->crash_at(next);
  }
  subscribe();
}

void Stage::subscribe() {
  if (worker_ == nullptr) return;
  sim_->run_in_calls(false);
  sim_->work_items().subscribe(worker_, {});
  sim_->run_in_calls(true);
}

bool Stage::lost(const Status& status) {
  if (sim_ == nullptr || !sim_->down()) return false;
  recover();
  return is_outcome_unknown(status.code());
}

// --- calls ------------------------------------------------------------------------------------

std::string Stage::start(std::string_view orchestrator, std::string input, std::string id) {
  StartOptions start_options;
  start_options.input = std::move(input);
  start_options.instance_id = std::move(id);
  const Result<std::string> started = try_start(orchestrator, std::move(start_options));
  EXPECT_TRUE(started.ok()) << started.status().to_string();
  return started.ok() ? *started : std::string("not started");
}

Result<std::string> Stage::try_start(std::string_view orchestrator, StartOptions start_options) {
  return change([&](Client& with, std::uint64_t request) {
    start_options.request_id = request;
    return with.schedule_new_orchestration(orchestrator, start_options);
  });
}

void Stage::raise(std::string_view id, std::string_view event, std::string_view data) {
  must(try_raise(id, event, data));
}

Status Stage::try_raise(std::string_view id, std::string_view event, std::string_view data) {
  return change([&](Client& with, std::uint64_t request) {
    return with.raise_event(id, event, data, request);
  });
}

Status Stage::terminate(std::string_view id, std::string_view reason, bool recurse) {
  return change([&](Client& with, std::uint64_t request) {
    return with.terminate(id, reason, recurse, request);
  });
}

Status Stage::suspend(std::string_view id) {
  return change(
      [&](Client& with, std::uint64_t request) { return with.suspend(id, "wait", request); });
}

Status Stage::resume(std::string_view id) {
  return change(
      [&](Client& with, std::uint64_t request) { return with.resume(id, "go on", request); });
}

Status Stage::rewind(std::string_view id) {
  return change(
      [&](Client& with, std::uint64_t request) { return with.rewind(id, "again", request); });
}

Result<std::string> Stage::restart(std::string_view id, bool with_new_id) {
  return change(
      [&](Client& with, std::uint64_t request) { return with.restart(id, with_new_id, request); });
}

Result<std::uint64_t> Stage::purge(std::string_view id, bool recursive) {
  return change([&](Client& with, std::uint64_t request) {
    return with.purge_instance(id, recursive, request);
  });
}

void Stage::signal(const EntityId& entity, std::string_view operation, std::string_view input,
                   std::optional<Timestamp> at) {
  must(change([&](Client& with, std::uint64_t request) {
    SignalOptions signal_options;
    signal_options.at = at;
    signal_options.request_id = request;
    return with.signal_entity(entity, operation, input, signal_options);
  }));
}

// --- waiting ----------------------------------------------------------------------------------

bool Stage::until(const std::function<bool()>& condition) {
  if (sim_ != nullptr) {
    for (;;) {
      if (sim_->down()) recover();
      if (run_until(condition, kLongSimulated)) return true;
      if (!sim_->down()) return condition();
    }
  }
  const auto end = std::chrono::steady_clock::now() + kLong;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

void Stage::let_pass(Duration time) {
  if (sim_ == nullptr) {
    std::this_thread::sleep_for(time);
    return;
  }
  if (worker_ != nullptr) {
    const Timestamp end = sim_->now() + time;
    run_until([] { return false; }, time);
    if (sim_->down()) recover();
    time = std::max(end - sim_->now(), Duration(0));
  }
  sim_->run_for(time);
  if (sim_->down()) recover();
}

bool Stage::worker_works() {
  bool any = false;
  sim_->run_in_calls(false);
  while (worker_->work(sim_->work_items())) any = true;
  sim_->run_in_calls(true);
  return any;
}

bool Stage::run_until(const std::function<bool()>& condition, Duration limit) {
  if (worker_ == nullptr) return sim_->until(condition, limit);
  const Timestamp end = sim_->now() + limit;
  for (;;) {
    do {
      sim_->settle();
    } while (!sim_->down() && worker_works());
    if (sim_->down()) return false;
    if (condition()) return true;
    if (sim_->down()) return false;
    if (!sim_->pass_time_to_next(std::max(end - sim_->now(), Duration(0)))) return false;
  }
}

Timestamp Stage::now() const {
  if (sim_ != nullptr) return sim_->now();
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

Result<InstanceState> Stage::get(std::string_view id) {
  return ask([&](Client& with) { return with.get_instance(id); });
}

InstanceState Stage::finish(std::string_view id) {
  Result<InstanceState> state = Status(StatusCode::internal, "never asked");
  if (sim_ == nullptr) {
    state = client().wait_for_completion(id, kLong);
  } else {
    until([&] {
      state = ask([&](Client& with) { return with.wait_for_completion(id, Duration(0)); });
      return state.status().code() != StatusCode::timed_out;
    });
  }
  EXPECT_TRUE(state.ok()) << id << ": " << state.status().to_string();
  return state.ok() ? *state : InstanceState{};
}

void Stage::expect(std::string_view id, std::string_view output) {
  const InstanceState state = finish(id);
  EXPECT_EQ(to_string(state.status), to_string(RuntimeStatus::completed))
      << id << ": " << (state.failure ? state.failure->message : "");
  EXPECT_EQ(state.output.value_or("(none)"), output) << id;
}

void Stage::expect_status(std::string_view id, RuntimeStatus status) {
  EXPECT_EQ(to_string(finish(id).status), to_string(status)) << id;
}

InstanceState Stage::wait_for_start(std::string_view id) {
  Result<InstanceState> state = Status(StatusCode::internal, "never asked");
  if (sim_ == nullptr) {
    state = client().wait_for_start(id, kLong);
  } else {
    until([&] {
      state = ask([&](Client& with) { return with.wait_for_start(id, Duration(0)); });
      return state.status().code() != StatusCode::timed_out;
    });
  }
  EXPECT_TRUE(state.ok()) << id << ": " << state.status().to_string();
  return state.ok() ? *state : InstanceState{};
}

std::vector<HistoryEvent> Stage::history(std::string_view id) {
  Result<std::vector<HistoryEvent>> events =
      ask([&](Client& with) { return with.get_history(id); });
  EXPECT_TRUE(events.ok()) << id << ": " << events.status().to_string();
  return events.ok() ? *std::move(events) : std::vector<HistoryEvent>{};
}

void Stage::wait_for_custom_status(std::string_view id, std::string_view custom_status) {
  std::string last;
  const bool came = until([&] {
    const Result<InstanceState> state = get(id);
    last = state.ok() ? state->custom_status.value_or("(none)") : state.status().to_string();
    return last == custom_status;
  });
  EXPECT_TRUE(came) << id << " has custom status " << last << ", not " << custom_status;
}

void Stage::wait_for_state(const EntityId& entity, std::string_view state) {
  std::string last;
  const bool came = until([&] {
    const Result<EntityState> found = ask([&](Client& with) { return with.get_entity(entity); });
    last = found.ok() ? found->state.value_or("(none)") : found.status().to_string();
    return last == state;
  });
  EXPECT_TRUE(came) << to_string(entity) << " has state " << last << ", not " << state;
}

// --- the end ----------------------------------------------------------------------------------

std::string Stage::outcome() {
  if (sim_ != nullptr) let_pass(std::chrono::minutes(1));
  std::multiset<std::string> lines;
  InstanceQuery query;
  do {
    const Result<InstancePage> page =
        ask([&](Client& with) { return with.query_instances(query); });
    if (!page.ok()) return page.status().to_string();
    for (const InstanceState& state : page->instances) {
      lines.insert(state.name + " " + std::string(to_string(state.status)) +
                   " in=" + state.input.value_or("-") + " out=" + state.output.value_or("-") +
                   " custom=" + state.custom_status.value_or("-") +
                   " failure=" + (state.failure ? state.failure->type : "-"));
    }
    query.continuation_token = page->continuation_token;
  } while (!query.continuation_token.empty());
  EntityQuery entities;
  entities.include_transient = true;
  const Result<EntityPage> page = ask([&](Client& with) { return with.query_entities(entities); });
  if (!page.ok()) return page.status().to_string();
  for (const EntityState& state : page->entities) {
    lines.insert(to_string(state.id) + " state=" + state.state.value_or("-") +
                 (state.locked_by.empty() ? "" : " locked") +
                 " queued=" + std::to_string(state.queued_operations));
  }
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

namespace {

// Those that carry the id of an orchestrator's action.
bool is_action(HistoryEventKind kind) {
  using enum HistoryEventKind;
  static const std::set<HistoryEventKind> kActions{task_scheduled,
                                                   timer_created,
                                                   sub_orchestration_created,
                                                   event_sent,
                                                   execution_completed,
                                                   entity_operation_signaled,
                                                   entity_operation_called,
                                                   entity_lock_requested,
                                                   entity_unlock_sent};
  return kActions.contains(kind);
}

}  // namespace

void Stage::check_histories() {
  using Kind = HistoryEventKind;
  InstanceQuery query;
  const Result<InstancePage> page = ask([&](Client& with) { return with.query_instances(query); });
  if (!page.ok()) return;
  for (const InstanceState& state : page->instances) {
    SCOPED_TRACE(state.instance_id + " (" + state.name + ")");
    const std::vector<HistoryEvent> events = history(state.instance_id);
    std::map<std::int32_t, Kind> actions;
    std::set<std::int32_t> resolved;
    std::size_t starts = 0;
    std::size_t ends = 0;
    for (const HistoryEvent& event : events) {
      if (event.kind == Kind::execution_started) ++starts;
      if (event.kind == Kind::execution_completed) ++ends;
      EXPECT_EQ(event.event_id >= 0, is_action(event.kind)) << to_string(event.kind);
      EXPECT_GE(event.event_id, -1) << to_string(event.kind);
      EXPECT_GT(event.timestamp, Timestamp()) << to_string(event.kind);
      if (event.kind == Kind::timer_created || event.kind == Kind::timer_fired) {
        EXPECT_TRUE(event.fire_at.has_value()) << to_string(event.kind);
      }
      if (event.event_id >= 0) {
        EXPECT_TRUE(actions.emplace(event.event_id, event.kind).second) << event.event_id;
        EXPECT_EQ(actions.rbegin()->first, event.event_id) << "ids ascend";
      }
      const bool reply =
          event.kind == Kind::task_completed || event.kind == Kind::task_failed ||
          event.kind == Kind::timer_fired || event.kind == Kind::sub_orchestration_completed ||
          event.kind == Kind::sub_orchestration_failed ||
          event.kind == Kind::entity_operation_completed ||
          event.kind == Kind::entity_operation_failed || event.kind == Kind::entity_lock_granted;
      if (!reply) continue;
      EXPECT_TRUE(actions.contains(event.scheduled_id)) << "answers what was never asked";
      EXPECT_TRUE(resolved.insert(event.scheduled_id).second)
          << to_string(event.kind) << " a second time for " << event.scheduled_id;
    }
    if (state.status != RuntimeStatus::pending) {
      EXPECT_EQ(starts, 1U);
      ASSERT_FALSE(events.empty());
      EXPECT_EQ(to_string(events.front().kind), "OrchestratorStarted");
    }
    EXPECT_EQ(ends, is_terminal(state.status) ? 1U : 0U);
  }
}

// --- the four ways ----------------------------------------------------------------------------

namespace {

// Crash points that one scenario is played with, at most.
constexpr std::uint64_t kCrashesMax = 24;

std::uint64_t seed_of(Scenario scenario) {
  static_cast<void>(scenario);
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  return std::hash<std::string>()(std::string(test->test_suite_name()) + test->name()) | 1;
}

struct Played {
  std::string outcome;
  std::uint64_t writes = 0;
};

Played play(Scenario scenario, StagePlan plan) {
  Stage stage(std::move(plan));
  scenario(stage);
  Played played;
  if (sim::SimHub* hub = stage.simulated()) {
    played.writes = hub->writes();
    played.outcome = stage.outcome();
    if (!hub->down()) {
      const Status failure = hub->failure();
      EXPECT_TRUE(failure.ok()) << failure.to_string();
    }
  }
  stage.check_histories();
  return played;
}

}  // namespace

void play_plainly(Scenario scenario) {
  StagePlan plan;
  plan.way = Way::plain;
  play(scenario, plan);
}

void play_checked(Scenario scenario) {
  StagePlan plan;
  plan.way = Way::replay_checked;
  play(scenario, plan);
}

void play_evicting(Scenario scenario) {
  const std::uint64_t seed = seed_of(scenario);
  SCOPED_TRACE("seed " + std::to_string(seed));
  StagePlan plan;
  plan.way = Way::simulated;
  plan.seed = seed;
  const std::string expected = play(scenario, plan).outcome;
  plan.way = Way::evicting;
  EXPECT_EQ(play(scenario, plan).outcome, expected);
}

void play_crashing(Scenario scenario) {
  const std::uint64_t seed = seed_of(scenario);
  std::string expected;
  for (const bool persist : {false, true}) {
    StagePlan plan;
    plan.way = Way::simulated;
    plan.seed = seed;
    plan.persist_steps_first = persist;
    const Played whole = play(scenario, plan);
    if (::testing::Test::HasFailure()) return;
    if (expected.empty()) expected = whole.outcome;
    EXPECT_EQ(whole.outcome, expected);
    // Each write makes new positions durable, all at once. Long scenarios are sampled.
    const std::uint64_t points = whole.writes * 2;
    const std::uint64_t stride = 1 + points / kCrashesMax;
    for (std::uint64_t point = seed % stride; point < points; point += stride) {
      plan.crashes = {{point / 2 + 1, point % 2 == 1}};
      // Now and then also while it works off what the first power loss left.
      if (point % 5 == 0) plan.crashes.push_back({1 + point % 7, point % 3 == 0});
      SCOPED_TRACE("seed " + std::to_string(seed) + (persist ? ", steps persisted first" : "") +
                   ", power loss at write " + std::to_string(point / 2 + 1) +
                   (point % 2 == 1 ? ", heard of" : "") +
                   (plan.crashes.size() > 1 ? ", and once more" : ""));
      EXPECT_EQ(play(scenario, plan).outcome, expected);
      if (::testing::Test::HasFailure()) return;
    }
  }
}

}  // namespace ingot::semantics
