// Locks whose owner is gone without having given them back, which no orchestration does: here
// nobody ever was the owner. They are found, and only they; cleaning is crash proof.

#include <optional>

#include "core/history_codec.h"
#include "tests/semantics/stage.h"

namespace ingot::semantics {
namespace {

std::string log(EntityContext& context) {
  const std::string text = std::string(context.state().value_or("")) + std::string(context.input());
  if (context.operation() == "clear") {
    context.delete_state();
  } else {
    context.set_state(text);
  }
  return text;
}

Task<std::string> holds(OrchestrationContext& context) {
  const EntityId id("log", "held");
  EntityLock lock = co_await context.lock_entities(id);
  context.set_custom_status("locked");
  std::string text = co_await context.wait_for_event("go");
  co_return text;
}

Task<std::string> sends(OrchestrationContext& context) {
  context.signal_entity(EntityId("log", std::string(context.input())), "append", "unheard");
  co_return std::string();
}

class Orphans {
 public:
  explicit Orphans(std::uint64_t seed, bool evict) {
    EXPECT_TRUE(registry_.add_entity("log", log).ok());
    EXPECT_TRUE(registry_.add_orchestrator("holds", holds).ok());
    EXPECT_TRUE(registry_.add_orchestrator("sends", sends).ok());
    sim::SimHubPlan plan;
    plan.options.partitions = 4;
    plan.options.segment_bytes = 1ULL << 20;
    plan.seed = seed;
    plan.evict = evict;
    hub = std::make_unique<sim::SimHub>(registry_, plan);
  }

  // A lock request, in the place of the first message that another partition sends to this one.
  void lock_for_ghost(const EntityId& entity) {
    const std::string id = to_string(entity);
    const PartitionId to = hub->partition_of(id);
    HistoryEventView request;
    request.kind = HistoryEventKind::entity_lock_requested;
    request.instance_id = "ghost";
    request.execution_id = {6, 6};
    request.scheduled_id = 0;
    std::string set;
    encode_lock_set({id}, set);
    request.lock_set = set;
    partition::PeerMessages messages;
    messages.origin = PartitionId((to.value + 1) % 4);
    partition::PeerMessage& message = messages.messages.emplace_back();
    message.channel_position = 1;
    message.target_id = id;
    encode_event(request, message.event);
    const PartitionId origin = messages.origin;
    ASSERT_TRUE(hub->offer(to, std::move(messages)));
    hub->settle();
    StartOptions start;
    start.input = entity.key;
    for (int i = 0; start.instance_id.empty() || hub->partition_of(start.instance_id) != origin;
         ++i) {
      start.instance_id = "sender-" + std::to_string(i);
    }
    ASSERT_TRUE(hub->client().schedule_new_orchestration("sends", start).ok());
    hub->settle();
  }
  std::optional<EntityState> look(const EntityId& entity) {
    Result<EntityState> state = hub->client().get_entity(entity);
    if (!state.ok()) return std::nullopt;
    return *std::move(state);
  }
  // Goes on after power losses.
  template <typename Call>
  auto ask(const Call& call) {
    for (;;) {
      auto answer = call(hub->client());
      if (!hub->down()) return answer;
      hub->recover();
    }
  }

 private:
  Registry registry_;

 public:
  std::unique_ptr<sim::SimHub> hub;
};

const EntityId kEntity("log", "x");

TEST(OrphanedLocks, AreReleasedAndWhatWaitedGoesOn) {
  for (const bool evict : {false, true}) {
    Orphans test(evict ? 3 : 2, evict);
    test.lock_for_ghost(kEntity);
    ASSERT_TRUE(test.look(kEntity).has_value());
    EXPECT_EQ(test.look(kEntity)->locked_by, "ghost");
    ASSERT_TRUE(test.hub->client().signal_entity(kEntity, "append", "waited").ok());
    test.hub->settle();
    EXPECT_EQ(test.look(kEntity)->queued_operations, 1U);
    EXPECT_FALSE(test.look(kEntity)->has_state);
    // Empty entities only: nothing that is locked is empty.
    Result<EntityCleanup> done = test.hub->client().clean_entity_storage(true, false);
    ASSERT_TRUE(done.ok()) << done.status().to_string();
    EXPECT_EQ(done->empty_entities_removed + done->orphaned_locks_released, 0U);
    done = test.hub->client().clean_entity_storage(false, true);
    ASSERT_TRUE(done.ok()) << done.status().to_string();
    EXPECT_EQ(done->orphaned_locks_released, 1U);
    test.hub->run_for(std::chrono::seconds(1));
    EXPECT_EQ(test.look(kEntity)->locked_by, "");
    EXPECT_EQ(test.look(kEntity)->state.value_or(""), "waited");
    done = test.hub->client().clean_entity_storage(true, true);
    ASSERT_TRUE(done.ok());
    EXPECT_EQ(done->empty_entities_removed + done->orphaned_locks_released, 0U);
    ASSERT_TRUE(test.hub->client().signal_entity(kEntity, "clear").ok());
    test.hub->run_for(std::chrono::seconds(1));
    done = test.hub->client().clean_entity_storage(true, true);
    ASSERT_TRUE(done.ok());
    EXPECT_EQ(done->empty_entities_removed, 1U);
    EXPECT_FALSE(test.look(kEntity).has_value());
    EXPECT_TRUE(test.hub->failure().ok()) << test.hub->failure().to_string();
  }
}

TEST(OrphanedLocks, AnEmptyEntityGoesTogetherWithItsLock) {
  Orphans test(4, false);
  test.lock_for_ghost(kEntity);
  const Result<EntityCleanup> done = test.hub->client().clean_entity_storage(true, true);
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(done->orphaned_locks_released, 1U);
  EXPECT_EQ(done->empty_entities_removed, 1U);
  EXPECT_FALSE(test.look(kEntity).has_value());
}

TEST(OrphanedLocks, LocksOfTheLivingStay) {
  Orphans test(5, false);
  StartOptions start;
  start.instance_id = "owner";
  ASSERT_TRUE(test.hub->client().schedule_new_orchestration("holds", start).ok());
  test.hub->run_for(std::chrono::seconds(1));
  const EntityId held("log", "held");
  ASSERT_TRUE(test.look(held).has_value());
  EXPECT_EQ(test.look(held)->locked_by, "owner");
  const Result<EntityCleanup> done = test.hub->client().clean_entity_storage(true, true);
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(done->orphaned_locks_released, 0U);
  EXPECT_EQ(test.look(held)->locked_by, "owner");
}

TEST(OrphanedLocks, AreReleasedWhereverThePowerFails) {
  for (std::uint64_t point = 2; point < 12; ++point) {
    SCOPED_TRACE("power loss at write " + std::to_string(point / 2) +
                 (point % 2 == 1 ? ", heard of" : ""));
    Orphans test(point, point % 3 == 0);
    test.lock_for_ghost(kEntity);
    ASSERT_FALSE(test.hub->down());
    test.hub->crash_at({test.hub->writes() + point / 2, point % 2 == 1});
    SignalOptions signal;
    signal.request_id = 7;
    ASSERT_TRUE(test.ask([&](Client& with) {
                      return with.signal_entity(kEntity, "append", "waited", signal);
                    })
                    .ok());
    ASSERT_TRUE(test.ask([](Client& with) { return with.clean_entity_storage(); }).ok());
    test.hub->run_for(std::chrono::minutes(1));
    test.hub->recover();
    test.hub->run_for(std::chrono::minutes(1));
    const std::optional<EntityState> state = test.look(kEntity);
    ASSERT_TRUE(state.has_value());
    EXPECT_EQ(state->locked_by, "");
    EXPECT_EQ(state->state.value_or(""), "waited");
    EXPECT_TRUE(test.hub->failure().ok()) << test.hub->failure().to_string();
  }
}

}  // namespace
}  // namespace ingot::semantics
