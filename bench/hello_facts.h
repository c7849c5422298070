#pragma once

// The facts of many HelloSequence instances as a partition would record them, encoded: what the
// micro benchmarks of the state machine and of recovery run over.

#include <ingot/ids.h>
#include <ingot/time.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/fact.h"
#include "core/fact_codec.h"
#include "core/history_codec.h"

namespace ingot::bench {

class HelloFacts {
 public:
  static constexpr std::uint32_t kLength = 3;
  static constexpr std::uint64_t kFactsOfAnInstance = 2 + 2 * kLength;

  // `instances` of them, `concurrency` at a time, their facts in turn.
  HelloFacts(std::uint64_t instances, std::uint64_t concurrency) {
    for (std::uint64_t first = 1; first <= instances; first += concurrency) {
      const std::uint64_t last = std::min(instances, first + concurrency - 1);
      for (std::uint64_t fact = 0; fact < kFactsOfAnInstance; ++fact) {
        for (std::uint64_t sequence = first; sequence <= last; ++sequence) add(sequence, fact);
      }
    }
  }

  [[nodiscard]] std::uint64_t count() const { return ends_.size(); }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_.size(); }
  // Calls `visit(std::string_view fact)` for each, in order.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    std::size_t begin = 0;
    for (const std::size_t end : ends_) {
      visit(std::string_view(bytes_).substr(begin, end - begin));
      begin = end;
    }
  }

 private:
  // The fact number `ordinal` of an instance: created, then step and result in turn.
  void add(std::uint64_t sequence, std::uint64_t ordinal) {
    const SequenceNumber instance(sequence);
    const auto task = static_cast<std::int32_t>((ordinal - 1) / 2);
    event_.clear();
    if (ordinal == 0) {
      HistoryEventView started = event(HistoryEventKind::execution_started);
      id_ = "0198c3f2-7d40-7000-8000-" + std::to_string(100'000'000'000 + sequence);
      started.name = "hello";
      started.instance_id = id_;
      started.execution_id = {sequence, 1};
      started.data = "3";
      started.has_data = true;
      encode_event(started, event_);
      put(InstanceCreated{sequence, std::nullopt, {}, event_});
    } else if (ordinal % 2 == 0) {
      HistoryEventView completed = event(HistoryEventKind::task_completed);
      completed.scheduled_id = task;
      completed.data = "Hello Tokyo!";
      completed.has_data = true;
      encode_event(completed, event_);
      put(ActivityCompleted{instance, 0, event_});
    } else {
      const bool last = ordinal + 1 == kFactsOfAnInstance;
      HistoryEventView action =
          event(last ? HistoryEventKind::execution_completed : HistoryEventKind::task_scheduled);
      action.event_id = task;
      action.data = last ? "Hello Tokyo!, Hello Seattle!, Hello London!" : "Tokyo";
      action.has_data = true;
      if (last) {
        action.status = RuntimeStatus::completed;
      } else {
        action.name = "say_hello";
      }
      encode_event(action, event_);
      StepCompleted step;
      step.sequence = instance;
      step.consumed = 1;
      step.actions = event_;
      put(step);
    }
  }

  static HistoryEventView event(HistoryEventKind kind) {
    HistoryEventView view;
    view.kind = kind;
    view.timestamp = Timestamp(Duration(1'750'000'000'000'000));
    return view;
  }

  void put(const FactBody& body) {
    encode_fact({Timestamp(Duration(1'750'000'000'000'000 + ends_.size())), body}, bytes_);
    ends_.push_back(bytes_.size());
  }

  std::string bytes_;
  std::vector<std::size_t> ends_;
  std::string event_;
  std::string id_;
};

}  // namespace ingot::bench
