// Limits that are not foreign workers' matter: batches of entities, and retention.

#include "tests/semantics/stage.h"

namespace ingot::semantics {
namespace {

using std::chrono::milliseconds;

SCENARIO(Limits, EntitiesTakeTheirOperationsInBatches) {
  stage.add_entity("log", [](EntityContext& context) -> std::string {
    const std::string text =
        std::string(context.state().value_or("")) + std::string(context.input());
    context.set_state(text);
    return text;
  });
  stage.options.entity_batch_operations_max = 2;
  stage.add("signals", [](OrchestrationContext& context) -> Task<std::string> {
    const EntityId id("log", "x");
    for (const char* word : {"a", "b", "c", "d"}) context.signal_entity(id, "append", word);
    std::string text = co_await context.call_entity(id, "append", "e");
    co_return text;
  });
  stage.open();
  stage.expect(stage.start("signals"), "abcde");
}

SCENARIO(Retention, FinishedInstancesAreForgottenAndOthersStay) {
  stage.options.retention = milliseconds(1000);
  stage.add("ends", [](OrchestrationContext& context) -> Task<std::string> {
    co_return std::string(context.input());
  });
  stage.add("waits", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.wait_for_event("go");
    co_return text;
  });
  stage.open();
  stage.start("waits", "", "stays");
  for (int i = 0; i < 5; ++i) stage.start("ends", "x", "i" + std::to_string(i));
  for (int i = 0; i < 5; ++i) {
    const std::string id = "i" + std::to_string(i);
    EXPECT_TRUE(stage.until([&] { return stage.get(id).status().code() == StatusCode::not_found; }))
        << id;
  }
  const Result<InstanceState> waiting = stage.get("stays");
  EXPECT_TRUE(waiting.ok() && !is_terminal(waiting->status));
  const Result<InstanceCounts> counts =
      stage.ask([](Client& with) { return with.count_instances(); });
  ASSERT_TRUE(counts.ok());
  EXPECT_EQ(counts->by_status[static_cast<std::size_t>(RuntimeStatus::completed)], 0U);
}

}  // namespace
}  // namespace ingot::semantics
