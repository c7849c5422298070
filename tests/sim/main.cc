// ingot-sim: plays simulated hubs from seeds. Exits with 0 when all is well, 1 when a checker found
// a violation or a run died, 2 when it was called wrongly.

#include <malloc.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>

#include "tests/sim/seeds.h"

namespace {

constexpr const char* kUsage =
    "usage: ingot-sim --seed N [--steps M] [--trace]\n"
    "       ingot-sim --seeds FIRST..LAST | 'FIRST|COUNT' [--steps M] [--jobs J] [--verbose]\n"
    "  --steps M      operations of clients in a run, at least (2000)\n"
    "  --jobs J       processes; 0: one a processor (1)\n"
    "  --shard I/N    only every Nth seed of the range, from the Ith on\n"
    "  --trace        prints what led to a violation; one seed only\n"
    "INGOT_SIM_FIRST_SEED in the environment takes the place of FIRST.\n";

int usage() {
  std::fputs(kUsage, stderr);
  return 2;
}

bool parse(std::string_view text, std::uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

int main(int argc, char** argv) {
  using namespace ingot::sim;  // NOLINT(google-build-using-namespace)
  // Runs make and free the same few hundred kilobytes again and again.
  mallopt(M_MMAP_THRESHOLD, 64 << 20);
  mallopt(M_TRIM_THRESHOLD, 512 << 20);
  SeedsPlan plan;
  bool one = false;
  bool many = false;
  std::uint64_t shard = 0;
  std::uint64_t shards = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option == "--trace" || option == "--verbose") {
      plan.verbose = true;
      continue;
    }
    if (++i == argc) return usage();
    const std::string_view value = argv[i];
    std::uint64_t number = 0;
    if (option == "--seed" || option == "--seeds") {
      const auto range = parse_seeds(value);
      if (!range || (option == "--seed" && range->count != 1)) return usage();
      plan.seeds = *range;
      (option == "--seed" ? one : many) = true;
    } else if (option == "--steps") {
      if (!parse(value, plan.steps) || plan.steps == 0) return usage();
    } else if (option == "--jobs") {
      if (!parse(value, number) || number > 256) return usage();
      if (number == 0) number = std::thread::hardware_concurrency();
      plan.jobs = static_cast<std::uint32_t>(number);
    } else if (option == "--shard") {
      const std::size_t slash = value.find('/');
      if (slash == std::string_view::npos || !parse(value.substr(0, slash), shard) ||
          !parse(value.substr(slash + 1), shards) || shard >= shards) {
        return usage();
      }
    } else {
      return usage();
    }
  }
  if (one == many) return usage();
  if (one) return play_seed(plan.seeds.first, plan.steps, true) ? 0 : 1;
  if (const char* first = std::getenv("INGOT_SIM_FIRST_SEED"); first != nullptr) {
    if (!parse(first, plan.seeds.first)) return usage();
  }
  plan.seeds = shard_of(plan.seeds, shard, shards);
  return play_seeds(plan).violations == 0 ? 0 : 1;
}
