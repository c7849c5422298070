#pragma once

// The proof that a hub holds everything that a ledger says it promised.

#include <ingot/client.h>
#include <ingot/status.h>

#include <string>

#include "bench/report.h"

namespace ingot::bench {

// Walks the whole hub once and compares: an instance whose start was acknowledged exists and has
// not failed; one whose completion was seen is Completed with that very output. Each fault is an
// error of the report, and the first few are printed; each instance found right is a verified
// output. Adds "ledger_started" and "ledger_completed". A failure when the ledger can't be read or
// the hub can't be queried.
Status check_ledger(Client& client, const std::string& path, Report& report);

}  // namespace ingot::bench
