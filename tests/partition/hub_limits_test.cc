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

}  // namespace
}  // namespace ingot::testing
