#pragma once

// The bearer token in the value of an `authorization` header (RFC 6750, section 2.1), or nothing.
// The scheme's name is taken in any case, with any number of spaces behind it.

#include <optional>
#include <string_view>

namespace ingot::server {

[[nodiscard]] inline std::optional<std::string_view> bearer_token(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() < kScheme.size()) return std::nullopt;
  for (const char expected : kScheme) {
    const char c = authorization.front();
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != expected) {
      return std::nullopt;
    }
    authorization.remove_prefix(1);
  }
  while (authorization.starts_with(' ')) authorization.remove_prefix(1);
  return authorization;
}

}  // namespace ingot::server
