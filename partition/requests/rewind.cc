#include "partition/requests/rewind.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "core/history_codec.h"
#include "core/planted_bug.h"
#include "core/try.h"
#include "partition/apply/orchestration_end.h"

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

// The critical section that the orchestrator takes itself to be in, after the kept events; null for
// none.
std::unique_ptr<HeldLocks> section_after(const std::vector<Event>& events, std::size_t last) {
  std::unique_ptr<HeldLocks> locks;
  for (const Event& event : events) {
    const HistoryEventView& view = event.view;
    if (view.kind == Kind::entity_lock_granted && locks != nullptr &&
        view.scheduled_id == locks->event_id) {
      locks->again = true;
    }
    if (event.step == last) continue;  // its actions are taken back
    if (view.kind == Kind::entity_lock_requested) {
      locks = std::make_unique<HeldLocks>();
      locks->event_id = view.event_id;
      locks->entities = decode_lock_set(view.lock_set).value_or(std::vector<std::string>());
    } else if (view.kind == Kind::entity_unlock_sent && locks != nullptr) {
      std::erase(locks->entities, view.instance_id);
    }
    if (locks != nullptr && locks->entities.empty()) locks.reset();
  }
  return locks;
}

// The inbox of the rewound instance, event by event.
class RewoundInbox {
 public:
  explicit RewoundInbox(Instance& instance) : instance_(instance) {
    left_ = std::exchange(instance.inbox, {});
    instance.inbox_count = 0;
  }

  void add(const HistoryEventView& event, std::string_view bytes) {
    if (event.kind == Kind::execution_suspended || event.kind == Kind::execution_terminated) return;
    resumed_ |= event.kind == Kind::execution_resumed;
    instance_.inbox.append(bytes);
    ++instance_.inbox_count;
  }
  // What no step had consumed, and what makes it go on.
  void finish(bool suspended, Timestamp now, std::string_view reason) {
    Reader reader(left_);
    while (reader.more() && !INGOT_PLANTED(kRewindDropsInbox)) {
      const char* start = reader.at();
      const HistoryEventView event = decode_trusted_event(reader);
      // Void: the locks were given back at the end, and are asked for again.
      if (event.kind == Kind::entity_lock_granted) continue;
      add(event, {start, static_cast<std::size_t>(reader.at() - start)});
    }
    if (suspended && !resumed_) add_new(Kind::execution_resumed, now, reason);
    add_new(Kind::execution_rewound, now, reason);
  }

 private:
  void add_new(Kind kind, Timestamp now, std::string_view reason) {
    HistoryEventView event;
    event.kind = kind;
    event.timestamp = now;
    event.data = reason;
    event.has_data = true;
    encode_event(event, instance_.inbox);
    ++instance_.inbox_count;
  }

  Instance& instance_;
  std::string left_;
  bool resumed_ = false;
};

}  // namespace

Result<RewoundRow> rewound_row(std::string_view record, SequenceNumber sequence, Timestamp now,
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
  RewoundInbox inbox(*instance);
  bool suspended = false;
  std::vector<std::int32_t> tasks;
  std::vector<std::int32_t> awaited;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const HistoryEventView& event = events[i].view;
    if (gone[i]) {
      (event.kind == Kind::task_failed ? tasks : awaited).push_back(event.scheduled_id);
    } else if (events[i].step != last) {
      history.append(events[i].bytes);
      if (event.kind == Kind::execution_suspended) suspended = true;
      if (event.kind == Kind::execution_resumed) suspended = false;
    } else if (event.event_id >= 0) {
      if (!taken_before(events, i)) {
        instance->next_action_id = std::min(instance->next_action_id, event.event_id);
      }
    } else if (event.kind != Kind::orchestrator_started) {
      inbox.add(event, events[i].bytes);
    }
  }
  inbox.finish(suspended, now, reason);
  const std::int32_t limit = instance->next_action_id;

  RewoundRow rewound;
  rewound.old = std::exchange(instance->sequence, sequence);
  ++instance->rewinds;
  instance->locks = section_after(events, last);
  if (instance->locks != nullptr) {
    const std::int32_t action = instance->locks->event_id;
    instance->locks->event_id = HeldLocks::request_id(action, instance->rewinds);
    if (!instance->locks->again) awaited.push_back(action);
  }
  instance->status = RuntimeStatus::running;
  instance->updated_at = now;
  instance->tasks = pending_again(instance->tasks, std::move(tasks), limit);
  instance->awaited = pending_again(instance->awaited, std::move(awaited), limit);
  std::erase_if(instance->timers, [&](const PendingTimer& timer) { return timer.id >= limit; });
  instance->history = std::move(history);
  encode_row(*instance, rewound.row);
  return rewound;
}

bool is_rewound_child(const RowView& child, const HistoryEventView& asked) {
  const auto started = started_event(child);
  if (!started || started->parent.empty()) return false;
  const std::optional<ParentInfo> parent = decode_parent(started->parent);
  return parent && parent->instance_id == asked.instance_id &&
         parent->execution_id == asked.execution_id && parent->scheduled_id == asked.scheduled_id;
}

std::string answer_for_child(std::string_view child_id, const std::optional<RowView>& child,
                             const HistoryEventView& asked, Timestamp now) {
  const ParentInfo parent{
      {}, std::string(asked.instance_id), asked.execution_id, asked.scheduled_id};
  HistoryEventView end;
  end.status = RuntimeStatus::failed;
  std::string failure;
  const auto completed =
      child && is_rewound_child(*child, asked) ? completed_event(*child) : std::nullopt;
  if (completed) {
    end = *completed;
  } else {
    FailureDetails details;
    details.type = "InstanceNotFound";
    details.message =
        "the sub-orchestration '" + std::string(child_id) + "' does not exist any more";
    encode_failure(details, failure);
    end.failure = failure;
  }
  return child_answer(child_id, parent, end, now);
}

}  // namespace ingot::partition
