// Futures, tasks and their combinations.

#include <ingot/task.h>

#include <stdexcept>

#include "tests/core/execution_harness.h"

namespace ingot {
namespace {

using namespace ingot::testing;

TEST(TaskTest, ResultsOfSeveralFuturesInAnyOrder) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    std::vector<Future<std::string>> futures;
    for (int i = 0; i < 100; ++i) {
      futures.push_back(context.call_activity("square", std::to_string(i)));
    }
    std::string all;
    for (const std::string& part : co_await context.when_all(std::move(futures))) all += part;
    co_return all;
  });
  EXPECT_EQ(harness.begin().size(), 100U);
  std::string expected;
  for (int i = 0; i < 100; ++i) expected += std::to_string(i) + ";";
  for (int i = 99; i > 0; --i) {
    EXPECT_TRUE(harness.step({completed(i, std::to_string(i) + ";")}).empty());
  }
  expect_completed(harness.step({completed(0, "0;")}), expected);
}

TEST(TaskTest, WhenAnyGivesTheFirstAndLeavesTheOthers) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    auto timer = context.create_timer(Duration(10));
    auto event = context.wait_for_event("go");
    auto work = context.call_activity("work");
    std::string text = std::to_string(co_await context.when_any(timer, event, work));
    text += std::to_string(co_await context.when_any(timer, work));
    text += std::to_string(co_await context.when_any(timer, event));  // both are done
    text += co_await work;
    text += co_await event;
    co_return text;
  });
  harness.begin();
  EXPECT_TRUE(harness.step({raised("go", "e")}).empty());
  expect_completed(harness.step({completed(1, "w")}), "111we");
}

TEST(TaskTest, WhenAnyOfAVectorAndOfTheSameFutureTwice) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    std::vector<Future<std::string>> futures;
    for (int i = 0; i < 3; ++i) futures.push_back(context.call_activity("work"));
    const std::size_t first = co_await context.when_any(futures);
    const std::size_t same = co_await context.when_any(futures[0], futures[0]);
    co_return std::to_string(first) + std::to_string(same);
  });
  harness.begin();
  harness.step({completed(2, "")});
  expect_completed(harness.step({completed(0, "")}), "20");
}

TEST(TaskTest, WhenAllOfDifferentTypes) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    auto [text, nothing, event] =
        co_await context.when_all(context.call_activity("a"), context.create_timer(Duration(1)),
                                  context.wait_for_event("e", std::chrono::hours(1)));
    static_cast<void>(nothing);
    std::vector<Future<void>> timers;
    timers.push_back(context.create_timer(Duration(1)));
    co_await context.when_all(std::move(timers));
    co_return text + event.value_or("none");
  });
  harness.begin();
  harness.step({fired(2), fired(1)});
  harness.step({completed(0, "a")});
  expect_completed(harness.step({fired(3)}), "anone");
}

TEST(TaskTest, WhenAllWaitsForAllThenThrowsTheFirstFailure) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    std::vector<Future<std::string>> futures;
    for (int i = 0; i < 3; ++i) futures.push_back(context.call_activity("work"));
    std::string caught;
    try {
      co_await context.when_all(std::move(futures));
    } catch (const TaskFailedError& error) {
      caught = error.details().type;
    }
    co_return caught;
  });
  harness.begin();
  harness.step({failed(2, "Third"), failed(1, "Second")});
  EXPECT_FALSE(harness.last.finished);
  expect_completed(harness.step({completed(0, "")}), "Second");
}

TEST(TaskTest, AResultNobodyHoldsIsForgotten) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    { auto forgotten = context.call_activity("a"); }
    co_return co_await context.call_activity("b");
  });
  harness.begin();
  EXPECT_TRUE(harness.step({completed(0, "x")}).empty());
  expect_completed(harness.step({completed(1, "y")}), "y");
}

TEST(TaskTest, AFutureCanBeAwaitedAgain) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    auto future = context.call_activity("a");
    EXPECT_FALSE(future.done());
    std::string text = co_await future;
    EXPECT_TRUE(future.done());
    text += co_await future;
    text += co_await std::move(future);
    co_return text;
  });
  harness.begin();
  expect_completed(harness.step({completed(0, "a longer text than fits in a string ")}),
                   "a longer text than fits in a string a longer text than fits in a string "
                   "a longer text than fits in a string ");
}

TEST(TaskTest, MisuseIsALogicError) {
  const auto type_of = [](OrchestratorFn fn) {
    Harness harness(std::move(fn));
    return expect_failed(harness.begin()).message;
  };
  EXPECT_EQ(type_of([](OrchestrationContext&) -> Task<std::string> {
              Future<std::string> none;
              co_return co_await none;
            }),
            "an empty Future was awaited");
  EXPECT_EQ(type_of([](OrchestrationContext&) -> Task<std::string> {
              Task<void> none;
              co_await std::move(none);
              co_return "";
            }),
            "an empty or finished Task was awaited");
  EXPECT_EQ(type_of([](OrchestrationContext& context) -> Task<std::string> {
              std::vector<Future<void>> none;
              co_await context.when_any(none);
              co_return "";
            }),
            "when_any of no futures would wait for ever");
  EXPECT_EQ(type_of([](OrchestrationContext& context) -> Task<std::string> {
              const auto await_it = [](Future<void>& timer) -> Task<void> { co_await timer; };
              auto timer = context.create_timer(Duration(1));
              auto first = context.start(await_it(timer));
              auto second = context.start(await_it(timer));
              co_await second;
              co_return "";
            }),
            "two coroutines await one Future");
}

Task<int> add(OrchestrationContext& context, int a, int b) {
  if (b == 0) co_return a;
  co_await context.create_timer(Duration(1));
  co_return 1 + co_await add(context, a, b - 1);
}

TEST(TaskTest, HelperCoroutinesMayWaitAndRecurse) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    const int sum = co_await add(context, 2, 3);
    co_return std::to_string(sum);
  });
  harness.begin();
  harness.step({fired(0)});
  harness.step({fired(1)});
  expect_completed(harness.step({fired(2)}), "5");
}

TEST(TaskTest, AHundredThousandAwaitsInOneStepNeedNoStack) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    const auto nothing = []() -> Task<int> { co_return 1; };
    const auto one_event = [](OrchestrationContext& c) -> Task<void> {
      static_cast<void>(co_await c.wait_for_event("go"));
    };
    int sum = 0;
    for (int i = 0; i < 100'000; ++i) sum += co_await nothing();
    for (int i = 0; i < 1'000; ++i) co_await one_event(context);
    co_return std::to_string(sum);
  });
  std::vector<HistoryEvent> events{started_event()};
  events.insert(events.end(), 1'000, raised("go", ""));
  expect_completed(harness.step(events), "100000");
}

TEST(TaskTest, StartedTasksRunBesideTheirStarter) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    const auto flow = [](OrchestrationContext& c, std::string name) -> Task<std::string> {
      std::string text = co_await c.call_activity(name, "1");
      text += co_await c.call_activity(name, "2");
      co_return text;
    };
    const auto number = [](OrchestrationContext& c) -> Task<int> {
      co_await c.create_timer(Duration(1));
      co_return 7;
    };
    const auto bad = [](OrchestrationContext& c) -> Task<void> {
      co_await c.create_timer(Duration(1));
      throw std::runtime_error("bad");
    };
    std::vector<Future<std::string>> flows;
    flows.push_back(context.start(flow(context, "x")));
    flows.push_back(context.start(flow(context, "y")));
    auto seven = context.start(number(context));
    auto failing = context.start(bad(context));
    { auto unheard = context.start(number(context)); }
    std::string text;
    for (const std::string& part : co_await context.when_all(std::move(flows))) text += part;
    text += std::to_string(co_await seven);
    text += std::to_string(co_await std::move(seven));
    try {
      co_await failing;
    } catch (const std::runtime_error& error) {
      text += error.what();
    }
    co_return text;
  });
  auto actions = harness.begin();
  ASSERT_EQ(actions.size(), 5U);
  EXPECT_EQ(actions[0].name, "x");
  EXPECT_EQ(actions[1].name, "y");
  EXPECT_EQ(harness.step({completed(1, "c")}).at(0).name, "y");
  EXPECT_EQ(harness.step({completed(0, "a"), fired(2)}).at(0).name, "x");
  harness.step({completed(5, "d"), fired(4)});
  harness.step({completed(6, "b")});
  EXPECT_FALSE(harness.last.finished);
  expect_completed(harness.step({fired(3)}), "abcd77bad");
}

TEST(TaskTest, TemporariesInAwaitedExpressionsLiveAndDieOnce) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    const std::string stem(100, 's');
    std::string text;
    for (int i = 0; i < 3; ++i) {
      text += co_await context.call_activity(stem + std::to_string(i), std::string(200, 'x') + "!");
      text += co_await context.call_activity("plain", std::string(30, 'b') + text);
    }
    co_return text + (co_await context.call_activity("last")) + stem;
  });
  harness.begin();
  for (int i = 0; i < 6; ++i) harness.step({completed(i, std::string(50, 'r'))});
  expect_completed(harness.step({completed(6, "z")}),
                   std::string(300, 'r') + "z" + std::string(100, 's'));
}

}  // namespace
}  // namespace ingot
