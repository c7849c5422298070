#pragma once

// Requests: everything that can be put into a partition's inbox, one closed variant. Clients,
// workers, the loader, the checkpoint thread and the other partitions all come in this way.
//
// A request with a callback is answered exactly once: when its answer is durable, or with the
// Status that says why not.

#include <ingot/client.h>
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

#include "partition/state/outbox.h"
#include "storage/checkpoint_store.h"

namespace ingot::partition {

using StatusFn = std::function<void(Status)>;

// --- from clients ---------------------------------------------------------------------------

struct StartRequest {
  std::string instance_id;
  std::uint64_t id_hash = 0;
  std::string orchestrator;
  std::string input;
  bool has_input = false;
  std::optional<Timestamp> scheduled_start;
  std::uint64_t request_id = 0;
  Client::StartedFn started;
  Client::StateFn completed;  // may be empty
};

// An external event, or a termination, for a live instance.
struct DeliverRequest {
  std::string instance_id;
  std::uint64_t id_hash = 0;
  HistoryEventKind kind = HistoryEventKind::event_raised;
  std::string name;
  std::string data;
  std::uint64_t request_id = 0;
  StatusFn done;
};

enum class WaitFor : std::uint8_t { nothing, start, completion };

// Asks for an instance's state, now or when it has got there.
struct ObserveRequest {
  std::string instance_id;
  std::uint64_t id_hash = 0;
  WaitFor wait_for = WaitFor::nothing;
  bool with_payloads = true;
  std::uint64_t wait_id = 0;  // for CancelWaitRequest
  Client::StateFn done;
};

// The one who waits has left.
struct CancelWaitRequest {
  std::string instance_id;
  std::uint64_t id_hash = 0;
  std::uint64_t wait_id = 0;
};

struct HistoryRequest {
  std::string instance_id;
  std::uint64_t id_hash = 0;
  std::function<void(Result<std::vector<HistoryEvent>>)> done;
};

// One partition's share of a query's page: up to `query.page_size` matches with ids above `after`.
struct QueryRequest {
  InstanceQuery query;
  std::string after;
  std::function<void(Result<std::vector<InstanceState>>)> done;
};

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

// A query on its way: the request and what it has found so far.
struct QueryProgress {
  QueryRequest request;
  std::vector<InstanceState> found;
};
struct ScannedRow {
  std::string id;
  std::string bytes;
};
// What the loader's thread found in the store for a query.
struct QueryScanned {
  std::shared_ptr<QueryProgress> progress;
  std::uint64_t checkpoints_seen = 0;
  Result<std::vector<ScannedRow>> rows = Status(StatusCode::internal, "not scanned");
};

struct CheckpointDone {
  Status status;
};

using Request =
    std::variant<StartRequest, DeliverRequest, ObserveRequest, CancelWaitRequest, HistoryRequest,
                 QueryRequest, CheckpointRequest, MetricsRequest, LockOrchestrationRequest,
                 CompleteOrchestrationRequest, LockEntityRequest, CompleteEntityRequest,
                 LockActivityRequest, CompleteActivityRequest, AbandonRequest, ActivityResults,
                 PeerMessages, PeerConfirmation, LoadDone, QueryScanned, CheckpointDone>;

// Answers the one who asked with a failure; does nothing for requests that no one waits for.
void refuse(Request& request, const Status& why);

}  // namespace ingot::partition
