// The tool is killed with SIGKILL while it loads a hub, over and over: at any time, while it
// recovers from the kill before, and while a checkpoint is being written. After each kill the
// ledger must hold: nothing acknowledged is lost. After the last kill of a hub everything that was
// running finishes, each output and history is right, entities have what was done to them exactly
// once, and every byte on disk is in order.
//
// Segments and checkpoints are small, so that switches of both fall under the kills. A fresh hub
// every few kills keeps it small. INGOT_CRASH_RUNS sets the number of kills and INGOT_CRASH_SEED
// the seed; without INGOT_CRASH_RUNS a machine that is too slow for 20 gets fewer.

#include <cstdio>
#include <map>

#include "tests/crash/killed_tool.h"

namespace ingot {
namespace {

constexpr std::uint64_t kKillsOfAHub = 5;
constexpr std::uint64_t kLoadUsMax = 500'000;
// A checkpoint takes a few milliseconds here, and so does a recovery.
constexpr std::uint64_t kAimedUsMax = 30'000;
constexpr auto kTimeMax = std::chrono::seconds(60);  // of the default run

enum class Moment { any_time, loading, recovering, checkpoint };

class SigkillTest : public KilledToolTest {
 protected:
  // Runs the program and kills it `us` after the moment has come. False when it ended by itself.
  bool run_and_kill(const Arguments& words, std::uint64_t us, Moment moment) const {
    const auto before = checkpoint_times();
    const pid_t child = start(words);
    if (child < 0) return false;
    const bool came = wait_until(child, [&] {
      switch (moment) {
        case Moment::any_time:
          return true;
        case Moment::loading:
          return ledger_has_lines();
        case Moment::recovering:  // the first thing that an opening writes
          return tools::read_file(hub() + "/lock") == std::to_string(child) + "\n";
        case Moment::checkpoint:
          return checkpoint_times() != before;
      }
      return true;
    });
    if (came) std::this_thread::sleep_for(std::chrono::microseconds(us));
    return kill(child) && came;
  }

  [[nodiscard]] std::map<std::string, tools::fs::file_time_type> checkpoint_times() const {
    std::map<std::string, tools::fs::file_time_type> found;
    std::error_code error;
    for (const char* partition : {"0", "1", "2"}) {
      const std::string path = hub() + "/partition-000" + partition + "/checkpoint/checkpoint.mdb";
      found[path] = tools::fs::last_write_time(path, error);
    }
    return found;
  }
};

TEST_F(SigkillTest, NothingAcknowledgedIsLost) {
  const std::uint64_t seed = number_from("INGOT_CRASH_SEED", entropy64());
  const std::uint64_t kills = number_from("INGOT_CRASH_RUNS", 20);
  const bool may_stop_early = std::getenv("INGOT_CRASH_RUNS") == nullptr;
  std::printf("INGOT_CRASH_SEED=%llu\n", static_cast<unsigned long long>(seed));
  Random random(seed);
  const auto begin = SteadyClock::now();

  std::uint64_t killed = 0;
  std::uint64_t promises = 0;
  std::uint64_t resumed = 0;
  std::map<Moment, int> at;
  const auto go_on = [&] {
    return killed < kills && !(may_stop_early && SteadyClock::now() - begin > kTimeMax);
  };
  while (go_on()) {
    tools::fs::remove_all(hub());
    tools::fs::remove(ledger());
    for (std::uint64_t i = 0; i < kKillsOfAHub && (i == 0 || go_on()); ++i, ++killed) {
      SCOPED_TRACE("kill " + std::to_string(killed));
      const Arguments words = load(random, i != 0);
      constexpr Moment kMoments[] = {Moment::any_time, Moment::recovering, Moment::checkpoint};
      const Moment moment = i == 0 ? Moment::loading : kMoments[random.below(3)];
      ++at[moment];
      const bool aimed = moment == Moment::recovering || moment == Moment::checkpoint;
      const std::uint64_t us = random.below(aimed ? kAimedUsMax : kLoadUsMax);
      ASSERT_TRUE(run_and_kill(words, us, moment)) << tools::read_file(log());
      if (random.one_in(2)) expect_clean();
      // Every other time the next one meets the hub as the kill left it.
      if (random.one_in(2)) bench({"check"});
      ASSERT_FALSE(HasFailure());
    }
    const Json checked = finish_and_check();
    ASSERT_FALSE(HasFailure());
    promises += checked["ledger_started"].get<std::uint64_t>();
    resumed += checked["resumed"].get<std::uint64_t>();
  }
  std::printf("%llu kills (%d aimed at recoveries, %d at checkpoints), %llu promises kept, ",
              static_cast<unsigned long long>(killed), at[Moment::recovering],
              at[Moment::checkpoint], static_cast<unsigned long long>(promises));
  std::printf("%llu instances resumed after the last kill of a hub\n",
              static_cast<unsigned long long>(resumed));
  EXPECT_GT(killed, 0U);
  EXPECT_GT(promises, 0U);
}

}  // namespace
}  // namespace ingot
