#include "tools/ingotd/http/refusal.h"

#include <algorithm>
#include <cctype>

#include "tools/ingotd/http/bearer_token.h"

namespace ingot::server {
namespace {

bool same_text(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

// "[::1]:80" -> "::1", "localhost:80" -> "localhost".
std::string_view host_name(std::string_view host) {
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    return end == std::string_view::npos ? std::string_view() : host.substr(1, end - 1);
  }
  return host.substr(0, host.find(':'));
}

bool is_loopback_name(std::string_view name) {
  if (same_text(name, "localhost") || name == "::1") return true;
  // 127.0.0.0/8 as four numbers: "127.evil.example" is a name.
  if (!name.starts_with("127.")) return false;
  return name.size() <= 15 && std::count(name.begin(), name.end(), '.') == 3 &&
         std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return std::isdigit(c) != 0 || c == '.'; });
}

bool is_known_host(const AccessRules& rules, std::string_view host) {
  for (const std::string& known : rules.host_names) {
    if (known == "*" || same_text(known, host_name(host)) || same_text(known, host)) return true;
  }
  if (is_loopback_name(host_name(host))) return true;
  return !rules.loopback && rules.host_names.empty();
}

bool is_change(std::string_view method) { return method != "GET" && method != "HEAD"; }

bool is_json_type(std::string_view type) {
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  return same_text(type, "application/json");
}

// A browser says where a request comes from; what does not is no browser.
bool from_another_site(const HttpRequest& request) {
  const std::string_view site = request.field("sec-fetch-site");
  if (!site.empty() && site != "same-origin" && site != "none") return true;
  const std::string_view origin = request.field("origin");
  if (origin.empty()) return false;
  const std::size_t scheme = origin.find("://");
  return scheme == std::string_view::npos ||
         !same_text(origin.substr(scheme + 3), request.field("host"));
}

}  // namespace

std::optional<HttpResponse> refusal(const AccessRules& rules, const HttpRequest& request,
                                    bool open) {
  if (!is_known_host(rules, request.field("host"))) {
    return error_response(
        421, "invalid_argument",
        "this server does not go by the name in 'Host'; it answers to localhost, to loopback "
        "addresses and to the names in its configuration (http-host)");
  }
  bool has_token = false;
  if (rules.accepts_token && !open) {
    const auto token = bearer_token(request.field("authorization"));
    if (!token || !rules.accepts_token(*token)) {
      HttpResponse response =
          error_response(401, "unauthenticated",
                         token ? "the bearer token is not one that this server accepts"
                               : "a token is needed: send it as 'Authorization: Bearer <token>'");
      response.fields.emplace_back("WWW-Authenticate", "Bearer realm=\"ingotd\"");
      return response;
    }
    has_token = true;
  }
  if (!is_change(request.method)) return std::nullopt;
  if (from_another_site(request)) {
    return error_response(403, "permission_denied",
                          "changes from pages of other sites are refused");
  }
  if (has_token || is_json_type(request.field("content-type")) ||
      !request.field("x-ingot-request").empty()) {
    return std::nullopt;
  }
  return error_response(403, "permission_denied",
                        "a change needs the header 'Content-Type: application/json' or "
                        "'X-Ingot-Request: 1', so that pages of other sites can't make it");
}

}  // namespace ingot::server
