#include "tools/ingotd/access_control.h"

#include <sys/stat.h>

#include <fstream>

#include "tools/ingotd/http/bearer_token.h"

namespace ingot::server {
namespace {

constexpr std::size_t kTokenBytesMin = 16;

}  // namespace

bool equal_in_constant_time(std::string_view presented, std::string_view secret) {
  // As many steps as the secret is long, whatever was presented.
  unsigned difference = presented.size() == secret.size() ? 0 : 1;
  for (std::size_t i = 0; i < secret.size(); ++i) {
    const char given = presented.empty() ? '\0' : presented[i % presented.size()];
    difference |= static_cast<unsigned char>(given) ^ static_cast<unsigned char>(secret[i]);
  }
  return difference == 0;
}

Result<AccessControl> AccessControl::from_file(const std::string& path) {
  std::ifstream file(path);
  struct stat about {};
  if (!file || stat(path.c_str(), &about) != 0) {
    return Status(StatusCode::io_error, "token-file: '" + path + "' can't be read");
  }
  if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return Status(StatusCode::invalid_argument,
                  "token-file: '" + path + "' can be used by others than its owner (chmod 600)");
  }
  AccessControl access;
  for (std::string line; std::getline(file, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.empty() || line.front() == '#') continue;
    if (line.size() < kTokenBytesMin) {
      return Status(StatusCode::invalid_argument,
                    "token-file: a token in '" + path + "' has less than 16 characters");
    }
    access.tokens_.push_back(std::move(line));
  }
  if (access.tokens_.empty()) {
    return Status(StatusCode::invalid_argument, "token-file: '" + path + "' holds no token");
  }
  return access;
}

bool AccessControl::admits(std::string_view authorization) const {
  if (tokens_.empty()) return true;
  const auto token = bearer_token(authorization);
  return token && admits_token(*token);
}

bool AccessControl::admits_token(std::string_view presented) const {
  if (tokens_.empty()) return true;
  bool admitted = false;
  for (const std::string& token : tokens_) admitted |= equal_in_constant_time(presented, token);
  return admitted;
}

}  // namespace ingot::server
