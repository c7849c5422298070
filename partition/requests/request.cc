#include "partition/requests/request.h"

namespace ingot::partition {
namespace {

struct Refuser {
  const Status& why;

  void operator()(StartRequest& r) const { r.started(why); }
  void operator()(DeliverRequest& r) const { r.done(why); }
  void operator()(SignalRequest& r) const { r.done(why); }
  void operator()(RestartRequest& r) const { r.done(why); }
  void operator()(RewindRequest& r) const { r.done(why); }
  void operator()(PurgeRequest& r) const { r.done(why); }
  void operator()(ObserveRequest& r) const { r.done(why); }
  void operator()(CancelWaitRequest& /*r*/) const {}
  void operator()(HistoryRequest& r) const { r.done(why); }
  void operator()(EntityRequest& r) const { r.done(why); }
  void operator()(CleanEntityRequest& r) const { r.done(why); }
  void operator()(CountRequest& r) const { r.done(why); }
  void operator()(ScanRequest& r) const { r.done(why); }
  void operator()(CompletionRequest& r) const { r.done(why); }
  void operator()(PurgeManyRequest& r) const { r.done(why); }
  void operator()(CheckpointRequest& r) const { r.done(why); }
  void operator()(MetricsRequest& r) const {
    PartitionMetrics metrics;
    metrics.failure = why;
    r.done(std::move(metrics));
  }
  void operator()(LockOrchestrationRequest& r) const { r.done(why); }
  void operator()(CompleteOrchestrationRequest& r) const { r.done(why); }
  void operator()(LockEntityRequest& r) const { r.done(why); }
  void operator()(CompleteEntityRequest& r) const { r.done(why); }
  void operator()(LockActivityRequest& r) const { r.done(why); }
  void operator()(CompleteActivityRequest& r) const { r.done(why); }
  void operator()(AbandonRequest& r) const { r.done(why); }
  void operator()(ActivityResults& /*r*/) const {}
  void operator()(PeerMessages& /*r*/) const {}
  void operator()(PeerConfirmation& /*r*/) const {}
  void operator()(LoadDone& /*r*/) const {}
  void operator()(RowsScanned& r) const { r.progress->request.done(why); }
  void operator()(RecordsScanned& r) const { r.progress->request.done(why); }
  void operator()(CheckpointDone& /*r*/) const {}
};

}  // namespace

void refuse(Request& request, const Status& why) { std::visit(Refuser{why}, request); }

}  // namespace ingot::partition
