// What the context tells of the execution, calls with options, and timers that nobody waits for.

#include <ingot/orchestration_context.h>

#include <stdexcept>

#include "tests/core/execution_harness.h"

namespace ingot {
namespace {

using namespace ingot::testing;

using Tags = std::vector<std::pair<std::string, std::string>>;

HistoryEvent traced_start() {
  HistoryEvent event = started_event();
  event.trace_parent = "00-trace-span-01";
  return event;
}

TEST(OrchestrationContextTest, TellsParentTagsAndTrace) {
  const ParentInfo parent{"the parent", "parent-1", {3, 4}, 5};
  const Tags tags{{"b", "2"}, {"a", ""}};
  Harness harness([&](OrchestrationContext& context) -> Task<std::string> {
    EXPECT_EQ(context.parent(), parent);
    EXPECT_EQ(context.tags(), tags);
    EXPECT_EQ(context.trace_parent(), "00-trace-span-01");
    co_return "";
  });
  HistoryEvent start = traced_start();
  start.parent = parent;
  start.tags = tags;
  expect_completed(harness.step({start}), "");
}

TEST(OrchestrationContextTest, AnOrchestrationOfItsOwnHasNoParent) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    EXPECT_EQ(context.parent(), std::nullopt);
    EXPECT_TRUE(context.tags().empty());
    EXPECT_EQ(context.trace_parent(), "");
    co_return "";
  });
  expect_completed(harness.begin(), "");
}

TEST(OrchestrationContextTest, CallsCarryTheTrace) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    const RetryPolicy policy;
    static_cast<void>(context.call_activity("a"));
    static_cast<void>(context.call_activity("a", "", policy));
    static_cast<void>(context.call_sub_orchestration("c"));
    static_cast<void>(context.call_sub_orchestration("c", "", "", policy));
    static_cast<void>(context.call_entity(EntityId("e", "k"), "op"));
    co_return "";
  });
  const auto actions = harness.step({traced_start()});
  ASSERT_EQ(actions.size(), 6U);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(actions[i].trace_parent, "00-trace-span-01") << i;
}

TEST(OrchestrationContextTest, ActivitiesWithOptions) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    ActivityCallOptions options;
    options.version = "v2";
    options.tags = {{"key", "value"}};
    std::string text = co_await context.call_activity("a", "1", options);
    options.retry = RetryPolicy();
    text += co_await context.call_activity("a", "2", options);
    co_return text;
  });
  auto actions = harness.begin();
  for (int i = 0; i < 3; i += 2) {
    ASSERT_EQ(actions.size(), 1U);
    EXPECT_EQ(actions[0].version, "v2");
    EXPECT_EQ(actions[0].tags, (Tags{{"key", "value"}}));
    EXPECT_EQ(actions[0].data, i == 0 ? "1" : "2");
    if (i == 0) actions = harness.step({completed(0, "x")});
  }
  EXPECT_EQ(harness.step({failed(1, "Bad")}).at(0).kind, Kind::timer_created);
  actions = harness.step({fired(2)});
  EXPECT_EQ(actions.at(0).version, "v2");
  EXPECT_EQ(actions.at(0).tags, (Tags{{"key", "value"}}));
  expect_completed(harness.step({completed(3, "y")}), "xy");
}

TEST(OrchestrationContextTest, ChildrenWithOptions) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    SubOrchestrationOptions options;
    options.instance_id = "given";
    options.version = "v3";
    options.tags = {{"key", "value"}, {"k", "v"}};
    std::string text = co_await context.call_sub_orchestration("c", "1", options);
    options.instance_id.clear();
    options.retry = RetryPolicy();
    text += co_await context.call_sub_orchestration("c", "2", options);
    co_return text;
  });
  auto actions = harness.begin();
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_EQ(actions[0].instance_id, "given");
  EXPECT_EQ(actions[0].version, "v3");
  EXPECT_EQ(actions[0].tags, (Tags{{"key", "value"}, {"k", "v"}}));
  actions = harness.step({reply(Kind::sub_orchestration_completed, 0, "x")});
  const std::string derived = "0123456789abcdeffedcba9876543210:1";
  EXPECT_EQ(actions.at(0).instance_id, derived);
  harness.step({failed(1, "Bad", "", false, Kind::sub_orchestration_failed)});
  actions = harness.step({fired(2)});
  EXPECT_EQ(actions.at(0).instance_id, derived);
  EXPECT_EQ(actions.at(0).version, "v3");
  expect_completed(harness.step({reply(Kind::sub_orchestration_completed, 3, "y")}), "xy");
}

TEST(OrchestrationContextTest, AChildIsNotTriedAgainUnderALock) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    RetryPolicy policy;
    auto child = context.call_sub_orchestration("c", "", "", policy);
    const EntityLock lock = co_await context.lock_entities(EntityId("e", "k"));
    std::string text;
    try {
      text = co_await child;
    } catch (const std::logic_error& error) {
      text = error.what();
    }
    co_return text;
  });
  harness.begin();
  HistoryEvent granted = plain(Kind::entity_lock_granted);
  granted.scheduled_id = 1;
  harness.step({granted});
  harness.step({failed(0, "Bad", "", false, Kind::sub_orchestration_failed)});
  expect_completed(harness.step({fired(2)}),
                   "a sub-orchestration can't be called while entities are locked");
}

TEST(OrchestrationContextTest, ATimerIsCancelledByDroppingIt) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    {
      const auto deadline = context.create_timer(std::chrono::hours(1));
      const auto work = context.call_activity("work");
      const std::size_t first = co_await context.when_any(work, deadline);
      EXPECT_EQ(first, 0U);
    }
    static_cast<void>(context.create_timer(std::chrono::hours(2)));
    co_return co_await context.wait_for_event("end");
  });
  EXPECT_EQ(harness.begin().size(), 2U);
  EXPECT_EQ(harness.step({completed(1, "")}).size(), 1U);
  harness.replay();
  // It fires all the same, and nobody notices; nor does the end wait for the other one.
  EXPECT_TRUE(harness.step({fired(0)}).empty());
  harness.replay();
  expect_completed(harness.step({raised("end", "done")}), "done");
}

TEST(OrchestrationContextTest, ARewindIsNothingToAnOrchestrator) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    co_return co_await context.call_activity("a");
  });
  harness.begin();
  EXPECT_TRUE(harness.step({plain(Kind::execution_rewound, "once more")}).empty());
  harness.replay();
  expect_completed(harness.step({completed(0, "x")}), "x");
}

}  // namespace
}  // namespace ingot
