// ChildAnswered: a rewound parent has asked a child to rewind that can't: the message is counted,
// and the parent hears of the child's end.

#include "core/try.h"
#include "partition/apply/apply.h"
#include "partition/apply/outgoing.h"

namespace ingot::partition {

Status apply_child_answered(PartitionState& state, const Fact& /*fact*/, const ChildAnswered& body,
                            Effects& effects) {
  INGOT_TRY(take_channel_position(state, body.origin, body.channel_position));
  INGOT_ASSIGN(const HistoryEventView answer, only_event(body.answer));
  if ((answer.kind != HistoryEventKind::sub_orchestration_completed &&
       answer.kind != HistoryEventKind::sub_orchestration_failed) ||
      !validate_instance_id(body.parent).ok()) {
    return Status(StatusCode::corrupt,
                  "a ChildAnswered fact with a " + std::string(to_string(answer.kind)) + " event");
  }
  send_encoded(state, body.parent, std::string(body.answer), effects);
  return {};
}

}  // namespace ingot::partition
