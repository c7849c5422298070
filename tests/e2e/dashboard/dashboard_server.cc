// dashboard_server DIR [TOKEN]: the HTTP side over a hub in DIR that holds a bit of everything the
// dashboard can show. Prints its port; ends when standard input does.

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

#include "tests/ingotd/sample_hub.h"
#include "tools/ingotd/http/refusal.h"
#include "tools/ingotd/http/service.h"

namespace ingot::testing {
namespace {

int fail(const Status& status) {
  std::fprintf(stderr, "dashboard_server: %s\n", status.to_string().c_str());
  return 1;
}

struct Sample {
  const char* orchestrator;
  std::string id;
  std::string input;
  bool ends;
};

Status fill(Client& client) {
  std::vector<Sample> samples = {
      {"order", "order-1001", "order-1001", true},
      {"payment", "payment-7", "\"4242\"", true},
      {"approval", "approval-1", R"({"amount": 1250, "currency": "EUR"})", false},
      {"approval", "approval-2", "{}", false},
      {"approval", "approval-3", "{}", false},
      {"echo", "<script>window.hacked=1</script>", "\"<img src=x onerror='window.hacked=1'>\"",
       true},
  };
  for (int i = 0; i < 60; ++i) {
    char id[32];
    std::snprintf(id, sizeof id, "batch-%03d", i);
    samples.push_back({"echo", id, R"({"greeting": "Hello", "to": ["Tokyo", "Seattle"]})", true});
  }
  for (const Sample& sample : samples) {
    StartOptions options;
    options.instance_id = sample.id;
    options.input = sample.input;
    options.tags = {{"team", "checkout"}};
    const auto started = client.schedule_new_orchestration(sample.orchestrator, options);
    if (!started.ok()) return started.status();
  }
  for (const Sample& sample : samples) {
    const auto waited = sample.ends ? client.wait_for_completion(sample.id, std::chrono::minutes(1))
                                    : client.wait_for_start(sample.id, std::chrono::minutes(1));
    if (!waited.ok()) return waited.status();
  }
  return {};
}

int run(const std::string& folder, const std::string& token) {
  HubOptions hub_options;
  hub_options.partitions = 3;
  hub_options.segment_bytes = 1ULL << 20;
  auto opened = TaskHub::open(folder + "/hub", sample_registry(), hub_options);
  if (!opened.ok()) return fail(opened.status());
  HubList hubs;
  hubs.add({"default", *std::move(opened)});
  if (const Status filled = fill(hubs.all().front().hub->client()); !filled.ok())
    return fail(filled);
  server::HttpServiceOptions options;
  if (!token.empty()) {
    options.access.accepts_token = [token](std::string_view given) { return token == given; };
  }
  auto service = server::HttpService::start(options, hubs);
  if (!service.ok()) return fail(service.status());
  std::printf("port %d\n", (*service)->port());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  service->reset();
  return 0;
}

}  // namespace
}  // namespace ingot::testing

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  return ingot::testing::run(argv[1], argc > 2 ? argv[2] : "");
}
