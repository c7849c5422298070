#pragma once

// A partition on a simulated disk, ready to be recovered: a log with facts, and a checkpoint whose
// contents a test may change first. What it writes is always sound for the log and for the store:
// only the state machine can see what is wrong.

#include <gtest/gtest.h>

#include <cerrno>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "partition/checkpoint/cut.h"
#include "partition/recovery/recover.h"
#include "partition/recovery/replay.h"
#include "tests/commit-log/log_harness.h"
#include "tests/partition/event_bytes.h"

namespace ingot::partition {

inline constexpr PartitionId kRecovered(3);
inline constexpr std::uint32_t kRecoveredOf = 8;

// All that lies in a checkpoint store, to be changed and put into another one.
struct StoreContents {
  Position position;
  std::map<std::uint64_t, std::string> rows;
  std::map<std::string, storage::Located> ids;
  std::map<std::pair<storage::EntryTable, std::string>, std::string> entries;
  std::map<std::string, std::string> blobs;

  static StoreContents of(const storage::CheckpointStore& store) {
    StoreContents contents;
    contents.position = store.position();
    const auto ids = store.scan("", "", 1'000'000);
    EXPECT_TRUE(ids.ok());
    for (const storage::ScannedId& found : *ids) {
      contents.ids[found.id] = found.located;
      const SequenceNumber sequence = found.located.sequence;
      if (sequence.value == 0) continue;
      const Result<std::string> row = store.read_row(sequence);
      EXPECT_TRUE(row.ok());
      if (row.ok()) contents.rows[sequence.value] = *row;
    }
    using storage::EntryTable;
    for (const EntryTable table : {EntryTable::timers, EntryTable::work, EntryTable::detached}) {
      const Status read = store.for_each_entry(table, [&](auto key, auto value) -> Status {
        contents.entries[{table, std::string(key)}] = value;
        return {};
      });
      EXPECT_TRUE(read.ok());
    }
    const auto tables = store.read_blob(kTablesBlob);
    EXPECT_TRUE(tables.ok());
    if (tables.ok() && *tables) contents.blobs[std::string(kTablesBlob)] = **tables;
    return contents;
  }

  [[nodiscard]] std::unique_ptr<storage::CheckpointStore> store() const {
    std::unique_ptr<storage::CheckpointStore> made = storage::make_memory_store();
    auto checkpoint = made->begin();
    EXPECT_TRUE(checkpoint.ok());
    for (const auto& [sequence, row] : rows) {
      (*checkpoint)->put_row(SequenceNumber(sequence), row);
    }
    for (const auto& [id, located] : ids) {
      if (located.sequence.value != 0) {
        (*checkpoint)->put_id(id, located.sequence);
      } else {
        (*checkpoint)->put_record(id, located.record);
      }
    }
    for (const auto& [key, value] : entries) {
      (*checkpoint)->put_entry(key.first, key.second, value);
    }
    for (const auto& [name, bytes] : blobs) (*checkpoint)->put_blob(name, bytes);
    EXPECT_TRUE((*checkpoint)->commit(position).ok());
    return made;
  }

  std::string& tables() { return blobs[std::string(kTablesBlob)]; }
};

// A store whose reads are counted, and of which one fails.
class FailingStore final : public storage::CheckpointStore {
 public:
  // The `nth` read fails with `code` (1: the first; 0: none); `in_a_row`: it was one of a row. What
  // is given by reference outlives the store.
  FailingStore(const storage::CheckpointStore& kept, std::uint64_t& reads, std::uint64_t nth,
               StatusCode code, bool& in_a_row)
      : kept_(kept), reads_(reads), nth_(nth), code_(code), failed_in_a_row_(in_a_row) {}

  Position position() const override { return kept_.position(); }
  Result<std::unique_ptr<storage::Checkpoint>> begin() override {
    return Status(StatusCode::internal, "recovery writes no checkpoint");
  }
  bool may_contain(std::string_view id) const override { return kept_.may_contain(id); }
  Result<std::optional<storage::Located>> find(std::string_view id) const override {
    if (fails()) return failure();
    return kept_.find(id);
  }
  Result<std::string> read_row(SequenceNumber sequence) const override {
    if (fails()) {
      failed_in_a_row_ = true;
      return failure();
    }
    return kept_.read_row(sequence);
  }
  Result<std::vector<storage::ScannedId>> scan(std::string_view prefix, std::string_view after,
                                               std::size_t limit, storage::ScanOrder order,
                                               storage::ScanRecords records) const override {
    if (fails()) return failure();
    return kept_.scan(prefix, after, limit, order, records);
  }
  Result<std::vector<storage::ScannedRecord>> scan_records(
      storage::RecordCursor from, std::size_t limit, storage::ScanOrder order) const override {
    if (fails()) return failure();
    return kept_.scan_records(from, limit, order);
  }
  // Each entry is a read.
  Status for_each_entry(storage::EntryTable table, const EntryFn& entry) const override {
    if (fails()) return failure();
    return kept_.for_each_entry(table, [&](auto key, auto value) -> Status {
      if (fails()) return failure();
      return entry(key, value);
    });
  }
  Result<std::optional<std::string>> read_blob(std::string_view name) const override {
    if (fails()) return failure();
    return kept_.read_blob(name);
  }
  Status scrub(const std::function<void(storage::StoreFault)>& fault) const override {
    return kept_.scrub(fault);
  }
  storage::StoreCounters counters() const override { return kept_.counters(); }

 private:
  [[nodiscard]] bool fails() const { return ++reads_ == nth_; }
  [[nodiscard]] Status failure() const {
    return {code_, "read " + std::to_string(nth_) + " was made to fail"};
  }

  const storage::CheckpointStore& kept_;
  std::uint64_t& reads_;
  const std::uint64_t nth_;
  const StatusCode code_;
  bool& failed_in_a_row_;
};

// The log of the partition: the facts from position 1 on.
class RecoveryCase {
 public:
  explicit RecoveryCase(const std::vector<std::string>& facts) {
    disk_.set_prompt(true);
    sim::SimIo io(disk_);
    auto log = log::CommitLog::open(io, log_options(), Position(),
                                    [](auto, auto) -> Status { return {}; });
    EXPECT_TRUE(log.ok());
    for (const std::string& fact : facts) (*log)->append(fact);
    EXPECT_TRUE(log::write_all(io, **log).ok());
  }

  // With `failing`, so many calls of the disk on, one fails.
  Result<Recovered> recover(
      std::function<Result<std::unique_ptr<storage::CheckpointStore>>()> open_store,
      std::uint64_t failing = 0) {
    if (attempts_.size() == kAttemptsKept) attempts_.pop_front();
    Attempt& attempt = attempts_.emplace_back();
    attempt.disk = disk_.clone(1);
    attempt.disk->set_prompt(true);
    if (failing != 0) attempt.disk->fail_operation(failing, EIO);
    attempt.io = std::make_unique<sim::SimIo>(*attempt.disk);
    RecoveryPlan plan;
    plan.folder = {"/log", "/checkpoint"};
    plan.hub_id = log::kTestHub;
    plan.partition = kRecovered;
    plan.partition_count = kRecoveredOf;
    plan.epoch = 2;
    plan.open_store = std::move(open_store);
    HubOptions options;
    options.segment_bytes = log_options().segment_bytes;
    return partition::recover(*attempt.io, options, clock_, plan);
  }
  Result<Recovered> recover(const StoreContents& contents, std::uint64_t failing = 0) {
    return recover(
        [&]() -> Result<std::unique_ptr<storage::CheckpointStore>> { return contents.store(); },
        failing);
  }

  [[nodiscard]] sim::SimDisk& disk() { return disk_; }

 private:
  // What a recovered log needs. The last few live on.
  struct Attempt {
    std::unique_ptr<sim::SimDisk> disk;
    std::unique_ptr<sim::SimIo> io;
  };
  static constexpr std::size_t kAttemptsKept = 8;

  static log::CommitLogOptions log_options() {
    log::CommitLogOptions options = log::small_log("/log");
    options.partition = kRecovered;
    options.segment_bytes = 256U << 10;
    return options;
  }

  const SystemClock clock_;
  sim::SimDisk disk_{1};
  std::deque<Attempt> attempts_;
};

}  // namespace ingot::partition
