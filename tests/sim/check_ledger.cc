#include "tests/sim/check_ledger.h"

namespace ingot::sim {
namespace {

constexpr const char* kProperty = "(a) ledger";

struct RequestOf {
  std::uint64_t operator()(const InstanceCreated& f) const { return f.request_id; }
  std::uint64_t operator()(const MessageDelivered& f) const { return f.request_id; }
  std::uint64_t operator()(const InstancePurged& f) const { return f.request_id; }
  std::uint64_t operator()(const InstanceRewound& f) const { return f.request_id; }
  template <typename Other>
  std::uint64_t operator()(const Other& /*f*/) const {
    return 0;
  }
};

}  // namespace

void LedgerChecker::before(const DurableFact& fact) {
  const std::uint64_t request = std::visit(RequestOf{}, fact.fact.body);
  if (request == 0 || durable_[fact.partition.value].insert(request).second) return;
  findings_.violated(kProperty, fact.partition, {},
                     "request " + std::to_string(request) + " is carried out again at position " +
                         std::to_string(fact.position.value));
}

void LedgerChecker::acknowledged(PartitionId partition, std::uint64_t request_id,
                                 const std::string& instance) {
  ++count_;
  if (durable_[partition.value].count(request_id) == 0) {
    findings_.violated(
        "(e) durability", partition, instance,
        "request " + std::to_string(request_id) + " was acknowledged, and no durable fact has it");
  }
  acknowledged_[partition.value].push_back(request_id);
}

void LedgerChecker::recovered(PartitionId partition, const partition::PartitionState& state) {
  for (const std::uint64_t request : acknowledged_[partition.value]) {
    if (state.requests.contains(request)) continue;
    findings_.violated(
        kProperty, partition, {},
        "request " + std::to_string(request) + " was acknowledged, and is lost after recovery");
    return;
  }
}

}  // namespace ingot::sim
