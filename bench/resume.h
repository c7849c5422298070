#pragma once

// After a crash: waits for everything that runs in a reopened hub.

#include "bench/ledger.h"
#include "bench/report.h"
#include "bench/session.h"

namespace ingot::bench {

// Waits until every orchestration that has not ended in the session's hub has, checks its output
// and enters it in `ledger` (unless null). Adds "resumed" and "resume_seconds" to the
// report; an instance that fails, ends wrongly or does not end is an error there.
void finish_running(Session& session, Ledger* ledger, Report& report);

}  // namespace ingot::bench
