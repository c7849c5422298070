#pragma once

// HistoryWriter: our history as the protocol's, and the work items that are made of it.
//
// Events that come from an orchestrator's action keep its id; all others have -1. ContinueAsNew,
// which some SDKs refuse, is never in a history that is sent; ExecutionRewound is.
//
// Answers of entities go by the request id that the asker chose, so the writer remembers what was
// asked: it has to see a history from its beginning. What was asked in the older form, as a JSON
// text in an event (convert_legacy.h), is written in that form, and so are its answers.

#include <ingot/history_event.h>
#include <ingot/work_items.h>
#include <orchestrator_service.pb.h>

#include <map>
#include <string>
#include <vector>

namespace ingot::server {

class HistoryWriter {
 public:
  void write(const HistoryEvent& event, ::HistoryEvent* out);

 private:
  // What an answer refers to.
  struct Asked {
    std::string request_id;
    bool legacy = false;
  };

  void write_started(const HistoryEvent& event, ::ExecutionStartedEvent* out);
  void write_entity_kind(const HistoryEvent& event, ::HistoryEvent* out);
  void write_legacy_kind(const HistoryEvent& event, ::HistoryEvent* out);
  [[nodiscard]] Asked asked_of(const HistoryEvent& event) const;

  std::string instance_id_;
  ExecutionId execution_id_;
  std::map<std::int32_t, Asked> asked_;  // by the action's id
};

// The work item for a worker. Without `past_events` the worker is told to ask for the history with
// StreamInstanceHistory.
void write_orchestration(const OrchestrationWorkItem& item, bool past_events,
                         ::OrchestratorRequest* out);
void write_activity(const ActivityWorkItem& item, ::ActivityRequest* out);

}  // namespace ingot::server
