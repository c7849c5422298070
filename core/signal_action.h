#pragma once

// The action that signals an entity, as orchestrators and entities record it.

#include <ingot/time.h>

#include <optional>
#include <string_view>

#include "core/history_codec.h"

namespace ingot {

// Views of the arguments.
[[nodiscard]] inline HistoryEventView signal_action(std::string_view target_id,
                                                    std::string_view operation,
                                                    std::string_view input,
                                                    std::optional<Timestamp> at) {
  HistoryEventView action;
  action.kind = HistoryEventKind::entity_operation_signaled;
  action.instance_id = target_id;
  action.name = operation;
  action.data = input;
  action.has_data = true;
  action.has_fire_at = at.has_value();
  if (at) action.fire_at = *at;
  return action;
}

}  // namespace ingot
