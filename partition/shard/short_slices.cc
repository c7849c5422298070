#include "partition/shard/short_slices.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace ingot::partition {
namespace {

// struct sched_attr of linux/sched/types.h, first version; that header clashes with glibc's.
struct SchedAttr {
  std::uint32_t size = 48;
  std::uint32_t policy = 0;  // SCHED_OTHER
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0;  // since Linux 6.12: the slice of SCHED_OTHER, 0.1 to 100 ms, in ns
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};
static_assert(sizeof(SchedAttr) == 48);

}  // namespace

void request_short_slices() {
  SchedAttr attributes;
  attributes.nice = getpriority(PRIO_PROCESS, 0);
  attributes.runtime = 100'000;
  // Best effort: older kernels ignore the slice or refuse the call, and all still works.
  static_cast<void>(syscall(SYS_sched_setattr, 0, &attributes, 0));
}

}  // namespace ingot::partition
