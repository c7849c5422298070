#pragma once

// Requests: everything that can be put into a partition's inbox, one closed variant. Clients,
// workers, the loader, the checkpoint thread and the other partitions all come in this way.
//
// A request with a callback is answered exactly once: when its answer is durable, or with the
// Status that says why not.

#include <ingot/ids.h>
#include <ingot/task_hub.h>
#include <ingot/work_items.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "partition/requests/client_request.h"
#include "partition/state/finished_stage.h"
#include "partition/state/outbox.h"
#include "storage/checkpoint_store.h"

namespace ingot::partition {

// --- from the hub -----------------------------------------------------------------------------

struct CheckpointRequest {
  StatusFn done;
};

struct MetricsRequest {
  std::function<void(PartitionMetrics)> done;
};

// --- from foreign workers -------------------------------------------------------------------

struct LockOrchestrationRequest {
  SequenceNumber sequence;
  std::function<void(Result<OrchestrationWorkItem>)> done;  // not_found: nothing to do any more
};

struct CompleteOrchestrationRequest {
  WorkItemToken token;
  OrchestrationOutcome outcome;
  StatusFn done;
};

struct LockEntityRequest {
  SequenceNumber sequence;
  std::function<void(Result<EntityWorkItem>)> done;  // not_found: nothing to do any more
};

struct CompleteEntityRequest {
  WorkItemToken token;
  EntityOutcome outcome;
  StatusFn done;
};

struct LockActivityRequest {
  SequenceNumber sequence;
  std::int32_t task_id = 0;
  std::function<void(Result<ActivityWorkItem>)> done;  // not_found: nothing to do any more
};

struct CompleteActivityRequest {
  WorkItemToken token;
  std::optional<std::string> result;
  std::optional<FailureDetails> failure;
  StatusFn done;
};

// Gives a locked orchestration or entity (task_id -1) or activity back.
struct AbandonRequest {
  WorkItemToken token;
  bool honoured = false;  // the token still counts until the item is locked again
  StatusFn done;
};

// --- from inside ----------------------------------------------------------------------------

struct ActivityResult {
  SequenceNumber sequence;
  std::uint32_t generation = 0;
  std::string event;  // encoded TaskCompleted or TaskFailed
};
struct ActivityResults {
  std::vector<ActivityResult> results;
};

struct PeerMessages {
  PartitionId origin;
  std::vector<PeerMessage> messages;
};
struct PeerConfirmation {
  PartitionId destination;  // the partition that confirms
  std::uint64_t channel_position = 0;
};

// What the loader found for an id or, when `id` is empty, for a sequence number.
struct LoadDone {
  std::string id;
  std::uint64_t id_hash = 0;
  SequenceNumber sequence;
  std::uint64_t checkpoints_seen = 0;  // committed when the load was asked for
  Result<std::optional<std::string>> row = Status(StatusCode::internal, "not loaded");
};

// A scan on its way.
struct ScanProgress {
  ScanRequest request;
  std::size_t taken = 0;
  std::size_t read_rows = 0;  // of the store, next time
};
struct ScannedRow {
  std::string id;
  std::string bytes;
  bool finished = false;
};
// What the loader's thread found in the store for a scan, which goes on.
struct RowsScanned {
  std::shared_ptr<ScanProgress> progress;
  std::uint64_t checkpoints_seen = 0;
  Result<std::vector<ScannedRow>> rows = Status(StatusCode::internal, "not scanned");
};

struct CompletionProgress {
  CompletionRequest request;
  bool writes = false;  // each step records facts
  // Where it is in memory, once the store has no more: the generation (0: not there yet) and the
  // place in it.
  std::uint64_t generation = 0;
  FinishedPlace place;
  Timestamp group;  // the time of the last record, and where the first one of that time is
  storage::RecordCursor group_from;
};
struct RecordsScanned {
  std::shared_ptr<CompletionProgress> progress;
  std::uint64_t checkpoints_seen = 0;
  Result<std::vector<storage::ScannedRecord>> records = Status(StatusCode::internal, "not scanned");
};

struct CheckpointDone {
  Status status;
};

using Request =
    std::variant<StartRequest, DeliverRequest, SignalRequest, RestartRequest, RewindRequest,
                 PurgeRequest, ObserveRequest, CancelWaitRequest, HistoryRequest, EntityRequest,
                 CleanEntityRequest, CountRequest, ScanRequest, CompletionRequest, PurgeManyRequest,
                 CheckpointRequest, MetricsRequest, LockOrchestrationRequest,
                 CompleteOrchestrationRequest, LockEntityRequest, CompleteEntityRequest,
                 LockActivityRequest, CompleteActivityRequest, AbandonRequest, ActivityResults,
                 PeerMessages, PeerConfirmation, LoadDone, RowsScanned, RecordsScanned,
                 CheckpointDone>;

// Answers the one who asked with a failure; does nothing for requests that no one waits for.
void refuse(Request& request, const Status& why);

}  // namespace ingot::partition
