#pragma once

// What the server's TLS is made of, as text (PEM); empty where the configuration names no file.

#include <ingot/status.h>

#include <string>

#include "tools/ingotd/config.h"

namespace ingot::server {

struct TlsFiles {
  std::string certificate;
  std::string key;
  std::string client_ca;

  // io_error: a file can't be read, or is empty; the message names the setting.
  [[nodiscard]] static Result<TlsFiles> read(const ServerConfig& config);
};

}  // namespace ingot::server
