#pragma once

// The refusal of a request: who may ask for what, decided by the header alone.
//
// Three attackers are meant. A stranger on the network: a bearer token, where there is one. A page
// of another site in the browser of one who may: it can't read answers (no CORS), and a change
// needs a header that such a page can't set (`X-Ingot-Request`, or `Content-Type:
// application/json`, or the token). A name that its owner points at 127.0.0.1 (DNS rebinding),
// which would make that page one of ours: on loopback, `Host` must be a name of this machine.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/ingotd/http/message.h"

namespace ingot::server {

struct AccessRules {
  // Whether this bearer token is one that may do everything; absent: no token is asked for.
  std::function<bool(std::string_view token)> accepts_token;
  bool loopback = true;                 // the server listens on loopback only
  std::vector<std::string> host_names;  // further ones that `Host` may hold; "*": any
};

// The refusal of a request with this header; nullopt: go on. `open`: the route shows nothing that
// needs a token (the dashboard's own files, probes).
[[nodiscard]] std::optional<HttpResponse> refusal(const AccessRules& rules,
                                                  const HttpRequest& request, bool open);

}  // namespace ingot::server
