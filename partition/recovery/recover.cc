#include "partition/recovery/recover.h"

#include "core/try.h"
#include "partition/recovery/replay.h"

namespace ingot::partition {
namespace {

Result<std::unique_ptr<storage::CheckpointStore>> open_store(const RecoveryPlan& plan) {
  if (plan.open_store) return plan.open_store();
  storage::LmdbStoreOptions options;
  options.directory = plan.folder.checkpoint;
  options.hub_id = plan.hub_id;
  options.partition = plan.partition;
  options.must_exist = plan.must_exist;
  options.scrub_behind_opening = true;
  return storage::open_lmdb_store(options);
}

}  // namespace

Result<Recovered> recover(log::Io& io, const HubOptions& options, const Clock& clock,
                          const RecoveryPlan& plan) {
  const Duration start = clock.monotonic();
  Recovered recovered;
  INGOT_ASSIGN(recovered.store, open_store(plan));
  recovered.state = std::make_unique<PartitionState>(plan.partition, plan.partition_count);
  PartitionState& state = *recovered.state;
  INGOT_TRY(load_checkpoint(*recovered.store, state).with_context(plan.folder.checkpoint));

  log::CommitLogOptions log_options;
  log_options.directory = plan.folder.log;
  log_options.hub_id = plan.hub_id;
  log_options.partition = plan.partition;
  log_options.epoch = plan.epoch;
  log_options.must_exist = plan.must_exist;
  log_options.segment_bytes = options.segment_bytes;
  log_options.batch_bytes_max = options.batch_bytes_max;
  Effects discarded;
  INGOT_ASSIGN(recovered.log, log::CommitLog::open(
                                  io, log_options, recovered.store->position(),
                                  [&](Position position, std::string_view bytes) -> Status {
                                    const Status replayed = replay_fact(*recovered.store, state,
                                                                        position, bytes, discarded);
                                    if (!replayed.ok()) {
                                      return replayed.with_context(plan.folder.log + ", position " +
                                                                   std::to_string(position.value));
                                    }
                                    ++recovered.figures.facts;
                                    recovered.figures.bytes += bytes.size();
                                    return {};
                                  }));
  recovered.figures.seconds = std::chrono::duration<double>(clock.monotonic() - start).count();
  return recovered;
}

}  // namespace ingot::partition
