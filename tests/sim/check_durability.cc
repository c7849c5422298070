#include "tests/sim/check_durability.h"

#include <algorithm>

#include "core/hash.h"

namespace ingot::sim {
namespace {

constexpr const char* kProperty = "(e) durability";

// Messages from elsewhere have the times of other partitions, whose clock was read at other times
// and may have been set back since; steps have the partition's own.
bool has_newer_step(const std::vector<HistoryEvent>& history, Timestamp latest) {
  return std::any_of(history.begin(), history.end(), [&](const HistoryEvent& event) {
    return event.kind == HistoryEventKind::orchestrator_started && event.timestamp > latest;
  });
}

}  // namespace

void DurabilityChecker::before(const DurableFact& fact) {
  Timestamp& latest = latest_[fact.partition.value];
  latest = std::max(latest, fact.fact.at);
}

// A fact that is newer than all durable ones can't be.
void DurabilityChecker::shown(const InstanceState& shown,
                              const partition::PartitionState& durable) {
  if (shown.last_updated_at > latest_[durable.partition.value]) {
    findings_.violated(kProperty, durable.partition, shown.instance_id,
                       "a client was shown a state that is newer than every durable fact");
  }
  const std::uint64_t hash = hash64(shown.instance_id);
  if (durable.instances.find(hash, shown.instance_id) == nullptr &&
      durable.finished.find(hash, shown.instance_id).id.empty()) {
    findings_.violated(kProperty, durable.partition, shown.instance_id,
                       "a client was shown an instance that no durable fact has made");
  }
}

void DurabilityChecker::shown(const std::string& id, const std::vector<HistoryEvent>& history,
                              const partition::PartitionState& durable) {
  if (!has_newer_step(history, latest_[durable.partition.value])) return;
  findings_.violated(kProperty, durable.partition, id,
                     "a client was shown a step that is newer than every durable fact");
}

void DurabilityChecker::activity_given(SequenceNumber sequence, std::int32_t task_id,
                                       const std::string& id,
                                       const partition::PartitionState& durable) {
  // What is newer than the worker's knowledge may have ended it already.
  if (sequence > durable.last_sequence) {
    findings_.violated(kProperty, durable.partition, id,
                       "an activity of an instance that is not durable was given out");
    return;
  }
  // Nor is it known of which execution it is: what one left behind is given out later.
  const partition::Instance* instance = durable.instances.find(sequence);
  if (instance == nullptr || instance->next_action_id > task_id || instance->generation > 0) return;
  findings_.violated(
      kProperty, durable.partition, id,
      "activity " + std::to_string(task_id) + " was given out, and its scheduling is not durable");
}

void DurabilityChecker::step_given(const OrchestrationWorkItem& item,
                                   const partition::PartitionState& durable) {
  if (SequenceNumber(item.token.sequence) <= durable.last_sequence &&
      !has_newer_step(item.history, latest_[durable.partition.value])) {
    return;
  }
  findings_.violated(kProperty, durable.partition, item.instance_id,
                     "a worker was given what is newer than every durable fact");
}

}  // namespace ingot::sim
