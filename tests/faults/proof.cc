#include "tests/faults/proof.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "tests/faults/fault_cases.h"
#include "tests/faults/forks.h"

namespace ingot::faults {
namespace {

constexpr auto kLimit = std::chrono::seconds(300);  // of one case, on the slowest machine
constexpr std::size_t kJobs = 4;                    // they wait for the disk most of the time

}  // namespace

std::string answer_without_a_fault(const std::function<std::string()>& run) {
  std::string answer;
  run_in_forks(
      1, 1, kLimit, [&run](std::size_t) { return run(); },
      [&answer](std::size_t, const Outcome& outcome) {
        EXPECT_FALSE(outcome.hung);
        EXPECT_EQ(outcome.signal, 0);
        EXPECT_EQ(outcome.exit_code, 0);
        EXPECT_FALSE(outcome.text.empty());
        for (const std::string& problem : lines_of(outcome.text, 'P')) ADD_FAILURE() << problem;
        answer = outcome.text;
        return true;
      });
  return answer;
}

Tally prove(const std::vector<Fault>& faults, const std::function<std::string(const Fault&)>& run) {
  Tally tally;
  std::map<std::string, int> unfelt;
  const auto judge = [&](std::size_t i, const Outcome& outcome) {
    const std::string name = to_string(faults[i]);
    EXPECT_FALSE(outcome.hung) << name << " hangs";
    EXPECT_EQ(outcome.signal, 0) << name << " ends by a signal";
    EXPECT_EQ(outcome.exit_code, 0) << name;
    if (!lines_of(outcome.text, 'P').empty()) ADD_FAILURE() << name << "\n" << outcome.text;
    for (const std::string& line : lines_of(outcome.text, 'S')) {
      unsigned long hit = 0;
      unsigned long told = 0;
      unsigned long promises = 0;
      if (std::sscanf(line.c_str(), "%lu %lu %lu", &hit, &told, &promises) != 3) continue;
      tally.reached += hit != 0 ? 1 : 0;
      tally.reported += told;
      tally.promises += promises;
      if (hit == 0 || told != 0) continue;
      ++unfelt[std::string(to_string(faults[i].call)) + " " +
               std::string(to_string(faults[i].place))];
    }
    return true;
  };
  run_in_forks(
      faults.size(), kJobs, kLimit, [&](std::size_t i) { return run(faults[i]); }, judge);
  std::printf("%zu cases, %llu reached, %llu reported, %llu promises kept\n", faults.size(),
              static_cast<unsigned long long>(tally.reached),
              static_cast<unsigned long long>(tally.reported),
              static_cast<unsigned long long>(tally.promises));
  for (const auto& [what, times] : unfelt) {
    std::printf("  not felt: %s, %d times\n", what.c_str(), times);
  }
  return tally;
}

void prove_chosen(const std::vector<Fault>& faults,
                  const std::function<std::string(const Fault&)>& run) {
  const Tally tally = prove(faults, run);
  if (std::getenv("INGOT_FAULTS_ONLY") != nullptr) return;
  EXPECT_GT(tally.reached, faults.size() / 2);
  EXPECT_GT(tally.reported, 0U);
}

}  // namespace ingot::faults
