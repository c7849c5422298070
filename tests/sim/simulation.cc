#include "tests/sim/simulation.h"

#include <memory>

#include "core/hash.h"
#include "tests/semantics/program.h"
#include "tests/sim/corruption.h"
#include "tests/sim/faults.h"
#include "tests/sim/foreign_worker.h"
#include "tests/sim/media.h"
#include "tests/sim/workload.h"

namespace ingot::sim {
namespace {

// Far more than any run needs: about a hundred times the usual.
constexpr std::uint64_t kRoundsMax = 2'000'000;
// Without faults, all must be done within so many rounds, and so much time without any progress.
constexpr std::uint64_t kHealingRoundsMax = 400'000;
constexpr std::uint64_t kIdleRoundsMax = 3000;
constexpr std::size_t kTraceLines = 60;

class Simulation {
 public:
  explicit Simulation(const RunOptions& options)
      : options_(options), random_(options.seed), findings_(options.trace) {
    fault_plan_ = make_fault_plan(random_);
    semantics::register_programs(worker_registry_, gates_);
    if (!fault_plan_.foreign_orchestrations) semantics::register_orchestrators(registry_);
    if (!fault_plan_.foreign_activities) semantics::register_activities(registry_, gates_);
    if (!fault_plan_.foreign_entities) semantics::register_entities(registry_);
    hub_plan_.options.foreign_work = fault_plan_.foreign();
    plan_hub(hub_plan_, random_);
    hub_plan_.seed = random_.next();
    media_ = std::make_unique<Media>(hub_plan_.options.partitions, random_.next(),
                                     hub_plan_.options.persist_steps_first, findings_);
    hub_plan_.watch = media_.get();
    worker_ = std::make_unique<ForeignWorker>(worker_registry_, *media_, random_.next(), findings_);
    hub_plan_.board = worker_.get();
    hub_ = std::make_unique<SimHub>(registry_, hub_plan_);
    worker_->attach(*hub_);
    faults_ = std::make_unique<Faults>(*hub_, fault_plan_, random_.next(), findings_);
    WorkloadPlan plan;
    plan.operations = options.steps;
    plan.clients = static_cast<std::uint32_t>(16 + random_.below(64));
    workload_ = std::make_unique<Workload>(*hub_, *media_, gates_, random_.next(), plan, findings_);
  }

  // What waits is told now, and the workload hears of it.
  ~Simulation() { hub_.reset(); }
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  RunResult run() {
    work();
    if (!failed()) heal();
    if (!failed()) compare();
    return result();
  }

 private:
  [[nodiscard]] bool failed() const { return findings_.first().has_value(); }

  void violated(const char* property, std::string text) {
    findings_.violated(property, {}, {}, std::move(text));
  }

  void work() {
    std::uint64_t idle = 0;
    for (std::uint64_t rounds = 0; !failed() && !workload_->done(); ++rounds) {
      if (!hub_->down()) {
        const double done =
            static_cast<double>(workload_->operations()) / static_cast<double>(options_.steps);
        faults_->turn(done);
      }
      idle = round() ? 0 : idle + 1;
      if (rounds == kRoundsMax || idle == kIdleRoundsMax) {
        violated("(g) progress",
                 "clients get nowhere: " + workload_->unfinished() + hub_->describe());
      }
    }
    while (!failed() && faults_->wants_more()) {
      faults_->crash_now();
      for (int i = 0; i < 20 && !failed(); ++i) round();
    }
  }

  // True when anything was done.
  bool round() {
    if (hub_->down()) come_back();
    if (failed()) return false;
    bool any = workload_->turn();
    any |= worker_->turn();
    bool busy = hub_->step();
    if (!any && !busy && !hub_->down()) {
      hub_->settle();
      busy = hub_->pass_time_to_next(std::chrono::hours(2));
    }
    return any || busy;
  }

  void come_back() {
    faults_->count_crash();
    findings_.trace(Findings::kEveryone, [] { return std::string("crash"); });
    workload_->check_answered();
    worker_->crashed();
    std::vector<CorruptionTrial> trials;
    if (fault_plan_.corruption) {
      const PartitionId partition(static_cast<std::uint32_t>(random_.below(hub_->partitions())));
      trials.emplace_back(*hub_, *media_, partition, random_);
    }
    for (std::uint64_t attempt = 0; hub_->down() && !failed(); ++attempt) {
      const bool faulty = faults_->before_recovery(attempt);
      const Status recovered = hub_->try_recover();
      if (!recovered.ok() && !faulty && !faults_->expects_failures()) {
        violated("(a) ledger", "recovery refuses what only crashed: " + recovered.to_string());
      }
      if (!recovered.ok() && attempt > 20) {
        violated("(g) progress", "recovery fails for ever: " + recovered.to_string());
      }
      findings_.trace(Findings::kEveryone, [&] { return "recovery: " + recovered.to_string(); });
    }
    for (CorruptionTrial& trial : trials) {
      if (failed() || !trial.worthwhile()) continue;
      trial.run(*hub_, *media_, random_, findings_);
      ++result_.corruptions;
      if (trial.refused()) ++result_.refusals;
    }
  }

  void heal() {
    faults_->stop();
    // A failure that has happened may still be on its way to its partition: it is opened again.
    if (faults_->expects_failures() && !hub_->down()) hub_->crash(CrashKind::process);
    if (hub_->down()) come_back();
    faults_->stop();
    worker_->behave();
    // The clients are done already, or get there now; and what they set going comes to an end.
    std::uint64_t idle = 0;
    for (std::uint64_t rounds = 0; !failed() && !workload_->done(); ++rounds) {
      idle = round() ? 0 : idle + 1;
      if (idle > kIdleRoundsMax || rounds > kHealingRoundsMax) {
        violated("(g) progress", "without faults clients get nowhere: " + workload_->unfinished() +
                                     hub_->describe());
      }
    }
    rest();
    if (!failed() && !hub_->stopped().ok()) {
      violated("(g) progress", "a partition has stopped: " + hub_->stopped().to_string());
    }
  }

  void compare() {
    media_->compare_all();
    hub_->crash(CrashKind::power);
    const Status recovered = hub_->try_recover();
    if (!recovered.ok()) return violated("(a) ledger", "last recovery: " + recovered.to_string());
    worker_->crashed();
    rest();
    workload_->check_answered();
    media_->ended(hub_->now());
    workload_->compare();
  }

  // What is due within the next minutes happens, and what comes of it. The foreign worker goes on:
  // a retried activity takes its turn after each of its timers.
  void rest() {
    const Duration end = hub_->clock().monotonic() + std::chrono::minutes(2);
    for (std::uint64_t rounds = 0; rounds < kHealingRoundsMax; ++rounds) {
      hub_->settle();
      if (worker_->turn()) continue;  // asked last: settling may have offered it work
      const Duration now = hub_->clock().monotonic();
      if (now >= end || !hub_->pass_time_to_next(end - now)) break;
    }
    hub_->settle();
  }

  RunResult result() {
    if (failed()) {
      const Violation& violation = *findings_.first();
      result_.ok = false;
      result_.violation = violation.property + ", partition " +
                          std::to_string(violation.partition.value) +
                          (violation.instance.empty() ? "" : ", '" + violation.instance + "'") +
                          ": " + violation.text;
      result_.trace = findings_.last_events(kTraceLines);
    }
    result_.classes = to_string(fault_plan_);
    result_.hash = media_->hash() ^ workload_->hash() ^ worker_->hash();
    result_.operations = workload_->operations();
    result_.crashes = faults_->crashes();
    result_.recoveries = hub_->recoveries();
    result_.facts = media_->facts();
    result_.writes = hub_->writes();
    result_.work_items = worker_->completed();
    result_.stale_tokens = worker_->stale();
    return result_;
  }

  const RunOptions options_;
  Random random_;
  Findings findings_;
  Registry registry_;
  Registry worker_registry_;
  semantics::Gates gates_;
  FaultPlan fault_plan_;
  SimHubPlan hub_plan_;
  // In this order: what goes last refers to what comes before.
  std::unique_ptr<Media> media_;
  std::unique_ptr<ForeignWorker> worker_;
  std::unique_ptr<SimHub> hub_;
  std::unique_ptr<Faults> faults_;
  std::unique_ptr<Workload> workload_;
  RunResult result_;
};

}  // namespace

RunResult run_simulation(const RunOptions& options) {
  Simulation simulation(options);
  return simulation.run();
}

}  // namespace ingot::sim
