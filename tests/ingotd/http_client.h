#pragma once

// HttpClient: a plain HTTP/1.1 client over one connection, for tests: it sends any bytes, and reads
// answers strictly. Waits are long: only a server that hangs meets their end.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ingot::testing {

struct HttpAnswer {
  int status = 0;  // 0: the connection was closed without one
  std::map<std::string, std::string> fields;
  std::string body;

  [[nodiscard]] std::string field(const std::string& name) const {
    const auto found = fields.find(name);
    return found == fields.end() ? "" : found->second;
  }
  [[nodiscard]] nlohmann::json json() const {
    nlohmann::json parsed = nlohmann::json::parse(body, nullptr, false);
    EXPECT_FALSE(parsed.is_discarded()) << body;
    return parsed;
  }
  [[nodiscard]] std::string error() const { return json()["error"]["message"]; }
};

class HttpClient {
 public:
  explicit HttpClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ =
        ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~HttpClient() { ::close(socket_); }
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  [[nodiscard]] bool connected() const { return connected_; }

  // False when the server has closed the connection.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  // The next answer; `head`: to a HEAD request, which has no body.
  HttpAnswer receive(bool head = false) {
    HttpAnswer answer;
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!read_more()) return answer;
    }
    read_header(answer, buffer_.substr(0, end));
    buffer_.erase(0, end + 4);
    const std::string length = answer.field("content-length");
    const std::size_t bytes = head || length.empty() ? 0 : std::stoul(length);
    while (buffer_.size() < bytes) {
      if (!read_more()) {
        ADD_FAILURE() << "the answer was cut off";
        return answer;
      }
    }
    answer.body = buffer_.substr(0, bytes);
    buffer_.erase(0, bytes);
    return answer;
  }

  // Whatever comes until the server closes the connection.
  std::string read_to_end() {
    while (read_more()) {
    }
    return std::exchange(buffer_, {});
  }

  // Whether the server closes the connection, with nothing more said.
  [[nodiscard]] bool closed() { return buffer_.empty() && !read_more(); }

 private:
  static void read_header(HttpAnswer& answer, const std::string& header) {
    EXPECT_EQ(header.substr(0, 7), "HTTP/1.") << header;
    answer.status = std::stoi(header.substr(9, 3));
    std::size_t at = header.find("\r\n");
    while (at != std::string::npos) {
      const std::size_t next = header.find("\r\n", at + 2);
      const std::string line =
          header.substr(at + 2, next == std::string::npos ? std::string::npos : next - at - 2);
      std::string name = line.substr(0, line.find(':'));
      std::transform(name.begin(), name.end(), name.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      const std::size_t value = line.find_first_not_of(' ', line.find(':') + 1);
      answer.fields[name] = value == std::string::npos ? "" : line.substr(value);
      at = next;
    }
  }

  bool read_more() {
    pollfd wait{socket_, POLLIN, 0};
    if (::poll(&wait, 1, 60'000) <= 0) {
      ADD_FAILURE() << "the server says nothing for a minute";
      return false;
    }
    char bytes[16384];
    const ssize_t count = ::recv(socket_, bytes, sizeof bytes, 0);
    if (count <= 0) return false;
    buffer_.append(bytes, static_cast<std::size_t>(count));
    return true;
  }

  int socket_;
  bool connected_ = false;
  std::string buffer_;
};

using Fields = std::vector<std::pair<std::string, std::string>>;

inline std::string http_text(std::string_view method, std::string_view target,
                             const Fields& fields = {}, std::string_view body = {}) {
  std::string text(method);
  text.append(" ").append(target).append(" HTTP/1.1\r\n");
  bool has_host = false;
  for (const auto& [name, value] : fields) {
    text.append(name).append(": ").append(value).append("\r\n");
    has_host = has_host || name == "Host";
  }
  if (!has_host) text += "Host: localhost\r\n";
  if (!body.empty() || method == "POST") {
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  }
  text.append("\r\n").append(body);
  return text;
}

// One request over a connection of its own.
inline HttpAnswer http(std::uint16_t port, std::string_view method, std::string_view target,
                       const Fields& fields = {}, std::string_view body = {}) {
  HttpClient client(port);
  EXPECT_TRUE(client.connected());
  client.send(http_text(method, target, fields, body));
  return client.receive(method == "HEAD");
}

}  // namespace ingot::testing
