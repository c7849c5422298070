// Limits that are not foreign workers' matter: threads, sessions, batches of entities, retention.

#include <thread>

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

SCENARIO(Limits, ActivitiesWithoutAThreadWait) {
  struct Running {
    std::atomic<int> now{0};
    std::atomic<int> most{0};
  };
  const auto running = std::make_shared<Running>();
  stage.add_activity("runs", [running](const ActivityContext& context) -> std::string {
    const int now = ++running->now;
    int most = running->most;
    while (now > most && !running->most.compare_exchange_weak(most, now)) {
    }
    std::this_thread::yield();
    --running->now;
    return std::string(context.input);
  });
  stage.options.activity_threads = 1;
  stage.add("many", [](OrchestrationContext& context) -> Task<std::string> {
    std::vector<Future<std::string>> calls;
    for (int i = 0; i < 30; ++i) calls.push_back(context.call_activity("runs", "x"));
    const std::vector<std::string> results = co_await context.when_all(std::move(calls));
    co_return std::to_string(results.size());
  });
  stage.open();
  for (const char* id : {"a", "b", "c"}) stage.start("many", "", id);
  for (const char* id : {"a", "b", "c"}) stage.expect(id, "30");
  EXPECT_EQ(running->most, 1);
}

SCENARIO(Limits, CoroutinesNeedNotBeKept) {
  stage.options.extended_sessions = false;
  stage.add_activity("echo",
                     [](const ActivityContext& context) { return std::string(context.input); });
  stage.add_entity("log", [](EntityContext& context) -> std::string {
    context.set_state(std::string(context.state().value_or("")) + std::string(context.input()));
    return std::string(*context.state());
  });
  stage.add("leaf", [](OrchestrationContext&) -> Task<std::string> { co_return "leaf,"; });
  stage.add("all", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.call_activity("echo", "echo,");
    co_await context.create_timer(std::chrono::milliseconds(1));
    text += co_await context.call_sub_orchestration("leaf");
    const EntityId id("log", "x");
    EntityLock lock = co_await context.lock_entities(id);
    text += co_await context.call_entity(id, "append", "logged,");
    lock.release();
    text += co_await context.wait_for_event("go");
    co_return text;
  });
  stage.open();
  const std::string id = stage.start("all");
  stage.raise(id, "go", "event");
  stage.expect(id, "echo,leaf,logged,event");
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

// Not a minute early: also what was finished before a checkpoint, and before a recovery.
TEST(Retention, KeepsWhatHasEndedForItsTime) {
  Registry registry;
  EXPECT_TRUE(registry
                  .add_orchestrator("ends",
                                    [](OrchestrationContext& context) -> Task<std::string> {
                                      co_return std::string(context.input());
                                    })
                  .ok());
  sim::SimHubPlan plan;
  plan.options.partitions = 1;
  plan.options.segment_bytes = 1ULL << 20;
  plan.options.retention = std::chrono::hours(1);
  sim::SimHub hub(registry, plan);
  const auto exists = [&](const char* id) {
    const Status status = hub.client().get_instance(id).take_status();
    EXPECT_TRUE(status.ok() || status.code() == StatusCode::not_found) << status.to_string();
    return status.ok();
  };
  const auto end = [&](const char* id) {
    StartOptions start;
    start.instance_id = id;
    EXPECT_TRUE(hub.client().schedule_new_orchestration("ends", start).ok());
    hub.settle();
    EXPECT_EQ(to_string(hub.client().get_instance(id)->status), "Completed");
  };
  end("early");
  hub.run_for(std::chrono::minutes(30));  // checkpoints are taken
  EXPECT_TRUE(exists("early"));
  end("late");
  hub.crash();
  hub.recover();
  hub.run_for(std::chrono::minutes(29));
  EXPECT_TRUE(exists("early"));
  EXPECT_TRUE(exists("late"));
  hub.run_for(std::chrono::minutes(3));
  EXPECT_FALSE(exists("early"));
  EXPECT_TRUE(exists("late"));
  hub.run_for(std::chrono::minutes(26));
  EXPECT_TRUE(exists("late"));
  hub.run_for(std::chrono::minutes(4));
  EXPECT_FALSE(exists("late"));
  EXPECT_TRUE(hub.failure().ok()) << hub.failure().to_string();
}

}  // namespace
}  // namespace ingot::semantics
