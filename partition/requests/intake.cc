#include "partition/requests/intake.h"

#include "core/history_codec.h"
#include "partition/state/row.h"

namespace ingot::partition {
namespace {

Status no_such_instance(const std::string& id) {
  return Status(StatusCode::not_found, "no instance '" + id + "'");
}

}  // namespace

bool Intake::take(StartRequest& request) {
  const Found found = residency_.find(request.id_hash, request.instance_id);
  if (found.in_store) return false;
  if (found.live != nullptr || !found.record.empty()) {
    // What exists may not be durable yet, and the answer tells of it.
    gate_.hold(recorder_.position(), [started = std::move(request.started),
                                      id = std::move(request.instance_id)](const Status& status) {
      started(status.ok() ? Status(StatusCode::already_exists, "instance '" + id + "' exists")
                          : status);
    });
    return true;
  }
  HistoryEventView event;
  event.kind = HistoryEventKind::execution_started;
  event.timestamp = recorder_.now();
  event.name = request.orchestrator;
  event.data = request.input;
  event.has_data = request.has_input;
  event.instance_id = request.instance_id;
  event.execution_id = {random_.next(), random_.next() | 1};
  event.has_fire_at = request.scheduled_start.has_value();
  if (request.scheduled_start) event.fire_at = *request.scheduled_start;
  event_.clear();
  encode_event(event, event_);
  // The waiter comes first: the instance may end within this very turn.
  const SequenceNumber sequence = state_.last_sequence.plus(1);
  if (!recorder_.record(InstanceCreated{0, std::nullopt, {}, event_})) {
    request.started(recorder_.failure());
    return true;
  }
  INGOT_ASSERT(state_.last_sequence == sequence, sequence.value);
  if (request.completed) {
    waiters_.add(sequence, {WaitFor::completion, true, 0, std::move(request.completed)});
  }
  gate_.hold(recorder_.position(), [started = std::move(request.started),
                                    id = std::move(request.instance_id)](const Status& s) mutable {
    if (s.ok()) {
      started(std::move(id));
    } else {
      started(s);
    }
  });
  return true;
}

bool Intake::take(DeliverRequest& request) {
  const Found found = residency_.find(request.id_hash, request.instance_id);
  if (found.in_store) return false;
  if (found.live == nullptr) {
    Status why = found.record.empty() ? no_such_instance(request.instance_id)
                                      : Status(StatusCode::failed_precondition,
                                               "instance '" + request.instance_id + "' has ended");
    gate_.hold(recorder_.position(),
               [done = std::move(request.done), why = std::move(why)](const Status& status) {
                 done(status.ok() ? why : status);
               });
    return true;
  }
  HistoryEventView event;
  event.kind = request.kind;
  event.timestamp = recorder_.now();
  event.name = request.name;
  event.data = request.data;
  event.has_data = true;
  event_.clear();
  encode_event(event, event_);
  if (!recorder_.record(MessageDelivered{found.live->sequence, 0, event_})) {
    request.done(recorder_.failure());
    return true;
  }
  gate_.hold(recorder_.position(),
             [done = std::move(request.done)](const Status& status) { done(status); });
  return true;
}

bool Intake::take(ObserveRequest& request) {
  const Found found = residency_.find(request.id_hash, request.instance_id);
  if (found.in_store) return false;
  if (found.live == nullptr && found.record.empty()) {
    gate_.hold(recorder_.position(),
               [done = std::move(request.done), why = no_such_instance(request.instance_id)](
                   const Status& status) { done(status.ok() ? why : status); });
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
  const Result<RowView> row =
      found.live != nullptr ? Result<RowView>(view_row(*found.live)) : view_row(found.record);
  Result<InstanceState> answer = row.ok() ? to_instance_state(*row, request.with_payloads)
                                          : Result<InstanceState>(row.status());
  answer_when_durable(gate_, recorder_.position(), std::move(request.done), std::move(answer));
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
  Result<std::vector<HistoryEvent>> answer = no_such_instance(request.instance_id);
  if (found.live != nullptr) {
    answer = decode_history(found.live->history);
  } else if (!found.record.empty()) {
    const Result<RowView> row = view_row(found.record);
    answer =
        row.ok() ? decode_history(row->history) : Result<std::vector<HistoryEvent>>(row.status());
  }
  gate_.hold(recorder_.position(),
             [done = std::move(request.done), answer = std::move(answer)](const Status& status) {
               if (status.ok()) {
                 done(answer);
               } else {
                 done(status);
               }
             });
  return true;
}

}  // namespace ingot::partition
