// HTTP over TLS, with certificates made on the spot: what is served, and who is sent away.

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include "tools/ingotd/http/http_server.h"

namespace ingot::testing {
namespace {

template <typename T, void (*Free)(T*)>
struct Freer {
  void operator()(T* what) const { Free(what); }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509, X509_free>>;

struct Identity {
  Key key;
  Certificate certificate;

  [[nodiscard]] std::string key_pem() const {
    return pem([&](BIO* out) {
      PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
  }
  [[nodiscard]] std::string certificate_pem() const {
    return pem([&](BIO* out) { PEM_write_bio_X509(out, certificate.get()); });
  }

 private:
  template <typename Write>
  static std::string pem(const Write& write) {
    BIO* out = BIO_new(BIO_s_mem());
    write(out);
    char* text = nullptr;
    const long bytes = BIO_get_mem_data(out, &text);
    std::string pem(text, static_cast<std::size_t>(bytes));
    BIO_free(out);
    return pem;
  }
};

// A certificate of this name, signed by `by`, or by itself.
Identity make_identity(const char* name, const Identity* by = nullptr) {
  Identity made{Key(EVP_EC_gen("P-256")), Certificate(X509_new())};
  X509* certificate = made.certificate.get();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, made.key.get());
  X509_NAME* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  const Identity& issuer = by == nullptr ? made : *by;
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer.certificate.get()));
  X509_EXTENSION* extension =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, "critical,CA:TRUE");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  X509_sign(certificate, issuer.key.get(), EVP_sha256());
  return made;
}

class Echo final : public server::HttpHandler {
 public:
  std::optional<server::HttpResponse> screen(server::HttpRequest&) override { return std::nullopt; }
  server::HttpResponse handle(const server::HttpRequest& request) override {
    return server::json_response(200, request.target + " " + request.body);
  }
  void answered(const server::HttpRequest&, int, Duration) override {}
};

int connect_to(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  EXPECT_EQ(::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return socket;
}

std::string read_all(int socket) {
  std::string text;
  char bytes[4096];
  for (ssize_t n = 0; (n = ::recv(socket, bytes, sizeof bytes, 0)) > 0;) {
    text.append(bytes, static_cast<std::size_t>(n));
  }
  return text;
}

// What the server answers to a request over TLS; empty when it hangs up.
std::string ask(std::uint16_t port, const Identity& trusted, const Identity* own,
                int version_max = TLS1_3_VERSION) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_max_proto_version(context, version_max);
  X509_STORE_add_cert(SSL_CTX_get_cert_store(context), trusted.certificate.get());
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  if (own != nullptr) {
    SSL_CTX_use_certificate(context, own->certificate.get());
    SSL_CTX_use_PrivateKey(context, own->key.get());
  }
  const int socket = connect_to(port);
  SSL* tls = SSL_new(context);
  SSL_set_fd(tls, socket);
  std::string answer;
  const std::string request =
      "POST /over/tls HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
      "Content-Length: 5\r\n\r\nhello";
  if (SSL_connect(tls) == 1 &&
      SSL_write(tls, request.data(), static_cast<int>(request.size())) > 0) {
    char bytes[4096];
    for (int n = 0; (n = SSL_read(tls, bytes, sizeof bytes)) > 0;) {
      answer.append(bytes, static_cast<std::size_t>(n));
    }
  }
  SSL_free(tls);
  SSL_CTX_free(context);
  ::close(socket);
  return answer;
}

class HttpTls : public ::testing::Test {
 protected:
  HttpTls() {
    options.tls_certificate = server_identity.certificate_pem();
    options.tls_key = server_identity.key_pem();
  }
  void start() {
    auto started = server::HttpServer::start(options, handler);
    ASSERT_TRUE(started.ok()) << started.status().to_string();
    http = *std::move(started);
  }
  static bool served(const std::string& answer) {
    return answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n/over/tls hello");
  }

  const Identity server_identity = make_identity("server");
  server::HttpServerOptions options;
  Echo handler;
  std::unique_ptr<server::HttpServer> http;
};

TEST_F(HttpTls, RequestsAreServed) {
  start();
  EXPECT_TRUE(served(ask(http->port(), server_identity, nullptr)));
  EXPECT_TRUE(served(ask(http->port(), server_identity, nullptr, TLS1_2_VERSION)));
  EXPECT_EQ(ask(http->port(), server_identity, nullptr, TLS1_1_VERSION), "");
}

TEST_F(HttpTls, PlainTextIsHungUpOn) {
  start();
  const int socket = connect_to(http->port());
  const std::string request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
  EXPECT_EQ(::send(socket, request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
  EXPECT_EQ(read_all(socket).find("HTTP/1.1 2"), std::string::npos);
  ::close(socket);
  EXPECT_TRUE(served(ask(http->port(), server_identity, nullptr)));
}

TEST_F(HttpTls, ClientsShowACertificateWhereOneIsAskedFor) {
  const Identity authority = make_identity("authority");
  const Identity friendly = make_identity("friend", &authority);
  const Identity stranger = make_identity("stranger");
  options.tls_client_ca = authority.certificate_pem();
  start();
  EXPECT_TRUE(served(ask(http->port(), server_identity, &friendly)));
  EXPECT_EQ(ask(http->port(), server_identity, &stranger), "");
  EXPECT_EQ(ask(http->port(), server_identity, nullptr), "");
}

TEST_F(HttpTls, AKeyOfAnotherCertificateIsRefused) {
  options.tls_key = make_identity("other").key_pem();
  EXPECT_EQ(server::HttpServer::start(options, handler).status().code(),
            StatusCode::invalid_argument);
}

}  // namespace
}  // namespace ingot::testing
