#pragma once

// What the crash tests share: the tool started in the background to be killed, and its bench run to
// the end.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "core/random.h"
#include "tests/tools/tool_runner.h"

extern char** environ;

namespace ingot {

using Json = nlohmann::json;
using Arguments = std::vector<std::string>;
using SteadyClock = std::chrono::steady_clock;

constexpr auto kStartTimeMax = std::chrono::seconds(120);

inline std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

inline Arguments operator+(Arguments words, const Arguments& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

class KilledToolTest : public tools::ToolTest {
 protected:
  // Where the hub is; below it nothing but the hub.
  [[nodiscard]] virtual std::string hub() const { return hub_path(); }
  [[nodiscard]] std::string ledger() const { return (folder() / "ledger").string(); }
  [[nodiscard]] std::string log() const { return (folder() / "killed.txt").string(); }
  [[nodiscard]] bool ledger_has_lines() const {
    std::error_code error;
    return tools::fs::exists(ledger(), error) && tools::fs::file_size(ledger(), error) != 0;
  }

  // Small, so that switches of both happen all the time.
  static Arguments small_sizes() {
    return {"--segment-mib", "1", "--checkpoint-mib", "1", "--checkpoint-facts", "1000"};
  }

  // A load, its shape chosen by `random`, that lasts until it is killed.
  Arguments load(Random& random, bool resume) const {
    const bool mixed = !random.one_in(4);
    Arguments words = {INGOT_TOOL,  "bench",    mixed ? "mixed" : "hello",
                       "--dir",     hub(),      "--ledger",
                       ledger(),    "--warmup", "0",
                       "--seconds", "600",      "--shards",
                       "2"};
    const Arguments lengths = {"3", "10", "30"};
    words = words + (mixed ? Arguments{"--accounts", "50"}
                           : Arguments{"--length", lengths[random.below(lengths.size())]});
    words = words + Arguments{"--concurrency", std::to_string(1 + random.below(100))};
    words = words + Arguments{"--activity-mode", random.one_in(2) ? "inline" : "pool"};
    words = words + Arguments{"--id-order", random.one_in(2) ? "time" : "random"};
    if (random.one_in(3)) words = words + Arguments{"--io", "pwritev2"};
    if (random.one_in(3)) words = words + Arguments{"--persist-first"};
    words = words + (resume ? Arguments{"--resume"} : Arguments{"--partitions", "3"});
    return words + small_sizes();
  }

  // Starts a program in the background.
  pid_t start(const Arguments& words) const {
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log().c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    pid_t child = -1;
    const int error =
        posix_spawn(&child, words.front().c_str(), &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    EXPECT_EQ(error, 0);
    return error == 0 ? child : -1;
  }
  static bool has_ended(pid_t child) {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == child;
  }
  // False when it has ended by itself before.
  static bool kill(pid_t child) {
    ::kill(child, SIGKILL);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  }
  // Waits until `ready` is true; false when the child ends before, or it takes too long.
  template <typename Ready>
  static bool wait_until(pid_t child, Ready&& ready) {
    const auto end = SteadyClock::now() + kStartTimeMax;
    while (!ready()) {
      if (has_ended(child) || SteadyClock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    return true;
  }

  // Runs `ingot bench <arguments>` to its end, and gives its JSON when it succeeded.
  Json bench(const Arguments& arguments) const {
    const std::string file = (folder() / "report.json").string();
    const tools::ToolResult result =
        run(Arguments{"bench"} + arguments +
            Arguments{"--dir", hub(), "--ledger", ledger(), "--json", file} + small_sizes());
    EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
    if (result.exit_code != 0) return Json::object();
    return Json::parse(tools::read_file(file), nullptr, false);
  }
  // What was cut short is sound as it lies.
  void expect_clean() const {
    const tools::ToolResult verified = run({"verify", hub()});
    EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
  }
  // Lets all that was running finish, and proves the hub against the ledger and by itself. The
  // figures of `check`, with "resumed" of the run before.
  Json finish_and_check() const {
    const Json finished = bench({"mixed", "--resume", "--accounts", "50", "--warmup", "0",
                                 "--seconds", "0.05", "--concurrency", "20"});
    Json checked = bench({"check"});
    if (HasFailure()) return Json::object();
    EXPECT_EQ(checked["ledger_running"], 0);
    EXPECT_EQ(checked["hub_running"], 0);
    EXPECT_GT(checked["histories"], 0);
    EXPECT_GT(checked["entities"], 0);
    expect_clean();
    checked["resumed"] = finished["resumed"];
    return checked;
  }
};

}  // namespace ingot
