// Activities whose orchestration has ended, with foreign workers: they keep their locks, count for
// the throttles, time out, and come back after a reopening.

#include "tests/support/hub_fixture.h"

namespace ingot::testing {
namespace {

using Kind = HistoryEventKind;
using std::chrono::milliseconds;

// Leaves as many activities behind as its input says.
Task<std::string> leaves(OrchestrationContext& context) {
  const long count = std::stol(std::string(context.input()));
  for (long i = 0; i < count; ++i) {
    const Future<std::string> left = context.call_activity("foreign", std::to_string(i));
  }
  co_return "left";
}

Task<std::string> waits_for_two(OrchestrationContext& context) {
  const Future<std::string> left = context.call_activity("foreign", "0");
  std::string text = co_await context.wait_for_event("go");
  co_return text;
}

class HubDetachedActivities : public HubFixture {
 protected:
  HubDetachedActivities() {
    options.partitions = 1;
    options.foreign_work = true;
    add_orchestrator("leaves", leaves);
    add_orchestrator("waits", waits_for_two);
  }
  [[nodiscard]] WorkItems& work() { return hub().work_items(); }
  ActivityWorkItem lock() {
    Result<ActivityWorkItem> item = work().lock_activity(kLong);
    EXPECT_TRUE(item.ok()) << item.status().to_string();
    return item.ok() ? *std::move(item) : ActivityWorkItem{};
  }
  void expect_no_more() {
    EXPECT_EQ(work().lock_activity(milliseconds(20)).status().code(), StatusCode::timed_out);
  }
};

TEST_F(HubDetachedActivities, AreOfferedWithAllThatTheyNeed) {
  open();
  const std::string id = start("leaves", "2", "i");
  expect_output(finish(id), "left");
  const InstanceState ended = finish(id);
  for (const std::string input : {"0", "1"}) {
    const ActivityWorkItem item = lock();
    EXPECT_EQ(item.instance_id, id);
    EXPECT_EQ(item.execution_id, ended.execution_id);
    EXPECT_EQ(item.name, "foreign");
    EXPECT_EQ(item.input, input);
    must(work().complete_activity(item.token, "heard by no one"));
    must(work().complete_activity(item.token, "once more"));
  }
  expect_no_more();
  EXPECT_EQ(count_kind(history(id), Kind::task_completed), 0U);
}

TEST_F(HubDetachedActivities, StayWithTheirWorkerWhenTheOrchestrationEnds) {
  options.activity_work_items_max = 1;
  open();
  const std::string id = start("waits");
  const ActivityWorkItem item = lock();
  raise(id, "go", "on");
  expect_output(finish(id), "on");
  // It is the one that is locked: no other may be, and it is not given out twice.
  start("leaves", "1", "other");
  expect_no_more();
  must(work().complete_activity(item.token, "done"));
  EXPECT_EQ(lock().instance_id, "other");
  expect_no_more();
}

TEST_F(HubDetachedActivities, AreOfferedAgainWhenTheirWorkerIsLost) {
  options.work_item_timeout = milliseconds(100);
  open();
  const std::string id = start("leaves", "1");
  expect_output(finish(id), "left");
  const ActivityWorkItem lost = lock();
  const ActivityWorkItem again = lock();
  EXPECT_NE(again.token, lost.token);
  EXPECT_EQ(again.instance_id, lost.instance_id);
}

TEST_F(HubDetachedActivities, CanBeGivenBackAndFail) {
  open();
  start("leaves", "1");
  const ActivityWorkItem first = lock();
  must(work().abandon_activity(first.token));
  const ActivityWorkItem second = lock();
  FailureDetails failure;
  failure.type = "Broken";
  must(work().fail_activity(second.token, failure));
  expect_no_more();
}

TEST_F(HubDetachedActivities, EndWithTheirTimeOut) {
  options.activity_timeout = milliseconds(30);
  options.activity_work_items_max = 1;
  open();
  start("leaves", "1", "first");
  const ActivityWorkItem late = lock();
  start("leaves", "1", "second");
  // Only the end of the first makes room.
  EXPECT_EQ(lock().instance_id, "second");
  must(work().complete_activity(late.token, "late"));
}

TEST_F(HubDetachedActivities, ComeBackUntilTheyAreDone) {
  open();
  const std::string id = start("leaves", "3");
  expect_output(finish(id), "left");
  must(work().complete_activity(lock().token, "done"));
  lock();  // and its worker is gone
  const Result<std::uint64_t> purged = client().purge_instance(id);
  EXPECT_TRUE(purged.ok() && *purged == 1) << purged.status().to_string();
  reopen();
  const ActivityWorkItem one = lock();
  const ActivityWorkItem two = lock();
  EXPECT_NE(one.task_id, two.task_id);
  expect_no_more();
  must(work().complete_activity(one.token, "done"));
  must(work().complete_activity(two.token, "done"));
  must(hub().checkpoint());
  reopen();
  expect_no_more();
}

}  // namespace
}  // namespace ingot::testing
