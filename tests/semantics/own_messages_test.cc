// What a partition sends to itself: cause and reception lie in one log, so no message waits for a
// write of its own; with HubOptions::persist_steps_first the steps wait, and only they.

#include "tests/semantics/stage.h"

namespace ingot::semantics {
namespace {

Task<std::string> leaf(OrchestrationContext& context) { co_return std::string(context.input()); }

// As many children, one after the other, as its input says.
Task<std::string> parent(OrchestrationContext& context) {
  const long count = std::stol(std::string(context.input()));
  std::string text;
  for (long i = 0; i < count; ++i) {
    text += co_await context.call_sub_orchestration("leaf", "x");
  }
  co_return text;
}

// The writes of the log that a parent of `children` takes in a hub of one partition.
std::uint64_t writes_of(std::size_t children, bool persist_steps_first) {
  Registry registry;
  EXPECT_TRUE(registry.add_orchestrator("leaf", leaf).ok());
  EXPECT_TRUE(registry.add_orchestrator("parent", parent).ok());
  sim::SimHubPlan plan;
  plan.options.partitions = 1;
  plan.options.segment_bytes = 1ULL << 20;
  plan.options.persist_steps_first = persist_steps_first;
  plan.seed = 3;
  sim::SimHub hub(registry, plan);
  StartOptions start;
  start.instance_id = "p";
  start.input = std::to_string(children);
  EXPECT_TRUE(hub.client().schedule_new_orchestration("parent", start).ok());
  hub.settle();
  const Result<InstanceState> state = hub.client().get_instance("p");
  EXPECT_TRUE(state.ok() && state->output == std::string(children, 'x'));
  EXPECT_TRUE(hub.failure().ok()) << hub.failure().to_string();
  return hub.writes();
}

TEST(OwnMessages, CostNoWriteOfTheirOwn) {
  // Pipelined, the chain is one batch however long it is.
  EXPECT_EQ(writes_of(11, false), writes_of(1, false));
  // Else each child costs two: its parent's step and its own, each with the message it sends.
  const std::uint64_t one = writes_of(1, true);
  const std::uint64_t eleven = writes_of(11, true);
  EXPECT_GE(eleven, one + 20) << "a step that no write covers has run";
  EXPECT_LE(eleven, one + 20) << "messages wait for writes as well";
}

}  // namespace
}  // namespace ingot::semantics
