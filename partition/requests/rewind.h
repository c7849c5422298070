#pragma once

// Rewinding: the row with which a failed instance goes on.
//
// The last step, which failed it, is taken back: its actions are gone, and what it consumed is in
// the inbox again, but for failures of activities and sub-orchestrations, whose actions are pending
// again. Failures of earlier steps go too if the orchestrator did nothing about them (their step
// has no actions); those that it handled, by a retry for instance, stay, or the history would not
// be its own any more. When nothing else is left to blame, the failures that the end names go.
// An ExecutionRewound event in the inbox makes the orchestrator go on.

#include <ingot/ids.h>
#include <ingot/status.h>
#include <ingot/time.h>

#include <string>
#include <string_view>

namespace ingot::partition {

// `record` is that of the failed instance; `sequence` the number that it goes on with, so that
// nothing that was on its way before counts any more. failed_precondition when it has not failed.
[[nodiscard]] Result<std::string> rewound_row(std::string_view record, SequenceNumber sequence,
                                              Timestamp now, std::string_view reason);

}  // namespace ingot::partition
