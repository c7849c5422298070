// Intake of what is asked for instances that have ended, and for idle entities: restart, rewind,
// purge, clean-up.

#include <utility>

#include "partition/requests/intake.h"
#include "partition/requests/rewind.h"
#include "partition/state/row.h"

namespace ingot::partition {
namespace {

Status is_alive(const std::string& id) {
  return Status(StatusCode::failed_precondition, "instance '" + id + "' has not ended");
}

// The ids of the sub-orchestrations in a history.
std::vector<std::string> children_of(std::string_view history) {
  std::vector<std::string> ids;
  Reader reader(history);
  while (reader.more()) {
    const HistoryEventView event = decode_event(reader);
    if (!reader.ok()) break;
    if (event.kind == HistoryEventKind::sub_orchestration_created) {
      ids.emplace_back(event.instance_id);
    }
  }
  return ids;
}

bool is_child_of(const RowView& row, const std::string& parent_id) {
  const auto started = started_event(row);
  if (!started || started->parent.empty()) return false;
  const auto parent = decode_parent(started->parent);
  return parent && parent->instance_id == parent_id;
}

bool is_empty(const RowView& entity) {
  return !entity.has_entity_state && entity.lock_owner.empty() && entity.queued_operations == 0 &&
         entity.scheduled_signals == 0;
}

}  // namespace

bool Intake::take(RestartRequest& request) {
  if (state_.requests.contains(request.request_id)) {
    answer(request.done, std::move(request.instance_id));
    return true;
  }
  const Found found = residency_.find(request.id_hash, request.instance_id);
  if (found.in_store) return false;
  if (found.live != nullptr || found.record.empty()) {
    answer(request.done, found.live != nullptr ? is_alive(request.instance_id)
                                               : no_such_instance(request.instance_id));
    return true;
  }
  const Result<RowView> row = view_row(found.record);
  const auto old = row.ok() ? started_event(*row) : std::nullopt;
  if (!old) {
    request.done(row.ok()
                     ? Status(StatusCode::corrupt, "the record of instance '" +
                                                       request.instance_id + "' has no start event")
                     : row.status());
    return true;
  }
  if (!environment_.options.foreign_work &&
      environment_.registry.find_orchestrator(old->name) == nullptr) {
    answer(request.done, Status(StatusCode::not_found,
                                "no orchestrator '" + std::string(old->name) + "' is registered"));
    return true;
  }
  HistoryEventView started = *old;
  started.timestamp = recorder_.now();
  started.execution_id = {random_.next(), random_.next() | 1};
  started.parent = {};
  started.has_fire_at = false;
  if (record_start(started, request.request_id, found)) {
    answer(request.done, std::move(request.instance_id));
  } else {
    request.done(recorder_.failure());
  }
  return true;
}

bool Intake::take(RewindRequest& request) {
  if (state_.requests.contains(request.request_id)) {
    answer(request.done, Status());
    return true;
  }
  const Found found = residency_.find(request.id_hash, request.instance_id);
  if (found.in_store) return false;
  if (found.live != nullptr || found.record.empty()) {
    answer(request.done, found.live != nullptr ? is_alive(request.instance_id)
                                               : no_such_instance(request.instance_id));
    return true;
  }
  const Result<RewoundRow> rewound =
      rewound_row(found.record, state_.last_sequence.plus(1), recorder_.now(), request.reason);
  if (rewound.ok()) {
    record_and_answer(InstanceRewound{request.request_id, rewound->old, rewound->row}, request.done,
                      Status());
  } else {
    answer(request.done, rewound.status());
  }
  return true;
}

bool Intake::take(PurgeRequest& request) {
  if (state_.requests.contains(request.request_id)) {
    answer(request.done, PurgeOutcome{true, {}});
    return true;
  }
  const Found found = residency_.find(request.id_hash, request.instance_id);
  if (found.in_store) return false;
  if (found.live != nullptr || found.record.empty()) {
    if (found.live != nullptr && request.parent_id.empty()) {
      answer(request.done, is_alive(request.instance_id));
    } else {
      answer(request.done, PurgeOutcome{});
    }
    return true;
  }
  const Result<RowView> row = view_row(found.record);
  if (!row.ok()) {
    request.done(row.status());
    return true;
  }
  PurgeOutcome outcome;
  if (!request.parent_id.empty() && !is_child_of(*row, request.parent_id)) {
    answer(request.done, std::move(outcome));
    return true;
  }
  if (request.children_first) outcome.children = children_of(row->history);
  if (!outcome.children.empty()) {
    answer(request.done, std::move(outcome));
    return true;
  }
  outcome.purged = true;
  record_and_answer(
      InstancePurged{request.request_id, request.instance_id, row->status, SequenceNumber()},
      request.done, std::move(outcome));
  return true;
}

bool Intake::take(CleanEntityRequest& request) {
  const Found found = residency_.find(request.id_hash, request.instance_id);
  if (found.in_store) return false;
  EntityCleanup done;
  Instance* entity = found.live;
  if (entity == nullptr || entity->entity == nullptr) {
    answer(request.done, done);
    return true;
  }
  const SequenceNumber sequence = entity->sequence;
  if (request.orphan && entity->entity->lock == *request.orphan) {
    HistoryEventView event;
    event.kind = HistoryEventKind::entity_unlock_sent;
    event.timestamp = recorder_.now();
    event.instance_id = request.orphan->owner;
    event.execution_id = request.orphan->execution_id;
    event.scheduled_id = request.orphan->event_id;
    if (!recorder_.record(MessageDelivered{sequence, 0, encoded(event)})) {
      request.done(recorder_.failure());
      return true;
    }
    done.orphaned_locks_released = 1;
  }
  if (request.remove_if_empty && is_empty(view_row(*entity))) {
    if (!recorder_.record(
            InstancePurged{0, request.instance_id, RuntimeStatus::completed, sequence})) {
      request.done(recorder_.failure());
      return true;
    }
    done.empty_entities_removed = 1;
  }
  answer(request.done, done);
  return true;
}

}  // namespace ingot::partition
