#include "partition/hub/hub_core.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "core/out_of_memory.h"
#include "core/random.h"
#include "core/try.h"
#include "partition/hub/ask.h"

namespace ingot {

Result<std::unique_ptr<TaskHub>> TaskHub::open(const std::string& path, const Registry& registry,
                                               const HubOptions& options) {
  return with_memory(path, [&]() -> Result<std::unique_ptr<TaskHub>> {
    INGOT_ASSIGN(std::unique_ptr<partition::HubCore> hub,
                 partition::HubCore::open(path, registry, options));
    return std::unique_ptr<TaskHub>(std::move(hub));
  });
}

}  // namespace ingot

namespace ingot::partition {
namespace {

log::IoBackend backend_of(LogIo io) {
  switch (io) {
    case LogIo::automatic:
      return log::IoBackend::automatic;
    case LogIo::uring:
      return log::IoBackend::uring;
    case LogIo::pwritev2:
      return log::IoBackend::pwritev2;
  }
  return log::IoBackend::automatic;
}

std::uint32_t processors() { return std::max(1U, std::thread::hardware_concurrency()); }

std::uint32_t shard_count(const HubOptions& options, std::uint32_t partitions) {
  return std::min(partitions, options.shards == 0 ? processors() : options.shards);
}

}  // namespace

HubCore::HubCore(HubDirectory directory, const Registry& registry, const HubOptions& options)
    : options_(options),
      registry_(registry),
      directory_(std::move(directory)),
      router_(directory_.identity().partitions),
      checkpoint_jobs_(std::min(directory_.identity().partitions, processors())),
      load_jobs_(std::min(directory_.identity().partitions, processors())),
      activities_(options_, clock_, router_),
      work_items_(router_, options_),
      environment_{options_,         registry_,  clock_,      router_,
                   checkpoint_jobs_, load_jobs_, activities_, work_items_},
      client_(environment_, router_, entropy64()) {}

Result<std::unique_ptr<HubCore>> HubCore::open(const std::string& path, const Registry& registry,
                                               const HubOptions& options) {
  INGOT_TRY(validate(options));
  INGOT_ASSIGN(HubDirectory directory, HubDirectory::open(path, options.mode, options.partitions));
  std::unique_ptr<HubCore> hub(new HubCore(std::move(directory), registry, options));
  INGOT_TRY(hub->start());
  return hub;
}

Status HubCore::start() {
  const std::uint32_t partitions = directory_.identity().partitions;
  const std::uint32_t count = shard_count(options_, partitions);
  for (std::uint32_t p = 0; p < partitions; ++p) {
    INGOT_TRY(directory_.check_folder(PartitionId(p)));
  }
  for (std::uint32_t s = 0; s < count; ++s) {
    ShardPlan plan;
    plan.io = backend_of(options_.io);
    plan.partition_memory_bytes = options_.memory_bytes / partitions;
    for (std::uint32_t p = s; p < partitions; p += count) {
      RecoveryPlan partition;
      partition.folder = directory_.folder(PartitionId(p));
      partition.hub_id = directory_.identity().hub_id;
      partition.partition = PartitionId(p);
      partition.partition_count = partitions;
      partition.epoch = entropy64();
      partition.must_exist = !directory_.is_new();
      plan.partitions.push_back(std::move(partition));
    }
    shards_.push_back(std::make_unique<Shard>(environment_, std::move(plan)));
    router_.add_shard(shards_.back()->inbox());
  }
  // All shards recover side by side; none works before all inboxes can be reached.
  for (const auto& shard : shards_) INGOT_TRY(shard->start());
  Status opened;
  for (const auto& shard : shards_) {
    Status status = shard->opened();
    if (opened.ok()) opened = std::move(status);
  }
  INGOT_TRY(opened);
  std::vector<ChannelEnds> ends;
  for (const auto& shard : shards_) {
    ends.insert(ends.end(), shard->channel_ends().begin(), shard->channel_ends().end());
  }
  if (const std::optional<ChannelFault> fault = check_channels(ends)) {
    return {StatusCode::corrupt, directory_.folder(fault->behind).log + ": " + fault->what};
  }
  if (directory_.is_new()) INGOT_TRY(directory_.publish());
  for (const auto& shard : shards_) shard->go();
  return {};
}

HubCore::~HubCore() { static_cast<void>(close()); }

Status HubCore::close() {
  if (Shard::on_shard_thread()) {
    return Status(StatusCode::failed_precondition, "a hub can't be closed from a callback");
  }
  // It would wait for itself.
  if (activities_.runs_this_thread()) {
    return Status(StatusCode::failed_precondition, "a hub can't be closed from an activity");
  }
  {
    std::unique_lock lock(mutex_);
    if (std::exchange(closing_, true)) {
      changed_.wait(lock, [this] { return closed_; });
      return {};
    }
    changed_.wait(lock, [this] { return asking_ == 0; });
  }
  or_end("closing a hub", [this] {
    for (const auto& shard : shards_) shard->inbox().close();
    work_items_.close();
    // Before the pool: its activities may be among those who wait.
    for (const auto& shard : shards_) shard->end_waits();
    activities_.stop();
    for (const auto& shard : shards_) shard->close();
    for (const auto& shard : shards_) shard->wait_until_settled();
    // Jobs refer to the partitions, which the shards destroy next.
    checkpoint_jobs_.stop();
    load_jobs_.stop();
    for (const auto& shard : shards_) shard->finish();
  });
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
  return {};
}

Status HubCore::checkpoint() {
  if (Shard::on_shard_thread()) {
    return Status(StatusCode::failed_precondition, "a callback can't wait for a checkpoint");
  }
  return or_overloaded([this] {
    Status failure;
    for (Status& done : ask_all<Status>(router_, [](PartitionId) { return CheckpointRequest{}; })) {
      if (!done.ok()) failure = std::move(done);
    }
    return failure;
  });
}

HubMetrics HubCore::metrics() {
  if (Shard::on_shard_thread()) return {};
  {
    const std::lock_guard lock(mutex_);
    if (closing_) return {};
    ++asking_;
  }
  Result<HubMetrics> metrics = or_overloaded([this] { return Result<HubMetrics>(measure()); });
  {
    // Told under the mutex: nothing of the hub is touched once close() may go on.
    const std::lock_guard lock(mutex_);
    if (--asking_ == 0) changed_.notify_all();
  }
  return metrics.ok() ? *std::move(metrics) : HubMetrics();
}

HubMetrics HubCore::measure() {
  HubMetrics metrics;
  std::vector<std::shared_ptr<Rendezvous<PartitionMetrics>>> answers;
  for (std::uint32_t p = 0; p < router_.partitions(); ++p) {
    const auto answer = answers.emplace_back(std::make_shared<Rendezvous<PartitionMetrics>>());
    // Pushed, not offered: a full inbox must not hide what fills it.
    router_.push(PartitionId(p),
                 MetricsRequest{[answer](PartitionMetrics m) { answer->give(std::move(m)); }});
  }
  for (const auto& answer : answers) metrics.partitions.push_back(answer->take());
  Histogram stalls;
  for (const auto& shard : shards_) {
    const ShardFigures figures = shard->figures();
    stalls.merge(figures.checkpoint_stalls);
    metrics.recovery_facts += figures.recovery.facts;
    metrics.recovery_bytes += figures.recovery.bytes;
    // Shards recover side by side: the slowest counts.
    metrics.recovery_seconds = std::max(metrics.recovery_seconds, figures.recovery.seconds);
  }
  metrics.io_backend = shards_.front()->io_name();
  metrics.checkpoint_stall_us_p999 = static_cast<double>(stalls.quantile(0.999)) / 1000;
  metrics.checkpoint_stall_us_max = static_cast<double>(stalls.max()) / 1000;
  return metrics;
}

}  // namespace ingot::partition
