// More than the hub takes: refused, never lost. Each request is answered exactly once, also when
// the hub closes meanwhile.

#include <condition_variable>
#include <mutex>
#include <thread>

#include "tests/support/hub_fixture.h"

namespace ingot::testing {
namespace {

// How often each request was answered, and with what.
class Answers {
 public:
  explicit Answers(std::size_t count) : counts_(count), codes_(count) {}
  void give(std::size_t i, StatusCode code) {
    codes_[i].store(code);
    ++counts_[i];
    ++total_;
  }
  [[nodiscard]] std::size_t total() const { return total_.load(); }
  [[nodiscard]] StatusCode code(std::size_t i) const { return codes_[i].load(); }
  [[nodiscard]] std::size_t of(StatusCode code) const {
    std::size_t count = 0;
    for (const auto& one : codes_) count += one.load() == code ? 1 : 0;
    return count;
  }
  void expect_each_once() const {
    for (std::size_t i = 0; i < counts_.size(); ++i) ASSERT_EQ(counts_[i].load(), 1) << i;
  }

 private:
  std::vector<std::atomic<int>> counts_;
  std::vector<std::atomic<StatusCode>> codes_;
  std::atomic<std::size_t> total_{0};
};

// Stops a shard's thread inside a callback, until it is let go.
class Stopper {
 public:
  ~Stopper() { release(); }
  void block() {
    std::unique_lock lock(mutex_);
    blocked_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return released_; });
  }
  void wait_until_blocked() {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, kLong, [this] { return blocked_; }));
  }
  void release() {
    const std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool blocked_ = false;
  bool released_ = false;
};

class HubOverload : public HubFixture {
 protected:
  HubOverload() {
    add_activity("echo", [](const ActivityContext& call) { return std::string(call.input); });
    add_orchestrator("echoes", [](OrchestrationContext& context) -> Task<std::string> {
      std::string text = co_await context.call_activity("echo", context.input());
      co_return text;
    });
  }

  void start_async(std::size_t i, Answers& answers) {
    StartOptions start_options;
    start_options.instance_id = id_of(i);
    start_options.input = std::to_string(i);
    client().schedule_new_orchestration_async(
        "echoes", std::move(start_options),
        [i, &answers](const Result<std::string>& id) { answers.give(i, id.status().code()); });
  }
  static std::string id_of(std::size_t i) { return "instance-" + std::to_string(i); }

  // What was acknowledged exists and ends well; what was refused before it was taken does not
  // exist.
  void expect_kept(const Answers& answers, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const StatusCode code = answers.code(i);
      if (code == StatusCode::ok) {
        expect_output(finish(id_of(i)), std::to_string(i));
      } else if (code == StatusCode::overloaded || code == StatusCode::cancelled) {
        EXPECT_EQ(client().get_instance(id_of(i)).status().code(), StatusCode::not_found) << i;
      } else {
        ADD_FAILURE() << i << ": " << to_string(code);
      }
    }
  }
};

TEST_F(HubOverload, AFullInboxAnswersAndLosesNothing) {
  constexpr std::size_t kRequests = 300;
  options.partitions = 1;
  options.shards = 1;
  options.inbox_requests_max = 64;
  open();
  Stopper stopper;
  client().schedule_new_orchestration_async("echoes", {},
                                            [&](const Result<std::string>&) { stopper.block(); });
  ASSERT_NO_FATAL_FAILURE(stopper.wait_until_blocked());
  Answers answers(kRequests);
  for (std::size_t i = 0; i < kRequests; ++i) start_async(i, answers);
  // The shard stands still: what is over the limit was refused at once.
  EXPECT_EQ(answers.total(), kRequests - 64);
  EXPECT_EQ(answers.of(StatusCode::overloaded), kRequests - 64);
  const Status refused = client().get_instance("any").status();
  EXPECT_EQ(refused.code(), StatusCode::overloaded);
  EXPECT_NE(refused.message().find("64"), std::string::npos) << refused.message();
  EXPECT_EQ(client().raise_event("any", "e", "").code(), StatusCode::overloaded);
  EXPECT_EQ(client().query_instances({}).status().code(), StatusCode::overloaded);
  stopper.release();
  EXPECT_TRUE(eventually([&] { return answers.total() == kRequests; }));
  answers.expect_each_once();
  EXPECT_EQ(answers.of(StatusCode::ok), 64U);
  const PartitionMetrics figures = hub().metrics().partitions.front();
  EXPECT_EQ(figures.requests_refused, kRequests - 64 + 3);
  EXPECT_EQ(figures.inbox_requests, 0U);
  expect_kept(answers, kRequests);
  reopen();
  expect_kept(answers, kRequests);
}

TEST_F(HubOverload, ManyClientsAtATinyInboxGetThroughByRetrying) {
  constexpr std::size_t kClients = 4;
  constexpr std::size_t kEach = 200;
  options.inbox_requests_max = 64;
  open();
  Answers answers(kClients * kEach);
  std::vector<std::thread> clients;
  for (std::size_t c = 0; c < kClients; ++c) {
    clients.emplace_back([&, c] {
      for (std::size_t i = c * kEach; i < (c + 1) * kEach; ++i) start_async(i, answers);
    });
  }
  for (std::thread& one : clients) one.join();
  EXPECT_TRUE(eventually([&] { return answers.total() == kClients * kEach; }));
  answers.expect_each_once();
  EXPECT_EQ(answers.of(StatusCode::ok) + answers.of(StatusCode::overloaded), kClients * kEach);
  for (std::size_t i = 0; i < kClients * kEach; ++i) {
    if (answers.code(i) != StatusCode::overloaded) continue;
    EXPECT_TRUE(eventually([&] {
      StartOptions start_options;
      start_options.instance_id = id_of(i);
      start_options.input = std::to_string(i);
      const Status status = client().schedule_new_orchestration("echoes", start_options).status();
      return status.code() != StatusCode::overloaded;
    }));
  }
  for (std::size_t i = 0; i < kClients * kEach; ++i) {
    expect_output(finish(id_of(i)), std::to_string(i));
  }
}

TEST_F(HubOverload, BlockingCallsFromCallbacksAreRefused) {
  open();
  std::vector<StatusCode> codes;
  std::atomic<bool> done{false};
  client().schedule_new_orchestration_async("echoes", {}, [&](const Result<std::string>& id) {
    codes.push_back(client().schedule_new_orchestration("echoes").status().code());
    codes.push_back(client().get_instance(*id).status().code());
    codes.push_back(client().wait_for_start(*id, kLong).status().code());
    codes.push_back(client().wait_for_completion(*id, kLong).status().code());
    codes.push_back(client().raise_event(*id, "e", "").code());
    codes.push_back(client().terminate(*id, "").code());
    codes.push_back(client().get_history(*id).status().code());
    codes.push_back(client().query_instances({}).status().code());
    codes.push_back(hub().checkpoint().code());
    codes.push_back(hub().close().code());
    done = true;
  });
  ASSERT_TRUE(eventually([&] { return done.load(); }));
  ASSERT_EQ(codes.size(), 10U);
  for (const StatusCode code : codes) EXPECT_EQ(code, StatusCode::failed_precondition);
  expect_output(run("echoes", "fine"), "fine");
}

TEST_F(HubOverload, CallbacksMayStartMore) {
  open();
  constexpr int kLinks = 100;
  std::atomic<int> links{0};
  std::function<void()> next = [&] {
    client().run_async(
        "echoes", {}, [](const Result<std::string>& id) { EXPECT_TRUE(id.ok()); },
        [&](const Result<InstanceState>& state) {
          EXPECT_TRUE(state.ok());
          if (++links < kLinks) next();
        });
  };
  next();
  EXPECT_TRUE(eventually([&] { return links.load() == kLinks; }));
}

TEST_F(HubOverload, ClosingAnswersEachRequestOnce) {
  constexpr std::size_t kRequests = 3000;
  for (int round = 0; round < 3; ++round) {
    open();
    Answers starts(kRequests);
    Answers ends(kRequests);
    std::atomic<bool> closed{false};
    std::thread one([&] {
      for (std::size_t i = 0; i < kRequests; ++i) {
        StartOptions start_options;
        start_options.instance_id = id_of(i) + "-" + std::to_string(round);
        client().run_async(
            "echoes", std::move(start_options),
            [i, &starts, &ends](const Result<std::string>& id) {
              starts.give(i, id.status().code());
              if (!id.ok()) ends.give(i, id.status().code());  // only `started` is called
            },
            [i, &ends](const Result<InstanceState>& state) {
              ends.give(i, state.status().code());
            });
      }
    });
    // Somewhere in the middle.
    EXPECT_TRUE(eventually([&] { return starts.total() > 200; }));
    must(hub().close());
    one.join();
    EXPECT_EQ(starts.total(), kRequests);
    EXPECT_EQ(ends.total(), kRequests);
    starts.expect_each_once();
    ends.expect_each_once();
    EXPECT_EQ(starts.of(StatusCode::ok) + starts.of(StatusCode::cancelled), kRequests);
    EXPECT_EQ(ends.of(StatusCode::ok) + ends.of(StatusCode::cancelled), kRequests);
    EXPECT_EQ(client().get_instance("any").status().code(), StatusCode::cancelled);
    reopen();
    for (std::size_t i = 0; i < kRequests; ++i) {
      if (starts.code(i) != StatusCode::ok) continue;
      EXPECT_EQ(finish(id_of(i) + "-" + std::to_string(round)).status, RuntimeStatus::completed);
    }
    close();
  }
}

// Whatever blocks in another thread while the hub closes comes back.
TEST_F(HubOverload, ClosingEndsBlockedCalls) {
  add_orchestrator("waits", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.wait_for_event("never");
    co_return text;
  });
  open();
  const std::string id = start("waits");
  std::vector<std::thread> threads;
  std::atomic<int> begun{0};
  std::atomic<int> cancelled{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      ++begun;
      const Status waited = client().wait_for_completion(id, kLong).status();
      if (waited.code() == StatusCode::cancelled) ++cancelled;
    });
  }
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      ++begun;
      while (hub().checkpoint().ok()) std::this_thread::yield();
    });
  }
  EXPECT_TRUE(eventually([&] { return begun.load() == 6; }));
  must(hub().close());
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(cancelled.load(), 4);
  reopen();
  EXPECT_EQ(client().get_instance(id)->status, RuntimeStatus::running);
}

}  // namespace
}  // namespace ingot::testing
