// Every allocation of a hub fails in turn, once and for good.
//
// While a hub is being opened, and in LMDB at any time, that is a status, but for few places.
// Later it ends the process: a state machine that was left in the middle of a fact can't go on, and
// what was acknowledged is durable. So the proof is that of a crash: another process opens the hub
// and finds every promise kept. What may not happen: a hang, another signal than the abort that
// says that there was no memory, a lost promise.
//
// Each run takes some of the allocations; INGOT_FAULTS_RUNS=N about N of each kind, and
// INGOT_FAULTS_SEED chooses.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

#include "core/random.h"
#include "tests/faults/allocations.h"
#include "tests/faults/forks.h"
#include "tests/faults/hub_life.h"
#include "tests/support/temp_directory.h"

namespace ingot::faults {
namespace {

constexpr auto kLimit = std::chrono::seconds(300);
constexpr std::size_t kJobs = 4;
constexpr std::uint64_t kSome = 25;  // of each kind of memory

struct MemoryFault {
  Memory memory = Memory::c;
  std::uint64_t nth = 1;
  bool for_good = false;
};

std::string name_of(const MemoryFault& fault) {
  return std::string(to_string(fault.memory)) + " #" + std::to_string(fault.nth) +
         (fault.for_good ? ", for good" : ", once");
}

std::string contents(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// The lives, in a process that may end in the middle of them. Says how the process ended.
std::string live_and_maybe_die(const MemoryFault& fault, const std::string& folder, int& signal) {
  const pid_t process = ::fork();
  if (process == 0) {
    const int file = ::open((folder + "/said").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(file, STDERR_FILENO);
    HubLife life(folder, LogIo::automatic);
    life.write_to(folder + "/promises");
    life.around_opening(begin_opening, end_opening);
    watch_memory();
    if (fault.nth != 0) fail_memory(fault.memory, fault.nth, fault.for_good);
    life.first_life();
    life.second_life();
    fail_no_memory();
    std::ofstream ended(folder + "/ended");
    for (const std::string& problem : life.problems()) ended << "P " << problem << "\n";
    for (std::size_t memory = 0; memory < static_cast<std::size_t>(Memory::count_); ++memory) {
      ended << "C " << memory << " " << memory_count(static_cast<Memory>(memory)) << "\n";
    }
    ended << "S " << memory_hits() << " " << life.failures().size() << " 0\n";
    if (!life.failures().empty()) ended << "F " << life.failures().front().to_string() << "\n";
    ended.close();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(process, &status, 0);
  signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  return contents(folder + "/ended");
}

std::string run_case(const MemoryFault& fault) {
  const sim::TempDirectory folder;
  int signal = 0;
  std::string text = live_and_maybe_die(fault, folder.path(), signal);
  const std::string said = contents(folder.path() + "/said");
  if (signal != 0) {
    text += "D " + std::to_string(signal) + "\n";
    const bool says_so = said.find("out of memory") != std::string::npos ||
                         said.find("std::bad_alloc") != std::string::npos;
    if (signal != SIGABRT || !says_so) {
      text += "P it ended by signal " + std::to_string(signal) + ": " + said + "\n";
    }
  } else if (text.find("S ") == std::string::npos) {
    text += "P the lives said nothing: " + said + "\n";
  }
  HubLife after(folder.path(), LogIo::automatic);
  after.recall(folder.path() + "/promises");
  after.check();
  for (const std::string& problem : after.problems()) text += "P " + problem + "\n";
  return text + "K " + std::to_string(after.promises()) + "\n";
}

std::vector<std::uint64_t> numbers_behind(const std::string& text, const std::string& mark) {
  std::vector<std::uint64_t> numbers;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(mark)) continue;
    std::istringstream words(line.substr(mark.size()));
    for (std::uint64_t number = 0; words >> number;) numbers.push_back(number);
  }
  return numbers;
}

TEST(MemoryFaults, AFailedAllocationIsAStatusOrACleanEndAndNothingIsLost) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer has an allocator of its own";
#endif
  const char* const chosen = std::getenv("INGOT_FAULTS_SEED");
  const std::uint64_t seed = chosen != nullptr ? std::strtoull(chosen, nullptr, 10) : 1;
  const char* const runs = std::getenv("INGOT_FAULTS_RUNS");
  const std::uint64_t some = runs != nullptr ? std::strtoull(runs, nullptr, 10) : kSome;
  std::printf("INGOT_FAULTS_SEED=%llu\n", static_cast<unsigned long long>(seed));
  Random random(seed);

  std::vector<MemoryFault> faults;
  run_in_forks(
      1, 1, kLimit,
      [](std::size_t) {
        return run_case({Memory::c, 0, false});
      },
      [&](std::size_t, const Outcome& outcome) {
        EXPECT_EQ(outcome.text.find("P "), std::string::npos) << outcome.text;
        const std::vector<std::uint64_t> counts = numbers_behind(outcome.text, "C ");
        for (std::size_t i = 0; i + 1 < counts.size(); i += 2) {
          const auto memory = static_cast<Memory>(counts[i]);
          const std::uint64_t count = counts[i + 1];
          std::printf("%s: %llu\n", std::string(to_string(memory)).c_str(),
                      static_cast<unsigned long long>(count));
          const std::uint64_t step = std::max<std::uint64_t>(1, count / some);
          for (std::uint64_t nth = 1 + random.below(step); nth <= count;
               nth += 1 + random.below(2 * step - 1)) {
            faults.push_back({memory, nth, random.one_in(2)});
          }
        }
        return true;
      });
  ASSERT_FALSE(HasFailure());
  ASSERT_FALSE(faults.empty());

  std::uint64_t statuses = 0;
  std::uint64_t ends = 0;
  std::uint64_t opening_ends = 0;
  std::uint64_t unfelt = 0;
  std::uint64_t kept = 0;
  run_in_forks(
      faults.size(), kJobs, kLimit, [&](std::size_t i) { return run_case(faults[i]); },
      [&](std::size_t i, const Outcome& outcome) {
        const std::string name = name_of(faults[i]);
        EXPECT_FALSE(outcome.hung) << name << " hangs";
        EXPECT_EQ(outcome.signal, 0) << name;
        if (outcome.text.starts_with("P ") || outcome.text.find("\nP ") != std::string::npos) {
          ADD_FAILURE() << name << "\n" << outcome.text;
        }
        const std::vector<std::uint64_t> lived = numbers_behind(outcome.text, "S ");
        if (!numbers_behind(outcome.text, "D ").empty()) {
          ++ends;
          // For good there is no memory for a status either.
          if (faults[i].memory == Memory::cpp_opening && !faults[i].for_good) ++opening_ends;
        } else if (lived.size() > 1 && lived[1] != 0) {
          ++statuses;
        } else {
          ++unfelt;
        }
        for (const std::uint64_t promises : numbers_behind(outcome.text, "K ")) kept += promises;
        return true;
      });
  std::printf("%zu cases: %llu a status, %llu the end of the process, %llu not felt; ",
              faults.size(), static_cast<unsigned long long>(statuses),
              static_cast<unsigned long long>(ends), static_cast<unsigned long long>(unfelt));
  std::printf("%llu promises kept\n", static_cast<unsigned long long>(kept));
  EXPECT_GT(statuses, faults.size() / 5);
  EXPECT_LT(opening_ends, faults.size() / 10);
}

}  // namespace
}  // namespace ingot::faults
