// Routes of the dashboard's own files, which are part of the program. They show nothing of a hub:
// the page asks the API like any other client.

#include <fmt/core.h>

#include "core/hash.h"
#include "tools/ingotd/http/dashboard_files.h"
#include "tools/ingotd/http/route.h"

namespace ingot::server {
namespace {

// Nothing from elsewhere, nothing inline, no frame around it, and no text ever parsed as HTML.
constexpr const char* kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";

HttpResponse serve(const Call& call, std::string_view name) {
  for (const DashboardFile& file : dashboard_files()) {
    if (file.name != name) continue;
    const std::string tag = fmt::format("\"{:016x}\"", hash64(file.bytes));
    HttpResponse response;
    response.content_type = file.content_type;
    response.fields = {{"Content-Security-Policy", kContentSecurityPolicy},
                       {"Referrer-Policy", "no-referrer"},
                       {"Cross-Origin-Opener-Policy", "same-origin"},
                       {"Cross-Origin-Resource-Policy", "same-origin"},
                       {"X-Frame-Options", "DENY"},
                       {"Cache-Control", "no-cache"},  // asked for again, by its tag
                       {"ETag", tag}};
    if (call.request.field("if-none-match") == tag) {
      response.status = 304;
    } else {
      response.body = std::string(file.bytes);
    }
    return response;
  }
  return error_response(404, "not_found", "the dashboard has no such file");
}

}  // namespace

std::vector<Route> page_routes() {
  std::vector<Route> routes;
  routes.push_back({"GET",
                    "/",
                    RouteKind::open,
                    "Dashboard",
                    "The dashboard",
                    "",
                    {},
                    "",
                    {{200, "A page"}},
                    [](const Call& call) { return serve(call, "index.html"); }});
  routes.push_back({"GET",
                    "/dashboard/{file}",
                    RouteKind::open,
                    "Dashboard",
                    "A file of the dashboard",
                    "",
                    {},
                    "",
                    {{200, "A script, a style or a picture"}},
                    [](const Call& call) { return serve(call, call.path("file")); }});
  return routes;
}

}  // namespace ingot::server
