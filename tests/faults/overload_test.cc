// Ten times the load that a hub can sustain, with waiters that nobody answers and waiters that are
// slow to ask again: refused with `overloaded`, in bounded memory, and over when it ends.
//
// A few seconds of it run always. INGOT_OVERLOAD_SECONDS makes it longer; with it set, for a
// machine that does nothing else, half of the sustainable throughput has to be back within 5 s.

#include <ingot/task_hub.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "tests/support/hub_fixture.h"

// Freed memory that AddressSanitizer holds back isn't the hub's.
extern "C" const char* __asan_default_options();
const char* __asan_default_options() { return "quarantine_size_mb=16"; }

namespace ingot::testing {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kInFlight = 100;  // of the sustainable load
constexpr std::size_t kDeadWaiters = 20'000;
constexpr std::size_t kSlowWaiters = 4;
constexpr std::uint64_t kMemoryBytes = 64ULL << 20;
// The budget, twice over for what it does not count, and the checkpoints' work.
constexpr std::uint64_t kGrowthBytesMax = 384ULL << 20;

double seconds_since(SteadyClock::time_point begin) {
  return std::chrono::duration<double>(SteadyClock::now() - begin).count();
}

// Without what only maps files, such as checkpoints, which the kernel takes back when it likes.
std::uint64_t resident_bytes() {
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  std::uint64_t of_files = 0;
  std::ifstream("/proc/self/statm") >> total >> resident >> of_files;
  return (resident - of_files) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

class Overload : public HubFixture {
 protected:
  Overload() {
    options.memory_bytes = kMemoryBytes;
    options.inbox_requests_max = 1024;
    options.checkpoint_log_bytes = 8ULL << 20;
    options.log_bytes_max = 64ULL << 20;
    options.segment_bytes = 4ULL << 20;
    add_activity("echo", [](const ActivityContext& call) { return std::string(call.input); });
    add_orchestrator("echoes", [](OrchestrationContext& context) -> Task<std::string> {
      std::string text = co_await context.call_activity("echo", context.input());
      co_return text;
    });
    add_orchestrator("waits", [](OrchestrationContext& context) -> Task<std::string> {
      std::string text = co_await context.wait_for_event("never");
      co_return text;
    });
  }

  // Completions a second of a closed loop, in so many seconds.
  double sustained(double seconds) {
    std::atomic<std::size_t> in_flight{0};
    std::atomic<std::size_t> done{0};
    const auto begin = SteadyClock::now();
    while (seconds_since(begin) < seconds) {
      if (in_flight.load() >= kInFlight) {
        std::this_thread::sleep_for(std::chrono::microseconds(100));
        continue;
      }
      ++in_flight;
      client().run_async(
          "echoes", {},
          [&in_flight](const Result<std::string>& id) {
            if (!id.ok()) --in_flight;
          },
          [&in_flight, &done](const Result<InstanceState>& state) {
            if (state.ok()) ++done;
            --in_flight;
          });
    }
    const double rate = static_cast<double>(done.load()) / seconds_since(begin);
    EXPECT_TRUE(eventually([&] { return in_flight.load() == 0; }));
    return rate;
  }

  struct Counts {
    std::atomic<std::uint64_t> offered{0};
    std::atomic<std::uint64_t> taken{0};
    std::atomic<std::uint64_t> overloaded{0};
    std::atomic<std::uint64_t> other{0};
    std::atomic<std::uint64_t> dead{0};  // answers to those who wait for what never comes
    [[nodiscard]] std::uint64_t answered() const {
      return taken.load() + overloaded.load() + other.load();
    }
  };

  // Offers `rate` starts a second, as far as this thread gets, whether they are answered or not.
  void offer(double rate, const std::atomic<bool>& stop, const std::shared_ptr<Counts>& counts) {
    const auto begin = SteadyClock::now();
    for (std::uint64_t i = 0; !stop.load(); ++i) {
      while (static_cast<double>(i) > rate * seconds_since(begin) && !stop.load()) {
        std::this_thread::sleep_for(std::chrono::microseconds(200));
      }
      ++counts->offered;
      StartOptions start_options;
      start_options.input.assign(500, 'x');
      client().schedule_new_orchestration_async(
          "echoes", std::move(start_options), [counts](const Result<std::string>& id) {
            const StatusCode code = id.status().code();
            ++(code == StatusCode::ok           ? counts->taken
               : code == StatusCode::overloaded ? counts->overloaded
                                                : counts->other);
          });
    }
  }
};

TEST_F(Overload, IsRefusedInBoundedMemoryAndOverWhenItEnds) {
  const char* const asked = std::getenv("INGOT_OVERLOAD_SECONDS");
  const double seconds = asked != nullptr ? std::atof(asked) : 3;
  open();
  sustained(0.3);
  const double sustainable = sustained(1);
  ASSERT_GT(sustainable, 0);

  const auto counts = std::make_shared<Counts>();
  // Waiters for what never comes.
  const std::string never = start("waits");
  for (std::size_t i = 0; i < kDeadWaiters; ++i) {
    client().wait_for_completion_async(never,
                                       [counts](const Result<InstanceState>&) { ++counts->dead; });
    if (i % 512 == 511) (void)client().get_instance(never);  // their inbox is bounded too
  }
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kSlowWaiters; ++i) {
    threads.emplace_back([&] {
      while (!stop.load()) {
        (void)client().wait_for_completion(never, std::chrono::milliseconds(50));
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
      }
    });
  }

  const std::uint64_t before = resident_bytes();
  const auto begin = SteadyClock::now();
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] { offer(5 * sustainable, stop, counts); });
  }
  std::uint64_t most = before;
  while (seconds_since(begin) < seconds) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    most = std::max(most, resident_bytes());
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  const double lasted = seconds_since(begin);
  EXPECT_LT(most - before, kGrowthBytesMax);
  EXPECT_GT(counts->overloaded.load(), 0U);

  const auto ended = SteadyClock::now();
  double back = 0;
  const double wanted = asked != nullptr ? sustainable / 2 : sustainable / 10;
  EXPECT_TRUE(eventually([&] { return (back = sustained(0.5)) > wanted; }));
  const double took = seconds_since(ended);
  if (asked != nullptr) {
    EXPECT_LT(took, 5.5);  // the half second that measures it included
  }
  EXPECT_TRUE(eventually([&] { return counts->answered() == counts->offered.load(); }));
  EXPECT_EQ(counts->other.load(), 0U);
  EXPECT_EQ(counts->dead.load(), 0U);
  std::printf("%.0f/s sustained; %.0f/s offered for %.1f s, %llu taken, %llu overloaded; ",
              sustainable, static_cast<double>(counts->offered.load()) / lasted, lasted,
              static_cast<unsigned long long>(counts->taken.load()),
              static_cast<unsigned long long>(counts->overloaded.load()));
  std::printf("resident +%llu MiB at most; %.0f/s again after %.1f s\n",
              static_cast<unsigned long long>((most - before) >> 20), back, took);

  // Everything that was taken ends, and the waiters learn that the hub closes.
  EXPECT_TRUE(eventually([&] {
    const Result<InstanceCounts> states = client().count_instances();
    return states.ok() && (*states)[RuntimeStatus::pending] == 0 &&
           (*states)[RuntimeStatus::running] == 1;
  }));
  const Result<InstanceCounts> states = client().count_instances();
  ASSERT_TRUE(states.ok());
  EXPECT_GE((*states)[RuntimeStatus::completed], counts->taken.load());
  close();
  EXPECT_EQ(counts->dead.load(), kDeadWaiters);
}

}  // namespace
}  // namespace ingot::testing
