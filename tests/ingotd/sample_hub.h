#pragma once

// Orchestrators and entities that bring about everything the HTTP side can show, and a list of open
// hubs. For tests, and for the server that the dashboard's test looks at.

#include <ingot/entity_context.h>
#include <ingot/failure.h>
#include <ingot/orchestration_context.h>
#include <ingot/task_hub.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tools/ingotd/http/figures.h"

namespace ingot::testing {

class HubList final : public server::HubSource {
 public:
  void add(server::OpenHub hub) { open_.push_back(std::move(hub)); }
  void fail(std::string name, Status why) { failed_.emplace_back(std::move(name), std::move(why)); }
  void clear() { open_.clear(); }

  Result<server::OpenHub> find(std::string_view name) const override {
    for (const server::OpenHub& hub : open_) {
      if (hub.name == name) return hub;
    }
    for (const auto& [failed, why] : failed_) {
      if (failed == name) return why;
    }
    return Status(StatusCode::not_found, "there is no task hub '" + std::string(name) + "'");
  }
  std::vector<server::OpenHub> all() const override { return open_; }
  std::vector<std::pair<std::string, Status>> failures() const override { return failed_; }

 private:
  std::vector<server::OpenHub> open_;
  std::vector<std::pair<std::string, Status>> failed_;
};

inline Registry sample_registry() {
  Registry registry;
  const auto must_be = [](const Status& status) {
    if (!status.ok()) std::abort();
  };
  must_be(registry.add_activity("greet", [](const ActivityContext& call) {
    return "Hello " + std::string(call.input) + "!";
  }));
  must_be(registry.add_activity("charge card", [](const ActivityContext& call) -> std::string {
    throw TaskFailedError("CardDeclined", "card " + std::string(call.input) + " was declined");
  }));
  must_be(registry.add_orchestrator("echo", [](OrchestrationContext& c) -> Task<std::string> {
    co_return std::string(c.input());
  }));
  must_be(registry.add_orchestrator("greetings", [](OrchestrationContext& c) -> Task<std::string> {
    std::string first = co_await c.call_activity("greet", "Tokyo");
    co_await c.create_timer(std::chrono::milliseconds(5));
    std::string second = co_await c.call_activity("greet", c.input());
    co_return "\"" + first + " " + second + "\"";
  }));
  must_be(registry.add_orchestrator("approval", [](OrchestrationContext& c) -> Task<std::string> {
    c.set_custom_status("{\"step\": \"waiting for approval\"}");
    std::string answer = co_await c.wait_for_event("approve");
    co_return answer;
  }));
  must_be(registry.add_orchestrator("payment", [](OrchestrationContext& c) -> Task<std::string> {
    std::string paid = co_await c.call_activity("charge card", c.input());
    co_return paid;
  }));
  must_be(registry.add_orchestrator("order", [](OrchestrationContext& c) -> Task<std::string> {
    std::string id(c.input());
    std::string hello = co_await c.call_sub_orchestration("greetings", "child", id + "-greetings");
    co_await c.call_entity(EntityId("counter", "orders"), "add", "1");
    co_return hello;
  }));
  must_be(registry.add_entity("counter", [](EntityContext& entity) {
    long value = std::stol(std::string(entity.state().value_or("0")));
    if (entity.operation() != "add") throw UnknownOperation(entity.operation());
    value += std::stol(std::string(entity.input()));
    entity.set_state(std::to_string(value));
    return std::to_string(value);
  }));
  return registry;
}

}  // namespace ingot::testing
