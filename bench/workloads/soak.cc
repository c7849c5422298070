// soak: `mixed` for a long time, in a process that is killed again and again.
//
// A child process (this program again) loads the hub and is killed with SIGKILL every --kill-every
// seconds; the next one recovers, finishes what ran and goes on. At the end this process recovers
// the hub itself, waits for what runs, holds the hub against the ledger of all processes, looks at
// histories and at what entities add up to, closes the hub and has `verify` read every byte.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "bench/child_process.h"
#include "bench/interrupt.h"
#include "bench/ledger_check.h"
#include "bench/progress.h"
#include "bench/resume.h"
#include "bench/session.h"
#include "bench/workload.h"
#include "core/try.h"

namespace ingot::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

std::vector<std::string> child_arguments(const BenchOptions& options, bool resume) {
  std::vector<std::string> arguments = {"ingot", "bench", "mixed"};
  const auto add = [&arguments](const char* name, const std::string& value) {
    arguments.emplace_back(name);
    arguments.push_back(value);
  };
  const auto add_unless_0 = [&add](const char* name, std::uint64_t value) {
    if (value != 0) add(name, std::to_string(value));
  };
  add("--dir", options.dir);
  add("--ledger", options.ledger);
  add("--warmup", "0");
  // It ends by itself should nobody be left to kill it.
  add("--seconds", std::to_string(2 * options.kill_every + 300));
  add("--concurrency", std::to_string(options.concurrency));
  add("--accounts", std::to_string(options.accounts));
  add("--mix", options.mix);
  add("--id-order", options.random_ids ? "random" : "time");
  add("--activity-mode", options.pool_activities ? "pool" : "inline");
  if (!resume) add_unless_0("--partitions", options.partitions);
  add_unless_0("--shards", options.shards);
  add_unless_0("--memory-mib", options.memory_mib);
  add_unless_0("--segment-mib", options.segment_mib);
  add_unless_0("--checkpoint-mib", options.checkpoint_mib);
  add_unless_0("--checkpoint-facts", options.checkpoint_facts);
  add_unless_0("--log-mib-max", options.log_mib_max);
  if (options.io == LogIo::uring) add("--io", "uring");
  if (options.io == LogIo::pwritev2) add("--io", "pwritev2");
  if (options.persist_first) arguments.emplace_back("--persist-first");
  if (resume) arguments.emplace_back("--resume");
  return arguments;
}

bool has_bytes(const std::string& file) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  return !error && size != 0;
}

// Loads and kills until the time is over; how often it killed.
Result<std::uint64_t> load_and_kill(const BenchOptions& options, const std::string& errors) {
  Progress progress("soak");
  auto begin = SteadyClock::now();
  const auto since = [&begin] {
    return std::chrono::duration<double>(SteadyClock::now() - begin).count();
  };
  std::uint64_t kills = 0;
  while (since() < options.seconds && !interrupted()) {
    ChildProcess child;
    INGOT_TRY(child.start(child_arguments(options, kills != 0), errors));
    const double end = std::min(options.seconds, since() + options.kill_every);
    while (since() < end && !interrupted()) {
      // The time counts from the first acknowledgement, before which there may be no hub.
      if (kills == 0 && !has_bytes(options.ledger)) begin = SteadyClock::now();
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      if (const int code = child.ended(); code >= 0 && !interrupted()) {
        return Status(
            StatusCode::internal,
            fmt::format("the load ended with {} after {} kills, see {}", code, kills, errors));
      }
      progress.draw(since() / options.seconds, fmt::format("{} kills", kills));
    }
    child.kill();
    ++kills;
  }
  return kills;
}

Status run(const BenchOptions& given, Report& report) {
  INGOT_ASSIGN(const std::unique_ptr<Workspace> workspace, Workspace::make(given));
  BenchOptions options = given;
  options.dir = workspace->directory() + "/hub";
  if (options.ledger.empty()) options.ledger = workspace->directory() + "/ledger";

  INGOT_ASSIGN(const std::uint64_t kills,
               load_and_kill(options, workspace->directory() + "/load.txt"));

  options.resume = true;
  options.partitions = 0;
  INGOT_ASSIGN(const std::unique_ptr<Session> session,
               Session::open(options, hub_options(options), report));
  report.extra.emplace_back("kills", static_cast<double>(kills));
  report.extra.emplace_back("open_seconds", session->open_seconds());
  session->begin();
  // A page of a query costs a look at everything that no checkpoint holds.
  INGOT_TRY(session->hub().checkpoint());
  finish_running(*session, nullptr, report);
  INGOT_TRY(check_ledger(session->client(), options.ledger, report));
  session->end();
  session->close();

  ChildProcess verify;
  INGOT_TRY(verify.start({"ingot", "verify", options.dir}));
  if (const int code = verify.wait(); code != 0) {
    report.add_error(fmt::format("ingot verify {} ends with {}", options.dir, code));
  }
  return {};
}

}  // namespace

Workload soak_workload() {
  return {"soak",
          "Mixed load in a process that is killed again and again, everything checked at the\n"
          "end. The hub is DIR/hub.",
          kTakesLoad | kTakesActivity | kTakesAccounts | kTakesMix | kTakesKills,
          [](BenchOptions& options) {
            options.seconds = 3600;
            options.concurrency = 200;
          },
          run};
}

}  // namespace ingot::bench
