#pragma once

// The older form of entity messages: JSON texts in events, which the .NET SDK sends and expects
// when it does not know that the server has entities of its own.
//
//   to the entity "@name@key", in a SendEvent action
//     "op"           {"op": operation, "input": text, "id": GUID, "signal": true, ...}: an
//                    operation, called if it is no signal; or {"lockset": [{"name", "key"}], "id"}:
//                    a request for locks
//     "op@<time>"    the same, to be carried out at that time
//     "release"      {"id": of the lock request, "parent": of whom}: a lock given back
//   from it, as an EventRaised whose name is the request's id
//                    {"result": text}, {"exceptionType", "result", "failureDetails"}, or, when all
//                    locks are granted, {"result": "Lock Acquisition Completed"}
//
// Such an action becomes the event that a newer SDK would have asked for, with the tag kLegacyTag,
// by which it is told apart when the history is written.

#include <ingot/history_event.h>
#include <orchestrator_service.pb.h>

#include <optional>
#include <string>
#include <string_view>

namespace ingot::server {

inline constexpr std::string_view kLegacyTag = "ingot.entity-message";

// Nothing: an event like any other. invalid_argument for an entity message that makes no sense.
[[nodiscard]] Result<std::optional<HistoryEvent>> read_legacy_message(
    const ::SendEventAction& action);
[[nodiscard]] bool is_legacy(const HistoryEvent& event);

// `event` is an action that is_legacy(); `instance_id` and `execution_id` are the sender's.
void write_legacy_message(const HistoryEvent& event, const std::string& instance_id,
                          ExecutionId execution_id, ::EventSentEvent* out);
// `event` is an EntityOperationCompleted, -Failed or EntityLockGranted.
void write_legacy_answer(const HistoryEvent& event, const std::string& request_id,
                         ::EventRaisedEvent* out);

}  // namespace ingot::server
