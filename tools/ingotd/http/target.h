#pragma once

// Target: the path and query of a request, split first and decoded then, so that an encoded '/' is
// part of an id and no separator.

#include <ingot/status.h>
#include <ingot/time.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ingot::server {

struct Target {
  std::vector<std::string> path;                           // "/a/b" is {"a", "b"}, "/" is {""}
  std::vector<std::pair<std::string, std::string>> query;  // in their order

  // The last of this name; absent and empty differ.
  [[nodiscard]] std::optional<std::string_view> parameter(std::string_view name) const;
  // All of this name, each also split at commas; empty ones left out.
  [[nodiscard]] std::vector<std::string> list(std::string_view name) const;

  // Typed parameters: `fallback` when absent, invalid_argument that names it when malformed.
  [[nodiscard]] Result<bool> truth(std::string_view name, bool fallback) const;
  [[nodiscard]] Result<std::uint64_t> number(std::string_view name, std::uint64_t fallback,
                                             std::uint64_t min, std::uint64_t max) const;
  [[nodiscard]] Result<std::optional<Timestamp>> time(std::string_view name) const;
};

// invalid_argument for a target that is no path, and for broken %-escapes.
[[nodiscard]] Result<Target> parse_target(std::string_view target);

// `text` as one segment of a path or one value of a query.
[[nodiscard]] std::string percent_encode(std::string_view text);

}  // namespace ingot::server
