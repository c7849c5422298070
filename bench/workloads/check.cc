// check: proves that a hub holds everything that a ledger says it promised.

#include "bench/ledger_check.h"
#include "bench/session.h"
#include "bench/workload.h"
#include "core/try.h"

namespace ingot::bench {
namespace {

Status run(const BenchOptions& options, Report& report) {
  BenchOptions existing = options;
  existing.resume = true;
  INGOT_ASSIGN(const std::unique_ptr<Session> session,
               Session::open(existing, hub_options(existing), report));
  session->begin();
  // A page of a query costs a look at everything that no checkpoint holds.
  INGOT_TRY(session->hub().checkpoint());
  INGOT_TRY(check_ledger(session->client(), options.ledger, report));
  session->end();
  session->close();
  report.extra.emplace_back("open_seconds", session->open_seconds());
  return {};
}

}  // namespace

Workload check_workload() {
  return {"check", "Proves that the hub in --dir holds all that --ledger says it promised.",
          kTakesHub | kTakesLedger | kNeedsFiles,
          [](BenchOptions& options) { options.seconds = 1; },  // nothing is measured
          run};
}

}  // namespace ingot::bench
