// Connections: what is no HTTP, what is too much, who is slow, who may not.

#include "tests/ingotd/http_fixture.h"

namespace ingot::testing {
namespace {

class HttpConnections : public HttpFixture {
 protected:
  void expect_alive() { EXPECT_EQ(get("/healthz").body, "ok\n"); }
};

TEST_F(HttpConnections, GarbageIsRefusedAndTheServerLivesOn) {
  serve();
  const std::string tls_hello("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
  for (const std::string& garbage :
       {std::string("\r\n\r\n"), std::string("GET\r\n\r\n"), std::string("hello there\r\n\r\n"),
        tls_hello + "\r\n\r\n", std::string("GET / HTTP/9.9\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\nHost localhost\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n"),
        std::string("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: "
                    "chunked\r\n\r\n"),
        std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), std::string(1000, '\0')}) {
    HttpClient client(port());
    ASSERT_TRUE(client.send(garbage));
    const HttpAnswer answer = client.receive();
    EXPECT_EQ(answer.status, 400) << garbage;
    EXPECT_FALSE(answer.error().empty());
    EXPECT_TRUE(client.closed());
  }
  for (const char* target : {"*", "http://localhost/healthz", "/%", "/%4", "/%zz", "/?a=%"}) {
    EXPECT_EQ(get(target).status, 400) << target;
  }
  expect_alive();
}

TEST_F(HttpConnections, UnknownAddressesAndMethodsAreNamed) {
  serve();
  for (const char* path : {"/nothing", "/api", "/api/hubs/default/", "/api/hubs/default/x",
                           "/healthz/", "/runtime/webhooks/durabletask/x", "/dashboard/none.js",
                           "/dashboard/..%2f..%2fetc%2fpasswd"}) {
    const HttpAnswer answer = get(path);
    EXPECT_EQ(answer.status, 404) << path;
    EXPECT_EQ(answer.json()["error"]["code"], "not_found");
  }
  const HttpAnswer wrong = change("PUT", kHub + "/instances/x");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.field("allow"), "GET, DELETE");
  EXPECT_EQ(
      http(port(), "OPTIONS", kHub + "/instances", {{"Content-Type", "application/json"}}).status,
      405);
  EXPECT_EQ(http(port(), "HEAD", "/healthz").field("content-length"), "3");
  const HttpAnswer hub = get("/api/hubs/none/instances");
  EXPECT_EQ(hub.status, 404);
  EXPECT_NE(hub.error().find("none"), std::string::npos);
}

TEST_F(HttpConnections, MalformedParametersAreNamed) {
  serve();
  start("echo", "one", "1");
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"/instances?runtimeStatus=Sleeping", "Sleeping"},
      {"/instances?runtimeStatus=Running,bad", "bad"},
      {"/instances?top=0", "top"},
      {"/instances?top=1001", "top"},
      {"/instances?top=-1", "top"},
      {"/instances?top=9999999999999999999999", "top"},
      {"/instances?createdTimeFrom=yesterday", "createdTimeFrom"},
      {"/instances?createdTimeFrom=2026-02-30", "createdTimeFrom"},
      {"/instances?createdTimeTo=2026-01-01T25:00:00Z", "createdTimeTo"},
      {"/instances?completedTimeTo=2026-01-01T00:00:00.Z", "completedTimeTo"},
      {"/instances?completedTimeFrom=2026-01-01T00:00:00Zx", "completedTimeFrom"},
      {"/instances?showInput=maybe", "showInput"},
      {"/instances?payloads=xml", "payloads"},
      {"/instances?instanceIdPrefix=" + std::string(300, 'x'), "prefix"},
      {"/instances?continuationToken=garbage", "token"},
      {"/instances/one?showHistory=3", "showHistory"},
      {"/instances/one/history?skip=x", "skip"},
      {"/instances/%00", "id"},
      {"/instances/", "id"},
      {"/entities?top=5000", "top"},
      {"/entities/a%40b/key", "name"},
  };
  for (const auto& [query, named] : cases) {
    const HttpAnswer answer = get(kHub + query);
    EXPECT_EQ(answer.status, 400) << query << answer.body;
    EXPECT_NE(answer.error().find(named), std::string::npos) << query << ": " << answer.body;
  }
  EXPECT_EQ(post(kHub + "/orchestrators/none").status, 404);
  EXPECT_EQ(post(kHub + "/orchestrators/echo/%40counter%40a").status, 400);  // an entity's id
  for (const char* body : {"{", "nope", "{} {}", "[1,]", "\xff", "'x'"}) {
    const HttpAnswer answer = post(kHub + "/orchestrators/echo", body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_NE(answer.error().find("JSON"), std::string::npos) << answer.body;
  }
}

TEST_F(HttpConnections, TooMuchIsRefused) {
  options.server.body_bytes_max = 100'000;
  hub_options.payload_bytes_max = 50'000;
  serve();
  const std::string start = kHub + "/orchestrators/echo";
  EXPECT_EQ(post(start, '"' + std::string(40'000, 'x') + '"').status, 202);
  // More than the hub takes, then more than the server reads; announced, and in chunks.
  EXPECT_EQ(post(start, '"' + std::string(60'000, 'x') + '"').status, 400);
  EXPECT_EQ(post(start, '"' + std::string(100'000, 'x') + '"').status, 413);
  HttpClient huge(port());
  huge.send("POST " + start +
            " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            "Content-Length: 99999999999\r\n\r\n");
  EXPECT_EQ(huge.receive().status, 413);
  HttpClient chunks(port());
  chunks.send("POST " + start +
              " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
              "Transfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 11; ++i) chunks.send("2710\r\n" + std::string(10'000, '1') + "\r\n");
  EXPECT_EQ(chunks.receive().status, 413);
  EXPECT_EQ(get("/healthz", {{"X-Long", std::string(20'000, 'x')}}).status, 431);
  EXPECT_EQ(get("/healthz?" + std::string(20'000, 'x')).status, 431);
  expect_alive();
}

TEST_F(HttpConnections, BodiesComeInChunksAndOnInvitation) {
  serve();
  const std::string start = "POST " + kHub + "/orchestrators/echo/";
  HttpClient chunks(port());
  chunks.send(start +
              "chunked HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
              "Transfer-Encoding: chunked\r\n\r\n2\r\n[1\r\n3\r\n,2]\r\n0\r\n\r\n");
  EXPECT_EQ(chunks.receive().status, 202);
  EXPECT_EQ(finish("chunked").output, "[1,2]");
  HttpClient invited(port());
  invited.send(start +
               "invited HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
               "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(invited.receive().status, 100);
  invited.send("[3]");
  EXPECT_EQ(invited.receive().status, 202);
  EXPECT_EQ(finish("invited").output, "[3]");
  // Refused before the body has been sent.
  HttpClient refused(port());
  refused.send("POST " + kHub +
               "/nothing HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
               "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(refused.receive().status, 404);
}

TEST_F(HttpConnections, RequestsShareAConnection) {
  serve();
  HttpClient client(port());
  for (int i = 0; i < 3; ++i) {
    client.send(http_text("GET", "/healthz"));
    EXPECT_EQ(client.receive().status, 200);
  }
  client.send(http_text("GET", "/healthz") + http_text("GET", kHub + "/counts") +
              http_text("GET", "/nothing") +
              http_text("GET", "/healthz", {{"Connection", "close"}}));
  for (const int status : {200, 200, 404, 200}) EXPECT_EQ(client.receive().status, status);
  EXPECT_TRUE(client.closed());
}

TEST_F(HttpConnections, SlowClientsStallNoOne) {
  options.server.connections_max = 20;
  options.server.workers = 2;
  serve();
  // Many more than there are threads or places: half a header, half a body, or nothing at all.
  std::vector<std::unique_ptr<HttpClient>> slow;
  for (int i = 0; i < 60; ++i) {
    slow.push_back(std::make_unique<HttpClient>(port()));
    ASSERT_TRUE(slow.back()->connected());
    if (i % 3 == 0) slow.back()->send("GET /healthz HTTP/1.1\r\nHost: loc");
    if (i % 3 == 1) {
      slow.back()->send("POST " + kHub +
                        "/orchestrators/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                        "application/json\r\nContent-Length: 1000\r\n\r\n[1");
    }
    if (i % 10 == 0) expect_alive();
  }
  start("echo", "still", "1");
  EXPECT_EQ(finish("still").output, "1");
  expect_alive();
}

TEST_F(HttpConnections, AnUnfinishedHeaderIsCutOff) {
  options.server.header_timeout = std::chrono::milliseconds(200);
  options.server.body_timeout = std::chrono::milliseconds(200);
  options.server.idle_timeout = std::chrono::milliseconds(200);
  serve();
  const std::string head = "POST " + kHub +
                           "/orchestrators/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                           "application/json\r\nContent-Length: 10\r\n\r\n";
  for (const std::string& part : {std::string(), std::string("GET / HTT"), head + "[1,"}) {
    HttpClient client(port());
    client.send(part);
    EXPECT_TRUE(client.closed()) << part;
  }
  expect_alive();
}

TEST_F(HttpConnections, StrangersOnTheNetworkNeedAToken) {
  options.access.accepts_token = [](std::string_view token) { return token == "secret"; };
  serve();
  for (const char* path : {"/api/hubs", "/metrics", "/api/hubs/default/instances", "/nothing"}) {
    const HttpAnswer none = get(path);
    EXPECT_EQ(none.status, 401) << path;
    EXPECT_EQ(none.field("www-authenticate"), "Bearer realm=\"ingotd\"");
    for (const char* wrong :
         {"Bearer secre", "Bearer secrets", "Bearer ", "Basic secret", "secret"}) {
      EXPECT_EQ(get(path, {{"Authorization", wrong}}).status, 401) << wrong;
    }
    EXPECT_NE(get(path, {{"Authorization", "bearer secret"}}).status, 401) << path;
  }
  for (const char* open : {"/", "/healthz", "/readyz", "/openapi.json", "/dashboard/app.js"}) {
    EXPECT_EQ(get(open).status, 200) << open;
  }
  EXPECT_EQ(http(port(), "POST", kHub + "/orchestrators/echo", {{"Authorization", "Bearer secret"}})
                .status,
            202);
  EXPECT_EQ(post(kHub + "/orchestrators/echo").status, 401);
}

TEST_F(HttpConnections, PagesOfOtherSitesChangeNothing) {
  serve();
  const std::string path = kHub + "/orchestrators/echo";
  // What a form or a script of another page can send without asking first.
  EXPECT_EQ(http(port(), "POST", path).status, 403);
  EXPECT_EQ(http(port(), "POST", path, {{"Content-Type", "text/plain"}}, "1").status, 403);
  EXPECT_EQ(
      http(port(), "POST", path, {{"Content-Type", "application/x-www-form-urlencoded"}}, "a=1")
          .status,
      403);
  EXPECT_EQ(post(path, "1", {{"Origin", "https://evil.example"}}).status, 403);
  EXPECT_EQ(post(path, "1", {{"Origin", "null"}}).status, 403);
  EXPECT_EQ(post(path, "1", {{"Sec-Fetch-Site", "cross-site"}}).status, 403);
  // No permission for another origin to read or to send.
  const HttpAnswer asked =
      http(port(), "OPTIONS", path,
           {{"Origin", "https://evil.example"}, {"Access-Control-Request-Method", "POST"}});
  EXPECT_EQ(asked.field("access-control-allow-origin"), "");
  EXPECT_GE(asked.status, 400);
  EXPECT_EQ(get(kHub + "/instances").json().size(), 0U);
  // Our own page, and programs.
  EXPECT_EQ(
      post(path, "1", {{"Sec-Fetch-Site", "same-origin"}, {"Origin", "http://localhost"}}).status,
      202);
  EXPECT_EQ(http(port(), "POST", path, {{"X-Ingot-Request", "1"}}).status, 202);
}

TEST_F(HttpConnections, NamesOfOthersAreRefusedOnLoopback) {
  options.access.host_names = {"ingot.example"};
  serve();
  for (const char* host :
       {"evil.example", "evil.example:4002", "localhost.evil.example", "127.0.0.1.evil.example",
        "127.evil.example", "", "[::2]", "[", "0x7f.1"}) {
    const HttpAnswer answer = get("/api/hubs", {{"Host", host}});
    EXPECT_EQ(answer.status, 421) << host;
    EXPECT_EQ(get("/", {{"Host", host}}).status, 421) << host;
  }
  for (const char* host : {"localhost", "LOCALHOST:4002", "127.0.0.1", "127.0.0.1:80", "[::1]:80",
                           "ingot.example", "ingot.example:443"}) {
    EXPECT_EQ(get("/api/hubs", {{"Host", host}}).status, 200) << host;
  }
}

TEST_F(HttpConnections, DrainingAnswersWhatIsUnderWay) {
  serve();
  HttpClient idle(port());
  idle.send(http_text("GET", "/healthz"));
  EXPECT_EQ(idle.receive().status, 200);
  service->drain();
  EXPECT_TRUE(idle.closed());
  EXPECT_FALSE(HttpClient(port()).connected());
}

TEST_F(HttpConnections, ATakenPortIsNamed) {
  serve();
  server::HttpServiceOptions second = options;
  second.server.port = port();
  const auto started = server::HttpService::start(second, hubs);
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.status().code(), StatusCode::io_error);
  EXPECT_NE(started.status().message().find(std::to_string(port())), std::string::npos);
  second.server.address = "not an address";
  EXPECT_EQ(server::HttpService::start(second, hubs).status().code(), StatusCode::invalid_argument);
  second = options;
  second.server.tls_certificate = "garbage";
  second.server.tls_key = "garbage";
  EXPECT_EQ(server::HttpService::start(second, hubs).status().code(), StatusCode::invalid_argument);
}

}  // namespace
}  // namespace ingot::testing
