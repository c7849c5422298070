#include "partition/requests/rewind.h"

#include <algorithm>
#include <vector>

#include "core/history_codec.h"
#include "core/try.h"
#include "partition/state/row.h"

namespace ingot::partition {
namespace {

using Kind = HistoryEventKind;

struct Event {
  HistoryEventView view;
  std::string_view bytes;
  std::size_t step = 0;  // ordinal of the step that it belongs to
};

bool is_failure(const HistoryEventView& event) {
  return event.kind == Kind::task_failed || event.kind == Kind::sub_orchestration_failed;
}

std::vector<Event> events_of(std::string_view history) {
  std::vector<Event> events;
  Reader reader(history);
  std::size_t step = 0;
  while (reader.more()) {
    const char* start = reader.at();
    Event& event = events.emplace_back();
    event.view = decode_trusted_event(reader);  // decode_record() has checked it
    event.bytes = {start, static_cast<std::size_t>(reader.at() - start)};
    if (event.view.kind == Kind::orchestrator_started) ++step;
    event.step = step;
  }
  return events;
}

bool names(const FailureDetails& failure, const FailureDetails& cause) {
  if (failure.type == cause.type && failure.message == cause.message) return true;
  return !failure.inner.empty() && names(failure.inner.front(), cause);
}

// The failures that have not happened any more.
std::vector<bool> undone(const std::vector<Event>& events) {
  const std::size_t last = events.back().step;
  std::vector<bool> acted(last + 1);
  FailureDetails end;
  for (const Event& event : events) {
    if (event.view.event_id >= 0) acted[event.step] = true;
    if (event.view.kind == Kind::execution_completed) {
      end = decode_failure(event.view.failure).value_or(FailureDetails{});
    }
  }
  acted[last] = false;
  // What was asked for later, by any part of the orchestration, may have come of the failure.
  for (std::size_t step = last; step > 0; --step) acted[step - 1] = acted[step - 1] || acted[step];
  std::vector<bool> result(events.size());
  bool any = false;
  for (std::size_t i = 0; i < events.size(); ++i) {
    result[i] = is_failure(events[i].view) && !acted[events[i].step];
    any |= result[i];
  }
  for (std::size_t i = 0; i < events.size() && !any; ++i) {
    if (!is_failure(events[i].view)) continue;
    result[i] = names(end, decode_failure(events[i].view.failure).value_or(FailureDetails{}));
  }
  return result;
}

// A retry of a foreign runtime has the id of what failed in an earlier step.
bool taken_before(const std::vector<Event>& events, std::size_t at) {
  return std::any_of(
      events.begin(), events.begin() + static_cast<std::ptrdiff_t>(at), [&](const Event& event) {
        return event.view.event_id == events[at].view.event_id && event.step != events[at].step;
      });
}

// `tasks` without what is not below `limit`, and with `more`.
PendingTasks pending_again(const PendingTasks& tasks, std::vector<std::int32_t> more,
                           std::int32_t limit) {
  tasks.for_each([&](std::int32_t id) { more.push_back(id); });
  std::sort(more.begin(), more.end());
  more.erase(std::unique(more.begin(), more.end()), more.end());
  PendingTasks result;
  for (const std::int32_t id : more) {
    if (id >= 0 && id < limit) result.add(id);
  }
  return result;
}

}  // namespace

Result<std::string> rewound_row(std::string_view record, SequenceNumber sequence, Timestamp now,
                                std::string_view reason) {
  INGOT_ASSIGN(std::unique_ptr<Instance> instance, decode_record(record));
  if (instance->status != RuntimeStatus::failed) {
    return Status(StatusCode::failed_precondition, "instance '" + instance->id + "' is " +
                                                       std::string(to_string(instance->status)) +
                                                       "; only a Failed one is rewound");
  }
  const std::vector<Event> events = events_of(instance->history);
  if (events.empty()) return Status(StatusCode::corrupt, "a failed instance without a history");
  const std::vector<bool> gone = undone(events);
  const std::size_t last = events.back().step;

  std::string history;
  std::string inbox;
  std::vector<std::int32_t> tasks;
  std::vector<std::int32_t> awaited;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const HistoryEventView& event = events[i].view;
    if (gone[i]) {
      (event.kind == Kind::task_failed ? tasks : awaited).push_back(event.scheduled_id);
    } else if (events[i].step != last) {
      history.append(events[i].bytes);
    } else if (event.event_id >= 0) {
      if (!taken_before(events, i)) {
        instance->next_action_id = std::min(instance->next_action_id, event.event_id);
      }
    } else if (event.kind != Kind::orchestrator_started) {
      inbox.append(events[i].bytes);
      ++instance->inbox_count;
    }
  }
  const std::int32_t limit = instance->next_action_id;
  inbox.append(instance->inbox);
  HistoryEventView rewound;
  rewound.kind = Kind::execution_rewound;
  rewound.timestamp = now;
  rewound.data = reason;
  rewound.has_data = true;
  encode_event(rewound, inbox);
  ++instance->inbox_count;

  instance->sequence = sequence;
  instance->status = RuntimeStatus::running;
  instance->updated_at = now;
  instance->tasks = pending_again(instance->tasks, std::move(tasks), limit);
  instance->awaited = pending_again(instance->awaited, std::move(awaited), limit);
  std::erase_if(instance->timers, [&](const PendingTimer& timer) { return timer.id >= limit; });
  instance->history = std::move(history);
  instance->inbox = std::move(inbox);
  std::string row;
  encode_row(*instance, row);
  return row;
}

}  // namespace ingot::partition
