#pragma once

// The HTTP side of the server, from its configuration.

#include <ingot/status.h>

#include <memory>

#include "tools/ingotd/config.h"
#include "tools/ingotd/endpoint.h"
#include "tools/ingotd/hubs.h"

namespace ingot::server {

// Listens at `config.http` when it returns; `hubs` and `figures` outlive the endpoint. Errors:
// invalid_argument (address, certificate, an empty token file), io_error (address in use, a file
// that can't be read).
[[nodiscard]] Result<std::unique_ptr<Endpoint>> start_http(const ServerConfig& config,
                                                           const Hubs& hubs,
                                                           const ServerFigures& figures);

}  // namespace ingot::server
