#include "commit-log/segment_files.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "commit-log/posix_files.h"
#include "core/try.h"

namespace ingot::log {
namespace {

constexpr std::string_view kSegmentPrefix = "segment-";
constexpr std::string_view kSparePrefix = "spare-";
constexpr std::string_view kSuffix = ".log";
constexpr std::size_t kPositionDigits = 20;

std::optional<std::uint64_t> number_between(std::string_view name, std::string_view prefix,
                                            std::string_view suffix) {
  if (!name.starts_with(prefix) || !name.ends_with(suffix)) return std::nullopt;
  if (name.size() <= prefix.size() + suffix.size()) return std::nullopt;
  const std::string_view digits =
      name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string segment_path(const std::string& directory, Position first) {
  const std::string digits = std::to_string(first.value);
  std::string path = directory + "/";
  path.append(kSegmentPrefix).append(kPositionDigits - digits.size(), '0').append(digits);
  return path.append(kSuffix);
}

std::string spare_path(const std::string& directory, std::uint64_t number) {
  std::string path = directory + "/";
  return path.append(kSparePrefix).append(std::to_string(number)).append(kSuffix);
}

std::optional<Position> parse_segment_name(std::string_view name) {
  if (name.size() != kSegmentPrefix.size() + kPositionDigits + kSuffix.size()) return std::nullopt;
  const auto value = number_between(name, kSegmentPrefix, kSuffix);
  if (!value || *value == 0) return std::nullopt;
  return Position(*value);
}

Result<DirectoryListing> list_log_directory(Io& io, const std::string& directory) {
  INGOT_ASSIGN(const std::vector<std::string> names, io.list(directory));
  DirectoryListing listing;
  for (const std::string& name : names) {
    std::string path = directory + "/" + name;
    if (const auto first = parse_segment_name(name)) {
      listing.segments.push_back(SegmentFile{*first, std::move(path)});
    } else if (const auto number = number_between(name, kSparePrefix, kSuffix)) {
      listing.spares.push_back(std::move(path));
      listing.next_spare = std::max(listing.next_spare, *number + 1);
    } else if (name.starts_with(kProbePrefix) ||
               ((name.starts_with(kSegmentPrefix) || name.starts_with(kSparePrefix)) &&
                name.ends_with(kTemporarySuffix))) {
      listing.leftovers.push_back(std::move(path));
    }
  }
  std::sort(listing.segments.begin(), listing.segments.end(),
            [](const SegmentFile& a, const SegmentFile& b) { return a.first < b.first; });
  return listing;
}

}  // namespace ingot::log
