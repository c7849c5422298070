#pragma once

// History events as bytes: the one encoding that the log, the checkpoints and the work items share.
//
//   event     := bytes body
//   body      := u8 kind, varint field mask, zigzag timestamp (us), the masked fields in bit order
//
// Each field is a bit of the mask, so a new field costs old events nothing; a reader refuses bits
// it does not know. An orchestrator's action is encoded as the very event that it will leave in
// the history. Decoding gives views into the bytes; `to_event()` copies.

#include <ingot/history_event.h>

#include <string>
#include <string_view>

#include "core/codec.h"

namespace ingot {

// A HistoryEvent whose texts are views. `failure`, `parent`, `tags` and
// `lock_set` stay encoded.
struct HistoryEventView {
  // Written out, or g++ would clear it with `rep stos`, which takes longer than decoding an event.
  HistoryEventView() {}  // NOLINT(modernize-use-equals-default)

  HistoryEventKind kind = HistoryEventKind::orchestrator_started;
  std::int32_t event_id = -1;
  Timestamp timestamp;
  std::string_view name;
  std::string_view data;
  bool has_data = false;
  std::int32_t scheduled_id = -1;
  Timestamp fire_at;
  bool has_fire_at = false;
  std::string_view instance_id;
  ExecutionId execution_id;
  RuntimeStatus status = RuntimeStatus::pending;
  bool recurse = false;
  std::string_view failure;  // encode_failure(); empty: none
  std::string_view parent;   // encode_parent(); empty: none
  std::string_view version;
  std::string_view trace_parent;
  std::string_view tags;      // encode_tags(); empty: none
  std::string_view lock_set;  // encode_lock_set(); empty: none
  std::string_view request_id;
};

void encode_event(const HistoryEventView& event, std::string& out);
void encode_event(const HistoryEvent& event, std::string& out);

// Reads one event. Every part is checked, the nested ones too: what decodes can be used without
// further checks. On a fault the reader fails.
[[nodiscard]] HistoryEventView decode_event(Reader& reader);
// As decode_event(), for bytes that this process encoded or that were checked before: skips the
// checks of nested parts.
[[nodiscard]] HistoryEventView decode_trusted_event(Reader& reader);

// A copy that owns its texts.
[[nodiscard]] HistoryEvent to_event(const HistoryEventView& view);
// All events of `bytes`; `corrupt` names the event's ordinal.
[[nodiscard]] Result<std::vector<HistoryEvent>> decode_history(std::string_view bytes);

void encode_failure(const FailureDetails& failure, std::string& out);
[[nodiscard]] std::optional<FailureDetails> decode_failure(std::string_view bytes);
void encode_parent(const ParentInfo& parent, std::string& out);
[[nodiscard]] std::optional<ParentInfo> decode_parent(std::string_view bytes);
// Empty lists are empty bytes.
using Tags = std::vector<std::pair<std::string, std::string>>;
void encode_tags(const Tags& tags, std::string& out);
[[nodiscard]] std::optional<Tags> decode_tags(std::string_view bytes);
// `ids` are in the order of their bytes, each once and none empty; nothing else decodes.
void encode_lock_set(const std::vector<std::string>& ids, std::string& out);
[[nodiscard]] std::optional<std::vector<std::string>> decode_lock_set(std::string_view bytes);

}  // namespace ingot
