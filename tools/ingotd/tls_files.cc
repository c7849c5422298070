#include "tools/ingotd/tls_files.h"

#include <fstream>
#include <sstream>
#include <string_view>

#include "core/try.h"

namespace ingot::server {
namespace {

Result<std::string> read_setting(std::string_view setting, const std::string& path) {
  if (path.empty()) return std::string();
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file || text.view().empty()) {
    return Status(StatusCode::io_error,
                  std::string(setting) + ": '" + path + "' can't be read or is empty");
  }
  return std::move(text).str();
}

}  // namespace

Result<TlsFiles> TlsFiles::read(const ServerConfig& config) {
  TlsFiles files;
  INGOT_ASSIGN(files.certificate, read_setting("tls-certificate", config.tls_certificate));
  INGOT_ASSIGN(files.key, read_setting("tls-key", config.tls_key));
  INGOT_ASSIGN(files.client_ca, read_setting("tls-client-ca", config.tls_client_ca));
  return files;
}

}  // namespace ingot::server
