// The programming model, step by step; replays are the matter of replay_test.cc.

#include "core/execution.h"

#include <stdexcept>

#include "tests/core/execution_harness.h"

namespace ingot {
namespace {

using namespace ingot::testing;

Task<std::string> three_hellos(OrchestrationContext& context) {
  std::string text = co_await context.call_activity("hello", "Tokyo");
  text += co_await context.call_activity("hello", "Seattle");
  text += co_await context.call_activity("hello", "London");
  co_return text;
}

TEST(ExecutionTest, ActivitiesInSequence) {
  Harness harness(three_hellos);
  auto actions = harness.begin();
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_EQ(actions[0].kind, Kind::task_scheduled);
  EXPECT_EQ(actions[0].name, "hello");
  EXPECT_EQ(actions[0].data, "Tokyo");
  EXPECT_FALSE(harness.last.finished);
  EXPECT_EQ(harness.step({completed(0, "a")}).size(), 1U);
  EXPECT_EQ(harness.step({completed(1, "b")}).size(), 1U);
  actions = harness.step({completed(2, "c")});
  expect_completed(actions, "abc");
  EXPECT_TRUE(harness.last.finished);
  // A finished execution does nothing more.
  EXPECT_TRUE(harness.step({completed(2, "c")}).empty());
  EXPECT_TRUE(harness.last.finished);
}

TEST(ExecutionTest, SeveralEventsInOneStep) {
  Harness harness(three_hellos);
  const auto actions =
      harness.step({started_event(), completed(0, "a"), completed(1, "b"), completed(2, "c")});
  EXPECT_EQ(actions.size(), 4U);
  expect_completed(actions, "abc");
}

TEST(ExecutionTest, TheContextTellsWhatStartedIt) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    EXPECT_EQ(context.name(), "the name");
    EXPECT_EQ(context.input(), "the input");
    EXPECT_EQ(context.instance_id(), "instance-1");
    EXPECT_EQ(context.version(), "7");
    EXPECT_EQ(to_string(context.execution_id()), "0123456789abcdeffedcba9876543210");
    EXPECT_FALSE(context.is_replaying());
    co_return std::to_string(context.current_time().time_since_epoch().count());
  });
  const auto actions = harness.step({started_event("the name", "the input")});
  expect_completed(actions, std::to_string(harness.now().time_since_epoch().count()));
}

TEST(ExecutionTest, AFailureIsThrownWhereItIsAwaited) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    std::string caught;
    try {
      co_await context.call_activity("fails");
    } catch (const TaskFailedError& error) {
      EXPECT_EQ(error.task_id(), 0);
      caught = error.details().type + "/" + error.details().message + "/" + error.what();
    }
    co_return caught;
  });
  harness.begin();
  expect_completed(harness.step({failed(0, "my::Error", "no luck")}),
                   "my::Error/no luck/task 0 failed: no luck");
}

TEST(ExecutionTest, AnUnhandledFailureFailsTheOrchestrationAndKeepsItsCause) {
  Harness harness(three_hellos);
  harness.begin();
  const FailureDetails failure = expect_failed(harness.step({failed(0, "my::Error", "no luck")}));
  EXPECT_EQ(failure.type, "ingot::TaskFailedError");
  EXPECT_EQ(failure.message, "task 0 failed: no luck");
  ASSERT_EQ(failure.inner.size(), 1U);
  EXPECT_EQ(failure.inner[0], (FailureDetails{"my::Error", "no luck", false, {}}));
}

TEST(ExecutionTest, AnExceptionFailsTheOrchestrationWithItsTypeAndText) {
  Harness thrown([](OrchestrationContext& context) -> Task<std::string> {
    context.send_event("other", "bye");
    throw std::out_of_range("too far");
    co_return "";
  });
  const auto actions = thrown.begin();
  EXPECT_EQ(actions.size(), 2U);  // what was asked for before still counts
  EXPECT_EQ(expect_failed(actions), (FailureDetails{"std::out_of_range", "too far", false, {}}));

  Harness chosen([](OrchestrationContext&) -> Task<std::string> {
    throw TaskFailedError("Refused", "not today", true);
    co_return "";
  });
  EXPECT_EQ(expect_failed(chosen.begin()), (FailureDetails{"Refused", "not today", true, {}}));

  Harness before_the_coroutine(
      [](OrchestrationContext&) -> Task<std::string> { throw std::runtime_error("early"); });
  EXPECT_EQ(expect_failed(before_the_coroutine.begin()).message, "early");

  Harness no_task([](OrchestrationContext&) -> Task<std::string> { return {}; });
  EXPECT_EQ(expect_failed(no_task.begin()).type, "std::logic_error");
}

TEST(ExecutionTest, Timers) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    const Timestamp before = context.current_time();
    co_await context.create_timer(std::chrono::seconds(5));
    const Timestamp after = context.current_time();
    co_await context.create_timer(Timestamp(Duration(42)));
    co_return std::to_string((after - before).count());
  });
  auto actions = harness.begin();
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_EQ(actions[0].kind, Kind::timer_created);
  EXPECT_EQ(actions[0].fire_at, harness.now() + std::chrono::seconds(5));
  actions = harness.step({fired(0)});
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_EQ(actions[0].fire_at, Timestamp(Duration(42)));
  expect_completed(harness.step({fired(1)}), "1000");
}

TEST(ExecutionTest, ADelayWithoutEndIsCutOff) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    co_await context.create_timer(Duration::max());
    co_return "";
  });
  EXPECT_EQ(harness.begin().at(0).fire_at, Timestamp::max());
}

TEST(ExecutionTest, EventsAreKeptUntilAwaitedInOrderByExactName) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    co_await context.call_activity("first");
    std::string text = co_await context.wait_for_event("a");
    text += co_await context.wait_for_event("b");
    text += co_await context.wait_for_event("a");
    text += co_await context.wait_for_event("A");
    co_return text;
  });
  harness.step({raised("a", "0"), started_event(), raised("a", "1")});  // 0 even before the start
  harness.step({raised("b", "2"), raised("a", "never")});
  EXPECT_TRUE(harness.step({completed(0, "")}).empty());
  expect_completed(harness.step({raised("A", "3")}), "0213");
}

TEST(ExecutionTest, WaitsOfOneNameAreServedInOrder) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    auto first = context.wait_for_event("go");
    auto second = context.wait_for_event("go");
    std::string text = co_await second;
    text += co_await first;
    co_return text;
  });
  harness.begin();
  EXPECT_TRUE(harness.step({raised("go", "1")}).empty());
  expect_completed(harness.step({raised("go", "2")}), "21");
}

TEST(ExecutionTest, ADroppedWaitTakesNoEvent) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    { auto dropped = context.wait_for_event("go"); }
    auto kept = context.wait_for_event("go");
    co_return co_await kept;
  });
  harness.begin();
  expect_completed(harness.step({raised("go", "1")}), "1");
}

Task<std::string> wait_a_minute(OrchestrationContext& context) {
  const std::optional<std::string> got =
      co_await context.wait_for_event("go", std::chrono::minutes(1));
  const std::string more = co_await context.wait_for_event("go");
  co_return got.value_or("timeout") + more;
}

TEST(ExecutionTest, AWaitWithTimeoutThatIsMet) {
  Harness harness(wait_a_minute);
  const auto actions = harness.begin();
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_EQ(actions[0].fire_at, harness.now() + std::chrono::minutes(1));
  harness.step({raised("go", "in time ")});
  EXPECT_TRUE(harness.step({fired(0)}).empty());  // of no interest any more
  expect_completed(harness.step({raised("go", "2")}), "in time 2");
}

TEST(ExecutionTest, AWaitWithTimeoutThatPasses) {
  Harness harness(wait_a_minute);
  harness.begin();
  harness.step({fired(0)});
  expect_completed(harness.step({raised("go", "!")}), "timeout!");
}

TEST(ExecutionTest, AWaitWithTimeoutMetByAnEarlierEventMakesNoTimer) {
  Harness harness(wait_a_minute);
  EXPECT_TRUE(harness.step({raised("go", "early "), started_event()}).empty());
  expect_completed(harness.step({raised("go", "2")}), "early 2");
}

TEST(ExecutionTest, DuplicateRepliesAreIgnored) {
  Harness harness(three_hellos);
  harness.step({started_event(), started_event()});
  EXPECT_EQ(harness.step({completed(0, "a"), completed(0, "x"), failed(0, "late")}).size(), 1U);
  EXPECT_TRUE(harness.step({completed(0, "x")}).empty());
  EXPECT_EQ(harness.step({completed(1, "b")}).size(), 1U);
  expect_completed(harness.step({completed(2, "c")}), "abc");
}

TEST(ExecutionTest, FireAndForget) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    static_cast<void>(context.call_activity("forgotten", "1"));
    static_cast<void>(context.call_activity("forgotten", "2", RetryPolicy{}));
    context.send_event("friend", "ping", "data");
    co_return "done";
  });
  const auto actions = harness.begin();
  ASSERT_EQ(actions.size(), 4U);
  EXPECT_EQ(actions[0].data, "1");
  EXPECT_EQ(actions[1].data, "2");
  EXPECT_EQ(actions[2].kind, Kind::event_sent);
  EXPECT_EQ(actions[2].instance_id, "friend");
  EXPECT_EQ(actions[2].name, "ping");
  EXPECT_EQ(actions[2].data, "data");
  expect_completed(actions, "done");
}

TEST(ExecutionTest, TerminationEndsItAndRunsDestructorsOnly) {
  int destroyed = 0;
  bool went_on = false;
  struct Guard {
    explicit Guard(OrchestrationContext& c, int& n) : context(c), count(n) {}
    ~Guard() {
      ++count;
      static_cast<void>(context.call_activity("from a destructor"));
      context.send_event("other", "from a destructor");
    }
    OrchestrationContext& context;
    int& count;
  };
  const auto helper = [&](OrchestrationContext& context) -> Task<void> {
    const Guard guard(context, destroyed);
    try {
      co_await context.wait_for_event("never");
    } catch (...) {
      went_on = true;
    }
    went_on = true;
  };
  Harness harness([&](OrchestrationContext& context) -> Task<std::string> {
    const Guard guard(context, destroyed);
    auto beside = context.start(helper(context));
    co_await helper(context);
    went_on = true;
    co_return "";
  });
  harness.begin();
  const auto actions =
      harness.step({plain(Kind::execution_terminated, "enough"), raised("never", "")});
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_EQ(actions[0].kind, Kind::execution_completed);
  EXPECT_EQ(actions[0].status, RuntimeStatus::terminated);
  EXPECT_EQ(actions[0].data, "enough");
  EXPECT_TRUE(harness.last.finished);
  EXPECT_EQ(destroyed, 3);
  EXPECT_FALSE(went_on);
}

TEST(ExecutionTest, AnExecutionDroppedHalfWayRunsDestructorsOnly) {
  int destroyed = 0;
  {
    Harness harness([&](OrchestrationContext& context) -> Task<std::string> {
      const std::unique_ptr<int, void (*)(int*)> guard(&destroyed, [](int* n) { ++*n; });
      co_return co_await context.call_activity("a", "b", RetryPolicy{});
    });
    harness.begin();
  }
  EXPECT_EQ(destroyed, 1);
}

TEST(ExecutionTest, SuspendedMessagesWaitInOrder) {
  Harness harness(three_hellos);
  harness.begin();
  EXPECT_TRUE(harness.step({plain(Kind::execution_suspended), completed(0, "a")}).empty());
  EXPECT_TRUE(harness.step({completed(0, "x")}).empty());
  EXPECT_EQ(harness.step({plain(Kind::execution_resumed)}).size(), 1U);
  harness.step({completed(1, "b")});
  harness.step({plain(Kind::execution_suspended)});
  expect_completed(harness.step({completed(2, "c"), plain(Kind::execution_resumed)}), "abc");
}

TEST(ExecutionTest, ASuspendedExecutionCanBeTerminated) {
  Harness harness(three_hellos);
  harness.step({started_event(), plain(Kind::execution_suspended)});
  EXPECT_EQ(harness.step({plain(Kind::execution_terminated)}).at(0).status,
            RuntimeStatus::terminated);
}

TEST(ExecutionTest, CustomStatusIsGivenWithTheStepThatSetsIt) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    context.set_custom_status("one");
    co_await context.call_activity("a");
    co_await context.call_activity("b");
    context.set_custom_status("two");
    context.set_custom_status("");
    co_return "";
  });
  harness.begin();
  EXPECT_EQ(harness.last.custom_status, "one");
  harness.step({completed(0, "")});
  EXPECT_EQ(harness.last.custom_status, std::nullopt);
  harness.step({completed(1, "")});
  EXPECT_EQ(harness.last.custom_status, "");
}

TEST(ExecutionTest, SubOrchestrations) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.call_sub_orchestration("child", "in", "child-1");
    try {
      co_await context.call_sub_orchestration("child", "in");
    } catch (const TaskFailedError& error) {
      text += error.details().type;
    }
    co_return text;
  });
  auto actions = harness.begin();
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_EQ(actions[0].kind, Kind::sub_orchestration_created);
  EXPECT_EQ(actions[0].name, "child");
  EXPECT_EQ(actions[0].instance_id, "child-1");
  EXPECT_EQ(actions[0].data, "in");
  actions = harness.step({reply(Kind::sub_orchestration_completed, 0, "out ")});
  EXPECT_EQ(actions.at(0).instance_id, "0123456789abcdeffedcba9876543210:1");
  expect_completed(harness.step({failed(1, "Sad", "", false, Kind::sub_orchestration_failed)}),
                   "out Sad");
}

TEST(ExecutionTest, ContinueAsNewCarriesWhatWasNotConsumed) {
  const auto loop = [](bool keep) {
    return [keep](OrchestrationContext& context) -> Task<std::string> {
      const std::string text = co_await context.wait_for_event("go");
      context.continue_as_new("next " + text, keep);
      co_return "ignored";
    };
  };
  Harness harness(loop(true));
  harness.step({started_event(), raised("other", "1")});
  const auto actions = harness.step({raised("other", "2"), raised("go", "!"), raised("go", "late"),
                                     completed(7, ""), plain(Kind::execution_terminated, "x")});
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_EQ(actions[0].kind, Kind::continue_as_new);
  EXPECT_EQ(actions[0].data, "next !");
  EXPECT_TRUE(harness.last.finished);
  const auto carried = decoded(harness.last.carry_over);
  ASSERT_EQ(carried.size(), 4U);
  EXPECT_EQ(carried[0].data, "1");
  EXPECT_EQ(carried[1].data, "2");
  EXPECT_EQ(carried[2].data, "late");
  EXPECT_EQ(carried[3].kind, Kind::execution_terminated);

  Harness forgetful(loop(false));
  forgetful.step({started_event(), raised("other", "1"), raised("go", ""), raised("go", "late")});
  EXPECT_TRUE(forgetful.last.finished);
  EXPECT_EQ(forgetful.last.carry_over, "");
}

TEST(ExecutionTest, ContinueAsNewAndAnExceptionIsAFailure) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    context.continue_as_new("x");
    throw std::runtime_error("no");
    co_return "";
  });
  EXPECT_EQ(expect_failed(harness.begin()).message, "no");
}

TEST(ExecutionTest, GuidsDifferAndFollowTheExecution) {
  std::vector<std::string> guids;
  Harness harness([&](OrchestrationContext& context) -> Task<std::string> {
    for (int i = 0; i < 100; ++i) guids.push_back(context.new_guid());
    co_return "";
  });
  harness.begin();
  harness.replay();
  ASSERT_EQ(guids.size(), 200U);
  for (std::size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(guids[i], guids[100 + i]);
    ASSERT_EQ(guids[i].size(), 36U);
    EXPECT_EQ(guids[i][14], '8');
    EXPECT_NE(std::string("89ab").find(guids[i][19]), std::string::npos);
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(guids[i], guids[j]);
  }
}

TEST(ExecutionTest, MemoryIsCountedAndGivenBack) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    co_await context.wait_for_event("go");
    co_await context.wait_for_event("big");
    co_await context.wait_for_event("never");
    co_return "";
  });
  harness.begin();
  const std::size_t before = harness.execution().memory_bytes();
  EXPECT_GT(before, 200U);
  harness.step({raised("big", std::string(1 << 20, 'b'))});
  EXPECT_GT(harness.execution().memory_bytes(), 1U << 20);
  harness.step({raised("go", "")});
  EXPECT_LT(harness.execution().memory_bytes(), before + 10'000);
}

}  // namespace
}  // namespace ingot
