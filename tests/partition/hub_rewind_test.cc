// Rewinding failed orchestrations.

#include <map>
#include <mutex>

#include "partition/requests/rewind.h"
#include "tests/support/hub_fixture.h"

namespace ingot::testing {
namespace {

class HubRewind : public HubFixture {
 protected:
  HubRewind() {
    options.partitions = 3;
    // Fails as long as its input is among the broken ones; counts its runs.
    add_activity("work", [this](const ActivityContext& call) -> std::string {
      const std::string input(call.input);
      const std::lock_guard lock(mutex_);
      ++runs_[input];
      if (broken_.count(input) != 0) throw std::runtime_error(input + " is broken");
      return "[" + input + "]";
    });
  }

  void break_it(const std::string& input) {
    const std::lock_guard lock(mutex_);
    broken_[input] = true;
  }
  void mend_it(const std::string& input) {
    const std::lock_guard lock(mutex_);
    broken_.erase(input);
  }
  int runs(const std::string& input) {
    const std::lock_guard lock(mutex_);
    return runs_[input];
  }
  void expect_failed(const std::string& id) {
    EXPECT_EQ(to_string(finish(id).status), to_string(RuntimeStatus::failed)) << id;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, bool> broken_;
  std::map<std::string, int> runs_;
};

Task<std::string> chain(OrchestrationContext& context) {
  std::string text = co_await context.call_activity("work", "a");
  text += co_await context.call_activity("work", "b");
  text += co_await context.call_activity("work", "c");
  co_return text;
}

TEST_F(HubRewind, AFailedActivityRunsAgain) {
  add_orchestrator("chain", chain);
  open();
  break_it("b");
  start("chain", "", "i");
  expect_failed("i");
  EXPECT_EQ(client().rewind("nobody", "").code(), StatusCode::not_found);
  reopen();
  mend_it("b");
  must(client().rewind("i", "mended", 3));
  expect_output(finish("i"), "[a][b][c]");
  EXPECT_EQ(runs("a"), 1);
  EXPECT_EQ(runs("b"), 2);
  must(client().rewind("i", "mended", 3));  // was carried out
  EXPECT_EQ(client().rewind("i", "").code(), StatusCode::failed_precondition);
  const std::vector<HistoryEvent> events = history("i");
  EXPECT_EQ(count_kind(events, HistoryEventKind::task_failed), 0U);
  EXPECT_EQ(count_kind(events, HistoryEventKind::task_completed), 3U);
  EXPECT_EQ(count_kind(events, HistoryEventKind::execution_completed), 1U);
  EXPECT_EQ(count_kind(events, HistoryEventKind::execution_rewound), 1U);
  reopen();
  expect_output(finish("i"), "[a][b][c]");
  const Result<InstanceCounts> counts = client().count_instances();
  ASSERT_TRUE(counts.ok());
  EXPECT_EQ((*counts)[RuntimeStatus::completed], 1U);
  EXPECT_EQ((*counts)[RuntimeStatus::failed], 0U);
}

TEST_F(HubRewind, ItFailsAgainWhileNothingIsMended) {
  add_orchestrator("chain", chain);
  open();
  break_it("c");
  start("chain", "", "i");
  expect_failed("i");
  for (int round = 1; round <= 3; ++round) {
    must(client().rewind("i", "try"));
    expect_failed("i");
    EXPECT_EQ(runs("c"), 1 + round);
    if (round == 1) must(hub().checkpoint());
    if (round == 2) reopen();
  }
  mend_it("c");
  must(client().rewind("i", "mended"));
  expect_output(finish("i"), "[a][b][c]");
  EXPECT_EQ(runs("a"), 1);
}

TEST_F(HubRewind, WhatRunsOrHasCompletedIsNotRewound) {
  add_orchestrator("waits", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.wait_for_event("go");
    co_return text;
  });
  open();
  start("waits", "", "i");
  EXPECT_EQ(client().rewind("i", "").code(), StatusCode::failed_precondition);
  must(client().terminate("i", ""));
  finish("i");
  EXPECT_EQ(client().rewind("i", "").code(), StatusCode::failed_precondition);
}

TEST_F(HubRewind, ARetryIsPartOfTheHistory) {
  add_orchestrator("retries", [](OrchestrationContext& context) -> Task<std::string> {
    ActivityCallOptions call;
    call.retry.emplace();
    call.retry->attempts_max = 3;
    call.retry->first_interval = std::chrono::milliseconds(1);
    std::string text = co_await context.call_activity("work", "a", call);
    text += co_await context.call_activity("work", "b");
    co_return text;
  });
  open();
  break_it("a");
  start("retries", "", "i");
  expect_failed("i");
  EXPECT_EQ(runs("a"), 3);
  mend_it("a");
  must(client().rewind("i", ""));
  expect_output(finish("i"), "[a][b]");
  EXPECT_EQ(runs("a"), 4);
}

TEST_F(HubRewind, TheBranchesThatSucceededDoNotRunAgain) {
  add_orchestrator("fan", [](OrchestrationContext& context) -> Task<std::string> {
    std::vector<Future<std::string>> calls;
    for (int i = 0; i < 10; ++i) calls.push_back(context.call_activity("work", std::to_string(i)));
    const std::vector<std::string> results = co_await context.when_all(std::move(calls));
    std::string text;
    for (const std::string& result : results) text += result;
    co_return text;
  });
  open();
  break_it("3");
  break_it("7");
  start("fan", "", "i");
  expect_failed("i");
  mend_it("3");
  mend_it("7");
  must(client().rewind("i", ""));
  expect_output(finish("i"), "[0][1][2][3][4][5][6][7][8][9]");
  EXPECT_EQ(runs("0"), 1);
  EXPECT_EQ(runs("3"), 2);
  EXPECT_EQ(runs("7"), 2);
}

TEST_F(HubRewind, FailedChildrenAreRewoundToo) {
  add_orchestrator("child", chain);
  add_orchestrator("parent", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.call_sub_orchestration("child", "", "the child");
    co_return "<" + text + ">";
  });
  add_orchestrator("grandparent", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.call_sub_orchestration("parent", "", "the parent");
    co_return "<" + text + ">";
  });
  open();
  break_it("b");
  start("grandparent", "", "i");
  expect_failed("i");
  expect_failed("the child");
  must(hub().checkpoint());
  reopen();
  mend_it("b");
  must(client().rewind("i", "mended"));
  expect_output(finish("i"), "<<[a][b][c]>>");
  expect_output(finish("the child"), "[a][b][c]");
  EXPECT_EQ(runs("a"), 1);
}

// The step that failed is taken back: what it had consumed comes again.
TEST_F(HubRewind, AnOrchestratorThatFailedByItselfGoesOn) {
  std::atomic<bool> broken{true};
  add_orchestrator("picky", [&](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.wait_for_event("go");
    if (broken.load()) throw std::runtime_error("I don't like it");
    text += co_await context.call_activity("work", "a");
    text += co_await context.wait_for_event("again");
    co_return text;
  });
  open();
  start("picky", "", "i");
  raise("i", "again", "?");
  raise("i", "go", "!");
  expect_failed("i");
  broken = false;
  must(client().rewind("i", ""));
  expect_output(finish("i"), "![a]?");
  reopen();
  expect_output(finish("i"), "![a]?");
}

TEST_F(HubRewind, PendingTimersAndEventsAreKept) {
  add_orchestrator("both", [](OrchestrationContext& context) -> Task<std::string> {
    const Duration soon = std::chrono::milliseconds(300);
    Future<void> timer = context.create_timer(soon);
    std::string text = co_await context.call_activity("work", "a");
    co_await std::move(timer);
    text += co_await context.wait_for_event("go");
    co_return text;
  });
  open();
  break_it("a");
  start("both", "", "i");
  expect_failed("i");
  mend_it("a");
  must(client().rewind("i", ""));
  raise("i", "go", "!");
  reopen();
  expect_output(finish("i"), "[a]!");
}

TEST_F(HubRewind, RecordsThatAreNoneAreRefused) {
  EXPECT_EQ(partition::rewound_row("", SequenceNumber(1), {}, "").status().code(),
            StatusCode::corrupt);
  EXPECT_EQ(
      partition::rewound_row(std::string(40, '\xFF'), SequenceNumber(1), {}, "").status().code(),
      StatusCode::corrupt);
}

}  // namespace
}  // namespace ingot::testing
