// liburing's calls that hand entries to the kernel, as this program sees them. A durable write that
// has to fail, or is to be lost, becomes an entry that does nothing, and its completion gets the
// error or the number of bytes; one that has to be short is shortened. Where liburing is missing a
// call, it is not there to be failed.

#include <dlfcn.h>
#include <fcntl.h>
#include <liburing.h>

#include <map>
#include <mutex>
#include <utility>

#include "tests/faults/faults.h"

namespace {

using ingot::faults::Call;
using ingot::faults::decide;
using ingot::faults::kLost;
using ingot::faults::kNone;
using ingot::faults::kShort;
using ingot::faults::Place;
using ingot::faults::place_of;

// The completions to change, and what they are to say: by ring and user data, of which one is in
// flight at a time.
std::mutex mutex;
std::map<std::pair<const io_uring*, std::uint64_t>, int>& failing() {
  static auto* const all = new std::map<std::pair<const io_uring*, std::uint64_t>, int>();
  return *all;
}

// Looks through what was prepared since the last call.
void before(io_uring* ring) {
  for (unsigned at = ring->sq.sqe_head; at != ring->sq.sqe_tail; ++at) {
    io_uring_sqe& entry = ring->sq.sqes[at & *ring->sq.kring_mask];
    Place place{};
    if (entry.opcode != IORING_OP_WRITE || !place_of(entry.fd, place)) continue;
    const int error = decide(Call::uring_write, place);
    if (error == kShort) {
      entry.len = entry.len > 1024 ? (entry.len / 2) & ~511U : entry.len / 2;
    } else if (error == kNone) {
      entry.len = 0;
    } else if (error != 0) {
      const int result = error == kLost ? static_cast<int>(entry.len) : -error;
      const std::uint64_t data = entry.user_data;
      io_uring_prep_nop(&entry);
      entry.user_data = data;
      const std::lock_guard lock(mutex);
      failing()[{ring, data}] = result;
    }
  }
}

void after(io_uring* ring) {
  const std::lock_guard lock(mutex);
  if (failing().empty()) return;
  const unsigned tail = __atomic_load_n(ring->cq.ktail, __ATOMIC_ACQUIRE);
  for (unsigned at = *ring->cq.khead; at != tail; ++at) {
    io_uring_cqe& completion = ring->cq.cqes[at & *ring->cq.kring_mask];
    const auto found = failing().find({ring, completion.user_data});
    if (found == failing().end()) continue;
    completion.res = found->second;
    failing().erase(found);
  }
}

template <typename Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

int io_uring_queue_init(unsigned entries, io_uring* ring, unsigned flags) {
  static auto* const call = real<int(unsigned, io_uring*, unsigned)>("io_uring_queue_init");
  const int error = decide(Call::uring_setup, Place::process);
  if (error > 0) return -error;
  const int result = call(entries, ring, flags);
  ring->features &= ~ingot::faults::pretended().uring_features_less;
  return result;
}

int io_uring_submit_and_get_events(io_uring* ring) {
  static auto* const call = real<int(io_uring*)>("io_uring_submit_and_get_events");
  if (const int error = decide(Call::uring_submit, Place::process); error > 0) return -error;
  before(ring);
  const int result = call(ring);
  after(ring);
  return result;
}

int io_uring_submit_and_wait_timeout(io_uring* ring, io_uring_cqe** completion, unsigned wait,
                                     __kernel_timespec* limit, sigset_t* signals) {
  static auto* const call =
      real<int(io_uring*, io_uring_cqe**, unsigned, __kernel_timespec*, sigset_t*)>(
          "io_uring_submit_and_wait_timeout");
  if (const int error = decide(Call::uring_submit, Place::process); error > 0) return -error;
  before(ring);
  const int result = call(ring, completion, wait, limit, signals);
  after(ring);
  return result;
}

}  // extern "C"
