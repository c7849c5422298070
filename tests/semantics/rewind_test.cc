// Rewinding where others are concerned: children, entities and locks, and what clients had said.

#include <atomic>

#include "tests/semantics/stage.h"

namespace ingot::semantics {
namespace {

// What an activity needs to succeed.
using Gate = std::shared_ptr<std::atomic<bool>>;

void add_gated(Stage& stage, const Gate& open) {
  stage.add_activity("gated", [open](const ActivityContext&) -> std::string {
    if (!*open) throw std::runtime_error("the gate is shut");
    return "through,";
  });
}

Task<std::string> waits(OrchestrationContext& context) {
  std::string text = co_await context.wait_for_event("go");
  co_return text;
}

// Fails at the gate while the child "c" still waits. Says why the child failed, or, with an input,
// only that it did: word of its end may have been on its way before there was nobody any more.
Task<std::string> parent_of_one(OrchestrationContext& context) {
  const Future<std::string> child = context.call_sub_orchestration("waits", "", "c");
  std::string text = co_await context.call_activity("gated");
  try {
    text += co_await child;
  } catch (const TaskFailedError& error) {
    text += context.input().empty() ? error.details().type : "lost";
  }
  co_return text;
}

void start_and_fail(Stage& stage, const Gate& gate, const std::string& input = "") {
  add_gated(stage, gate);
  stage.add("waits", waits);
  stage.add("parent", parent_of_one);
  stage.open();
  stage.start("parent", input, "p");
  stage.expect_status("p", RuntimeStatus::failed);
  stage.wait_for_start("c");
}

SCENARIO(Rewound, ParentsHearOfChildrenThatCompletedMeanwhile) {
  const auto gate = std::make_shared<std::atomic<bool>>(false);
  start_and_fail(stage, gate);
  stage.raise("c", "go", "done");
  stage.expect("c", "done");
  *gate = true;
  EXPECT_TRUE(stage.rewind("p").ok());
  stage.expect("p", "through,done");
}

SCENARIO(Rewound, ParentsHearOfChildrenThatWereTerminatedMeanwhile) {
  const auto gate = std::make_shared<std::atomic<bool>>(false);
  start_and_fail(stage, gate);
  EXPECT_TRUE(stage.terminate("c").ok());
  stage.expect_status("c", RuntimeStatus::terminated);
  *gate = true;
  EXPECT_TRUE(stage.rewind("p").ok());
  stage.expect("p", "through,OrchestrationTerminated");
}

SCENARIO(Rewound, ParentsWaitForChildrenThatStillRun) {
  const auto gate = std::make_shared<std::atomic<bool>>(false);
  start_and_fail(stage, gate);
  *gate = true;
  EXPECT_TRUE(stage.rewind("p").ok());
  stage.let_pass(std::chrono::milliseconds(5));
  stage.raise("c", "go", "at last");
  stage.expect("p", "through,at last");
}

SCENARIO(Rewound, ParentsHearThatAChildIsGone) {
  const auto gate = std::make_shared<std::atomic<bool>>(false);
  start_and_fail(stage, gate, "whatever");
  EXPECT_TRUE(stage.terminate("c").ok());
  stage.expect_status("c", RuntimeStatus::terminated);
  const Result<std::uint64_t> purged = stage.purge("c");
  EXPECT_TRUE(purged.ok() && *purged == 1) << purged.status().to_string();
  *gate = true;
  EXPECT_TRUE(stage.rewind("p").ok());
  stage.expect("p", "through,lost");
}

SCENARIO(Rewound, StrangersThatHaveAChildsIdAreLeftAlone) {
  const auto gate = std::make_shared<std::atomic<bool>>(false);
  stage.add("fails", [](OrchestrationContext& context) -> Task<std::string> {
    if (context.input().empty()) throw std::runtime_error("by itself");
    co_return "";
  });
  start_and_fail(stage, gate, "whatever");
  StartOptions taken_over;
  taken_over.instance_id = "c";
  taken_over.replace = {RuntimeStatus::running, RuntimeStatus::pending, RuntimeStatus::terminated};
  EXPECT_TRUE(stage.try_start("fails", taken_over).ok());
  stage.expect_status("c", RuntimeStatus::failed);
  *gate = true;
  EXPECT_TRUE(stage.rewind("p").ok());
  stage.expect("p", "through,lost");
  stage.expect_status("c", RuntimeStatus::failed);
}

// --- entities -----------------------------------------------------------------------------------

std::string log(EntityContext& context) {
  const std::string text = std::string(context.state().value_or("")) + std::string(context.input());
  context.set_state(text);
  return text;
}

Task<std::string> holds(OrchestrationContext& context) {
  const EntityId id("log", "x");
  EntityLock lock = co_await context.lock_entities(id);
  std::string text = co_await context.call_entity(id, "append", "[");
  context.set_custom_status("locked");
  std::string event = co_await context.wait_for_event("go");
  text = co_await context.call_entity(id, "append", "]");
  co_return text;
}

SCENARIO(Rewound, CallsWhoseAnswersWereLostAreMadeAgain) {
  const auto gate = std::make_shared<std::atomic<bool>>(false);
  add_gated(stage, gate);
  stage.add_entity("log", log);
  stage.add("holds", holds);
  stage.add("calls", [](OrchestrationContext& context) -> Task<std::string> {
    const Future<std::string> call = context.call_entity(EntityId("log", "x"), "append", "a");
    std::string text = co_await context.call_activity("gated");
    std::string answer = co_await call;
    co_return text + (answer.empty() ? "nothing" : "answered");
  });
  stage.open();
  stage.start("holds", "", "h");
  stage.wait_for_custom_status("h", "locked");
  stage.start("calls", "", "i");
  stage.expect_status("i", RuntimeStatus::failed);
  // The answer comes to one that has failed.
  stage.raise("h", "go");
  stage.expect("h", "[]");
  stage.wait_for_state(EntityId("log", "x"), "[]a");
  *gate = true;
  EXPECT_TRUE(stage.rewind("i").ok());
  stage.expect("i", "through,answered");
  stage.wait_for_state(EntityId("log", "x"), "[]aa");
}

// Fails under the lock of two entities, having done half of it.
Task<std::string> half_way(OrchestrationContext& context) {
  const std::vector<EntityId> both{EntityId("log", "x"), EntityId("log", "y")};
  EntityLock lock = co_await context.lock_entities(both);
  std::string text = co_await context.call_entity(both.front(), "append", "a");
  context.set_custom_status("half way");
  std::string through = co_await context.call_activity("gated");
  text = co_await context.call_entity(both.front(), "append", "b");
  text += co_await context.call_entity(both.back(), "append", "c");
  lock.release();
  // It can lock again, and what it then holds is not what it held before.
  EntityLock second = co_await context.lock_entities(both.front());
  text = co_await context.call_entity(both.front(), "append", "d") + text;
  co_return through + text;
}

void fail_half_way(Stage& stage, const Gate& gate) {
  add_gated(stage, gate);
  stage.add_entity("log", log);
  stage.add("holds", holds);
  stage.add("half way", half_way);
  stage.open();
  stage.start("half way", "", "i");
  stage.expect_status("i", RuntimeStatus::failed);
  stage.wait_for_state(EntityId("log", "x"), "a");
}

bool is_locked_by(Stage& stage, const EntityId& id, const std::string& owner) {
  const Result<EntityState> state = stage.ask([&](Client& with) { return with.get_entity(id); });
  return state.ok() && state->locked_by == owner;
}

SCENARIO(Rewound, LocksAreTakenAgainBeforeAnythingElse) {
  const auto gate = std::make_shared<std::atomic<bool>>(false);
  fail_half_way(stage, gate);
  // Somebody else has the lock meanwhile.
  stage.start("holds", "", "h");
  stage.wait_for_custom_status("h", "locked");
  *gate = true;
  EXPECT_TRUE(stage.rewind("i").ok());
  stage.let_pass(std::chrono::milliseconds(20));
  EXPECT_TRUE(is_locked_by(stage, EntityId("log", "x"), "h"));
  stage.wait_for_state(EntityId("log", "x"), "a[");
  const Result<InstanceState> waiting = stage.get("i");
  EXPECT_TRUE(waiting.ok() && waiting->status == RuntimeStatus::running);
  stage.raise("h", "go");
  stage.expect("h", "a[]");
  stage.expect("i", "through,a[]bda[]bc");
  EXPECT_TRUE(stage.until([&] { return is_locked_by(stage, EntityId("log", "x"), ""); }));
  EXPECT_TRUE(stage.until([&] { return is_locked_by(stage, EntityId("log", "y"), ""); }));
}

SCENARIO(Rewound, LocksAreGivenBackIfItFailsOnceMore) {
  const auto gate = std::make_shared<std::atomic<bool>>(false);
  fail_half_way(stage, gate);
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(stage.rewind("i").ok());
    stage.expect_status("i", RuntimeStatus::failed);
    EXPECT_TRUE(stage.until([&] { return is_locked_by(stage, EntityId("log", "x"), ""); }));
    EXPECT_TRUE(stage.until([&] { return is_locked_by(stage, EntityId("log", "y"), ""); }));
  }
  *gate = true;
  EXPECT_TRUE(stage.rewind("i").ok());
  stage.expect("i", "through,abdabc");
}

SCENARIO(Rewound, OnesThatWaitForTheirLocksCanBeTerminated) {
  const auto gate = std::make_shared<std::atomic<bool>>(false);
  fail_half_way(stage, gate);
  stage.start("holds", "", "h");
  stage.wait_for_custom_status("h", "locked");
  *gate = true;
  EXPECT_TRUE(stage.rewind("i").ok());
  EXPECT_TRUE(stage.terminate("i", "enough").ok());
  const InstanceState ended = stage.finish("i");
  EXPECT_EQ(to_string(ended.status), "Terminated");
  EXPECT_EQ(ended.output.value_or("(none)"), "enough");
  stage.raise("h", "go");
  stage.expect("h", "a[]");
  EXPECT_TRUE(stage.until([&] { return is_locked_by(stage, EntityId("log", "x"), ""); }));
  EXPECT_TRUE(stage.until([&] { return is_locked_by(stage, EntityId("log", "y"), ""); }));
}

}  // namespace
}  // namespace ingot::semantics
