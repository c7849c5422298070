// Calls of entities, signals to them and locks on them, as an orchestrator does them.

#include "core/critical_section.h"

#include <stdexcept>

#include "tests/core/execution_harness.h"

namespace ingot {
namespace {

using namespace ingot::testing;

const EntityId kA("account", "a");
const EntityId kB("account", "b");
const EntityId kOther("other", "x");

HistoryEvent granted(std::int32_t id) {
  HistoryEvent event;
  event.kind = Kind::entity_lock_granted;
  event.scheduled_id = id;
  return event;
}
HistoryEvent answered(std::int32_t id, std::string result) {
  return reply(Kind::entity_operation_completed, id, std::move(result));
}
HistoryEvent refused(std::int32_t id, std::string type) {
  return failed(id, std::move(type), "refused", false, Kind::entity_operation_failed);
}

// "kind target" of each action, in order.
std::vector<std::string> summary(const std::vector<HistoryEvent>& actions) {
  std::vector<std::string> texts;
  for (const HistoryEvent& action : actions) {
    std::string text(to_string(action.kind));
    if (!action.instance_id.empty()) text += " " + action.instance_id;
    for (const std::string& id : action.lock_set) text += " " + id;
    texts.push_back(std::move(text));
  }
  return texts;
}
using Texts = std::vector<std::string>;

// The message of the std::logic_error that `call` throws.
template <typename Call>
std::string misuse(const Call& call) {
  try {
    call();
  } catch (const std::logic_error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(EntityCallTest, AnsweredOrFailed) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.call_entity(kA, "get");
    text += co_await context.call_entity(EntityId("Account", text + "!"), "add", "1");
    try {
      co_await context.call_entity(kB, "withdraw", "100");
    } catch (const TaskFailedError& error) {
      text += error.details().type + std::to_string(error.task_id());
    }
    co_return text;
  });
  auto actions = harness.begin();
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_EQ(actions[0].kind, Kind::entity_operation_called);
  EXPECT_EQ(actions[0].instance_id, "@account@a");
  EXPECT_EQ(actions[0].name, "get");
  EXPECT_EQ(actions[0].data, "");
  actions = harness.step({answered(0, "r")});
  EXPECT_EQ(actions.at(0).instance_id, "@account@r!");
  EXPECT_EQ(actions.at(0).data, "1");
  harness.step({answered(1, "s")});
  harness.replay();
  expect_completed(harness.step({refused(2, "Overdrawn")}), "rsOverdrawn2");
}

TEST(EntityCallTest, AnUnhandledFailureIsTheOrchestrations) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    co_return co_await context.call_entity(kA, "get");
  });
  harness.begin();
  const FailureDetails failure = expect_failed(harness.step({refused(0, "Overdrawn")}));
  EXPECT_EQ(failure.type, "ingot::TaskFailedError");
  EXPECT_EQ(failure.inner.at(0).type, "Overdrawn");
}

TEST(EntityCallTest, SignalsAreSentAndForgotten) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    context.signal_entity(kA, "add", "1");
    context.signal_entity(kB, "remind", {}, context.current_time() + Duration(5));
    co_return "";
  });
  HistoryEvent start = started_event();
  start.trace_parent = "trace";
  const auto actions = harness.step({start});
  EXPECT_EQ(summary(actions), (Texts{"EntityOperationSignaled @account@a",
                                     "EntityOperationSignaled @account@b", "ExecutionCompleted"}));
  EXPECT_EQ(actions[0].name, "add");
  EXPECT_EQ(actions[0].data, "1");
  EXPECT_EQ(actions[0].fire_at, std::nullopt);
  EXPECT_EQ(actions[0].trace_parent, "trace");
  EXPECT_EQ(actions[1].fire_at, harness.now() + Duration(5));
}

TEST(EntityCallTest, AMalformedIdIsRefusedAtTheCall) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    const EntityId bad("a@b", "k");
    EXPECT_THROW(static_cast<void>(context.call_entity(bad, "x")), std::invalid_argument);
    EXPECT_THROW(context.signal_entity(EntityId(), "x"), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(context.lock_entities(kA, bad)), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(context.lock_entities(std::vector<EntityId>{})),
                 std::invalid_argument);
    co_return "";
  });
  EXPECT_EQ(harness.begin().size(), 1U);
}

TEST(EntityLockTest, ATransfer) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    std::string text;
    {
      const EntityLock lock = co_await context.lock_entities(kB, kA, kB);
      EXPECT_TRUE(lock.held());
      text = co_await context.call_entity(kB, "get");
      auto withdraw = context.call_entity(kB, "add", "-1");
      auto deposit = context.call_entity(kA, "add", "1");
      co_await withdraw;
      co_await deposit;
    }
    text += co_await context.call_activity("tell");
    co_return text;
  });
  EXPECT_EQ(summary(harness.begin()), (Texts{"EntityLockRequested @account@a @account@b"}));
  harness.replay();
  EXPECT_EQ(summary(harness.step({granted(0)})), (Texts{"EntityOperationCalled @account@b"}));
  harness.replay();
  EXPECT_EQ(summary(harness.step({answered(1, "5")})),
            (Texts{"EntityOperationCalled @account@b", "EntityOperationCalled @account@a"}));
  EXPECT_TRUE(harness.step({answered(3, "")}).empty());
  harness.replay();
  const auto actions = harness.step({answered(2, "")});
  EXPECT_EQ(summary(actions),
            (Texts{"EntityUnlockSent @account@a", "EntityUnlockSent @account@b", "TaskScheduled"}));
  EXPECT_EQ(actions[0].scheduled_id, 0);
  EXPECT_EQ(actions[1].scheduled_id, 0);
  harness.replay();
  expect_completed(harness.step({completed(6, "!")}), "5!");
}

TEST(EntityLockTest, TheSetIsSortedByItsTexts) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    // '-' comes before '@' and '.' too, so the texts are in another order than the names.
    const std::vector<EntityId> entities{EntityId("a", "z"), EntityId("a-b", "a"),
                                         EntityId("A", "z"), EntityId("a.b", "a")};
    const EntityLock lock = co_await context.lock_entities(entities);
    co_return "";
  });
  EXPECT_EQ(harness.begin().at(0).lock_set, (Texts{"@a-b@a", "@a.b@a", "@a@z"}));
}

TEST(EntityLockTest, ReleaseIsOnceAndForMovedLocksToo) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    EntityLock first = co_await context.lock_entities(kA);
    EntityLock second = std::move(first);
    first.release();
    EXPECT_FALSE(first.held());
    EXPECT_TRUE(second.held());
    second.release();
    EXPECT_FALSE(second.held());
    second.release();
    EntityLock empty;
    EXPECT_FALSE(empty.held());
    empty.release();
    co_await context.call_activity("a");
    first = co_await context.lock_entities(kA);
    co_await context.call_activity("b");
    first = EntityLock();
    co_await context.call_activity("c");
    co_return "";
  });
  harness.begin();
  EXPECT_EQ(summary(harness.step({granted(0)})),
            (Texts{"EntityUnlockSent @account@a", "TaskScheduled"}));
  EXPECT_EQ(summary(harness.step({completed(2, "")})), (Texts{"EntityLockRequested @account@a"}));
  EXPECT_EQ(summary(harness.step({granted(3)})), (Texts{"TaskScheduled"}));
  EXPECT_EQ(summary(harness.step({completed(4, "")})),
            (Texts{"EntityUnlockSent @account@a", "TaskScheduled"}));
}

TEST(EntityLockTest, WhatALockForbids) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    {
      auto asked = context.lock_entities(kA, kB);
      EXPECT_EQ(misuse([&] { static_cast<void>(context.call_entity(kA, "get")); }),
                "the entity @account@a can't be called before the lock on it is granted");
      EXPECT_EQ(misuse([&] { static_cast<void>(context.lock_entities(kOther)); }),
                "entities can't be locked while another lock is held or asked for");
      const EntityLock lock = co_await std::move(asked);
      EXPECT_EQ(
          misuse([&] { static_cast<void>(context.call_entity(kOther, "get")); }),
          "the entity @other@x can't be called while a lock is held that does not include it");
      EXPECT_EQ(misuse([&] { context.signal_entity(kA, "add"); }),
                "the entity @account@a can't be signalled by the orchestration that locks it: call "
                "it");
      EXPECT_EQ(misuse([&] { static_cast<void>(context.lock_entities(kA)); }),
                "entities can't be locked while another lock is held or asked for");
      const std::string child = "a sub-orchestration can't be called while entities are locked";
      EXPECT_EQ(misuse([&] { static_cast<void>(context.call_sub_orchestration("c")); }), child);
      const RetryPolicy policy;
      EXPECT_EQ(
          misuse([&] { static_cast<void>(context.call_sub_orchestration("c", "", "", policy)); }),
          child);
      const SubOrchestrationOptions options;
      EXPECT_EQ(
          misuse([&] { static_cast<void>(context.call_sub_orchestration("c", "", options)); }),
          child);
      const std::string busy =
          "the entity @account@a can't be called under a lock while an earlier call to it has no "
          "answer";
      auto first = context.call_entity(kA, "get");
      EXPECT_EQ(misuse([&] { static_cast<void>(context.call_entity(kA, "get")); }), busy);
      co_await first;
      static_cast<void>(context.call_entity(kA, "forgotten"));
      EXPECT_EQ(misuse([&] { static_cast<void>(context.call_entity(kA, "get")); }), busy);
      co_await context.call_activity("wait");
      try {
        co_await context.call_entity(kA, "fails");
        ADD_FAILURE();
      } catch (const TaskFailedError&) {
      }
      // Allowed: others may be signalled, events sent, activities and timers used.
      context.signal_entity(kOther, "add");
      context.send_event("instance", "event");
      static_cast<void>(context.call_activity("allowed"));
      static_cast<void>(context.create_timer(Duration(1)));
      co_await context.call_entity(kA, "get");
    }
    static_cast<void>(context.call_entity(kOther, "get"));
    static_cast<void>(context.call_entity(kOther, "get"));
    context.signal_entity(kA, "add");
    co_return co_await context.call_sub_orchestration("child");
  });
  EXPECT_EQ(summary(harness.begin()), (Texts{"EntityLockRequested @account@a @account@b"}));
  EXPECT_EQ(harness.step({granted(0)}).size(), 1U);
  EXPECT_EQ(harness.step({answered(1, "")}).size(), 2U);
  EXPECT_TRUE(harness.step({answered(2, "")}).empty());
  harness.replay();
  EXPECT_EQ(summary(harness.step({completed(3, "")})), (Texts{"EntityOperationCalled @account@a"}));
  EXPECT_EQ(harness.step({refused(4, "X")}).size(), 5U);
  EXPECT_EQ(summary(harness.step({answered(9, "")})),
            (Texts{"EntityUnlockSent @account@a", "EntityUnlockSent @account@b",
                   "EntityOperationCalled @other@x", "EntityOperationCalled @other@x",
                   "EntityOperationSignaled @account@a",
                   "SubOrchestrationInstanceCreated "
                   "0123456789abcdeffedcba9876543210:15"}));
}

TEST(EntityLockTest, ALockThatIsMisusedIsReleasedWhenItsScopeIsLeft) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    try {
      const EntityLock lock = co_await context.lock_entities(kA);
      co_await context.call_entity(kOther, "get");
    } catch (const std::logic_error&) {
    }
    co_return co_await context.call_entity(kOther, "get");
  });
  harness.begin();
  EXPECT_EQ(summary(harness.step({granted(0)})),
            (Texts{"EntityUnlockSent @account@a", "EntityOperationCalled @other@x"}));
}

TEST(EntityLockTest, AnEndSaysNothingOfLocks) {
  const auto end_of = [](OrchestratorFn function, const std::vector<HistoryEvent>& last) {
    Harness harness(std::move(function));
    harness.begin();
    const auto actions = harness.step(last);
    EXPECT_TRUE(harness.last.finished);
    harness.replay();
    EXPECT_TRUE(harness.step({}).empty());
    return summary(actions);
  };
  const auto returns = [](OrchestrationContext& context) -> Task<std::string> {
    const EntityLock lock = co_await context.lock_entities(kA, kB);
    co_return "done";
  };
  EXPECT_EQ(end_of(returns, {granted(0)}), (Texts{"ExecutionCompleted"}));
  const auto goes_on = [](OrchestrationContext& context) -> Task<std::string> {
    const EntityLock lock = co_await context.lock_entities(kA, kB);
    context.continue_as_new("");
    co_return "";
  };
  EXPECT_EQ(end_of(goes_on, {granted(0)}), (Texts{"ContinueAsNew"}));
  const auto waits = [](OrchestrationContext& context) -> Task<std::string> {
    const EntityLock lock = co_await context.lock_entities(kA, kB);
    co_await context.wait_for_event("never");
    co_return "";
  };
  EXPECT_EQ(end_of(waits, {granted(0), plain(Kind::execution_terminated)}),
            (Texts{"ExecutionCompleted"}));
  EXPECT_EQ(end_of(waits, {plain(Kind::execution_terminated), granted(0)}),
            (Texts{"ExecutionCompleted"}));
  const auto beside = [](OrchestrationContext& context) -> Task<std::string> {
    const auto holder = [](OrchestrationContext& c) -> Task<void> {
      const EntityLock lock = co_await c.lock_entities(kA);
      co_await c.wait_for_event("never");
    };
    auto started = context.start(holder(context));
    co_await context.wait_for_event("end");
    co_return "";
  };
  EXPECT_EQ(end_of(beside, {granted(0), raised("end", "")}), (Texts{"ExecutionCompleted"}));
}

TEST(EntityLockTest, ADestructorMayReleaseAndCallWhenAllIsOver) {
  struct Guard {
    ~Guard() {
      lock.release();
      static_cast<void>(context.call_entity(kOther, "get"));
      context.signal_entity(kA, "add");
      static_cast<void>(context.lock_entities(kA));
    }
    OrchestrationContext& context;
    EntityLock lock;
  };
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    EntityLock lock = co_await context.lock_entities(kA);
    const Guard guard{context, std::move(lock)};
    co_await context.wait_for_event("never");
    co_return "";
  });
  harness.begin();
  EXPECT_TRUE(harness.step({granted(0)}).empty());
  EXPECT_EQ(summary(harness.step({plain(Kind::execution_terminated)})),
            (Texts{"ExecutionCompleted"}));
}

TEST(EntityLockTest, ADroppedRequestGivesItsLockBackWhenItComes) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    {
      const auto asked = context.lock_entities(kA, kB);
      const auto timer = context.create_timer(Duration(100));
      const std::size_t first = co_await context.when_any(asked, timer);
      EXPECT_EQ(first, 1U);
    }
    // Nothing is held, so all is allowed but another lock.
    static_cast<void>(context.call_entity(kA, "get"));
    static_cast<void>(context.call_entity(kOther, "get"));
    context.signal_entity(kA, "add");
    EXPECT_EQ(misuse([&] { static_cast<void>(context.lock_entities(kA)); }),
              "entities can't be locked before an earlier request, whose Future was dropped, is "
              "granted and given back");
    co_await context.wait_for_event("go");
    const EntityLock lock = co_await context.lock_entities(kA);
    co_return "";
  });
  EXPECT_EQ(harness.begin().size(), 2U);
  EXPECT_EQ(harness.step({fired(1)}).size(), 3U);
  harness.replay();
  EXPECT_EQ(summary(harness.step({granted(0)})),
            (Texts{"EntityUnlockSent @account@a", "EntityUnlockSent @account@b"}));
  EXPECT_TRUE(harness.step({granted(0)}).empty());
  harness.replay();
  EXPECT_EQ(summary(harness.step({raised("go", "")})), (Texts{"EntityLockRequested @account@a"}));
  expect_completed(harness.step({granted(7)}), "");
}

TEST(EntityLockTest, AGrantThatNobodyTakesIsGivenBack) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    {
      const auto asked = context.lock_entities(kA);
      const auto never = context.wait_for_event("never");
      const std::size_t first = co_await context.when_any(asked, never);
      EXPECT_EQ(first, 0U);
      EXPECT_TRUE(asked.done());
      EXPECT_EQ(misuse([&] { static_cast<void>(context.call_entity(kOther, "get")); }),
                "the entity @other@x can't be called while a lock is held that does not include "
                "it");
    }
    co_await context.call_entity(kOther, "get");
    co_return "";
  });
  harness.begin();
  EXPECT_EQ(summary(harness.step({granted(0)})),
            (Texts{"EntityUnlockSent @account@a", "EntityOperationCalled @other@x"}));
}

TEST(EntityLockTest, TheFirstOfSeveralHandlesReleases) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    const auto asked = context.lock_entities(kA);
    EntityLock first = co_await asked;
    EntityLock second = co_await asked;
    first.release();
    EXPECT_FALSE(second.held());
    second.release();
    co_await context.call_activity("a");
    co_return "";
  });
  harness.begin();
  EXPECT_EQ(summary(harness.step({granted(0)})),
            (Texts{"EntityUnlockSent @account@a", "TaskScheduled"}));
}

TEST(EntityLockTest, AnAnswerAfterTheReleaseFreesNoOtherCall) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    EntityLock lock = co_await context.lock_entities(kA);
    auto late = context.call_entity(kA, "slow");
    lock.release();
    lock = co_await context.lock_entities(kA);
    auto call = context.call_entity(kA, "get");
    co_await late;
    EXPECT_NE(misuse([&] { static_cast<void>(context.call_entity(kA, "get")); }),
              "nothing was thrown");
    co_await call;
    co_return "";
  });
  harness.begin();
  harness.step({granted(0)});
  harness.step({granted(3)});
  harness.step({answered(1, "")});
  expect_completed(harness.step({answered(4, "")}), "");
}

TEST(EntityLockTest, OtherLocksThanTheHistorysAreNamed) {
  const auto locks = [](EntityId one) {
    return [one](OrchestrationContext& context) -> Task<std::string> {
      { const EntityLock lock = co_await context.lock_entities(one, kB); }
      co_await context.wait_for_event("e");
      co_return "";
    };
  };
  Harness harness(locks(kA));
  harness.begin();
  harness.step({granted(0)});
  harness.replay_with(locks(kOther));
  EXPECT_EQ(
      expect_failed(harness.step({})).message,
      "the history has EntityLockRequested (id 0, locks \"@account@a\", \"@account@b\") where "
      "the orchestrator produced EntityLockRequested (id 0, locks \"@account@b\", "
      "\"@other@x\")");
  Harness unknown(locks(kA));
  unknown.begin();
  EXPECT_EQ(expect_failed(unknown.step({answered(0, "")})).message,
            "the history has EntityOperationCompleted (id 0) where the orchestrator produced "
            "EntityLockRequested");
  Harness other(locks(kA));
  other.begin();
  EXPECT_EQ(expect_failed(other.step({granted(3)})).type, kNonDeterministicOrchestration);
}

TEST(EntityLockTest, TemporariesInAwaitedExpressionsLiveAndDieOnce) {
  const std::string stem = "a stem that does not fit into a small string";
  Harness harness([stem](OrchestrationContext& context) -> Task<std::string> {
    std::string text;
    for (int i = 0; i < 2; ++i) {
      text += co_await context.call_entity({"e", stem + std::to_string(i)}, "op", stem + "in");
      text += co_await context.call_entity(EntityId("e", stem + std::to_string(i)), stem + "op");
      const EntityLock lock = co_await context.lock_entities(
          EntityId("e", stem + "1"), EntityId("e", stem + std::to_string(i)));
      context.signal_entity({"f", stem}, "op", text, Timestamp(Duration(1)));
    }
    co_return text;
  });
  harness.begin();
  for (const std::int32_t id : {0, 6}) {
    harness.step({answered(id, stem)});
    harness.step({answered(id + 1, stem)});
    const auto actions = harness.step({granted(id + 2)});
    EXPECT_EQ(actions.size(), id == 0 ? 4U : 3U) << id;
  }
  EXPECT_TRUE(harness.last.finished);
}

}  // namespace
}  // namespace ingot
