#include "tests/corruption/victim.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <numeric>

#include "core/random.h"
#include "tests/support/end_child.h"

namespace ingot::corruption {
namespace {

constexpr int kFailuresPrinted = 5;

// What the child leaves to its parent, whatever becomes of it.
struct Shared {
  std::uint64_t done;  // cases of this kind that have a result
  std::uint64_t refused;
  std::uint64_t harmless;
  std::uint64_t silent;
};

// The `n`th of `taken` different numbers below `count`.
class Walk {
 public:
  Walk(std::uint64_t count, std::uint64_t taken, std::uint64_t seed) : count_(count) {
    if (taken >= count) return;
    Random random(seed);
    start_ = random.below(count);
    // A step that has no divisor in common with the count meets every number before the first one
    // comes again.
    step_ = count / taken + random.below(count / taken + 1);
    while (step_ == 0 || std::gcd(step_, count) != 1) ++step_;
  }
  [[nodiscard]] std::uint64_t at(std::uint64_t n) const {
    return static_cast<std::uint64_t>((start_ + static_cast<Wide>(n) * static_cast<Wide>(step_)) %
                                      count_);
  }

 private:
  __extension__ using Wide = unsigned __int128;
  std::uint64_t count_;
  std::uint64_t start_ = 0;
  std::uint64_t step_ = 1;
};

// A length that is believed too early asks for all the memory of the machine: it fails here. (The
// sanitizers need that much themselves.)
void limit_memory() {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  constexpr rlim_t kMemoryBytes = 2ULL << 30;
  const rlimit limit{kMemoryBytes, kMemoryBytes};
  ::setrlimit(RLIMIT_DATA, &limit);
#endif
}

[[noreturn]] void run_child(Victim& victim, std::size_t kind, const Walk& walk, std::uint64_t cases,
                            bool print, Shared& shared) {
  limit_memory();
  const DamageKind& what = victim.kinds()[kind];
  int printed = 0;
  for (std::uint64_t n = shared.done; n < cases; ++n) {
    const CaseResult result = victim.run(kind, walk.at(n));
    switch (result.verdict) {
      case Verdict::refused:
        ++shared.refused;
        break;
      case Verdict::harmless:
        ++shared.harmless;
        break;
      case Verdict::silent:
        ++shared.silent;
        if (print && ++printed <= kFailuresPrinted) {
          std::fprintf(stderr, "SILENT %s/%s/%llu: %s\n", std::string(victim.name()).c_str(),
                       what.name.c_str(), static_cast<unsigned long long>(walk.at(n)),
                       result.what.c_str());
        }
    }
    shared.done = n + 1;
  }
  std::fflush(nullptr);
  testing::end_child(0);
}

Tally run_kind(Victim& victim, std::size_t kind, const CasePlan& plan, Shared& shared) {
  const DamageKind& what = victim.kinds()[kind];
  const std::uint64_t cases = std::min(plan.cases_per_kind, what.count);
  const Walk walk(what.count, cases, plan.seed * 1000003 + kind);
  shared = {};
  Tally tally;
  while (shared.done < cases) {
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child == 0) run_child(victim, kind, walk, cases, plan.print, shared);
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child) {
      std::perror("no process for the cases");
      std::abort();
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) continue;
    ++tally.signals;
    std::fprintf(stderr, "%s %d: %s/%s/%llu\n", WIFSIGNALED(status) ? "SIGNAL" : "EXIT",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
                 std::string(victim.name()).c_str(), what.name.c_str(),
                 static_cast<unsigned long long>(walk.at(shared.done)));
    ++shared.done;
  }
  tally.cases = cases;
  tally.refused = shared.refused;
  tally.harmless = shared.harmless;
  tally.silent = shared.silent;
  if (plan.print) {
    std::printf("%s/%s: %s of %llu\n", std::string(victim.name()).c_str(), what.name.c_str(),
                tally.to_string().c_str(), static_cast<unsigned long long>(what.count));
    std::fflush(stdout);
  }
  return tally;
}

}  // namespace

void must(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.to_string().c_str());
  std::abort();
}

void Tally::add(const Tally& other) {
  cases += other.cases;
  refused += other.refused;
  harmless += other.harmless;
  silent += other.silent;
  signals += other.signals;
}

std::string Tally::to_string() const {
  return "cases=" + std::to_string(cases) + " refused=" + std::to_string(refused) +
         " harmless=" + std::to_string(harmless) + " silent=" + std::to_string(silent) +
         " signals=" + std::to_string(signals);
}

Tally run_cases(Victim& victim, const CasePlan& plan) {
  void* memory =
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("no memory for the cases");
    std::abort();
  }
  Shared& shared = *static_cast<Shared*>(memory);
  Tally total;
  for (std::size_t kind = 0; kind < victim.kinds().size(); ++kind) {
    if (!plan.only_kind.empty() && plan.only_kind != victim.kinds()[kind].name) continue;
    total.add(run_kind(victim, kind, plan, shared));
  }
  ::munmap(memory, sizeof(Shared));
  if (plan.print) {
    std::printf("%s: %s (seed %llu)\n", std::string(victim.name()).c_str(),
                total.to_string().c_str(), static_cast<unsigned long long>(plan.seed));
    std::fflush(stdout);
  }
  return total;
}

}  // namespace ingot::corruption
