// Sub-orchestrations and new executions, on a whole hub.

#include "tests/support/hub_fixture.h"

namespace ingot::testing {
namespace {

class HubSubOrchestrations : public HubFixture {
 protected:
  HubSubOrchestrations() { options.partitions = 4; }
};

Task<std::string> leaf(OrchestrationContext& context) {
  std::string text(context.input());
  if (text == "bad") throw std::runtime_error("bad leaf");
  std::string result = co_await context.call_activity("echo", text);
  co_return result;
}

Task<std::string> tree(OrchestrationContext& context) {
  const std::size_t depth = context.input().size();
  if (depth == 0) co_return "1";
  std::string input(depth - 1, 'x');
  std::vector<Future<std::string>> children;
  for (int i = 0; i < 3; ++i) children.push_back(context.call_sub_orchestration("tree", input));
  std::vector<std::string> counts = co_await context.when_all(std::move(children));
  long sum = 0;
  for (const std::string& count : counts) sum += std::stol(count);
  co_return std::to_string(sum);
}

TEST_F(HubSubOrchestrations, AParentGetsWhatItsChildrenGive) {
  add_orchestrator("tree", tree);
  open();
  expect_output(run("tree", "xxxx"), "81");
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

TEST_F(HubSubOrchestrations, AFailedChildIsAFailureThatCanBeHandledAndTriedAgain) {
  std::atomic<int> attempts{0};
  add_activity("flaky", [&](const ActivityContext&) -> std::string {
    if (++attempts < 3) throw std::runtime_error("not yet");
    return "done";
  });
  add_orchestrator("leaf", leaf);
  add_orchestrator("flaky", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.call_activity("flaky");
    co_return text;
  });
  add_orchestrator("parent", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text;
    try {
      text = co_await context.call_sub_orchestration("leaf", "bad");
    } catch (const TaskFailedError& error) {
      text = error.what();
    }
    RetryPolicy policy;
    policy.first_interval = std::chrono::milliseconds(1);
    std::string last = co_await context.call_sub_orchestration("flaky", "", "same id", policy);
    co_return text + "|" + last;
  });
  open();
  const InstanceState state = run("parent");
  EXPECT_EQ(state.status, RuntimeStatus::completed);
  EXPECT_NE(state.output.value_or("").find("bad leaf"), std::string::npos) << *state.output;
  EXPECT_TRUE(state.output->ends_with("|done"));
  expect_output(finish("same id"), "done");
}

TEST_F(HubSubOrchestrations, AnIdThatIsAliveFailsTheChild) {
  add_orchestrator("waits", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.wait_for_event("go");
    co_return text;
  });
  add_orchestrator("parent", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.call_sub_orchestration("waits", "", "taken");
    co_return text;
  });
  open();
  start("waits", "", "taken");
  const InstanceState state = run("parent");
  EXPECT_EQ(state.status, RuntimeStatus::failed);
  ASSERT_TRUE(state.failure.has_value());
  raise("taken", "go", "free");
  expect_output(finish("taken"), "free");
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
