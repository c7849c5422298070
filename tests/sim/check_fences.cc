#include "tests/sim/check_fences.h"

namespace ingot::sim {
namespace {

struct Outcome {
  struct Found {
    SequenceNumber sequence;
    std::string_view bytes;
  };
  Found operator()(const ActivityCompleted& f) const { return {f.sequence, f.event}; }
  Found operator()(const StepCompleted& f) const { return {f.sequence, f.actions}; }
  Found operator()(const EntityStepCompleted& f) const { return {f.sequence, f.entity_state}; }
  template <typename Other>
  Found operator()(const Other& /*f*/) const {
    return {};
  }
};

}  // namespace

void FenceChecker::before(const DurableFact& fact) {
  const Outcome::Found found = std::visit(Outcome{}, fact.fact.body);
  if (found.bytes.find(kStaleMark) == std::string_view::npos) return;
  findings_.violated(
      "(h) fences", fact.partition, id_of(fact.state, found.sequence),
      "the outcome of an old token was taken, at position " + std::to_string(fact.position.value));
}

}  // namespace ingot::sim
