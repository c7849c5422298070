// Sub-orchestrations and new executions of an instance.

#include "tests/semantics/stage.h"

namespace ingot::semantics {
namespace {

std::string echo(const ActivityContext& context) { return std::string(context.input); }

Task<std::string> waits(OrchestrationContext& context) {
  std::string text = co_await context.wait_for_event("go");
  co_return text;
}

Task<std::string> tree(OrchestrationContext& context) {
  const std::size_t depth = context.input().size();
  if (depth == 0) co_return "1";
  std::string input(depth - 1, 'x');
  std::vector<Future<std::string>> children;
  for (int i = 0; i < 3; ++i) children.push_back(context.call_sub_orchestration("tree", input));
  std::vector<std::string> counts = co_await context.when_all(std::move(children));
  long sum = 0;
  for (const std::string& count : counts) sum += std::stol(count);
  co_return std::to_string(sum);
}

SCENARIO(Children, AFanOutOfFanOuts) {
  stage.add("tree", tree);
  stage.open();
  stage.expect(stage.start("tree", "xxx"), "27");
}

SCENARIO(Children, AParentOfASequence) {
  stage.add_activity("echo", echo);
  stage.add("sequence", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.call_activity("echo", "a");
    text += co_await context.call_activity("echo", "b");
    co_return text;
  });
  stage.add("parent", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.call_sub_orchestration("sequence");
    text += co_await context.call_sub_orchestration("sequence", "", "given");
    co_return text;
  });
  stage.open();
  const std::string id = stage.start("parent");
  stage.expect(id, "abab");
  stage.expect("given", "ab");
  EXPECT_EQ(stage.get("given")->parent_instance_id.value_or("(none)"), id);
}

SCENARIO(Children, FailuresReachTheParent) {
  stage.add("fails", [](OrchestrationContext& context) -> Task<std::string> {
    if (context.input().empty()) throw std::runtime_error("child fails");
    co_return "";
  });
  stage.add("handles", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text;
    try {
      text = co_await context.call_sub_orchestration("fails");
    } catch (const TaskFailedError& error) {
      text = error.details().message;
    }
    co_return text;
  });
  stage.add("passes on", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.call_sub_orchestration("fails");
    co_return text;
  });
  stage.open();
  stage.expect(stage.start("handles"), "child fails");
  stage.expect_status(stage.start("passes on"), RuntimeStatus::failed);
}

SCENARIO(Children, ARetryTakesTheSameIdAgain) {
  stage.add_entity("tries", [](EntityContext& context) -> std::string {
    const long tries = std::stol(std::string(context.state().value_or("0"))) + 1;
    context.set_state(std::to_string(tries));
    return std::to_string(tries);
  });
  stage.add("flaky", [](OrchestrationContext& context) -> Task<std::string> {
    const EntityId id("tries", "one");
    std::string tries = co_await context.call_entity(id, "count");
    if (tries != "3") throw std::runtime_error("not yet");
    co_return tries;
  });
  stage.add("parent", [](OrchestrationContext& context) -> Task<std::string> {
    RetryPolicy policy;
    policy.attempts_max = 5;
    policy.first_interval = std::chrono::milliseconds(1);
    std::string text = co_await context.call_sub_orchestration("flaky", "", "same id", policy);
    co_return text;
  });
  stage.open();
  stage.expect(stage.start("parent"), "3");
  stage.expect("same id", "3");
}

SCENARIO(Children, ALiveIdFailsTheChild) {
  stage.add("waits", waits);
  stage.add("parent", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text;
    try {
      text = co_await context.call_sub_orchestration("waits", "", "taken");
    } catch (const TaskFailedError& error) {
      text = error.details().type;
    }
    co_return text;
  });
  stage.open();
  stage.start("waits", "", "taken");
  stage.expect(stage.start("parent"), "InstanceAlreadyExists");
  stage.raise("taken", "go", "free");
  stage.expect("taken", "free");
}

SCENARIO(Children, AFinishedIdIsTakenOver) {
  stage.add("waits", waits);
  stage.add("parent", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.call_sub_orchestration("waits", "", "used");
    co_return text;
  });
  stage.open();
  stage.start("waits", "", "used");
  stage.raise("used", "go", "first");
  stage.expect("used", "first");
  const std::string parent = stage.start("parent");
  EXPECT_TRUE(stage.until([&] {
    const Result<InstanceState> state = stage.get("used");
    return state.ok() && !is_terminal(state->status);
  }));
  stage.raise("used", "go", "second");
  stage.expect(parent, "second");
}

SCENARIO(Children, ATerminatedChildIsAFailure) {
  stage.add("waits", waits);
  stage.add("parent", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text;
    try {
      text = co_await context.call_sub_orchestration("waits", "", "child");
    } catch (const TaskFailedError& error) {
      text = error.details().message;
    }
    co_return text;
  });
  stage.open();
  const std::string parent = stage.start("parent");
  EXPECT_TRUE(stage.until([&] { return stage.get("child").ok(); }));
  EXPECT_TRUE(stage.terminate("child", "enough").ok());
  const InstanceState state = stage.finish(parent);
  EXPECT_NE(state.output.value_or("").find("enough"), std::string::npos) << *state.output;
  stage.expect_status("child", RuntimeStatus::terminated);
}

SCENARIO(Children, TerminationReachesTheDescendantsIfAsked) {
  stage.add("waits", waits);
  stage.add("middle", [](OrchestrationContext& context) -> Task<std::string> {
    std::string id(context.input());
    std::string text = co_await context.call_sub_orchestration("waits", "", id + "/leaf");
    co_return text;
  });
  stage.add("top", [](OrchestrationContext& context) -> Task<std::string> {
    std::string id(context.instance_id());
    std::string child = id + "/child";
    std::string text = co_await context.call_sub_orchestration("middle", child, child);
    co_return text;
  });
  stage.open();
  for (const std::string id : {"deep", "shallow"}) {
    stage.start("top", "", id);
    EXPECT_TRUE(stage.until([&] { return stage.get(id + "/child/leaf").ok(); }));
    EXPECT_TRUE(stage.terminate(id, "stop", id == "deep").ok());
    stage.expect_status(id, RuntimeStatus::terminated);
  }
  stage.expect_status("deep/child", RuntimeStatus::terminated);
  stage.expect_status("deep/child/leaf", RuntimeStatus::terminated);
  stage.raise("shallow/child/leaf", "go", "alive");
  stage.expect("shallow/child", "alive");
}

SCENARIO(Children, OneThatNobodyOffersFails) {
  stage.add("parent", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text;
    try {
      text = co_await context.call_sub_orchestration("missing");
    } catch (const TaskFailedError& error) {
      text = error.details().type;
    }
    co_return text;
  });
  stage.open();
  stage.expect(stage.start("parent"), "OrchestratorNotRegistered");
}

SCENARIO(Children, KnowTheirParents) {
  stage.add("child", [](OrchestrationContext& context) -> Task<std::string> {
    const std::optional<ParentInfo> parent = context.parent();
    if (!parent) co_return "an orphan";
    co_return parent->name + " " + parent->instance_id + " " + to_string(parent->execution_id) +
        " " + std::to_string(parent->scheduled_id);
  });
  stage.add("parent", [](OrchestrationContext& context) -> Task<std::string> {
    const Future<void> first = context.create_timer(std::chrono::hours(1));
    std::string told = co_await context.call_sub_orchestration("child", "", "its child");
    const bool right = told == "parent family " + to_string(context.execution_id()) + " 1";
    co_return right ? "right" : told;
  });
  stage.open();
  stage.start("parent", "", "family");
  stage.expect("family", "right");
  stage.expect(stage.start("child"), "an orphan");
  EXPECT_EQ(stage.get("its child")->parent_instance_id.value_or("-"), "family");
  EXPECT_FALSE(stage.get("family")->parent_instance_id.has_value());
}

// --- continue-as-new ----------------------------------------------------------------------------

SCENARIO(NewExecutions, ALoopHasAShortHistory) {
  stage.add_activity("echo", echo);
  stage.add("loop", [](OrchestrationContext& context) -> Task<std::string> {
    const long left = std::stol(std::string(context.input()));
    if (left == 0) co_return "done";
    std::string next = std::to_string(left - 1);
    next = co_await context.call_activity("echo", next);
    context.continue_as_new(next);
    co_return "";
  });
  stage.open();
  const std::string id = stage.start("loop", "10");
  stage.expect(id, "done");
  EXPECT_LT(stage.history(id).size(), 5U);
  EXPECT_EQ(stage.get(id)->input.value_or(""), "0");
}

SCENARIO(NewExecutions, ContinueThenWaitForATimer) {
  stage.add("timer", [](OrchestrationContext& context) -> Task<std::string> {
    if (context.input() == "first") {
      context.continue_as_new("second");
      co_return "";
    }
    co_await context.create_timer(std::chrono::milliseconds(3));
    co_return std::string(context.input());
  });
  stage.open();
  stage.expect(stage.start("timer", "first"), "second");
}

SCENARIO(NewExecutions, EventsGoOverUnlessTheyAreDropped) {
  stage.add("sum", [](OrchestrationContext& context) -> Task<std::string> {
    long sum = std::stol(std::string(context.input()));
    std::string data = co_await context.wait_for_event("add");
    if (data == "end") co_return std::to_string(sum);
    sum += std::stol(data);
    context.continue_as_new(std::to_string(sum));
    co_return "";
  });
  stage.add("forgets", [](OrchestrationContext& context) -> Task<std::string> {
    std::string data = co_await context.wait_for_event("go");
    if (context.input() == "0") {
      context.set_custom_status("again");
      context.continue_as_new("1", false);
      co_return "";
    }
    co_return data;
  });
  stage.open();
  const std::string sum = stage.start("sum", "0");
  for (int i = 1; i <= 10; ++i) stage.raise(sum, "add", std::to_string(i));
  stage.raise(sum, "add", "end");
  stage.expect(sum, "55");
  const std::string forgets = stage.start("forgets", "0");
  stage.raise(forgets, "go", "first");
  stage.wait_for_custom_status(forgets, "again");
  stage.raise(forgets, "go", "second");
  stage.expect(forgets, "second");
}

SCENARIO(NewExecutions, OldTimersAndAnswersAreNotForTheNewOne) {
  stage.add("slow", waits);
  stage.add("moves on", [](OrchestrationContext& context) -> Task<std::string> {
    if (context.input() == "0") {
      const Future<void> timer = context.create_timer(std::chrono::milliseconds(20));
      const Future<std::string> child = context.call_sub_orchestration("slow", "", "slow one");
      std::string data = co_await context.wait_for_event("next");
      context.continue_as_new("1");
      co_return data;
    }
    // Actions of the same ids: the old answers must not be taken for theirs.
    const Future<void> timer = context.create_timer(std::chrono::hours(10));
    const Future<std::string> child = context.call_sub_orchestration("slow", "", "other one");
    context.set_custom_status("moved");
    std::string answer = co_await child;
    if (timer.done()) answer += " and a timer";
    co_return answer;
  });
  stage.open();
  const std::string id = stage.start("moves on", "0");
  stage.wait_for_start(id);
  const ExecutionId before = stage.get(id)->execution_id;
  EXPECT_TRUE(stage.until([&] { return stage.get("slow one").ok(); }));
  stage.raise(id, "next");
  stage.wait_for_custom_status(id, "moved");
  EXPECT_NE(stage.get(id)->execution_id, before);
  stage.raise("slow one", "go", "old");
  stage.expect("slow one", "old");
  stage.let_pass(std::chrono::milliseconds(50));
  EXPECT_TRUE(stage.until([&] { return stage.get("other one").ok(); }));
  stage.raise("other one", "go", "new");
  stage.expect(id, "new");
}

SCENARIO(NewExecutions, TheParentGetsTheLastOnesResult) {
  stage.add("child", [](OrchestrationContext& context) -> Task<std::string> {
    const std::string input(context.input());
    if (input.size() < 4) {
      context.continue_as_new(input + "x");
      co_return "";
    }
    co_return input;
  });
  stage.add("parent", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.call_sub_orchestration("child");
    co_return text;
  });
  stage.open();
  stage.expect(stage.start("parent"), "xxxx");
}

SCENARIO(NewExecutions, AreOfTheSameInstance) {
  stage.add("child", [](OrchestrationContext& context) -> Task<std::string> {
    const std::string input(context.input());
    if (input != "xx") {
      context.set_custom_status("said by the first");
      context.continue_as_new(input + "x");
      co_return "";
    }
    std::string event = co_await context.wait_for_event("go");
    const std::optional<ParentInfo> parent = context.parent();
    std::string text = std::string(context.version()) + "," + (parent ? parent->instance_id : "-");
    for (const auto& [key, value] : context.tags()) text += "," + key + "=" + value;
    co_return text + "," + event;
  });
  stage.add("parent", [](OrchestrationContext& context) -> Task<std::string> {
    SubOrchestrationOptions call;
    call.instance_id = "continued";
    call.version = "3";
    call.tags = {{"a", "b"}};
    std::string text = co_await context.call_sub_orchestration("child", "", call);
    co_return text;
  });
  stage.open();
  stage.start("parent", "", "p");
  stage.wait_for_custom_status("continued", "said by the first");
  EXPECT_TRUE(stage.until([&] { return stage.get("continued")->input == "xx"; }));
  // Whoever looks sees an instance that runs.
  EXPECT_EQ(to_string(stage.get("continued")->status), "Running");
  InstanceQuery query;
  query.statuses = {RuntimeStatus::continued_as_new};
  const Result<InstancePage> none =
      stage.ask([&](Client& with) { return with.query_instances(query); });
  EXPECT_TRUE(none.ok() && none->instances.empty());
  stage.raise("continued", "go", "on");
  stage.expect("p", "3,p,a=b,on");
  EXPECT_EQ(stage.get("continued")->custom_status.value_or("-"), "said by the first");
  const std::vector<HistoryEvent> events = stage.history("continued");
  ASSERT_GE(events.size(), 2U);
  EXPECT_EQ(to_string(events[0].kind), "OrchestratorStarted");
  EXPECT_EQ(to_string(events[1].kind), "ExecutionStarted");
  EXPECT_EQ(events[1].name, "child");
  EXPECT_EQ(events[1].data.value_or("-"), "xx");
  EXPECT_EQ(events[1].execution_id, stage.get("continued")->execution_id);
}

SCENARIO(NewExecutions, OldAnswersOfEntitiesAreNotForTheNewOne) {
  stage.add_entity("log", [](EntityContext& context) -> std::string {
    context.set_state(std::string(context.state().value_or("")) + std::string(context.input()));
    return std::string(context.input());
  });
  stage.add("holds", [](OrchestrationContext& context) -> Task<std::string> {
    const EntityId id("log", "x");
    EntityLock lock = co_await context.lock_entities(id);
    context.set_custom_status("locked");
    std::string text = co_await context.wait_for_event("go");
    co_return text;
  });
  stage.add("calls", [](OrchestrationContext& context) -> Task<std::string> {
    const std::string input(context.input());
    // The same action of either execution; both wait for the lock.
    const EntityId id("log", "x");
    const Future<std::string> call = context.call_entity(id, "append", input);
    if (input == "a") {
      std::string event = co_await context.wait_for_event("next");
      context.continue_as_new("b");
      co_return event;
    }
    context.set_custom_status("new");
    std::string answer = co_await call;
    co_return answer;
  });
  stage.open();
  stage.start("holds", "", "h");
  stage.wait_for_custom_status("h", "locked");
  stage.start("calls", "a", "c");
  stage.raise("c", "next");
  stage.wait_for_custom_status("c", "new");
  stage.raise("h", "go", "on");
  stage.expect("c", "b");
  stage.wait_for_state(EntityId("log", "x"), "ab");
}

SCENARIO(NewExecutions, AnActorTakesManyOperations) {
  stage.add("actor", [](OrchestrationContext& context) -> Task<std::string> {
    long value = std::stol(std::string(context.input()));
    std::string operation = co_await context.wait_for_event("operation");
    if (operation == "incr") ++value;
    if (operation == "decr") --value;
    context.set_custom_status(std::to_string(value));
    if (operation == "end") co_return std::to_string(value);
    context.continue_as_new(std::to_string(value));
    co_return "";
  });
  stage.open();
  const std::string id = stage.start("actor", "0");
  for (const char* operation : {"incr", "incr", "incr", "decr", "incr"}) {
    stage.raise(id, "operation", operation);
  }
  stage.wait_for_custom_status(id, "3");
  stage.raise(id, "operation", "end");
  stage.expect(id, "3");
}

}  // namespace
}  // namespace ingot::semantics
