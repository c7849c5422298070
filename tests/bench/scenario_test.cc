// What the workloads check is checked: an output that is wrong, or an end that is, fails the run.

#include <gtest/gtest.h>

#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "bench/bank.h"
#include "bench/count.h"
#include "bench/fixed_scenario.h"
#include "bench/mix.h"
#include "bench/word_count.h"
#include "tests/support/temp_directory.h"

namespace ingot::bench {
namespace {

// Another scenario, with something done to it.
class Spoiled : public Scenario {
 public:
  explicit Spoiled(Scenario& inner) : inner_(inner) {}

  void begin(Session& session) override { inner_.begin(session); }
  std::string_view orchestrator(const Lane& lane) const override {
    return inner_.orchestrator(lane);
  }
  void prepare(Lane& lane, StartOptions& start) override { inner_.prepare(lane, start); }
  std::string verify(const Lane& lane, const InstanceState& state) override {
    return inner_.verify(lane, state);
  }
  Status finish(Session& session, Report& report) override {
    return inner_.finish(session, report);
  }

 private:
  Scenario& inner_;
};

class SpoiledOutput final : public Spoiled {
 public:
  using Spoiled::Spoiled;
  std::string verify(const Lane& lane, const InstanceState& state) override {
    InstanceState changed = state;
    if (changed.output && changed.name != "count") {
      changed.output->back() = static_cast<char>(changed.output->back() ^ 1);
    } else {
      changed.output.reset();
    }
    const std::scoped_lock lock(mutex_);
    names_.insert(state.name);
    return Spoiled::verify(lane, changed);
  }
  // The orchestrators whose output was spoiled; after the load.
  [[nodiscard]] const std::set<std::string>& names() const { return names_; }

 private:
  std::mutex mutex_;
  std::set<std::string> names_;
};

// Signals an entity behind the scenario's back.
class SpoiledEntity final : public Spoiled {
 public:
  SpoiledEntity(Scenario& inner, EntityId entity) : Spoiled(inner), entity_(std::move(entity)) {}
  Status finish(Session& session, Report& report) override {
    EXPECT_TRUE(session.client().signal_entity(entity_, "add", "1").ok());
    return Spoiled::finish(session, report);
  }

 private:
  const EntityId entity_;
};

Report run(Scenario& scenario, std::uint32_t concurrency) {
  const sim::TempDirectory folder;
  BenchOptions options;
  options.dir = folder.path() + "/hub";
  options.partitions = 2;
  options.segment_mib = 1;
  options.concurrency = concurrency;
  options.warmup = 0;
  options.seconds = 0.1;
  Report report;
  const Status status = run_load(options, scenario, report);
  EXPECT_TRUE(status.ok()) << status.to_string();
  return report;
}

TEST(Scenario, WrongOutputOfAnyKindIsCaught) {
  BenchOptions options;
  options.accounts = 5;
  const auto shares = parse_mix(
      "hello=1,fanout=1,events=1,timers=1,suborch=1,chain=1,bank=1,counter=1,wordcount=1,"
      "collision=1");
  ASSERT_TRUE(shares.ok()) << shares.status().to_string();
  MixScenario mix(*shares, options);
  SpoiledOutput spoiled(mix);
  const Report report = run(spoiled, 100);  // as many as it takes to draw each kind at once
  EXPECT_EQ(spoiled.names(),
            (std::set<std::string>{"hello", "fanout", "conversation", "timers", "suborch", "chain",
                                   "transfer", "count", "word_count", "collision"}));
  EXPECT_EQ(report.completed, 0);
  EXPECT_GE(report.errors, 100);
  EXPECT_FALSE(report.verified());
}

TEST(Scenario, WrongSumOfBalancesIsCaught) {
  BankScenario bank(5);
  SpoiledEntity spoiled(bank, EntityId("account", "3"));
  const Report report = run(spoiled, 4);
  EXPECT_GT(report.verified_outputs, 0);
  EXPECT_EQ(report.errors, 1);
  EXPECT_NE(report.first_error.find("together have 5000001"), std::string::npos)
      << report.first_error;
}

TEST(Scenario, WrongCounterIsCaught) {
  CountScenario count(3, 10);
  SpoiledEntity spoiled(count, EntityId("counter", "2"));
  const Report report = run(spoiled, 4);
  EXPECT_GT(report.verified_outputs, 0);
  EXPECT_EQ(report.errors, 1);
  EXPECT_NE(report.first_error.find("counter 2 has"), std::string::npos) << report.first_error;
}

TEST(Scenario, WordsAreCounted) {
  EXPECT_EQ(count_words(""), "");
  EXPECT_EQ(count_words("to be or not to be"), "be 2\nnot 1\nor 1\nto 2\n");
  EXPECT_EQ(make_text(1, 0), "");
  EXPECT_EQ(make_text(7, 100), make_text(7, 100));
  EXPECT_NE(make_text(7, 100), make_text(8, 100));
}

TEST(Scenario, SmallestTextsAreCounted) {
  for (const std::uint32_t words : {0U, 5U}) {
    SCOPED_TRACE(words);
    WordCountScenario scenario(words);
    const Report report = run(scenario, 4);
    EXPECT_EQ(report.errors, 0) << report.first_error;
    EXPECT_TRUE(report.verified());
  }
}

TEST(Scenario, ChainsOfOneExecutionAreChains) {
  EXPECT_EQ(chain_output(0), "0");
  EXPECT_EQ(chain_output(1), "1");
  EXPECT_EQ(chain_output(2), "63");  // 2, then 2 * 31 + 1
}

TEST(Scenario, MixIsParsed) {
  const auto shares = parse_mix("hello=50,bank=0,chain=7");
  ASSERT_TRUE(shares.ok());
  ASSERT_EQ(shares->size(), 3);
  EXPECT_EQ((*shares)[0].kind, "hello");
  EXPECT_EQ((*shares)[2].weight, 7);
  for (const char* bad : {"", "hello", "hello=", "hello=x", "hello=1x", "hello=-1", "hello=1,",
                          "none=1", "hello=0", "hello=1,hello=2", "hello=1000001"}) {
    EXPECT_EQ(parse_mix(bad).status().code(), StatusCode::invalid_argument) << bad;
  }
}

}  // namespace
}  // namespace ingot::bench
