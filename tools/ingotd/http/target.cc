#include "tools/ingotd/http/target.h"

#include <algorithm>
#include <charconv>

#include "core/try.h"
#include "tools/iso_time.h"

namespace ingot::server {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return Status(StatusCode::invalid_argument,
                      "in the address, '%' is not followed by two hexadecimal digits");
      }
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

Status parse_query(std::string_view query, Target& target) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    INGOT_ASSIGN(std::string name, decode(pair.substr(0, equals), true));
    std::string value;
    if (equals != std::string_view::npos) {
      INGOT_ASSIGN(value, decode(pair.substr(equals + 1), true));
    }
    target.query.emplace_back(std::move(name), std::move(value));
  }
  return {};
}

Status malformed(std::string_view name, std::string_view value, std::string_view expected) {
  return Status(StatusCode::invalid_argument, "the parameter " + std::string(name) + " is '" +
                                                  std::string(value.substr(0, 100)) +
                                                  "'; expected is " + std::string(expected));
}

}  // namespace

Result<Target> parse_target(std::string_view text) {
  if (text.empty() || text.front() != '/') {
    return Status(StatusCode::invalid_argument, "the address is not a path");
  }
  Target target;
  text = text.substr(0, text.find('#'));
  const std::size_t mark = text.find('?');
  std::string_view path = text.substr(1, mark == std::string_view::npos ? mark : mark - 1);
  while (true) {
    const std::size_t slash = path.find('/');
    INGOT_ASSIGN(std::string segment, decode(path.substr(0, slash), false));
    target.path.push_back(std::move(segment));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  if (mark != std::string_view::npos) INGOT_TRY(parse_query(text.substr(mark + 1), target));
  return target;
}

std::optional<std::string_view> Target::parameter(std::string_view name) const {
  std::optional<std::string_view> found;
  for (const auto& [key, value] : query) {
    if (key == name) found = value;
  }
  return found;
}

std::vector<std::string> Target::list(std::string_view name) const {
  std::vector<std::string> found;
  for (const auto& [key, value] : query) {
    if (key != name) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const std::string_view item = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(rest.size(), item.size() + 1));
      if (!item.empty()) found.emplace_back(item);
    }
  }
  return found;
}

Result<bool> Target::truth(std::string_view name, bool fallback) const {
  const auto value = parameter(name);
  if (!value) return fallback;
  if (*value == "true" || *value == "True" || *value == "1" || value->empty()) return true;
  if (*value == "false" || *value == "False" || *value == "0") return false;
  return malformed(name, *value, "true or false");
}

Result<std::uint64_t> Target::number(std::string_view name, std::uint64_t fallback,
                                     std::uint64_t min, std::uint64_t max) const {
  const auto value = parameter(name);
  if (!value) return fallback;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
  if (error != std::errc() || end != value->data() + value->size() || number < min ||
      number > max) {
    return malformed(name, *value, std::to_string(min) + " to " + std::to_string(max));
  }
  return number;
}

Result<std::optional<Timestamp>> Target::time(std::string_view name) const {
  const auto value = parameter(name);
  if (!value || value->empty()) return std::optional<Timestamp>();
  const auto time = tools::parse_time(*value);
  if (!time) return malformed(name, *value, "a time such as 2026-01-31T23:59:59Z");
  return time;
}

std::string percent_encode(std::string_view text) {
  static constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (kPlain.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += '%';
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

}  // namespace ingot::server
