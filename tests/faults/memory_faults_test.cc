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
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "core/random.h"
#include "tests/faults/allocations.h"
#include "tests/faults/forks.h"
#include "tests/faults/hub_life.h"
#include "tests/support/end_child.h"
#include "tests/support/temp_directory.h"

namespace ingot::faults {
namespace {

constexpr auto kLimit = std::chrono::seconds(300);
constexpr std::size_t kJobs = 4;
constexpr std::uint64_t kSome = 25;  // of each kind of memory
constexpr std::uint64_t kSomeOpenings = 12;
constexpr int kOpenings = 4;  // that fail in the same way

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

// Runs `task` in a process that may end in the middle of it. What it has written to its file, and
// how the process ended.
struct Ended {
  std::string text;
  std::string said;  // on stderr
  int signal = 0;

  // By the abort that says that there was no memory.
  [[nodiscard]] bool for_memory() const {
    return signal == SIGABRT && (said.find("out of memory") != std::string::npos ||
                                 said.find("std::bad_alloc") != std::string::npos);
  }
};

Ended in_a_process(const std::string& folder, const std::function<void(std::ofstream& out)>& task) {
  const pid_t process = ::fork();
  if (process == 0) {
    const int file = ::open((folder + "/said").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(file, STDERR_FILENO);
    std::ofstream ended(folder + "/ended");
    task(ended);
    ended.close();
    testing::end_child(0);
  }
  int status = 0;
  ::waitpid(process, &status, 0);
  return {contents(folder + "/ended"), contents(folder + "/said"),
          WIFSIGNALED(status) ? WTERMSIG(status) : 0};
}

void write_counts(std::ofstream& out) {
  for (std::size_t memory = 0; memory < static_cast<std::size_t>(Memory::count_); ++memory) {
    out << "C " << memory << " " << memory_count(static_cast<Memory>(memory)) << "\n";
  }
}

// The two lives.
void live(const MemoryFault& fault, const std::string& folder, std::ofstream& out) {
  HubLife life(folder, LogIo::automatic);
  life.write_to(folder + "/promises");
  life.around_opening(begin_opening, end_opening);
  watch_memory();
  if (fault.nth != 0) fail_memory(fault.memory, fault.nth, fault.for_good);
  life.first_life();
  life.second_life();
  fail_no_memory();
  for (const std::string& problem : life.problems()) out << "P " << problem << "\n";
  write_counts(out);
  out << "S " << memory_hits() << " " << life.failures().size() << " 0\n";
  if (!life.failures().empty()) out << "F " << life.failures().front().to_string() << "\n";
}

std::string run_case(const MemoryFault& fault) {
  const sim::TempDirectory folder;
  const Ended ended =
      in_a_process(folder.path(), [&](std::ofstream& out) { live(fault, folder.path(), out); });
  std::string text = ended.text;
  if (ended.signal != 0) {
    text += "D " + std::to_string(ended.signal) + "\n";
    if (!ended.for_memory()) {
      text += "P it ended by signal " + std::to_string(ended.signal) + ": " + ended.said + "\n";
    }
  } else if (text.find("S ") == std::string::npos) {
    text += "P the lives said nothing: " + ended.said + "\n";
  }
  HubLife after(folder.path(), LogIo::automatic);
  after.recall(folder.path() + "/promises");
  after.check();
  for (const std::string& problem : after.problems()) text += "P " + problem + "\n";
  return text + "K " + std::to_string(after.promises()) + "\n";
}

// Opens a hub once, and then, with the fault, kOpenings times more: each time another new one, or
// with a hub that has `lived` another copy of that.
void fail_to_open(const MemoryFault& fault, const std::string& lived, const std::string& folder,
                  std::ofstream& out) {
  int refused = 0;
  int leaks = 0;
  for (int attempt = 0; attempt <= kOpenings; ++attempt) {
    const std::string place = folder + "/" + std::to_string(attempt);
    std::filesystem::create_directory(place);
    if (!lived.empty()) {
      std::filesystem::copy(lived, place + "/hub", std::filesystem::copy_options::recursive);
    }
    HubLife life(place, LogIo::automatic);
    life.around_opening(begin_opening, end_opening);
    watch_memory();
    // The first one succeeds: what libraries make once and keep is there then.
    const bool fails = attempt != 0 && fault.nth != 0;
    if (fails) fail_memory(fault.memory, fault.nth, fault.for_good);
    const std::int64_t before = live_allocations();
    const bool opened = life.open_and_close().ok();
    const std::int64_t after = live_allocations();
    fail_no_memory();
    for (const std::string& problem : life.problems()) out << "P " << problem << "\n";
    if (!fails && !opened) out << "P opening fails without a fault\n";
    if (attempt == 0) write_counts(out);
    if (opened) continue;
    ++refused;
    if (after > before) ++leaks;
    out << "L " << after - before << "\n";
  }
  // What is kept once, or moves from one cache to another, is not kept each time.
  if (refused > 2 && leaks == refused) out << "P each failed opening leaves memory\n";
  out << "S " << refused << "\n";
}

std::string run_opening(const MemoryFault& fault, const std::string& lived) {
  const sim::TempDirectory folder;
  const Ended ended = in_a_process(
      folder.path(), [&](std::ofstream& out) { fail_to_open(fault, lived, folder.path(), out); });
  std::string text = ended.text;
  if (ended.signal == 0) return text;
  text += "D " + std::to_string(ended.signal) + "\n";
  if (!ended.for_memory()) {
    text += "P it ended by signal " + std::to_string(ended.signal) + ": " + ended.said + "\n";
  }
  return text;
}

bool has_problem(const std::string& text) {
  return text.starts_with("P ") || text.find("\nP ") != std::string::npos;
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

// About `some` allocations of each kind, or INGOT_FAULTS_RUNS of those that `count` runs into when
// nothing fails.
std::vector<MemoryFault> choose(std::uint64_t some, const std::function<std::string()>& count_all) {
  const char* const chosen = std::getenv("INGOT_FAULTS_SEED");
  const std::uint64_t seed = chosen != nullptr ? std::strtoull(chosen, nullptr, 10) : 1;
  if (const char* const runs = std::getenv("INGOT_FAULTS_RUNS"); runs != nullptr) {
    some = std::strtoull(runs, nullptr, 10);
  }
  std::printf("INGOT_FAULTS_SEED=%llu\n", static_cast<unsigned long long>(seed));
  Random random(seed);
  std::vector<MemoryFault> faults;
  run_in_forks(
      1, 1, kLimit, [&](std::size_t) { return count_all(); },
      [&](std::size_t, const Outcome& outcome) {
        EXPECT_FALSE(has_problem(outcome.text)) << outcome.text;
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
  return faults;
}

TEST(MemoryFaults, AFailedAllocationIsAStatusOrACleanEndAndNothingIsLost) {
  const std::vector<MemoryFault> faults = choose(kSome, [] {
    return run_case({Memory::c, 0, false});
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
        if (has_problem(outcome.text)) ADD_FAILURE() << name << "\n" << outcome.text;
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

class FailedOpenings : public ::testing::TestWithParam<bool> {};

TEST_P(FailedOpenings, GiveBackAllMemory) {
  const sim::TempDirectory folder;
  std::string lived;
  if (GetParam()) {
    lived = folder.path() + "/hub";
    const Ended ended = in_a_process(folder.path(), [&](std::ofstream& out) {
      HubLife life(folder.path(), LogIo::automatic);
      life.first_life();
      for (const std::string& problem : life.problems()) out << "P " << problem << "\n";
    });
    ASSERT_EQ(ended.text + ended.said, "");
  }
  std::vector<MemoryFault> faults = choose(kSomeOpenings, [&] {
    return run_opening({Memory::c, 0, false}, lived);
  });
  ASSERT_FALSE(HasFailure());
  ASSERT_FALSE(faults.empty());
  // Without any memory for a status the process ends, and has nothing to give back.
  for (MemoryFault& fault : faults) fault.for_good &= fault.memory == Memory::c;

  std::uint64_t refused = 0;
  std::uint64_t ends = 0;
  std::uint64_t unfelt = 0;
  run_in_forks(
      faults.size(), kJobs, kLimit, [&](std::size_t i) { return run_opening(faults[i], lived); },
      [&](std::size_t i, const Outcome& outcome) {
        const std::string name = name_of(faults[i]);
        EXPECT_FALSE(outcome.hung) << name << " hangs";
        EXPECT_EQ(outcome.signal, 0) << name;
        if (has_problem(outcome.text)) ADD_FAILURE() << name << "\n" << outcome.text;
        if (!numbers_behind(outcome.text, "D ").empty()) {
          ++ends;
          return true;
        }
        const std::vector<std::uint64_t> openings = numbers_behind(outcome.text, "S ");
        EXPECT_EQ(openings.size(), 1U) << name;
        const std::uint64_t failed = openings.empty() ? 0 : openings[0];
        refused += failed;
        if (failed == 0) ++unfelt;
        return true;
      });
  std::printf("%zu cases: %llu openings refused, %llu the end of the process, %llu not felt\n",
              faults.size(), static_cast<unsigned long long>(refused),
              static_cast<unsigned long long>(ends), static_cast<unsigned long long>(unfelt));
  EXPECT_GT(refused, faults.size());
}

INSTANTIATE_TEST_SUITE_P(Hubs, FailedOpenings, ::testing::Bool(), [](const auto& test) {
  return test.param ? "OfAHubThatHasLived" : "OfANewHub";
});

}  // namespace
}  // namespace ingot::faults
