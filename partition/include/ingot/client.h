#pragma once

// Client: starts orchestrations, signals entities, and asks about both. Got from TaskHub::client();
// valid while the hub is open, usable from any thread.
//
// An answer `ok` means that the operation is on stable media. The blocking calls wait for that; the
// `_async` ones give it to a callback.
//
// Callbacks run on a shard's thread, in batches: they must be short and must not block (a blocking
// call of this class from a callback is `failed_precondition`). Each is called exactly once, also
// when the hub closes (`cancelled`) or the partition stops (`unknown` or `unavailable`).
//
// Request ids. A call that changes something takes a `request_id`, a number that the caller
// chooses (at random, say) and gives again when it repeats a call whose outcome it does not know:
// after a time-out, a lost connection, or a crash of the process. What was carried out is then
// answered as done (a start with its instance id, a purge with 1), and not repeated. Each partition
// remembers, durably, the last 65,536 ids that came to it; an id names one operation and must not
// be used for another one. 0 is no id.
//
// Errors of every call: invalid_argument (id, name or payload; an entity's id where an
// orchestration's is asked for), overloaded (nothing was taken), unavailable (the partition
// stopped), cancelled (the hub closes), disk_full (of what changes something).

#include <ingot/entity_id.h>
#include <ingot/instance.h>
#include <ingot/status.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ingot {

struct StartOptions {
  // Empty: a time-ordered id is made, or with a request id, one that is derived from that.
  std::string instance_id;
  std::string input;
  bool has_input = true;
  std::optional<Timestamp> scheduled_start;  // absent, 0 or in the past: now
  std::string version;
  std::vector<std::pair<std::string, std::string>> tags;
  std::string trace_parent;  // W3C trace context, carried through
  // An instance with this id that has one of these statuses is replaced; a live one is terminated
  // first. Empty: none is. Naming a live status but not Terminated is invalid_argument.
  std::vector<RuntimeStatus> replace;
  std::uint64_t request_id = 0;
};

struct SignalOptions {
  std::optional<Timestamp> at;  // the signal waits in the entity until then; absent or past: now
  std::string trace_parent;
  std::uint64_t request_id = 0;
};

class Client {
 public:
  using StartedFn = std::function<void(Result<std::string> instance_id)>;
  using StateFn = std::function<void(Result<InstanceState>)>;
  using DoneFn = std::function<void(Status)>;
  using HistoryFn = std::function<void(Result<std::vector<HistoryEvent>>)>;
  using EntityFn = std::function<void(Result<EntityState>)>;

  virtual ~Client() = default;

  // --- orchestrations -------------------------------------------------------------------------

  // Starts an instance and returns its id. already_exists, also when the existing one has ended,
  // unless `replace` names its status; not_found when no such orchestrator is registered (and
  // foreign work is off).
  virtual Result<std::string> schedule_new_orchestration(std::string_view orchestrator,
                                                         StartOptions options = {}) = 0;
  virtual void schedule_new_orchestration_async(std::string_view orchestrator, StartOptions options,
                                                StartedFn started) = 0;
  // Both in one request: `started` after the start is durable, then `completed` once the instance
  // has ended. When the start fails only `started` is called.
  virtual void run_async(std::string_view orchestrator, StartOptions options, StartedFn started,
                         StateFn completed) = 0;

  // The instance as it is durable now; not_found.
  virtual Result<InstanceState> get_instance(std::string_view instance_id,
                                             bool with_payloads = true) = 0;
  // Waits until the instance has left Pending, or has ended. not_found, timed_out.
  virtual Result<InstanceState> wait_for_start(std::string_view instance_id, Duration timeout) = 0;
  virtual Result<InstanceState> wait_for_completion(std::string_view instance_id,
                                                    Duration timeout) = 0;
  virtual Result<std::vector<HistoryEvent>> get_history(std::string_view instance_id) = 0;

  virtual void get_instance_async(std::string_view instance_id, bool with_payloads,
                                  StateFn done) = 0;
  // The callback is given `timed_out` when cancel_wait() comes first. Gives a number for that.
  virtual std::uint64_t wait_for_start_async(std::string_view instance_id, StateFn started,
                                             bool with_payloads = true) = 0;
  virtual std::uint64_t wait_for_completion_async(std::string_view instance_id, StateFn completed,
                                                  bool with_payloads = true) = 0;
  virtual void cancel_wait(std::string_view instance_id, std::uint64_t wait) = 0;
  virtual void get_history_async(std::string_view instance_id, HistoryFn done) = 0;

  // Delivers an event to a live instance; one that it does not await yet is kept for it.
  // not_found; failed_precondition when the instance has ended.
  virtual Status raise_event(std::string_view instance_id, std::string_view event_name,
                             std::string_view data, std::uint64_t request_id = 0) = 0;
  virtual void raise_event_async(std::string_view instance_id, std::string_view event_name,
                                 std::string_view data, DoneFn done,
                                 std::uint64_t request_id = 0) = 0;
  // Until it is resumed, a suspended instance only takes terminate(); all else waits, in order.
  // Suspending twice, or resuming what runs, changes nothing. Errors as raise_event().
  virtual Status suspend(std::string_view instance_id, std::string_view reason,
                         std::uint64_t request_id = 0) = 0;
  virtual Status resume(std::string_view instance_id, std::string_view reason,
                        std::uint64_t request_id = 0) = 0;
  // Ends a live instance as Terminated with `reason` as its output; with `recurse`, its
  // sub-orchestrations too, to any depth. Errors as raise_event().
  virtual Status terminate(std::string_view instance_id, std::string_view reason,
                           bool recurse = false, std::uint64_t request_id = 0) = 0;
  virtual void suspend_async(std::string_view instance_id, std::string_view reason, DoneFn done,
                             std::uint64_t request_id = 0) = 0;
  virtual void resume_async(std::string_view instance_id, std::string_view reason, DoneFn done,
                            std::uint64_t request_id = 0) = 0;
  virtual void terminate_async(std::string_view instance_id, std::string_view reason, bool recurse,
                               DoneFn done, std::uint64_t request_id = 0) = 0;

  // Starts an instance's orchestrator again, with its input, version and tags, and returns the id:
  // the same one, replacing what has ended, or a new one. not_found; failed_precondition for the
  // same id of a live instance.
  virtual Result<std::string> restart(std::string_view instance_id, bool with_new_id = false,
                                      std::uint64_t request_id = 0) = 0;
  virtual void restart_async(std::string_view instance_id, bool with_new_id, StartedFn done,
                             std::uint64_t request_id = 0) = 0;
  // A Failed instance goes on, as if what failed it had not failed yet: its last step is taken
  // back, the failed activities run again, and failed sub-orchestrations are rewound as well.
  // not_found; failed_precondition for what has not failed.
  virtual Status rewind(std::string_view instance_id, std::string_view reason,
                        std::uint64_t request_id = 0) = 0;
  virtual void rewind_async(std::string_view instance_id, std::string_view reason, DoneFn done,
                            std::uint64_t request_id = 0) = 0;

  // Forgets a finished instance, with `recursive` also its finished sub-orchestrations (before it,
  // so that the call can be repeated). How many it were: 0 for an unknown id. failed_precondition
  // for a live instance.
  virtual Result<std::uint64_t> purge_instance(std::string_view instance_id, bool recursive = false,
                                               std::uint64_t request_id = 0) = 0;
  // The same for all that match, in batches, beside other work. Can be repeated after any failure.
  virtual Result<PurgeResult> purge_instances(const PurgeFilter& filter, Duration timeout) = 0;

  // One page of the instances that match, over all partitions. invalid_argument for a bad token.
  virtual Result<InstancePage> query_instances(const InstanceQuery& query) = 0;
  virtual Result<InstanceIdPage> list_instance_ids(const InstanceIdQuery& query) = 0;
  // From counters: it costs the same whatever there is.
  virtual Result<InstanceCounts> count_instances() = 0;

  // --- entities -------------------------------------------------------------------------------

  // Delivers an operation to an entity, which comes into being if it does not exist.
  virtual Status signal_entity(const EntityId& entity, std::string_view operation,
                               std::string_view input = {}, SignalOptions options = {}) = 0;
  virtual void signal_entity_async(const EntityId& entity, std::string_view operation,
                                   std::string_view input, SignalOptions options, DoneFn done) = 0;
  // The entity as it is durable now, also one without state; not_found.
  virtual Result<EntityState> get_entity(const EntityId& entity, bool include_state = true) = 0;
  virtual void get_entity_async(const EntityId& entity, bool include_state, EntityFn done) = 0;
  virtual Result<EntityPage> query_entities(const EntityQuery& query) = 0;
  // Removes entities that have no state, no lock and nothing to do, and releases the locks of
  // instances that do not exist or have ended.
  virtual Result<EntityCleanup> clean_entity_storage(bool remove_empty = true,
                                                     bool release_orphaned_locks = true) = 0;
};

}  // namespace ingot
