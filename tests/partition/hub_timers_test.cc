// Durable timers and scheduled starts, with the machine's clock. Nothing here depends on how late a
// timer fires: only that it never fires early, and that it fires.

#include <ingot/task_hub.h>

#include "tests/support/hub_fixture.h"

namespace ingot::testing {
namespace {

using Kind = HistoryEventKind;
using std::chrono::hours;
using std::chrono::milliseconds;

// Waits as many milliseconds as its input says.
Task<std::string> nap(OrchestrationContext& context) {
  const Duration delay = milliseconds(std::stol(std::string(context.input())));
  co_await context.create_timer(delay);
  co_return "woken";
}

class HubTimers : public HubFixture {
 protected:
  HubTimers() { add_orchestrator("nap", nap); }

  // The timers of a finished instance fired once each, and none of them early.
  void expect_fired_in_time(const std::string& id) {
    std::vector<HistoryEvent> created;
    std::size_t fired = 0;
    for (const HistoryEvent& event : history(id)) {
      if (event.kind == Kind::timer_created) created.push_back(event);
      if (event.kind != Kind::timer_fired) continue;
      ++fired;
      ASSERT_TRUE(event.fire_at.has_value());
      EXPECT_GE(event.timestamp, *event.fire_at) << id;
      std::size_t matching = 0;
      for (const HistoryEvent& timer : created) {
        if (timer.event_id != event.scheduled_id) continue;
        ++matching;
        EXPECT_EQ(timer.fire_at, event.fire_at);
      }
      EXPECT_EQ(matching, 1U);
    }
    EXPECT_EQ(fired, created.size()) << id;
  }
};

TEST_F(HubTimers, SurviveReopening) {
  for (const bool with_checkpoint : {false, true}) {
    open();
    std::vector<std::string> ids;
    // Some come due before the hub is closed, some while it is, some after it is open again.
    for (int i = 0; i < 40; ++i) ids.push_back(start("nap", std::to_string(i * 20)));
    for (const std::string& id : ids) ASSERT_TRUE(client().wait_for_start(id, kLong).ok());
    if (with_checkpoint) {
      ASSERT_TRUE(hub().checkpoint().ok());
    }
    ASSERT_NO_FATAL_FAILURE(reopen());
    for (const std::string& id : ids) {
      expect_output(finish(id), "woken");
      expect_fired_in_time(id);
    }
    ASSERT_NO_FATAL_FAILURE(close());
  }
}

TEST_F(HubTimers, FarAwayTimersKeepWaiting) {
  open();
  const std::string id = start("nap", "86400000");
  ASSERT_TRUE(client().wait_for_start(id, kLong).ok());
  ASSERT_TRUE(hub().checkpoint().ok());
  reopen();
  expect_output(run("nap", "1"), "woken");
  const Result<InstanceState> state = client().get_instance(id);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->status, RuntimeStatus::running);
  EXPECT_EQ(client().wait_for_completion(id, milliseconds(10)).status().code(),
            StatusCode::timed_out);
}

TEST_F(HubTimers, InThePastFireAtOnce) {
  add_orchestrator("past", [](OrchestrationContext& context) -> Task<std::string> {
    const Timestamp now = context.current_time();
    const Timestamp earlier = now - hours(1);
    co_await context.create_timer(earlier);
    const Timestamp epoch{};
    co_await context.create_timer(epoch);
    const Timestamp before_epoch = epoch - hours(1);
    co_await context.create_timer(before_epoch);
    const Duration nothing(0);
    co_await context.create_timer(nothing);
    co_await context.create_timer(now);
    co_return "past";
  });
  open();
  const std::string id = start("past");
  expect_output(finish(id), "past");
  EXPECT_EQ(count_kind(history(id), Kind::timer_fired), 5U);
  reopen();
  expect_output(finish(id), "past");
}

TEST_F(HubTimers, FireInTheOrderOfTheirTimes) {
  add_orchestrator("three", [](OrchestrationContext& context) -> Task<std::string> {
    std::vector<Future<void>> timers;
    for (const int ms : {60, 20, 40}) timers.push_back(context.create_timer(milliseconds(ms)));
    co_await context.when_all(std::move(timers));
    co_return "";
  });
  open();
  const std::string id = start("three");
  finish(id);
  std::vector<std::int32_t> order;
  for (const HistoryEvent& event : history(id)) {
    if (event.kind == Kind::timer_fired) order.push_back(event.scheduled_id);
  }
  EXPECT_EQ(order, (std::vector<std::int32_t>{1, 2, 0}));
  expect_fired_in_time(id);
}

TEST_F(HubTimers, AWaitForAnEventEndsByTimeOrByTheEvent) {
  add_orchestrator("waits", [](OrchestrationContext& context) -> Task<std::string> {
    const Duration timeout = milliseconds(std::stol(std::string(context.input())));
    const std::optional<std::string> event = co_await context.wait_for_event("e", timeout);
    co_return event.value_or("(timed out)");
  });
  open();
  expect_output(run("waits", "5"), "(timed out)");
  const std::string id = start("waits", "86400000");
  reopen();
  raise(id, "e", "came");
  expect_output(finish(id), "came");
}

TEST_F(HubTimers, AScheduledStartWaitsForItsTime) {
  open();
  StartOptions soon;
  soon.instance_id = "soon";
  soon.input = "1";
  soon.scheduled_start = wall_clock() + milliseconds(300);
  StartOptions late = soon;
  late.instance_id = "late";
  late.scheduled_start = wall_clock() + hours(1);
  StartOptions past = soon;
  past.instance_id = "past";
  past.scheduled_start = wall_clock() - hours(1);
  for (const StartOptions& scheduled : {soon, late, past}) {
    ASSERT_TRUE(client().schedule_new_orchestration("nap", scheduled).ok());
  }
  const auto late_status = [&] {
    const Result<InstanceState> state = client().get_instance("late");
    return state.ok() ? state->status : RuntimeStatus::failed;
  };
  expect_output(finish("past"), "woken");
  EXPECT_EQ(late_status(), RuntimeStatus::pending);
  reopen();
  EXPECT_EQ(late_status(), RuntimeStatus::pending);
  expect_output(finish("soon"), "woken");
  const std::vector<HistoryEvent> events = history("soon");
  ASSERT_GE(events.size(), 2U);
  ASSERT_EQ(events[0].kind, Kind::orchestrator_started);
  EXPECT_GE(events[0].timestamp, *soon.scheduled_start);
  EXPECT_EQ(events[1].fire_at, soon.scheduled_start);

  ASSERT_TRUE(hub().checkpoint().ok());
  reopen();
  EXPECT_EQ(late_status(), RuntimeStatus::pending);
  EXPECT_EQ(client().wait_for_start("late", milliseconds(10)).status().code(),
            StatusCode::timed_out);
}

TEST_F(HubTimers, EventsBeforeAScheduledStartAreKept) {
  add_orchestrator("waits", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.wait_for_event("e");
    co_return text;
  });
  open();
  StartOptions scheduled;
  scheduled.instance_id = "scheduled";
  scheduled.scheduled_start = wall_clock() + milliseconds(300);
  ASSERT_TRUE(client().schedule_new_orchestration("waits", scheduled).ok());
  raise("scheduled", "e", "early");
  reopen();
  expect_output(finish("scheduled"), "early");
  EXPECT_GE(history("scheduled").front().timestamp, *scheduled.scheduled_start);
}

TEST_F(HubTimers, LeftOverTimersOfTheEndedHarmNothing) {
  add_orchestrator("leaves", [](OrchestrationContext& context) -> Task<std::string> {
    const Duration delay = milliseconds(50);
    const Future<void> dropped = context.create_timer(delay);
    const Duration longer = hours(1);
    const Future<void> never = context.create_timer(longer);
    co_return "left";
  });
  open();
  std::vector<std::string> ids;
  for (int i = 0; i < 10; ++i) ids.push_back(start("leaves"));
  for (const std::string& id : ids) expect_output(finish(id), "left");
  reopen();
  expect_output(run("nap", "100"), "woken");
  for (const std::string& id : ids) {
    EXPECT_EQ(count_kind(history(id), Kind::timer_fired), 0U);
    EXPECT_EQ(kinds_of(history(id)).back(), "ExecutionCompleted#2");
  }
}

}  // namespace
}  // namespace ingot::testing
