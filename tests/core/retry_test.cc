// Retry policies: attempts, delays and when to give up.

#include <stdexcept>

#include "tests/core/execution_harness.h"

namespace ingot {
namespace {

using namespace ingot::testing;

OrchestratorFn with_policy(RetryPolicy policy) {
  return [policy](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.call_activity("flaky", "in", policy);
    co_return text;
  };
}

// Fails every attempt at once; gives the delays between them, in microseconds.
std::vector<std::int64_t> delays_of(const RetryPolicy& policy, int failures_max = 100,
                                    bool non_retriable = false) {
  Harness harness(with_policy(policy));
  std::vector<std::int64_t> delays;
  auto actions = harness.begin();
  for (int i = 0; i < failures_max; ++i) {
    EXPECT_EQ(actions.size(), 1U);
    EXPECT_EQ(actions.at(0).kind, Kind::task_scheduled);
    EXPECT_EQ(actions.at(0).name, "flaky");
    EXPECT_EQ(actions.at(0).data, "in");
    actions = harness.step({failed(actions[0].event_id, "E", "m", non_retriable)});
    if (harness.last.finished) {
      EXPECT_EQ(expect_failed(actions).inner.at(0).type, "E");
      break;
    }
    EXPECT_EQ(actions.at(0).kind, Kind::timer_created);
    delays.push_back((*actions[0].fire_at - harness.now()).count());
    actions = harness.step({fired(actions[0].event_id)});
  }
  return delays;
}

TEST(RetryTest, GivesUpAfterTheLastAttempt) {
  RetryPolicy policy;
  policy.attempts_max = 3;
  policy.first_interval = Duration(50);
  EXPECT_EQ(delays_of(policy), (std::vector<std::int64_t>{50, 50}));
  policy.attempts_max = 1;
  EXPECT_TRUE(delays_of(policy).empty());
  policy.attempts_max = -5;
  EXPECT_TRUE(delays_of(policy).empty());
}

TEST(RetryTest, DelaysGrowUpToTheirBound) {
  RetryPolicy policy;
  policy.attempts_max = 6;
  policy.first_interval = Duration(100);
  policy.backoff_coefficient = 2.0;
  policy.interval_max = Duration(500);
  EXPECT_EQ(delays_of(policy), (std::vector<std::int64_t>{100, 200, 400, 500, 500}));
  policy.interval_max = Duration(0);
  EXPECT_EQ(delays_of(policy), (std::vector<std::int64_t>{100, 200, 400, 800, 1600}));
}

TEST(RetryTest, AbsurdPoliciesStayDefined) {
  RetryPolicy policy;
  policy.attempts_max = 50;
  policy.first_interval = Duration::max();
  policy.backoff_coefficient = 1e300;
  EXPECT_EQ(delays_of(policy).size(), 49U);
  policy.first_interval = Duration(-7);
  policy.backoff_coefficient = -1;
  EXPECT_EQ(delays_of(policy, 2), (std::vector<std::int64_t>{0, 0}));
}

TEST(RetryTest, GivesUpWhenTheNextAttemptWouldBeTooLate) {
  RetryPolicy policy;
  policy.attempts_max = 100;
  policy.first_interval = Duration(1000);
  policy.total_timeout = Duration(7000);
  // Each failure comes 1,000 us after its attempt began, each timer fires 1,000 us later: attempts
  // start at 0, 2,000, 4,000; the fourth would at 6,000 and the fifth at 8,000.
  EXPECT_EQ(delays_of(policy).size(), 3U);
}

TEST(RetryTest, NonRetriableFailuresAreFinal) {
  EXPECT_TRUE(delays_of(RetryPolicy{}, 100, true).empty());
}

TEST(RetryTest, ThePredicateDecides) {
  RetryPolicy policy;
  policy.attempts_max = 10;
  int asked = 0;
  policy.retry_if = [&](const FailureDetails& failure) {
    EXPECT_EQ(failure.message, "m");
    return ++asked < 3;
  };
  EXPECT_EQ(delays_of(policy).size(), 2U);
  policy.retry_if = [](const FailureDetails&) -> bool { throw std::runtime_error("undecided"); };
  Harness harness(with_policy(policy));
  harness.begin();
  EXPECT_EQ(expect_failed(harness.step({failed(0, "E")})).message, "undecided");
}

TEST(RetryTest, ALaterSuccessIsTheResult) {
  Harness harness(with_policy(RetryPolicy{}));
  harness.begin();
  harness.step({failed(0, "E")});
  harness.replay();
  harness.step({fired(1)});
  harness.replay();
  expect_completed(harness.step({completed(2, "at last")}), "at last");
}

TEST(RetryTest, AChildIsRetriedUnderTheSameId) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    const RetryPolicy policy;
    std::string text = co_await context.call_sub_orchestration("child", "in", "", policy);
    co_return text;
  });
  const std::string id = harness.begin().at(0).instance_id;
  EXPECT_FALSE(id.empty());
  harness.step({failed(0, "E", "", false, Kind::sub_orchestration_failed)});
  EXPECT_EQ(harness.step({fired(1)}).at(0).instance_id, id);
  expect_completed(harness.step({reply(Kind::sub_orchestration_completed, 2, "ok")}), "ok");
}

TEST(RetryTest, RetriesRunSideBySide) {
  Harness harness([](OrchestrationContext& context) -> Task<std::string> {
    const RetryPolicy policy;
    std::vector<Future<std::string>> futures;
    for (int i = 0; i < 3; ++i) {
      futures.push_back(context.call_activity("flaky", std::to_string(i), policy));
    }
    std::string text;
    const auto parts = co_await context.when_all(std::move(futures));
    for (const std::string& part : parts) text += part;
    co_return text;
  });
  ASSERT_EQ(harness.begin().size(), 3U);
  auto actions = harness.step({failed(1, "E"), completed(0, "a"), failed(2, "E")});
  ASSERT_EQ(actions.size(), 2U);  // timers 3 and 4
  actions = harness.step({fired(4), fired(3)});
  ASSERT_EQ(actions.size(), 2U);
  EXPECT_EQ(actions[0].data, "2");
  EXPECT_EQ(actions[1].data, "1");
  expect_completed(harness.step({completed(6, "b"), completed(5, "c")}), "abc");
}

}  // namespace
}  // namespace ingot
