// An execution made again from its history goes on as if it had never been away, and a history that
// its code did not write is named.

#include <algorithm>
#include <iostream>
#include <map>
#include <stdexcept>

#include "core/random.h"
#include "tests/core/execution_harness.h"

namespace ingot {
namespace {

using namespace ingot::testing;

OrchestratorFn calls(std::vector<std::string> names) {
  return [names](OrchestrationContext& context) -> Task<std::string> {
    std::string text;
    for (const std::string& name : names) text += co_await context.call_activity(name);
    co_return text;
  };
}

std::string disagreement(Harness& harness) {
  const auto actions = harness.step({});
  EXPECT_EQ(actions.size(), 1U);
  EXPECT_TRUE(harness.last.finished);
  const FailureDetails failure = expect_failed(actions);
  EXPECT_EQ(failure.type, "NonDeterministicOrchestration");
  EXPECT_TRUE(failure.non_retriable);
  return failure.message;
}

TEST(ReplayTest, GoesOnWhereTheHistoryEnds) {
  std::vector<bool> replaying;
  Harness harness([&](OrchestrationContext& context) -> Task<std::string> {
    replaying.push_back(context.is_replaying());
    context.set_custom_status("old");
    std::string text = co_await context.call_activity("a");
    replaying.push_back(context.is_replaying());
    text += co_await context.call_activity("b");
    replaying.push_back(context.is_replaying());
    co_return text;
  });
  harness.begin();
  harness.step({completed(0, "1")});
  harness.replay();
  expect_completed(harness.step({completed(1, "2")}), "12");
  EXPECT_EQ(harness.last.custom_status, std::nullopt);  // set in the past
  EXPECT_EQ(replaying, (std::vector<bool>{false, false, true, true, false}));
}

TEST(ReplayTest, KeepsBufferedEventsAndSuspension) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.call_activity("a");
    text += co_await context.wait_for_event("e");
    co_return text;
  });
  harness.step({started_event(), raised("e", "2"), plain(Kind::execution_suspended)});
  harness.replay();
  EXPECT_TRUE(harness.step({completed(0, "1")}).empty());
  harness.replay();
  expect_completed(harness.step({plain(Kind::execution_resumed)}), "12");
}

TEST(ReplayTest, AFinishedHistoryStaysFinished) {
  Harness harness(calls({}));
  harness.begin();
  harness.replay();
  EXPECT_TRUE(harness.step({completed(0, "")}).empty());
  EXPECT_TRUE(harness.last.finished);
}

TEST(ReplayTest, OtherInputsAreNoDisagreement) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    co_return co_await context.call_activity("a", "old");
  });
  harness.begin();
  harness.replay_with([](OrchestrationContext& context) -> Task<std::string> {
    co_return co_await context.call_activity("a", "new");
  });
  expect_completed(harness.step({completed(0, "x")}), "x");
}

TEST(ReplayTest, AnotherNameIsNamed) {
  Harness harness(calls({"a", "b"}));
  harness.begin();
  harness.step({completed(0, "")});
  harness.replay_with(calls({"a", "c"}));
  EXPECT_EQ(disagreement(harness),
            "the history has TaskScheduled (id 1, \"b\") where the orchestrator produced "
            "TaskScheduled (id 1, \"c\")");
}

TEST(ReplayTest, AnotherKindIsNamed) {
  Harness harness(calls({"a"}));
  harness.begin();
  harness.replay_with([](OrchestrationContext& context) -> Task<std::string> {
    co_await context.create_timer(Duration(1));
    co_return "";
  });
  EXPECT_EQ(disagreement(harness),
            "the history has TaskScheduled (id 0, \"a\") where the orchestrator produced "
            "TimerCreated (id 0)");
}

TEST(ReplayTest, AnActionThatIsNotProducedIsNamed) {
  Harness harness(calls({"a", "b"}));
  harness.begin();
  harness.step({completed(0, "")});
  harness.replay_with([](OrchestrationContext& context) -> Task<std::string> {
    co_await context.call_activity("a");
    co_await context.wait_for_event("instead");
    co_return "";
  });
  EXPECT_EQ(disagreement(harness),
            "the history has TaskScheduled (id 1, \"b\"), which the orchestrator did not produce");
}

TEST(ReplayTest, AnEarlierEndIsNamed) {
  Harness harness(calls({"a", "b"}));
  harness.begin();
  harness.step({completed(0, "")});
  harness.replay_with(calls({"a"}));
  EXPECT_EQ(disagreement(harness),
            "the history has TaskScheduled (id 1, \"b\") where the orchestrator produced "
            "ExecutionCompleted (id 1)");
}

TEST(ReplayTest, AnActionThatTheHistoryLacksIsNamed) {
  const auto both_at_once = [](OrchestrationContext& context) -> Task<std::string> {
    auto a = context.call_activity("a");
    auto b = context.call_activity("b");
    co_await a;
    co_await b;
    co_return "";
  };
  Harness at_the_end(calls({"a"}));
  at_the_end.begin();
  at_the_end.replay_with(both_at_once);
  EXPECT_EQ(
      disagreement(at_the_end),
      "the orchestrator produced TaskScheduled (id 1, \"b\"), which the history does not have");
  Harness in_the_middle(calls({"a", "c"}));
  in_the_middle.begin();
  in_the_middle.step({completed(0, "")});
  in_the_middle.replay_with(both_at_once);
  EXPECT_EQ(
      disagreement(in_the_middle),
      "the orchestrator produced TaskScheduled (id 1, \"b\"), which the history does not have");
}

TEST(ReplayTest, ARepliedIdThatIsUnknownOrOfAnotherKindIsNamed) {
  Harness unknown(calls({"a"}));
  unknown.begin();
  EXPECT_EQ(expect_failed(unknown.step({completed(5, "")})).message,
            "the history has TaskCompleted (id 5) for an action that the orchestrator did not "
            "produce");
  Harness other_kind(calls({"a"}));
  other_kind.begin();
  EXPECT_EQ(expect_failed(other_kind.step({fired(0)})).message,
            "the history has TimerFired (id 0) where the orchestrator produced TaskScheduled");
  Harness negative(calls({"a"}));
  negative.begin();
  EXPECT_EQ(expect_failed(negative.step({fired(-7)})).type, kNonDeterministicOrchestration);
}

TEST(ReplayTest, ADisagreeingStepProducesNothingElse) {
  Harness harness(calls({"a", "b", "c"}));
  harness.begin();
  const auto actions = harness.step({completed(0, ""), completed(9, ""), completed(1, "")});
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_EQ(actions[0].event_id, 1);
  EXPECT_TRUE(harness.step({completed(1, "")}).empty());
  EXPECT_TRUE(harness.last.finished);
}

TEST(ReplayTest, BytesThatAreNoHistoryAreAFailureNotACrash) {
  const OrchestratorFn fn = calls({"a", "b"});
  Harness harness(fn);
  harness.begin();
  harness.step({completed(0, "1"), raised("x", "y"), failed(0, "late")});
  Random random(7);
  for (int i = 0; i < 3000; ++i) {
    std::string bytes = harness.history;
    for (std::uint64_t flips = 1 + random.below(3); flips != 0; --flips) {
      bytes[random.below(bytes.size())] = static_cast<char>(random.next());
    }
    if (random.one_in(4)) bytes.resize(random.below(bytes.size()));
    Execution execution(fn);
    execution.replay(bytes);
    std::string actions;
    static_cast<void>(execution.step(bytes, actions));
  }
}

// A made-up orchestrator: what it does next depends on its seed and on all that it has seen.
OrchestratorFn made_up(std::uint64_t seed) {
  return [seed](OrchestrationContext& context) -> Task<std::string> {
    const auto flow = [](OrchestrationContext& c, std::uint64_t s) -> Task<std::string> {
      Random random(s);
      std::string seen;
      for (std::uint64_t n = random.below(4); n != 0; --n) {
        if (random.one_in(3)) co_await c.create_timer(Duration(random.below(1000)));
        seen += co_await c.call_activity("flow", seen);
      }
      co_return seen;
    };
    std::string seen;
    std::vector<Future<std::string>> pending;
    Future<EntityLock> asked;
    EntityLock lock;
    for (int round = 0; round < 14; ++round) {
      std::uint64_t mix = seed + static_cast<std::uint64_t>(round);
      for (const char c : seen) mix = mix * 31 + static_cast<unsigned char>(c);
      Random random(mix);
      const EntityId entity("e", std::to_string(random.below(3)));
      switch (random.below(16)) {
        case 0: {
          seen += co_await context.call_activity("work", seen);
          break;
        }
        case 1: {
          pending.push_back(context.call_activity("later", std::to_string(round)));
          break;
        }
        case 2: {
          RetryPolicy policy;
          policy.attempts_max = 2;
          pending.push_back(context.call_activity("retried", "x", policy));
          break;
        }
        case 3: {
          const auto event = co_await context.wait_for_event("e", Duration(500));
          seen += event.value_or("-");
          break;
        }
        case 4: {
          co_await context.create_timer(Duration(random.below(3000)));
          break;
        }
        case 5: {
          pending.push_back(context.start(flow(context, mix)));
          break;
        }
        case 6: {
          if (pending.empty()) break;
          const std::size_t first = co_await context.when_any(pending);
          seen += std::to_string(first);
          pending.erase(pending.begin() + static_cast<std::ptrdiff_t>(first));
          break;
        }
        case 7: {
          context.send_event("friend", "hello", seen);
          seen += context.new_guid().substr(0, 3);
          break;
        }
        case 8: {
          pending.push_back(context.wait_for_event(random.one_in(2) ? "e" : "f"));
          break;
        }
        case 9: {
          try {
            seen += co_await context.call_sub_orchestration("child", seen);
          } catch (const TaskFailedError& error) {
            seen += error.details().type;
          } catch (const std::logic_error&) {
            seen += "L";  // entities are locked
          }
          break;
        }
        case 10: {
          try {
            context.signal_entity(entity, "op", seen);
          } catch (const std::logic_error&) {
            seen += "S";
          }
          break;
        }
        case 11: {
          try {
            seen += co_await context.call_entity(entity, "op", seen);
          } catch (const TaskFailedError& error) {
            seen += error.details().type;
          } catch (const std::logic_error&) {
            seen += "C";
          }
          break;
        }
        case 12: {
          try {
            pending.push_back(context.call_entity(entity, "later", seen));
          } catch (const std::logic_error&) {
            seen += "P";
          }
          break;
        }
        case 13: {
          try {
            asked = context.lock_entities(entity, EntityId("e", "2"));
            if (random.one_in(2)) lock = co_await std::move(asked);
          } catch (const std::logic_error&) {
            seen += "M";
          }
          break;
        }
        case 14: {
          if (random.one_in(2)) asked = Future<EntityLock>();
          lock = EntityLock();
          break;
        }
        default: {
          seen += std::to_string(context.current_time().time_since_epoch().count() % 1000);
          context.set_custom_status(seen);
          break;
        }
      }
    }
    if (seed % 3 == 0) context.continue_as_new(seen);
    co_return seen;
  };
}

struct Outcome {
  std::string history;
  std::string statuses;
  std::string carry_over;
  bool finished = false;
};

// Locks: at most one is asked for or held at any time, and each is given back at most once.
void expect_locks_in_order(const std::string& history, std::uint64_t seed) {
  std::vector<std::string> held;
  std::int32_t request_id = -1;
  for (const HistoryEvent& event : decoded(history)) {
    if (event.kind == Kind::entity_lock_requested) {
      ASSERT_TRUE(held.empty()) << "seed " << seed;
      held = event.lock_set;
      request_id = event.event_id;
    } else if (event.kind == Kind::entity_unlock_sent) {
      ASSERT_FALSE(held.empty()) << "seed " << seed;
      ASSERT_EQ(event.instance_id, held.front()) << "seed " << seed;
      ASSERT_EQ(event.scheduled_id, request_id) << "seed " << seed;
      held.erase(held.begin());
    }
  }
}

// The world answers in a seeded order; `replays` says how often the execution is made again (0:
// never, 1: before each step, n: before one step in n).
Outcome play(std::uint64_t seed, std::uint64_t replays) {
  Harness harness(made_up(seed));
  Random world(seed * 7919 + 1);
  Random evictions(seed + replays);
  Outcome outcome;
  std::vector<HistoryEvent> open;
  std::vector<HistoryEvent> messages{started_event()};
  for (int steps = 0; steps < 200 && !outcome.finished; ++steps) {
    if (replays != 0 && evictions.one_in(replays)) harness.replay();
    const auto actions = harness.step(messages);
    outcome.finished = harness.last.finished;
    outcome.statuses += harness.last.custom_status.value_or("(none)") + "\n";
    outcome.carry_over = harness.last.carry_over;
    open.insert(open.end(), actions.begin(), actions.end());
    messages.clear();
    for (std::uint64_t n = 1 + world.below(3); n != 0; --n) {
      if (open.empty() || world.one_in(4)) {
        messages.push_back(raised(world.one_in(2) ? "e" : "f", std::to_string(world.below(100))));
        continue;
      }
      const std::size_t at = world.below(open.size());
      const HistoryEvent action = open[at];
      const bool fails = world.one_in(3);
      const bool again = world.one_in(10);
      if (action.kind == Kind::task_scheduled) {
        const bool must_not = action.name != "retried";
        messages.push_back(fails && !must_not ? failed(action.event_id, "Bad")
                                              : completed(action.event_id, "r"));
      } else if (action.kind == Kind::timer_created) {
        messages.push_back(fired(action.event_id));
      } else if (action.kind == Kind::sub_orchestration_created) {
        messages.push_back(
            fails ? failed(action.event_id, "C", "", false, Kind::sub_orchestration_failed)
                  : reply(Kind::sub_orchestration_completed, action.event_id, "c"));
      } else if (action.kind == Kind::entity_operation_called) {
        const bool must_not = action.name == "later";
        messages.push_back(
            fails && !must_not
                ? failed(action.event_id, "E", "", false, Kind::entity_operation_failed)
                : reply(Kind::entity_operation_completed, action.event_id, "e"));
      } else if (action.kind == Kind::entity_lock_requested) {
        messages.push_back(plain(Kind::entity_lock_granted));
        messages.back().scheduled_id = action.event_id;
      }
      if (!again) open.erase(open.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }
  outcome.history = harness.history;
  return outcome;
}

TEST(ReplayTest, AnyEvictionsGiveTheSameHistory) {
  int finished = 0;
  std::map<Kind, int> kinds;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    const Outcome live = play(seed, 0);
    finished += live.finished ? 1 : 0;
    for (const std::uint64_t replays : {1U, 3U}) {
      const Outcome replayed = play(seed, replays);
      ASSERT_EQ(live.history, replayed.history) << "seed " << seed;
      ASSERT_EQ(live.statuses, replayed.statuses) << "seed " << seed;
      ASSERT_EQ(live.carry_over, replayed.carry_over) << "seed " << seed;
      ASSERT_EQ(live.finished, replayed.finished) << "seed " << seed;
    }
    ASSERT_EQ(live.history.find(kNonDeterministicOrchestration), std::string::npos)
        << "seed " << seed;
    expect_locks_in_order(live.history, seed);
    for (const HistoryEvent& event : decoded(live.history)) kinds[event.kind] += 1;
  }
  // The made-up programs are of use only if most of them come to an end.
  EXPECT_GT(finished, 150);
  EXPECT_GT(kinds[Kind::entity_lock_granted], 50);
  EXPECT_GT(kinds[Kind::entity_unlock_sent], 50);
}

}  // namespace
}  // namespace ingot
