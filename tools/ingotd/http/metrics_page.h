#pragma once

// The page /metrics: the figures of the hubs, of the HTTP side and of the process. Exposition of
// another part of the server (gRPC) is put in through HttpServiceOptions::more_metrics.

#include <vector>

#include "tools/ingotd/http/exposition.h"
#include "tools/ingotd/http/figures.h"
#include "tools/ingotd/http/request_stats.h"
#include "tools/ingotd/http/route.h"

namespace ingot::server {

void write_hub_metrics(Exposition& page, const ServerSnapshot& snapshot);
void write_request_metrics(Exposition& page, const std::vector<Route>& routes,
                           const RequestStats& stats);
void write_process_metrics(Exposition& page);

}  // namespace ingot::server
