#pragma once

// HttpFixture: the HTTP side over hubs of this process, whose orchestrators run here.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/ingotd/http_client.h"
#include "tests/ingotd/sample_hub.h"
#include "tests/support/hub_fixture.h"
#include "tools/ingotd/http/service.h"

namespace ingot::testing {

class HttpFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    hub_options.partitions = 2;
    hub_options.shards = 2;
    hub_options.segment_bytes = 1ULL << 20;
    options.server.port = 0;
    options.version = "1.2.3-test";
  }
  void TearDown() override {
    service.reset();
    hubs.clear();
  }

  void serve() {
    add_hub("default");
    start_service();
  }
  void add_hub(const std::string& name) {
    auto opened = TaskHub::open(directory.path() + "/" + name, sample_registry(), hub_options);
    ASSERT_TRUE(opened.ok()) << opened.status().to_string();
    hubs.add({name, *std::move(opened)});
  }
  void start_service() {
    auto started = server::HttpService::start(options, hubs);
    ASSERT_TRUE(started.ok()) << started.status().to_string();
    service = *std::move(started);
  }

  [[nodiscard]] std::uint16_t port() const { return service->port(); }
  [[nodiscard]] Client& client() { return hubs.all().front().hub->client(); }

  HttpAnswer get(std::string_view target, const Fields& fields = {}) {
    return http(port(), "GET", target, fields);
  }
  // A change as the page makes it.
  HttpAnswer change(std::string_view method, std::string_view target, std::string_view body = {},
                    Fields fields = {}) {
    fields.emplace_back("Content-Type", "application/json");
    return http(port(), method, target, fields, body);
  }
  HttpAnswer post(std::string_view target, std::string_view body = {}, Fields fields = {}) {
    return change("POST", target, body, std::move(fields));
  }
  // Starts an instance with this id over HTTP.
  void start(const std::string& orchestrator, const std::string& id, std::string_view input = {}) {
    const HttpAnswer answer = post(kHub + "/orchestrators/" + orchestrator + "/" + id, input);
    ASSERT_EQ(answer.status, 202) << answer.body;
    EXPECT_EQ(answer.json()["id"], id);
  }
  InstanceState finish(const std::string& id) {
    const Result<InstanceState> state = client().wait_for_completion(id, kLong);
    EXPECT_TRUE(state.ok()) << state.status().to_string();
    return state.ok() ? *state : InstanceState{};
  }
  bool reaches(const std::string& id, RuntimeStatus status) {
    return eventually([&] {
      const auto state = client().get_instance(id);
      return state.ok() && state->status == status;
    });
  }

  const std::string kHub = "/api/hubs/default";
  HubOptions hub_options;
  server::HttpServiceOptions options;
  HubList hubs;
  std::unique_ptr<server::HttpService> service;
  sim::TempDirectory directory;
};

}  // namespace ingot::testing
