// Where code and history disagree: the execution can't go on, and says which event and action.

#include <algorithm>

#include "core/execution_core.h"

namespace ingot::model {
namespace {

std::string describe(const HistoryEventView& event) {
  const std::vector<std::string> no_ids;
  std::string text(to_string(event.kind));
  const std::int32_t id = event.event_id >= 0 ? event.event_id : event.scheduled_id;
  text += " (id " + std::to_string(id);
  if (!event.name.empty()) text.append(", \"").append(event.name).append("\"");
  if (!event.instance_id.empty())
    text.append(", instance \"").append(event.instance_id).append("\"");
  const char* separator = ", locks \"";
  for (const std::string& entity : decode_lock_set(event.lock_set).value_or(no_ids)) {
    text.append(separator).append(entity).append("\"");
    separator = ", \"";
  }
  return text + ")";
}

// Inputs and times may differ: they are the history's. What an action asks for, and of whom, may
// not.
bool same_action(const HistoryEventView& a, const HistoryEventView& b) {
  return a.kind == b.kind && a.event_id == b.event_id && a.name == b.name &&
         a.instance_id == b.instance_id && a.status == b.status && a.lock_set == b.lock_set &&
         (a.kind != HistoryEventKind::entity_unlock_sent || a.scheduled_id == b.scheduled_id);
}

}  // namespace

void ExecutionCore::check_action(const HistoryEventView& event) {
  history_next_id_ = std::max(history_next_id_, event.event_id + 1);
  if (!disagreement_.empty()) return;
  if (!replaying_) return disagree("the new events contain the action " + describe(event));
  if (recorded_head_ == recorded_.size()) {
    return disagree("the history has " + describe(event) +
                    ", which the orchestrator did not produce");
  }
  Reader reader(std::string_view(recorded_).substr(recorded_head_));
  const HistoryEventView action = decode_trusted_event(reader);
  if (!same_action(event, action)) {
    return disagree("the history has " + describe(event) + " where the orchestrator produced " +
                    describe(action));
  }
  recorded_head_ = recorded_.size() - reader.remaining();
  if (recorded_head_ == recorded_.size()) {
    recorded_.clear();
    recorded_head_ = 0;
  }
}

void ExecutionCore::check_all_actions_seen() {
  if (recorded_.empty() || !disagreement_.empty()) return;
  Reader reader(std::string_view(recorded_).substr(recorded_head_));
  disagree("the orchestrator produced " + describe(decode_trusted_event(reader)) +
           ", which the history does not have");
}

void ExecutionCore::disagree_on_completion(const HistoryEventView& event) {
  const auto index = static_cast<std::size_t>(event.scheduled_id);
  std::string message = "the history has " + describe(event);
  if (event.scheduled_id >= 0 && index < actions_.size()) {
    message += " where the orchestrator produced ";
    message += to_string(actions_[index].kind);
  } else {
    message += " for an action that the orchestrator did not produce";
  }
  disagree(std::move(message));
}

void ExecutionCore::disagree(std::string message) {
  if (!disagreement_.empty()) return;
  disagreement_ = std::move(message);
  // An orchestrator that ended where its history goes on has not ended.
  finished_ = false;
}

void ExecutionCore::finish_disagreed(std::int32_t id) {
  FailureDetails failure;
  failure.type = kNonDeterministicOrchestration;
  failure.message = disagreement_;
  failure.non_retriable = true;
  destroy_coroutines();
  custom_status_.reset();
  carry_over_.clear();
  actions_.resize(static_cast<std::size_t>(id));
  closing_ = false;
  finish_failed(failure);
}

}  // namespace ingot::model
