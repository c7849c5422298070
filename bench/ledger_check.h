#pragma once

// The proof that a hub holds everything that a ledger says it promised.

#include <ingot/client.h>
#include <ingot/status.h>

#include <string>

#include "bench/report.h"

namespace ingot::bench {

// Walks the whole hub once and compares: an instance whose start was acknowledged exists; one whose
// completion was seen is Completed with that very output; each that has ended, acknowledged or not,
// has the output that its input asks for. Histories are whole (of some instances, in a hub of more
// than 20,000). When nothing runs, entities have what all orchestrations together have done to
// them. Each fault is an error of the report, and the first few are printed; each instance of the
// ledger found right is a verified output. Adds "ledger_started", "_completed" (seen) and
// "_running" (now), "hub_instances", "hub_running", "histories" and "entities". A failure when the
// ledger can't be read or the hub can't be queried.
Status check_ledger(Client& client, const std::string& path, Report& report);

}  // namespace ingot::bench
