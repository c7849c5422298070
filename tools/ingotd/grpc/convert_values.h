#pragma once

// The protocol's values and ours: times, statuses, failures, trace contexts, tags.
//
// Everywhere in convert_*.h: what comes from a client is checked, and what we don't know (a number
// of an enumeration, a case of a oneof) is `invalid_argument` with a text that names the field and
// the value. What we send is complete: timestamps are always set. An empty wrapper (StringValue)
// and an absent one differ.
//
// The generated classes are in the global namespace: ::HistoryEvent is the protocol's.

#include <ingot/history_event.h>
#include <ingot/status.h>
#include <ingot/time.h>
#include <orchestrator_service.pb.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ingot::server {

// Fractions below a microsecond are cut off. Times that we can't hold become the nearest we can.
[[nodiscard]] Timestamp read_time(const google::protobuf::Timestamp& time);
void write_time(Timestamp time, google::protobuf::Timestamp* out);
[[nodiscard]] Duration read_duration(const google::protobuf::Duration& duration);

[[nodiscard]] ::OrchestrationStatus write_status(RuntimeStatus status);
// CANCELED, which no instance of ours ever has, reads as `continued_as_new`, which is never seen
// either. `field` names the value in the failure.
[[nodiscard]] Result<RuntimeStatus> read_status(std::string_view field, int status);
[[nodiscard]] Result<std::vector<RuntimeStatus>> read_statuses(
    std::string_view field, const google::protobuf::RepeatedField<int>& statuses);

// Of failures nested deeper than kInnerFailuresMax the innermost are left out.
[[nodiscard]] FailureDetails read_failure(const ::TaskFailureDetails& failure);
void write_failure(const FailureDetails& failure, ::TaskFailureDetails* out);

// Our trace_parent: the traceparent, and behind a line feed the tracestate, if there is one.
[[nodiscard]] std::string read_trace(const ::TraceContext& trace);
// For a trace_parent that is not empty.
void write_trace(std::string_view trace_parent, ::TraceContext* out);

using TagMap = google::protobuf::Map<std::string, std::string>;
using TagList = std::vector<std::pair<std::string, std::string>>;
// In the order of the names, so that equal maps make equal bytes.
[[nodiscard]] TagList read_tags(const TagMap& tags);
void write_tags(const TagList& tags, TagMap* out);

// A payload as it goes into a message. Clients send UTF-8 only, but programs that embed the hub may
// store any bytes, which would make whole messages unreadable: what is not UTF-8 becomes '?'.
[[nodiscard]] std::string wire_text(std::string_view text);

// Empty texts count as absent.
template <typename Message>
[[nodiscard]] std::string text_or_empty(bool present, const Message& wrapper) {
  return present ? wrapper.value() : std::string();
}
template <typename Message>
[[nodiscard]] std::optional<std::string> text_if(bool present, const Message& wrapper) {
  if (!present) return std::nullopt;
  return wrapper.value();
}

// A GUID in its usual form (lower case, with hyphens) that is always the same for the same action:
// SDKs parse the request ids of entity operations, and not all senders have given one.
[[nodiscard]] std::string make_request_id(ExecutionId execution, std::int32_t action);

}  // namespace ingot::server
