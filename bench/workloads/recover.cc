// recover: how fast a hub comes back after its process was killed.
//
// A child process (this program again, with --build) loads a hub whose checkpoints are off until
// the log holds X MiB of facts (before compression), says so, and goes on until it is killed. Then
// this process opens the hub, which replays the log, waits for what was running, and proves by the
// child's ledger that nothing acknowledged is lost.

#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/child_process.h"
#include "bench/fixed_scenario.h"
#include "bench/ledger_check.h"
#include "bench/progress.h"
#include "bench/resume.h"
#include "bench/session.h"
#include "bench/workload.h"
#include "core/try.h"

namespace ingot::bench {
namespace {

constexpr double kBuildSecondsMax = 3600;
constexpr std::uint64_t kNever = 1ULL << 40;
constexpr std::string_view kBuilt = "built\n";

// The child: never returns but for an error or a very slow disk.
Status build(const BenchOptions& options, Report& report) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // nobody would kill it otherwise
  HubOptions hub = hub_options(options);
  hub.checkpoint_log_bytes = 16ULL << 30;
  hub.log_bytes_max = 2 * hub.checkpoint_log_bytes;
  hub.checkpoint_facts = kNever;
  hub.checkpoint_idle = std::chrono::hours(24);
  BenchOptions load_options = options;
  load_options.warmup = 0;
  load_options.seconds = kBuildSecondsMax;
  INGOT_ASSIGN(const std::unique_ptr<Ledger> ledger, open_ledger(options));
  INGOT_ASSIGN(const std::unique_ptr<Session> session, Session::open(options, hub, report));

  std::jthread watcher([&session, wanted = options.mib << 20](const std::stop_token& stop) {
    for (bool built = false; !built && !stop.stop_requested();) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      std::uint64_t bytes = 0;
      for (const PartitionMetrics& partition : session->hub().metrics().partitions) {
        bytes += partition.log_payload_bytes;
      }
      built = bytes >= wanted;
      const std::string line = built ? std::string(kBuilt) : std::to_string(bytes) + "\n";
      if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) return;
    }
  });
  FixedScenario scenario = hello_scenario(options.length);
  Load load(load_options, *session, scenario, ledger.get(), report);
  load.run();
  watcher.request_stop();
  watcher.join();
  session->close();
  load.collect();
  return Status(StatusCode::timed_out, "the log did not grow to its size: " + report.first_error);
}

// Reads what the child says until it has built the log, or ends.
Status wait_until_built(int output, std::uint64_t wanted_bytes) {
  Progress progress("recover: building the log");
  std::string text;
  for (std::array<char, 4096> bytes{};;) {
    const ssize_t got = ::read(output, bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Status(StatusCode::io_error, "the process that builds the log ended");
    text.append(bytes.data(), static_cast<std::size_t>(got));
    if (text.find(kBuilt) != std::string::npos) return {};
    text.erase(0, text.rfind('\n', text.size() - 2) + 1);
    const std::uint64_t built = parse_number(text);
    progress.draw(static_cast<double>(built) / static_cast<double>(wanted_bytes),
                  fmt::format("{} MiB", built >> 20));
  }
}

std::vector<std::string> child_arguments(const BenchOptions& options) {
  std::vector<std::string> arguments = {"ingot", "bench", "recover", "--build"};
  const auto add = [&arguments](const char* name, const std::string& value) {
    arguments.emplace_back(name);
    arguments.push_back(value);
  };
  add("--dir", options.dir);
  add("--ledger", options.ledger);
  add("--mib", std::to_string(options.mib));
  add("--length", std::to_string(options.length));
  add("--concurrency", std::to_string(options.concurrency));
  add("--partitions", std::to_string(options.partitions));
  add("--shards", std::to_string(options.shards));
  add("--memory-mib", std::to_string(options.memory_mib));
  add("--segment-mib", std::to_string(options.segment_mib));
  add("--id-order", options.random_ids ? "random" : "time");
  if (options.io == LogIo::uring) add("--io", "uring");
  if (options.io == LogIo::pwritev2) add("--io", "pwritev2");
  if (options.persist_first) arguments.emplace_back("--persist-first");
  return arguments;
}

Status run(const BenchOptions& options, Report& report) {
  if (options.build) return build(options, report);

  INGOT_ASSIGN(const std::unique_ptr<Workspace> workspace, Workspace::make(options));
  BenchOptions existing = options;
  existing.dir = workspace->directory() + "/hub";
  if (existing.ledger.empty()) existing.ledger = workspace->directory() + "/ledger";
  {
    ChildProcess child;
    INGOT_TRY(child.start(child_arguments(existing)));
    INGOT_TRY(wait_until_built(child.output(), options.mib << 20));
    child.kill();
  }

  existing.resume = true;
  INGOT_ASSIGN(const std::unique_ptr<Session> session,
               Session::open(existing, hub_options(existing), report));
  const HubMetrics metrics = session->hub().metrics();
  report.recovery =
      RecoveryFigures{metrics.recovery_facts, metrics.recovery_bytes, metrics.recovery_seconds};
  report.extra.emplace_back("open_seconds", session->open_seconds());
  session->begin();
  // A page of a query costs a look at everything that no checkpoint holds.
  INGOT_TRY(session->hub().checkpoint());
  finish_running(*session, nullptr, report);
  INGOT_TRY(check_ledger(session->client(), existing.ledger, report));
  session->end();
  session->close();
  if (metrics.recovery_facts == 0) report.add_error("nothing was recovered");
  return {};
}

}  // namespace

Workload recover_workload() {
  return {"recover",
          "Leave X MiB of log past the checkpoint, die, and measure the reopening. The hub is\n"
          "DIR/hub.",
          kTakesHub | kTakesConcurrency | kTakesIdOrder | kTakesLedger | kTakesActivity |
              kTakesLength | kTakesMib | kTakesBuild,
          [](BenchOptions&) {}, run};
}

}  // namespace ingot::bench
