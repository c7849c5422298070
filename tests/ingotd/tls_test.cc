// TLS: certificates, clients' certificates, and those who come without.

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "tests/ingotd/server_fixture.h"

namespace ingot::server::testing {
namespace {

std::string certificate(const std::string& name) {
  return std::string(INGOT_CERTIFICATES) + "/" + name;
}

std::string read(const std::string& name) {
  std::ifstream file(certificate(name));
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << name;
  return text.str();
}

class Tls : public ServerFixture {
 protected:
  Tls() {
    config.tls_certificate = certificate("server.pem");
    config.tls_key = certificate("server.key");
  }
  // The status of a greeting over TLS, with a client's certificate or without.
  grpc::Status greet(bool with_certificate) {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = read("ca.pem");
    if (with_certificate) {
      options.pem_private_key = read("client.key");
      options.pem_cert_chain = read("client.pem");
    }
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto channel =
        grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(server->grpc()->port()),
                                  grpc::SslCredentials(options), arguments);
    google::protobuf::Empty empty;
    return ::TaskHubSidecarService::NewStub(channel)->Hello(Call(hub), empty, &empty);
  }
};

TEST_F(Tls, ClientsThatKnowTheAuthorityAreServed) {
  ASSERT_NO_FATAL_FAILURE(start());
  EXPECT_CODE(greet(false), OK);
}

TEST_F(Tls, PlainTextIsRefusedAndTheServerLivesOn) {
  ASSERT_NO_FATAL_FAILURE(start());
  google::protobuf::Empty empty;
  EXPECT_CODE(stub->Hello(Call(hub), empty, &empty), UNAVAILABLE);
  EXPECT_CODE(greet(false), OK);
}

TEST_F(Tls, AClientWithoutTheCertificateThatIsAskedForIsRefused) {
  config.tls_client_ca = certificate("ca.pem");
  ASSERT_NO_FATAL_FAILURE(start());
  EXPECT_CODE(greet(false), UNAVAILABLE);
  EXPECT_CODE(greet(true), OK);
}

TEST_F(Tls, FilesThatAreMissingAreNamed) {
  config.tls_key = "no-such-file";
  const auto started = Server::start(config);
  ASSERT_FALSE(started.ok());
  EXPECT_NE(started.status().message().find("no-such-file"), std::string::npos)
      << started.status().to_string();
}

}  // namespace
}  // namespace ingot::server::testing
