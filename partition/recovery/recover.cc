#include "partition/recovery/recover.h"

#include "core/try.h"
#include "partition/recovery/replay.h"

namespace ingot::partition {

Result<Recovered> recover(log::Io& io, const HubOptions& options, const Clock& clock,
                          const RecoveryPlan& plan) {
  const Duration start = clock.monotonic();
  Recovered recovered;
  storage::LmdbStoreOptions store_options;
  store_options.directory = plan.folder.checkpoint;
  store_options.hub_id = plan.hub_id;
  store_options.partition = plan.partition;
  INGOT_ASSIGN(recovered.store, storage::open_lmdb_store(store_options));
  recovered.state = std::make_unique<PartitionState>(plan.partition, plan.partition_count);
  PartitionState& state = *recovered.state;
  INGOT_TRY(load_checkpoint(*recovered.store, state).with_context(plan.folder.checkpoint));

  log::CommitLogOptions log_options;
  log_options.directory = plan.folder.log;
  log_options.hub_id = plan.hub_id;
  log_options.partition = plan.partition;
  log_options.epoch = plan.epoch;
  log_options.segment_bytes = options.segment_bytes;
  log_options.batch_bytes_max = options.batch_bytes_max;
  Effects discarded;
  INGOT_ASSIGN(recovered.log,
               log::CommitLog::open(io, log_options, recovered.store->position(),
                                    [&](Position position, std::string_view bytes) -> Status {
                                      INGOT_TRY(replay_fact(*recovered.store, state, position,
                                                            bytes, discarded));
                                      ++recovered.figures.facts;
                                      recovered.figures.bytes += bytes.size();
                                      return {};
                                    }));
  recovered.figures.seconds = std::chrono::duration<double>(clock.monotonic() - start).count();
  return recovered;
}

}  // namespace ingot::partition
