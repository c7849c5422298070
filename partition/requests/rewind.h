#pragma once

// Rewinding: the row with which a failed instance goes on.
//
// The last step, which failed it, is taken back: its actions are gone, and what it consumed is in
// the inbox again, but for failures of activities and sub-orchestrations, whose actions are pending
// again. Failures of earlier steps go too if the orchestrator did nothing about them (their step
// has no actions); those that it handled, by a retry for instance, stay, or the history would not
// be its own any more. When nothing else is left to blame, the failures that the end names go.
// An ExecutionRewound event in the inbox makes the orchestrator go on.
//
// What clients have said about the execution that failed is over: suspensions and terminations that
// came with the end or after it do not act again, and one that was suspended is resumed. The locks
// that it held are asked for again, and no step runs before they are granted.

#include <ingot/ids.h>
#include <ingot/status.h>
#include <ingot/time.h>

#include <optional>
#include <string>
#include <string_view>

#include "core/history_codec.h"
#include "partition/state/row.h"

namespace ingot::partition {

struct RewoundRow {
  SequenceNumber old;  // the failed instance
  std::string row;
};

// `record` is that of the failed instance; `sequence` the number that it goes on with, so that
// nothing that was on its way before counts any more. failed_precondition when it has not failed.
[[nodiscard]] Result<RewoundRow> rewound_row(std::string_view record, SequenceNumber sequence,
                                             Timestamp now, std::string_view reason);

// Whether the orchestration is the child that the ExecutionRewound message `asked` is for: the
// parent's execution has started it by that very action.
[[nodiscard]] bool is_rewound_child(const RowView& child, const HistoryEventView& asked);
// What the parent hears when there is no failed child to rewind: how it ended, or that there is
// none. `child` is nothing, or the record that has its id. An encoded event.
[[nodiscard]] std::string answer_for_child(std::string_view child_id,
                                           const std::optional<RowView>& child,
                                           const HistoryEventView& asked, Timestamp now);

}  // namespace ingot::partition
