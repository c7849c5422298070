#pragma once

// What the device below a folder can do, measured the way the commit log uses it: O_DIRECT writes
// with RWF_DSYNC into a zero-written file. Every figure of a run is judged against these, because
// a disk's speed drifts between hours.

#include <ingot/status.h>

#include <string>

namespace ingot::bench {

struct DeviceFigures {
  double write_4k_us_p50 = 0;
  double write_1m_bytes_per_s = 0;
  bool direct = true;  // false: the file system has no O_DIRECT, the writes went through its cache
};

// Measures the device of `directory`, which exists, with an unnamed file there. The two
// measurements take up to `seconds_max`, and never more than a second, together; what goes before
// them depends on the device. io_error, disk_full.
[[nodiscard]] Result<DeviceFigures> probe_device(const std::string& directory,
                                                 double seconds_max = 1);

}  // namespace ingot::bench
