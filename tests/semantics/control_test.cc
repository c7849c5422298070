// What clients do to instances: terminate, suspend, recreate, restart, rewind, purge.

#include "tests/semantics/stage.h"

namespace ingot::semantics {
namespace {

std::string echo(const ActivityContext& context) { return std::string(context.input); }

Task<std::string> waits(OrchestrationContext& context) {
  std::string text = co_await context.wait_for_event("go");
  co_return text;
}

Task<std::string> ends(OrchestrationContext& context) {
  const std::string input(context.input());
  if (input == "fail") throw std::runtime_error("asked to fail");
  if (input == "wait") {
    std::string text = co_await context.wait_for_event("go");
    co_return text;
  }
  if (input == "child") {
    std::string text = co_await context.call_sub_orchestration("ends", "x", "the child");
    co_return text;
  }
  co_return input;
}

StatusCode start_again(Stage& stage, const std::string& id, std::string input,
                       std::vector<RuntimeStatus> replace) {
  StartOptions options;
  options.instance_id = id;
  options.input = std::move(input);
  options.replace = std::move(replace);
  return stage.try_start("ends", options).status().code();
}

// --- terminate --------------------------------------------------------------------------------

SCENARIO(Terminate, EndsWhatWaits) {
  stage.add("waits", waits);
  stage.open();
  const std::string id = stage.start("waits");
  EXPECT_TRUE(stage.terminate(id, "the reason").ok());
  const InstanceState state = stage.finish(id);
  EXPECT_EQ(to_string(state.status), "Terminated");
  EXPECT_EQ(state.output.value_or("(none)"), "the reason");
  EXPECT_FALSE(state.failure.has_value());
  EXPECT_EQ(stage.terminate(id).code(), StatusCode::failed_precondition);
  EXPECT_EQ(stage.terminate("nobody").code(), StatusCode::not_found);
  EXPECT_EQ(stage.try_raise(id, "go").code(), StatusCode::failed_precondition);
}

// --- suspend ----------------------------------------------------------------------------------

SCENARIO(Suspend, EventsAndAnswersWaitInOrder) {
  stage.add_activity("echo", echo);
  stage.add("collects", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text;
    for (int i = 0; i < 3; ++i) {
      std::string letter = co_await context.wait_for_event("letter");
      text += co_await context.call_activity("echo", letter);
    }
    co_return text;
  });
  stage.open();
  const std::string id = stage.start("collects");
  stage.wait_for_start(id);
  EXPECT_TRUE(stage.suspend(id).ok());
  EXPECT_TRUE(stage.until([&] { return stage.get(id)->status == RuntimeStatus::suspended; }));
  for (const char* letter : {"a", "b", "c"}) stage.raise(id, "letter", letter);
  stage.let_pass(std::chrono::milliseconds(5));
  EXPECT_EQ(to_string(stage.get(id)->status), "Suspended");
  EXPECT_TRUE(stage.suspend(id).ok());
  EXPECT_TRUE(stage.resume(id).ok());
  stage.expect(id, "abc");
  EXPECT_EQ(stage.suspend(id).code(), StatusCode::failed_precondition);
  EXPECT_EQ(stage.resume("nobody").code(), StatusCode::not_found);
}

SCENARIO(Suspend, WhatIsSuspendedCanBeTerminated) {
  stage.add("waits", waits);
  stage.open();
  const std::string id = stage.start("waits");
  stage.wait_for_start(id);
  EXPECT_TRUE(stage.suspend(id).ok());
  stage.raise(id, "go", "too late");
  EXPECT_TRUE(stage.terminate(id, "off").ok());
  const InstanceState state = stage.finish(id);
  EXPECT_EQ(to_string(state.status), "Terminated");
  EXPECT_EQ(state.output.value_or("(none)"), "off");
}

SCENARIO(Suspend, TimersThatPassMeanwhileFireAfterwards) {
  stage.add("sleeps", [](OrchestrationContext& context) -> Task<std::string> {
    co_await context.create_timer(std::chrono::milliseconds(30));
    co_return "woke";
  });
  stage.open();
  const std::string id = stage.start("sleeps");
  stage.wait_for_start(id);
  const Status suspended = stage.suspend(id);
  stage.let_pass(std::chrono::milliseconds(60));
  // On a slow machine the timer may have been first.
  EXPECT_TRUE(suspended.ok() || stage.simulated() == nullptr) << suspended.to_string();
  if (!is_terminal(stage.get(id)->status)) {
    EXPECT_EQ(to_string(stage.get(id)->status), "Suspended");
    EXPECT_TRUE(stage.resume(id).ok());
  }
  stage.expect(id, "woke");
}

// --- ids that exist ---------------------------------------------------------------------------

SCENARIO(Recreate, WithoutAPolicyAnIdIsTakenOnce) {
  stage.add("ends", ends);
  stage.open();
  stage.start("ends", "x", "completed");
  stage.start("ends", "fail", "failed");
  stage.start("ends", "wait", "terminated");
  stage.start("ends", "wait", "running");
  EXPECT_TRUE(stage.terminate("terminated").ok());
  stage.expect("completed", "x");
  stage.expect_status("failed", RuntimeStatus::failed);
  stage.expect_status("terminated", RuntimeStatus::terminated);
  for (const std::string id : {"completed", "failed", "terminated", "running"}) {
    EXPECT_EQ(start_again(stage, id, "y", {}), StatusCode::already_exists) << id;
  }
  stage.raise("running", "go", "on");
  stage.expect("running", "on");
}

SCENARIO(Recreate, WhatHasEndedIsReplaced) {
  stage.add("ends", ends);
  stage.open();
  stage.start("ends", "x", "completed");
  stage.start("ends", "child", "with child");
  stage.start("ends", "fail", "failed");
  stage.start("ends", "wait", "terminated");
  EXPECT_TRUE(stage.terminate("terminated").ok());
  stage.expect("completed", "x");
  stage.expect("with child", "x");
  stage.expect_status("failed", RuntimeStatus::failed);
  stage.expect_status("terminated", RuntimeStatus::terminated);
  const std::vector<RuntimeStatus> any{RuntimeStatus::completed, RuntimeStatus::failed,
                                       RuntimeStatus::terminated};
  EXPECT_EQ(start_again(stage, "completed", "no", {RuntimeStatus::failed}),
            StatusCode::already_exists);
  for (const std::string id : {"completed", "with child", "failed", "terminated"}) {
    EXPECT_EQ(start_again(stage, id, "again", any), StatusCode::ok) << id;
    stage.expect(id, "again");
  }
}

SCENARIO(Recreate, WhatRunsIsTerminatedFirst) {
  stage.add("ends", ends);
  stage.add("parent", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text;
    try {
      text = co_await context.call_sub_orchestration("ends", "wait", "child");
    } catch (const TaskFailedError&) {
      text = "the child was terminated";
    }
    co_return text;
  });
  stage.open();
  stage.start("parent", "", "parent");
  EXPECT_TRUE(stage.until([&] {
    const Result<InstanceState> state = stage.get("child");
    return state.ok() && state->status == RuntimeStatus::running;
  }));
  const ExecutionId before = stage.get("child")->execution_id;
  EXPECT_EQ(
      start_again(stage, "child", "again",
                  {RuntimeStatus::pending, RuntimeStatus::running, RuntimeStatus::terminated}),
      StatusCode::ok);
  stage.expect("parent", "the child was terminated");
  stage.expect("child", "again");
  EXPECT_NE(stage.get("child")->execution_id, before);
  // A policy that contradicts itself.
  EXPECT_EQ(start_again(stage, "other", "x", {RuntimeStatus::running}),
            StatusCode::invalid_argument);
}

// --- restart ----------------------------------------------------------------------------------

SCENARIO(Restart, UnderTheSameOrANewId) {
  stage.add("ends", ends);
  stage.open();
  stage.start("ends", "x", "done");
  stage.expect("done", "x");
  const ExecutionId before = stage.get("done")->execution_id;
  const Result<std::string> same = stage.restart("done");
  ASSERT_TRUE(same.ok()) << same.status().to_string();
  EXPECT_EQ(*same, "done");
  stage.expect("done", "x");
  EXPECT_NE(stage.get("done")->execution_id, before);
  const Result<std::string> fresh = stage.restart("done", true);
  ASSERT_TRUE(fresh.ok()) << fresh.status().to_string();
  EXPECT_NE(*fresh, "done");
  stage.expect(*fresh, "x");
  EXPECT_EQ(stage.restart("nobody").status().code(), StatusCode::not_found);
  stage.start("ends", "wait", "alive");
  EXPECT_EQ(stage.restart("alive").status().code(), StatusCode::failed_precondition);
  stage.raise("alive", "go", "on");
  stage.expect("alive", "on");
}

// --- rewind -----------------------------------------------------------------------------------

// Fails until it has been told twice.
std::string gate(EntityContext& context) {
  if (context.operation() == "open") {
    context.set_state("open");
    return "";
  }
  return context.state().has_value() ? "open" : "shut";
}

SCENARIO(Rewind, AnOrchestratorThatFailsByItselfFailsAgain) {
  stage.add_entity("gate", gate);
  stage.add_activity("echo", echo);
  stage.add("passes", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.call_activity("echo", "before,");
    const EntityId id("gate", "g");
    std::string state = co_await context.call_entity(id, "look");
    context.set_custom_status(state);
    std::string event = co_await context.wait_for_event("go");
    if (event == "fail") throw std::runtime_error("told to fail");
    co_return text + event;
  });
  stage.open();
  const std::string id = stage.start("passes", "", "rewound");
  stage.wait_for_custom_status(id, "shut");
  EXPECT_EQ(stage.rewind(id).code(), StatusCode::failed_precondition);
  stage.raise(id, "go", "fail");
  stage.expect_status(id, RuntimeStatus::failed);
  EXPECT_EQ(stage.rewind("nobody").code(), StatusCode::not_found);
  // The event that led to it is there again, and so are the answers from before.
  EXPECT_TRUE(stage.rewind(id).ok());
  const InstanceState state = stage.finish(id);
  EXPECT_EQ(to_string(state.status), "Failed");
  EXPECT_EQ(state.failure ? state.failure->message : "(none)", "told to fail");
  EXPECT_EQ(state.custom_status.value_or("(none)"), "shut");
}

SCENARIO(Rewind, AFailedActivityRunsAgain) {
  // Shared by all partitions and incarnations, as the outside world is.
  static std::atomic<bool> works;
  works = false;
  stage.add_activity("echo", echo);
  stage.add_activity("flaky", [](const ActivityContext&) -> std::string {
    if (!works) throw std::runtime_error("out of order");
    return "works";
  });
  stage.add("runs", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.call_activity("echo", "it ");
    text += co_await context.call_activity("flaky");
    co_return text;
  });
  stage.add("parent", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.call_sub_orchestration("runs", "", "failed child");
    co_return text + " for the child";
  });
  stage.open();
  stage.start("runs", "", "alone");
  stage.start("parent", "", "with child");
  stage.expect_status("alone", RuntimeStatus::failed);
  stage.expect_status("with child", RuntimeStatus::failed);
  works = true;
  const Status alone = stage.rewind("alone");
  EXPECT_TRUE(alone.ok()) << alone.to_string();
  stage.expect("alone", "it works");
  EXPECT_TRUE(stage.rewind("with child").ok());
  stage.expect("with child", "it works for the child");
  stage.expect("failed child", "it works");
}

SCENARIO(Rewind, AFailureThatLedToMoreIsNotTakenBack) {
  static std::atomic<bool> works;
  works = false;
  stage.add_activity(
      "fails", [](const ActivityContext&) -> std::string { throw std::runtime_error("handled"); });
  stage.add_activity("gated", [](const ActivityContext&) -> std::string {
    if (!works) throw std::runtime_error("shut");
    return "open";
  });
  stage.add("parallel", [](OrchestrationContext& context) -> Task<std::string> {
    const Future<std::string> failing = context.call_activity("fails");
    // The failure alone asks for nothing; what comes next needs both.
    const Future<std::string> event = context.wait_for_event("go");
    std::string text;
    try {
      text = co_await failing;
    } catch (const TaskFailedError& error) {
      text = error.details().message;
    }
    context.set_custom_status(text);
    text += co_await event;
    text += co_await context.call_activity("gated");
    co_return text;
  });
  stage.open();
  const std::string id = stage.start("parallel");
  stage.wait_for_custom_status(id, "handled");
  stage.raise(id, "go", ", then ");
  stage.expect_status(id, RuntimeStatus::failed);
  works = true;
  EXPECT_TRUE(stage.rewind(id).ok());
  stage.expect(id, "handled, then open");
}

// --- purge ------------------------------------------------------------------------------------

SCENARIO(Purge, ForgetsWhatHasEnded) {
  stage.add("ends", ends);
  stage.open();
  stage.start("ends", "x", "done");
  stage.start("ends", "wait", "alive");
  stage.expect("done", "x");
  EXPECT_EQ(stage.purge("done").value(), 1U);
  EXPECT_EQ(stage.purge("done").value(), 0U);
  EXPECT_EQ(stage.get("done").status().code(), StatusCode::not_found);
  EXPECT_EQ(stage.purge("nobody").value(), 0U);
  EXPECT_EQ(stage.purge("alive").status().code(), StatusCode::failed_precondition);
  EXPECT_EQ(start_again(stage, "done", "again", {}), StatusCode::ok);
  stage.expect("done", "again");
  stage.raise("alive", "go", "on");
  stage.expect("alive", "on");
}

SCENARIO(Purge, TakesTheChildrenIfAsked) {
  stage.add("ends", ends);
  stage.open();
  stage.start("ends", "child", "parent");
  stage.expect("parent", "x");
  stage.expect("the child", "x");
  const Result<std::uint64_t> purged = stage.purge("parent", true);
  ASSERT_TRUE(purged.ok()) << purged.status().to_string();
  EXPECT_EQ(stage.get("parent").status().code(), StatusCode::not_found);
  EXPECT_EQ(stage.get("the child").status().code(), StatusCode::not_found);
}

SCENARIO(Purge, ByFilter) {
  stage.add("ends", ends);
  stage.open();
  for (int i = 0; i < 9; ++i) {
    stage.start("ends", i % 3 == 0 ? "fail" : "x", "p" + std::to_string(i));
  }
  stage.start("ends", "wait", "palive");
  for (int i = 0; i < 9; ++i) stage.finish("p" + std::to_string(i));
  PurgeFilter filter;
  filter.prefix = "p";
  filter.statuses = {RuntimeStatus::failed};
  const auto purge = [&] {
    return stage.ask(
        [&](Client& with) { return with.purge_instances(filter, std::chrono::seconds(60)); });
  };
  ASSERT_TRUE(purge().ok());
  for (int i = 0; i < 9; ++i) {
    EXPECT_EQ(stage.get("p" + std::to_string(i)).ok(), i % 3 != 0) << i;
  }
  filter.statuses.clear();
  ASSERT_TRUE(purge().ok());
  EXPECT_FALSE(stage.get("p1").ok());
  EXPECT_TRUE(stage.get("palive").ok());
  stage.raise("palive", "go", "on");
  stage.expect("palive", "on");
}

// --- queries ----------------------------------------------------------------------------------

SCENARIO(Queries, ByStatusPrefixAndTimeInPages) {
  stage.add("ends", ends);
  stage.open();
  for (int i = 0; i < 6; ++i) stage.start("ends", "x", "q/done" + std::to_string(i));
  for (int i = 0; i < 6; ++i) stage.expect("q/done" + std::to_string(i), "x");
  stage.let_pass(std::chrono::milliseconds(5));
  const Timestamp middle = stage.now();
  stage.let_pass(std::chrono::milliseconds(5));
  for (int i = 0; i < 3; ++i) stage.start("ends", "wait", "q/waits" + std::to_string(i));
  stage.start("ends", "fail", "r/failed");
  stage.expect_status("r/failed", RuntimeStatus::failed);
  const auto ids = [&](InstanceQuery query) {
    std::vector<std::string> found;
    do {
      const Result<InstancePage> page =
          stage.ask([&](Client& with) { return with.query_instances(query); });
      EXPECT_TRUE(page.ok()) << page.status().to_string();
      if (!page.ok()) break;
      EXPECT_LE(page->instances.size(), query.page_size);
      for (const InstanceState& state : page->instances) found.push_back(state.instance_id);
      query.continuation_token = page->continuation_token;
    } while (!query.continuation_token.empty());
    return found;
  };
  InstanceQuery query;
  query.page_size = 4;
  EXPECT_EQ(ids(query).size(), 10U);
  query.prefix = "q/";
  std::vector<std::string> all = ids(query);
  EXPECT_EQ(all.size(), 9U);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
  query.descending = true;
  std::vector<std::string> back = ids(query);
  std::reverse(back.begin(), back.end());
  EXPECT_EQ(back, all);
  query.descending = false;
  query.created_to = middle;
  EXPECT_EQ(ids(query).size(), 6U);
  query.created_to.reset();
  query.created_from = middle;
  EXPECT_EQ(ids(query).size(), 3U);
  query = {};
  query.statuses = {RuntimeStatus::failed};
  EXPECT_EQ(ids(query), std::vector<std::string>{"r/failed"});
  query.statuses = {RuntimeStatus::suspended};
  EXPECT_TRUE(ids(query).empty());
  query = {};
  query.completed_to = middle;
  EXPECT_EQ(ids(query).size(), 6U);
  InstanceIdQuery ended;
  ended.page_size = 4;
  std::vector<std::string> order;
  do {
    const Result<InstanceIdPage> page =
        stage.ask([&](Client& with) { return with.list_instance_ids(ended); });
    ASSERT_TRUE(page.ok()) << page.status().to_string();
    order.insert(order.end(), page->ids.begin(), page->ids.end());
    ended.continuation_token = page->continuation_token;
  } while (!ended.continuation_token.empty());
  ASSERT_EQ(order.size(), 7U);
  EXPECT_EQ(order.back(), "r/failed");
  const Result<InstanceCounts> counts =
      stage.ask([&](Client& with) { return with.count_instances(); });
  ASSERT_TRUE(counts.ok()) << counts.status().to_string();
  EXPECT_EQ((*counts)[RuntimeStatus::completed], 6U);
  EXPECT_EQ((*counts)[RuntimeStatus::failed], 1U);
}

// --- request ids ------------------------------------------------------------------------------

SCENARIO(RequestIds, ACallThatIsMadeAgainIsAnsweredAndNotRepeated) {
  stage.add("collects", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.wait_for_event("letter");
    text += co_await context.wait_for_event("letter");
    co_return text;
  });
  stage.add_entity("log", [](EntityContext& context) -> std::string {
    context.set_state(std::string(context.state().value_or("")) + std::string(context.input()));
    return "";
  });
  stage.open();
  StartOptions options;
  options.request_id = 71;
  const auto start = [&] {
    return stage.ask(
        [&](Client& with) { return with.schedule_new_orchestration("collects", options); });
  };
  const Result<std::string> first = start();
  const Result<std::string> again = start();
  ASSERT_TRUE(first.ok() && again.ok()) << again.status().to_string();
  EXPECT_EQ(*first, *again);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(
        stage.ask([&](Client& with) { return with.raise_event(*first, "letter", "a", 72); }).ok());
  }
  stage.raise(*first, "letter", "b");
  stage.expect(*first, "ab");
  EXPECT_TRUE(
      stage.ask([&](Client& with) { return with.raise_event(*first, "letter", "a", 72); }).ok());
  SignalOptions signal;
  signal.request_id = 73;
  const EntityId id("log", "x");
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(
        stage.ask([&](Client& with) { return with.signal_entity(id, "append", "c", signal); })
            .ok());
  }
  stage.signal(id, "append", "d");
  stage.wait_for_state(id, "cd");
  const auto purge = [&] {
    return stage.ask([&](Client& with) { return with.purge_instance(*first, false, 74); });
  };
  EXPECT_EQ(purge().value(), 1U);
  EXPECT_EQ(purge().value(), 1U);
  EXPECT_EQ(start().value(), *first);
  EXPECT_EQ(stage.get(*first).status().code(), StatusCode::not_found);
}

// --- bad input --------------------------------------------------------------------------------

SCENARIO(BadInput, HasAClearStatus) {
  stage.add("ends", ends);
  stage.open();
  EXPECT_EQ(start_again(stage, "\x01", "x", {}), StatusCode::invalid_argument);
  EXPECT_EQ(start_again(stage, std::string(300, 'x'), "x", {}), StatusCode::invalid_argument);
  EXPECT_EQ(start_again(stage, "@counter@x", "x", {}), StatusCode::invalid_argument);
  StartOptions options;
  EXPECT_EQ(stage.try_start("nobody offers this", options).status().code(), StatusCode::not_found);
  EXPECT_EQ(stage.try_start("", options).status().code(), StatusCode::invalid_argument);
  EXPECT_EQ(stage.try_raise("", "go").code(), StatusCode::invalid_argument);
  InstanceQuery query;
  query.continuation_token = "nonsense";
  EXPECT_EQ(stage.ask([&](Client& with) { return with.query_instances(query); }).status().code(),
            StatusCode::invalid_argument);
  query.continuation_token.clear();
  query.page_size = 0;
  EXPECT_EQ(stage.ask([&](Client& with) { return with.query_instances(query); }).status().code(),
            StatusCode::invalid_argument);
}

}  // namespace
}  // namespace ingot::semantics
