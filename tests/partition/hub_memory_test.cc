// The memory budget: idle instances leave memory, and come back as if they had never left.

#include <atomic>
#include <memory>
#include <semaphore>

#include "core/random.h"
#include "tests/support/hub_fixture.h"

namespace ingot::testing {
namespace {

constexpr std::uint64_t kBudget = 16ULL << 20;
constexpr std::size_t kInputBytes = 1000;

Task<std::string> waiting(OrchestrationContext& context) {
  std::string data = co_await context.wait_for_event("go");
  data += context.input().substr(0, 8);
  co_return data;
}

// Requests under way at a time, so that no inbox overflows.
class Window {
 public:
  void enter() { free_.acquire(); }
  void leave() { free_.release(); }
  void drain() {
    for (int i = 0; i < kSize; ++i) free_.acquire();
    for (int i = 0; i < kSize; ++i) free_.release();
  }

 private:
  static constexpr int kSize = 500;
  std::counting_semaphore<kSize> free_{kSize};
};

class HubMemory : public HubFixture {
 protected:
  HubMemory() {
    add_orchestrator("waiting", waiting);
    options.memory_bytes = kBudget;
    options.checkpoint_idle = std::chrono::milliseconds(100);
  }

  static std::string id_of(int i) {
    std::string digits = std::to_string(i);
    return "instance-" + std::string(6 - digits.size(), '0') + digits;
  }
  static std::string input_of(int i) {
    std::string input = id_of(i).substr(9);
    Random random(static_cast<std::uint64_t>(i) + 1);
    while (input.size() < kInputBytes) input += static_cast<char>('a' + random.below(26));
    return input;
  }

  void start_all(int from, int to) {
    for (int i = from; i < to; ++i) {
      window_.enter();
      StartOptions start_options;
      start_options.instance_id = id_of(i);
      start_options.input = input_of(i);
      client().schedule_new_orchestration_async("waiting", std::move(start_options),
                                                [this](const Result<std::string>& id) {
                                                  if (!id.ok()) ++failures_;
                                                  window_.leave();
                                                });
    }
    window_.drain();
    EXPECT_EQ(failures_.load(), 0);
  }

  void raise_all(const std::vector<int>& numbers) {
    for (const int i : numbers) {
      window_.enter();
      client().raise_event_async(id_of(i), "go", "!", [this](const Status& raised) {
        if (!raised.ok()) ++failures_;
        window_.leave();
      });
    }
    window_.drain();
    EXPECT_EQ(failures_.load(), 0);
  }

  void expect_all_finished(const std::vector<int>& numbers) {
    std::atomic<int> wrong{0};
    for (const int i : numbers) {
      window_.enter();
      client().wait_for_completion_async(
          id_of(i), [this, i, &wrong](const Result<InstanceState>& state) {
            const std::string digits = id_of(i).substr(9);
            if (!state.ok() || state->output.value_or("").substr(0, 7) != "!" + digits) ++wrong;
            window_.leave();
          });
    }
    window_.drain();
    EXPECT_EQ(wrong.load(), 0);
  }

  [[nodiscard]] std::uint64_t resident() {
    std::uint64_t sum = 0;
    for (const PartitionMetrics& partition : hub().metrics().partitions) {
      EXPECT_TRUE(partition.failure.ok()) << partition.failure.to_string();
      sum += partition.instances_resident;
    }
    return sum;
  }
  [[nodiscard]] std::uint64_t live() {
    std::uint64_t sum = 0;
    for (const PartitionMetrics& partition : hub().metrics().partitions) {
      sum += partition.instances_live;
    }
    return sum;
  }
  [[nodiscard]] std::uint64_t memory() {
    std::uint64_t sum = 0;
    for (const PartitionMetrics& partition : hub().metrics().partitions) {
      sum += partition.memory_bytes;
    }
    return sum;
  }

 private:
  Window window_;
  std::atomic<int> failures_{0};
};

TEST_F(HubMemory, EvictedInstancesAnswerAsOthersDo) {
  constexpr int kInstances = 12'000;
  constexpr std::uint64_t kResidentMax = kBudget / (2 * kInputBytes);  // state and coroutine
  open();
  start_all(0, kInstances);
  EXPECT_EQ(live(), static_cast<std::uint64_t>(kInstances));
  ASSERT_TRUE(eventually([&] { return resident() < kResidentMax && memory() <= kBudget; }))
      << resident() << " resident, " << memory() << " bytes";

  // What is not in memory is found by id, by query and in its history.
  Random random(7);
  for (int n = 0; n < 100; ++n) {
    const int i = static_cast<int>(random.below(kInstances));
    const Result<InstanceState> state = client().get_instance(id_of(i));
    ASSERT_TRUE(state.ok()) << state.status().to_string();
    EXPECT_EQ(state->status, RuntimeStatus::running);
    EXPECT_EQ(state->input, input_of(i));
    const std::vector<HistoryEvent> events = history(id_of(i));
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[1].data, input_of(i));
  }
  InstanceQuery query;
  query.prefix = "instance-";
  query.page_size = 1000;
  query.with_payloads = false;
  int seen = 0;
  do {
    const Result<InstancePage> page = client().query_instances(query);
    ASSERT_TRUE(page.ok()) << page.status().to_string();
    for (const InstanceState& state : page->instances) EXPECT_EQ(state.instance_id, id_of(seen++));
    query.continuation_token = page->continuation_token;
  } while (!query.continuation_token.empty());
  EXPECT_EQ(seen, kInstances);
  StartOptions again;
  again.instance_id = id_of(0);
  EXPECT_EQ(client().schedule_new_orchestration("waiting", again).status().code(),
            StatusCode::already_exists);

  // A third each is answered in a random order: now, after reopening, and after a checkpoint more.
  std::vector<int> order;
  for (int i = 0; i < kInstances; ++i) order.push_back(i);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  const std::size_t third = order.size() / 3;
  const std::vector<int> first(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(third));
  const std::vector<int> rest(order.begin() + static_cast<std::ptrdiff_t>(third), order.end());
  raise_all(first);
  expect_all_finished(first);
  EXPECT_EQ(live(), rest.size());
  reopen();
  EXPECT_EQ(live(), rest.size());
  EXPECT_LE(resident(), kResidentMax);
  expect_all_finished(first);
  raise_all(rest);
  expect_all_finished(rest);
  EXPECT_EQ(live(), 0U);
  ASSERT_TRUE(hub().checkpoint().ok());
  reopen();
  expect_all_finished(order);
  EXPECT_EQ(live(), 0U);
}

TEST_F(HubMemory, TimersWakeEvictedInstances) {
  add_orchestrator("napping", [](OrchestrationContext& context) -> Task<std::string> {
    const Duration delay = std::chrono::seconds(2);
    co_await context.create_timer(delay);
    std::string text(context.input().substr(0, 8));
    co_return text;
  });
  open();
  std::vector<std::string> ids;
  for (int i = 0; i < 50; ++i) ids.push_back(start("napping", input_of(i)));
  start_all(0, 9'000);  // pushes them out
  for (std::size_t i = 0; i < ids.size(); ++i) {
    expect_output(finish(ids[i]), input_of(static_cast<int>(i)).substr(0, 8));
  }
}

TEST_F(HubMemory, ClosingWithLoadsUnderWayAnswersEachRequest) {
  constexpr int kInstances = 9'000;
  open();
  start_all(0, kInstances);
  ASSERT_TRUE(hub().checkpoint().ok());
  reopen();  // nothing is in memory now
  std::atomic<int> answered{0};
  std::atomic<int> raised{0};
  constexpr int kRequests = 2000;
  for (int i = 0; i < kRequests; ++i) {
    client().raise_event_async(id_of(i), "go", "!", [&](const Status& status) {
      ++answered;
      if (status.ok()) {
        ++raised;
      } else {
        EXPECT_EQ(status.code(), StatusCode::cancelled) << status.to_string();
      }
    });
  }
  close();
  EXPECT_EQ(answered.load(), kRequests);
  open();
  InstanceQuery query;
  query.statuses = {RuntimeStatus::completed};
  query.page_size = 1000;
  query.with_payloads = false;
  int finished = 0;
  ASSERT_TRUE(eventually([&] {
    finished = 0;
    query.continuation_token.clear();
    do {
      const Result<InstancePage> page = client().query_instances(query);
      if (!page.ok()) return false;
      finished += static_cast<int>(page->instances.size());
      query.continuation_token = page->continuation_token;
    } while (!query.continuation_token.empty());
    return finished >= raised.load();
  })) << finished;
  EXPECT_EQ(finished, raised.load());
}

// An activity under way keeps its instance in memory, and no checkpoint changes that: far over the
// budget what would add to it is refused, until something has ended.
TEST_F(HubMemory, WhatCanNotBeEvictedRefusesMore) {
  const auto gate = std::make_shared<std::atomic<bool>>(false);
  const auto open_gate = [](std::atomic<bool>* closed) {
    *closed = true;
    closed->notify_all();
  };
  const std::unique_ptr<std::atomic<bool>, decltype(open_gate)> opener(gate.get(), open_gate);
  add_activity("large", [](const ActivityContext& /*call*/) { return std::string(400'000, 'x'); });
  const auto wait = [gate](const ActivityContext& /*call*/) {
    gate->wait(false);
    return std::string("done");
  };
  add_activity("long", wait, false);  // on the pool
  add_orchestrator("hoards", [](OrchestrationContext& context) -> Task<std::string> {
    for (int i = 0; i < 100; ++i) co_await context.call_activity("large", "");
    std::string text = co_await context.call_activity("long", "");
    co_return text;
  });
  options.partitions = 1;
  open();
  start("hoards", "", "hoard");
  ASSERT_TRUE(eventually([&] { return memory() > 2 * kBudget; })) << memory();
  Status refused;
  for (int tries = 0; tries < 100 && refused.ok(); ++tries) {
    must(hub().checkpoint());
    refused = client().schedule_new_orchestration("waiting").status();
  }
  EXPECT_EQ(refused.code(), StatusCode::overloaded) << refused.to_string();
  EXPECT_NE(refused.message().find("memory of partition 0"), std::string::npos)
      << refused.to_string();
  EXPECT_GE(hub().metrics().partitions.front().requests_refused, 1U);
  EXPECT_EQ(client().get_instance("hoard")->status, RuntimeStatus::running);
  open_gate(gate.get());
  expect_output(finish("hoard"), "done");
  EXPECT_TRUE(eventually([&] { return client().schedule_new_orchestration("waiting").ok(); }));
}

}  // namespace
}  // namespace ingot::testing
