#include "partition/requests/intake.h"

#include "core/planted_bug.h"
#include "partition/state/row.h"

namespace ingot::partition {
namespace {

Status has_too_much(const std::string& id, const Instance& instance) {
  return Status(StatusCode::overloaded, "'" + id + "' has " +
                                            std::to_string(instance.event_bytes()) +
                                            " bytes of history and messages; the limit is " +
                                            std::to_string(kInstanceBytesMax));
}

Status has_ended(const std::string& id) {
  return Status(StatusCode::failed_precondition, "instance '" + id + "' has ended");
}

// Of what a record holds; records are ours, but come from disk.
Result<RowView> view_of(const Found& found) {
  if (found.live != nullptr) return view_row(*found.live);
  return view_row(found.record);
}

}  // namespace

Status Intake::no_such_instance(const std::string& id) {
  return Status(StatusCode::not_found, "no instance '" + id + "'");
}

std::string_view Intake::encoded(const HistoryEventView& event) {
  event_.clear();
  encode_event(event, event_);
  return event_;
}

bool Intake::record_start(const HistoryEventView& started, std::uint64_t request_id,
                          const Found& found) {
  InstanceCreated fact;
  fact.request_id = request_id;
  if (found.live != nullptr) {
    fact.replaced = found.live->status;
    fact.replaced_sequence = found.live->sequence;
  } else if (!found.record.empty()) {
    const Result<RowView> ended = view_row(found.record);
    if (!ended.ok()) {
      recorder_.fail(ended.status());
      return false;
    }
    fact.replaced = ended->status;
  }
  fact.started = encoded(started);
  return recorder_.record(fact);
}

bool Intake::take(StartRequest& request) {
  const Found found = residency_.find(request.id_hash, request.instance_id);
  if (found.in_store) return false;
  if (state_.requests.contains(request.request_id) && !INGOT_PLANTED(kRepeatStarts)) {
    answer_repeated(request, found);
    return true;
  }
  if (found.live != nullptr || !found.record.empty()) {
    const Result<RowView> existing = view_of(found);
    if (!existing.ok()) {
      request.started(existing.status());
      return true;
    }
    if ((request.replace >> static_cast<unsigned>(existing->status) & 1) == 0) {
      // What exists may not be durable yet, and the answer tells of it.
      answer(request.started,
             Status(StatusCode::already_exists, "instance '" + request.instance_id + "' exists"));
      return true;
    }
  }
  HistoryEventView event;
  event.kind = HistoryEventKind::execution_started;
  event.timestamp = recorder_.now();
  event.name = request.orchestrator;
  event.data = request.input;
  event.has_data = request.has_input;
  event.instance_id = request.instance_id;
  event.execution_id = {random_.next(), random_.next() | 1};
  event.version = request.version;
  event.tags = request.tags;
  event.trace_parent = request.trace_parent;
  event.has_fire_at = request.scheduled_start.has_value();
  if (request.scheduled_start) event.fire_at = *request.scheduled_start;
  if (!record_start(event, request.request_id, found)) {
    request.started(recorder_.failure());
    return true;
  }
  // No step has run yet, so the instance has not ended.
  if (request.completed) {
    waiters_.add(state_.last_sequence,
                 {WaitFor::completion, true, 0, std::move(request.completed)});
  }
  answer(request.started, std::move(request.instance_id));
  return true;
}

void Intake::answer_repeated(StartRequest& request, const Found& found) {
  answer(request.started, request.instance_id);
  if (!request.completed) return;
  if (found.live != nullptr) {
    waiters_.add(found.live->sequence,
                 {WaitFor::completion, true, 0, std::move(request.completed)});
    return;
  }
  Result<InstanceState> end = no_such_instance(request.instance_id);
  if (!found.record.empty()) {
    const Result<RowView> row = view_row(found.record);
    end = row.ok() ? to_instance_state(*row, true) : Result<InstanceState>(row.status());
  }
  answer(request.completed, std::move(end));
}

bool Intake::take(DeliverRequest& request) {
  if (state_.requests.contains(request.request_id) && !INGOT_PLANTED(kRepeatMessages)) {
    answer(request.done, Status());
    return true;
  }
  const Found found = residency_.find(request.id_hash, request.instance_id);
  if (found.in_store) return false;
  if (found.live == nullptr) {
    answer(request.done, found.record.empty() ? no_such_instance(request.instance_id)
                                              : has_ended(request.instance_id));
    return true;
  }
  if (request.kind == HistoryEventKind::event_raised &&
      !found.live->has_room_for(request.data.size())) {
    answer(request.done, has_too_much(request.instance_id, *found.live));
    return true;
  }
  HistoryEventView event;
  event.kind = request.kind;
  event.timestamp = recorder_.now();
  event.name = request.name;
  event.data = request.data;
  event.has_data = true;
  event.recurse = request.recurse;
  record_and_answer(MessageDelivered{found.live->sequence, request.request_id, encoded(event)},
                    request.done, Status());
  return true;
}

bool Intake::take(SignalRequest& request) {
  if (state_.requests.contains(request.request_id)) {
    answer(request.done, Status());
    return true;
  }
  const Found found = residency_.find(request.id_hash, request.instance_id);
  if (found.in_store) return false;
  SequenceNumber entity;
  if (found.live != nullptr) {
    if (!found.live->has_room_for(request.input.size())) {
      answer(request.done, has_too_much(request.instance_id, *found.live));
      return true;
    }
    entity = found.live->sequence;
  } else if (recorder_.record(EntityCreated{request.instance_id})) {
    entity = state_.last_sequence;
  } else {
    request.done(recorder_.failure());
    return true;
  }
  HistoryEventView event;
  event.kind = HistoryEventKind::entity_operation_signaled;
  event.timestamp = recorder_.now();
  event.name = request.operation;
  event.data = request.input;
  event.has_data = true;
  event.has_fire_at = request.at.has_value();
  if (request.at) event.fire_at = *request.at;
  event.trace_parent = request.trace_parent;
  record_and_answer(MessageDelivered{entity, request.request_id, encoded(event)}, request.done,
                    Status());
  return true;
}

bool Intake::take(ObserveRequest& request) {
  const Found found = residency_.find(request.id_hash, request.instance_id);
  if (found.in_store) return false;
  if (found.live == nullptr && found.record.empty()) {
    answer(request.done, no_such_instance(request.instance_id));
    return true;
  }
  const bool wait =
      found.live != nullptr &&
      (request.wait_for == WaitFor::completion ||
       (request.wait_for == WaitFor::start && found.live->status == RuntimeStatus::pending));
  if (wait) {
    waiters_.add(found.live->sequence, {request.wait_for, request.with_payloads, request.wait_id,
                                        std::move(request.done)});
    return true;
  }
  const Result<RowView> row = view_of(found);
  answer(request.done, row.ok() ? to_instance_state(*row, request.with_payloads)
                                : Result<InstanceState>(row.status()));
  return true;
}

bool Intake::take(CancelWaitRequest& request) {
  const Found found = residency_.find(request.id_hash, request.instance_id);
  if (found.in_store) return false;
  if (found.live != nullptr) waiters_.cancel(found.live->sequence, request.wait_id);
  return true;
}

bool Intake::take(HistoryRequest& request) {
  const Found found = residency_.find(request.id_hash, request.instance_id);
  if (found.in_store) return false;
  Result<std::vector<HistoryEvent>> history = no_such_instance(request.instance_id);
  if (found.live != nullptr || !found.record.empty()) {
    const Result<RowView> row = view_of(found);
    history =
        row.ok() ? decode_history(row->history) : Result<std::vector<HistoryEvent>>(row.status());
  }
  answer(request.done, std::move(history));
  return true;
}

bool Intake::take(EntityRequest& request) {
  const Found found = residency_.find(request.id_hash, request.instance_id);
  if (found.in_store) return false;
  if (found.live == nullptr) {
    answer(request.done, Status(StatusCode::not_found, "no entity '" + request.instance_id + "'"));
  } else {
    answer(request.done, to_entity_state(view_row(*found.live), request.include_state));
  }
  return true;
}

bool Intake::take(CountRequest& request) {
  InstanceCounts counts;
  counts.by_status = state_.counters.by_status;
  counts.entities = state_.counters.entities;
  answer(request.done, counts);
  return true;
}

}  // namespace ingot::partition
