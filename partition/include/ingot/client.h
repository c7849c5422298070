#pragma once

// Client: starts orchestrations and asks about them. Got from TaskHub::client(); valid while the
// hub is open, usable from any thread.
//
// An answer `ok` means that the operation is on stable media. The blocking calls wait for that; the
// `_async` ones give it to a callback.
//
// Callbacks run on a shard's thread, in batches: they must be short and must not block (a blocking
// call of this class from a callback is `failed_precondition`). Each is called exactly once, also
// when the hub closes (`cancelled`) or the partition stops (`unknown` or `unavailable`).
//
// Errors of every call: invalid_argument (id, name or payload), overloaded (nothing was taken),
// unavailable (the partition stopped), cancelled (the hub closes).

#include <ingot/instance.h>
#include <ingot/status.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace ingot {

struct StartOptions {
  std::string instance_id;  // empty: a time-ordered id is made
  std::string input;
  bool has_input = true;
  std::optional<Timestamp> scheduled_start;  // absent or in the past: now
};

class Client {
 public:
  using StartedFn = std::function<void(Result<std::string> instance_id)>;
  using StateFn = std::function<void(Result<InstanceState>)>;

  virtual ~Client() = default;

  // Starts an instance and returns its id. already_exists, also when the existing one has ended;
  // not_found when no such orchestrator is registered (and foreign work is off).
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
  virtual void wait_for_completion_async(std::string_view instance_id, StateFn completed) = 0;

  // Delivers an event to a live instance; one that it does not await yet is kept for it.
  // not_found; failed_precondition when the instance has ended.
  virtual Status raise_event(std::string_view instance_id, std::string_view event_name,
                             std::string_view data) = 0;
  virtual void raise_event_async(std::string_view instance_id, std::string_view event_name,
                                 std::string_view data, std::function<void(Status)> done) = 0;
  // Ends a live instance as Terminated with `reason` as its output. not_found;
  // failed_precondition when it has ended already.
  virtual Status terminate(std::string_view instance_id, std::string_view reason) = 0;

  virtual Result<std::vector<HistoryEvent>> get_history(std::string_view instance_id) = 0;
  // One page of the instances that match, over all partitions. invalid_argument for a bad token.
  virtual Result<InstancePage> query_instances(const InstanceQuery& query) = 0;
};

}  // namespace ingot
