#pragma once

// Rows: an instance as bytes, live or finished. The grammar is in FORMAT.md.
//
// A live row and a finished record share one form, so that a finished instance is its last row with
// nothing left to do. Rows come from disk: decoding checks everything it hands out.

#include <ingot/instance.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/history_codec.h"
#include "partition/state/instance.h"

namespace ingot::partition {

void encode_row(const Instance& instance, std::string& out);
// `corrupt` names what is wrong with the row.
[[nodiscard]] Result<std::unique_ptr<Instance>> decode_row(std::string_view bytes);
// The same of a finished instance's record, with the status and the pending work that it ended
// with.
[[nodiscard]] Result<std::unique_ptr<Instance>> decode_record(std::string_view bytes);

// The parts of a row that questions need, as views into its bytes; nothing of it is copied.
struct RowView {
  SequenceNumber sequence;
  std::string_view id;
  ExecutionId execution_id;
  RuntimeStatus status = RuntimeStatus::pending;
  Timestamp created_at;
  Timestamp updated_at;
  bool has_custom_status = false;
  std::string_view custom_status;
  std::string_view history;
  std::string_view inbox;
  bool is_entity = false;
  // Of an entity:
  bool has_entity_state = false;
  std::string_view entity_state;
  std::string_view lock_owner;  // empty: not locked
  ExecutionId lock_execution_id;
  std::int32_t lock_event_id = -1;
  std::uint32_t queued_operations = 0;
  std::size_t scheduled_signals = 0;
};
[[nodiscard]] Result<RowView> view_row(std::string_view bytes);
// The same view of an instance in memory.
[[nodiscard]] RowView view_row(const Instance& instance);

// What a client sees. Name and input are taken from the ExecutionStarted event, output and failure
// from ExecutionCompleted.
[[nodiscard]] Result<InstanceState> to_instance_state(const RowView& row, bool with_payloads);
// The same of an entity.
[[nodiscard]] EntityState to_entity_state(const RowView& row, bool include_state);
// The ExecutionStarted event of an orchestration's row; nothing when it has none.
[[nodiscard]] std::optional<HistoryEventView> started_event(const RowView& row);
// The ExecutionCompleted event of a record; nothing when it has none.
[[nodiscard]] std::optional<HistoryEventView> completed_event(const RowView& row);
// The ExecutionStarted event of an orchestration, from the history, or from the inbox before the
// first step. Every orchestration has one.
[[nodiscard]] HistoryEventView started_event(const Instance& instance);
// The orchestrator's name.
[[nodiscard]] std::string_view orchestrator_name(const Instance& instance);

}  // namespace ingot::partition
