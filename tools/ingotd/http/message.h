#pragma once

// HttpRequest and HttpResponse: one exchange as the routes see it, free of any library.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ingot::server {

using HttpFields = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;  // in upper case
  std::string target;  // as it was sent: path, then perhaps '?' and a query
  HttpFields fields;   // names in lower case
  std::string body;
  bool has_body = false;  // one is announced, be it read or not
  // For the handler's screen() to set, for later.
  int route = -1;
  bool urgent = false;  // goes to workers of its own

  // The first of this name (in lower case); empty when there is none.
  [[nodiscard]] std::string_view field(std::string_view name) const {
    for (const auto& [key, value] : fields) {
      if (key == name) return value;
    }
    return {};
  }
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  HttpFields fields;  // beside those that the server sets itself
};

inline constexpr std::string_view kJsonType = "application/json";

// {"error": {"code", "message"}}, the shape of every failure.
[[nodiscard]] HttpResponse error_response(int status, std::string_view code,
                                          std::string_view message);
// 503, where nothing was done and a repetition is right.
[[nodiscard]] HttpResponse overload_response(std::string_view why);
[[nodiscard]] HttpResponse json_response(int status, std::string body);

}  // namespace ingot::server
