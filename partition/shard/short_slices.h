#pragma once

// Asks the scheduler for short time slices, so that a shard that becomes runnable does not wait
// long behind the checkpoint threads when there are as few processors as threads.

namespace ingot::partition {

// For the calling thread; where the kernel can't do it, nothing happens.
void request_short_slices();

}  // namespace ingot::partition
