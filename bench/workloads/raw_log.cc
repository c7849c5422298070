// raw-log: facts straight into the commit logs, with no engine above: the ceiling.
//
// Every shard's thread keeps one write of a full batch in flight for each of its partitions, trims
// behind itself, and in the end reads back what was not trimmed. `completed` counts facts.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bench/interrupt.h"
#include "bench/progress.h"
#include "bench/session.h"
#include "bench/workload.h"
#include "commit-log/commit_log.h"
#include "commit-log/io.h"
#include "core/clock.h"
#include "core/random.h"
#include "core/try.h"

namespace ingot::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::uint64_t kHubId = 1;
constexpr std::size_t kPoolBytes = 4U << 20;
constexpr std::uint64_t kFactOverhead = 16;  // at most, in a batch

// Random bytes: no compressor gains on them. A fact is its position and a cut of the pool.
class Facts {
 public:
  explicit Facts(std::uint64_t bytes) : bytes_(std::max<std::uint64_t>(bytes, 8)) {
    Random random(1);
    pool_.resize(kPoolBytes + bytes_);
    for (char& c : pool_) c = static_cast<char>(random.next());
  }
  std::uint64_t bytes() const { return bytes_; }

  // Valid until the next call with the same `scratch`.
  std::string_view make(std::uint64_t position, std::string& scratch) const {
    const std::size_t cut = (position * 997) % kPoolBytes;
    scratch.assign(pool_, cut, bytes_);
    std::memcpy(scratch.data(), &position, sizeof position);
    return scratch;
  }

 private:
  const std::uint64_t bytes_;
  std::string pool_;
};

struct Shared {
  const BenchOptions& options;
  const HubOptions hub;
  const std::string directory;
  const Facts facts;
  const std::uint32_t partitions;
  const std::uint32_t shards;
  std::atomic<int> phase = 0;  // 0 warm-up, 1 measured, 2 stop
};

// One shard's thread with its logs.
class LogShard {
 public:
  LogShard(Shared& shared, std::uint32_t index) : shared_(shared), index_(index) {}

  void run() {
    status_ = open();
    while (status_.ok() && shared_.phase.load(std::memory_order_relaxed) < 2) status_ = turn();
    if (status_.ok()) status_ = drain();
    for (Log& log : logs_) log.log.reset();
    if (status_.ok()) status_ = read_back();
    io_.reset();
  }

  // After run(), but for the atomics.
  const Status& status() const { return status_; }
  std::uint64_t verified() const { return verified_; }
  const std::string& io_name() const { return io_name_; }
  Histogram latency_ns;
  std::atomic<std::uint64_t> durable_facts = 0;
  std::atomic<std::uint64_t> bytes_written = 0;
  std::atomic<std::uint64_t> writes = 0;

 private:
  struct Log {
    PartitionId partition;
    std::unique_ptr<log::CommitLog> log;
    Position trimmed;
    SteadyClock::time_point start;
  };

  log::CommitLogOptions options_of(PartitionId partition) const {
    log::CommitLogOptions options;
    options.directory = shared_.directory + "/log-" + std::to_string(partition.value);
    options.hub_id = kHubId;
    options.partition = partition;
    options.epoch = entropy64();
    options.segment_bytes = shared_.hub.segment_bytes;
    options.batch_bytes_max = shared_.hub.batch_bytes_max;
    return options;
  }

  Status open() {
    constexpr log::IoBackend kBackends[] = {log::IoBackend::automatic, log::IoBackend::uring,
                                            log::IoBackend::pwritev2};
    INGOT_ASSIGN(io_, log::make_io(kBackends[static_cast<int>(shared_.hub.io)], shared_.directory));
    io_name_ = io_->name();
    for (std::uint32_t p = index_; p < shared_.partitions; p += shared_.shards) {
      const log::CommitLogOptions options = options_of(PartitionId(p));
      INGOT_TRY(io_->make_directory(options.directory));
      Log& log = logs_.emplace_back();
      log.partition = PartitionId(p);
      INGOT_ASSIGN(log.log,
                   log::CommitLog::open(*io_, options, Position(0), [](Position, std::string_view) {
                     return Status(StatusCode::failed_precondition, "the folder holds a log");
                   }));
    }
    return {};
  }

  void fill(Log& log) {
    const std::uint64_t fact_bytes = shared_.facts.bytes() + kFactOverhead;
    while (log.log->batch_bytes() + fact_bytes <= shared_.hub.batch_bytes_max) {
      const std::uint64_t position = log.log->appended_position().value + 1;
      log.log->append(shared_.facts.make(position, scratch_));
    }
  }

  Status flush(std::size_t token) {
    Log& log = logs_[token];
    if (!log.log->has_room(0)) INGOT_TRY(log.log->make_room());
    log.start = SteadyClock::now();
    const Status status = log.log->flush(token);
    return status.code() == StatusCode::disk_full ? log.log->make_room() : status;
  }

  // Writes are kept in flight, and the next batches are built meanwhile.
  Status turn() {
    for (std::size_t i = 0; i < logs_.size(); ++i) {
      if (!logs_[i].log->write_in_flight()) {
        fill(logs_[i]);
        INGOT_TRY(flush(i));
      }
      fill(logs_[i]);
      INGOT_TRY(take(false));
    }
    const bool all_in_flight = std::all_of(
        logs_.begin(), logs_.end(), [](const Log& log) { return log.log->write_in_flight(); });
    return all_in_flight ? take(true) : Status();
  }

  Status drain() {
    while (std::any_of(logs_.begin(), logs_.end(),
                       [](const Log& log) { return log.log->write_in_flight(); })) {
      INGOT_TRY(take(true));
    }
    return {};
  }

  Status take(bool wait) {
    completions_.clear();
    if (wait) {
      io_->wait(std::chrono::milliseconds(100), completions_);
    } else {
      io_->poll(completions_);
    }
    for (const log::WriteCompletion& completion : completions_) {
      INGOT_TRY(on_write(logs_[completion.token], completion.status));
    }
    return {};
  }

  Status on_write(Log& log, const Status& status) {
    const Position before = log.log->durable_position();
    INGOT_TRY(log.log->on_write(status));
    const Position durable = log.log->durable_position();
    durable_facts.fetch_add(durable.value - before.value, std::memory_order_relaxed);
    if (shared_.phase.load(std::memory_order_relaxed) == 1) {
      const auto took = std::chrono::nanoseconds(SteadyClock::now() - log.start);
      latency_ns.record(static_cast<std::uint64_t>(took.count()));
    }
    std::uint64_t bytes = 0;
    std::uint64_t count = 0;
    for (const Log& each : logs_) {
      bytes += each.log->counters().bytes_written;
      count += each.log->counters().writes;
    }
    bytes_written.store(bytes, std::memory_order_relaxed);
    writes.store(count, std::memory_order_relaxed);
    // What a checkpoint allows in the engine: one segment's worth is kept.
    const std::uint64_t kept = shared_.hub.segment_bytes / shared_.facts.bytes();
    if (durable.value > log.trimmed.value + 2 * kept) {
      log.trimmed = Position(durable.value - kept);
      INGOT_TRY(log.log->trim(log.trimmed));
    }
    return {};
  }

  Status read_back() {
    for (Log& log : logs_) {
      std::uint64_t expected = log.trimmed.value;
      const auto replay = [&](Position position, std::string_view fact) -> Status {
        if (position.value != ++expected || fact != shared_.facts.make(expected, scratch_)) {
          return Status(StatusCode::corrupt,
                        "fact " + std::to_string(position.value) + " is not what was written");
        }
        ++verified_;
        return {};
      };
      INGOT_ASSIGN(const std::unique_ptr<log::CommitLog> reopened,
                   log::CommitLog::open(*io_, options_of(log.partition), log.trimmed, replay));
    }
    return {};
  }

  Shared& shared_;
  const std::uint32_t index_;
  std::unique_ptr<log::Io> io_;
  std::string io_name_;
  std::vector<Log> logs_;
  std::vector<log::WriteCompletion> completions_;
  std::string scratch_;
  std::uint64_t verified_ = 0;
  Status status_;
};

struct Totals {
  std::uint64_t facts = 0;
  std::uint64_t bytes = 0;
  std::uint64_t writes = 0;
};

Totals totals_of(const std::vector<std::unique_ptr<LogShard>>& shards) {
  Totals totals;
  for (const auto& shard : shards) {
    totals.facts += shard->durable_facts;
    totals.bytes += shard->bytes_written;
    totals.writes += shard->writes;
  }
  return totals;
}

void sleep_with_progress(double seconds, const std::string& what,
                         const std::vector<std::unique_ptr<LogShard>>& shards) {
  Progress progress("raw-log");
  const auto begin = SteadyClock::now();
  std::uint64_t before = totals_of(shards).bytes;
  for (double passed = 0; passed < seconds && !interrupted();) {
    std::this_thread::sleep_for(std::chrono::duration<double>(std::min(0.1, seconds - passed)));
    passed = std::chrono::duration<double>(SteadyClock::now() - begin).count();
    const std::uint64_t bytes = totals_of(shards).bytes;
    progress.draw(passed / seconds, what + with_commas((bytes - before) * 10 >> 20) + " MiB/s");
    before = bytes;
  }
}

Status run(const BenchOptions& options, Report& report) {
  INGOT_ASSIGN(const std::unique_ptr<Workspace> workspace, Workspace::make(options));
  INGOT_ASSIGN(report.device, probe_device(workspace->directory(), options.seconds / 4));
  const std::uint32_t partitions = options.partitions == 0 ? 4 : options.partitions;
  const std::uint32_t threads =
      options.shards == 0 ? std::thread::hardware_concurrency() : options.shards;
  Shared shared{options,
                hub_options(options),
                workspace->directory(),
                Facts(options.bytes),
                partitions,
                std::clamp(threads, 1U, partitions)};

  std::vector<std::unique_ptr<LogShard>> shards;
  std::vector<std::thread> running;
  for (std::uint32_t i = 0; i < shared.shards; ++i) {
    shards.push_back(std::make_unique<LogShard>(shared, i));
  }
  for (const auto& shard : shards) running.emplace_back([&shard] { shard->run(); });
  sleep_with_progress(options.warmup, "warm-up ", shards);

  const Totals before = totals_of(shards);
  const double cpu_before = process_cpu_seconds();
  const auto begin = SteadyClock::now();
  shared.phase = 1;
  sleep_with_progress(options.seconds, "", shards);
  shared.phase = 2;
  const Totals after = totals_of(shards);
  report.seconds = std::chrono::duration<double>(SteadyClock::now() - begin).count();
  report.cpu_seconds = process_cpu_seconds() - cpu_before;
  for (std::thread& thread : running) thread.join();

  for (const auto& shard : shards) {
    INGOT_TRY(shard->status());
    report.latency_ns.merge(shard->latency_ns);
    report.verified_outputs += shard->verified();
  }
  report.unit = "facts";
  report.completed = after.facts - before.facts;
  report.log = {after.bytes - before.bytes, after.writes - before.writes};
  report.io_backend = shards.front()->io_name();
  report.durability = "each write O_DIRECT with RWF_DSYNC";
  report.max_rss_bytes = process_rss_bytes_max();
  const double bytes_per_s = static_cast<double>(report.log.bytes) / report.seconds;
  report.extra.emplace_back("share_of_device_1m", bytes_per_s / report.device.write_1m_bytes_per_s);
  if (report.verified_outputs == 0) report.add_error("nothing was written");
  return {};
}

}  // namespace

Workload raw_log_workload() {
  return {"raw-log", "Facts straight into the commit logs, with no engine above: the ceiling.",
          kTakesHub | kTakesSeconds | kTakesBytes,
          [](BenchOptions& options) { options.bytes = 256; }, run};
}

}  // namespace ingot::bench
