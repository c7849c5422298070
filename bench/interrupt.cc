#include "bench/interrupt.h"

#include <signal.h>
#include <time.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace ingot::bench {
namespace {

std::atomic<bool> interrupt_seen = false;
static_assert(std::atomic<bool>::is_always_lock_free, "written by a signal handler");

std::atomic<time_t> first_at = 0;

// The first one may come twice at once, to the process and to its group.
extern "C" void on_interrupt(int signal) {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  if (!interrupt_seen.exchange(true)) {
    first_at = now.tv_sec;
  } else if (now.tv_sec > first_at + 1) {
    ::signal(signal, SIG_DFL);
    ::raise(signal);
  }
}

}  // namespace

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

bool interrupted() { return interrupt_seen.load(std::memory_order_relaxed); }

void sleep_unless_interrupted(double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto until = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                        std::chrono::duration<double>(seconds));
  while (Clock::now() < until && !interrupted()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

}  // namespace ingot::bench
