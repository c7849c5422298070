// Sub-orchestrations and new executions, on a whole hub: what tests/semantics does not look at.

#include "tests/support/hub_fixture.h"

namespace ingot::testing {
namespace {

class HubSubOrchestrations : public HubFixture {
 protected:
  HubSubOrchestrations() { options.partitions = 4; }
};

Task<std::string> leaf(OrchestrationContext& context) {
  std::string text = co_await context.call_activity("echo", context.input());
  co_return text;
}

TEST_F(HubSubOrchestrations, HistoriesOfParentAndChildTellOfEachOther) {
  add_activity("echo", [](const ActivityContext& c) { return std::string(c.input); });
  add_orchestrator("leaf", leaf);
  add_orchestrator("parent", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.call_sub_orchestration("leaf", "x", "the child");
    co_return text;
  });
  open();
  const std::string id = start("parent");
  expect_output(finish(id), "x");
  expect_output(finish("the child"), "x");
  EXPECT_EQ(
      kinds_of(history(id)),
      (std::vector<std::string>{"OrchestratorStarted", "ExecutionStarted",
                                "SubOrchestrationInstanceCreated#0", "OrchestratorStarted",
                                "SubOrchestrationInstanceCompleted", "ExecutionCompleted#1"}));
  const std::vector<HistoryEvent> child = history("the child");
  ASSERT_GE(child.size(), 2U);
  ASSERT_TRUE(child[1].parent.has_value());
  EXPECT_EQ(child[1].parent->instance_id, id);
  EXPECT_EQ(child[1].parent->name, "parent");
  EXPECT_EQ(child[1].parent->scheduled_id, 0);
}

TEST_F(HubSubOrchestrations, ANewExecutionHasNoHistoryAndKeepsItsEvents) {
  add_orchestrator("sum", [](OrchestrationContext& context) -> Task<std::string> {
    long sum = std::stol(std::string(context.input()));
    std::string data = co_await context.wait_for_event("add");
    if (data == "end") co_return std::to_string(sum);
    sum += std::stol(data);
    context.continue_as_new(std::to_string(sum));
    co_return "";
  });
  open();
  const std::string id = start("sum", "0");
  for (int i = 1; i <= 50; ++i) raise(id, "add", std::to_string(i));
  const ExecutionId before = client().get_instance(id)->execution_id;
  reopen();
  for (int i = 51; i <= 100; ++i) raise(id, "add", std::to_string(i));
  raise(id, "add", "end");
  expect_output(finish(id), "5050");
  EXPECT_LT(history(id).size(), 10U);
  EXPECT_NE(finish(id).execution_id, before);
}

}  // namespace
}  // namespace ingot::testing
