// Batches of operations on one entity.

#include "core/entity_runner.h"

#include <set>
#include <stdexcept>
#include <vector>

#include "core/random.h"
#include "tests/core/execution_harness.h"

namespace ingot {
namespace {

using namespace ingot::testing;

constexpr ExecutionId kCaller{7, 8};

HistoryEvent signal(std::string operation, std::optional<std::string> input = "") {
  HistoryEvent event;
  event.kind = Kind::entity_operation_signaled;
  event.name = std::move(operation);
  event.data = std::move(input);
  return event;
}
HistoryEvent call(std::int32_t id, std::string operation, std::string input = "") {
  HistoryEvent event = signal(std::move(operation), std::move(input));
  event.kind = Kind::entity_operation_called;
  event.instance_id = "caller";
  event.execution_id = kCaller;
  event.scheduled_id = id;
  return event;
}

struct Outcome {
  EntityBatchResult result;
  std::vector<HistoryEvent> actions;
};

Outcome run(const EntityFn& function, const std::vector<HistoryEvent>& operations,
            std::optional<std::string> state = std::nullopt,
            std::uint32_t operations_max = UINT32_MAX, std::uint64_t seed = 1) {
  std::string bytes;
  for (const HistoryEvent& operation : operations) encode_event(operation, bytes);
  EntityBatch batch;
  batch.entity_id = "@counter@one";
  if (state) batch.state = *state;
  batch.operations = bytes;
  batch.operations_max = operations_max;
  batch.now = Timestamp(Duration(1234));
  batch.seed = seed;
  Outcome outcome{run_entity_batch(function ? &function : nullptr, batch), {}};
  outcome.actions = decoded(outcome.result.actions);
  for (const HistoryEvent& action : outcome.actions) {
    EXPECT_EQ(action.event_id, -1);
    EXPECT_EQ(action.timestamp, batch.now);
  }
  return outcome;
}

EntityFn counter() {
  EntityOperations operations;
  operations.on("add", [](EntityContext& context) -> std::string {
    const std::int64_t sum = std::stoll(std::string(context.state().value_or("0"))) +
                             std::stoll(std::string(context.input()));
    context.set_state(std::to_string(sum));
    return std::to_string(sum);
  });
  operations.on("get", [](EntityContext& context) -> std::string {
    return std::string(context.state().value_or("none"));
  });
  operations.on("clear", [](EntityContext& context) -> std::string {
    context.delete_state();
    return context.state() ? "still there" : "gone";
  });
  return operations;
}

TEST(EntityRunnerTest, ABatchEndsBetweenOperations) {
  std::string bytes;
  for (int i = 0; i < 5; ++i) encode_event(signal("add", "1"), bytes);
  int asked = 0;
  EntityBatch batch;
  batch.entity_id = "@counter@one";
  batch.operations = bytes;
  batch.ends = [&asked] { return ++asked == 3; };
  const EntityFn function = counter();
  const EntityBatchResult result = run_entity_batch(&function, batch);
  EXPECT_EQ(result.consumed, 3U);
  EXPECT_EQ(result.state, "3");
}

TEST(EntityRunnerTest, SignalsChangeTheStateAndAnswerNothing) {
  const Outcome outcome = run(counter(), {signal("add", "2"), signal("add", "3")});
  EXPECT_EQ(outcome.result.consumed, 2U);
  EXPECT_EQ(outcome.result.failed, 0U);
  EXPECT_EQ(outcome.result.change, StateChange::set);
  EXPECT_EQ(outcome.result.state, "5");
  EXPECT_TRUE(outcome.actions.empty());
}

TEST(EntityRunnerTest, CallsAreAnsweredInTheirOrderToWhoAsked) {
  const Outcome outcome =
      run(counter(), {call(4, "get"), call(5, "add", "1"), call(6, "get")}, "8");
  ASSERT_EQ(outcome.actions.size(), 3U);
  const std::vector<std::string> results{"8", "9", "9"};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(outcome.actions[i].kind, Kind::entity_operation_completed);
    EXPECT_EQ(outcome.actions[i].instance_id, "caller");
    EXPECT_EQ(outcome.actions[i].execution_id, kCaller);
    EXPECT_EQ(outcome.actions[i].scheduled_id, static_cast<std::int32_t>(4 + i));
    EXPECT_EQ(outcome.actions[i].data, results[i]);
  }
  EXPECT_EQ(outcome.result.state, "9");
}

TEST(EntityRunnerTest, AReadLeavesTheStateUnchanged) {
  const Outcome outcome = run(counter(), {call(0, "get")}, "8");
  EXPECT_EQ(outcome.result.change, StateChange::unchanged);
  EXPECT_TRUE(outcome.result.state.empty());
}

TEST(EntityRunnerTest, TheStateCanBeDeletedAndSetAgain) {
  Outcome outcome = run(counter(), {call(0, "clear"), call(1, "get")}, "8");
  EXPECT_EQ(outcome.actions[0].data, "gone");
  EXPECT_EQ(outcome.actions[1].data, "none");
  EXPECT_EQ(outcome.result.change, StateChange::deleted);
  outcome = run(counter(), {signal("clear"), signal("add", "1")}, "8");
  EXPECT_EQ(outcome.result.change, StateChange::set);
  EXPECT_EQ(outcome.result.state, "1");
  outcome = run(counter(), {signal("add", "1"), signal("clear")}, "8");
  EXPECT_EQ(outcome.result.change, StateChange::deleted);
  // What came and went within the batch has changed nothing.
  outcome = run(counter(), {signal("add", "1"), signal("clear")});
  EXPECT_EQ(outcome.result.change, StateChange::unchanged);
}

TEST(EntityRunnerTest, AnEmptyStateIsAState) {
  const EntityFn function = [](EntityContext& context) -> std::string {
    context.set_state("");
    return context.state() ? "there" : "absent";
  };
  const Outcome outcome = run(function, {call(0, "x")});
  EXPECT_EQ(outcome.actions[0].data, "there");
  EXPECT_EQ(outcome.result.change, StateChange::set);
  EXPECT_EQ(outcome.result.state, "");
}

TEST(EntityRunnerTest, TheStateCanBeMadeOfItself) {
  const EntityFn halve = [](EntityContext& context) -> std::string {
    const std::string_view state = *context.state();
    context.set_state(state.substr(state.size() / 2));
    const std::string_view again = *context.state();
    context.set_state(again.substr(again.size() / 2));
    return "";
  };
  std::string state(100, 'a');
  state += std::string(100, 'b') + std::string(100, 'c') + std::string(100, 'd');
  EXPECT_EQ(run(halve, {signal("x")}, state).result.state, std::string(100, 'd'));
  EXPECT_EQ(run(halve, {signal("x"), signal("x")}, state).result.state, std::string(25, 'd'));
}

TEST(EntityRunnerTest, AFailedOperationLeavesNothingBehind) {
  const EntityFn function = [](EntityContext& context) -> std::string {
    if (context.operation() == "delete and fail") {
      context.delete_state();
    } else {
      context.set_state("state of " + std::string(context.operation()));
    }
    context.signal_entity(EntityId("other", "k"), "ping");
    if (context.operation() != "ok") throw std::out_of_range("too far");
    return "fine";
  };
  Outcome outcome = run(function, {signal("fails"), call(1, "fails"), call(2, "delete and fail")});
  EXPECT_EQ(outcome.result.consumed, 3U);
  EXPECT_EQ(outcome.result.failed, 3U);
  EXPECT_EQ(outcome.result.change, StateChange::unchanged);
  ASSERT_EQ(outcome.actions.size(), 2U);
  EXPECT_EQ(outcome.actions[0].kind, Kind::entity_operation_failed);
  EXPECT_EQ(outcome.actions[0].instance_id, "caller");
  EXPECT_EQ(outcome.actions[0].execution_id, kCaller);
  EXPECT_EQ(outcome.actions[0].scheduled_id, 1);
  EXPECT_EQ(outcome.actions[0].failure,
            (FailureDetails{"std::out_of_range", "too far", false, {}}));

  outcome =
      run(function, {signal("ok"), signal("fails"), call(2, "delete and fail"), call(3, "ok")});
  EXPECT_EQ(outcome.result.failed, 2U);
  EXPECT_EQ(outcome.result.state, "state of ok");
  std::vector<Kind> kinds;
  for (const HistoryEvent& action : outcome.actions) kinds.push_back(action.kind);
  EXPECT_EQ(kinds,
            (std::vector<Kind>{Kind::entity_operation_signaled, Kind::entity_operation_failed,
                               Kind::entity_operation_signaled, Kind::entity_operation_completed}));
}

TEST(EntityRunnerTest, AnOperationCanChooseItsFailure) {
  const EntityFn function = [](EntityContext&) -> std::string {
    throw TaskFailedError("Overdrawn", "no money", true);
  };
  const Outcome outcome = run(function, {call(1, "withdraw")});
  EXPECT_EQ(outcome.actions.at(0).failure, (FailureDetails{"Overdrawn", "no money", true, {}}));
}

TEST(EntityRunnerTest, DeleteIsAnOperationOfEveryEntityThatDoesNotHaveIt) {
  Outcome outcome = run(counter(), {signal("add", "1"), call(1, "delete"), call(2, "get")}, "8");
  EXPECT_EQ(outcome.result.failed, 0U);
  EXPECT_EQ(outcome.result.change, StateChange::deleted);
  ASSERT_EQ(outcome.actions.size(), 2U);
  EXPECT_EQ(outcome.actions[0].data, "");
  EXPECT_EQ(outcome.actions[1].data, "none");
  const EntityFn keeps = [](EntityContext&) -> std::string { return "kept"; };
  outcome = run(keeps, {call(1, "delete")}, "8");
  EXPECT_EQ(outcome.result.change, StateChange::unchanged);
  EXPECT_EQ(outcome.actions[0].data, "kept");
}

TEST(EntityRunnerTest, AnUnknownOperationIsAFailureThatNamesIt) {
  const Outcome outcome = run(counter(), {call(1, "divide"), signal("divide")}, "8");
  EXPECT_EQ(outcome.result.failed, 2U);
  EXPECT_EQ(outcome.actions.at(0).failure,
            (FailureDetails{
                "ingot::UnknownOperation", "the entity has no operation \"divide\"", false, {}}));
}

TEST(EntityRunnerTest, WithoutAFunctionEveryOperationFails) {
  const Outcome outcome = run(nullptr, {signal("add", "1"), call(1, "delete")}, "8");
  EXPECT_EQ(outcome.result.consumed, 2U);
  EXPECT_EQ(outcome.result.failed, 2U);
  EXPECT_EQ(outcome.result.change, StateChange::unchanged);
  ASSERT_EQ(outcome.actions.size(), 1U);
  EXPECT_EQ(outcome.actions[0].failure,
            (FailureDetails{"EntityNotRegistered", "no entity 'counter' is registered", true, {}}));
}

TEST(EntityRunnerTest, TheContextTellsTheOperation) {
  std::vector<std::string> seen;
  const EntityFn function = [&](EntityContext& context) -> std::string {
    EXPECT_EQ(context.id(), EntityId("counter", "one"));
    EXPECT_EQ(context.current_time(), Timestamp(Duration(1234)));
    seen.push_back(std::string(context.operation()) + "/" +
                   (context.has_input() ? std::string(context.input()) : "(absent)") + "/" +
                   (context.is_signal() ? "signal" : "call") + "/" +
                   std::string(context.caller_instance_id()));
    return "";
  };
  HistoryEvent from_entity = signal("d", "4");
  from_entity.instance_id = "@other@k";
  run(function, {signal("a"), signal("b", std::nullopt), call(3, "c", "3"), from_entity});
  EXPECT_EQ(seen, (std::vector<std::string>{"a//signal/", "b/(absent)/signal/", "c/3/call/caller",
                                            "d/4/signal/@other@k"}));
}

TEST(EntityRunnerTest, SendsSignalsAndStartsOrchestrationsInOrder) {
  const EntityFn function = [](EntityContext& context) -> std::string {
    context.signal_entity(EntityId("Other", "K"), "ping", "data");
    context.signal_entity(EntityId("other", "k"), "later", {}, Timestamp(Duration(99)));
    std::string ids = context.start_orchestration("flow", "input", "given");
    ids += "," + context.start_orchestration("flow", "", "", Timestamp(Duration(77)), "v2");
    return ids;
  };
  HistoryEvent operation = call(1, "go");
  operation.trace_parent = "trace";
  const Outcome outcome = run(function, {operation});
  ASSERT_EQ(outcome.actions.size(), 5U);
  const HistoryEvent& ping = outcome.actions[0];
  EXPECT_EQ(ping.kind, Kind::entity_operation_signaled);
  EXPECT_EQ(ping.instance_id, "@other@K");
  EXPECT_EQ(ping.name, "ping");
  EXPECT_EQ(ping.data, "data");
  EXPECT_EQ(ping.fire_at, std::nullopt);
  EXPECT_EQ(ping.trace_parent, "trace");
  EXPECT_EQ(outcome.actions[1].fire_at, Timestamp(Duration(99)));
  const HistoryEvent& given = outcome.actions[2];
  EXPECT_EQ(given.kind, Kind::execution_started);
  EXPECT_EQ(given.name, "flow");
  EXPECT_EQ(given.data, "input");
  EXPECT_EQ(given.instance_id, "given");
  EXPECT_FALSE(given.execution_id.empty());
  EXPECT_EQ(given.trace_parent, "trace");
  const HistoryEvent& made = outcome.actions[3];
  EXPECT_TRUE(validate_instance_id(made.instance_id).ok());
  EXPECT_EQ(made.fire_at, Timestamp(Duration(77)));
  EXPECT_EQ(made.version, "v2");
  EXPECT_NE(made.execution_id, given.execution_id);
  EXPECT_EQ(outcome.actions[4].kind, Kind::entity_operation_completed);
  EXPECT_EQ(outcome.actions[4].data, "given," + made.instance_id);
}

TEST(EntityRunnerTest, MadeUpIdsAreThoseOfTheBatchAndNoOther) {
  const EntityFn function = [](EntityContext& context) -> std::string {
    return context.start_orchestration("flow");
  };
  const std::vector<HistoryEvent> operations{call(1, "a"), call(2, "b"), call(3, "c")};
  std::set<std::string> ids;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const Outcome outcome = run(function, operations, std::nullopt, UINT32_MAX, seed);
    const Outcome again = run(function, operations, std::nullopt, UINT32_MAX, seed);
    EXPECT_EQ(outcome.result.actions, again.result.actions);
    for (const HistoryEvent& action : outcome.actions) {
      if (action.kind != Kind::execution_started) continue;
      ids.insert(action.instance_id);
      ids.insert(to_string(action.execution_id));
    }
  }
  EXPECT_EQ(ids.size(), 60U);
}

TEST(EntityRunnerTest, WhatIsMalformedFailsTheOperation) {
  const auto failure_of = [](const EntityFn& function) {
    const Outcome outcome = run(function, {call(1, "x")});
    EXPECT_EQ(outcome.actions.size(), 1U);
    return outcome.actions.at(0).failure.value_or(FailureDetails{}).type;
  };
  EXPECT_EQ(failure_of([](EntityContext& context) -> std::string {
              context.signal_entity(EntityId("a@b", "k"), "x");
              return "";
            }),
            "std::invalid_argument");
  EXPECT_EQ(failure_of([](EntityContext& context) -> std::string {
              return context.start_orchestration("");
            }),
            "std::invalid_argument");
  EXPECT_EQ(failure_of([](EntityContext& context) -> std::string {
              return context.start_orchestration("flow", "", "@an@entity");
            }),
            "std::invalid_argument");
}

TEST(EntityRunnerTest, ABatchEndsAtItsLimitOrAtWhatIsNoOperation) {
  const std::vector<HistoryEvent> four(4, signal("add", "1"));
  EXPECT_EQ(run(counter(), four, std::nullopt, 3).result.consumed, 3U);
  EXPECT_EQ(run(counter(), four, std::nullopt, 3).result.state, "3");
  EXPECT_EQ(run(counter(), four, std::nullopt, 0).result.consumed, 0U);
  EXPECT_EQ(run(counter(), {}).result.consumed, 0U);
  HistoryEvent lock;
  lock.kind = Kind::entity_lock_requested;
  lock.lock_set = {"@counter@one"};
  EXPECT_EQ(run(counter(), {signal("add", "1"), lock, signal("add", "1")}).result.consumed, 1U);
}

TEST(EntityRunnerTest, AnySplitIntoBatchesGivesTheSameStateAndAnswers) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Random random(seed);
    std::vector<HistoryEvent> operations;
    for (std::int32_t i = 0; i < 30; ++i) {
      static constexpr const char* kNames[] = {"add", "add", "get", "clear", "nonsense", "delete"};
      const std::string name = kNames[random.below(6)];
      const std::string input = random.one_in(5) ? "no number" : std::to_string(random.below(100));
      operations.push_back(random.one_in(2) ? signal(name, input) : call(i, name, input));
    }
    const Outcome whole = run(counter(), operations, "0");
    std::optional<std::string> state = "0";
    std::string answers;
    std::uint32_t failed = 0;
    for (std::size_t at = 0; at < operations.size();) {
      const std::size_t size = 1 + random.below(7);
      std::vector<HistoryEvent> rest(operations.begin() + static_cast<std::ptrdiff_t>(at),
                                     operations.end());
      const Outcome part = run(counter(), rest, state, static_cast<std::uint32_t>(size));
      if (part.result.change == StateChange::set) state = part.result.state;
      if (part.result.change == StateChange::deleted) state.reset();
      answers += part.result.actions;
      failed += part.result.failed;
      at += part.result.consumed;
    }
    EXPECT_EQ(answers, whole.result.actions) << "seed " << seed;
    EXPECT_EQ(failed, whole.result.failed) << "seed " << seed;
    const std::optional<std::string> expected =
        whole.result.change == StateChange::set
            ? std::optional<std::string>(whole.result.state)
            : (whole.result.change == StateChange::deleted ? std::nullopt
                                                           : std::optional<std::string>("0"));
    EXPECT_EQ(state, expected) << "seed " << seed;
  }
}

}  // namespace
}  // namespace ingot
