#pragma once

// AccessControl: who may call. With a token file, a call must bear one of its tokens in
// `authorization: Bearer <token>`. Certificates are checked by TLS before a call is seen.

#include <ingot/status.h>

#include <string>
#include <string_view>
#include <vector>

namespace ingot::server {

// True when the texts are equal. Takes the same time wherever they differ.
[[nodiscard]] bool equal_in_constant_time(std::string_view presented, std::string_view secret);

class AccessControl {
 public:
  // Everyone may.
  AccessControl() = default;
  // Reads the tokens, one a line; empty lines and those that begin with '#' don't count. io_error;
  // invalid_argument when others may read the file, when it holds no token, or a short one.
  static Result<AccessControl> from_file(const std::string& path);

  [[nodiscard]] bool asks_for_token() const { return !tokens_.empty(); }
  // `authorization` is the header's value, or empty.
  [[nodiscard]] bool admits(std::string_view authorization) const;
  // The same of a token that has been read from its header.
  [[nodiscard]] bool admits_token(std::string_view presented) const;

 private:
  std::vector<std::string> tokens_;
};

}  // namespace ingot::server
