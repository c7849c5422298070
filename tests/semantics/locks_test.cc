// Critical sections over entities in different partitions.

#include "tests/semantics/stage.h"

namespace ingot::semantics {
namespace {

// The entities of these tests: in three partitions, several of them lie apart.
const std::vector<std::string> kKeys{"a", "b", "c", "d", "e"};

std::string account(EntityContext& context) {
  long value = std::stol(std::string(context.state().value_or("100")));
  if (context.operation() == "add") {
    value += std::stol(std::string(context.input()));
    context.set_state(std::to_string(value));
  }
  return std::to_string(value);
}

std::vector<EntityId> accounts(std::string_view keys) {
  std::vector<EntityId> ids;
  for (const char key : keys) ids.emplace_back("account", std::string(1, key));
  return ids;
}

// Input: the keys of two accounts.
Task<std::string> transfer(OrchestrationContext& context) {
  const std::vector<EntityId> ids = accounts(context.input());
  EntityLock lock = co_await context.lock_entities(ids);
  std::string had = co_await context.call_entity(ids.front(), "get");
  std::string left = co_await context.call_entity(ids.front(), "add", "-1");
  std::string given = co_await context.call_entity(ids.back(), "add", "1");
  if (std::stol(had) - 1 != std::stol(left)) co_return "somebody else was there";
  co_return "moved";
}

Task<std::string> total(OrchestrationContext& context) {
  const std::vector<EntityId> ids = accounts(context.input());
  EntityLock lock = co_await context.lock_entities(ids);
  long sum = 0;
  for (const EntityId& id : ids) {
    std::string value = co_await context.call_entity(id, "get");
    sum += std::stol(value);
  }
  co_return std::to_string(sum);
}

// Locks, does something, and then what the input says. Goes on where "go" is raised.
Task<std::string> holds(OrchestrationContext& context) {
  const std::string input(context.input());
  if (input == "continued") co_return "continued";
  const std::vector<EntityId> ids = accounts("ab");
  EntityLock lock = co_await context.lock_entities(ids);
  std::string value = co_await context.call_entity(ids.front(), "add", "0");
  context.set_custom_status("locked");
  std::string event = co_await context.wait_for_event("go");
  if (input == "fails") throw std::runtime_error("owner fails");
  if (input == "continues") context.continue_as_new("continued");
  if (input == "releases") {
    lock.release();
    event = co_await context.wait_for_event("more");
  }
  co_return event;
}

void add_all(Stage& stage) {
  stage.add_entity("account", account);
  stage.add("transfer", transfer);
  stage.add("total", total);
  stage.add("holds", holds);
}

SCENARIO(Locks, TransfersKeepTheSum) {
  add_all(stage);
  stage.open();
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < 15; ++i) {
    const std::string from = kKeys[i % 5];
    const std::string to = kKeys[(i * 2 + 1) % 5];
    if (from != to) ids.push_back(stage.start("transfer", from + to, "t" + std::to_string(i)));
  }
  for (const std::string& id : ids) stage.expect(id, "moved");
  stage.expect(stage.start("total", "abcde"), "500");
}

SCENARIO(Locks, SetsInOppositeOrderDoNotDeadlock) {
  add_all(stage);
  stage.open();
  for (int i = 0; i < 6; ++i) {
    stage.start("transfer", i % 2 == 0 ? "ab" : "ba", "t" + std::to_string(i));
  }
  for (int i = 0; i < 6; ++i) stage.expect("t" + std::to_string(i), "moved");
  stage.expect(stage.start("total", "ab"), "200");
}

SCENARIO(Locks, OthersWaitAndRunInOrderAfterwards) {
  stage.add_entity("log", [](EntityContext& context) -> std::string {
    const std::string text =
        std::string(context.state().value_or("")) + std::string(context.input());
    context.set_state(text);
    return text;
  });
  stage.add("locks", [](OrchestrationContext& context) -> Task<std::string> {
    const EntityId id("log", "x");
    EntityLock lock = co_await context.lock_entities(id);
    std::string text = co_await context.call_entity(id, "append", "1");
    context.set_custom_status("locked");
    std::string event = co_await context.wait_for_event("go");
    text = co_await context.call_entity(id, "append", "2");
    co_return text;
  });
  stage.open();
  const std::string id = stage.start("locks");
  stage.wait_for_custom_status(id, "locked");
  stage.signal(EntityId("log", "x"), "append", "a");
  stage.signal(EntityId("log", "x"), "append", "b");
  stage.let_pass(std::chrono::milliseconds(5));
  stage.wait_for_state(EntityId("log", "x"), "1");
  const Result<EntityState> locked =
      stage.ask([&](Client& with) { return with.get_entity(EntityId("log", "x")); });
  ASSERT_TRUE(locked.ok());
  EXPECT_EQ(locked->locked_by, id);
  EXPECT_EQ(locked->queued_operations, 2U);
  stage.raise(id, "go");
  stage.expect(id, "12");
  stage.wait_for_state(EntityId("log", "x"), "12ab");
}

// Plays an owner to its end, and looks that the lock is free afterwards.
void owner_ends(Stage& stage, const std::string& how, RuntimeStatus status) {
  add_all(stage);
  stage.open();
  const std::string id = stage.start("holds", how, "owner");
  stage.wait_for_custom_status(id, "locked");
  const std::string next = stage.start("transfer", "ab", "next");
  stage.let_pass(std::chrono::milliseconds(2));
  EXPECT_FALSE(is_terminal(stage.get(next)->status));
  if (how == "terminated") {
    EXPECT_TRUE(stage.terminate(id).ok());
  } else {
    stage.raise(id, "go", "on");
  }
  stage.expect(next, "moved");
  if (how == "releases") stage.raise(id, "more", "on");
  stage.expect_status(id, status);
}

SCENARIO(Locks, AreReleasedByTheOwner) { owner_ends(stage, "releases", RuntimeStatus::completed); }
SCENARIO(Locks, AreReleasedWhenTheOwnerCompletes) {
  owner_ends(stage, "completes", RuntimeStatus::completed);
}
SCENARIO(Locks, AreReleasedWhenTheOwnerFails) { owner_ends(stage, "fails", RuntimeStatus::failed); }
SCENARIO(Locks, AreReleasedWhenTheOwnerIsTerminated) {
  owner_ends(stage, "terminated", RuntimeStatus::terminated);
}
SCENARIO(Locks, AreReleasedWhenTheOwnerContinuesAsNew) {
  owner_ends(stage, "continues", RuntimeStatus::completed);
}

SCENARIO(Locks, AreReleasedWhenTheOwnerIsReplaced) {
  add_all(stage);
  stage.open();
  const std::string id = stage.start("holds", "completes", "owner");
  stage.wait_for_custom_status(id, "locked");
  StartOptions again;
  again.instance_id = id;
  again.input = "continued";
  again.replace = {RuntimeStatus::running, RuntimeStatus::terminated};
  EXPECT_TRUE(stage.try_start("holds", again).ok());
  stage.expect(stage.start("transfer", "ab"), "moved");
  stage.expect(id, "continued");
}

SCENARIO(Locks, AnOwnerThatEndsWhileItWaitsLeavesNoLock) {
  add_all(stage);
  stage.open();
  stage.start("holds", "completes", "first");
  stage.wait_for_custom_status("first", "locked");
  // Its request has "account@a" ... behind the first one's; it ends before it is granted.
  stage.start("total", "ab", "second");
  stage.start("total", "bc", "third");
  stage.let_pass(std::chrono::milliseconds(2));
  EXPECT_TRUE(stage.terminate("second").ok());
  EXPECT_TRUE(stage.terminate("third").ok());
  stage.expect_status("second", RuntimeStatus::terminated);
  stage.expect_status("third", RuntimeStatus::terminated);
  stage.raise("first", "go", "on");
  stage.expect("first", "on");
  stage.expect(stage.start("total", "abc"), "300");
}

SCENARIO(Locks, MisuseIsTold) {
  add_all(stage);
  stage.add("misuses", [](OrchestrationContext& context) -> Task<std::string> {
    const std::vector<EntityId> ids = accounts("ab");
    EntityLock lock = co_await context.lock_entities(ids);
    std::string told;
    try {
      const Future<EntityLock> second = context.lock_entities(ids);
    } catch (const std::logic_error&) {
      told += "second lock,";
    }
    try {
      const Future<std::string> child = context.call_sub_orchestration("total", "ab");
    } catch (const std::logic_error&) {
      told += "child,";
    }
    try {
      context.signal_entity(ids.front(), "add", "1");
    } catch (const std::logic_error&) {
      told += "signal,";
    }
    try {
      const Future<std::string> other = context.call_entity(EntityId("account", "z"), "get");
    } catch (const std::logic_error&) {
      told += "not locked";
    }
    co_return told;
  });
  stage.open();
  stage.expect(stage.start("misuses"), "second lock,child,signal,not locked");
  stage.expect(stage.start("total", "ab"), "200");
}

SCENARIO(Locks, OfOrphansAreCleanedUp) {
  add_all(stage);
  stage.open();
  const std::string id = stage.start("holds", "completes", "owner");
  stage.wait_for_custom_status(id, "locked");
  const Result<EntityCleanup> nothing =
      stage.ask([&](Client& with) { return with.clean_entity_storage(); });
  ASSERT_TRUE(nothing.ok()) << nothing.status().to_string();
  EXPECT_EQ(nothing->orphaned_locks_released, 0U);
  stage.raise(id, "go", "on");
  stage.expect(id, "on");
  stage.expect(stage.start("total", "ab"), "200");
}

}  // namespace
}  // namespace ingot::semantics
