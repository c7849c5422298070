#pragma once

// Victim: something with a known content that is damaged in one numbered way at a time and then
// opened; and run_cases(), which runs many such cases in a process of their own, so that a signal
// is one more result.
//
//   LogVictim victim({});
//   const Tally tally = run_cases(victim, {.cases_per_kind = 500, .seed = 1});
//   EXPECT_TRUE(tally.clean());
//
// A case is the name of a kind and a number below the kind's count: the same two always do the same
// damage, so that every failure can be run again alone.

#include <ingot/status.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ingot::corruption {

enum class Verdict : std::uint8_t {
  refused,   // by an error that names the file and the place
  harmless,  // opened, and all that was acknowledged is there, byte for byte
  silent,    // anything else
};

struct CaseResult {
  Verdict verdict = Verdict::silent;
  std::string what;  // for silent ones: what was wrong
};

struct DamageKind {
  std::string name;
  std::uint64_t count = 0;  // of different cases
};

class Victim {
 public:
  virtual ~Victim() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;
  [[nodiscard]] virtual const std::vector<DamageKind>& kinds() const = 0;
  // Damages, opens, judges, and puts everything back. `number` is below the kind's count.
  virtual CaseResult run(std::size_t kind, std::uint64_t number) = 0;
};

struct Tally {
  std::uint64_t cases = 0;
  std::uint64_t refused = 0;
  std::uint64_t harmless = 0;
  std::uint64_t silent = 0;
  std::uint64_t signals = 0;  // cases that ended the process

  [[nodiscard]] bool clean() const { return silent == 0 && signals == 0; }
  void add(const Tally& other);
  // "cases=20000 refused=18000 harmless=2000 silent=0 signals=0"
  [[nodiscard]] std::string to_string() const;
};

struct CasePlan {
  // All of a kind when it has no more, else so many of them, spread evenly from a place that the
  // seed decides.
  std::uint64_t cases_per_kind = ~0ULL;
  std::uint64_t seed = 1;
  std::string only_kind = {};  // empty: all of them
  bool print = true;           // a line per kind, and one per failed case (a few of each kind)
};

// Runs the cases in a child process; one that dies is counted and the rest goes on in another.
// `victim` is not used in this process.
[[nodiscard]] Tally run_cases(Victim& victim, const CasePlan& plan);

// Ends the process with the failure: for what makes a victim, before any damage.
void must(const Status& status);

}  // namespace ingot::corruption
