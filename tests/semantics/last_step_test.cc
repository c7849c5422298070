// The step that ends an execution counts in full: what it asks for happens, though no one hears of
// the outcome. So does what earlier steps have asked for.

#include <map>
#include <mutex>

#include "tests/semantics/stage.h"

namespace ingot::semantics {
namespace {

// What has been run, in any incarnation of the hub.
class Notes {
 public:
  void add(const std::string& text) {
    const std::lock_guard lock(mutex_);
    ++runs_[text];
  }
  int runs(const std::string& text) {
    const std::lock_guard lock(mutex_);
    return runs_[text];
  }

 private:
  std::mutex mutex_;
  std::map<std::string, int> runs_;
};

using SharedNotes = std::shared_ptr<Notes>;

ActivityFn noting(const SharedNotes& notes) {
  return [notes](const ActivityContext& call) -> std::string {
    notes->add(std::string(call.input));
    return "noted";
  };
}

void expect_purged(Stage& stage, const std::string& id) {
  const Result<std::uint64_t> purged = stage.purge(id);
  EXPECT_TRUE(purged.ok() && *purged == 1) << purged.status().to_string();
}

void expect_run(Stage& stage, const SharedNotes& notes, const std::string& text) {
  EXPECT_TRUE(stage.until([&] { return notes->runs(text) != 0; })) << text;
}

SCENARIO(LastStep, ActivitiesOfTheStepThatCompletesAreRun) {
  const auto notes = std::make_shared<Notes>();
  stage.add_activity("note", noting(notes));
  stage.add_inline("note at once", noting(notes));
  stage.add("leaves", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.call_activity("note", "before");
    for (const char* input : {"a", "b", "c"}) {
      const Future<std::string> left = context.call_activity("note", input);
    }
    const Future<std::string> left = context.call_activity("note at once", "d");
    co_return text;
  });
  stage.open();
  stage.expect(stage.start("leaves"), "noted");
  for (const char* text : {"a", "b", "c", "d"}) expect_run(stage, notes, text);
}

SCENARIO(LastStep, ActivitiesOfTheStepThatFailsAreRun) {
  const auto notes = std::make_shared<Notes>();
  stage.add_activity("note", noting(notes));
  stage.add("fails", [](OrchestrationContext& context) -> Task<std::string> {
    const Future<std::string> left = context.call_activity("note", "left");
    if (context.input().empty()) throw std::runtime_error("fails");
    co_return "";
  });
  stage.open();
  stage.expect_status(stage.start("fails"), RuntimeStatus::failed);
  expect_run(stage, notes, "left");
}

SCENARIO(LastStep, ActivitiesOfTheStepThatContinuesAsNewAreRun) {
  const auto notes = std::make_shared<Notes>();
  stage.add_activity("note", noting(notes));
  // Each execution has an activity of the id 0; the last one hears of its own only.
  stage.add("goes on", [](OrchestrationContext& context) -> Task<std::string> {
    const std::string round(context.input());
    if (round == "xxx") {
      std::string text = co_await context.call_activity("note", round);
      co_return text;
    }
    const Future<std::string> left = context.call_activity("note", round);
    context.continue_as_new(round + "x");
    co_return "";
  });
  stage.open();
  stage.expect(stage.start("goes on", "x"), "noted");
  for (const char* text : {"x", "xx", "xxx"}) expect_run(stage, notes, text);
}

SCENARIO(LastStep, ActivitiesThatWerePendingAtTheEndAreRun) {
  const auto notes = std::make_shared<Notes>();
  stage.add_activity("note", noting(notes));
  stage.add("first wins", [](OrchestrationContext& context) -> Task<std::string> {
    const Future<std::string> slow = context.call_activity("note", "lost");
    const Future<void> past = context.create_timer(context.current_time());
    co_await context.when_any(slow, past);
    co_return "done";
  });
  stage.add("waits", [](OrchestrationContext& context) -> Task<std::string> {
    const Future<std::string> left = context.call_activity("note", context.input());
    std::string text = co_await context.wait_for_event("never");
    co_return text;
  });
  stage.open();
  stage.expect(stage.start("first wins"), "done");
  // A termination and a replacement end it from outside.
  stage.start("waits", "terminated", "t");
  EXPECT_TRUE(stage.terminate("t").ok());
  stage.expect_status("t", RuntimeStatus::terminated);
  for (const char* text : {"lost", "terminated"}) expect_run(stage, notes, text);
}

SCENARIO(LastStep, TheyAreRunThoughTheInstanceIsPurgedOrItsIdTakenOver) {
  const auto notes = std::make_shared<Notes>();
  stage.add_activity("note", noting(notes));
  stage.add("leaves", [](OrchestrationContext& context) -> Task<std::string> {
    const Future<std::string> left = context.call_activity("note", context.input());
    co_return "left";
  });
  stage.open();
  stage.expect(stage.start("leaves", "first", "i"), "left");
  expect_purged(stage, "i");
  stage.expect(stage.start("leaves", "second", "i"), "left");
  StartOptions again;
  again.instance_id = "i";
  again.input = "third";
  again.replace = {RuntimeStatus::completed};
  EXPECT_TRUE(stage.try_start("leaves", again).ok());
  stage.expect("i", "left");
  for (const char* text : {"first", "second", "third"}) expect_run(stage, notes, text);
}

SCENARIO(LastStep, AFailureThatNobodyHearsOfHarmsNoOne) {
  const auto notes = std::make_shared<Notes>();
  stage.add_activity("fails", [notes](const ActivityContext& call) -> std::string {
    notes->add(std::string(call.input));
    throw std::runtime_error("not heard");
  });
  stage.add("leaves", [](OrchestrationContext& context) -> Task<std::string> {
    const Future<std::string> left = context.call_activity("fails", "failed");
    const Future<std::string> unknown = context.call_activity("nobody has it");
    co_return "left";
  });
  stage.open();
  stage.expect(stage.start("leaves"), "left");
  expect_run(stage, notes, "failed");
}

// Ended in one of three ways, having asked for everything that goes to someone else.
Task<std::string> says_good_bye(OrchestrationContext& context) {
  const std::string way(context.input());
  if (way == "again") co_return "again";
  context.send_event("listener-" + way, "word", "bye");
  context.signal_entity(EntityId("tally", way), "add", "x");
  const Future<std::string> called = context.call_entity(EntityId("tally", way), "add", "y");
  const Future<std::string> child =
      context.call_sub_orchestration("left", "", "left behind by " + way);
  if (way == "fails") throw std::runtime_error("fails");
  if (way == "continues") context.continue_as_new("again");
  co_return "gone";
}

SCENARIO(LastStep, MessagesSignalsAndChildrenOfTheLastStepGoOut) {
  stage.add("listens", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.wait_for_event("word");
    co_return text;
  });
  stage.add("left", [](OrchestrationContext&) -> Task<std::string> { co_return "alone"; });
  stage.add("says good-bye", says_good_bye);
  stage.add_entity("tally", [](EntityContext& context) -> std::string {
    context.set_state(std::string(context.state().value_or("")) + std::string(context.input()));
    return "";
  });
  stage.open();
  for (const std::string way : {"completes", "fails", "continues"}) {
    stage.start("listens", "", "listener-" + way);
    const std::string id = stage.start("says good-bye", way);
    if (way == "fails") {
      stage.expect_status(id, RuntimeStatus::failed);
    } else {
      stage.expect(id, way == "continues" ? "again" : "gone");
    }
    stage.expect("listener-" + way, "bye");
    EXPECT_TRUE(stage.until([&] { return stage.get("left behind by " + way).ok(); }));
    stage.expect("left behind by " + way, "alone");
    stage.wait_for_state(EntityId("tally", way), "xy");
  }
}

// --- run once where nothing goes wrong, and never again when they have been run -----------------

Task<std::string> leaves_one(OrchestrationContext& context) {
  const Future<std::string> left = context.call_activity("note", context.input());
  co_return "left";
}

TEST(DetachedActivities, AreRunOnceAndThenForgotten) {
  const auto notes = std::make_shared<Notes>();
  Registry registry;
  ASSERT_TRUE(registry.add_orchestrator("leaves", leaves_one).ok());
  ASSERT_TRUE(registry.add_activity("note", noting(notes)).ok());
  for (const bool evict : {false, true}) {
    sim::SimHubPlan plan;
    plan.options.partitions = 2;
    plan.options.segment_bytes = 1ULL << 20;
    plan.seed = evict ? 11 : 7;
    plan.evict = evict;
    sim::SimHub hub(registry, plan);
    const std::string input = evict ? "evicted" : "kept";
    StartOptions start;
    start.input = input;
    ASSERT_TRUE(hub.client().schedule_new_orchestration("leaves", start).ok());
    ASSERT_TRUE(hub.until([&] { return notes->runs(input) == 1; }, std::chrono::hours(1)));
    hub.run_for(std::chrono::minutes(1));
    // What is durable by now has been run: no recovery runs it again.
    for (int i = 0; i < 3; ++i) {
      hub.crash();
      hub.recover();
      hub.run_for(std::chrono::minutes(1));
    }
    EXPECT_EQ(notes->runs(input), 1);
    EXPECT_TRUE(hub.failure().ok()) << hub.failure().to_string();
  }
}

// The power fails at each write in turn, while checkpoints are taken all the time: it is run by the
// first incarnation, or by the next one.
TEST(DetachedActivities, SurviveCrashesBetweenCheckpoints) {
  for (std::uint64_t point = 2; point < 20; ++point) {
    SCOPED_TRACE("power loss at write " + std::to_string(point / 2) +
                 (point % 2 == 1 ? ", heard of" : ""));
    const auto notes = std::make_shared<Notes>();
    Registry registry;
    ASSERT_TRUE(registry.add_orchestrator("leaves", leaves_one).ok());
    ASSERT_TRUE(registry.add_activity("note", noting(notes)).ok());
    sim::SimHubPlan plan;
    plan.options.partitions = 1;
    plan.options.segment_bytes = 1ULL << 20;
    plan.options.persist_steps_first = true;
    plan.seed = point;
    plan.evict = true;
    sim::SimHub hub(registry, plan);
    hub.crash_at({point / 2, point % 2 == 1});
    StartOptions start;
    start.instance_id = "i";
    start.input = "x";
    start.request_id = 9;
    for (;;) {
      if (hub.client().schedule_new_orchestration("leaves", start).ok()) break;
      ASSERT_TRUE(hub.down());
      hub.recover();
    }
    hub.run_for(std::chrono::minutes(1));
    if (hub.down()) hub.recover();
    EXPECT_TRUE(hub.until([&] { return notes->runs("x") != 0; }, std::chrono::hours(1)));
    EXPECT_TRUE(hub.failure().ok()) << hub.failure().to_string();
  }
}

}  // namespace
}  // namespace ingot::semantics
