// The lower interface: a foreign runtime that drives orchestrations and activities itself.

#include <thread>

#include "tests/support/hub_fixture.h"

namespace ingot::testing {
namespace {

using Kind = HistoryEventKind;
using std::chrono::milliseconds;

HistoryEvent schedule(std::int32_t id, std::string name, std::string input) {
  HistoryEvent action;
  action.kind = Kind::task_scheduled;
  action.event_id = id;
  action.name = std::move(name);
  action.data = std::move(input);
  return action;
}

HistoryEvent timer(std::int32_t id, Timestamp fire_at) {
  HistoryEvent action;
  action.kind = Kind::timer_created;
  action.event_id = id;
  action.fire_at = fire_at;
  return action;
}

HistoryEvent send(std::int32_t id, std::string target, std::string name, std::string data) {
  HistoryEvent action;
  action.kind = Kind::event_sent;
  action.event_id = id;
  action.instance_id = std::move(target);
  action.name = std::move(name);
  action.data = std::move(data);
  return action;
}

HistoryEvent complete(std::int32_t id, std::string output) {
  HistoryEvent action;
  action.kind = Kind::execution_completed;
  action.event_id = id;
  action.status = RuntimeStatus::completed;
  action.data = std::move(output);
  return action;
}

HistoryEvent fail(std::int32_t id, FailureDetails failure) {
  HistoryEvent action;
  action.kind = Kind::execution_completed;
  action.event_id = id;
  action.status = RuntimeStatus::failed;
  action.failure = std::move(failure);
  return action;
}

class HubWorkItems : public HubFixture {
 protected:
  HubWorkItems() { options.foreign_work = true; }

  [[nodiscard]] WorkItems& work() { return hub().work_items(); }

  OrchestrationWorkItem lock_orchestration() {
    Result<OrchestrationWorkItem> item = work().lock_orchestration(kLong);
    EXPECT_TRUE(item.ok()) << item.status().to_string();
    return item.ok() ? *std::move(item) : OrchestrationWorkItem{};
  }
  ActivityWorkItem lock_activity() {
    Result<ActivityWorkItem> item = work().lock_activity(kLong);
    EXPECT_TRUE(item.ok()) << item.status().to_string();
    return item.ok() ? *std::move(item) : ActivityWorkItem{};
  }
  void commit(const WorkItemToken& token, std::vector<HistoryEvent> actions,
              std::optional<std::string> custom_status = std::nullopt) {
    OrchestrationOutcome outcome;
    outcome.actions = std::move(actions);
    outcome.custom_status = std::move(custom_status);
    must(work().complete_orchestration(token, outcome));
  }
  Status refusal(const WorkItemToken& token, HistoryEvent action) {
    OrchestrationOutcome outcome;
    outcome.actions.push_back(std::move(action));
    return work().complete_orchestration(token, outcome);
  }
  void expect_no_orchestration() {
    EXPECT_EQ(work().lock_orchestration(milliseconds(0)).status().code(), StatusCode::timed_out);
  }
  void expect_no_activity() {
    EXPECT_EQ(work().lock_activity(milliseconds(0)).status().code(), StatusCode::timed_out);
  }
};

TEST_F(HubWorkItems, AWholeOrchestrationIsDrivenFromOutside) {
  open();
  const std::string id = start("foreign", "input");
  OrchestrationWorkItem item = lock_orchestration();
  EXPECT_EQ(item.instance_id, id);
  EXPECT_EQ(item.name, "foreign");
  EXPECT_TRUE(item.history.empty());
  EXPECT_FALSE(item.execution_id.empty());
  ASSERT_EQ(kinds_of(item.new_events),
            (std::vector<std::string>{"OrchestratorStarted", "ExecutionStarted"}));
  EXPECT_GT(item.new_events[0].timestamp, Timestamp{});
  EXPECT_EQ(item.new_events[1].name, "foreign");
  EXPECT_EQ(item.new_events[1].data, "input");
  EXPECT_EQ(item.new_events[1].execution_id, item.execution_id);
  expect_no_orchestration();
  expect_no_activity();
  commit(item.token, {schedule(0, "double", "21"), timer(1, Timestamp{})}, "working");
  EXPECT_EQ(client().get_instance(id)->custom_status, "working");
  EXPECT_EQ(client().get_instance(id)->status, RuntimeStatus::running);

  const ActivityWorkItem activity = lock_activity();
  EXPECT_EQ(activity.instance_id, id);
  EXPECT_EQ(activity.execution_id, item.execution_id);
  EXPECT_EQ(activity.task_id, 0);
  EXPECT_EQ(activity.name, "double");
  EXPECT_EQ(activity.input, "21");
  expect_no_activity();

  item = lock_orchestration();
  EXPECT_EQ(kinds_of(item.history),
            (std::vector<std::string>{"OrchestratorStarted", "ExecutionStarted", "TaskScheduled#0",
                                      "TimerCreated#1"}));
  EXPECT_EQ(kinds_of(item.new_events),
            (std::vector<std::string>{"OrchestratorStarted", "TimerFired"}));
  commit(item.token, {});

  must(work().complete_activity(activity.token, "42"));
  item = lock_orchestration();
  EXPECT_EQ(item.history.size(), 6U);
  ASSERT_EQ(kinds_of(item.new_events),
            (std::vector<std::string>{"OrchestratorStarted", "TaskCompleted"}));
  EXPECT_EQ(item.new_events[1].data, "42");
  EXPECT_EQ(item.new_events[1].scheduled_id, 0);
  commit(item.token, {complete(2, "done")});
  const InstanceState state = finish(id);
  expect_output(state, "done");
  EXPECT_EQ(state.custom_status, "working");
  EXPECT_EQ(
      kinds_of(history(id)),
      (std::vector<std::string>{"OrchestratorStarted", "ExecutionStarted", "TaskScheduled#0",
                                "TimerCreated#1", "OrchestratorStarted", "TimerFired",
                                "OrchestratorStarted", "TaskCompleted", "ExecutionCompleted#2"}));
  expect_no_orchestration();
  expect_no_activity();
  reopen();
  expect_output(finish(id), "done");
  expect_no_orchestration();
}

TEST_F(HubWorkItems, RegisteredNamesStayInTheHub) {
  add_activity("echo", [](const ActivityContext& call) { return std::string(call.input); });
  add_orchestrator("native", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.call_activity("foreign_activity", "x");
    co_return text;
  });
  open();
  // A native orchestrator with a foreign activity.
  const std::string native = start("native");
  ActivityWorkItem activity = lock_activity();
  EXPECT_EQ(activity.name, "foreign_activity");
  must(work().complete_activity(activity.token, "from outside"));
  expect_output(finish(native), "from outside");
  // A foreign orchestrator with a native activity.
  const std::string foreign = start("foreign");
  commit(lock_orchestration().token, {schedule(0, "echo", "from inside")});
  const OrchestrationWorkItem item = lock_orchestration();
  ASSERT_EQ(item.new_events.size(), 2U);
  EXPECT_EQ(item.new_events[1].data, "from inside");
  commit(item.token, {complete(1, "")});
  finish(foreign);
  expect_no_activity();
}

TEST_F(HubWorkItems, AbandonedItemsAreOfferedAgain) {
  open();
  const std::string id = start("foreign");
  const OrchestrationWorkItem first = lock_orchestration();
  must(work().abandon_orchestration(first.token));
  const OrchestrationWorkItem second = lock_orchestration();
  EXPECT_EQ(second.instance_id, id);
  EXPECT_NE(second.token, first.token);
  EXPECT_EQ(kinds_of(second.new_events), kinds_of(first.new_events));
  // The first token is stale now: accepted and ignored.
  commit(first.token, {complete(0, "stale")});
  must(work().abandon_orchestration(first.token));
  expect_no_orchestration();
  commit(second.token, {schedule(0, "work", "x")});
  commit(second.token, {complete(1, "twice")});

  const ActivityWorkItem third = lock_activity();
  must(work().abandon_activity(third.token));
  const ActivityWorkItem fourth = lock_activity();
  EXPECT_EQ(fourth.task_id, 0);
  EXPECT_EQ(fourth.input, "x");
  EXPECT_NE(fourth.token, third.token);
  must(work().complete_activity(third.token, "stale"));
  must(work().fail_activity(third.token, {"Stale", "", false, {}}));
  must(work().complete_activity(fourth.token, "fresh"));
  must(work().complete_activity(fourth.token, "again"));
  const OrchestrationWorkItem last = lock_orchestration();
  ASSERT_EQ(last.new_events.size(), 2U);
  EXPECT_EQ(last.new_events[1].data, "fresh");
  commit(last.token, {complete(1, "end")});
  expect_output(finish(id), "end");
}

TEST_F(HubWorkItems, ALockEndsByItself) {
  options.work_item_timeout = milliseconds(100);
  open();
  const std::string id = start("foreign");
  const OrchestrationWorkItem lost = lock_orchestration();
  // Offered again without a hint from anyone. On a slow machine a lock may end before it is used;
  // its completion is ignored then, and the next one counts.
  bool found = false;
  while (!found) {
    const OrchestrationWorkItem item = lock_orchestration();
    ASSERT_EQ(item.instance_id, id);
    EXPECT_NE(item.token, lost.token);
    commit(lost.token, {complete(0, "stale")});
    commit(item.token, {schedule(0, "work", "")});
    found = history(id).size() == 3;
  }
  const ActivityWorkItem lost_activity = lock_activity();
  EXPECT_TRUE(eventually([&] {
    const Result<ActivityWorkItem> activity = work().lock_activity(milliseconds(20));
    if (activity.ok()) {
      EXPECT_NE(activity->token, lost_activity.token);
      must(work().complete_activity(lost_activity.token, "stale"));
      must(work().complete_activity(activity->token, "fresh"));
    }
    const Result<OrchestrationWorkItem> next = work().lock_orchestration(milliseconds(20));
    if (!next.ok()) return false;
    EXPECT_EQ(next->new_events.back().data, "fresh");
    must(work().abandon_orchestration(next->token));
    return true;
  }));
  while (client().get_instance(id)->status != RuntimeStatus::completed) {
    commit(lock_orchestration().token, {complete(1, "end")});
  }
  expect_output(finish(id), "end");
}

TEST_F(HubWorkItems, BadActionsAreRefusedByNameAndTheItemStaysLocked) {
  options.payload_bytes_max = 1024;
  open();
  const std::string id = start("foreign");
  const OrchestrationWorkItem item = lock_orchestration();
  HistoryEvent no_time = timer(0, Timestamp{});
  no_time.fire_at.reset();
  HistoryEvent running = complete(0, "");
  running.status = RuntimeStatus::running;
  HistoryEvent child = schedule(0, "child", "");
  child.kind = Kind::sub_orchestration_created;
  child.instance_id = "@not@orchestration";
  HistoryEvent reply = schedule(0, "reply", "");
  reply.kind = Kind::task_completed;
  const std::vector<HistoryEvent> bad = {schedule(0, "", "no name"),
                                         schedule(0, std::string(300, 'n'), "long name"),
                                         schedule(-1, "no id", ""),
                                         schedule(INT32_MAX, "last id", ""),
                                         schedule(0, "large", std::string(1025, 'x')),
                                         complete(0, std::string(1025, 'x')),
                                         send(0, "", "name", ""),
                                         send(0, std::string(300, 't'), "name", ""),
                                         send(0, "target", "", ""),
                                         no_time,
                                         running,
                                         child,
                                         reply};
  for (std::size_t i = 0; i < bad.size(); ++i) {
    const Status refused = refusal(item.token, bad[i]);
    EXPECT_EQ(refused.code(), StatusCode::invalid_argument) << i;
    EXPECT_NE(refused.message().find("action 0"), std::string::npos) << refused.message();
    EXPECT_NE(refused.message().find(to_string(bad[i].kind)), std::string::npos)
        << refused.message();
    expect_no_orchestration();
  }
  // The second of three is named; none of them counts.
  OrchestrationOutcome outcome;
  outcome.actions = {schedule(3, "fine", ""), schedule(3, "same id", ""), schedule(4, "fine", "")};
  Status refused = work().complete_orchestration(item.token, outcome);
  EXPECT_EQ(refused.code(), StatusCode::invalid_argument);
  EXPECT_NE(refused.message().find("action 1"), std::string::npos) << refused.message();
  outcome.actions = {complete(0, "one"), complete(1, "two")};
  refused = work().complete_orchestration(item.token, outcome);
  EXPECT_EQ(refused.code(), StatusCode::invalid_argument);
  outcome.actions.clear();
  outcome.custom_status = std::string(1025, 's');
  refused = work().complete_orchestration(item.token, outcome);
  EXPECT_EQ(refused.code(), StatusCode::invalid_argument);
  EXPECT_TRUE(history(id).empty());

  commit(item.token,
         {schedule(7, "gaps are fine", std::string(1024, 'x')), schedule(9, "pending", "")});
  const ActivityWorkItem activity = lock_activity();
  EXPECT_EQ(activity.task_id, 7);
  must(work().complete_activity(activity.token, std::string(1025, 'x')));
  const OrchestrationWorkItem last = lock_orchestration();
  ASSERT_EQ(last.new_events.size(), 2U);
  ASSERT_TRUE(last.new_events[1].failure.has_value());
  EXPECT_EQ(last.new_events[1].failure->type, "PayloadTooLarge");
  refused = refusal(last.token, schedule(9, "pending", ""));
  EXPECT_EQ(refused.code(), StatusCode::invalid_argument);
  EXPECT_NE(refused.message().find("is still waited for"), std::string::npos) << refused.message();
  commit(last.token, {complete(10, "end")});
  expect_output(finish(id), "end");
}

// Replays are told the same time as the step was.
TEST_F(HubWorkItems, AStepHappensWhenItWasHandedOut) {
  open();
  const std::string id = start("foreign");
  const OrchestrationWorkItem item = lock_orchestration();
  std::this_thread::sleep_for(milliseconds(5));
  commit(item.token, {schedule(0, "work", "")});
  EXPECT_EQ(history(id).at(0), item.new_events.at(0));
  reopen();
  EXPECT_EQ(history(id).at(0), item.new_events.at(0));
}

// As the Python SDK does it.
TEST_F(HubWorkItems, ARetryMayHaveTheIdOfWhatFailed) {
  open();
  const std::string id = start("foreign");
  commit(lock_orchestration().token, {schedule(1, "work", "one"), schedule(2, "other", "")});
  const ActivityWorkItem first = lock_activity();
  ASSERT_EQ(first.task_id, 1);
  const ActivityWorkItem other = lock_activity();
  must(work().fail_activity(first.token, FailureDetails{"Type", "why", false, {}}));
  commit(lock_orchestration().token, {schedule(1, "work", "two")});
  const ActivityWorkItem second = lock_activity();
  EXPECT_EQ(second.task_id, 1);
  EXPECT_EQ(second.input, "two");
  must(work().complete_activity(first.token, "late"));  // stale
  must(work().complete_activity(second.token, "2"));
  OrchestrationWorkItem item = lock_orchestration();
  ASSERT_EQ(kinds_of(item.new_events).back(), "TaskCompleted");
  EXPECT_EQ(item.new_events.back().scheduled_id, 1);
  EXPECT_EQ(item.new_events.back().data, "2");
  EXPECT_EQ(refusal(item.token, timer(2, Timestamp{})).code(), StatusCode::invalid_argument);
  HistoryEvent child = schedule(1, "child", "");
  child.kind = Kind::sub_orchestration_created;
  child.instance_id = "child";
  commit(item.token, {child});
  item = lock_orchestration();
  ASSERT_EQ(item.instance_id, "child");
  const ExecutionId execution = item.execution_id;
  commit(item.token, {fail(1, FailureDetails{"Type", "why", false, {}})});
  commit(lock_orchestration().token, {child});
  item = lock_orchestration();
  ASSERT_EQ(item.instance_id, "child");
  EXPECT_NE(item.execution_id, execution);
  commit(item.token, {complete(1, "grown")});
  item = lock_orchestration();
  EXPECT_EQ(item.new_events.back().data, "grown");
  // SDKs number a completion that they make up themselves -1.
  commit(item.token, {complete(-1, "end")});
  expect_output(finish(id), "end");
  EXPECT_EQ(history(id).back().event_id, 3);
  must(work().abandon_activity(other.token));
}

TEST_F(HubWorkItems, AStepMayTakeOnlySomeOfItsMessages) {
  open();
  const std::string id = start("foreign");
  commit(lock_orchestration().token, {});
  for (const char* data : {"1", "2", "3"}) raise(id, "e", data);
  OrchestrationOutcome one;
  one.messages_max = 0;  // one at least
  std::vector<std::string> taken;
  while (taken.size() < 3) {
    const OrchestrationWorkItem item = lock_orchestration();
    taken.push_back(item.new_events.at(1).data.value_or(""));
    must(work().complete_orchestration(item.token, one));
  }
  EXPECT_EQ(taken, (std::vector<std::string>{"1", "2", "3"}));
  expect_no_orchestration();
}

TEST_F(HubWorkItems, AnOrchestrationMayTerminateAnother) {
  open();
  const std::string victim = start("foreign", "", "victim");
  commit(lock_orchestration().token, {});
  const std::string id = start("foreign");
  HistoryEvent terminate = complete(0, "enough");
  terminate.kind = Kind::execution_terminated;
  OrchestrationWorkItem item = lock_orchestration();
  EXPECT_EQ(refusal(item.token, terminate).code(), StatusCode::invalid_argument);
  terminate.instance_id = victim;
  commit(item.token, {terminate, complete(1, "done")});
  expect_output(finish(id), "done");
  EXPECT_EQ(kinds_of(history(id)).back(), "ExecutionCompleted#1");
  EXPECT_EQ(history(id).size(), 3U);
  item = lock_orchestration();
  ASSERT_EQ(item.instance_id, victim);
  EXPECT_EQ(kinds_of(item.new_events).back(), "ExecutionTerminated");
  EXPECT_EQ(item.new_events.back().data, "enough");
}

TEST_F(HubWorkItems, WhatAForeignRuntimeSaysOfACallIsKept) {
  open();
  const std::string id = start("foreign");
  HistoryEvent task = schedule(0, "work", "in");
  task.version = "2";
  task.trace_parent = "trace";
  task.tags = {{"k", "v"}};
  HistoryEvent call = schedule(1, "get", "");
  call.kind = Kind::entity_operation_called;
  call.instance_id = "@counter@a";
  call.request_id = "the caller's";
  HistoryEvent signal = call;
  signal.kind = Kind::entity_operation_signaled;
  signal.event_id = 2;
  commit(lock_orchestration().token, {task, call, signal});
  const ActivityWorkItem activity = lock_activity();
  EXPECT_EQ(activity.version, "2");
  EXPECT_EQ(activity.trace_parent, "trace");
  EXPECT_EQ(activity.tags, task.tags);
  EXPECT_EQ(history(id).at(3).request_id, "the caller's");
  // The entity takes one operation, and gets the other one again.
  Result<EntityWorkItem> batch = work().lock_entity(kLong);
  ASSERT_TRUE(batch.ok());
  while (batch->operations.size() < 2) {
    must(work().abandon_entity(batch->token));
    batch = work().lock_entity(kLong);
    ASSERT_TRUE(batch.ok());
  }
  EXPECT_EQ(batch->operations[0].request_id, "the caller's");
  EntityOutcome outcome;
  outcome.state = "1";
  outcome.operations_max = 1;
  must(work().complete_entity(batch->token, outcome));
  batch = work().lock_entity(kLong);
  ASSERT_TRUE(batch.ok());
  ASSERT_EQ(batch->operations.size(), 1U);
  EXPECT_EQ(batch->operations[0].kind, Kind::entity_operation_signaled);
  EXPECT_EQ(batch->state, "1");
}

TEST_F(HubWorkItems, FailuresArriveWhole) {
  open();
  const std::string id = start("foreign");
  commit(lock_orchestration().token, {schedule(0, "work", "")});
  FailureDetails failure{"Outer", "first", true, {{"Inner", "second", false, {}}}};
  failure.stack_trace = "at main";
  failure.inner[0].properties = "any bytes";
  must(work().fail_activity(lock_activity().token, failure));
  OrchestrationWorkItem item = lock_orchestration();
  ASSERT_EQ(kinds_of(item.new_events).back(), "TaskFailed");
  EXPECT_EQ(item.new_events[1].failure, failure);
  // Deeper than failures may be nested: cut off, no harm.
  FailureDetails deep;
  for (int i = 0; i < 40; ++i) {
    FailureDetails outer{"Level" + std::to_string(i), "", false, {}};
    outer.inner.push_back(std::move(deep));
    deep = std::move(outer);
  }
  commit(item.token, {fail(1, deep)});
  const InstanceState state = finish(id);
  EXPECT_EQ(state.status, RuntimeStatus::failed);
  ASSERT_TRUE(state.failure.has_value());
  EXPECT_EQ(state.failure->type, "Level39");
  reopen();
  EXPECT_EQ(finish(id).failure, state.failure);
}

TEST_F(HubWorkItems, UnknownTokensAreIgnored) {
  open();
  start("foreign");
  const OrchestrationWorkItem item = lock_orchestration();
  std::vector<WorkItemToken> unknown(5, item.token);
  unknown[0].partition = 99;
  unknown[1].sequence += 1000;
  unknown[2].lock += 1;
  unknown[3].task_id = 5;
  unknown[4] = WorkItemToken{};
  for (const WorkItemToken& token : unknown) {
    commit(token, {complete(0, "stray")});
    must(work().complete_activity(token, "stray"));
    must(work().abandon_orchestration(token));
    must(work().abandon_activity(token));
  }
  // A token of the other kind is none either.
  must(work().complete_activity(item.token, "stray"));
  expect_no_orchestration();
  commit(item.token, {schedule(0, "work", "")});
  const ActivityWorkItem activity = lock_activity();
  commit(activity.token, {complete(1, "stray")});
  must(work().complete_activity(activity.token, "right"));
  commit(lock_orchestration().token, {complete(1, "right")});
  expect_output(finish(item.instance_id), "right");
}

TEST_F(HubWorkItems, MessagesThatComeMeanwhileMakeTheNextItem) {
  open();
  const std::string id = start("foreign");
  const OrchestrationWorkItem first = lock_orchestration();
  raise(id, "e", "meanwhile");
  expect_no_orchestration();
  commit(first.token, {});
  const OrchestrationWorkItem second = lock_orchestration();
  ASSERT_EQ(kinds_of(second.new_events),
            (std::vector<std::string>{"OrchestratorStarted", "EventRaised"}));
  EXPECT_EQ(second.new_events[1].data, "meanwhile");
  must(client().terminate(id, "enough"));
  commit(second.token, {});
  const OrchestrationWorkItem third = lock_orchestration();
  ASSERT_EQ(kinds_of(third.new_events).back(), "ExecutionTerminated");
  HistoryEvent end = complete(0, "enough");
  end.status = RuntimeStatus::terminated;
  commit(third.token, {end});
  EXPECT_EQ(finish(id).status, RuntimeStatus::terminated);
}

TEST_F(HubWorkItems, EventsAreSentToOthers) {
  open();
  const std::string receiver = start("foreign", "", "receiver");
  commit(lock_orchestration().token, {});
  start("foreign", "", "sender");
  commit(lock_orchestration().token,
         {send(0, receiver, "e", "1"), send(1, receiver, "e", "2"), complete(2, "")});
  std::vector<std::string> got;
  while (got.size() < 2) {
    const OrchestrationWorkItem item = lock_orchestration();
    ASSERT_EQ(item.instance_id, receiver);
    for (const HistoryEvent& event : item.new_events) {
      if (event.kind == Kind::event_raised) got.push_back(event.data.value_or(""));
    }
    commit(item.token, {});
  }
  EXPECT_EQ(got, (std::vector<std::string>{"1", "2"}));
}

TEST_F(HubWorkItems, ItemsAreOfferedAgainAfterReopening) {
  open();
  const std::string id = start("foreign");
  const std::string waiting = start("foreign");
  const OrchestrationWorkItem before = lock_orchestration();
  reopen();
  std::vector<std::string> offered;
  for (int i = 0; i < 2; ++i) {
    const OrchestrationWorkItem item = lock_orchestration();
    EXPECT_NE(item.token, before.token);
    offered.push_back(item.instance_id);
    commit(before.token, {complete(0, "stale")});
    commit(item.token, {schedule(0, "work", item.instance_id)});
  }
  std::sort(offered.begin(), offered.end());
  std::vector<std::string> all = {id, waiting};
  std::sort(all.begin(), all.end());
  EXPECT_EQ(offered, all);
  const ActivityWorkItem locked = lock_activity();
  ASSERT_TRUE(hub().checkpoint().ok());
  reopen();
  must(work().complete_activity(locked.token, "stale"));
  for (int i = 0; i < 2; ++i) {
    const ActivityWorkItem activity = lock_activity();
    EXPECT_EQ(activity.input, activity.instance_id);
    must(work().complete_activity(activity.token, "fresh"));
  }
  for (int i = 0; i < 2; ++i) {
    const OrchestrationWorkItem item = lock_orchestration();
    ASSERT_EQ(item.new_events.size(), 2U);
    EXPECT_EQ(item.new_events[1].data, "fresh");
    commit(item.token, {complete(1, "end")});
  }
  expect_output(finish(id), "end");
  expect_output(finish(waiting), "end");
}

TEST_F(HubWorkItems, ClosingEndsTheWaitsOfWorkers) {
  open();
  WorkItems& items = work();
  std::vector<StatusCode> codes(4, StatusCode::ok);
  std::vector<std::thread> workers;
  std::atomic<int> waiting{0};
  for (std::size_t i = 0; i < codes.size(); ++i) {
    workers.emplace_back([&, i] {
      ++waiting;
      codes[i] = i % 2 == 0 ? items.lock_orchestration(kLong).status().code()
                            : items.lock_activity(kLong).status().code();
    });
  }
  EXPECT_TRUE(eventually([&] { return waiting.load() == 4; }));
  must(hub().close());
  for (std::thread& worker : workers) worker.join();
  for (const StatusCode code : codes) EXPECT_EQ(code, StatusCode::cancelled);
  EXPECT_EQ(items.lock_orchestration(kLong).status().code(), StatusCode::cancelled);
  EXPECT_EQ(items.complete_activity({}, "late").code(), StatusCode::cancelled);
}

}  // namespace
}  // namespace ingot::testing
