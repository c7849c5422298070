// Closing a hub while its activities and callbacks use it; and figures that stay true.

#include <atomic>
#include <future>
#include <thread>

#include "tests/support/hub_fixture.h"

namespace ingot::testing {
namespace {

class HubClosing : public HubFixture {
 protected:
  // An orchestration of one activity, which runs on the pool.
  void add(ActivityFn activity) {
    add_activity("activity", std::move(activity), false);
    add_orchestrator("calls", [](OrchestrationContext& context) -> Task<std::string> {
      std::string text = co_await context.call_activity("activity", "");
      co_return text;
    });
    add_orchestrator("waits", [](OrchestrationContext& context) -> Task<std::string> {
      std::string text = co_await context.wait_for_event("never");
      co_return text;
    });
  }
};

TEST_F(HubClosing, AnActivityThatWaitsIsToldOfIt) {
  std::promise<void> begun;
  std::promise<Status> ended;
  add([&](const ActivityContext&) {
    begun.set_value();
    ended.set_value(client().wait_for_completion("other", std::chrono::hours(1)).status());
    return std::string();
  });
  open();
  start("waits", "", "other");
  start("calls");
  begun.get_future().get();
  must(hub().close());
  EXPECT_EQ(ended.get_future().get().code(), StatusCode::cancelled);
}

TEST_F(HubClosing, AnActivityMayAskForMetricsMeanwhile) {
  std::promise<void> begun;
  std::promise<std::size_t> ended;
  add([&](const ActivityContext&) {
    begun.set_value();
    // Until the hub closes.
    static_cast<void>(client().wait_for_completion("other", std::chrono::hours(1)));
    ended.set_value(hub().metrics().partitions.size());
    return std::string();
  });
  open();
  start("waits", "", "other");
  start("calls");
  begun.get_future().get();
  must(hub().close());
  EXPECT_EQ(ended.get_future().get(), 0U);
  EXPECT_TRUE(hub().metrics().partitions.empty());
}

TEST_F(HubClosing, AnActivityCantCloseItsHub) {
  std::promise<Status> closed;
  add([&](const ActivityContext&) {
    closed.set_value(hub().close());
    return std::string("done");
  });
  open();
  expect_output(run("calls"), "done");
  EXPECT_EQ(closed.get_future().get().code(), StatusCode::failed_precondition);
}

TEST_F(HubClosing, ManyMayCloseIt) {
  add([](const ActivityContext&) { return std::string(); });
  open();
  start("calls");
  std::vector<std::thread> threads;
  std::atomic<int> closed{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      static_cast<void>(hub().metrics());
      if (hub().close().ok()) ++closed;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(closed.load(), 4);
}

TEST_F(HubClosing, WhatIsKeptForEverIsKept) {
  add([](const ActivityContext&) { return std::string("done"); });
  options.retention = Duration::max();
  open();
  const std::string first = start("calls");
  expect_output(finish(first), "done");
  for (int i = 0; i < 50; ++i) run("calls");
  EXPECT_TRUE(client().get_instance(first).ok());
}

TEST_F(HubClosing, ARewoundOrchestrationIsNotCountedBelowNothing) {
  std::atomic<bool> breaks{true};
  add([&](const ActivityContext&) -> std::string {
    if (breaks) throw std::runtime_error("broken");
    return "done";
  });
  add_orchestrator("stays", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.call_activity("activity", "");
    text += co_await context.wait_for_event("never");
    co_return text;
  });
  open();
  const std::string id = start("stays");
  EXPECT_EQ(finish(id).status, RuntimeStatus::failed);
  reopen();
  breaks = false;
  must(client().rewind(id, "again"));
  std::uint64_t completed = 0;
  for (const PartitionMetrics& partition : hub().metrics().partitions) {
    completed += partition.orchestrations_completed;
  }
  EXPECT_EQ(completed, 0U);
}

}  // namespace
}  // namespace ingot::testing
