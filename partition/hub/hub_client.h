#pragma once

// HubClient: checks what a client asks, routes it to the instance's partition and waits for
// answers.
//
// Invariant: nothing is thrown. A call for which its thread finds no memory is `overloaded`; one
// question is asked either whole or not at all, and what asks several may have asked some of them.

#include <ingot/client.h>

#include <atomic>
#include <memory>
#include <utility>

#include "core/out_of_memory.h"
#include "partition/hub/blocking_call.h"
#include "partition/hub/instance_id_maker.h"
#include "partition/hub/router.h"

namespace ingot::partition {

class HubClient final : public Client {
 public:
  HubClient(const Environment& environment, Router& router, std::uint64_t seed)
      : environment_(environment), router_(router), ids_(environment.clock, seed) {}

  Result<std::string> schedule_new_orchestration(std::string_view orchestrator,
                                                 StartOptions options) override;
  void schedule_new_orchestration_async(std::string_view orchestrator, StartOptions options,
                                        StartedFn started) override;
  void run_async(std::string_view orchestrator, StartOptions options, StartedFn started,
                 StateFn completed) override;
  Result<InstanceState> get_instance(std::string_view instance_id, bool with_payloads) override;
  Result<InstanceState> wait_for_start(std::string_view instance_id, Duration timeout) override;
  Result<InstanceState> wait_for_completion(std::string_view instance_id,
                                            Duration timeout) override;
  Result<std::vector<HistoryEvent>> get_history(std::string_view instance_id) override;
  void get_instance_async(std::string_view instance_id, bool with_payloads, StateFn done) override;
  std::uint64_t wait_for_start_async(std::string_view instance_id, StateFn started,
                                     bool with_payloads) override;
  std::uint64_t wait_for_completion_async(std::string_view instance_id, StateFn completed,
                                          bool with_payloads) override;
  void cancel_wait(std::string_view instance_id, std::uint64_t wait) override;
  void get_history_async(std::string_view instance_id, HistoryFn done) override;
  Status raise_event(std::string_view instance_id, std::string_view event_name,
                     std::string_view data, std::uint64_t request_id) override;
  void raise_event_async(std::string_view instance_id, std::string_view event_name,
                         std::string_view data, DoneFn done, std::uint64_t request_id) override;
  Status suspend(std::string_view instance_id, std::string_view reason,
                 std::uint64_t request_id) override;
  Status resume(std::string_view instance_id, std::string_view reason,
                std::uint64_t request_id) override;
  Status terminate(std::string_view instance_id, std::string_view reason, bool recurse,
                   std::uint64_t request_id) override;
  void suspend_async(std::string_view instance_id, std::string_view reason, DoneFn done,
                     std::uint64_t request_id) override;
  void resume_async(std::string_view instance_id, std::string_view reason, DoneFn done,
                    std::uint64_t request_id) override;
  void terminate_async(std::string_view instance_id, std::string_view reason, bool recurse,
                       DoneFn done, std::uint64_t request_id) override;
  Result<std::string> restart(std::string_view instance_id, bool with_new_id,
                              std::uint64_t request_id) override;
  void restart_async(std::string_view instance_id, bool with_new_id, StartedFn done,
                     std::uint64_t request_id) override;
  Status rewind(std::string_view instance_id, std::string_view reason,
                std::uint64_t request_id) override;
  void rewind_async(std::string_view instance_id, std::string_view reason, DoneFn done,
                    std::uint64_t request_id) override;
  Result<std::uint64_t> purge_instance(std::string_view instance_id, bool recursive,
                                       std::uint64_t request_id) override;
  Result<PurgeResult> purge_instances(const PurgeFilter& filter, Duration timeout) override;
  Result<InstancePage> query_instances(const InstanceQuery& query) override;
  Result<InstanceIdPage> list_instance_ids(const InstanceIdQuery& query) override;
  Result<InstanceCounts> count_instances() override;
  Status signal_entity(const EntityId& entity, std::string_view operation, std::string_view input,
                       SignalOptions options) override;
  void signal_entity_async(const EntityId& entity, std::string_view operation,
                           std::string_view input, SignalOptions options, DoneFn done) override;
  Result<EntityState> get_entity(const EntityId& entity, bool include_state) override;
  void get_entity_async(const EntityId& entity, bool include_state, EntityFn done) override;
  Result<EntityPage> query_entities(const EntityQuery& query) override;
  Result<EntityCleanup> clean_entity_storage(bool remove_empty,
                                             bool release_orphaned_locks) override;

 private:
  // The next matches behind `after`, in order: all that are certain when each partition has given
  // up to `per_partition` of them. `after` becomes the last certain id; empty: there are no more.
  Result<std::vector<InstanceState>> scan_instances(const InstanceQuery& query, std::string& after,
                                                    std::size_t per_partition);
  // A request about one instance.
  template <typename R>
  static R named(std::string_view instance_id) {
    R request;
    request.instance_id = instance_id;
    request.id_hash = hash64(instance_id);
    return request;
  }
  // Valid, and not an entity's.
  static Status check_orchestration_id(std::string_view id);
  static Status check_page_size(std::uint32_t page_size);
  static Status check_filter(const InstanceFilter& filter);
  // The limit on payloads; `what` names it in the message.
  Status check_payload(std::string_view what, std::size_t bytes) const;

  Result<StartRequest> make_start(std::string_view orchestrator, StartOptions&& options);
  // Sends what `make` gives, a request about one instance or why there is none. The answer comes to
  // `done`: on this thread when nothing was sent, also for want of memory.
  template <typename Done, typename Make>
  void send(Done done, Make&& make) {
    auto request = or_overloaded(std::forward<Make>(make));
    if (!request.ok()) return done(request.take_status());
    request->done = std::move(done);
    const PartitionId partition = router_.of_hash(request->id_hash);
    router_.offer_or_refuse(partition, *std::move(request));
  }
  Result<InstanceState> wait(std::string_view instance_id, WaitFor wait_for, Duration timeout);
  std::uint64_t wait_async(std::string_view instance_id, WaitFor wait_for, bool with_payloads,
                           StateFn done);
  void control_async(std::string_view instance_id, HistoryEventKind kind, std::string_view reason,
                     bool recurse, DoneFn done, std::uint64_t request_id);
  Result<std::uint64_t> purge_tree(std::string_view instance_id, bool recursive,
                                   std::uint64_t request_id);
  Result<PurgeResult> purge_trees(const PurgeFilter& filter, Duration timeout);
  Result<bool> is_orphaned(const CriticalSection& lock);

  const Environment& environment_;
  Router& router_;
  InstanceIdMaker ids_;
  std::atomic<std::uint64_t> next_wait_id_{1};
};

}  // namespace ingot::partition
