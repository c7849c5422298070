#include "bench/bench.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "bench/interrupt.h"
#include "bench/mix.h"
#include "bench/workload.h"

namespace ingot::bench {
namespace {

int run(const Workload& workload, const BenchOptions& options) {
  catch_interrupts();
  Report report;
  report.workload = workload.name;
  if (const Status status = workload.run(options, report); !status.ok()) {
    fmt::print(stderr, "ingot bench {}: {}\n", workload.name, status.to_string());
    return 1;
  }
  if (const Status status = publish(report, options); !status.ok()) {
    fmt::print(stderr, "ingot bench {}: {}\n", workload.name, status.to_string());
    return 1;
  }
  if (report.verified()) return 0;
  // There is nothing wrong with a ledger that has promised nothing.
  const bool nothing_to_check = report.errors == 0 && workload.name == std::string("check");
  if (nothing_to_check) fmt::print(stderr, "ingot bench check: the ledger has no entry\n");
  return nothing_to_check ? 0 : 1;
}

// An option whose values have names, as a flag of its own or an enum.
template <typename Value>
void add_choice(CLI::App& app, const std::string& name, Value& value, const std::string& help,
                const std::map<std::string, Value>& choices) {
  std::string names;
  for (const auto& choice : choices) names += (names.empty() ? "" : ", ") + choice.first;
  app.add_option_function<std::string>(
         name, [&value, choices](const std::string& text) { value = choices.at(text); }, help)
      ->check([choices, names](const std::string& text) {
        return choices.contains(text) ? std::string() : text + " is none of " + names;
      })
      ->type_name("{" + names + "}");
}

void add_hub_options(CLI::App& app, BenchOptions& o) {
  app.add_option("--partitions", o.partitions, "Partitions of the hub (default 4)")
      ->check(CLI::Range(0, 64));
  app.add_option("--shards", o.shards, "Threads that run them (default: one a processor)")
      ->check(CLI::Range(0, 64));
  add_choice<LogIo>(app, "--io", o.io, "How the log is written (default: the best there is)",
                    {{"uring", LogIo::uring}, {"pwritev2", LogIo::pwritev2}});
  app.add_flag("--persist-first", o.persist_first, "No step starts before its cause is durable");
  app.add_option("--memory-mib", o.memory_mib, "Memory budget of the hub");
  app.add_option("--segment-mib", o.segment_mib, "Size of a log segment");
  app.add_option("--checkpoint-mib", o.checkpoint_mib, "Log between two checkpoints");
  app.add_option("--checkpoint-facts", o.checkpoint_facts, "Facts between two checkpoints");
  app.add_option("--log-mib-max", o.log_mib_max, "Log past a checkpoint at which requests wait");
  app.add_option("--dir", o.dir, "Folder of the hub, kept (default: a temporary one, removed)");
  app.add_flag("--keep", o.keep, "Keep the temporary folder");
  app.add_option("--json", o.json, "Write the figures as JSON to this file, or - for the output")
      ->type_name("FILE");
}

void add_load_options(CLI::App& app, BenchOptions& o, std::uint32_t takes) {
  if ((takes & kTakesConcurrency) != 0) {
    app.add_option("--concurrency", o.concurrency, "In flight at a time")
        ->check(CLI::Range(1, 10'000'000))
        ->capture_default_str();
  }
  if ((takes & kTakesSeconds) != 0) {
    app.add_option("--seconds", o.seconds, "Measured time")
        ->check(CLI::Range(0.01, 1e6))
        ->capture_default_str();
    app.add_option("--warmup", o.warmup, "Seconds before it")
        ->check(CLI::Range(0.0, 1e6))
        ->capture_default_str();
  }
  if ((takes & kTakesIdOrder) != 0) {
    add_choice<bool>(app, "--id-order", o.random_ids, "Order of the instance ids (default time)",
                     {{"time", false}, {"random", true}});
  }
  if ((takes & kTakesLedger) != 0) {
    app.add_option("--ledger", o.ledger, "File of what was acknowledged, see `check`")
        ->type_name("FILE");
  }
  if ((takes & kTakesKills) != 0) {
    app.add_option("--kill-every", o.kill_every, "Seconds between kills")
        ->check(CLI::Range(0.01, 1e6))
        ->capture_default_str();
  }
  if ((takes & kTakesResume) != 0) {
    app.add_flag("--resume", o.resume, "Reopen the hub in --dir, finish what runs, then go on");
    app.add_flag("--wait-for-space", o.wait_for_space,
                 "Wait while the disk is full; otherwise a start that it refuses is an error");
  }
  if ((takes & kTakesActivity) != 0) {
    add_choice<bool>(app, "--activity-mode", o.pool_activities,
                     "Activities on the shard's thread or on the pool (default inline)",
                     {{"inline", false}, {"pool", true}});
  }
}

void add_size_options(CLI::App& app, BenchOptions& o, std::uint32_t takes) {
  if ((takes & kTakesLength) != 0) {
    app.add_option("--length", o.length, "Activities, timers or executions in a row")
        ->check(CLI::Range(0, 100'000))
        ->capture_default_str();
  }
  if ((takes & kTakesWidth) != 0) {
    app.add_option("--width", o.width, "Activities or sub-orchestrations at once")
        ->check(CLI::Range(0, 1'000'000))
        ->capture_default_str();
  }
  if ((takes & kTakesBytes) != 0) {
    app.add_option("--bytes", o.bytes, "Size of a payload or fact")
        ->check(CLI::Range(1, 64 << 20))
        ->capture_default_str();
  }
  if ((takes & kTakesCount) != 0) {
    app.add_option("--count", o.count,
                   "Instances (waiting), events of an instance (events), numbers to search")
        ->check(CLI::Range(1, 1'000'000'000))
        ->capture_default_str();
  }
  if ((takes & kTakesMib) != 0) {
    app.add_option("--mib", o.mib, "Facts to recover, before compression")
        ->check(CLI::Range(1, 1 << 20))
        ->capture_default_str();
  }
  if ((takes & kTakesDelay) != 0) {
    app.add_option("--delay-ms", o.delay_ms, "Delay of a timer")
        ->check(CLI::Range(0, 86'400'000))
        ->capture_default_str();
  }
}

void add_entity_options(CLI::App& app, BenchOptions& o, std::uint32_t takes) {
  if ((takes & kTakesAccounts) != 0) {
    app.add_option("--accounts", o.accounts, "Accounts of the bank")
        ->check(CLI::Range(2, 10'000'000))
        ->capture_default_str();
  }
  if ((takes & kTakesEntities) != 0) {
    app.add_option("--entities", o.entities, "Entities, signalled in turn")
        ->check(CLI::Range(1, 10'000'000))
        ->capture_default_str();
  }
  if ((takes & kTakesWords) != 0) {
    app.add_option("--words", o.words, "Words of a text")
        ->check(CLI::Range(0, 500'000))
        ->capture_default_str();
  }
  if ((takes & kTakesMix) != 0) {
    app.add_option("--mix", o.mix, "Share of each kind of instance; kinds: " + mix_kinds())
        ->check([](const std::string& text) {
          const auto shares = parse_mix(text);
          return shares.ok() ? std::string() : std::string(shares.status().message());
        })
        ->type_name("KIND=SHARE,...")
        ->capture_default_str();
  }
}

void add_workload(CLI::App& bench, const Workload& workload, int& exit_code) {
  // The options live as long as the commands that point into them.
  const auto options = std::make_shared<BenchOptions>();
  options->workload = workload.name;
  workload.set_defaults(*options);
  CLI::App* app = bench.add_subcommand(workload.name, workload.description);
  if ((workload.takes & kTakesHub) != 0) add_hub_options(*app, *options);
  add_load_options(*app, *options, workload.takes);
  add_size_options(*app, *options, workload.takes);
  add_entity_options(*app, *options, workload.takes);
  if ((workload.takes & kNeedsFiles) != 0) {
    app->get_option("--dir")->required();
    app->get_option("--ledger")->required();
  }
  if ((workload.takes & kTakesResume) != 0) {
    app->get_option("--resume")->needs(app->get_option("--dir"));
  }
  if ((workload.takes & kTakesBuild) != 0) app->add_flag("--build", options->build)->group("");
  app->callback([workload, options, &exit_code] { exit_code = run(workload, *options); });
}

}  // namespace

void add_bench_command(CLI::App& parent, int& exit_code) {
  CLI::App* bench =
      parent.add_subcommand("bench", "Measure a hub: each workload checks every output it counts");
  bench->require_subcommand(1);
  for (const Workload& workload :
       {hello_workload(), fanout_workload(), events_workload(), timers_workload(),
        payload_workload(), raw_log_workload(), recover_workload(), waiting_workload(),
        idle_workload(), check_workload(), suborch_workload(), chain_workload(), bank_workload(),
        counter_workload(), wordcount_workload(), collision_workload(), mixed_workload(),
        manage_workload(), soak_workload()}) {
    add_workload(*bench, workload, exit_code);
  }
}

}  // namespace ingot::bench
