#pragma once

// The OpenAPI 3 document, printed from the table of routes.

#include <string>
#include <string_view>
#include <vector>

#include "tools/ingotd/http/route.h"

namespace ingot::server {

[[nodiscard]] std::string openapi_document(const std::vector<Route>& routes,
                                           std::string_view version, bool needs_token);

}  // namespace ingot::server
