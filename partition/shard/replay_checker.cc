#include "partition/shard/replay_checker.h"

#include <vector>

#include "core/fact_codec.h"
#include "core/hash.h"
#include "core/try.h"
#include "partition/apply/apply.h"
#include "partition/state/row.h"

namespace ingot::partition {

Result<std::string> apply_to_decoded_copy(const PartitionState& state, std::string_view fact) {
  PartitionState copy(state.partition, state.partition_count);
  std::string tables;
  state.encode_tables(tables);
  INGOT_TRY(copy.decode_tables(tables));
  std::vector<std::string> rows;
  state.instances.for_each(
      [&](const Instance& instance) { encode_row(instance, rows.emplace_back()); });
  for (const std::string& row : rows) {
    INGOT_ASSIGN(std::unique_ptr<Instance> instance, decode_row(row));
    instance->id_hash = hash64(instance->id);
    copy.instances.insert(std::move(instance));
  }
  for (const TimerKey& key : state.agenda.timers()) copy.agenda.restore(key);
  for (const auto& [key, task] : state.detached.all()) copy.detached.restore(key, task);
  const auto copy_records = [&](const FinishedRecords& records) {
    records.for_each([&](const FinishedRecord& record) {
      copy.finished.add(hash64(record.id), record.id, record.row);
    });
  };
  if (state.finished.sealed() != nullptr) copy_records(*state.finished.sealed());
  copy_records(state.finished.current());
  INGOT_ASSIGN(const Fact decoded, decode_fact(fact));
  Effects discarded;
  INGOT_TRY(apply(copy, state.applied.plus(1), decoded, discarded));
  return copy.snapshot();
}

}  // namespace ingot::partition
