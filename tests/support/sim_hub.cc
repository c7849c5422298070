#include "tests/support/sim_hub.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "core/activity_runner.h"
#include "core/assert.h"
#include "core/hash.h"
#include "partition/work/activity_dispatch.h"

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

class SimHub::Activities final : public ActivityExecutor {
 public:
  Activities(SimHub& hub, PartitionPost& post) : hub_(hub), post_(post) {}
  void submit(std::vector<ActivityJob>& jobs) override {
    for (ActivityJob& job : jobs) jobs_.push_back(std::move(job));
    jobs.clear();
  }
  // Any of them: many threads.
  bool run_one() {
    if (jobs_.empty()) return false;
    const auto chosen =
        jobs_.begin() + static_cast<std::ptrdiff_t>(hub_.random_.below(jobs_.size()));
    const ActivityJob job = std::move(*chosen);
    jobs_.erase(chosen);
    const ActivityContext context{job.name, job.instance_id, job.task_id, job.input};
    const ActivityOutcome outcome = run_activity(*job.activity, context);
    ActivityResults results;
    ActivityResult& result = results.results.emplace_back();
    result.sequence = job.sequence;
    result.generation = job.generation;
    encode_outcome(outcome, job.task_id, hub_.clock_.now(), hub_.plan_.options.payload_bytes_max,
                   result.event);
    post_.push(job.partition, std::move(results));
    return true;
  }

 private:
  SimHub& hub_;
  PartitionPost& post_;
  std::deque<ActivityJob> jobs_;
};

class SimHub::NoBoard final : public WorkBoard {
 public:
  void offer_orchestration(PartitionId, SequenceNumber) override {}
  void released(WorkKind) override {}
  void offer_entity(PartitionId, SequenceNumber) override {}
  void offer_activity(PartitionId, SequenceNumber, std::int32_t) override {}
};

// A partition owns its store; this one outlives it, as a disk does.
class SimHub::KeptStore final : public storage::CheckpointStore {
 public:
  explicit KeptStore(std::shared_ptr<storage::CheckpointStore> kept) : kept_(std::move(kept)) {}

  Position position() const override { return kept_->position(); }
  Result<std::unique_ptr<storage::Checkpoint>> begin() override { return kept_->begin(); }
  bool may_contain(std::string_view id) const override { return kept_->may_contain(id); }
  Result<std::optional<storage::Located>> find(std::string_view id) const override {
    return kept_->find(id);
  }
  Result<std::string> read_row(SequenceNumber sequence) const override {
    return kept_->read_row(sequence);
  }
  Result<std::vector<storage::ScannedId>> scan(std::string_view prefix, std::string_view after,
                                               std::size_t limit,
                                               storage::ScanOrder order) const override {
    return kept_->scan(prefix, after, limit, order);
  }
  Result<std::vector<storage::ScannedRecord>> scan_records(
      storage::RecordCursor from, std::size_t limit, storage::ScanOrder order) const override {
    return kept_->scan_records(from, limit, order);
  }
  Status for_each_entry(storage::EntryTable table, const EntryFn& entry) const override {
    return kept_->for_each_entry(table, entry);
  }
  Result<std::optional<std::string>> read_blob(std::string_view name) const override {
    return kept_->read_blob(name);
  }
  Status scrub(const std::function<void(storage::StoreFault)>& fault) const override {
    return kept_->scrub(fault);
  }
  storage::StoreCounters counters() const override { return kept_->counters(); }

 private:
  std::shared_ptr<storage::CheckpointStore> kept_;
};

// What dies with the process.
struct SimHub::Incarnation {
  Incarnation(SimHub& hub, std::uint64_t seed)
      : router(hub.partitions_),
        inbox(hub.partitions_, hub.plan_.options.inbox_requests_max, [&hub] { hub.on_wake(); }),
        activities(hub, router),
        environment{hub.plan_.options, hub.registry_, hub.clock_, router,
                    checkpoint_jobs,   load_jobs,     activities, board},
        client(environment, router, seed),
        backlog(hub.partitions_) {
    router.add_shard(inbox);
  }

  Router router;
  Inbox inbox;
  Jobs checkpoint_jobs;
  Jobs load_jobs;
  Activities activities;
  NoBoard board;
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
  open();
}

SimHub::~SimHub() { crash(); }

Client& SimHub::client() { return incarnation_->client; }

bool SimHub::offer(PartitionId partition, Request&& request) {
  return incarnation_->router.offer(partition, std::move(request)).ok();
}

PartitionId SimHub::partition_of(std::string_view instance_id) const {
  return incarnation_->router.of_hash(hash64(instance_id));
}

// --- incarnations -----------------------------------------------------------------------------

void SimHub::open() {
  incarnation_.reset();
  const std::uint64_t seed = random_.next();
  incarnation_ = std::make_unique<Incarnation>(*this, seed);
  Incarnation& life = *incarnation_;
  const bool running = std::exchange(running_, true);
  for (std::uint32_t p = 0; p < partitions_; ++p) {
    life.ios.push_back(std::make_unique<SimIo>(disk_));
    RecoveryPlan plan;
    plan.folder.log = "/hub/" + std::to_string(p) + "/log";
    plan.hub_id = 1;
    plan.partition = PartitionId(p);
    plan.partition_count = partitions_;
    plan.epoch = random_.next();
    plan.open_store = [this, p]() -> Result<std::unique_ptr<storage::CheckpointStore>> {
      return std::unique_ptr<storage::CheckpointStore>(std::make_unique<KeptStore>(stores_[p]));
    };
    if (recoveries_ == 0) static_cast<void>(life.ios[p]->make_directory(plan.folder.log));
    Result<Recovered> recovered = partition::recover(*life.ios[p], plan_.options, clock_, plan);
    if (!recovered.ok()) end_run("partition " + std::to_string(p), recovered.status());
    life.partitions.push_back(std::make_unique<Partition>(life.environment, *std::move(recovered),
                                                          p, plan_.options.memory_bytes,
                                                          random_.next(), life.inbox));
  }
  running_ = running;
  down_ = false;
}

void SimHub::recover() {
  if (!down_) return;
  ++recoveries_;
  open();
}

void SimHub::crash() {
  if (down_) return;
  const bool running = std::exchange(running_, true);
  Incarnation& life = *incarnation_;
  life.inbox.close();
  down_ = true;
  disk_.crash();
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
  if (failure_.ok() && !down_) {
    for (const auto& partition : incarnation_->partitions) {
      const Status failure = partition->metrics().failure;
      if (!failure.ok()) failure_ = failure;
    }
  }
  return failure_;
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
    if (down_) return true;
  }
  if (all || random_.one_in(2)) busy |= run_jobs(life.checkpoint_jobs, all);
  if (all || random_.one_in(2)) busy |= run_jobs(life.load_jobs, all);
  if (all || random_.one_in(2)) {
    while (life.activities.run_one()) {
      busy = true;
      if (random_.one_in(2)) break;
    }
  }
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
