#include "partition/shard/shard.h"

#include <algorithm>

#include "core/out_of_memory.h"
#include "core/thread_main.h"
#include "partition/shard/short_slices.h"

namespace ingot::partition {
namespace {

thread_local bool shard_thread = false;

// Requests taken from the inbox before the partitions get their turn.
constexpr std::size_t kDrainMax = 1024;
// Requests taken before the shard looks for completed writes: those who wait for these must not
// wait for all that has come since.
constexpr std::size_t kReapEvery = 8;
constexpr Duration kSleepMax = std::chrono::seconds(60);

}  // namespace

Shard::Shard(const Environment& environment, ShardPlan plan)
    : environment_(environment), plan_(std::move(plan)) {
  inbox_ = std::make_unique<Inbox>(static_cast<std::uint32_t>(plan_.partitions.size()),
                                   environment.options.inbox_requests_max, [this] {
                                     log::Io* io = waker_.load(std::memory_order_acquire);
                                     if (io != nullptr) io->wake();
                                   });
}

Shard::~Shard() { INGOT_ASSERT(!thread_.joinable()); }

bool Shard::on_shard_thread() { return shard_thread; }

Status Shard::start() {
  return with_memory("starting a shard", [this] {
    std::promise<Status> ready;
    opened_ = ready.get_future();
    thread_ = std::thread([this, promise = std::move(ready)]() mutable {
      thread_main("ingot-shard", [&] { run(std::move(promise)); });
    });
    return Status();
  });
}

Status Shard::opened() { return opened_.get(); }

void Shard::run(std::promise<Status> ready) {
  shard_thread = true;
  request_short_slices();
  Status opened = with_memory("opening partitions", [this] { return open_partitions(); });
  const bool ok = opened.ok();
  if (ok) waker_.store(io_.get(), std::memory_order_release);
  ready.set_value(std::move(opened));
  wait_for(Phase::working);
  if (ok && !closing_.load()) loop();
  enter(Phase::settled);
  wait_for(Phase::finished);
  partitions_.clear();
}

Status Shard::open_partitions() {
  Result<std::unique_ptr<log::Io>> io = log::make_io(plan_.io, plan_.partitions.front().folder.log);
  if (!io.ok()) return io.take_status();
  io_ = *std::move(io);
  io_name_ = io_->name();
  for (std::uint32_t slot = 0; slot < plan_.partitions.size(); ++slot) {
    const RecoveryPlan& plan = plan_.partitions[slot];
    Result<Recovered> recovered = recover(*io_, environment_.options, environment_.clock, plan);
    if (!recovered.ok()) {
      return recovered.status().with_context("partition " + std::to_string(plan.partition.value));
    }
    channel_ends_.push_back(partition::channel_ends(*recovered->state));
    // Execution ids come from a stream that the incarnation's epoch seeds.
    const std::uint64_t seed = plan.epoch ^ 0x5DEECE66DU;
    partitions_.push_back(std::make_unique<Partition>(environment_, *std::move(recovered), slot,
                                                      plan_.partition_memory_bytes, seed, *inbox_));
  }
  return {};
}

void Shard::loop() {
  bool closed = false;
  for (;;) {
    if (closing_.load() && !std::exchange(closed, true)) {
      for (const auto& partition : partitions_) partition->close();
    }
    // Requests bear the time of their taking, also the first ones and those after a long sleep.
    const Timestamp now = environment_.clock.now();
    const Duration monotonic = environment_.clock.monotonic();
    for (const auto& partition : partitions_) partition->set_time(now, monotonic);
    bool busy = drain_inbox();
    for (const auto& partition : partitions_) busy |= partition->turn(now, monotonic);
    busy |= reap();
    if (ending_waits_.load()) {
      for (const auto& partition : partitions_) partition->refuse_waits();
    }
    if (figures_wanted_.load()) {
      ShardFigures figures;
      for (const auto& partition : partitions_) {
        figures.checkpoint_stalls.merge(partition->checkpoint_stalls());
        figures.recovery.facts += partition->recovery().facts;
        figures.recovery.bytes += partition->recovery().bytes;
        figures.recovery.seconds += partition->recovery().seconds;
      }
      const std::lock_guard lock(mutex_);
      for (auto& request : figure_requests_) request.set_value(figures);
      figure_requests_.clear();
      figures_wanted_.store(false);
    }
    if (busy) continue;
    if (closed && std::all_of(partitions_.begin(), partitions_.end(),
                              [](const auto& partition) { return partition->settled(); })) {
      for (const auto& partition : partitions_) partition->end_waits();
      return;
    }
    sleep();
  }
}

bool Shard::drain_inbox() {
  std::size_t taken = 0;
  for (; taken < kDrainMax; ++taken) {
    std::unique_ptr<Inbox::Entry> entry = inbox_->pop();
    if (entry == nullptr) break;
    Partition& partition = *partitions_[entry->slot];
    partition.take(std::move(entry));
    if (taken % kReapEvery == kReapEvery - 1) reap();
  }
  return taken != 0;
}

bool Shard::reap() {
  completions_.clear();
  io_->poll(completions_);
  give_completions();
  return !completions_.empty();
}

void Shard::give_completions() {
  for (const log::WriteCompletion& completion : completions_) {
    partitions_[completion.token]->on_write(completion.status);
  }
}

void Shard::sleep() {
  const Timestamp now = environment_.clock.now();
  const Duration monotonic = environment_.clock.monotonic();
  Duration timeout = kSleepMax;
  for (const auto& partition : partitions_) {
    const Duration deadline = partition->next_deadline(now, monotonic);
    if (deadline != Duration::max()) {
      timeout = std::min(timeout, std::max(deadline - monotonic, Duration(0)));
    }
  }
  if (timeout == Duration(0)) return;
  completions_.clear();
  io_->wait(timeout, completions_);
  give_completions();
}

void Shard::wait_for(Phase phase) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return phase_ >= phase; });
}

void Shard::enter(Phase phase) {
  {
    const std::lock_guard lock(mutex_);
    phase_ = std::max(phase_, phase);
  }
  changed_.notify_all();
}

void Shard::go() { enter(Phase::working); }

void Shard::end_waits() {
  ending_waits_.store(true);
  log::Io* io = waker_.load(std::memory_order_acquire);
  if (io != nullptr) io->wake();
}

void Shard::close() {
  closing_.store(true);
  enter(Phase::working);  // a shard that never worked has nothing to settle
  log::Io* io = waker_.load(std::memory_order_acquire);
  if (io != nullptr) io->wake();
}

void Shard::wait_until_settled() {
  if (thread_.joinable()) wait_for(Phase::settled);  // else it was never started
}

void Shard::finish() {
  enter(Phase::finished);
  if (thread_.joinable()) thread_.join();
  // What was admitted in the moment of closing has no one else to answer it.
  const Status cancelled(StatusCode::cancelled, "the task hub is closed");
  inbox_->close();
  for (;;) {
    std::unique_ptr<Inbox::Entry> entry = inbox_->pop();
    if (entry != nullptr) {
      refuse(entry->request, cancelled);
      if (entry->admitted) inbox_->handled(entry->slot);
    } else if (inbox_->drained()) {
      break;
    } else {
      std::this_thread::yield();
    }
  }
}

ShardFigures Shard::figures() {
  std::future<ShardFigures> figures;
  {
    const std::lock_guard lock(mutex_);
    figures = figure_requests_.emplace_back().get_future();
    figures_wanted_.store(true);
  }
  log::Io* io = waker_.load(std::memory_order_acquire);
  if (io != nullptr) io->wake();
  return figures.get();
}

}  // namespace ingot::partition
