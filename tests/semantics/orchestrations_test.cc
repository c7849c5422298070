// Orchestrations by themselves: activities, their failures, what is carried through.

#include "tests/semantics/stage.h"

namespace ingot::semantics {
namespace {

std::string echo(const ActivityContext& context) { return std::string(context.input); }

std::string fails(const ActivityContext& context) {
  throw std::runtime_error("bad " + std::string(context.input));
}

Task<std::string> sequence(OrchestrationContext& context) {
  std::string text;
  for (const char* city : {"Tokyo", "Seattle", "London"}) {
    text += co_await context.call_activity("echo", city);
    text += ".";
  }
  co_return text;
}

Task<std::string> parallel(OrchestrationContext& context) {
  const long count = std::stol(std::string(context.input()));
  std::vector<Future<std::string>> calls;
  for (long i = 0; i < count; ++i) {
    calls.push_back(context.call_activity("echo", std::to_string(i)));
  }
  const std::vector<std::string> results = co_await context.when_all(std::move(calls));
  long sum = 0;
  for (const std::string& result : results) sum += std::stol(result);
  co_return std::to_string(sum);
}

SCENARIO(Orchestrations, HelloWithoutAnyWait) {
  stage.add("hello", [](OrchestrationContext& context) -> Task<std::string> {
    co_return "Hello " + std::string(context.input()) + "!";
  });
  stage.open();
  stage.expect(stage.start("hello", "world"), "Hello world!");
}

SCENARIO(Orchestrations, ASequenceOfActivitiesOnThePool) {
  stage.add_activity("echo", echo);
  stage.add("sequence", sequence);
  stage.open();
  stage.expect(stage.start("sequence"), "Tokyo.Seattle.London.");
}

SCENARIO(Orchestrations, ASequenceOfInlineActivities) {
  stage.add_inline("echo", echo);
  stage.add("sequence", sequence);
  stage.open();
  stage.expect(stage.start("sequence"), "Tokyo.Seattle.London.");
}

SCENARIO(Orchestrations, ActivitiesInParallel) {
  stage.add_activity("echo", echo);
  stage.add("parallel", parallel);
  stage.open();
  stage.expect(stage.start("parallel", "12"), "66");
}

SCENARIO(Orchestrations, ALargeFanOut) {
  stage.add_inline("echo", echo);
  stage.add("parallel", parallel);
  stage.open();
  stage.expect(stage.start("parallel", "1000"), "499500");
}

SCENARIO(Orchestrations, AFanOutWithLargeResults) {
  stage.add_activity("large", [](const ActivityContext& context) -> std::string {
    return std::string(20'000, context.input.front());
  });
  stage.add("gathers", [](OrchestrationContext& context) -> Task<std::string> {
    std::vector<Future<std::string>> calls;
    for (int i = 0; i < 60; ++i) calls.push_back(context.call_activity("large", "x"));
    const std::vector<std::string> results = co_await context.when_all(std::move(calls));
    std::size_t bytes = 0;
    for (const std::string& result : results) bytes += result.size();
    co_return std::to_string(bytes);
  });
  stage.open();
  const std::string id = stage.start("gathers");
  stage.expect(id, "1200000");
  EXPECT_GE(stage.history(id).size(), 120U);
}

SCENARIO(Orchestrations, ManyAtOnce) {
  stage.add_activity("echo", echo);
  stage.add("sequence", sequence);
  stage.open();
  std::vector<std::string> ids;
  for (int i = 0; i < 20; ++i)
    ids.push_back(stage.start("sequence", "", "many" + std::to_string(i)));
  for (const std::string& id : ids) stage.expect(id, "Tokyo.Seattle.London.");
}

SCENARIO(Orchestrations, LargeInputsAndOutputs) {
  stage.add_activity("echo", echo);
  stage.add("large", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text(context.input());
    std::string back = co_await context.call_activity("echo", text);
    co_return back + text;
  });
  stage.open();
  const std::string text(200'000, 'x');
  stage.expect(stage.start("large", text), text + text);
}

SCENARIO(Orchestrations, AbsentAndEmptyDiffer) {
  stage.add("gives", [](OrchestrationContext&) -> Task<std::string> { co_return ""; });
  stage.add("says nothing", [](OrchestrationContext& context) -> Task<std::string> {
    context.set_custom_status("");
    co_return "";
  });
  stage.open();
  StartOptions without;
  without.instance_id = "without";
  without.has_input = false;
  EXPECT_TRUE(stage.try_start("gives", without).ok());
  const std::string with = stage.start("gives", "", "with");
  const InstanceState absent = stage.finish("without");
  const InstanceState empty = stage.finish(with);
  EXPECT_FALSE(absent.input.has_value());
  EXPECT_TRUE(empty.input.has_value());
  EXPECT_EQ(empty.output.value_or("(none)"), "");
  EXPECT_FALSE(empty.custom_status.has_value());
  const InstanceState said = stage.finish(stage.start("says nothing"));
  EXPECT_EQ(said.custom_status.value_or("(none)"), "");
}

SCENARIO(Orchestrations, ActivityFailuresThatAreHandled) {
  stage.add_activity("fails", fails);
  stage.add("handles", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text;
    try {
      text = co_await context.call_activity("fails", "luck");
    } catch (const TaskFailedError& error) {
      text = error.details().type + ": " + error.details().message;
    }
    co_return text;
  });
  stage.open();
  stage.expect(stage.start("handles"), "std::runtime_error: bad luck");
}

SCENARIO(Orchestrations, ActivityFailuresThatAreNotHandled) {
  stage.add_activity("fails", fails);
  stage.add("passes on", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.call_activity("fails", "luck");
    co_return text;
  });
  stage.open();
  const InstanceState state = stage.finish(stage.start("passes on"));
  EXPECT_EQ(to_string(state.status), "Failed");
  ASSERT_TRUE(state.failure.has_value());
  EXPECT_EQ(state.failure->type, "ingot::TaskFailedError");
  ASSERT_EQ(state.failure->inner.size(), 1U);
  EXPECT_EQ(state.failure->inner.front().message, "bad luck");
}

SCENARIO(Orchestrations, OrchestratorsThatThrowFail) {
  stage.add("throws", [](OrchestrationContext& context) -> Task<std::string> {
    if (!context.input().empty()) throw std::logic_error("thrown");
    co_return "";
  });
  stage.open();
  const InstanceState state = stage.finish(stage.start("throws", "x"));
  EXPECT_EQ(to_string(state.status), "Failed");
  ASSERT_TRUE(state.failure.has_value());
  EXPECT_EQ(state.failure->message, "thrown");
  EXPECT_FALSE(state.output.has_value());
}

SCENARIO(Orchestrations, ActivitiesThatNobodyOffersFail) {
  stage.add("asks", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.call_activity("missing");
    co_return text;
  });
  stage.open();
  stage.expect_status(stage.start("asks"), RuntimeStatus::failed);
}

SCENARIO(Orchestrations, ACustomStatusStaysUntilItIsReplaced) {
  stage.add_activity("echo", echo);
  stage.add("says", [](OrchestrationContext& context) -> Task<std::string> {
    context.set_custom_status("first");
    std::string text = co_await context.wait_for_event("go");
    text = co_await context.call_activity("echo", text);
    std::string more = co_await context.wait_for_event("go");
    context.set_custom_status("second");
    co_return text + more;
  });
  stage.open();
  const std::string id = stage.start("says");
  stage.wait_for_custom_status(id, "first");
  stage.raise(id, "go", "a");
  stage.raise(id, "go", "b");
  stage.expect(id, "ab");
  EXPECT_EQ(stage.get(id)->custom_status.value_or("(none)"), "second");
}

SCENARIO(Orchestrations, GuidsAndTimesAreTheSameInAReplay) {
  stage.add_activity("echo", echo);
  stage.add("notes", [](OrchestrationContext& context) -> Task<std::string> {
    const std::string guid = context.new_guid();
    const Timestamp time = context.current_time();
    // What was asked for tells what they were then; a replay would be refused if they changed.
    std::string told = co_await context.call_activity(
        "echo", guid + std::to_string(time.time_since_epoch().count()));
    std::string event = co_await context.wait_for_event("go");
    const bool same = told == guid + std::to_string(time.time_since_epoch().count());
    const std::string other = context.new_guid();
    if (!same || other == guid) co_return "changed";
    co_return event;
  });
  stage.open();
  const std::string id = stage.start("notes");
  stage.wait_for_start(id);
  stage.raise(id, "go", "same");
  stage.expect(id, "same");
}

SCENARIO(Orchestrations, VersionTagsAndTraceContextAreCarriedThrough) {
  stage.add("child", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text(context.version());
    for (const auto& [key, value] : context.tags()) text += "," + key + "=" + value;
    co_return text;
  });
  stage.add("parent", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text(context.version());
    for (const auto& [key, value] : context.tags()) text += "," + key + "=" + value;
    text += "," + std::string(context.trace_parent());
    SubOrchestrationOptions call;
    call.version = "2";
    call.tags = {{"c", "d"}};
    std::string child = co_await context.call_sub_orchestration("child", "", call);
    co_return text + "|" + child;
  });
  stage.open();
  StartOptions start;
  start.instance_id = "tagged";
  start.version = "1.5";
  start.tags = {{"a", "b"}};
  start.trace_parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  EXPECT_TRUE(stage.try_start("parent", start).ok());
  stage.expect("tagged", "1.5,a=b," + start.trace_parent + "|2,c=d");
  const Result<InstanceState> state = stage.get("tagged");
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->version, "1.5");
  EXPECT_EQ(state->tags, start.tags);
  EXPECT_EQ(state->trace_parent, start.trace_parent);
}

SCENARIO(Orchestrations, TheHistoryOfAChainIsDurableTasks) {
  stage.add_activity("echo", echo);
  stage.add("leaf", [](OrchestrationContext&) -> Task<std::string> { co_return "leaf"; });
  stage.add("chain", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.call_activity("echo", "x");
    co_await context.create_timer(std::chrono::milliseconds(5));
    text += co_await context.call_sub_orchestration("leaf");
    co_return text;
  });
  stage.open();
  const std::string id = stage.start("chain");
  stage.expect(id, "xleaf");
  std::vector<std::string> kinds;
  for (const HistoryEvent& event : stage.history(id)) kinds.emplace_back(to_string(event.kind));
  EXPECT_EQ(kinds,
            (std::vector<std::string>{"OrchestratorStarted", "ExecutionStarted", "TaskScheduled",
                                      "OrchestratorStarted", "TaskCompleted", "TimerCreated",
                                      "OrchestratorStarted", "TimerFired",
                                      "SubOrchestrationInstanceCreated", "OrchestratorStarted",
                                      "SubOrchestrationInstanceCompleted", "ExecutionCompleted"}));
}

SCENARIO(Orchestrations, ActionsOfTheLastStepStillCount) {
  stage.add("listens", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.wait_for_event("word");
    co_return text;
  });
  stage.add("left", [](OrchestrationContext&) -> Task<std::string> { co_return "alone"; });
  stage.add("leaves", [](OrchestrationContext& context) -> Task<std::string> {
    context.send_event("listener", "word", "bye");
    const Future<std::string> child = context.call_sub_orchestration("left", "", "left behind");
    co_return "gone";
  });
  stage.open();
  stage.start("listens", "", "listener");
  stage.expect(stage.start("leaves"), "gone");
  stage.expect("listener", "bye");
  EXPECT_TRUE(stage.until([&] { return stage.get("left behind").ok(); }));
  stage.expect("left behind", "alone");
}

SCENARIO(Orchestrations, RetriesOfAnActivity) {
  // An attempt is known by its action: one that a power loss repeats is the same.
  stage.add_activity("flaky", [](const ActivityContext& context) -> std::string {
    if (context.task_id < 4) throw std::runtime_error("attempt " + std::to_string(context.task_id));
    return "at last";
  });
  stage.add("tries", [](OrchestrationContext& context) -> Task<std::string> {
    RetryPolicy policy;
    policy.attempts_max = 5;
    policy.first_interval = std::chrono::milliseconds(1);
    policy.backoff_coefficient = 2;
    std::string text = co_await context.call_activity("flaky", "", policy);
    co_return text;
  });
  stage.add("gives up", [](OrchestrationContext& context) -> Task<std::string> {
    RetryPolicy policy;
    policy.attempts_max = 2;
    policy.first_interval = std::chrono::milliseconds(1);
    std::string text;
    try {
      text = co_await context.call_activity("flaky", "", policy);
    } catch (const TaskFailedError& error) {
      text = error.details().message;
    }
    co_return text;
  });
  stage.add("chooses", [](OrchestrationContext& context) -> Task<std::string> {
    RetryPolicy policy;
    policy.attempts_max = 10;
    policy.first_interval = std::chrono::milliseconds(1);
    policy.retry_if = [](const FailureDetails& f) { return f.message == "attempt 0"; };
    std::string text;
    try {
      text = co_await context.call_activity("flaky", "", policy);
    } catch (const TaskFailedError& error) {
      text = error.details().message;
    }
    co_return text;
  });
  stage.open();
  stage.expect(stage.start("tries"), "at last");
  stage.expect(stage.start("gives up"), "attempt 2");
  stage.expect(stage.start("chooses"), "attempt 2");
}

SCENARIO(Orchestrations, CodeThatDisagreesWithItsHistoryFails) {
  // Each run asks for something else: the one that replays is found out. Without a replay (the
  // coroutine was kept) nothing shows.
  stage.add_inline("echo", echo);
  stage.add("fickle", [](OrchestrationContext& context) -> Task<std::string> {
    const bool again = context.is_replaying();
    std::string text;
    if (again) {
      co_await context.create_timer(std::chrono::milliseconds(1));
    } else {
      text = co_await context.call_activity("echo", "x");
    }
    text = co_await context.wait_for_event("go");
    co_return text;
  });
  stage.open();
  const std::string id = stage.start("fickle");
  stage.wait_for_start(id);
  stage.let_pass(std::chrono::milliseconds(1));
  // It may have been found out already: a power loss makes for a replay.
  const StatusCode raised = stage.try_raise(id, "go", "x").code();
  EXPECT_TRUE(raised == StatusCode::ok || raised == StatusCode::failed_precondition);
  const InstanceState state = stage.finish(id);
  if (state.failure) {
    EXPECT_EQ(state.failure->type, "NonDeterministicOrchestration");
    EXPECT_NE(state.failure->message.find("TaskScheduled"), std::string::npos)
        << state.failure->message;
    EXPECT_TRUE(stage.purge(id).ok());
  } else {
    EXPECT_EQ(state.output.value_or(""), "x");
    EXPECT_TRUE(stage.purge(id).ok());
  }
}

}  // namespace
}  // namespace ingot::semantics
