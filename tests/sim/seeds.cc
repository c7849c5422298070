#include "tests/sim/seeds.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <vector>

#include "tests/sim/simulation.h"
#include "tests/support/end_child.h"

namespace ingot::sim {
namespace {

using Seconds = std::chrono::duration<double>;

// What a process says of each seed, before and after the run: small enough to be written at once.
struct Message {
  std::uint64_t seed = 0;
  bool begins = false;
  bool ok = true;
  std::uint64_t operations = 0;
  std::uint64_t crashes = 0;
  std::uint64_t facts = 0;
  std::uint64_t corruptions = 0;
  std::uint64_t refusals = 0;
};

struct Worker {
  pid_t process = 0;
  int pipe = -1;
  std::uint64_t next = 0;     // in the range: the run that it is at, or comes to
  std::uint64_t running = 0;  // its seed
  bool runs = false;
};

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

void print_replay(std::uint64_t seed, std::uint64_t steps) {
  std::printf("  again: ingot-sim --seed %llu --steps %llu --trace\n",
              static_cast<unsigned long long>(seed), static_cast<unsigned long long>(steps));
}

void print_result(std::uint64_t seed, const RunResult& result) {
  std::printf(
      "seed %llu: hash %016llx, %llu operations, %llu crashes in %llu recoveries, %llu facts, %llu "
      "writes, %llu work items, %llu old tokens, %llu corruptions, %llu refused; %s\n",
      static_cast<unsigned long long>(seed), static_cast<unsigned long long>(result.hash),
      static_cast<unsigned long long>(result.operations),
      static_cast<unsigned long long>(result.crashes),
      static_cast<unsigned long long>(result.recoveries),
      static_cast<unsigned long long>(result.facts), static_cast<unsigned long long>(result.writes),
      static_cast<unsigned long long>(result.work_items),
      static_cast<unsigned long long>(result.stale_tokens),
      static_cast<unsigned long long>(result.corruptions),
      static_cast<unsigned long long>(result.refusals), result.classes.c_str());
}

void say(int pipe, const Message& message) {
  if (::write(pipe, &message, sizeof message) != sizeof message) ::_exit(3);
}

[[noreturn]] void work(const SeedsPlan& plan, std::uint64_t from, int pipe) {
  const SeedRange& seeds = plan.seeds;
  for (std::uint64_t i = from; i < seeds.count; i += plan.jobs) {
    const std::uint64_t seed = seeds.first + i * seeds.stride;
    Message message;
    message.seed = seed;
    message.begins = true;
    say(pipe, message);
    const RunResult result = run_simulation({seed, plan.steps, false});
    message.begins = false;
    message.ok = result.ok;
    message.operations = result.operations;
    message.crashes = result.crashes;
    message.facts = result.facts;
    message.corruptions = result.corruptions;
    message.refusals = result.refusals;
    if (plan.verbose) print_result(seed, result);
    if (!result.ok) static_cast<void>(play_seed(seed, plan.steps, false));
    std::fflush(stdout);
    say(pipe, message);
  }
  testing::end_child(0);
}

Worker start(const SeedsPlan& plan, std::uint64_t from) {
  int ends[2] = {-1, -1};
  Worker worker;
  worker.next = from;
  if (::pipe(ends) != 0) return worker;
  std::fflush(stdout);
  worker.process = ::fork();
  if (worker.process == 0) {
    ::close(ends[0]);
    work(plan, from, ends[1]);
  }
  ::close(ends[1]);
  worker.pipe = ends[0];
  worker.runs = worker.process > 0;
  return worker;
}

}  // namespace

std::optional<SeedRange> parse_seeds(std::string_view text) {
  SeedRange range;
  const std::size_t dots = text.find("..");
  const std::size_t bar = text.find('|');
  const std::size_t split = std::min(dots, bar);
  const auto first = parse_number(text.substr(0, split));
  if (!first) return std::nullopt;
  range.first = *first;
  if (split == std::string_view::npos) return range;
  const auto second = parse_number(text.substr(split + (split == dots ? 2 : 1)));
  if (!second || (split == dots && *second < *first)) return std::nullopt;
  range.count = split == dots ? *second - *first + 1 : *second;
  return range;
}

SeedRange shard_of(const SeedRange& seeds, std::uint64_t shard, std::uint64_t shards) {
  SeedRange part = seeds;
  part.first = seeds.first + shard * seeds.stride;
  part.count = seeds.count > shard ? (seeds.count - shard + shards - 1) / shards : 0;
  part.stride = seeds.stride * shards;
  return part;
}

bool play_seed(std::uint64_t seed, std::uint64_t steps, bool verbose) {
  const RunResult result = run_simulation({seed, steps, true});
  if (verbose) print_result(seed, result);
  if (result.ok) return true;
  std::printf("VIOLATION with seed %llu (%s)\n  %s\n", static_cast<unsigned long long>(seed),
              result.classes.c_str(), result.violation.c_str());
  for (const std::string& line : result.trace) std::printf("    %s\n", line.c_str());
  print_replay(seed, steps);
  std::fflush(stdout);
  return false;
}

SeedsResult play_seeds(const SeedsPlan& plan) {
  SeedsResult total;
  Message sum;
  const auto begin = std::chrono::steady_clock::now();
  std::vector<Worker> workers;
  for (std::uint32_t job = 0; job < plan.jobs; ++job) workers.push_back(start(plan, job));
  for (;;) {
    std::vector<pollfd> waits;
    for (const Worker& worker : workers) {
      if (worker.runs) waits.push_back({worker.pipe, POLLIN, 0});
    }
    if (waits.empty()) break;
    ::poll(waits.data(), static_cast<nfds_t>(waits.size()), -1);
    std::size_t at = 0;
    for (Worker& worker : workers) {
      if (!worker.runs) continue;
      if (waits[at++].revents == 0) continue;
      Message message;
      if (::read(worker.pipe, &message, sizeof message) == sizeof message) {
        worker.running = message.begins ? message.seed : 0;
        if (message.begins) continue;
        worker.next += plan.jobs;
        ++total.runs;
        total.violations += message.ok ? 0 : 1;
        sum.operations += message.operations;
        sum.crashes += message.crashes;
        sum.facts += message.facts;
        sum.corruptions += message.corruptions;
        sum.refusals += message.refusals;
        continue;
      }
      int status = 0;
      ::waitpid(worker.process, &status, 0);
      ::close(worker.pipe);
      worker.runs = false;
      if (WIFEXITED(status) && WEXITSTATUS(status) == 0) continue;
      ++total.violations;
      std::printf("VIOLATION with seed %llu\n  the process died of %s %d\n",
                  static_cast<unsigned long long>(worker.running),
                  WIFSIGNALED(status) ? "signal" : "exit",
                  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
      print_replay(worker.running, plan.steps);
      ++total.runs;
      // Another process goes on with the next one.
      const std::uint64_t next = worker.next + plan.jobs;
      if (next < plan.seeds.count) worker = start(plan, next);
    }
  }
  const double seconds = Seconds(std::chrono::steady_clock::now() - begin).count();
  std::printf(
      "%llu runs from seed %llu, %llu violations; %llu operations, %llu crashes, %llu facts, %llu "
      "corruptions (%llu refused); %.1f s, %.1f seeds/s\n",
      static_cast<unsigned long long>(total.runs),
      static_cast<unsigned long long>(plan.seeds.first),
      static_cast<unsigned long long>(total.violations),
      static_cast<unsigned long long>(sum.operations), static_cast<unsigned long long>(sum.crashes),
      static_cast<unsigned long long>(sum.facts), static_cast<unsigned long long>(sum.corruptions),
      static_cast<unsigned long long>(sum.refusals), seconds,
      static_cast<double>(total.runs) / seconds);
  return total;
}

}  // namespace ingot::sim
