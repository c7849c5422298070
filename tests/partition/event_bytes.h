#pragma once

// Encoded history events and facts for the tests of the state machine: one function each, with the
// fields that matter here.

#include <ingot/history_event.h>

#include <string>
#include <string_view>

#include "core/fact.h"
#include "core/fact_codec.h"
#include "core/history_codec.h"

namespace ingot::partition {

inline Timestamp at_us(std::int64_t microseconds) { return Timestamp(Duration(microseconds)); }

inline std::string bytes_of(const HistoryEvent& event) {
  std::string bytes;
  encode_event(event, bytes);
  return bytes;
}

inline std::string bytes_of(const Fact& fact) {
  std::string bytes;
  encode_fact(fact, bytes);
  return bytes;
}

inline std::string started_event(std::string_view id, std::string_view name = "hello") {
  HistoryEvent event;
  event.kind = HistoryEventKind::execution_started;
  event.name = name;
  event.instance_id = id;
  event.execution_id = {1, 2};
  event.data = "input";
  return bytes_of(event);
}

inline std::string scheduled_started_event(std::string_view id, Timestamp start) {
  HistoryEvent event;
  event.kind = HistoryEventKind::execution_started;
  event.name = "hello";
  event.instance_id = id;
  event.execution_id = {1, 2};
  event.fire_at = start;
  return bytes_of(event);
}

// An event that a client or another instance sends.
inline std::string raised_event(std::string_view name, std::string_view data = "data") {
  HistoryEvent event;
  event.kind = HistoryEventKind::event_raised;
  event.name = name;
  event.data = data;
  return bytes_of(event);
}

inline std::string terminated_event() {
  HistoryEvent event;
  event.kind = HistoryEventKind::execution_terminated;
  event.data = "reason";
  return bytes_of(event);
}

inline std::string task_completed_event(std::int32_t task, std::string_view result = "result") {
  HistoryEvent event;
  event.kind = HistoryEventKind::task_completed;
  event.scheduled_id = task;
  event.data = result;
  return bytes_of(event);
}

// Actions of a step.
inline std::string task_action(std::int32_t id, std::string_view input = "input") {
  HistoryEvent event;
  event.kind = HistoryEventKind::task_scheduled;
  event.event_id = id;
  event.name = "say_hello";
  event.data = input;
  return bytes_of(event);
}

inline std::string timer_action(std::int32_t id, Timestamp fire_at) {
  HistoryEvent event;
  event.kind = HistoryEventKind::timer_created;
  event.event_id = id;
  event.fire_at = fire_at;
  return bytes_of(event);
}

inline std::string send_action(std::int32_t id, std::string_view target) {
  HistoryEvent event;
  event.kind = HistoryEventKind::event_sent;
  event.event_id = id;
  event.instance_id = target;
  event.name = "greeting";
  event.data = "hi";
  return bytes_of(event);
}

inline std::string complete_action(std::int32_t id,
                                   RuntimeStatus status = RuntimeStatus::completed) {
  HistoryEvent event;
  event.kind = HistoryEventKind::execution_completed;
  event.event_id = id;
  event.status = status;
  event.data = "output";
  return bytes_of(event);
}

}  // namespace ingot::partition
