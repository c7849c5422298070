#pragma once

// Cases in which something fails, each in a process of its own, and what is made of their answers:
// "P <problem>" fails the test, "S <hits> <told> <promises>" is what one case comes to, "U <why>"
// says that the case can't run here.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/faults/faults.h"

namespace ingot::faults {

struct Tally {
  std::uint64_t reached = 0;   // cases whose fault was met
  std::uint64_t reported = 0;  // those in which somebody was told
  std::uint64_t promises = 0;  // kept
};

// The answer of one case in which nothing fails.
[[nodiscard]] std::string answer_without_a_fault(const std::function<std::string()>& run);
// Runs a case for each fault, and prints what they come to.
Tally prove(const std::vector<Fault>& faults, const std::function<std::string(const Fault&)>& run);
// The same, and most of them have to be met, some of them told; not so when INGOT_FAULTS_ONLY
// chose them.
void prove_chosen(const std::vector<Fault>& faults,
                  const std::function<std::string(const Fault&)>& run);

}  // namespace ingot::faults
