// The tool is killed with SIGKILL while it loads a hub, over and over, also while it recovers from
// the kill before. After each kill the ledger must hold: nothing acknowledged is lost. After the
// last kill of a hub everything that was running finishes, and every byte on disk is in order.
//
// Segments and checkpoints are small, so that switches of both fall under the kills. A fresh hub
// every few kills keeps it small. INGOT_CRASH_RUNS sets the number of kills and INGOT_CRASH_SEED
// the seed; without INGOT_CRASH_RUNS a machine that is too slow for 50 gets fewer.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "core/random.h"
#include "tests/tools/tool_runner.h"

extern char** environ;

namespace ingot {
namespace {

using Json = nlohmann::json;
using Arguments = std::vector<std::string>;
using SteadyClock = std::chrono::steady_clock;

constexpr std::uint64_t kKillsOfAHub = 5;
constexpr std::uint64_t kLoadMsMax = 500;
constexpr auto kTimeMax = std::chrono::seconds(60);  // of the default run
constexpr auto kStartTimeMax = std::chrono::seconds(120);

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

class SigkillTest : public tools::ToolTest {
 protected:
  [[nodiscard]] std::string ledger() const { return (folder() / "ledger").string(); }
  [[nodiscard]] std::string log() const { return (folder() / "killed.txt").string(); }

  // The load, its shape chosen by `random`. It lasts until killed.
  Arguments load(Random& random, bool resume) const {
    Arguments words = {INGOT_TOOL, "bench",    "hello", "--dir",     hub_path(), "--ledger",
                       ledger(),   "--warmup", "0",     "--seconds", "600"};
    const auto add = [&words](const Arguments& more) {
      words.insert(words.end(), more.begin(), more.end());
    };
    const Arguments lengths = {"3", "10", "30"};
    add({"--length", lengths[random.below(lengths.size())]});
    add({"--concurrency", std::to_string(1 + random.below(100))});
    add({"--activity-mode", random.one_in(2) ? "inline" : "pool"});
    add({"--id-order", random.one_in(2) ? "time" : "random"});
    if (random.one_in(3)) add({"--io", "pwritev2"});
    if (random.one_in(3)) add({"--persist-first"});
    add(resume ? Arguments{"--resume"} : Arguments{"--partitions", "3"});
    add({"--shards", "2"});
    add(small_sizes());
    return words;
  }

  static Arguments small_sizes() {
    return {"--segment-mib", "1", "--checkpoint-mib", "1", "--checkpoint-facts", "1000"};
  }

  // Runs the program and kills it `ms` later; with `after_start`, later than the first line of the
  // ledger. False when it ended by itself.
  bool run_and_kill(const Arguments& words, std::uint64_t ms, bool after_start) const {
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log().c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    pid_t child = -1;
    const int error = posix_spawn(&child, INGOT_TOOL, &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    EXPECT_EQ(error, 0);
    if (error != 0) return false;

    bool alive = true;
    if (after_start) alive = wait_for_ledger(child);
    if (alive) std::this_thread::sleep_for(std::chrono::milliseconds(ms));
    ::kill(child, SIGKILL);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  }

  bool wait_for_ledger(pid_t child) const {
    const auto end = SteadyClock::now() + kStartTimeMax;
    std::error_code error;
    while (!tools::fs::exists(ledger(), error) || tools::fs::file_size(ledger(), error) == 0) {
      siginfo_t info{};
      if (::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
          info.si_pid == child) {
        return false;
      }
      if (SteadyClock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }

  // Runs `ingot bench <arguments>` to its end, and gives its JSON when it succeeded.
  Json bench(const Arguments& arguments) const {
    const std::string file = (folder() / "report.json").string();
    Arguments words = {"bench"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    const Arguments files = {"--dir", hub_path(), "--ledger", ledger(), "--json", file};
    words.insert(words.end(), files.begin(), files.end());
    const Arguments sizes = small_sizes();
    words.insert(words.end(), sizes.begin(), sizes.end());
    const tools::ToolResult result = run(words);
    EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
    if (result.exit_code != 0) return Json::object();
    return Json::parse(tools::read_file(file), nullptr, false);
  }
};

TEST_F(SigkillTest, NothingAcknowledgedIsLost) {
  const std::uint64_t seed = number_from("INGOT_CRASH_SEED", entropy64());
  const std::uint64_t kills = number_from("INGOT_CRASH_RUNS", 50);
  const bool may_stop_early = std::getenv("INGOT_CRASH_RUNS") == nullptr;
  std::printf("INGOT_CRASH_SEED=%llu\n", static_cast<unsigned long long>(seed));
  Random random(seed);
  const auto begin = SteadyClock::now();

  std::uint64_t killed = 0;
  std::uint64_t promises = 0;
  std::uint64_t resumed = 0;
  const auto go_on = [&] {
    return killed < kills && !(may_stop_early && SteadyClock::now() - begin > kTimeMax);
  };
  while (go_on()) {
    tools::fs::remove_all(hub_path());
    tools::fs::remove(ledger());
    for (std::uint64_t i = 0; i < kKillsOfAHub && (i == 0 || go_on()); ++i, ++killed) {
      SCOPED_TRACE("kill " + std::to_string(killed));
      const Arguments words = load(random, i != 0);
      ASSERT_TRUE(run_and_kill(words, random.below(kLoadMsMax), i == 0)) << tools::read_file(log());
      // Every other time the next one meets the hub as the kill left it.
      if (random.one_in(2)) bench({"check"});
      ASSERT_FALSE(HasFailure());
    }
    const Json finished =
        bench({"hello", "--resume", "--warmup", "0", "--seconds", "0.05", "--concurrency", "10"});
    const Json checked = bench({"check"});
    ASSERT_FALSE(HasFailure());
    EXPECT_EQ(checked["ledger_running"], 0);
    promises += checked["ledger_started"].get<std::uint64_t>();
    resumed += finished["resumed"].get<std::uint64_t>();
    const tools::ToolResult verified = run({"verify", hub_path()});
    ASSERT_EQ(verified.exit_code, 0) << verified.out << verified.err;
  }
  std::printf("%llu kills, %llu promises kept, %llu instances resumed after the last kill\n",
              static_cast<unsigned long long>(killed), static_cast<unsigned long long>(promises),
              static_cast<unsigned long long>(resumed));
  EXPECT_GT(killed, 0U);
  EXPECT_GT(promises, 0U);
}

}  // namespace
}  // namespace ingot
