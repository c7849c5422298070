#pragma once

// Encoded history events and facts for the tests of the state machine: one function each, with the
// fields that matter here.

#include <ingot/history_event.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

inline std::string child_action(std::int32_t id, std::string_view child) {
  HistoryEvent event;
  event.kind = HistoryEventKind::sub_orchestration_created;
  event.event_id = id;
  event.name = "child";
  event.instance_id = child;
  event.data = "input";
  return bytes_of(event);
}

inline std::string continue_action(std::int32_t id) {
  HistoryEvent event;
  event.kind = HistoryEventKind::continue_as_new;
  event.event_id = id;
  event.data = "again";
  return bytes_of(event);
}

// A call, signal or unlocking of `entity` as an action.
inline std::string entity_action(HistoryEventKind kind, std::int32_t id, std::string_view entity) {
  HistoryEvent event;
  event.kind = kind;
  event.event_id = id;
  event.instance_id = entity;
  event.name = "operation";
  event.data = "x";
  return bytes_of(event);
}

inline std::string lock_action(std::int32_t id, std::vector<std::string> entities) {
  HistoryEvent event;
  event.kind = HistoryEventKind::entity_lock_requested;
  event.event_id = id;
  event.lock_set = std::move(entities);
  return bytes_of(event);
}

// A message for an entity, from an instance and its execution.
inline std::string entity_message(HistoryEventKind kind, std::string_view sender,
                                  ExecutionId execution, std::int32_t scheduled_id,
                                  std::vector<std::string> lock_set = {}) {
  HistoryEvent event;
  event.kind = kind;
  event.instance_id = sender;
  event.execution_id = execution;
  event.scheduled_id = scheduled_id;
  event.name = "operation";
  event.lock_set = std::move(lock_set);
  return bytes_of(event);
}

// A reply to the execution that asked.
inline std::string reply_event(HistoryEventKind kind, ExecutionId execution,
                               std::int32_t scheduled_id) {
  HistoryEvent event;
  event.kind = kind;
  event.execution_id = execution;
  event.scheduled_id = scheduled_id;
  event.data = "reply";
  return bytes_of(event);
}

inline std::string control_event(HistoryEventKind kind, bool recurse = false) {
  HistoryEvent event;
  event.kind = kind;
  event.data = "reason";
  event.recurse = recurse;
  return bytes_of(event);
}

inline std::string child_started_event(std::string_view id, ExecutionId execution,
                                       std::string_view parent) {
  HistoryEvent event;
  event.kind = HistoryEventKind::execution_started;
  event.name = "child";
  event.instance_id = id;
  event.execution_id = execution;
  event.parent = ParentInfo{"parent", std::string(parent), {3, 4}, 5};
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
