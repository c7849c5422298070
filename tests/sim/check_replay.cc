#include "tests/sim/check_replay.h"

#include "core/hash.h"
#include "partition/state/row.h"

namespace ingot::sim {
namespace {

using partition::FinishedRecord;
using partition::Instance;
using partition::PartitionState;

// What the recovered side has of a finished id; empty: nothing.
std::string record_of(const PartitionState& recovered, const storage::CheckpointStore& store,
                      std::uint64_t hash, std::string_view id) {
  const FinishedRecord staged = recovered.finished.find(hash, id);
  if (!staged.id.empty()) return std::string(staged.row);
  const Result<std::optional<storage::Located>> found = store.find(id);
  return found.ok() && *found ? (*found)->record : std::string();
}

}  // namespace

std::string compare_states(const PartitionState& pure, const PartitionState& recovered,
                           const storage::CheckpointStore& store, std::uint64_t sample,
                           Random& random, std::string& id) {
  if (pure.applied != recovered.applied) {
    return "position " + std::to_string(recovered.applied.value) + " instead of " +
           std::to_string(pure.applied.value);
  }
  std::string left;
  std::string right;
  pure.encode_tables(left);
  recovered.encode_tables(right);
  if (left != right) return "the tables differ";
  if (pure.agenda.timers() != recovered.agenda.timers()) return "the timers differ";
  std::string fault;
  std::size_t resident = 0;
  pure.instances.for_each([&](const Instance& instance) {
    if (!fault.empty()) return;
    left.clear();
    right.clear();
    encode_row(instance, left);
    const Instance* other = recovered.instances.find(instance.sequence);
    if (other != nullptr) {
      ++resident;
      encode_row(*other, right);
    } else {
      Result<std::string> row = store.read_row(instance.sequence);
      if (row.ok()) right = *std::move(row);
      if (instance.has_outstanding_work()) fault = "unfinished work of an instance is not known";
    }
    if (left != right) fault = right.empty() ? "a live instance is missing" : "an instance differs";
    if (!fault.empty()) id = instance.id;
  });
  if (!fault.empty()) return fault;
  if (resident != recovered.instances.size()) return "an instance came from nowhere";
  pure.finished.current().for_each([&](const FinishedRecord& record) {
    if (!fault.empty() || !random.one_in(sample)) return;
    const std::uint64_t hash = hash64(record.id);
    const FinishedRecord newest = pure.finished.find(hash, record.id);
    if (newest.row.data() != record.row.data()) return;
    if (pure.instances.find(hash, record.id) != nullptr) return;  // lives again
    if (record_of(recovered, store, hash, record.id) == record.row) return;
    fault = record.purged() ? "a purged instance is back" : "a finished instance differs";
    id = record.id;
  });
  return fault;
}

}  // namespace ingot::sim
