// The server's own pages: the OpenAPI document, metrics, probes, the list of hubs, the dashboard's
// files.

#include <regex>
#include <set>
#include <sstream>

#include "tests/ingotd/http_fixture.h"
#include "tools/ingotd/http/dashboard_files.h"
#include "tools/ingotd/http/json_writer.h"
#include "tools/ingotd/http/target.h"
#include "tools/iso_time.h"

namespace ingot::testing {
namespace {

using Json = nlohmann::json;

class HttpServicePages : public HttpFixture {};

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

TEST_F(HttpServicePages, EveryRouteIsDocumentedAndEveryDocumentedPathIsServed) {
  serve();
  const Json document = get("/openapi.json").json();
  EXPECT_EQ(document["info"]["version"], "1.2.3-test");
  std::set<std::string> documented;
  const std::regex name("\\{([A-Za-z]+)\\}");
  for (const auto& [path, operations] : document["paths"].items()) {
    std::string target = std::regex_replace(path, std::regex("\\{hub\\}"), "default");
    target = std::regex_replace(target, std::regex("\\{file\\}"), "app.js");
    target = std::regex_replace(target, name, "x");
    for (const auto& [method, operation] : operations.items()) {
      documented.insert(upper(method) + " " + path);
      // Served: by the route's own answer, not by "nothing at this address".
      const HttpAnswer answer = change(upper(method), target, "");
      EXPECT_NE(answer.status, 405) << method << path;
      EXPECT_EQ(answer.body.find("nothing at this address"), std::string::npos) << method << path;
      EXPECT_LT(answer.status, 500) << answer.body;
      // Each name in the path is described once, and every reference leads somewhere.
      std::set<std::string> described;
      for (const Json& parameter : operation["parameters"]) {
        if (parameter["in"] == "path") described.insert(parameter["name"].get<std::string>());
      }
      std::set<std::string> named;
      for (std::sregex_iterator i(path.begin(), path.end(), name), end; i != end; ++i) {
        named.insert((*i)[1].str());
      }
      EXPECT_EQ(described, named) << method << path;
      EXPECT_FALSE(operation["responses"].empty());
    }
  }
  const std::string text = document.dump();
  const std::regex reference("#/components/schemas/([A-Za-z]+)");
  for (std::sregex_iterator i(text.begin(), text.end(), reference), end; i != end; ++i) {
    EXPECT_TRUE(document["components"]["schemas"].contains((*i)[1].str())) << (*i)[1];
  }
  std::set<std::string> routes;
  for (const server::Route& route : service->routes())
    routes.insert(route.method + " " + route.pattern);
  EXPECT_EQ(documented, routes);
  EXPECT_EQ(routes.size(), service->routes().size()) << "a route is there twice";
  for (const char* expected :
       {"POST /api/hubs/{hub}/orchestrators/{orchestrator}", "GET /metrics", "GET /",
        "POST /api/hubs/{hub}/instances/{instanceId}/raiseEvent/{eventName}",
        "POST /api/hubs/{hub}/instances/{instanceId}/rewind", "DELETE /api/hubs/{hub}/instances"}) {
    EXPECT_TRUE(routes.count(expected)) << expected;
  }
}

// The samples of a page, after every line has been held against the format.
std::map<std::string, double> parse_exposition(const std::string& page) {
  static const std::regex comment("# (HELP|TYPE) [a-zA-Z_:][a-zA-Z0-9_:]* .+");
  static const std::regex sample(
      "([a-zA-Z_:][a-zA-Z0-9_:]*)(\\{[a-zA-Z_][a-zA-Z0-9_]*=\"([^\"\\\\]|\\\\.)*\"(,[a-zA-Z_][a-zA-"
      "Z0-"
      "9_]*=\"([^\"\\\\]|\\\\.)*\")*\\})? (NaN|[-+]?[0-9.]+(e[-+]?[0-9]+)?)");
  std::map<std::string, double> samples;
  std::set<std::string> typed;
  std::istringstream lines(page);
  EXPECT_EQ(page.back(), '\n');
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (line.starts_with("#")) {
      EXPECT_TRUE(std::regex_match(line, comment)) << line;
      if (line.starts_with("# TYPE ")) {
        EXPECT_TRUE(typed.insert(line.substr(7, line.find(' ', 7) - 7)).second) << line;
      }
      continue;
    }
    EXPECT_TRUE(std::regex_match(line, match, sample)) << line;
    const std::string base =
        std::regex_replace(match[1].str(), std::regex("_(bucket|sum|count)$"), "");
    EXPECT_TRUE(typed.count(match[1]) != 0 || typed.count(base) != 0) << line;
    const std::size_t space = line.rfind(' ');
    EXPECT_TRUE(samples.emplace(line.substr(0, space), std::stod(line.substr(space))).second)
        << line;
  }
  return samples;
}

TEST_F(HttpServicePages, MetricsFollowWhatHappens) {
  options.more_metrics = [](server::Exposition& page) {
    page.metric("extra", "gauge", "Of another part.");
    page.sample({{"text", "a \"quoted\" \\ line\n"}}, std::uint64_t{7});
  };
  add_hub("default");
  hubs.fail("broken", Status(StatusCode::corrupt, "a bad page"));
  start_service();
  for (int i = 0; i < 5; ++i) {
    start("echo", "m" + std::to_string(i), "1");
    finish("m" + std::to_string(i));
  }
  start("approval", "waits");
  ASSERT_TRUE(reaches("waits", RuntimeStatus::running));
  get("/nothing");
  const HttpAnswer page = get("/metrics");
  EXPECT_EQ(page.field("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  auto samples = parse_exposition(page.body);
  const auto total = [&](const std::string& metric) {
    double sum = 0;
    for (const auto& [name, value] : samples) {
      if (name.starts_with(metric + "{hub=\"default\",partition=")) sum += value;
    }
    return sum;
  };
  EXPECT_EQ(samples["ingot_instances{hub=\"default\",status=\"Completed\"}"], 5);
  EXPECT_EQ(samples["ingot_instances{hub=\"default\",status=\"Running\"}"], 1);
  EXPECT_EQ(samples["ingot_hub_up{hub=\"default\"}"], 1);
  EXPECT_EQ(samples["ingot_hub_up{hub=\"broken\"}"], 0);
  EXPECT_EQ(total("ingot_partition_up"), 2);
  EXPECT_EQ(total("ingot_orchestrations_finished_total"), 5);
  EXPECT_EQ(total("ingot_instances_live"), 1);
  EXPECT_GE(total("ingot_history_events_total"), 5 * 3);
  EXPECT_GT(total("ingot_log_bytes_total"), 0);
  EXPECT_GT(total("ingot_log_writes_total"), 0);
  EXPECT_GT(total("ingot_durable_position"), 0);
  EXPECT_GT(total("ingot_log_tail_bytes"), 0);
  EXPECT_GT(total("ingot_memory_bytes"), 0);
  EXPECT_EQ(total("ingot_requests_refused_total"), 0);
  EXPECT_EQ(samples["extra{text=\"a \\\"quoted\\\" \\\\ line\\n\"}"], 7);
  const std::string start_labels =
      "method=\"POST\",route=\"/api/hubs/{hub}/orchestrators/{orchestrator}/{instanceId}\"";
  EXPECT_EQ(samples["ingotd_http_requests_total{" + start_labels + ",code=\"2xx\"}"], 6);
  EXPECT_EQ(samples["ingotd_http_request_duration_seconds_count{" + start_labels + "}"], 6);
  EXPECT_EQ(
      samples["ingotd_http_request_duration_seconds_bucket{" + start_labels + ",le=\"+Inf\"}"], 6);
  EXPECT_EQ(samples["ingotd_http_requests_total{method=\"other\",route=\"none\",code=\"4xx\"}"], 1);
  EXPECT_GT(samples["process_resident_memory_bytes"], 0);

  must(hubs.all().front().hub->checkpoint());
  samples = parse_exposition(get("/metrics").body);
  EXPECT_EQ(total("ingot_log_tail_bytes"), 0);
  EXPECT_EQ(total("ingot_checkpoint_position"), total("ingot_durable_position"));
  EXPECT_GE(total("ingot_checkpoints_total"), 1);
}

TEST_F(HttpServicePages, FiguresOfAHub) {
  serve();
  start("echo", "one", "1");
  finish("one");
  const Json hub = get(kHub).json();
  EXPECT_EQ(hub["name"], "default");
  EXPECT_EQ(hub["instances"]["Completed"], 1);
  ASSERT_EQ(hub["partitions"].size(), 2U);
  for (const Json& partition : hub["partitions"]) {
    EXPECT_EQ(partition["up"], true);
    EXPECT_GE(partition["checkpointAgeSeconds"], 0);
  }
  const Json list = get("/api/hubs").json();
  EXPECT_EQ(list["hubs"], Json::array({Json({{"name", "default"}, {"open", true}})}));
}

TEST_F(HttpServicePages, ReadyOnlyWhenEverythingServes) {
  bool draining = false;
  options.draining = [&draining] { return draining; };
  serve();
  EXPECT_EQ(get("/readyz").status, 200);
  draining = true;
  EXPECT_EQ(get("/readyz").status, 503);
  EXPECT_EQ(get("/healthz").status, 200);
  draining = false;
  hubs.fail("broken", Status(StatusCode::corrupt, "a secret place"));
  const HttpAnswer answer = get("/readyz");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body.find("secret"), std::string::npos);
  const HttpAnswer broken = get("/api/hubs/broken/counts");
  EXPECT_EQ(broken.status, 500);
  EXPECT_NE(broken.error().find("a secret place"), std::string::npos);
}

TEST_F(HttpServicePages, AClosedHubIsSaidToBeClosed) {
  serve();
  must(hubs.all().front().hub->close());
  EXPECT_EQ(get(kHub + "/instances").status, 503);
  EXPECT_EQ(post(kHub + "/orchestrators/echo", "1").status, 503);
  EXPECT_EQ(get("/healthz").status, 200);
}

TEST_F(HttpServicePages, TheDashboardIsSelfContained) {
  serve();
  const HttpAnswer page = get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.field("content-type"), "text/html; charset=utf-8");
  const std::string policy = page.field("content-security-policy");
  EXPECT_NE(policy.find("default-src 'none'"), std::string::npos);
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  EXPECT_EQ(page.field("x-content-type-options"), "nosniff");
  const HttpAnswer again = get("/", {{"If-None-Match", page.field("etag")}});
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.body, "");
  std::set<std::string> served;
  for (const server::DashboardFile& file : server::dashboard_files()) {
    const HttpAnswer answer = get("/dashboard/" + std::string(file.name));
    EXPECT_EQ(answer.status, 200) << file.name;
    EXPECT_EQ(answer.body, file.bytes);
    served.insert(std::string(file.name));
    // Nothing from elsewhere, and no way for data to become markup.
    for (const char* never : {"https://", "innerHTML", "outerHTML", "insertAdjacentHTML",
                              "document.write", "eval(", " style=\"", "<script>"}) {
      EXPECT_EQ(answer.body.find(never), std::string::npos) << file.name << ": " << never;
    }
  }
  // What the files name is there.
  const std::regex import("(?:/dashboard/|from './)([a-z]+\\.[a-z]+)");
  for (const server::DashboardFile& file : server::dashboard_files()) {
    const std::string text(file.bytes);
    for (std::sregex_iterator i(text.begin(), text.end(), import), end; i != end; ++i) {
      EXPECT_TRUE(served.count((*i)[1])) << file.name << " names " << (*i)[1];
    }
  }
}

TEST(HttpTexts, TimesAreReadAndWritten) {
  const auto read = [](std::string_view text) {
    const auto time = tools::parse_time(text);
    return time ? tools::format_time(*time) : std::string("none");
  };
  EXPECT_EQ(read("2026-01-31T23:59:59.000001Z"), "2026-01-31T23:59:59.000001Z");
  EXPECT_EQ(read("2026-01-31"), "2026-01-31T00:00:00.000000Z");
  EXPECT_EQ(read("2026-01-31T10:20"), "2026-01-31T10:20:00.000000Z");
  EXPECT_EQ(read("2026-01-31T10:20:30.5"), "2026-01-31T10:20:30.500000Z");
  EXPECT_EQ(read("2026-01-31T10:20:30.1234567Z"), "2026-01-31T10:20:30.123456Z");
  EXPECT_EQ(read("2024-02-29T23:30:00-02:30"), "2024-03-01T02:00:00.000000Z");
  EXPECT_EQ(read("2026-01-31T10:20:30+0130"), "2026-01-31T08:50:30.000000Z");
  for (const char* bad : {"", "2026", "2026-13-01", "2025-02-29", "2026-01-31T", "2026-01-31T24:00",
                          "2026-01-31T10", "2026-01-31T10:60", "2026-01-31T10:20:30.Z",
                          "2026-01-31T10:20:30+15:00", "2026-01-31T10:20:30Zz", "+026-01-31"}) {
    EXPECT_EQ(read(bad), "none") << bad;
  }
}

TEST(HttpTexts, TargetsAreSplitBeforeTheyAreDecoded) {
  const auto target = server::parse_target("/a%2Fb/c+d//?x=1&x=%26%3D&y&&z=a,b,,c#not this");
  ASSERT_TRUE(target.ok());
  EXPECT_EQ(target->path, (std::vector<std::string>{"a/b", "c+d", "", ""}));
  EXPECT_EQ(target->parameter("x"), "&=");
  EXPECT_EQ(target->parameter("y"), "");
  EXPECT_EQ(target->parameter("w"), std::nullopt);
  EXPECT_EQ(target->list("z"), (std::vector<std::string>{"a", "b", "c"}));
  for (int c = 0; c < 256; ++c) {
    const std::string text(3, static_cast<char>(c));
    const auto back = server::parse_target("/" + server::percent_encode(text) +
                                           "?q=" + server::percent_encode(text));
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(back->path, std::vector<std::string>{text});
    EXPECT_EQ(back->parameter("q"), text);
  }
}

}  // namespace
}  // namespace ingot::testing
