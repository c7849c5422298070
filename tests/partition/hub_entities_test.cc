// Entities as orchestrations use them, on a whole hub: operations, calls, critical sections.

#include <atomic>
#include <thread>

#include "tests/support/hub_fixture.h"

namespace ingot::testing {
namespace {

class HubEntities : public HubFixture {
 protected:
  HubEntities() { options.partitions = 4; }
};

std::string counter(EntityContext& context) {
  long value = std::stol(std::string(context.state().value_or("0")));
  if (context.operation() == "add") {
    value += std::stol(std::string(context.input()));
    context.set_state(std::to_string(value));
  } else if (context.operation() == "fail") {
    context.set_state("999");
    throw std::runtime_error("entity fails");
  } else if (context.operation() != "get") {
    throw UnknownOperation(context.operation());
  }
  return std::to_string(value);
}

Task<std::string> counts(OrchestrationContext& context) {
  const EntityId id("Counter", context.input());
  for (int i = 1; i <= 10; ++i) context.signal_entity(id, "add", std::to_string(i));
  std::string sum = co_await context.call_entity(id, "get", "");
  std::string failure;
  try {
    failure = co_await context.call_entity(id, "fail", "");
  } catch (const TaskFailedError& error) {
    failure = error.what();
  }
  std::string after = co_await context.call_entity(id, "add", "1");
  co_return sum + "," + after;
}

TEST_F(HubEntities, EntitiesAnswerInTheOrderOfTheirOperations) {
  must(registry.add_entity("counter", counter));
  add_orchestrator("counts", counts);
  open();
  for (const std::string key : {"a", "b", "c", "d"}) {
    expect_output(run("counts", key), "55,56");
  }
  reopen();
  expect_output(run("counts", "a"), "111,112");
}

Task<std::string> transfer(OrchestrationContext& context) {
  std::string input(context.input());
  const std::size_t comma = input.find(',');
  const EntityId from("counter", input.substr(0, comma));
  const EntityId to("counter", input.substr(comma + 1));
  std::vector<EntityId> both{from, to};
  EntityLock lock = co_await context.lock_entities(both);
  std::string had = co_await context.call_entity(from, "get", "");
  std::string moved = co_await context.call_entity(from, "add", "-1");
  std::string given = co_await context.call_entity(to, "add", "1");
  lock.release();
  co_return std::to_string(std::stol(had) - std::stol(moved));
}

TEST_F(HubEntities, CriticalSectionsKeepOthersOut) {
  must(registry.add_entity("counter", counter));
  add_orchestrator("transfer", transfer);
  add_orchestrator("get", [](OrchestrationContext& context) -> Task<std::string> {
    const EntityId id("counter", context.input());
    std::string value = co_await context.call_entity(id, "get", "");
    co_return value;
  });
  open();
  std::vector<std::string> ids;
  for (int i = 0; i < 200; ++i) {
    const int from = i % 7;
    const int to = (i * 3 + 1) % 7;
    if (from == to) continue;
    ids.push_back(start("transfer", "k" + std::to_string(from) + ",k" + std::to_string(to)));
    if (i == 100) reopen();
  }
  for (const std::string& id : ids) expect_output(finish(id), "1");
  long sum = 0;
  for (int i = 0; i < 7; ++i) sum += std::stol(*run("get", "k" + std::to_string(i)).output);
  EXPECT_EQ(sum, 0);
}

TEST_F(HubEntities, LocksOfAnOwnerThatFailsAreReleased) {
  must(registry.add_entity("counter", counter));
  add_orchestrator("fails", [](OrchestrationContext& context) -> Task<std::string> {
    std::vector<EntityId> ids{EntityId("counter", "x"), EntityId("counter", "y")};
    EntityLock lock = co_await context.lock_entities(ids);
    std::string text = co_await context.call_entity(ids.front(), "add", "1");
    throw std::runtime_error("owner fails");
    co_return text;
  });
  add_orchestrator("transfer", transfer);
  open();
  const std::string failing = start("fails");
  EXPECT_EQ(finish(failing).status, RuntimeStatus::failed);
  expect_output(run("transfer", "x,y"), "1");
}

// Operations run on the shard's thread, one batch after the other. However long they take, and
// however many there are, what else the shard has to do comes in between.
class HubSlowEntities : public HubFixture {
 protected:
  // Far fewer than what is there to do, far more than what a slow machine lets through.
  static constexpr int kOperations = 20'000;
  static constexpr int kOperationsBetween = 10'000;

  HubSlowEntities() {
    options.shards = 1;
    must(registry.add_entity("slow", [this](EntityContext& context) -> std::string {
      ++ran;
      if (slow) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      if (slow && context.operation() == "again") context.signal_entity(context.id(), "again");
      return "";
    }));
    add_orchestrator("hello",
                     [](OrchestrationContext&) -> Task<std::string> { co_return "hello"; });
    add_orchestrator("signals", [](OrchestrationContext& context) -> Task<std::string> {
      for (int i = 0; i < kOperations; ++i) context.signal_entity(EntityId("slow", "x"), "once");
      co_return "";
    });
  }

  void expect_others_get_through() {
    ASSERT_TRUE(eventually([&] { return ran > 0; }));
    const int before = ran;
    for (int i = 0; i < 4; ++i) expect_output(run("hello"), "hello");
    EXPECT_LT(ran - before, kOperationsBetween);
    slow = false;
  }

  std::atomic<int> ran{0};
  std::atomic<bool> slow{true};
};

TEST_F(HubSlowEntities, OneThatIsNeverDoneLetsOthersThrough) {
  open();
  must(client().signal_entity(EntityId("slow", "x"), "again"));
  expect_others_get_through();
}

TEST_F(HubSlowEntities, AFullQueueLetsOthersThrough) {
  open();
  client().schedule_new_orchestration_async("signals", {}, [](const Result<std::string>&) {});
  expect_others_get_through();
  EXPECT_TRUE(eventually([&] { return ran == kOperations; }));
}

TEST_F(HubSlowEntities, WhateverIsThrownHarmsNoOne) {
  must(registry.add_entity("throws", [](EntityContext& context) -> std::string {
    if (context.operation() == "text") throw "no exception";  // NOLINT(hicpp-exception-baseclass)
    throw std::bad_alloc();
  }));
  add_orchestrator("calls", [](OrchestrationContext& context) -> Task<std::string> {
    const EntityId id("throws", "x");
    std::string failures;
    for (const char* operation : {"text", "memory"}) {
      context.signal_entity(id, operation);
      try {
        failures += co_await context.call_entity(id, operation);
      } catch (const TaskFailedError& error) {
        failures += error.details().type.empty() ? "-" : "+";
      }
    }
    co_return failures;
  });
  open();
  expect_output(run("calls"), "++");
  expect_output(run("hello"), "hello");
}

}  // namespace
}  // namespace ingot::testing
