// Throttles, time-outs and extended sessions.

#include <condition_variable>
#include <mutex>

#include "tests/support/hub_fixture.h"

namespace ingot::testing {
namespace {

using Kind = HistoryEventKind;
using std::chrono::milliseconds;

HistoryEvent schedule(std::int32_t id, std::string name) {
  HistoryEvent action;
  action.kind = Kind::task_scheduled;
  action.event_id = id;
  action.name = std::move(name);
  return action;
}

HistoryEvent complete(std::int32_t id) {
  HistoryEvent action;
  action.kind = Kind::execution_completed;
  action.event_id = id;
  action.status = RuntimeStatus::completed;
  return action;
}

// Holds those who wait until it is opened.
class Barrier {
 public:
  void wait() {
    std::unique_lock lock(mutex_);
    opened_.wait(lock, [this] { return open_; });
  }
  void open() {
    {
      const std::lock_guard lock(mutex_);
      open_ = true;
    }
    opened_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool open_ = false;
};

class HubLimits : public HubFixture {
 protected:
  [[nodiscard]] WorkItems& work() { return hub().work_items(); }
  void expect_none_is_given_out(const Status& status) {
    EXPECT_EQ(status.code(), StatusCode::timed_out) << status.to_string();
  }
  OrchestrationWorkItem lock_orchestration() {
    Result<OrchestrationWorkItem> item = work().lock_orchestration(kLong);
    EXPECT_TRUE(item.ok()) << item.status().to_string();
    return item.ok() ? *std::move(item) : OrchestrationWorkItem{};
  }
};

TEST_F(HubLimits, OrchestrationsOverTheLimitWait) {
  options.foreign_work = true;
  options.orchestration_work_items_max = 2;
  open();
  for (int i = 0; i < 3; ++i) start("foreign");
  const OrchestrationWorkItem first = lock_orchestration();
  const OrchestrationWorkItem second = lock_orchestration();
  expect_none_is_given_out(work().lock_orchestration(milliseconds(20)).status());
  must(work().complete_orchestration(first.token, {{complete(0)}, std::nullopt, {}}));
  const OrchestrationWorkItem third = lock_orchestration();
  EXPECT_NE(third.instance_id, second.instance_id);
  // Given back, it is the only one that can be had again.
  must(work().abandon_orchestration(second.token));
  EXPECT_EQ(lock_orchestration().instance_id, second.instance_id);
  // A token that is stale by now frees nothing.
  must(work().abandon_orchestration(second.token));
  expect_none_is_given_out(work().lock_orchestration(milliseconds(20)).status());
}

TEST_F(HubLimits, ActivitiesOverTheLimitWait) {
  options.foreign_work = true;
  options.activity_work_items_max = 1;
  open();
  start("foreign");
  const OrchestrationWorkItem item = lock_orchestration();
  must(work().complete_orchestration(item.token,
                                     {{schedule(0, "a"), schedule(1, "b")}, std::nullopt, {}}));
  const Result<ActivityWorkItem> first = work().lock_activity(kLong);
  ASSERT_TRUE(first.ok());
  expect_none_is_given_out(work().lock_activity(milliseconds(20)).status());
  must(work().complete_activity(first->token, "done"));
  const Result<ActivityWorkItem> second = work().lock_activity(kLong);
  ASSERT_TRUE(second.ok());
  EXPECT_NE(second->task_id, first->task_id);
}

TEST_F(HubLimits, ALockThatExpiresMakesRoom) {
  options.foreign_work = true;
  options.orchestration_work_items_max = 1;
  options.work_item_timeout = milliseconds(100);
  open();
  start("foreign");
  const OrchestrationWorkItem lost = lock_orchestration();
  const OrchestrationWorkItem again = lock_orchestration();
  EXPECT_EQ(again.instance_id, lost.instance_id);
  EXPECT_NE(again.token, lost.token);
}

TEST_F(HubLimits, AnEntityGetsNoMoreOperationsThanABatchHas) {
  options.foreign_work = true;
  options.entity_batch_operations_max = 3;
  options.entity_work_items_max = 1;
  open();
  start("foreign");
  const OrchestrationWorkItem item = lock_orchestration();
  OrchestrationOutcome outcome;
  for (int i = 0; i < 7; ++i) {
    HistoryEvent signal;
    signal.kind = Kind::entity_operation_signaled;
    signal.event_id = i;
    signal.instance_id = "@counter@x";
    signal.name = "operation " + std::to_string(i);
    outcome.actions.push_back(signal);
  }
  must(work().complete_orchestration(item.token, outcome));
  std::vector<std::string> done;
  while (done.size() < 7) {
    const Result<EntityWorkItem> batch = work().lock_entity(kLong);
    ASSERT_TRUE(batch.ok()) << batch.status().to_string();
    EXPECT_LE(batch->operations.size(), 3U);
    EXPECT_EQ(batch->state.value_or("0"), std::to_string(done.size()));
    for (const HistoryEvent& operation : batch->operations) done.push_back(operation.name);
    must(work().complete_entity(batch->token, {std::to_string(done.size()), {}}));
  }
  for (int i = 0; i < 7; ++i)
    EXPECT_EQ(done[static_cast<std::size_t>(i)], "operation " + std::to_string(i));
}

Task<std::string> catches(OrchestrationContext& context) {
  std::string text;
  try {
    text = co_await context.call_activity("slow");
  } catch (const TaskFailedError& error) {
    text = error.details().type;
  }
  co_return text;
}

TEST_F(HubLimits, AnActivityThatRunsForTooLongFails) {
  Barrier barrier;
  add_activity(
      "slow",
      [&](const ActivityContext&) -> std::string {
        barrier.wait();
        return "late";
      },
      false);
  add_orchestrator("catches", catches);
  options.activity_timeout = milliseconds(30);
  open();
  const std::string id = start("catches");
  expect_output(finish(id), "ActivityTimeout");
  barrier.open();
  close();
}

TEST_F(HubLimits, AForeignActivityThatRunsForTooLongFails) {
  add_orchestrator("catches", catches);
  options.foreign_work = true;
  options.activity_timeout = milliseconds(30);
  open();
  const std::string id = start("catches");
  const Result<ActivityWorkItem> item = work().lock_activity(kLong);
  ASSERT_TRUE(item.ok());
  expect_output(finish(id), "ActivityTimeout");
  must(work().complete_activity(item->token, "late"));
}

TEST_F(HubLimits, AStepThatTakesTooLongFailsItsOrchestration) {
  add_orchestrator("slow", [](OrchestrationContext&) -> Task<std::string> {
    std::this_thread::sleep_for(milliseconds(60));
    co_return "too late";
  });
  options.orchestrator_step_timeout = milliseconds(30);
  options.foreign_work = true;
  open();
  const InstanceState own = run("slow");
  EXPECT_EQ(own.status, RuntimeStatus::failed);
  ASSERT_TRUE(own.failure.has_value());
  EXPECT_EQ(own.failure->type, "OrchestratorStepTimeout");
  const std::string id = start("foreign");
  const OrchestrationWorkItem item = lock_orchestration();
  const InstanceState foreign = finish(id);
  ASSERT_TRUE(foreign.failure.has_value());
  EXPECT_EQ(foreign.failure->type, "OrchestratorStepTimeout");
  must(work().complete_orchestration(item.token, {{complete(0)}, std::nullopt, {}}));
}

class HubSessions : public HubFixture {
 protected:
  HubSessions() {
    add_orchestrator("waits", [this](OrchestrationContext& context) -> Task<std::string> {
      ++begun;
      std::string data;
      while (data != "end") data = co_await context.wait_for_event("go");
      co_return "ended";
    });
  }
  std::atomic<int> begun{0};
};

TEST_F(HubSessions, ACoroutineIsKeptBetweenSteps) {
  open();
  const std::string id = start("waits");
  for (int i = 0; i < 5; ++i) raise(id, "go", "on");
  raise(id, "go", "end");
  expect_output(finish(id), "ended");
  EXPECT_EQ(begun, 1);
}

TEST_F(HubSessions, OrIsRebuiltForEachStep) {
  options.extended_sessions = false;
  open();
  const std::string id = start("waits");
  ASSERT_TRUE(client().wait_for_start(id, kLong).ok());
  raise(id, "go", "on");
  raise(id, "go", "end");
  expect_output(finish(id), "ended");
  EXPECT_GE(begun, 2);
}

TEST_F(HubSessions, OrUntilItHasBeenIdleForLong) {
  options.extended_session_idle_timeout = milliseconds(5);
  open();
  const std::string id = start("waits");
  ASSERT_TRUE(eventually([&] {
    raise(id, "go", "on");
    std::this_thread::sleep_for(milliseconds(20));
    return begun > 1;
  }));
  raise(id, "go", "end");
  expect_output(finish(id), "ended");
}

// A thread of the pool may be held for ever: what it did before has arrived, what waits behind it
// finds another one.
TEST_F(HubLimits, ABlockedActivityHoldsNothingBack) {
  options.partitions = 1;
  options.activity_threads = 2;
  Barrier barrier;
  constexpr bool kInline = false;
  add_activity(
      "quick", [](const ActivityContext&) { return std::string("quick"); }, kInline);
  add_activity(
      "blocked",
      [&](const ActivityContext&) {
        barrier.wait();
        return std::string("blocked");
      },
      kInline);
  add_orchestrator("many", [](OrchestrationContext& context) -> Task<std::string> {
    std::vector<Future<std::string>> tasks;
    for (int i = 0; i < 8; ++i) tasks.push_back(context.call_activity("quick"));
    tasks.push_back(context.call_activity("blocked"));
    for (int i = 0; i < 8; ++i) tasks.push_back(context.call_activity("quick"));
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      if (i == 8) continue;
      static_cast<void>(co_await tasks[i]);
    }
    context.set_custom_status("only one is left");
    std::string last = co_await tasks[8];
    co_return last;
  });
  open();
  const std::string id = start("many");
  const bool arrived = eventually([&] {
    const Result<InstanceState> state = client().get_instance(id);
    return state.ok() && state->custom_status == "only one is left";
  });
  barrier.open();
  EXPECT_TRUE(arrived);
  EXPECT_EQ(finish(id).output, "blocked");
}

// A fact, a row and a record hold a history in one piece: what would become too large fails, and
// nothing else does.
TEST_F(HubLimits, AHistoryThatGetsTooLargeFailsItsOrchestrationOnly) {
  constexpr std::size_t kLarge = 8 << 20;
  options.partitions = 1;
  options.memory_bytes = 4ULL << 30;
  add_activity("large", [](const ActivityContext&) { return std::string(kLarge, 'r'); });
  add_orchestrator("collects", [](OrchestrationContext& context) -> Task<std::string> {
    for (;;) {
      const std::string event = co_await context.wait_for_event("go");
      if (event == "call") static_cast<void>(co_await context.call_activity("large"));
    }
  });
  add_orchestrator("asks much", [](OrchestrationContext& context) -> Task<std::string> {
    std::vector<Future<std::string>> tasks;
    for (int i = 0; i < 40; ++i) {
      tasks.push_back(context.call_activity("large", std::string(kLarge, 'i')));
    }
    for (auto& task : tasks) static_cast<void>(co_await task);
    co_return "";
  });
  open();
  const InstanceState refused = finish(start("asks much"));
  EXPECT_EQ(refused.status, RuntimeStatus::failed);
  ASSERT_TRUE(refused.failure);
  EXPECT_EQ(refused.failure->type, "HistoryTooLarge");

  const std::string id = start("collects");
  for (int i = 0; i < 31; ++i) raise(id, "go", std::string(kLarge, 'e'));
  raise(id, "go", std::string(kLarge / 2, 'e'));
  const Status over = client().raise_event(id, "go", std::string(kLarge, 'e'));
  EXPECT_EQ(over.code(), StatusCode::overloaded) << over.to_string();
  raise(id, "go", "call");
  for (int opening = 0; opening < 2; ++opening) {
    const InstanceState ended = finish(id);
    EXPECT_EQ(ended.status, RuntimeStatus::failed);
    ASSERT_TRUE(ended.failure && !ended.failure->inner.empty());
    EXPECT_EQ(ended.failure->inner.front().type, "HistoryTooLarge");
    const Result<std::vector<HistoryEvent>> history = client().get_history(id);
    ASSERT_TRUE(history.ok()) << history.status().to_string();
    EXPECT_GT(history->size(), 64U);
    ASSERT_TRUE(hub().checkpoint().ok());
    reopen();
  }
}

}  // namespace
}  // namespace ingot::testing
