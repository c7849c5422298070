#include "bench/interrupt.h"

#include <signal.h>
#include <time.h>

#include <atomic>

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

}  // namespace ingot::bench
