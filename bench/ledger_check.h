#pragma once

// The proof that a hub holds everything that a ledger says it promised.

#include <ingot/client.h>
#include <ingot/status.h>

#include <string>

#include "bench/report.h"

namespace ingot::bench {

// Walks the whole hub once and compares: an instance whose start was acknowledged exists, and if it
// is one of "hello" that has ended, then with the right output; one whose completion was seen is
// Completed with that very output. Each fault is an error of the report, and the first few are
// printed; each instance found right is a verified output. Adds "ledger_started", "_completed"
// (seen) and "_running" (now). A failure when the ledger can't be read or the hub can't be queried.
Status check_ledger(Client& client, const std::string& path, Report& report);

}  // namespace ingot::bench
