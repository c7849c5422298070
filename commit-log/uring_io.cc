#include "commit-log/uring_io.h"

#include <liburing.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "core/assert.h"

namespace ingot::log {
namespace {

constexpr unsigned kRingEntries = 256;
constexpr std::uint64_t kWakeData = ~std::uint64_t{0};

// Older kernels lost or delayed direct writes in corner cases that later point releases fixed.
bool kernel_is_new_enough() {
  utsname names{};
  (void)::uname(&names);  // fails for a bad pointer only
  unsigned major = 0;
  unsigned minor = 0;
  unsigned patch = 0;
  if (std::sscanf(names.release, "%u.%u.%u", &major, &minor, &patch) < 2) return false;
  if (major != 5) return major > 5;
  return minor > 15 || (minor == 15 && patch >= 3);
}

}  // namespace

struct UringIo::Ring {
  io_uring ring{};
  bool open = false;

  ~Ring() {
    if (open) io_uring_queue_exit(&ring);
  }

  // 0 or a negative errno.
  int init() {
    constexpr unsigned kChoices[] = {
#ifdef IORING_SETUP_DEFER_TASKRUN
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
#endif
        IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG, 0};
    int result = -EINVAL;
    for (const unsigned flags : kChoices) {
      result = io_uring_queue_init(kRingEntries, &ring, flags);
      if (result == 0) {
        open = true;
        return 0;
      }
      if (result != -EINVAL) return result;
    }
    return result;
  }

  [[nodiscard]] bool kernel_holds_completions() const {
    const unsigned flags = __atomic_load_n(ring.sq.kflags, __ATOMIC_RELAXED);
    return (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
  }
};

Result<std::unique_ptr<UringIo>> UringIo::create() {
  if (!kernel_is_new_enough()) {
    return Status(StatusCode::unsupported, "io_uring: the kernel is older than 5.15.3");
  }
  auto ring = std::make_unique<Ring>();
  if (const int result = ring->init(); result < 0) {
    return Status(StatusCode::unsupported,
                  std::string("io_uring: the kernel refuses it: ") + std::strerror(-result));
  }
  if ((ring->ring.features & IORING_FEAT_EXT_ARG) == 0) {
    return Status(StatusCode::unsupported, "io_uring: no timed waits in this kernel");
  }
  std::unique_ptr<UringIo> io(new UringIo(std::move(ring)));
  io->wake_descriptor_ = ::eventfd(0, EFD_CLOEXEC);
  if (io->wake_descriptor_ < 0) return errno_status("creating", "an eventfd", errno);
  return io;
}

UringIo::UringIo(std::unique_ptr<Ring> ring) : ring_(std::move(ring)) {}

UringIo::~UringIo() {
  drain();
  ring_.reset();
  if (wake_descriptor_ >= 0) ::close(wake_descriptor_);
}

void UringIo::submit_write(FileHandle handle, std::span<const char> bytes, std::uint64_t offset,
                           std::uint64_t token) {
  INGOT_ASSERT(!bytes.empty() && bytes.size() % 4096 == 0 && offset % 4096 == 0, bytes.size(),
               offset);
  std::uint32_t slot = 0;
  if (free_slots_.empty()) {
    slot = static_cast<std::uint32_t>(writes_.size());
    writes_.emplace_back();
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  writes_[slot] = Write{file(handle).descriptor, handle, bytes, offset, token, 0};
  ++in_flight_;
  prepare(slot);
}

void UringIo::prepare(std::uint32_t slot) {
  io_uring_sqe* entry = io_uring_get_sqe(&ring_->ring);
  while (entry == nullptr) {
    submit();
    entry = io_uring_get_sqe(&ring_->ring);
  }
  const Write& write = writes_[slot];
  // The length field has 32 bits; a longer write is continued as a short one.
  constexpr std::size_t kLengthMax = std::size_t{1} << 30;
  io_uring_prep_write(entry, write.descriptor, write.bytes.data(),
                      static_cast<unsigned>(std::min(write.bytes.size(), kLengthMax)),
                      write.offset);
  entry->rw_flags = RWF_DSYNC;
  io_uring_sqe_set_data64(entry, slot);
}

void UringIo::arm_wake() {
  if (wake_armed_) return;
  io_uring_sqe* entry = io_uring_get_sqe(&ring_->ring);
  while (entry == nullptr) {
    submit();
    entry = io_uring_get_sqe(&ring_->ring);
  }
  io_uring_prep_read(entry, wake_descriptor_, &wake_value_, sizeof wake_value_, 0);
  io_uring_sqe_set_data64(entry, kWakeData);
  wake_armed_ = true;
}

void UringIo::submit() {
  const int taken = io_uring_submit_and_get_events(&ring_->ring);
  // What was not taken stays prepared, and the next call tries again: a transient shortage, or a
  // full completion ring, for which reaping makes room.
  INGOT_ASSERT(
      taken >= 0 || taken == -EAGAIN || taken == -EBUSY || taken == -EINTR || taken == -ENOMEM,
      taken);
  reap();
}

void UringIo::reap() {
  unsigned head = 0;
  unsigned count = 0;
  io_uring_cqe* entry = nullptr;
  // complete() may prepare entries but never reaps, so that the head stays true.
  std::uint32_t again[16];
  unsigned again_count = 0;
  io_uring_for_each_cqe(&ring_->ring, head, entry) {
    if (again_count == std::size(again)) break;
    ++count;
    const std::uint64_t data = io_uring_cqe_get_data64(entry);
    if (data == kWakeData) {
      wake_armed_ = false;
      continue;
    }
    const auto slot = static_cast<std::uint32_t>(data);
    complete(slot, entry->res);
    if (writes_[slot].descriptor >= 0) again[again_count++] = slot;
  }
  if (count != 0) io_uring_cq_advance(&ring_->ring, count);
  for (unsigned i = 0; i < again_count; ++i) prepare(again[i]);
}

void UringIo::complete(std::uint32_t slot, int result) {
  Write& write = writes_[slot];
  Status status;
  if (result == -EINTR || result == -EAGAIN) return;  // nothing was written: again
  if (result > 0) {
    std::size_t done = std::min(static_cast<std::size_t>(result), write.bytes.size());
    // An unaligned rest can't be written with O_DIRECT: go back to the last whole block.
    if (done < write.bytes.size()) done &= ~std::size_t{4095};
    write.bytes = write.bytes.subspan(done);
    write.offset += done;
    write.stalled = done == 0 ? write.stalled + 1 : 0;
    if (!write.bytes.empty() && write.stalled < kStalledWritesMax) return;
  }
  if (!write.bytes.empty()) {
    const File& to = file(write.handle);
    const int error = result < 0 ? -result : EIO;
    status = errno_status("writing", to.path, to.denied != 0 ? to.denied : error);
  }
  completed_.push_back(WriteCompletion{write.token, std::move(status)});
  write.descriptor = -1;
  free_slots_.push_back(slot);
  --in_flight_;
}

void UringIo::give(std::vector<WriteCompletion>& out) {
  for (WriteCompletion& completion : completed_) out.push_back(std::move(completion));
  completed_.clear();
}

void UringIo::poll(std::vector<WriteCompletion>& out) {
  if (io_uring_sq_ready(&ring_->ring) != 0) {
    submit();
  } else if (in_flight_ != 0) {
    if (ring_->kernel_holds_completions()) (void)io_uring_get_events(&ring_->ring);
    reap();
  }
  if (!completed_.empty()) give(out);
}

void UringIo::wait(Duration timeout, std::vector<WriteCompletion>& out) {
  const std::size_t before = out.size();
  poll(out);
  if (out.size() != before || timeout <= Duration::zero()) return;
  arm_wake();
  if (!wake_flag_.begin_sleep()) return;
  const auto micros = std::min<Duration>(timeout, std::chrono::hours(1)).count();
  __kernel_timespec limit{};
  limit.tv_sec = micros / 1'000'000;
  limit.tv_nsec = micros % 1'000'000 * 1000;
  io_uring_cqe* entry = nullptr;
  (void)io_uring_submit_and_wait_timeout(&ring_->ring, &entry, 1, &limit, nullptr);
  wake_flag_.end_sleep();
  reap();
  if (!completed_.empty()) give(out);
}

void UringIo::wake() {
  if (!wake_flag_.raise()) return;
  const std::uint64_t one = 1;
  ssize_t written = 0;
  do {
    written = ::write(wake_descriptor_, &one, sizeof one);
  } while (written < 0 && errno == EINTR);
}

void UringIo::drain() {
  while (in_flight_ != 0) {
    if (io_uring_sq_ready(&ring_->ring) != 0) {
      // What it reaps may have to be written again, and is prepared anew: waiting would not send
      // it.
      submit();
      continue;
    }
    io_uring_cqe* entry = nullptr;
    (void)io_uring_wait_cqe(&ring_->ring, &entry);
    reap();
  }
}

}  // namespace ingot::log
