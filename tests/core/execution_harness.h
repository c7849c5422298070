#pragma once

// Drives one Execution as a partition would: keeps its history, stamps steps, and makes it again by
// replay on request. Every step's actions are checked for their ids and time.

#include <gtest/gtest.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/execution.h"
#include "core/history_codec.h"

namespace ingot::testing {

using Kind = HistoryEventKind;

inline HistoryEvent started_event(std::string name = "test", std::string input = "") {
  HistoryEvent event;
  event.kind = Kind::execution_started;
  event.name = std::move(name);
  event.data = std::move(input);
  event.instance_id = "instance-1";
  event.execution_id = {0x0123456789ABCDEF, 0xFEDCBA9876543210};
  event.version = "7";
  return event;
}

inline HistoryEvent reply(Kind kind, std::int32_t id, std::string data = "") {
  HistoryEvent event;
  event.kind = kind;
  event.scheduled_id = id;
  if (kind != Kind::timer_fired) event.data = std::move(data);
  return event;
}
inline HistoryEvent completed(std::int32_t id, std::string result) {
  return reply(Kind::task_completed, id, std::move(result));
}
inline HistoryEvent fired(std::int32_t id) { return reply(Kind::timer_fired, id); }
inline HistoryEvent failed(std::int32_t id, std::string type, std::string message = "",
                           bool non_retriable = false, Kind kind = Kind::task_failed) {
  HistoryEvent event;
  event.kind = kind;
  event.scheduled_id = id;
  event.failure = FailureDetails{std::move(type), std::move(message), non_retriable, {}};
  return event;
}
inline HistoryEvent raised(std::string name, std::string data) {
  HistoryEvent event;
  event.kind = Kind::event_raised;
  event.name = std::move(name);
  event.data = std::move(data);
  return event;
}
inline HistoryEvent plain(Kind kind, std::optional<std::string> data = std::nullopt) {
  HistoryEvent event;
  event.kind = kind;
  event.data = std::move(data);
  return event;
}

inline std::vector<HistoryEvent> decoded(std::string_view bytes) {
  Result<std::vector<HistoryEvent>> events = decode_history(bytes);
  EXPECT_TRUE(events.ok()) << events.status().to_string();
  return events.ok() ? *std::move(events) : std::vector<HistoryEvent>{};
}

class Harness {
 public:
  explicit Harness(OrchestratorFn fn) : function_(std::move(fn)), execution_(function_) {}
  Harness(const Harness&) = delete;

  // Runs a step and appends it to the history.
  std::vector<HistoryEvent> step(const std::vector<HistoryEvent>& messages) {
    now_ += Duration(1000);
    HistoryEvent start;
    start.timestamp = now_;
    std::string events;
    encode_event(start, events);
    for (HistoryEvent message : messages) {
      message.timestamp = now_;
      encode_event(message, events);
    }
    std::string actions;
    last = execution_.step(events, actions);
    history += events + actions;
    std::vector<HistoryEvent> produced = decoded(actions);
    for (const HistoryEvent& action : produced) {
      EXPECT_EQ(action.event_id, next_id_++);
      EXPECT_EQ(action.timestamp, now_);
    }
    return produced;
  }
  std::vector<HistoryEvent> begin(std::string input = "") {
    return step({started_event("test", std::move(input))});
  }
  // Drops the execution and makes it again from its history.
  void replay() {
    execution_ = Execution(function_);
    execution_.replay(history);
  }
  // The same with another code.
  void replay_with(OrchestratorFn fn) {
    execution_ = Execution(fn);
    function_ = std::move(fn);
    execution_ = Execution(function_);
    execution_.replay(history);
  }
  [[nodiscard]] Timestamp now() const { return now_; }
  [[nodiscard]] const Execution& execution() const { return execution_; }

  std::string history;
  StepResult last;

 private:
  OrchestratorFn function_;
  Execution execution_;
  Timestamp now_{Duration(1'700'000'000'000'000)};
  std::int32_t next_id_ = 0;
};

inline void expect_completed(const std::vector<HistoryEvent>& actions, std::string_view output) {
  ASSERT_FALSE(actions.empty());
  const HistoryEvent& end = actions.back();
  EXPECT_EQ(end.kind, Kind::execution_completed);
  EXPECT_EQ(end.status, RuntimeStatus::completed)
      << (end.failure ? end.failure->type + ": " + end.failure->message : "");
  EXPECT_EQ(end.data, std::string(output));
}

inline FailureDetails expect_failed(const std::vector<HistoryEvent>& actions) {
  if (actions.empty() || actions.back().kind != Kind::execution_completed ||
      actions.back().status != RuntimeStatus::failed || !actions.back().failure) {
    ADD_FAILURE() << "no failed completion";
    return {};
  }
  return *actions.back().failure;
}

}  // namespace ingot::testing
