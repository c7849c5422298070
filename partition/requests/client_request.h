#pragma once

// The requests of clients. Most name one instance, by `instance_id` and its hash, `id_hash`: one
// that only the store may know waits until it has been loaded.

#include <ingot/client.h>
#include <ingot/ids.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "partition/state/entity.h"
#include "partition/state/row.h"
#include "storage/checkpoint_store.h"

namespace ingot::partition {

using StatusFn = std::function<void(Status)>;

struct StartRequest {
  std::string instance_id;
  std::uint64_t id_hash = 0;
  std::string orchestrator;
  std::string input;
  bool has_input = false;
  std::optional<Timestamp> scheduled_start;
  std::string version;
  std::string tags;  // encode_tags()
  std::string trace_parent;
  std::uint8_t replace = 0;  // a bit of each RuntimeStatus that may be replaced
  std::uint64_t request_id = 0;
  Client::StartedFn started;
  Client::StateFn completed;  // may be empty
};

// A message for a live orchestration: an external event, termination, suspension, resumption.
struct DeliverRequest {
  std::string instance_id;
  std::uint64_t id_hash = 0;
  HistoryEventKind kind = HistoryEventKind::event_raised;
  std::string name;
  std::string data;
  bool recurse = false;
  std::uint64_t request_id = 0;
  StatusFn done;
};

// An operation for an entity, which need not exist.
struct SignalRequest {
  std::string instance_id;
  std::uint64_t id_hash = 0;
  std::string operation;
  std::string input;
  std::optional<Timestamp> at;
  std::string trace_parent;
  std::uint64_t request_id = 0;
  StatusFn done;
};

// Starts what has ended again, under the same id.
struct RestartRequest {
  std::string instance_id;
  std::uint64_t id_hash = 0;
  std::uint64_t request_id = 0;
  Client::StartedFn done;
};

struct RewindRequest {
  std::string instance_id;
  std::uint64_t id_hash = 0;
  std::string reason;
  std::uint64_t request_id = 0;
  StatusFn done;
};

// What came of a PurgeRequest.
struct PurgeOutcome {
  bool purged = false;
  std::vector<std::string> children;  // to be purged first; then `purged` is false
};

// Forgets one finished instance.
struct PurgeRequest {
  std::string instance_id;
  std::uint64_t id_hash = 0;
  bool children_first = false;  // purge nothing while there are children; name them
  std::string parent_id;        // when set, only a child of that one
  std::uint64_t request_id = 0;
  std::function<void(Result<PurgeOutcome>)> done;
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

struct EntityRequest {
  std::string instance_id;
  std::uint64_t id_hash = 0;
  bool include_state = true;
  std::function<void(Result<EntityState>)> done;
};

// Frees an entity of a lock whose owner is gone, and removes it when nothing is left of it.
struct CleanEntityRequest {
  std::string instance_id;
  std::uint64_t id_hash = 0;
  bool remove_if_empty = false;
  std::optional<CriticalSection> orphan;
  std::function<void(Result<EntityCleanup>)> done;
};

struct CountRequest {
  std::function<void(Result<InstanceCounts>)> done;
};

// Looks at rows in the order of their ids, beginning behind `after`, until `page_size` are taken.
struct ScanRequest {
  std::string prefix;
  std::string after;
  bool descending = false;
  std::size_t page_size = 0;
  // Many rows will not be taken, so it pays to read more at once.
  bool filtered = false;
  // No finished instance will be taken, so their records need not be read.
  bool live_only = false;
  // Whether the row is taken. Called on the shard; a failure ends the scan.
  std::function<Result<bool>(const RowView&)> take;
  StatusFn done;  // ok: there are no more, or `page_size` were taken
};

// Looks at finished instances in the order of their completion, beginning behind `from`.
struct CompletionRequest {
  storage::RecordCursor from;
  Timestamp completed_from;  // earlier ones are of no interest
  // False ends the scan. `resume` is where another scan sees this record again, and all of its time
  // and later. A record may come twice. Called on the shard.
  std::function<Result<bool>(const RowView& row, storage::RecordCursor resume)> take;
  StatusFn done;
};

// Purges finished instances that match, in the order of their completion.
struct PurgeManyRequest {
  InstanceFilter filter;
  std::shared_ptr<std::atomic<bool>> given_up;
  std::shared_ptr<std::atomic<std::uint64_t>> purged;  // so far, not necessarily durable
  StatusFn done;
};

}  // namespace ingot::partition
