// External events, messages between instances, timers.

#include <atomic>

#include "tests/semantics/stage.h"

namespace ingot::semantics {
namespace {

std::string echo(const ActivityContext& context) { return std::string(context.input); }

SCENARIO(Events, ThatComeBeforeTheyAreAwaitedAreKeptInOrder) {
  stage.add("collects", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.wait_for_event("begin");
    for (int i = 0; i < 4; ++i) text += co_await context.wait_for_event("letter");
    text += co_await context.wait_for_event("digit");
    co_return text;
  });
  stage.open();
  const std::string id = stage.start("collects");
  stage.raise(id, "letter", "a");
  stage.raise(id, "digit", "1");
  stage.raise(id, "letter", "b");
  stage.raise(id, "begin", "-");
  stage.raise(id, "letter", "c");
  stage.raise(id, "letter", "d");
  stage.expect(id, "-abcd1");
}

SCENARIO(Events, AConversationOfTwoInstances) {
  stage.add("asks", [](OrchestrationContext& context) -> Task<std::string> {
    std::string partner(context.input());
    std::string text;
    for (int i = 0; i < 5; ++i) {
      context.send_event(partner, "ask", std::to_string(i));
      text += co_await context.wait_for_event("answer");
    }
    context.send_event(partner, "ask", "end");
    co_return text;
  });
  stage.add("answers", [](OrchestrationContext& context) -> Task<std::string> {
    std::string partner(context.input());
    std::string heard;
    for (;;) {
      std::string question = co_await context.wait_for_event("ask");
      if (question == "end") break;
      heard += question;
      context.send_event(partner, "answer", question + question);
    }
    co_return heard;
  });
  stage.open();
  stage.start("answers", "one who asks", "one who answers");
  stage.start("asks", "one who answers", "one who asks");
  stage.expect("one who asks", "0011223344");
  stage.expect("one who answers", "01234");
}

SCENARIO(Events, ManyFromOneToAnotherStayInOrder) {
  stage.add("sends", [](OrchestrationContext& context) -> Task<std::string> {
    for (int i = 0; i < 30; ++i) context.send_event("receiver", "n", std::to_string(i) + ",");
    co_await context.create_timer(std::chrono::milliseconds(2));
    for (int i = 30; i < 40; ++i) context.send_event("receiver", "n", std::to_string(i) + ",");
    co_return "";
  });
  stage.add("receives", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text;
    for (int i = 0; i < 40; ++i) text += co_await context.wait_for_event("n");
    co_return text;
  });
  stage.open();
  stage.start("receives", "", "receiver");
  stage.start("sends");
  std::string expected;
  for (int i = 0; i < 40; ++i) expected += std::to_string(i) + ",";
  stage.expect("receiver", expected);
}

SCENARIO(Events, ToThoseThatAreMissingOrHaveEndedAreDropped) {
  stage.add("ends", [](OrchestrationContext&) -> Task<std::string> { co_return "ended"; });
  stage.add("sends", [](OrchestrationContext& context) -> Task<std::string> {
    context.send_event("nobody", "x");
    context.send_event("the dead", "x");
    std::string text = co_await context.wait_for_event("go");
    co_return text;
  });
  stage.open();
  stage.start("ends", "", "the dead");
  stage.expect("the dead", "ended");
  const std::string id = stage.start("sends");
  stage.wait_for_start(id);
  EXPECT_EQ(stage.try_raise("nobody", "x").code(), StatusCode::not_found);
  EXPECT_EQ(stage.try_raise("the dead", "x").code(), StatusCode::failed_precondition);
  stage.raise(id, "go", "on");
  stage.expect(id, "on");
  EXPECT_EQ(stage.get("nobody").status().code(), StatusCode::not_found);
}

SCENARIO(Events, AWaitWithATimeOut) {
  stage.add("waits", [](OrchestrationContext& context) -> Task<std::string> {
    const std::optional<std::string> first =
        co_await context.wait_for_event("go", std::chrono::milliseconds(3));
    const std::optional<std::string> second =
        co_await context.wait_for_event("go", std::chrono::hours(24));
    co_return first.value_or("late") + "," + second.value_or("late");
  });
  stage.open();
  const std::string id = stage.start("waits");
  stage.wait_for_start(id);
  stage.let_pass(std::chrono::milliseconds(10));
  EXPECT_TRUE(stage.until([&] { return stage.history(id).size() > 4; }));
  stage.raise(id, "go", "came");
  stage.expect(id, "late,came");
}

// --- timers -----------------------------------------------------------------------------------

SCENARIO(Timers, FireAtTheirTime) {
  stage.add("sleeps", [](OrchestrationContext& context) -> Task<std::string> {
    const Timestamp before = context.current_time();
    co_await context.create_timer(std::chrono::milliseconds(20));
    const Duration slept = context.current_time() - before;
    if (slept < std::chrono::milliseconds(20)) co_return "too early";
    co_return "slept";
  });
  stage.open();
  stage.expect(stage.start("sleeps"), "slept");
}

SCENARIO(Timers, InThePastFireAtOnce) {
  stage.add("past", [](OrchestrationContext& context) -> Task<std::string> {
    co_await context.create_timer(Timestamp(Duration(0)));
    co_await context.create_timer(context.current_time() - std::chrono::hours(1));
    co_return "passed";
  });
  stage.open();
  stage.expect(stage.start("past"), "passed");
}

SCENARIO(Timers, OneThatIsNotAwaitedAnyMoreDisturbsNoOne) {
  stage.add_activity("echo", echo);
  stage.add("cancels", [](OrchestrationContext& context) -> Task<std::string> {
    const Future<void> far = context.create_timer(std::chrono::hours(100));
    const Future<void> near = context.create_timer(std::chrono::milliseconds(5));
    const Future<std::string> event = context.wait_for_event("go");
    const std::size_t first = co_await context.when_any(far, near, event);
    std::string text = co_await event;
    text += co_await context.call_activity("echo", std::to_string(first));
    co_return text;
  });
  stage.open();
  const std::string fast = stage.start("cancels");
  stage.raise(fast, "go", "x");
  const InstanceState state = stage.finish(fast);
  EXPECT_TRUE(state.output == "x2" || state.output == "x1") << state.output.value_or("(none)");
  EXPECT_TRUE(stage.purge(fast).ok());  // which of the two was first may differ
}

SCENARIO(Timers, ManyFireInOrder) {
  stage.add("many", [](OrchestrationContext& context) -> Task<std::string> {
    const Timestamp base = context.current_time();
    std::vector<Future<void>> timers;
    for (int i = 0; i < 20; ++i) {
      timers.push_back(context.create_timer(base + std::chrono::milliseconds((i * 7) % 20)));
    }
    co_await context.when_all(std::move(timers));
    co_return "all";
  });
  stage.open();
  stage.expect(stage.start("many"), "all");
}

SCENARIO(Timers, AStartCanBeScheduled) {
  stage.add("starts", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.wait_for_event("go");
    co_return text;
  });
  stage.open();
  StartOptions later;
  later.instance_id = "later";
  later.scheduled_start = stage.now() + std::chrono::milliseconds(300);
  EXPECT_TRUE(stage.try_start("starts", later).ok());
  // Events wait for the start.
  stage.raise("later", "go", "x");
  const Timestamp due = *later.scheduled_start;
  stage.expect("later", "x");
  EXPECT_GE(stage.now(), due);
  EXPECT_GE(*stage.get("later")->completed_at, due);
  StartOptions zero;
  zero.instance_id = "zero";
  zero.scheduled_start = Timestamp();
  EXPECT_TRUE(stage.try_start("starts", zero).ok());
  stage.wait_for_start("zero");
  StartOptions never;
  never.instance_id = "never";
  never.scheduled_start = stage.now() + std::chrono::hours(24 * 365);
  EXPECT_TRUE(stage.try_start("starts", never).ok());
  EXPECT_EQ(to_string(stage.get("never")->status), "Pending");
  EXPECT_TRUE(stage.terminate("never").ok());
  stage.expect_status("never", RuntimeStatus::terminated);
}

SCENARIO(Timers, WhatIsTerminatedBeforeItsStartNeverRuns) {
  static std::atomic<int> runs;
  runs = 0;
  stage.add_activity("runs", [](const ActivityContext&) -> std::string {
    ++runs;
    return "";
  });
  stage.add("ends at once", [](OrchestrationContext& context) -> Task<std::string> {
    const Future<std::string> left = context.call_activity("runs");
    co_return "ran";
  });
  stage.open();
  StartOptions later;
  later.instance_id = "later";
  later.scheduled_start = stage.now() + std::chrono::hours(24 * 365);
  EXPECT_TRUE(stage.try_start("ends at once", later).ok());
  stage.raise("later", "waits");
  EXPECT_TRUE(stage.terminate("later", "not wanted").ok());
  const InstanceState state = stage.finish("later");
  EXPECT_EQ(to_string(state.status), "Terminated");
  EXPECT_EQ(state.output.value_or("(none)"), "not wanted");
  stage.let_pass(std::chrono::milliseconds(20));
  EXPECT_EQ(runs, 0);
}

}  // namespace
}  // namespace ingot::semantics
