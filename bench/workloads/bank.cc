// bank: transfers between two accounts, each an entity, under a lock on both (BankTransaction).

#include "bench/bank.h"

#include "bench/workload.h"

namespace ingot::bench {
namespace {

Status run(const BenchOptions& options, Report& report) {
  report.unit = "transfers";
  BankScenario scenario(options.accounts);
  return run_load(options, scenario, report);
}

}  // namespace

Workload bank_workload() {
  return {"bank", "Transfers that lock, read and change two entities in different partitions.",
          kTakesLoad | kTakesAccounts, [](BenchOptions&) {}, run};
}

}  // namespace ingot::bench
