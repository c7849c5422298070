// Entities: operations, signals, calls, their order, deletion.

#include "tests/semantics/stage.h"

namespace ingot::semantics {
namespace {

std::string counter(EntityContext& context) {
  long value = std::stol(std::string(context.state().value_or("0")));
  const std::string_view operation = context.operation();
  if (operation == "add") {
    value += std::stol(std::string(context.input()));
    context.set_state(std::to_string(value));
  } else if (operation == "fail") {
    context.set_state("999");
    context.signal_entity(EntityId("counter", "never"), "add", "1");
    throw std::runtime_error("entity fails");
  } else if (operation == "remove") {
    context.delete_state();
  } else if (operation == "forward") {
    context.signal_entity(EntityId("counter", context.input()), "add", std::to_string(value));
  } else if (operation != "get") {
    throw UnknownOperation(operation);
  }
  return std::to_string(value);
}

// Appends what it is told: shows the order.
std::string log_entity(EntityContext& context) {
  std::string text(context.state().value_or(""));
  text += context.input();
  context.set_state(text);
  return text;
}

Task<std::string> get(OrchestrationContext& context) {
  const EntityId id("counter", context.input());
  std::string value = co_await context.call_entity(id, "get");
  co_return value;
}

SCENARIO(Entities, CallsAreAnsweredInTheirOrder) {
  stage.add_entity("counter", counter);
  stage.add("counts", [](OrchestrationContext& context) -> Task<std::string> {
    const EntityId id("Counter", context.input());
    for (int i = 1; i <= 10; ++i) context.signal_entity(id, "add", std::to_string(i));
    std::string sum = co_await context.call_entity(id, "get", "");
    std::string failure;
    try {
      failure = co_await context.call_entity(id, "fail", "");
    } catch (const TaskFailedError& error) {
      failure = error.details().message;
    }
    std::string after = co_await context.call_entity(id, "add", "1");
    co_return sum + "," + failure + "," + after;
  });
  stage.open();
  for (const std::string key : {"a", "b", "c"}) {
    stage.expect(stage.start("counts", key), "55,entity fails,56");
  }
}

SCENARIO(Entities, OperationsThatFailLeaveNothingBehind) {
  stage.add_entity("counter", counter);
  stage.add("fails", [](OrchestrationContext& context) -> Task<std::string> {
    const EntityId id("counter", "x");
    std::string text;
    try {
      text = co_await context.call_entity(id, "fail");
    } catch (const TaskFailedError&) {
      text = "failed, ";
    }
    text += co_await context.call_entity(id, "get");
    co_return text;
  });
  stage.add("get", get);
  stage.open();
  stage.expect(stage.start("fails"), "failed, 0");
  stage.expect(stage.start("get", "never"), "0");
}

SCENARIO(Entities, SignalsOfOneSenderStayInOrder) {
  stage.add_entity("log", log_entity);
  stage.add("sends", [](OrchestrationContext& context) -> Task<std::string> {
    const EntityId id("log", "one");
    for (int i = 0; i < 20; ++i) context.signal_entity(id, "append", std::to_string(i) + ",");
    co_await context.create_timer(std::chrono::milliseconds(1));
    for (int i = 20; i < 30; ++i) context.signal_entity(id, "append", std::to_string(i) + ",");
    std::string text = co_await context.call_entity(id, "append", "end");
    co_return text;
  });
  stage.open();
  std::string expected;
  for (int i = 0; i < 30; ++i) expected += std::to_string(i) + ",";
  stage.expect(stage.start("sends"), expected + "end");
}

SCENARIO(Entities, AreStartedByTheirFirstSignal) {
  stage.add_entity("counter", counter);
  stage.open();
  const EntityId id("counter", "fresh");
  EXPECT_EQ(stage.ask([&](Client& with) { return with.get_entity(id); }).status().code(),
            StatusCode::not_found);
  for (int i = 1; i <= 10; ++i) stage.signal(id, "add", std::to_string(i));
  stage.wait_for_state(id, "55");
}

SCENARIO(Entities, ASignalCanBeScheduled) {
  stage.add_entity("log", log_entity);
  stage.open();
  const EntityId id("log", "later");
  const Timestamp now = stage.now();
  // Where time is real, a stall may make each of them due at once: in this order then.
  stage.signal(id, "append", "a");
  if (stage.simulated() == nullptr) {
    stage.signal(id, "append", "b", now + std::chrono::milliseconds(200));
    stage.signal(id, "append", "c", now + std::chrono::milliseconds(400));
  } else {
    stage.signal(id, "append", "c", now + std::chrono::milliseconds(400));
    stage.signal(id, "append", "b", now + std::chrono::milliseconds(200));
  }
  stage.wait_for_state(id, "abc");
  EXPECT_GE(stage.now(), now + std::chrono::milliseconds(400));
}

SCENARIO(Entities, SignalEachOther) {
  stage.add_entity("counter", counter);
  stage.open();
  const EntityId from("counter", "from");
  stage.signal(from, "add", "5");
  for (int i = 0; i < 3; ++i) stage.signal(from, "forward", "to" + std::to_string(i % 2));
  stage.wait_for_state(EntityId("counter", "to0"), "10");
  stage.wait_for_state(EntityId("counter", "to1"), "5");
}

SCENARIO(Entities, StartOrchestrations) {
  stage.add_entity("launcher", [](EntityContext& context) -> std::string {
    return context.start_orchestration("launched", context.input(), "launched by entity");
  });
  stage.add("launched", [](OrchestrationContext& context) -> Task<std::string> {
    co_return std::string(context.input());
  });
  stage.open();
  stage.signal(EntityId("launcher", "x"), "go", "input");
  EXPECT_TRUE(stage.until([&] { return stage.get("launched by entity").ok(); }));
  stage.expect("launched by entity", "input");
  // What exists stays as it is, also when it has ended.
  const ExecutionId before = stage.get("launched by entity")->execution_id;
  stage.signal(EntityId("launcher", "x"), "go", "other input");
  stage.signal(EntityId("launcher", "y"), "go", "other input");
  stage.let_pass(std::chrono::milliseconds(20));
  stage.expect("launched by entity", "input");
  EXPECT_EQ(stage.get("launched by entity")->execution_id, before);
}

SCENARIO(Entities, AreDeletedWithTheirState) {
  stage.add_entity("counter", counter);
  stage.add("get", get);
  stage.open();
  const EntityId id("counter", "gone");
  stage.signal(id, "add", "7");
  stage.wait_for_state(id, "7");
  stage.signal(id, "delete");  // no such operation: the state goes
  stage.wait_for_state(id, "(none)");
  stage.signal(id, "add", "3");
  stage.wait_for_state(id, "3");
  stage.signal(id, "remove");
  stage.wait_for_state(id, "(none)");
  const Result<EntityCleanup> cleaned =
      stage.ask([&](Client& with) { return with.clean_entity_storage(); });
  ASSERT_TRUE(cleaned.ok()) << cleaned.status().to_string();
  EXPECT_EQ(stage.ask([&](Client& with) { return with.get_entity(id); }).status().code(),
            StatusCode::not_found);
  stage.expect(stage.start("get", "gone"), "0");
}

SCENARIO(Entities, ThatNobodyOffersFailTheirCallers) {
  stage.add("calls", [](OrchestrationContext& context) -> Task<std::string> {
    const EntityId id("missing", "x");
    std::string text;
    try {
      text = co_await context.call_entity(id, "get");
    } catch (const TaskFailedError&) {
      text = "refused";
    }
    co_return text;
  });
  stage.open();
  stage.expect(stage.start("calls"), "refused");
}

SCENARIO(Entities, ManyCallersOfOneEntity) {
  stage.add_entity("counter", counter);
  stage.add("adds", [](OrchestrationContext& context) -> Task<std::string> {
    const EntityId id("counter", "shared");
    std::string value;
    for (int i = 0; i < 5; ++i) value = co_await context.call_entity(id, "add", "1");
    co_return "done";
  });
  stage.add("get", get);
  stage.open();
  for (int i = 0; i < 12; ++i) stage.start("adds", "", "adder" + std::to_string(i));
  for (int i = 0; i < 12; ++i) stage.expect("adder" + std::to_string(i), "done");
  stage.expect(stage.start("get", "shared"), "60");
}

SCENARIO(Entities, BatchesHaveALimitedSize) {
  stage.options.entity_batch_operations_max = 3;
  stage.add_entity("log", log_entity);
  stage.open();
  const EntityId id("log", "batched");
  std::string expected;
  for (char letter = 'a'; letter <= 'n'; ++letter) {
    stage.signal(id, "append", std::string(1, letter));
    expected += letter;
  }
  stage.wait_for_state(id, expected);
}

SCENARIO(Entities, CanBeQueried) {
  stage.add_entity("counter", counter);
  stage.add_entity("log", log_entity);
  stage.open();
  for (int i = 0; i < 7; ++i) stage.signal(EntityId("counter", std::to_string(i)), "add", "1");
  stage.signal(EntityId("log", "x"), "append", "text");
  for (int i = 0; i < 7; ++i) stage.wait_for_state(EntityId("counter", std::to_string(i)), "1");
  stage.wait_for_state(EntityId("log", "x"), "text");
  EntityQuery query;
  query.prefix = "@counter@";
  query.page_size = 3;
  std::string keys;
  std::size_t pages = 0;
  do {
    const Result<EntityPage> page =
        stage.ask([&](Client& with) { return with.query_entities(query); });
    ASSERT_TRUE(page.ok()) << page.status().to_string();
    for (const EntityState& state : page->entities) {
      keys += state.id.key;
      EXPECT_EQ(state.state.value_or("-"), "1");
    }
    query.continuation_token = page->continuation_token;
    ++pages;
  } while (!query.continuation_token.empty());
  EXPECT_EQ(keys, "0123456");
  EXPECT_EQ(pages, 3U);
}

}  // namespace
}  // namespace ingot::semantics
