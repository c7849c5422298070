// Bytes that are not what a port is for: the connection is refused, and the server lives on. Also
// the HTTP side as the server puts it together: its tokens, and its figures of the gRPC side.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/ingotd/http_client.h"
#include "tests/ingotd/server_fixture.h"

namespace ingot::server::testing {
namespace {

using ingot::testing::http;
using ingot::testing::HttpClient;

class BadBytes : public ServerFixture {
 protected:
  BadBytes() { config.http = "127.0.0.1:0"; }

  // Neither side has taken harm.
  void expect_alive() {
    google::protobuf::Empty empty;
    EXPECT_CODE(stub->Hello(Call(hub, token_), empty, &empty), OK);
    EXPECT_EQ(http(server->http()->port(), "GET", "/healthz").body, "ok\n");
  }
  // Sends the bytes and reads until the server hangs up, which it does in its own time.
  static void hang_up_on(std::uint16_t port, std::string_view bytes) {
    HttpClient client(port);
    ASSERT_TRUE(client.connected());
    client.send(bytes);
    client.read_to_end();
  }

  sim::TempDirectory files_;
  std::string token_;
};

const std::string kTlsHello("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

TEST_F(BadBytes, TheGrpcPortHangsUpOnWhatIsNoHttp2) {
  ASSERT_NO_FATAL_FAILURE(start());
  const std::uint16_t port = server->grpc()->port();
  for (const std::string& bytes :
       {std::string("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), kTlsHello + std::string(600, 'x'),
        std::string(1000, '\0'), std::string(1000, '\xFF'),
        // The right beginning, then a frame that is longer than it may be.
        std::string(kHttp2Preface) + std::string(5000, '\xFF')}) {
    hang_up_on(port, bytes);
  }
  // One that says nothing, and one that leaves in the middle.
  HttpClient silent(port);
  ASSERT_TRUE(silent.connected());
  {
    HttpClient leaving(port);
    leaving.send(kHttp2Preface.substr(0, 10));
  }
  expect_alive();
}

TEST_F(BadBytes, TheHttpPortRefusesWhatIsForTheOther) {
  ASSERT_NO_FATAL_FAILURE(start());
  const std::uint16_t port = server->http()->port();
  for (const std::string& bytes : {std::string(kHttp2Preface), kTlsHello + "\r\n\r\n",
                                   std::string(1000, '\xFF'), std::string("\r\n\r\n")}) {
    HttpClient client(port);
    ASSERT_TRUE(client.send(bytes));
    EXPECT_EQ(client.receive().status, 400);
  }
  const auto stub_of_http = ::TaskHubSidecarService::NewStub(
      grpc::CreateChannel("127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials()));
  google::protobuf::Empty empty;
  EXPECT_FALSE(stub_of_http->Hello(Call(hub), empty, &empty).ok());
  expect_alive();
}

TEST_F(BadBytes, PlainTextToTlsPortsIsRefused) {
  config.tls_certificate = std::string(INGOT_CERTIFICATES) + "/server.pem";
  config.tls_key = std::string(INGOT_CERTIFICATES) + "/server.key";
  ASSERT_NO_FATAL_FAILURE(start());
  for (const Endpoint* endpoint : {server->grpc(), server->http()}) {
    hang_up_on(endpoint->port(), "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    hang_up_on(endpoint->port(), kHttp2Preface);
  }
  google::protobuf::Empty empty;
  EXPECT_CODE(stub->Hello(Call(hub), empty, &empty), UNAVAILABLE);
}

TEST_F(BadBytes, TheSameTokensCountOnBothSides) {
  token_ = "a token of some length";
  config.token_file = files_.path() + "/tokens";
  std::ofstream(config.token_file) << token_ << "\n";
  ASSERT_EQ(chmod(config.token_file.c_str(), 0600), 0);
  ASSERT_NO_FATAL_FAILURE(start());
  expect_alive();  // creates the hub
  const std::uint16_t port = server->http()->port();
  EXPECT_EQ(http(port, "GET", "/api/hubs").status, 401);
  for (const std::string& wrong : {"Bearer " + token_ + "x", "Basic " + token_, token_}) {
    EXPECT_EQ(http(port, "GET", "/api/hubs", {{"Authorization", wrong}}).status, 401) << wrong;
  }
  EXPECT_EQ(http(port, "GET", "/api/hubs", {{"Authorization", "bearer " + token_}}).status, 200);
  EXPECT_EQ(http(port, "GET", "/api/hubs/none", {{"Authorization", "Bearer " + token_}}).status,
            404);
  const std::string metrics =
      http(port, "GET", "/metrics", {{"Authorization", "Bearer " + token_}}).body;
  EXPECT_NE(metrics.find("\ningotd_worker_streams 0\n"), std::string::npos);
}

}  // namespace
}  // namespace ingot::server::testing
