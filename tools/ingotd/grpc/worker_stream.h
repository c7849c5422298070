#pragma once

// WorkerStream: one worker's GetWorkItems call. It takes items from the hub as far as the worker
// has room for them, writes them one after the other, and gives back what the worker has not
// finished when the call ends.
//
// Room is counted by kind, from the moment that an item is reserved until it is settled: an item
// that has been delivered is not yet being executed. While the bytes that wait to be written exceed
// a limit nothing more is taken, so a worker that does not read costs no memory and its work goes
// to the others.
//
// Locks: the hub asks reserve() under its own lock, so nothing of the hub is called under ours.

#include <grpcpp/support/server_callback.h>
#include <ingot/work_items.h>
#include <orchestrator_service.pb.h>

#include <array>
#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "tools/ingotd/grpc/service_core.h"
#include "tools/ingotd/outstanding.h"

namespace ingot::server {

class WorkerStream final : public grpc::ServerWriteReactor<::WorkItem>,
                           public WorkReceiver,
                           public WorkOwner,
                           public std::enable_shared_from_this<WorkerStream> {
 public:
  // `request` is read before it returns. The stream lives until gRPC is done with it.
  static grpc::ServerWriteReactor<::WorkItem>* start(ServiceCore& core, HubPtr hub,
                                                     const ::GetWorkItemsRequest& request,
                                                     bool older_entity_requests);
  WorkerStream(ServiceCore& core, HubPtr hub, const ::GetWorkItemsRequest& request,
               bool older_entity_requests);

  bool reserve(WorkKind kind) override;
  void unreserve(WorkKind kind) override;
  void take(OrchestrationWorkItem item) override;
  void take(EntityWorkItem item) override;
  void take(ActivityWorkItem item) override;
  void closed() override;
  void settled(const WorkItemToken& token, WorkKind kind) override;
  void refused(const WorkItemToken& token) override;

  // Gives back what the worker could not complete, so that it is delivered again: now and then, as
  // the worker may try again itself, and the reason should pass before the work is repeated.
  void give_back_refused();
  // Sends a health ping unless something else has been sent since `then`.
  void ping_unless_sent_since(std::chrono::steady_clock::time_point then);
  // Takes no more items.
  void quiesce();
  // Whether the worker has finished all that it was given.
  [[nodiscard]] bool is_idle();
  // The call ends with `status`, and what is not finished goes back.
  void end(const grpc::Status& status);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  struct Held {
    WorkItemToken token;
    WorkKind kind;
    bool refused = false;  // its completion
  };
  struct Waiting {
    std::unique_ptr<::WorkItem> message;
    std::size_t bytes = 0;
  };

  // On an answering thread: the item has become a message.
  void enqueue(OutstandingPtr item, std::unique_ptr<::WorkItem> message);
  [[nodiscard]] OutstandingPtr note(const WorkItemToken& token, WorkKind kind,
                                    const std::string& instance_id);
  // Both under the mutex.
  void write_next();
  void finish_if_idle();
  // Not under the mutex: tells the hub that there is room again, if it has been refused.
  void tell_if_room();

  ServiceCore& core_;
  const HubPtr hub_;
  const bool older_entity_requests_;
  const bool can_stream_history_;
  const std::array<std::uint32_t, 3> held_max_;
  std::shared_ptr<WorkerStream> self_;  // until OnDone()

  std::mutex mutex_;
  SubscriptionId subscription_ = 0;
  std::array<std::uint32_t, 3> held_{};
  bool refused_ = false;                           // the hub waits for ready()
  std::unordered_map<std::uint64_t, Held> items_;  // by a hash of the lock
  std::deque<Waiting> queue_;
  Waiting writing_;
  std::size_t queue_bytes_ = 0;  // with what is being written
  std::chrono::steady_clock::time_point last_write_;
  bool ending_ = false;
  bool finished_ = false;
  grpc::Status status_;
};

}  // namespace ingot::server
