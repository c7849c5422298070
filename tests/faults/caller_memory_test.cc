// Each allocation on the thread of the one who calls an open hub fails in turn.
//
// Nothing is thrown: the call is `overloaded`, or does what it was asked for when it could do
// without. A refused call has not happened, an async one calls back exactly once, and the hub is
// none the worse: the same call without a fault does what it should, nothing stays counted in an
// inbox, and the hub closes. Where there is not even memory for a status, the process ends and says
// so.

#include <gtest/gtest.h>
#include <ingot/task_hub.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdio>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "tests/faults/allocations.h"
#include "tests/support/temp_directory.h"

namespace ingot::faults {
namespace {

constexpr auto kLong = std::chrono::seconds(60);
constexpr std::uint64_t kNthMax = 10'000;  // no call has so many allocations
const EntityId kCounter("counter", "one");

Task<std::string> echo(OrchestrationContext& context) { co_return std::string(context.input()); }
Task<std::string> waits(OrchestrationContext& context) {
  std::string text = co_await context.wait_for_event("go");
  co_return text;
}
Task<std::string> breaks(OrchestrationContext& context) {
  co_await context.create_timer(std::chrono::milliseconds(1));
  throw TaskFailedError("Broken", "as it should be", false);
}
std::string counter(EntityContext& context) {
  const long value = std::stol(std::string(context.state().value_or("0"))) + 1;
  context.set_state(std::to_string(value));
  return {};
}

// What a callback was given, and how often it was called.
class Answer {
 public:
  void give(const Status& status) {
    const std::lock_guard lock(mutex_);
    ++times_;
    code_ = status.code();
    given_.notify_all();
  }
  StatusCode take() {
    std::unique_lock lock(mutex_);
    given_.wait_for(lock, kLong, [this] { return times_ != 0; });
    return times_ == 0 ? StatusCode::internal : code_;
  }
  int times() {
    const std::lock_guard lock(mutex_);
    return times_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable given_;
  int times_ = 0;
  StatusCode code_ = StatusCode::ok;
};

class CallerMemory : public ::testing::Test {
 protected:
  CallerMemory() {
    options_.partitions = 3;
    options_.shards = 2;
    options_.activity_threads = 1;
    options_.segment_bytes = 1ULL << 20;
    EXPECT_TRUE(registry_.add_orchestrator("echo", echo).ok());
    EXPECT_TRUE(registry_.add_orchestrator("waits", waits).ok());
    EXPECT_TRUE(registry_.add_orchestrator("breaks", breaks).ok());
    EXPECT_TRUE(registry_.add_entity("counter", counter).ok());
  }

  void SetUp() override { open(); }
  void TearDown() override {
    if (hub_ == nullptr) return;
    std::uint32_t waiting = 0;
    for (const PartitionMetrics& partition : hub_->metrics().partitions) {
      EXPECT_TRUE(partition.failure.ok()) << partition.failure.to_string();
      waiting += static_cast<std::uint32_t>(partition.inbox_requests);
    }
    EXPECT_EQ(waiting, 0U);
    EXPECT_TRUE(hub_->close().ok());
  }

  void open() {
    Result<std::unique_ptr<TaskHub>> opened =
        TaskHub::open(folder_.path() + "/hub", registry_, options_);
    ASSERT_TRUE(opened.ok()) << opened.status().to_string();
    hub_ = *std::move(opened);
  }
  Client& client() { return hub_->client(); }

  static StartOptions with_id(std::string id) {
    StartOptions options;
    options.instance_id = std::move(id);
    options.input = "an input that is too long to be kept inside of a string object";
    return options;
  }
  void start(const std::string& orchestrator, const std::string& id) {
    const Result<std::string> started =
        client().schedule_new_orchestration(orchestrator, with_id(id));
    ASSERT_TRUE(started.ok()) << started.status().to_string();
  }
  void end(const std::string& id) {
    const Result<InstanceState> state = client().wait_for_completion(id, kLong);
    ASSERT_TRUE(state.ok()) << state.status().to_string();
  }

  // Calls with the 1st allocation failing, the 2nd ..., until none fails any more. `prepare` makes
  // what a call needs, from the number of the attempt; `judge` is given its outcome.
  struct Try {
    std::uint64_t nth = 0;
    bool failed = false;  // an allocation did
    StatusCode code = StatusCode::ok;
  };
  void each(const std::string& name, const std::function<std::function<Status()>(Try)>& prepare,
            const std::function<void(Try)>& judge = nullptr) {
    std::uint64_t refused = 0;
    for (Try attempt{1, true}; attempt.failed && attempt.nth < kNthMax; ++attempt.nth) {
      const std::function<Status()> call = prepare(attempt);
      Status status;
      bool thrown = false;
      fail_on_this_thread(attempt.nth);
      try {
        status = call();
      } catch (...) {
        thrown = true;
      }
      attempt.failed = end_failing_on_this_thread();
      attempt.code = status.code();
      ASSERT_FALSE(thrown) << name << " throws when allocation " << attempt.nth << " fails";
      if (attempt.failed && attempt.code == StatusCode::overloaded) {
        ++refused;
      } else {
        ASSERT_TRUE(status.ok()) << name << " #" << attempt.nth << ": " << status.to_string();
      }
      if (judge) judge(attempt);
      if (HasFatalFailure()) return;
    }
    std::printf("%s: %llu allocations refused\n", name.c_str(),
                static_cast<unsigned long long>(refused));
    EXPECT_GT(refused, 0U) << name;
  }

  // The same of a call that `begin`s and calls back.
  void each_async(
      const std::string& name,
      const std::function<std::function<void()>(Try, const std::shared_ptr<Answer>&)>& prepare,
      const std::function<void(Try)>& judge = nullptr) {
    std::uint64_t refused = 0;
    for (Try attempt{1, true}; attempt.failed && attempt.nth < kNthMax; ++attempt.nth) {
      const auto answer = std::make_shared<Answer>();
      const std::function<void()> call = prepare(attempt, answer);
      bool thrown = false;
      fail_on_this_thread(attempt.nth);
      try {
        call();
      } catch (...) {
        thrown = true;
      }
      attempt.failed = end_failing_on_this_thread();
      ASSERT_FALSE(thrown) << name << " throws when allocation " << attempt.nth << " fails";
      attempt.code = answer->take();
      if (attempt.failed && attempt.code == StatusCode::overloaded) {
        ++refused;
      } else {
        ASSERT_EQ(to_string(attempt.code), "ok") << name << " #" << attempt.nth;
      }
      if (judge) judge(attempt);
      EXPECT_EQ(answer->times(), 1) << name << " #" << attempt.nth;
      if (HasFatalFailure()) return;
    }
    std::printf("%s: %llu allocations refused\n", name.c_str(),
                static_cast<unsigned long long>(refused));
    EXPECT_GT(refused, 0U) << name;
  }

  // A refused start has not happened.
  void judge_start(const Try& attempt, const std::string& id) {
    const Result<InstanceState> state = client().get_instance(id);
    if (attempt.code == StatusCode::ok) {
      ASSERT_TRUE(state.ok()) << state.status().to_string();
      end(id);
    } else {
      ASSERT_EQ(to_string(state.status().code()), "not_found") << id;
    }
  }

  const sim::TempDirectory folder_;
  Registry registry_;
  HubOptions options_;
  std::unique_ptr<TaskHub> hub_;
};

std::string name_of(const char* name, std::uint64_t nth) {
  return std::string(name) + "-" + std::to_string(nth);
}

TEST_F(CallerMemory, AStartHappensOrIsRefused) {
  each(
      "start",
      [&](Try attempt) {
        auto options = std::make_shared<StartOptions>(with_id(name_of("start", attempt.nth)));
        return [&, options] {
          return client().schedule_new_orchestration("echo", std::move(*options)).status();
        };
      },
      [&](Try attempt) { judge_start(attempt, name_of("start", attempt.nth)); });
  each_async(
      "start, async",
      [&](Try attempt, const std::shared_ptr<Answer>& answer) {
        auto options = std::make_shared<StartOptions>(with_id(name_of("async", attempt.nth)));
        auto started = std::make_shared<Client::StartedFn>(
            [answer](const Result<std::string>& id) { answer->give(id.status()); });
        return [&, options, started] {
          client().schedule_new_orchestration_async("echo", std::move(*options),
                                                    std::move(*started));
        };
      },
      [&](Try attempt) { judge_start(attempt, name_of("async", attempt.nth)); });
}

TEST_F(CallerMemory, QuestionsAreAnsweredOrRefused) {
  start("echo", "a-finished-one");
  end("a-finished-one");
  start("waits", "a-waiting-one");
  ASSERT_TRUE(client().signal_entity(kCounter, "add").ok());
  const auto again = [](auto call) {
    return [call](Try) -> std::function<Status()> { return call; };
  };
  each("get", again([&] { return client().get_instance("a-finished-one").status(); }));
  each("history", again([&] { return client().get_history("a-finished-one").status(); }));
  each("wait for start",
       again([&] { return client().wait_for_start("a-waiting-one", kLong).status(); }));
  each("wait for completion",
       again([&] { return client().wait_for_completion("a-finished-one", kLong).status(); }));
  each("get entity", again([&] { return client().get_entity(kCounter).status(); }));
  each("query", again([&] {
         InstanceQuery query;
         query.page_size = 1;
         return client().query_instances(query).status();
       }));
  each("list ids", again([&] { return client().list_instance_ids({}).status(); }));
  each("count", again([&] { return client().count_instances().status(); }));
  each("query entities", again([&] { return client().query_entities({}).status(); }));
  each("checkpoint", again([&] { return hub_->checkpoint(); }));
  each("metrics", again([&] {
         return hub_->metrics().partitions.size() == 3 ? Status()
                                                       : Status(StatusCode::overloaded, "none");
       }));
  // A wait that ends too early is not refused.
  for (Try attempt{1, true}; attempt.failed; ++attempt.nth) {
    fail_on_this_thread(attempt.nth);
    const Result<InstanceState> state =
        client().wait_for_completion("a-waiting-one", std::chrono::milliseconds(1));
    attempt.failed = end_failing_on_this_thread();
    const StatusCode code = state.status().code();
    EXPECT_TRUE(code == StatusCode::timed_out || (attempt.failed && code == StatusCode::overloaded))
        << state.status().to_string();
  }
  ASSERT_TRUE(client().raise_event("a-waiting-one", "go", "gone").ok());
  end("a-waiting-one");
}

TEST_F(CallerMemory, AsyncQuestionsCallBackOnce) {
  start("echo", "a-finished-one");
  end("a-finished-one");
  ASSERT_TRUE(client().signal_entity(kCounter, "add").ok());
  const auto states = [](const std::shared_ptr<Answer>& answer) {
    return std::make_shared<Client::StateFn>(
        [answer](const Result<InstanceState>& state) { answer->give(state.status()); });
  };
  each_async("get, async", [&](Try, const std::shared_ptr<Answer>& answer) {
    return [&, done = states(answer)] {
      client().get_instance_async("a-finished-one", true, std::move(*done));
    };
  });
  each_async("wait, async", [&](Try, const std::shared_ptr<Answer>& answer) {
    return [&, done = states(answer)] {
      client().wait_for_completion_async("a-finished-one", std::move(*done));
    };
  });
  each_async("history, async", [&](Try, const std::shared_ptr<Answer>& answer) {
    auto done = std::make_shared<Client::HistoryFn>(
        [answer](const Result<std::vector<HistoryEvent>>& events) {
          answer->give(events.status());
        });
    return [&, done] { client().get_history_async("a-finished-one", std::move(*done)); };
  });
  each_async("get entity, async", [&](Try, const std::shared_ptr<Answer>& answer) {
    auto done = std::make_shared<Client::EntityFn>(
        [answer](const Result<EntityState>& state) { answer->give(state.status()); });
    return [&, done] { client().get_entity_async(kCounter, true, std::move(*done)); };
  });
}

TEST_F(CallerMemory, MessagesArriveOrAreRefused) {
  long sent = 0;
  const auto count = [&](Try attempt) { sent += attempt.code == StatusCode::ok ? 1 : 0; };
  each(
      "signal",
      [&](Try) -> std::function<Status()> {
        return [&] { return client().signal_entity(kCounter, "an operation with a long name"); };
      },
      count);
  each_async(
      "signal, async",
      [&](Try, const std::shared_ptr<Answer>& answer) {
        auto done = std::make_shared<Client::DoneFn>(
            [answer](const Status& status) { answer->give(status); });
        return [&, done] {
          client().signal_entity_async(kCounter, "an operation with a long name", "", {},
                                       std::move(*done));
        };
      },
      count);
  const auto end_of_wait = std::chrono::steady_clock::now() + kLong;
  std::string value;
  do {
    const Result<EntityState> state = client().get_entity(kCounter);
    if (state.ok()) value = state->state.value_or("0");
  } while (value != std::to_string(sent) && std::chrono::steady_clock::now() < end_of_wait);
  EXPECT_EQ(value, std::to_string(sent));

  start("waits", "waiting-for-its-event");
  each("suspend", [&](Try) -> std::function<Status()> {
    return [&] { return client().suspend("waiting-for-its-event", "a reason that is quite long"); };
  });
  each("resume", [&](Try) -> std::function<Status()> {
    return [&] { return client().resume("waiting-for-its-event", "a reason that is quite long"); };
  });
  each("raise", [&](Try) -> std::function<Status()> {
    return [&] {
      return client().raise_event("waiting-for-its-event", "an event that nobody awaits", "");
    };
  });
  EXPECT_EQ(client().wait_for_completion("waiting-for-its-event", Duration(0)).status().code(),
            StatusCode::timed_out);
  each("terminate", [&](Try) -> std::function<Status()> {
    return [&] { return client().terminate("waiting-for-its-event", "it has waited enough"); };
  });
  end("waiting-for-its-event");
}

TEST_F(CallerMemory, RestartsRewindsAndPurgesHappenOrAreRefused) {
  each(
      "purge",
      [&](Try attempt) -> std::function<Status()> {
        const std::string id = name_of("to-be-purged", attempt.nth);
        start("echo", id);
        end(id);
        return [&, id] { return client().purge_instance(id).status(); };
      },
      [&](Try attempt) {
        const Result<InstanceState> state =
            client().get_instance(name_of("to-be-purged", attempt.nth));
        EXPECT_EQ(state.ok(), attempt.code != StatusCode::ok);
      });
  each(
      "purge many",
      [&](Try attempt) -> std::function<Status()> {
        const std::string id = name_of("one-of-many", attempt.nth);
        start("echo", id);
        end(id);
        return [&] {
          PurgeFilter filter;
          filter.prefix = "one-of-many-";
          return client().purge_instances(filter, kLong).status();
        };
      },
      [&](Try attempt) {
        const Result<InstanceState> state =
            client().get_instance(name_of("one-of-many", attempt.nth));
        // Each partition is asked by itself: when one refuses, the others have purged all the same.
        EXPECT_FALSE(state.ok() && attempt.code == StatusCode::ok);
      });
  start("echo", "to-be-restarted");
  end("to-be-restarted");
  each(
      "restart",
      [&](Try) -> std::function<Status()> {
        return [&] { return client().restart("to-be-restarted").status(); };
      },
      [&](Try) { end("to-be-restarted"); });
  each("restart with a new id", [&](Try) -> std::function<Status()> {
    return [&] { return client().restart("to-be-restarted", true).status(); };
  });
  start("breaks", "to-be-rewound");
  end("to-be-rewound");
  each(
      "rewind",
      [&](Try) -> std::function<Status()> {
        return [&] { return client().rewind("to-be-rewound", "a reason that is quite long"); };
      },
      [&](Try) { end("to-be-rewound"); });
  each("clean", [&](Try) -> std::function<Status()> {
    return [&] { return client().clean_entity_storage(true, true).status(); };
  });
}

TEST_F(CallerMemory, WithoutAnyItTheProcessEndsAndSaysSo) {
  EXPECT_TRUE(hub_->close().ok());
  hub_.reset();
  EXPECT_DEATH(
      {
        open();
        fail_on_this_thread(1, true);
        static_cast<void>(client().schedule_new_orchestration("echo"));
        ::_exit(0);
      },
      "out of memory");
}

}  // namespace
}  // namespace ingot::faults
