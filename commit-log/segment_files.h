#pragma once

// The names in a partition's log directory:
//
//   segment-<20 digits>.log   a part of the log; the digits are the position of its first fact.
//                             It gets this name only when every fact before that position is
//                             durable, so the name itself proves that they were.
//   spare-<n>.log             zero-written or recycled, ready to become a segment
//   {segment,spare}-*.tmp     a file whose creation was cut short; removed at the next opening
//   .probe-*                  a probe of the Io that was cut short; removed at the next opening
//
// Other names are left alone.

#include <ingot/ids.h>
#include <ingot/status.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "commit-log/io.h"

namespace ingot::log {

inline constexpr std::string_view kProbePrefix = ".probe-";

struct SegmentFile {
  Position first;
  std::string path;
};

struct DirectoryListing {
  std::vector<SegmentFile> segments;   // ascending
  std::vector<std::string> spares;     // paths
  std::vector<std::string> leftovers;  // paths
  std::uint64_t next_spare = 0;        // a number that no spare has
};

[[nodiscard]] std::string segment_path(const std::string& directory, Position first);
[[nodiscard]] std::string spare_path(const std::string& directory, std::uint64_t number);
// The position in a segment's name; nothing when the name is not exactly such a name.
[[nodiscard]] std::optional<Position> parse_segment_name(std::string_view name);
[[nodiscard]] Result<DirectoryListing> list_log_directory(Io& io, const std::string& directory);

}  // namespace ingot::log
