#include "tests/support/sim_hub.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "core/assert.h"
#include "core/hash.h"
#include "core/try.h"
#include "partition/hub/hub_work_items.h"

namespace ingot::sim {

using namespace partition;  // NOLINT(google-build-using-namespace)

namespace {

// More rounds than any scenario needs before it is idle: then it runs in circles.
constexpr std::uint64_t kRoundsMax = 200'000;
constexpr Duration kStepTime{3};

// There is no hub to go on with.
[[noreturn]] void end_run(const std::string& what, const Status& why) {
  std::fprintf(stderr, "simulated hub: %s: %s\n", what.c_str(), why.to_string().c_str());
  std::abort();
}

Status power_loss() { return Status(StatusCode::io_error, "the power has failed"); }

}  // namespace

// What would be threads.
class SimHub::Jobs final : public BackgroundJobs {
 public:
  void submit(std::function<void()> job) override { jobs_.push_back(std::move(job)); }
  // In their order: one thread.
  bool run_one() {
    if (jobs_.empty()) return false;
    const std::function<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    job();
    return true;
  }
  void drop() { jobs_.clear(); }

 private:
  std::deque<std::function<void()>> jobs_;
};

// What dies with the process.
struct SimHub::Incarnation {
  Incarnation(SimHub& hub, std::uint64_t seed)
      : router(hub.partitions_),
        inbox(hub.partitions_, hub.plan_.options.inbox_requests_max, [&hub] { hub.on_wake(); }),
        network(router, hub.random_, hub.plan_.network, hub.plan_.watch),
        activities(network, hub.clock_, hub.random_, hub.plan_.activities,
                   hub.plan_.options.payload_bytes_max, hub.plan_.watch),
        work_items(router, hub.plan_.options),
        environment{hub.plan_.options, hub.registry_,
                    hub.clock_,        network,
                    checkpoint_jobs,   load_jobs,
                    activities,        hub.plan_.board != nullptr ? *hub.plan_.board : work_items},
        client(environment, router, seed),
        backlog(hub.partitions_) {
    router.add_shard(inbox);
  }

  Router router;
  Inbox inbox;
  Jobs checkpoint_jobs;
  Jobs load_jobs;
  SimNetwork network;
  SimActivities activities;
  HubWorkItems work_items;
  Environment environment;
  HubClient client;
  std::vector<std::unique_ptr<SimIo>> ios;  // by partition
  std::vector<std::unique_ptr<Partition>> partitions;
  std::vector<std::deque<std::unique_ptr<Inbox::Entry>>> backlog;
};

SimHub::SimHub(const Registry& registry, SimHubPlan plan)
    : registry_(registry),
      plan_(std::move(plan)),
      partitions_(plan_.options.partitions == 0 ? 4 : plan_.options.partitions),
      random_(plan_.seed),
      disk_(random_.next()),
      run_in_calls_(plan_.run_in_calls) {
  for (std::uint32_t p = 0; p < partitions_; ++p) {
    stores_.emplace_back(storage::make_memory_store());
  }
  if (const Status opened = open(); !opened.ok()) end_run("a new hub", opened);
}

SimHub::~SimHub() { crash(); }

Client& SimHub::client() { return incarnation_->client; }

WorkItems& SimHub::work_items() { return incarnation_->work_items; }

bool SimHub::offer(PartitionId partition, Request&& request) {
  return !down_ && incarnation_->router.offer(partition, std::move(request)).ok();
}

PartitionId SimHub::partition_of(std::string_view instance_id) const {
  return ingot::partition_of(instance_id, partitions_);
}

// --- incarnations -----------------------------------------------------------------------------

std::string SimHub::folder_of(PartitionId partition) {
  return "/hub/" + std::to_string(partition.value) + "/log";
}

Result<Recovered> SimHub::recover_from(log::Io& io, PartitionId partition) {
  RecoveryPlan plan;
  plan.folder.log = folder_of(partition);
  plan.hub_id = 1;
  plan.partition = partition;
  plan.partition_count = partitions_;
  plan.epoch = random_.next();
  plan.open_store = [&]() -> Result<std::unique_ptr<storage::CheckpointStore>> {
    return make_sim_store(stores_[partition.value], store_faults_, random_);
  };
  return partition::recover(io, plan_.options, clock_, plan);
}

Status SimHub::open() {
  incarnation_.reset();
  const std::uint64_t seed = random_.next();
  incarnation_ = std::make_unique<Incarnation>(*this, seed);
  Incarnation& life = *incarnation_;
  disk_generation_ = disk_.generation();
  const bool running = std::exchange(running_, true);
  Status opened;
  std::vector<ChannelEnds> ends;
  for (std::uint32_t p = 0; p < partitions_ && opened.ok(); ++p) {
    const PartitionId partition(p);
    life.ios.push_back(std::make_unique<SimIo>(disk_, plan_.watch));
    if (recoveries_ == 0) static_cast<void>(life.ios[p]->make_directory(folder_of(partition)));
    Result<Recovered> recovered = recover_from(*life.ios[p], partition);
    if (!recovered.ok()) {
      opened = recovered.status().with_context("partition " + std::to_string(p));
      break;
    }
    ends.push_back(channel_ends(*recovered->state));
    if (plan_.watch != nullptr) plan_.watch->on_recovered(partition, *recovered);
    life.partitions.push_back(std::make_unique<Partition>(life.environment, *std::move(recovered),
                                                          p, plan_.options.memory_bytes,
                                                          random_.next(), life.inbox));
  }
  if (opened.ok()) {
    const std::optional<ChannelFault> fault = check_channels(ends);
    if (fault) opened = Status(StatusCode::corrupt, fault->what);
  }
  running_ = running;
  down_ = !opened.ok();
  if (down_) incarnation_.reset();
  return opened;
}

void SimHub::recover() {
  if (const Status recovered = try_recover(); !recovered.ok()) end_run("recovery", recovered);
}

Status SimHub::try_recover() {
  if (!down_) return {};
  ++recoveries_;
  return open();
}

void SimHub::crash(CrashKind kind) {
  if (down_) return;
  const bool running = std::exchange(running_, true);
  Incarnation& life = *incarnation_;
  life.work_items.close();
  life.inbox.close();
  down_ = true;
  // A checkpoint that was being written may be there, and nobody has heard of it.
  if (random_.one_in(2)) life.checkpoint_jobs.run_one();
  if (kind == CrashKind::power) disk_.crash();
  if (kind == CrashKind::process) disk_.kill();
  life.checkpoint_jobs.drop();
  for (std::uint32_t p = 0; p < partitions_; ++p) {
    life.partitions[p]->take(
        std::make_unique<Inbox::Entry>(p, false, CheckpointDone{power_loss()}));
  }
  // Everyone who waits is told.
  while (life.load_jobs.run_one()) {
  }
  for (bool any = true; any;) {
    any = false;
    while (std::unique_ptr<Inbox::Entry> entry = life.inbox.pop()) {
      life.backlog[entry->slot].push_back(std::move(entry));
    }
    for (std::uint32_t p = 0; p < partitions_; ++p) {
      for (; !life.backlog[p].empty(); any = true) {
        std::unique_ptr<Inbox::Entry> entry = std::move(life.backlog[p].front());
        life.backlog[p].pop_front();
        life.partitions[p]->take(std::move(entry));
      }
      any |= life.partitions[p]->turn(clock_.now(), clock_.monotonic());
    }
  }
  running_ = running;
}

Status SimHub::failure() {
  if (failure_.ok()) failure_ = stopped();
  return failure_;
}

Status SimHub::stopped() const {
  if (down_) return {};
  for (const auto& partition : incarnation_->partitions) {
    Status failure = partition->metrics().failure;
    if (!failure.ok()) return failure;
  }
  return {};
}

// --- one thread ---------------------------------------------------------------------------------

void SimHub::on_wake() {
  if (!running_ && run_in_calls_) settle();
}

bool SimHub::step() {
  const bool running = std::exchange(running_, true);
  const bool busy = step(false);
  running_ = running;
  return busy;
}

std::vector<std::uint32_t> SimHub::shuffled() {
  std::vector<std::uint32_t> order(partitions_);
  for (std::uint32_t i = 0; i < partitions_; ++i) order[i] = i;
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random_.below(i)]);
  return order;
}

// With `all`, everyone has their turn: only such a round can tell that there is nothing to do.
bool SimHub::step(bool all) {
  if (down_) return false;
  Incarnation& life = *incarnation_;
  bool busy = false;
  while (std::unique_ptr<Inbox::Entry> entry = life.inbox.pop()) {
    life.backlog[entry->slot].push_back(std::move(entry));
  }
  for (const std::uint32_t p : shuffled()) {
    if (!all && random_.one_in(3)) continue;
    clock_.advance(kStepTime);
    busy |= turn(p, all);
    if (!down_ && disk_.generation() != disk_generation_) crash(CrashKind::happened);
    if (down_) return true;
  }
  busy |= life.network.run(all);
  if (all || random_.one_in(2)) busy |= run_jobs(life.checkpoint_jobs, all);
  if (all || random_.one_in(2)) busy |= run_jobs(life.load_jobs, all);
  if (all || random_.one_in(2)) busy |= life.activities.run(all);
  return busy;
}

bool SimHub::run_jobs(Jobs& jobs, bool all) {
  bool busy = false;
  while (jobs.run_one()) {
    busy = true;
    if (!all && random_.one_in(2)) break;
  }
  return busy;
}

bool SimHub::turn(std::uint32_t slot, bool all) {
  Incarnation& life = *incarnation_;
  Partition& partition = *life.partitions[slot];
  auto& backlog = life.backlog[slot];
  partition.set_time(clock_.now(), clock_.monotonic());
  bool busy = false;
  std::uint64_t count = all ? backlog.size() : random_.below(backlog.size() + 1);
  for (; count != 0; --count) {
    std::unique_ptr<Inbox::Entry> entry = std::move(backlog.front());
    backlog.pop_front();
    partition.take(std::move(entry));
    busy = true;
  }
  busy |= !backlog.empty();
  busy |= partition.turn(clock_.now(), clock_.monotonic());
  busy |= reap(slot);
  if (down_) return true;
  busy |= life.ios[slot]->writes_in_flight() != 0;
  busy |= partition.next_deadline(clock_.now(), clock_.monotonic()) <= clock_.monotonic();
  if (plan_.evict) {
    if (busy) {
      CheckpointRequest checkpoint;
      checkpoint.done = [](const Status&) {};
      partition.take(std::make_unique<Inbox::Entry>(slot, false, std::move(checkpoint)));
    }
    partition.evict_idle();
  } else if (plan_.evictions != 0 && random_.one_in(plan_.evictions)) {
    partition.evict_idle();
  }
  return busy;
}

bool SimHub::reap(std::uint32_t slot) {
  Incarnation& life = *incarnation_;
  std::vector<log::WriteCompletion> completions;
  life.ios[slot]->poll(completions);
  for (const log::WriteCompletion& completion : completions) {
    ++writes_;
    const bool last = planned_ && planned_->write == writes_;
    if (last && !planned_->heard) {
      crash();
      return true;
    }
    life.partitions[slot]->on_write(completion.status);
    if (last) {
      // What it releases goes out, and comes to those who are quicker than the power loss.
      life.partitions[slot]->turn(clock_.now(), clock_.monotonic());
      if (random_.one_in(2)) step(false);
      crash();
      return true;
    }
  }
  return !completions.empty();
}

void SimHub::settle() {
  const bool running = std::exchange(running_, true);
  std::uint64_t rounds = 0;
  for (; !down_; ++rounds) {
    if (rounds == kRoundsMax) end_run("runs in circles" + describe(), Status());
    if (step(false)) continue;
    if (!step(true)) break;
  }
  running_ = running;
}

std::string SimHub::describe() {
  if (down_) return "; down";
  std::string text;
  for (std::uint32_t p = 0; p < partitions_; ++p) {
    const Partition& partition = *incarnation_->partitions[p];
    const PartitionMetrics m = partition.metrics();
    const Duration due = partition.next_deadline(clock_.now(), clock_.monotonic());
    text +=
        "; partition " + std::to_string(p) + ": durable " + std::to_string(m.durable_position) +
        ", checkpoint " + std::to_string(m.checkpoint_position) + " of " +
        std::to_string(m.checkpoints) + ", facts " + std::to_string(m.facts) +
        ", writes in flight " + std::to_string(incarnation_->ios[p]->writes_in_flight()) +
        ", requests " + std::to_string(incarnation_->backlog[p].size()) + ", due in us " +
        (due == Duration::max() ? "never" : std::to_string((due - clock_.monotonic()).count())) +
        " " + m.failure.to_string();
  }
  return text;
}

bool SimHub::pass_time(Duration end) {
  Duration next = Duration::max();
  for (const auto& partition : incarnation_->partitions) {
    next = std::min(next, partition->next_deadline(clock_.now(), clock_.monotonic()));
  }
  if (next > end) return false;
  clock_.advance(std::max(next - clock_.monotonic(), Duration(1)));
  return true;
}

bool SimHub::until(const std::function<bool()>& condition, Duration limit) {
  const Duration end = clock_.monotonic() + limit;
  for (;;) {
    settle();
    if (condition()) return true;
    if (down_ || !pass_time(end)) return false;
  }
}

void SimHub::run_for(Duration time) {
  const Duration end = clock_.monotonic() + time;
  until([] { return false; }, time);
  if (down_) return;
  if (clock_.monotonic() < end) clock_.advance(end - clock_.monotonic());
  settle();
}

}  // namespace ingot::sim
