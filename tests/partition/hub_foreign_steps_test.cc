// What foreign workers say may be wrong: it is refused, and nothing stops. What they hold is
// counted.

#include <future>

#include "tests/support/hub_fixture.h"

namespace ingot::testing {
namespace {

using Kind = HistoryEventKind;

HistoryEvent action(Kind kind, std::int32_t id, std::string target = {}) {
  HistoryEvent made;
  made.kind = kind;
  made.event_id = id;
  made.instance_id = std::move(target);
  return made;
}

HistoryEvent locks(std::int32_t id, std::vector<std::string> entities) {
  HistoryEvent made = action(Kind::entity_lock_requested, id);
  made.lock_set = std::move(entities);
  return made;
}

HistoryEvent unlock(std::int32_t id, std::string entity) {
  return action(Kind::entity_unlock_sent, id, std::move(entity));
}

HistoryEvent task(std::int32_t id) {
  HistoryEvent made = action(Kind::task_scheduled, id);
  made.name = "work";
  return made;
}

HistoryEvent end(std::int32_t id) {
  HistoryEvent made = action(Kind::execution_completed, id);
  made.status = RuntimeStatus::completed;
  made.data = "done";
  return made;
}

class HubForeignSteps : public HubFixture {
 protected:
  HubForeignSteps() { options.foreign_work = true; }

  [[nodiscard]] WorkItems& work() { return hub().work_items(); }

  OrchestrationWorkItem lock_orchestration() {
    Result<OrchestrationWorkItem> item = work().lock_orchestration(kLong);
    EXPECT_TRUE(item.ok()) << item.status().to_string();
    return item.ok() ? *std::move(item) : OrchestrationWorkItem{};
  }
  Status commit(const WorkItemToken& token, std::vector<HistoryEvent> actions) {
    OrchestrationOutcome outcome;
    outcome.actions = std::move(actions);
    return work().complete_orchestration(token, outcome);
  }
  void expect_refused(const WorkItemToken& token, std::vector<HistoryEvent> actions) {
    const Status status = commit(token, std::move(actions));
    EXPECT_EQ(status.code(), StatusCode::invalid_argument) << status.to_string();
  }
};

TEST_F(HubForeignSteps, OnlyWhatIsHeldIsGivenBack) {
  open();
  const std::string id = start("foreign");
  OrchestrationWorkItem item = lock_orchestration();
  expect_refused(item.token, {locks(0, {"@e@a"}), unlock(1, "@e@a"), locks(2, {"@e@c"})});
  must(commit(item.token, {locks(0, {"@e@a", "@e@b"})}));
  item = lock_orchestration();
  ASSERT_EQ(kinds_of(item.new_events).back(), "EntityLockGranted");
  expect_refused(item.token, {unlock(1, "@e@a"), unlock(2, "@e@a"), locks(3, {"@e@c"})});
  expect_refused(item.token, {unlock(1, "@e@a"), unlock(2, "@e@x"), locks(3, {"@e@c"})});
  must(commit(item.token,
              {unlock(1, "@e@a"), unlock(2, "@e@a"), unlock(3, "@e@b"), locks(4, {"@e@c"})}));
  item = lock_orchestration();
  ASSERT_EQ(kinds_of(item.new_events).back(), "EntityLockGranted");
  must(commit(item.token, {end(5)}));
  expect_output(finish(id), "done");
}

TEST_F(HubForeignSteps, BeforeTheGrantNothingIsGivenBack) {
  open();
  // Another one has the entity, so this one has to wait.
  const std::string holder = start("foreign", "", "holder");
  must(commit(lock_orchestration().token, {locks(0, {"@e@a"})}));
  const OrchestrationWorkItem held = lock_orchestration();
  const std::string id = start("foreign", "", "waits");
  must(commit(lock_orchestration().token, {locks(0, {"@e@a"})}));
  raise(id, "event");
  const OrchestrationWorkItem item = lock_orchestration();
  ASSERT_EQ(item.instance_id, id);
  expect_refused(item.token, {unlock(1, "@e@a"), locks(2, {"@e@c"})});
  must(commit(item.token, {unlock(1, "@e@a"), end(2)}));
  must(commit(held.token, {end(1)}));
  expect_output(finish(id), "done");
  expect_output(finish(holder), "done");
}

TEST_F(HubForeignSteps, WhatCantBeEncodedIsRefused) {
  open();
  const std::string id = start("foreign");
  const OrchestrationWorkItem item = lock_orchestration();
  HistoryEvent unsorted = task(0);
  unsorted.lock_set = {"@e@b", "@e@a"};
  expect_refused(item.token, {unsorted});
  OrchestrationOutcome again;
  again.actions = {action(Kind::continue_as_new, 0)};
  HistoryEvent event = action(Kind::event_raised, -1);
  event.name = "event";
  event.lock_set = unsorted.lock_set;
  again.carry_over = {event};
  const Status refused = work().complete_orchestration(item.token, again);
  EXPECT_EQ(refused.code(), StatusCode::invalid_argument) << refused.to_string();
  must(commit(item.token, {end(0)}));
  expect_output(finish(id), "done");

  must(client().signal_entity(EntityId("e", "a"), "set"));
  const Result<EntityWorkItem> entity = work().lock_entity(kLong);
  ASSERT_TRUE(entity.ok()) << entity.status().to_string();
  EntityOutcome bad;
  bad.actions = {action(Kind::entity_operation_signaled, -1, "@e@b")};
  bad.actions[0].name = "set";
  bad.actions[0].lock_set = unsorted.lock_set;
  EXPECT_EQ(work().complete_entity(entity->token, bad).code(), StatusCode::invalid_argument);
  must(work().complete_entity(entity->token, {}));
}

TEST_F(HubForeignSteps, NothingIsKeptOfAStepThatIsDone) {
  constexpr std::uint64_t kEntities = 400;
  options.checkpoint_idle = std::chrono::hours(1);
  options.partitions = 1;
  open();
  const auto run_all = [&] {
    for (std::uint64_t i = 0; i < kEntities; ++i) {
      must(client().signal_entity(EntityId("e", std::to_string(i)), "set"));
      const Result<EntityWorkItem> item = work().lock_entity(kLong);
      ASSERT_TRUE(item.ok()) << item.status().to_string();
      EntityOutcome outcome;
      outcome.state = "x";
      must(work().complete_entity(item->token, outcome));
    }
  };
  const auto memory = [&] { return hub().metrics().partitions.at(0).memory_bytes; };
  run_all();
  reopen();  // from the log: all are in memory, and nothing goes on
  EXPECT_EQ(hub().metrics().partitions.at(0).instances_resident, kEntities);
  const std::uint64_t before = memory();
  run_all();
  EXPECT_LT(memory(), before + kEntities * 110);
}

TEST_F(HubForeignSteps, CallbacksAreRefusedWhatBlocks) {
  open();
  const std::string id = start("foreign");
  const OrchestrationWorkItem item = lock_orchestration();
  std::promise<std::vector<Status>> answers;
  OrchestrationOutcome outcome;
  outcome.actions = {end(0)};
  work().complete_orchestration_async(item.token, outcome, [&](const Status& done) {
    answers.set_value(
        {done, work().complete_orchestration(item.token, outcome),
         work().complete_entity(item.token, {}), work().complete_activity(item.token, "x"),
         work().fail_activity(item.token, {}), work().abandon_orchestration(item.token),
         work().lock_orchestration(Duration(0)).status()});
  });
  std::vector<Status> given = answers.get_future().get();
  must(given.front());
  for (std::size_t i = 1; i < given.size(); ++i) {
    EXPECT_EQ(given[i].code(), StatusCode::failed_precondition) << i;
  }
  expect_output(finish(id), "done");
}

}  // namespace
}  // namespace ingot::testing
