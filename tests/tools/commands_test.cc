// The commands on good hubs: what they print, and that the reading ones change nothing.

#include <gtest/gtest.h>
#include <ingot/task_hub.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "tests/tools/tool_runner.h"

namespace ingot::tools {
namespace {

using nlohmann::json;

Task<std::string> greet(OrchestrationContext& context) {
  context.set_custom_status("greeting");
  co_return co_await context.call_activity("hello", context.input());
}

Task<std::string> wait_for_go(OrchestrationContext& context) {
  co_return co_await context.wait_for_event("go");
}

Registry make_registry() {
  Registry registry;
  EXPECT_TRUE(registry.add_orchestrator("greet", greet).ok());
  EXPECT_TRUE(registry.add_orchestrator("wait_for_go", wait_for_go).ok());
  EXPECT_TRUE(registry
                  .add_activity("hello",
                                [](const ActivityContext& call) {
                                  return "Hello " + std::string(call.input) + "!";
                                })
                  .ok());
  return registry;
}

// Two partitions; the instances done-0 to done-4 (Completed) and waits-0, waits-1 (Running).
void make_hub(const std::string& path) {
  HubOptions options;
  options.partitions = 2;
  options.segment_bytes = 1 << 20;
  auto hub = TaskHub::open(path, make_registry(), options);
  ASSERT_TRUE(hub.ok()) << hub.status().to_string();
  Client& client = (*hub)->client();
  for (int i = 0; i < 5; ++i) {
    StartOptions start;
    start.instance_id = "done-" + std::to_string(i);
    start.input = "Tokyo";
    const auto id = client.schedule_new_orchestration("greet", start);
    ASSERT_TRUE(id.ok()) << id.status().to_string();
    const auto state = client.wait_for_completion(*id, std::chrono::minutes(5));
    ASSERT_TRUE(state.ok()) << state.status().to_string();
    ASSERT_EQ(state->output, "Hello Tokyo!");
  }
  for (int i = 0; i < 2; ++i) {
    StartOptions start;
    start.instance_id = "waits-" + std::to_string(i);
    const auto id = client.schedule_new_orchestration("wait_for_go", start);
    ASSERT_TRUE(id.ok()) << id.status().to_string();
    ASSERT_TRUE(client.wait_for_start(*id, std::chrono::minutes(5)).ok());
  }
  const Status closed = (*hub)->close();
  ASSERT_TRUE(closed.ok()) << closed.to_string();
}

class Commands : public ToolTest {
 protected:
  void SetUp() override {
    ToolTest::SetUp();
    make_hub(hub_path());
  }
};

std::vector<std::string> ids_in(const std::string& text) {
  std::vector<std::string> ids;
  for (const json& instance : json::parse(text)) ids.push_back(instance["instance_id"]);
  return ids;
}

TEST_F(Commands, InstancesListsAll) {
  const ToolResult listed = run({"instances", hub_path(), "--json"});
  ASSERT_EQ(listed.exit_code, 0) << listed.err;
  EXPECT_EQ(ids_in(listed.out), (std::vector<std::string>{"done-0", "done-1", "done-2", "done-3",
                                                          "done-4", "waits-0", "waits-1"}));
  const json first = json::parse(listed.out)[0];
  EXPECT_EQ(first["status"], "Completed");
  EXPECT_EQ(first["name"], "greet");
  EXPECT_EQ(first["input"], "Tokyo");
  EXPECT_EQ(first["output"], "Hello Tokyo!");
  EXPECT_EQ(first["custom_status"], "greeting");
}

TEST_F(Commands, InstancesFiltersByIdPrefixAndStatus) {
  EXPECT_EQ(ids_in(run({"instances", hub_path(), "--json", "--id", "done-3"}).out),
            std::vector<std::string>{"done-3"});
  EXPECT_EQ(ids_in(run({"instances", hub_path(), "--json", "--prefix", "waits-"}).out),
            (std::vector<std::string>{"waits-0", "waits-1"}));
  EXPECT_EQ(ids_in(run({"instances", hub_path(), "--json", "--status", "Running"}).out),
            (std::vector<std::string>{"waits-0", "waits-1"}));
  EXPECT_EQ(ids_in(run({"instances", hub_path(), "--json", "--prefix", "none"}).out),
            std::vector<std::string>{});
  const ToolResult text = run({"instances", hub_path(), "--prefix", "done"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_NE(text.out.find("5 instances"), std::string::npos) << text.out;
}

TEST_F(Commands, InstancesNamesWhatIsNotThere) {
  const ToolResult missing = run({"instances", hub_path(), "--id", "nobody"});
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_NE(missing.err.find("not_found"), std::string::npos) << missing.err;
  const ToolResult status = run({"instances", hub_path(), "--status", "Asleep"});
  EXPECT_EQ(status.exit_code, 2);
  EXPECT_NE(status.err.find("Asleep"), std::string::npos) << status.err;
}

TEST_F(Commands, HistoryShowsEveryEvent) {
  const ToolResult shown = run({"history", hub_path(), "done-0", "--json"});
  ASSERT_EQ(shown.exit_code, 0) << shown.err;
  std::map<std::string, int> kinds;
  for (const json& event : json::parse(shown.out)) ++kinds[event["kind"]];
  EXPECT_EQ(kinds["ExecutionStarted"], 1);
  EXPECT_EQ(kinds["TaskScheduled"], 1);
  EXPECT_EQ(kinds["TaskCompleted"], 1);
  EXPECT_EQ(kinds["ExecutionCompleted"], 1);
  const ToolResult text = run({"history", hub_path(), "done-0"});
  EXPECT_NE(text.out.find("TaskCompleted"), std::string::npos) << text.out;
  const ToolResult missing = run({"history", hub_path(), "nobody"});
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_NE(missing.err.find("not_found"), std::string::npos) << missing.err;
}

TEST_F(Commands, LookingRunsNothing) {
  ASSERT_EQ(run({"instances", hub_path()}).exit_code, 0);
  const auto waiting = run({"instances", hub_path(), "--json", "--status", "Running"});
  EXPECT_EQ(ids_in(waiting.out).size(), 2U);
  auto hub = TaskHub::open(hub_path(), make_registry());
  ASSERT_TRUE(hub.ok()) << hub.status().to_string();
  ASSERT_TRUE((*hub)->client().raise_event("waits-0", "go", "now").ok());
  const auto state = (*hub)->client().wait_for_completion("waits-0", std::chrono::minutes(5));
  ASSERT_TRUE(state.ok()) << state.status().to_string();
  EXPECT_EQ(state->output, "now");
}

TEST_F(Commands, InspectShowsThePartitions) {
  const ToolResult shown = run({"inspect", hub_path(), "--json"});
  ASSERT_EQ(shown.exit_code, 0) << shown.err;
  const json hub = json::parse(shown.out);
  ASSERT_EQ(hub["partitions"].size(), 2U);
  std::uint64_t facts = 0;
  for (const json& partition : hub["partitions"]) {
    EXPECT_GE(partition["log"]["last_position"], partition["checkpoint"]["position"]);
    EXPECT_FALSE(partition["log"]["segments"].empty());
    facts += partition["log"]["last_position"].get<std::uint64_t>();
  }
  EXPECT_GE(facts, 7U * 2U);
  const ToolResult text = run({"inspect", hub_path()});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_NE(text.out.find("partition"), std::string::npos) << text.out;
}

TEST_F(Commands, LogShowsTheFactsFromAPosition) {
  for (const char* partition : {"0", "1"}) {
    const ToolResult shown = run({"log", hub_path(), partition, "--json"});
    ASSERT_EQ(shown.exit_code, 0) << shown.err;
    const json facts = json::parse(shown.out);
    for (std::size_t i = 1; i < facts.size(); ++i) {
      EXPECT_EQ(facts[i]["position"].get<int>(), facts[i - 1]["position"].get<int>() + 1);
    }
    if (facts.size() < 2) continue;
    const std::string from = facts[1]["position"].dump();
    const ToolResult rest = run({"log", hub_path(), partition, "--from", from, "--json"});
    ASSERT_EQ(rest.exit_code, 0) << rest.err;
    EXPECT_EQ(json::parse(rest.out).size(), facts.size() - 1);
    EXPECT_EQ(json::parse(rest.out)[0], facts[1]);
    const ToolResult text = run({"log", hub_path(), partition});
    EXPECT_NE(text.out.find("InstanceCreated"), std::string::npos) << text.out;
  }
  const ToolResult missing = run({"log", hub_path(), "2"});
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_NE(missing.err.find("partition"), std::string::npos) << missing.err;
}

TEST_F(Commands, ReadingChangesNothing) {
  const auto before = snapshot(hub_path());
  const ToolResult verified = run({"verify", hub_path()});
  EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
  EXPECT_EQ(run({"inspect", hub_path()}).exit_code, 0);
  EXPECT_EQ(run({"log", hub_path(), "0"}).exit_code, 0);
  EXPECT_EQ(run({"log", hub_path(), "1", "--json"}).exit_code, 0);
  EXPECT_TRUE(before == snapshot(hub_path()));
}

}  // namespace
}  // namespace ingot::tools
