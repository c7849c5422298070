#include "tests/sim/check_histories.h"

#include <algorithm>
#include <set>

#include "core/history_codec.h"
#include "partition/state/row.h"

namespace ingot::sim {
namespace {

using Kind = HistoryEventKind;

bool is_reply(Kind kind) {
  switch (kind) {
    case Kind::task_completed:
    case Kind::task_failed:
    case Kind::timer_fired:
    case Kind::sub_orchestration_completed:
    case Kind::sub_orchestration_failed:
    case Kind::entity_operation_completed:
    case Kind::entity_operation_failed:
    case Kind::entity_lock_granted:
      return true;
    default:
      return false;
  }
}

Kind asked_by(Kind reply) {
  switch (reply) {
    case Kind::task_completed:
    case Kind::task_failed:
      return Kind::task_scheduled;
    case Kind::timer_fired:
      return Kind::timer_created;
    case Kind::sub_orchestration_completed:
    case Kind::sub_orchestration_failed:
      return Kind::sub_orchestration_created;
    case Kind::entity_lock_granted:
      return Kind::entity_lock_requested;
    default:
      return Kind::entity_operation_called;
  }
}

const HistoryEvent* start_of(const std::vector<HistoryEvent>& history) {
  for (const HistoryEvent& event : history) {
    if (event.kind == Kind::execution_started) return &event;
  }
  return nullptr;
}

}  // namespace

void HistoryChecker::before(const DurableFact& fact) {
  const auto* rewound = std::get_if<InstanceRewound>(&fact.fact.body);
  if (rewound == nullptr) return;
  const Result<partition::RowView> row = partition::view_row(rewound->row);
  if (row.ok()) ++rewound_[std::string(row->id)];
}

void HistoryChecker::seen(PartitionId partition, const std::string& id,
                          std::vector<HistoryEvent> history) {
  check(partition, id, history, false);
  std::vector<HistoryEvent>& before = seen_[id];
  const HistoryEvent* old_start = start_of(before);
  const HistoryEvent* new_start = start_of(history);
  const bool same = old_start != nullptr && new_start != nullptr &&
                    old_start->execution_id == new_start->execution_id;
  const bool grown =
      history.size() >= before.size() && std::equal(before.begin(), before.end(), history.begin());
  if (same && !grown && rewound_[id] != 0) {
    --rewound_[id];
  } else if (same && !grown) {
    findings_.violated("(b) histories", partition, id,
                       "a history of " + std::to_string(before.size()) +
                           " events became another one of " + std::to_string(history.size()));
  }
  before = std::move(history);
}

void HistoryChecker::check(PartitionId partition, const std::string& id,
                           const std::vector<HistoryEvent>& history, bool has_ended) {
  const auto wrong = [&](const char* property, std::string text) {
    findings_.violated(property, partition, id, std::move(text));
  };
  std::vector<std::pair<std::int32_t, Kind>> actions;
  std::set<std::int32_t> answered;
  std::size_t starts = 0;
  std::size_t ends = 0;
  for (const HistoryEvent& event : history) {
    if (event.kind == Kind::execution_started) ++starts;
    if (event.kind == Kind::execution_completed) ++ends;
    if (event.event_id >= 0) {
      const std::int32_t last = actions.empty() ? -1 : actions.back().first;
      if (event.event_id <= last) {
        wrong("(b) histories", "action " + std::to_string(event.event_id) + " follows action " +
                                   std::to_string(last));
      }
      actions.emplace_back(event.event_id, event.kind);
    }
    if (!is_reply(event.kind)) continue;
    const std::string what =
        std::string(to_string(event.kind)) + " for action " + std::to_string(event.scheduled_id);
    const bool asked =
        std::find(actions.begin(), actions.end(),
                  std::pair(event.scheduled_id, asked_by(event.kind))) != actions.end();
    if (!asked) wrong("(c) completions", what + " answers what was never asked");
    if (!answered.insert(event.scheduled_id).second) {
      wrong("(c) completions", what + " is applied a second time");
    }
  }
  if (history.empty()) return;
  if (history.front().kind != Kind::orchestrator_started || starts != 1) {
    wrong("(b) histories", "a history begins with " + std::string(to_string(history[0].kind)) +
                               " and has " + std::to_string(starts) + " starts");
  }
  const bool over = history.back().kind == Kind::execution_completed;
  if (ends > 1 || (ends == 1 && !over) || (has_ended && !over)) {
    wrong("(b) histories", "a history with " + std::to_string(ends) + " ends, the last event is " +
                               std::string(to_string(history.back().kind)));
  }
}

void HistoryChecker::ended(const partition::PartitionState& state) {
  const auto look = [&](std::string_view id, std::string_view bytes, bool has_ended) {
    const Result<std::vector<HistoryEvent>> history = decode_history(bytes);
    if (!history.ok()) {
      findings_.violated("(b) histories", state.partition, std::string(id),
                         history.status().to_string());
      return;
    }
    check(state.partition, std::string(id), *history, has_ended);
  };
  state.instances.for_each([&](const partition::Instance& instance) {
    if (instance.entity == nullptr) look(instance.id, instance.history, false);
  });
  state.finished.current().for_each([&](const partition::FinishedRecord& record) {
    if (record.purged()) return;
    const Result<partition::RowView> row = partition::view_row(record.row);
    if (row.ok()) look(record.id, row->history, true);
  });
}

}  // namespace ingot::sim
