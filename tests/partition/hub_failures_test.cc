// What goes wrong in orchestrators, activities and requests: each ends with a failure that names
// the thing, and harms nothing else.

#include "tests/support/hub_fixture.h"

namespace ingot::testing {
namespace {

using Kind = HistoryEventKind;

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

class HubFailures : public HubFixture {
 protected:
  HubFailures() {
    add_activity("echo", [](const ActivityContext& call) { return std::string(call.input); });
    add_activity("breaks", [](const ActivityContext&) -> std::string {
      throw std::runtime_error("out of paper");
    });
    add_activity(
        "breaks_on_pool",
        [](const ActivityContext&) -> std::string {
          throw TaskFailedError("PrinterError", "jammed");
        },
        false);
    add_orchestrator("echoes", [](OrchestrationContext& context) -> Task<std::string> {
      std::string text = co_await context.call_activity("echo", context.input());
      co_return text;
    });
  }

  // Another orchestration on each partition still works.
  void expect_working_hub() {
    for (int i = 0; i < 8; ++i) expect_output(run("echoes", "fine"), "fine");
  }
};

TEST_F(HubFailures, AnActivitysFailureCanBeHandled) {
  add_orchestrator("handles", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text;
    try {
      text = co_await context.call_activity(context.input(), "x");
    } catch (const TaskFailedError& error) {
      text = error.details().type + ": " + error.details().message;
    }
    text += co_await context.call_activity("echo", ".");
    co_return text;
  });
  open();
  expect_output(run("handles", "breaks"), "std::runtime_error: out of paper.");
  expect_output(run("handles", "breaks_on_pool"), "PrinterError: jammed.");
  const std::string id = start("handles", "nonsense");
  const InstanceState state = finish(id);
  EXPECT_EQ(state.status, RuntimeStatus::completed);
  EXPECT_TRUE(contains(state.output.value_or(""), "ActivityNotRegistered")) << *state.output;
  EXPECT_TRUE(contains(state.output.value_or(""), "nonsense")) << *state.output;
  EXPECT_EQ(count_kind(history(id), Kind::task_failed), 1U);
}

TEST_F(HubFailures, AnUnhandledFailureIsTheInnerOneOfTheOrchestrations) {
  add_orchestrator("lets_it_fail", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.call_activity(context.input(), "x");
    co_return text;
  });
  open();
  for (const auto& [activity, type] :
       std::vector<std::pair<std::string, std::string>>{{"breaks", "std::runtime_error"},
                                                        {"breaks_on_pool", "PrinterError"},
                                                        {"nonsense", "ActivityNotRegistered"}}) {
    const InstanceState state = run("lets_it_fail", activity);
    EXPECT_EQ(state.status, RuntimeStatus::failed);
    EXPECT_FALSE(state.output.has_value());
    ASSERT_TRUE(state.failure.has_value());
    EXPECT_EQ(state.failure->type, "ingot::TaskFailedError");
    ASSERT_EQ(state.failure->inner.size(), 1U);
    EXPECT_EQ(state.failure->inner[0].type, type);
  }
  expect_working_hub();
}

TEST_F(HubFailures, AnOrchestratorThatThrowsFails) {
  add_orchestrator("throws", [](OrchestrationContext& context) -> Task<std::string> {
    co_await context.call_activity("echo", "x");
    throw std::logic_error("no such luck");
  });
  add_orchestrator("throws_number", [](OrchestrationContext&) -> Task<std::string> {
    throw 42;
    co_return "";
  });
  open();
  const std::string id = start("throws");
  const InstanceState state = finish(id);
  EXPECT_EQ(state.status, RuntimeStatus::failed);
  ASSERT_TRUE(state.failure.has_value());
  EXPECT_EQ(state.failure->type, "std::logic_error");
  EXPECT_EQ(state.failure->message, "no such luck");
  EXPECT_EQ(kinds_of(history(id)).back(), "ExecutionCompleted#1");
  EXPECT_EQ(run("throws_number").status, RuntimeStatus::failed);
  reopen();
  EXPECT_EQ(finish(id).failure, state.failure);
  expect_working_hub();
}

TEST_F(HubFailures, UnknownOrchestratorsAreNotFound) {
  open();
  const Status unknown = client().schedule_new_orchestration("nonsense").status();
  EXPECT_EQ(unknown.code(), StatusCode::not_found);
  EXPECT_TRUE(contains(unknown.message(), "nonsense")) << unknown.message();
  EXPECT_EQ(client().get_instance("nobody").status().code(), StatusCode::not_found);
  EXPECT_EQ(client().get_history("nobody").status().code(), StatusCode::not_found);
  EXPECT_EQ(client().wait_for_completion("nobody", kLong).status().code(), StatusCode::not_found);
  EXPECT_EQ(client().wait_for_start("nobody", kLong).status().code(), StatusCode::not_found);
}

TEST_F(HubFailures, BadIdsAndNamesAreInvalid) {
  open();
  const auto start_code = [&](std::string id, std::string_view name) {
    StartOptions with_id;
    with_id.instance_id = std::move(id);
    return client().schedule_new_orchestration(name, with_id).status().code();
  };
  EXPECT_EQ(start_code(std::string(257, 'x'), "echoes"), StatusCode::invalid_argument);
  EXPECT_EQ(start_code("tab\there", "echoes"), StatusCode::invalid_argument);
  EXPECT_EQ(start_code("\xFF\xFE", "echoes"), StatusCode::invalid_argument);
  EXPECT_EQ(start_code("fine", ""), StatusCode::invalid_argument);
  EXPECT_EQ(start_code(std::string(256, 'x'), "echoes"), StatusCode::ok);
  EXPECT_EQ(start_code("Zürich ✓", "echoes"), StatusCode::ok);
  expect_output(finish(std::string(256, 'x')), "");
  expect_output(finish("Zürich ✓"), "");

  for (const std::string& bad : {std::string(), std::string(257, 'x'), std::string("a\nb")}) {
    EXPECT_EQ(client().get_instance(bad).status().code(), StatusCode::invalid_argument);
    EXPECT_EQ(client().get_history(bad).status().code(), StatusCode::invalid_argument);
    EXPECT_EQ(client().wait_for_start(bad, kLong).status().code(), StatusCode::invalid_argument);
    EXPECT_EQ(client().wait_for_completion(bad, kLong).status().code(),
              StatusCode::invalid_argument);
    EXPECT_EQ(client().raise_event(bad, "e", "").code(), StatusCode::invalid_argument);
    EXPECT_EQ(client().raise_event("fine", bad, "").code(), StatusCode::invalid_argument);
    EXPECT_EQ(client().terminate(bad, "").code(), StatusCode::invalid_argument);
  }
}

TEST_F(HubFailures, PayloadsOverTheLimitAreRefusedOrFail) {
  const std::string fits(1024, 'x');
  const std::string over(1025, 'x');
  add_activity("swells", [](const ActivityContext&) { return std::string(1025, 'x'); });
  add_orchestrator("calls", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.call_activity(context.input(), "x");
    co_return text;
  });
  add_orchestrator("returns", [](OrchestrationContext& context) -> Task<std::string> {
    const auto bytes = static_cast<std::size_t>(std::stoul(std::string(context.input())));
    co_await context.call_activity("echo", "x");
    co_return std::string(bytes, 'y');
  });
  add_orchestrator("passes", [](OrchestrationContext& context) -> Task<std::string> {
    const auto bytes = static_cast<std::size_t>(std::stoul(std::string(context.input())));
    const std::string input(bytes, 'z');
    std::string text = co_await context.call_activity("echo", input);
    co_return text;
  });
  add_orchestrator("waits", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.wait_for_event("e");
    co_return text;
  });
  options.payload_bytes_max = 1024;
  open();
  expect_output(run("echoes", fits), fits);
  StartOptions too_large;
  too_large.instance_id = "too-large";
  too_large.input = over;
  const Status refused = client().schedule_new_orchestration("echoes", too_large).status();
  EXPECT_EQ(refused.code(), StatusCode::invalid_argument);
  EXPECT_TRUE(contains(refused.message(), "1025")) << refused.message();
  EXPECT_EQ(client().get_instance("too-large").status().code(), StatusCode::not_found);

  const std::string waits = start("waits");
  EXPECT_EQ(client().raise_event(waits, "e", over).code(), StatusCode::invalid_argument);
  EXPECT_EQ(client().terminate(waits, over).code(), StatusCode::invalid_argument);
  raise(waits, "e", fits);
  expect_output(finish(waits), fits);

  const InstanceState swollen = run("calls", "swells");
  EXPECT_EQ(swollen.status, RuntimeStatus::failed);
  ASSERT_TRUE(swollen.failure.has_value());
  ASSERT_EQ(swollen.failure->inner.size(), 1U);
  EXPECT_EQ(swollen.failure->inner[0].type, "PayloadTooLarge");

  expect_output(run("returns", "1024"), std::string(1024, 'y'));
  expect_output(run("passes", "1024"), std::string(1024, 'z'));
  for (const char* orchestrator : {"returns", "passes"}) {
    const std::string id = start(orchestrator, "1025");
    const InstanceState state = finish(id);
    EXPECT_EQ(state.status, RuntimeStatus::failed) << orchestrator;
    ASSERT_TRUE(state.failure.has_value());
    EXPECT_EQ(state.failure->type, "PayloadTooLarge");
    EXPECT_TRUE(contains(state.failure->message, "1025")) << state.failure->message;
    reopen();
    EXPECT_EQ(finish(id).failure, state.failure);
  }
  expect_working_hub();
}

// An orchestrator under the same name that does something else.
class HubReplacedOrchestrator : public HubFailures {
 protected:
  static Task<std::string> first(OrchestrationContext& context) {
    std::string text = co_await context.call_activity("echo", "x");
    text += co_await context.wait_for_event("go");
    co_return text;
  }
  static Task<std::string> second(OrchestrationContext& context) {
    std::string text = co_await context.call_activity("swapped", "x");
    text += co_await context.wait_for_event("go");
    co_return text;
  }
};

TEST_F(HubReplacedOrchestrator, FailsByNameOfEventAndAction) {
  const Registry plain = registry;
  add_orchestrator("changes", first);
  open();
  const std::string id = start("changes");
  const std::string kept = start("changes");
  ASSERT_TRUE(client().wait_for_start(id, kLong).ok());
  ASSERT_TRUE(eventually([&] { return count_kind(history(id), Kind::task_completed) == 1; }));
  ASSERT_TRUE(eventually([&] { return count_kind(history(kept), Kind::task_completed) == 1; }));
  const std::size_t events_before = history(id).size();
  close();

  const Registry original = registry;
  registry = plain;
  add_orchestrator("changes", second);
  open();
  raise(id, "go");
  const InstanceState state = finish(id);
  EXPECT_EQ(state.status, RuntimeStatus::failed);
  ASSERT_TRUE(state.failure.has_value());
  EXPECT_EQ(state.failure->type, "NonDeterministicOrchestration");
  EXPECT_TRUE(contains(state.failure->message, "TaskScheduled")) << state.failure->message;
  EXPECT_TRUE(contains(state.failure->message, "\"echo\"")) << state.failure->message;
  EXPECT_TRUE(contains(state.failure->message, "\"swapped\"")) << state.failure->message;
  EXPECT_EQ(kinds_of(history(id)).back(), "ExecutionCompleted#1");
  EXPECT_EQ(history(id).size(), events_before + 3);
  close();

  // The one that was not stepped meanwhile goes on with the right orchestrator.
  registry = original;
  open();
  EXPECT_EQ(finish(id).failure, state.failure);
  raise(kept, "go", "!");
  expect_output(finish(kept), "x!");
}

TEST_F(HubReplacedOrchestrator, WaitsWhenItIsNotRegisteredAnyMore) {
  const Registry plain = registry;
  add_orchestrator("changes", first);
  open();
  const std::string id = start("changes");
  ASSERT_TRUE(eventually([&] { return count_kind(history(id), Kind::task_completed) == 1; }));
  close();
  const Registry original = registry;
  registry = plain;
  open();
  raise(id, "go", "!");
  expect_working_hub();
  const Result<InstanceState> state = client().get_instance(id);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->status, RuntimeStatus::running);
  close();
  registry = original;
  open();
  expect_output(finish(id), "x!");
}

// What an orchestrator may ask for but the hub cannot do: the orchestration fails, not its
// partition.
TEST_F(HubFailures, AChildWhoseOrchestratorIsUnknownFails) {
  add_orchestrator("parent", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.call_sub_orchestration("nowhere", "x", "child");
    co_return text;
  });
  open();
  const InstanceState state = finish(start("parent"));
  EXPECT_EQ(state.status, RuntimeStatus::failed);
  ASSERT_TRUE(state.failure.has_value());
  EXPECT_TRUE(contains(state.failure->message, "nowhere")) << state.failure->message;
  EXPECT_EQ(finish("child").status, RuntimeStatus::failed);
}

TEST_F(HubFailures, ImpossibleActionsFailTheOrchestrationOnly) {
  add_orchestrator("sends_nowhere", [](OrchestrationContext& context) -> Task<std::string> {
    context.send_event("", "name", "data");
    co_return "sent";
  });
  add_orchestrator("has_child", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.call_sub_orchestration("echoes", "x", "@no@child");
    co_return text;
  });
  add_orchestrator("continues", [](OrchestrationContext& context) -> Task<std::string> {
    context.continue_as_new(std::string(5000, 'x'));
    co_return "";
  });
  options.payload_bytes_max = 4096;
  open();
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"sends_nowhere", "EventSent"},
      {"has_child", "SubOrchestrationInstanceCreated"},
      {"continues", "ContinueAsNew"}};
  for (const auto& [orchestrator, action] : expected) {
    const std::string id = start(orchestrator);
    const InstanceState state = finish(id);
    EXPECT_EQ(state.status, RuntimeStatus::failed) << orchestrator;
    ASSERT_TRUE(state.failure.has_value()) << orchestrator;
    EXPECT_TRUE(contains(state.failure->message, action)) << state.failure->message;
    expect_working_hub();
    for (const PartitionMetrics& partition : hub().metrics().partitions) {
      ASSERT_TRUE(partition.failure.ok()) << orchestrator << partition.failure.to_string();
    }
  }
}

}  // namespace
}  // namespace ingot::testing
