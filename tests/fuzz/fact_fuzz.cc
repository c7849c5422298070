// Facts: whatever is read, is written and read again with the same meaning.

#include "core/fact_codec.h"
#include "tests/fuzz/fuzz.h"
#include "tests/partition/event_bytes.h"

namespace ingot::fuzz {

using partition::at_us;
using partition::bytes_of;

void run(std::string_view input) {
  const Result<Fact> fact = decode_fact(input);
  if (!fact.ok()) {
    FUZZ_CHECK(fact.status().code() == StatusCode::corrupt);
    return;
  }
  const std::string bytes = bytes_of(*fact);
  const Result<Fact> again = decode_fact(bytes);
  FUZZ_CHECK(again.ok() && again->at == fact->at);
  FUZZ_CHECK(again->body.index() == fact->body.index() && fact_name(*again) == fact_name(*fact));
  FUZZ_CHECK(bytes_of(*again) == bytes);
  FUZZ_CHECK(bytes.size() <= input.size());  // no field grows: the shortest form is written
}

std::vector<std::string> seeds() {
  const std::string event = partition::started_event("an id");
  std::vector<std::string> all;
  const auto add = [&](const FactBody& body) { all.push_back(bytes_of(Fact{at_us(77), body})); };
  add(InstanceCreated{5, RuntimeStatus::running, SequenceNumber(3), event});
  add(InstanceCreated{0, RuntimeStatus::failed, {}, event});
  add(MessageDelivered{SequenceNumber(300), 7, event});
  add(ActivityCompleted{SequenceNumber(1), 2, event});
  add(TimerFired{SequenceNumber(1), 2, kScheduledStartTimer});
  StepCompleted step;
  step.sequence = SequenceNumber(9);
  step.consumed = 2;
  step.has_custom_status = true;
  step.custom_status = "status";
  step.actions = event;
  add(step);
  step.next_execution_id = {1, 2};
  step.carry_over = event;
  add(step);
  add(PeerMessageReceived{PartitionId(2), 8, SequenceNumber(1), RuntimeStatus::completed, event});
  add(OutboxConfirmed{PartitionId(1), 1000});
  add(EntityCreated{"@counter@a"});
  add(EntityStepCompleted{SequenceNumber(4), 1, StateChange::set, "state", event});
  add(EntityStepCompleted{SequenceNumber(4), 1, StateChange::deleted, {}, {}});
  add(InstancePurged{1, "id", RuntimeStatus::terminated, {}});
  add(InstanceRewound{1, SequenceNumber(4), "row"});
  return all;
}

}  // namespace ingot::fuzz
