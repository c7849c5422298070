// `ingot-corruption --cases N --seed S`: damages logs, checkpoints and whole hubs in N
// ways and tells what became of it. Exit 0 when nothing was accepted in silence and no signal came.
//
//   ingot-corruption --cases 1000000 --seed 1
//   ingot-corruption --victim log --kind swap-blocks       every case of a kind
//   ingot-corruption --victim log --kind cut --number 77   a failed case again, in this process

#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>

#include "tests/corruption/hub_victim.h"
#include "tests/corruption/log_victim.h"
#include "tests/corruption/store_victim.h"

namespace ingot::corruption {
namespace {

struct Arguments {
  std::uint64_t cases = 100000;
  std::uint64_t seed = 1;
  std::string victim;
  std::string kind;
  std::string number;
  std::string directory = "/tmp";
};

int usage() {
  std::fprintf(stderr,
               "usage: ingot-corruption [--cases N] [--seed S] [--dir FOLDER] [--victim NAME]\n"
               "                        [--kind NAME] [--number N]\n");
  return 2;
}

bool parse_number(const std::string& text, std::uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

bool parse(int count, char** words, Arguments& arguments) {
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string name = words[i];
    const std::string value = words[i + 1];
    bool good = true;
    if (name == "--cases") {
      good = parse_number(value, arguments.cases);
    } else if (name == "--seed") {
      good = parse_number(value, arguments.seed);
    } else if (name == "--victim") {
      arguments.victim = value;
    } else if (name == "--kind") {
      arguments.kind = value;
    } else if (name == "--number") {
      arguments.number = value;
    } else if (name == "--dir") {
      arguments.directory = value;
    } else {
      return false;
    }
    if (!good) return false;
  }
  return count % 2 == 1;
}

// A victim and its part of all cases, in thousandths.
struct Entry {
  std::string name;
  std::uint64_t share;
  std::function<std::unique_ptr<Victim>()> make;
};

std::uint64_t all_of(const Victim& victim) {
  std::uint64_t all = 0;
  for (const DamageKind& kind : victim.kinds()) all += kind.count;
  return all;
}

// The greatest number of cases per kind that gives no more than `wanted` in all.
std::uint64_t per_kind(const Victim& victim, std::uint64_t wanted) {
  std::uint64_t low = 1;
  std::uint64_t high = all_of(victim);
  while (low < high) {
    const std::uint64_t middle = (low + high + 1) / 2;
    std::uint64_t sum = 0;
    for (const DamageKind& kind : victim.kinds()) sum += std::min(kind.count, middle);
    if (sum <= wanted) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

int run_one(Victim& victim, const Arguments& arguments) {
  std::uint64_t number = 0;
  for (std::size_t kind = 0; kind < victim.kinds().size(); ++kind) {
    if (victim.kinds()[kind].name != arguments.kind) continue;
    if (!parse_number(arguments.number, number) || number >= victim.kinds()[kind].count) break;
    const CaseResult result = victim.run(kind, number);
    std::printf("%s %s\n",
                result.verdict == Verdict::refused    ? "refused"
                : result.verdict == Verdict::harmless ? "harmless"
                                                      : "SILENT",
                result.what.c_str());
    return result.verdict == Verdict::silent ? 1 : 0;
  }
  return usage();
}

int run(const Arguments& arguments, const std::string& folder) {
  const auto fresh = [&](const std::string& name) {
    std::filesystem::create_directories(folder + "/" + name);
    return folder + "/" + name;
  };
  const std::vector<Entry> entries = {
      {"log", 800, [] { return std::make_unique<LogVictim>(LogVictimPlan{}); }},
      {"log-of-two", 190, [] { return std::make_unique<LogVictim>(LogVictimPlan{.segments = 2}); }},
      {"checkpoint", 8, [&] { return std::make_unique<StoreVictim>(fresh("store")); }},
      {"hub", 2, [&] { return std::make_unique<HubVictim>(fresh("hubs")); }},
  };
  Tally total;
  bool any = false;
  for (const Entry& entry : entries) {
    if (!arguments.victim.empty() && arguments.victim != entry.name) continue;
    any = true;
    const std::unique_ptr<Victim> victim = entry.make();
    if (!arguments.number.empty()) return run_one(*victim, arguments);
    const std::uint64_t wanted =
        arguments.victim.empty() ? arguments.cases * entry.share / 1000 : arguments.cases;
    CasePlan plan;
    plan.cases_per_kind = arguments.kind.empty() ? per_kind(*victim, wanted) : arguments.cases;
    plan.seed = arguments.seed;
    plan.only_kind = arguments.kind;
    total.add(run_cases(*victim, plan));
  }
  if (!any) return usage();
  std::printf("%s\n", total.to_string().c_str());
  return total.clean() && total.cases != 0 ? 0 : 1;
}

}  // namespace
}  // namespace ingot::corruption

int main(int count, char** words) {
  ingot::corruption::Arguments arguments;
  if (!ingot::corruption::parse(count, words, arguments)) return ingot::corruption::usage();
  std::string folder = arguments.directory + "/ingot-corruption-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) {
    std::perror(folder.c_str());
    return 2;
  }
  const int exit_code = ingot::corruption::run(arguments, folder);
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  return exit_code;
}
