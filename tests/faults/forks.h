#pragma once

// Runs cases each in a process of its own, so that one that crashes, hangs or leaves threads behind
// is a finding and harms no other. The calling process has one thread.

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

namespace ingot::faults {

struct Outcome {
  std::string text;   // what the case returned
  bool hung = false;  // it took longer than the limit and was killed
  int signal = 0;     // that ended it, other than ours
  int exit_code = 0;
};

// Runs `run(i)` for each i below `count`, up to `jobs` at a time, and gives each outcome to
// `done(i, outcome)` in this process; when that returns false, no more are begun. Each may take up
// to `limit`.
void run_in_forks(std::size_t count, std::size_t jobs, std::chrono::seconds limit,
                  const std::function<std::string(std::size_t)>& run,
                  const std::function<bool(std::size_t, const Outcome&)>& done);

}  // namespace ingot::faults
