// Orchestrations on a real hub: what each ends with, and the history that it leaves.

#include <array>
#include <condition_variable>
#include <mutex>

#include "tests/support/hub_fixture.h"

namespace ingot::testing {
namespace {

using Kind = HistoryEventKind;
using std::chrono::hours;
using std::chrono::milliseconds;

std::string greet(const ActivityContext& call) { return "Hello " + std::string(call.input) + "!"; }

Task<std::string> chain(OrchestrationContext& context) {
  std::string text = co_await context.call_activity("greet", "Tokyo");
  const Duration delay = milliseconds(1);
  co_await context.create_timer(delay);
  text += co_await context.call_activity("greet", context.input());
  co_return text;
}

Task<std::string> fan_out(OrchestrationContext& context) {
  const int width = std::stoi(std::string(context.input()));
  std::vector<Future<std::string>> calls;
  for (int i = 0; i < width; ++i) calls.push_back(context.call_activity("echo", std::to_string(i)));
  const std::vector<std::string> results = co_await context.when_all(std::move(calls));
  std::string text;
  for (const std::string& result : results) text += result + ",";
  co_return text;
}

std::string numbers(int width) {
  std::string text;
  for (int i = 0; i < width; ++i) text += std::to_string(i) + ",";
  return text;
}

class HubOrchestrations : public HubFixture {
 protected:
  HubOrchestrations() { add_orchestrator("chain", chain); }

  // Activities on the pool unless `run_inline`.
  void add_activities(bool run_inline) {
    add_activity("greet", greet, run_inline);
    add_activity(
        "echo", [](const ActivityContext& call) { return std::string(call.input); }, run_inline);
    add_orchestrator("fan_out", fan_out);
  }
};

TEST_F(HubOrchestrations, AChainLeavesTheHistoryOfDurableTask) {
  add_activities(true);
  open();
  const std::string id = start("chain", "London", "chain-1");
  EXPECT_EQ(id, "chain-1");
  const InstanceState state = finish(id);
  expect_output(state, "Hello Tokyo!Hello London!");
  EXPECT_EQ(state.instance_id, id);
  EXPECT_EQ(state.name, "chain");
  EXPECT_EQ(state.input, "London");
  EXPECT_FALSE(state.execution_id.empty());
  EXPECT_FALSE(state.custom_status.has_value());
  EXPECT_FALSE(state.failure.has_value());
  ASSERT_TRUE(state.completed_at.has_value());
  EXPECT_LE(state.created_at, *state.completed_at);

  const std::vector<HistoryEvent> events = history(id);
  const std::vector<std::string> expected = {
      "OrchestratorStarted", "ExecutionStarted",    "TaskScheduled#0",     "OrchestratorStarted",
      "TaskCompleted",       "TimerCreated#1",      "OrchestratorStarted", "TimerFired",
      "TaskScheduled#2",     "OrchestratorStarted", "TaskCompleted",       "ExecutionCompleted#3"};
  ASSERT_EQ(kinds_of(events), expected);
  EXPECT_EQ(events[1].name, "chain");
  EXPECT_EQ(events[1].data, "London");
  EXPECT_EQ(events[1].instance_id, id);
  EXPECT_EQ(events[1].execution_id, state.execution_id);
  EXPECT_EQ(events[2].name, "greet");
  EXPECT_EQ(events[2].data, "Tokyo");
  EXPECT_EQ(events[4].scheduled_id, 0);
  EXPECT_EQ(events[4].data, "Hello Tokyo!");
  EXPECT_EQ(events[7].scheduled_id, 1);
  ASSERT_TRUE(events[5].fire_at.has_value());
  EXPECT_EQ(events[7].fire_at, events[5].fire_at);
  EXPECT_GE(events[7].timestamp, *events[5].fire_at);
  EXPECT_EQ(events[10].scheduled_id, 2);
  EXPECT_EQ(events[11].status, RuntimeStatus::completed);
  EXPECT_EQ(events[11].data, "Hello Tokyo!Hello London!");
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_GT(events[i].timestamp, Timestamp{}) << i;
  }

  reopen();
  EXPECT_EQ(history(id), events);
  expect_output(finish(id), "Hello Tokyo!Hello London!");
  ASSERT_TRUE(hub().checkpoint().ok());
  EXPECT_EQ(history(id), events);
  reopen();
  EXPECT_EQ(history(id), events);
}

TEST_F(HubOrchestrations, FanOutOnThePoolGathersEachResultOnce) {
  add_activities(false);
  open();
  const std::string id = start("fan_out", "200");
  expect_output(finish(id), numbers(200));
  std::array<int, 200> scheduled{};
  std::array<int, 200> completed{};
  for (const HistoryEvent& event : history(id)) {
    if (event.kind == Kind::task_scheduled)
      ++scheduled.at(static_cast<std::size_t>(event.event_id));
    if (event.kind == Kind::task_completed) {
      ++completed.at(static_cast<std::size_t>(event.scheduled_id));
    }
  }
  for (std::size_t i = 0; i < 200; ++i) {
    EXPECT_EQ(scheduled.at(i), 1) << i;
    EXPECT_EQ(completed.at(i), 1) << i;
  }
}

TEST_F(HubOrchestrations, WhenAnyPrefersWhatIsDoneFirst) {
  std::mutex mutex;
  std::condition_variable changed;
  bool released = false;
  add_activity(
      "slow",
      [&](const ActivityContext&) -> std::string {
        std::unique_lock lock(mutex);
        changed.wait_for(lock, kLong, [&] { return released; });
        return "late";
      },
      false);
  add_orchestrator("timer_wins", [](OrchestrationContext& context) -> Task<std::string> {
    const Future<std::string> slow = context.call_activity("slow");
    const Duration delay = milliseconds(1);
    const Future<void> timer = context.create_timer(delay);
    const std::size_t first = co_await context.when_any(slow, timer);
    co_return std::to_string(first);
  });
  add_orchestrator("event_wins", [](OrchestrationContext& context) -> Task<std::string> {
    const Duration delay = hours(1);
    const Future<void> timer = context.create_timer(delay);
    Future<std::string> event = context.wait_for_event("go");
    const std::size_t first = co_await context.when_any(timer, event);
    std::string data = co_await std::move(event);
    co_return std::to_string(first) + data;
  });
  open();
  expect_output(run("timer_wins"), "1");
  {
    const std::lock_guard lock(mutex);
    released = true;
  }
  changed.notify_all();

  const std::string id = start("event_wins");
  raise(id, "go", " now");
  expect_output(finish(id), "1 now");
}

TEST_F(HubOrchestrations, ARetryPolicyTriesAgainAndLeavesItsTimersInTheHistory) {
  std::atomic<int> calls{0};
  add_activity("flaky", [&](const ActivityContext&) -> std::string {
    if (++calls < 3) throw std::runtime_error("attempt " + std::to_string(calls.load()));
    return "third time";
  });
  add_orchestrator("retry", [](OrchestrationContext& context) -> Task<std::string> {
    RetryPolicy policy;
    policy.attempts_max = std::stoi(std::string(context.input()));
    policy.first_interval = milliseconds(1);
    std::string text = co_await context.call_activity("flaky", "", policy);
    co_return text;
  });
  open();
  const std::string id = start("retry", "3");
  expect_output(finish(id), "third time");
  const std::vector<std::string> expected = {
      "OrchestratorStarted", "ExecutionStarted",    "TaskScheduled#0",     "OrchestratorStarted",
      "TaskFailed",          "TimerCreated#1",      "OrchestratorStarted", "TimerFired",
      "TaskScheduled#2",     "OrchestratorStarted", "TaskFailed",          "TimerCreated#3",
      "OrchestratorStarted", "TimerFired",          "TaskScheduled#4",     "OrchestratorStarted",
      "TaskCompleted",       "ExecutionCompleted#5"};
  EXPECT_EQ(kinds_of(history(id)), expected);

  calls = 0;
  const InstanceState failed = run("retry", "2");
  EXPECT_EQ(failed.status, RuntimeStatus::failed);
  EXPECT_EQ(calls.load(), 2);
  ASSERT_TRUE(failed.failure.has_value());
  ASSERT_EQ(failed.failure->inner.size(), 1U);
  EXPECT_EQ(failed.failure->inner[0].message, "attempt 2");
}

TEST_F(HubOrchestrations, CustomStatusIsKeptUntilItIsSetAgain) {
  add_orchestrator("stages", [](OrchestrationContext& context) -> Task<std::string> {
    co_await context.wait_for_event("next");
    context.set_custom_status("one");
    co_await context.wait_for_event("next");
    co_await context.wait_for_event("next");
    context.set_custom_status("");
    co_await context.wait_for_event("next");
    co_return "";
  });
  open();
  const std::string id = start("stages");
  const Result<InstanceState> started = client().wait_for_start(id, kLong);
  ASSERT_TRUE(started.ok()) << started.status().to_string();
  EXPECT_EQ(started->status, RuntimeStatus::running);
  EXPECT_FALSE(started->custom_status.has_value());
  const std::array<std::string, 3> after_each = {"one", "one", ""};
  for (const std::string& expected : after_each) {
    raise(id, "next");
    // Answered when the event is durable: its step may come a little later.
    EXPECT_TRUE(eventually([&] {
      const Result<InstanceState> state = client().get_instance(id);
      return state.ok() && state->custom_status == expected;
    })) << expected;
  }
  raise(id, "next");
  const InstanceState state = finish(id);
  expect_output(state, "");
  EXPECT_EQ(state.custom_status, "");
  reopen();
  EXPECT_EQ(finish(id).custom_status, "");
}

TEST_F(HubOrchestrations, TerminateEndsARunningInstance) {
  add_orchestrator("waits", [](OrchestrationContext& context) -> Task<std::string> {
    std::string data = co_await context.wait_for_event("never");
    co_return data;
  });
  open();
  const std::string id = start("waits");
  ASSERT_TRUE(client().wait_for_start(id, kLong).ok());
  must(client().terminate(id, "enough"));
  const InstanceState state = finish(id);
  EXPECT_EQ(state.status, RuntimeStatus::terminated);
  EXPECT_EQ(state.output, "enough");
  ASSERT_TRUE(state.completed_at.has_value());
  const std::vector<std::string> expected = {"OrchestratorStarted", "ExecutionStarted",
                                             "OrchestratorStarted", "ExecutionTerminated",
                                             "ExecutionCompleted#0"};
  EXPECT_EQ(kinds_of(history(id)), expected);
  EXPECT_EQ(client().terminate(id, "again").code(), StatusCode::failed_precondition);
  EXPECT_EQ(client().terminate("nobody", "").code(), StatusCode::not_found);
  reopen();
  EXPECT_EQ(finish(id).status, RuntimeStatus::terminated);
}

TEST_F(HubOrchestrations, TerminateDoesNotWaitForAScheduledStart) {
  add_activities(true);
  open();
  StartOptions later;
  later.instance_id = "later";
  later.scheduled_start = wall_clock() + hours(1);
  ASSERT_TRUE(client().schedule_new_orchestration("chain", later).ok());
  const Result<InstanceState> pending = client().get_instance("later");
  ASSERT_TRUE(pending.ok());
  EXPECT_EQ(pending->status, RuntimeStatus::pending);
  EXPECT_EQ(client().wait_for_start("later", milliseconds(20)).status().code(),
            StatusCode::timed_out);
  must(client().terminate("later", "not needed"));
  const InstanceState state = finish("later");
  EXPECT_EQ(state.status, RuntimeStatus::terminated);
  EXPECT_EQ(state.output, "not needed");
}

TEST_F(HubOrchestrations, AnIdIsUsedOnceEvenAfterItsEnd) {
  add_activities(true);
  open();
  start("chain", "", "once");
  StartOptions again;
  again.instance_id = "once";
  EXPECT_EQ(client().schedule_new_orchestration("chain", again).status().code(),
            StatusCode::already_exists);
  finish("once");
  EXPECT_EQ(client().schedule_new_orchestration("chain", again).status().code(),
            StatusCode::already_exists);
  ASSERT_TRUE(hub().checkpoint().ok());
  reopen();
  const Status refused = client().schedule_new_orchestration("chain", again).status();
  EXPECT_EQ(refused.code(), StatusCode::already_exists);
  EXPECT_NE(refused.message().find("once"), std::string::npos) << refused.message();
}

TEST_F(HubOrchestrations, MadeIdsDifferAndAscend) {
  add_activities(true);
  open();
  std::string last;
  for (int i = 0; i < 50; ++i) {
    const std::string id = start("chain");
    EXPECT_LT(last, id);
    last = id;
  }
}

TEST_F(HubOrchestrations, InputAbsentAndEmptyDiffer) {
  add_activities(true);
  open();
  StartOptions absent;
  absent.has_input = false;
  const Result<std::string> id = client().schedule_new_orchestration("chain", absent);
  ASSERT_TRUE(id.ok());
  EXPECT_FALSE(finish(*id).input.has_value());
  EXPECT_EQ(run("chain", "").input, "");
}

struct Mode {
  const char* name;
  bool run_inline;
  bool persist_first;
  bool replay_checker;
  LogIo io;
};

class HubModes : public HubOrchestrations, public ::testing::WithParamInterface<Mode> {};

// All ways of running give the same outcomes.
TEST_P(HubModes, GiveTheSameOutcomes) {
  add_activities(GetParam().run_inline);
  add_orchestrator("mixed", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.call_activity("greet", context.input());
    context.set_custom_status("waiting");
    text += co_await context.wait_for_event("more");
    const Duration delay = milliseconds(1);
    co_await context.create_timer(delay);
    text += co_await context.call_activity("echo", "end");
    co_return text;
  });
  options.persist_steps_first = GetParam().persist_first;
  options.replay_checker = GetParam().replay_checker;
  options.io = GetParam().io;
  Result<std::unique_ptr<TaskHub>> probe = TaskHub::open(path(), registry, options);
  if (probe.status().code() == StatusCode::unsupported) GTEST_SKIP() << probe.status().message();
  ASSERT_TRUE(probe.ok()) << probe.status().to_string();
  *probe = nullptr;
  open();
  std::vector<std::string> mixed;
  for (int i = 0; i < 10; ++i) mixed.push_back(start("mixed", std::to_string(i)));
  const std::string wide = start("fan_out", "20");
  const std::string long_one = start("chain", "Mumbai");
  for (const std::string& id : mixed) raise(id, "more", " and ");
  expect_output(finish(wide), numbers(20));
  expect_output(finish(long_one), "Hello Tokyo!Hello Mumbai!");
  for (std::size_t i = 0; i < mixed.size(); ++i) {
    const InstanceState state = finish(mixed[i]);
    expect_output(state, "Hello " + std::to_string(i) + "! and end");
    EXPECT_EQ(state.custom_status, "waiting");
    const std::vector<HistoryEvent> events = history(mixed[i]);
    EXPECT_EQ(count_kind(events, Kind::task_scheduled), 2U);
    EXPECT_EQ(count_kind(events, Kind::task_completed), 2U);
    EXPECT_EQ(count_kind(events, Kind::event_raised), 1U);
    EXPECT_EQ(count_kind(events, Kind::timer_fired), 1U);
  }
  ASSERT_TRUE(hub().checkpoint().ok());
  reopen();
  expect_output(finish(wide), numbers(20));
  expect_output(finish(mixed[3]), "Hello 3! and end");
  for (const PartitionMetrics& partition : hub().metrics().partitions) {
    EXPECT_TRUE(partition.failure.ok()) << partition.failure.to_string();
  }
}

INSTANTIATE_TEST_SUITE_P(
    Ways, HubModes,
    ::testing::Values(Mode{"Inline", true, false, false, LogIo::automatic},
                      Mode{"Pool", false, false, false, LogIo::automatic},
                      Mode{"PersistFirst", true, true, false, LogIo::automatic},
                      Mode{"PersistFirstPool", false, true, false, LogIo::pwritev2},
                      Mode{"ReplayChecker", true, false, true, LogIo::automatic},
                      Mode{"Uring", true, false, false, LogIo::uring},
                      Mode{"Pwritev2", true, false, false, LogIo::pwritev2}),
    [](const auto& mode) { return mode.param.name; });

}  // namespace
}  // namespace ingot::testing
