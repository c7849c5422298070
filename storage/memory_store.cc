// The checkpoint store in memory, for simulation and as the model that the LMDB store is tested
// against. A checkpoint keeps its changes aside and applies them in order at commit(), under the
// one mutex that every read takes as well.

#include <map>
#include <mutex>
#include <utility>

#include "core/try.h"
#include "storage/checkpoint_store.h"

namespace ingot::storage {
namespace {

// What an id names; a record also knows its place among all that were ever put.
struct Named {
  Located located;
  std::uint64_t place = 0;
};

struct MemoryTables {
  std::map<std::uint64_t, std::string> rows;
  std::map<std::string, Named, std::less<>> ids;
  std::map<std::uint64_t, std::string> order;  // ids of records by place
  std::uint64_t next_place = 0;
  std::map<std::pair<EntryTable, std::string>, std::string> entries;
  std::map<std::string, std::string, std::less<>> blobs;
  Position position;
  std::uint64_t checkpoints = 0;
  std::uint64_t written_rows = 0;
};

struct MemoryShared {
  mutable std::mutex mutex;
  MemoryTables tables;
  bool writing = false;
};

class MemoryCheckpoint final : public Checkpoint {
 public:
  explicit MemoryCheckpoint(std::shared_ptr<MemoryShared> shared) : shared_(std::move(shared)) {}
  ~MemoryCheckpoint() override { release(); }
  MemoryCheckpoint(const MemoryCheckpoint&) = delete;
  MemoryCheckpoint& operator=(const MemoryCheckpoint&) = delete;

  void put_row(SequenceNumber sequence, std::string_view bytes) override {
    rows_[sequence.value] = std::string(bytes);
    ++written_rows_;
  }
  void erase_row(SequenceNumber sequence) override { rows_[sequence.value] = std::nullopt; }
  void put_id(std::string_view id, SequenceNumber sequence) override {
    ids_[std::string(id)] = Named{{sequence, {}}, 0};
  }
  void put_record(std::string_view id, std::string_view bytes) override {
    ids_[std::string(id)] = Named{{SequenceNumber(0), std::string(bytes)}, records_++};
    ++written_rows_;
  }
  void erase_id(std::string_view id) override { ids_[std::string(id)] = std::nullopt; }
  void put_entry(EntryTable table, std::string_view key, std::string_view value) override {
    entries_[{table, std::string(key)}] = std::string(value);
  }
  void erase_entry(EntryTable table, std::string_view key) override {
    entries_[{table, std::string(key)}] = std::nullopt;
  }
  void put_blob(std::string_view name, std::string_view bytes) override {
    blobs_[std::string(name)] = std::string(bytes);
  }

  Status commit(Position position) override {
    if (!shared_) return {StatusCode::failed_precondition, "checkpoint: already committed"};
    {
      const std::lock_guard lock(shared_->mutex);
      MemoryTables& tables = shared_->tables;
      apply(rows_, tables.rows);
      apply_order(tables);
      apply(ids_, tables.ids);
      apply(entries_, tables.entries);
      apply(blobs_, tables.blobs);
      tables.position = position;
      ++tables.checkpoints;
      tables.written_rows += written_rows_;
    }
    release();
    return {};
  }

 private:
  // The last change of each key; nothing means that the key is erased.
  template <typename Changes, typename Table>
  static void apply(Changes& changes, Table& table) {
    for (auto& [key, value] : changes) {
      if (value) {
        table.insert_or_assign(key, *std::move(value));
      } else {
        table.erase(key);
      }
    }
  }
  // Takes the records that ids named before out of the order, and puts the new ones in.
  void apply_order(MemoryTables& tables) {
    for (auto& [id, named] : ids_) {
      const auto before = tables.ids.find(id);
      if (before != tables.ids.end() && before->second.located.sequence.value == 0) {
        tables.order.erase(before->second.place);
      }
      if (!named || named->located.sequence.value != 0) continue;
      named->place += tables.next_place;
      tables.order.emplace(named->place, id);
    }
    tables.next_place += records_;
  }
  void release() {
    if (!shared_) return;
    const std::lock_guard lock(shared_->mutex);
    shared_->writing = false;
    // The mutex must not die under its own lock: the store may be gone by now.
    keep_ = std::move(shared_);
  }

  std::shared_ptr<MemoryShared> shared_;
  std::shared_ptr<MemoryShared> keep_;
  std::map<std::uint64_t, std::optional<std::string>> rows_;
  std::map<std::string, std::optional<Named>> ids_;
  std::uint64_t records_ = 0;
  std::map<std::pair<EntryTable, std::string>, std::optional<std::string>> entries_;
  std::map<std::string, std::optional<std::string>> blobs_;
  std::uint64_t written_rows_ = 0;
};

class MemoryStore final : public CheckpointStore {
 public:
  Position position() const override {
    const std::lock_guard lock(shared_->mutex);
    return shared_->tables.position;
  }

  Result<std::unique_ptr<Checkpoint>> begin() override {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->writing) {
      return Status(StatusCode::failed_precondition, "checkpoint store: a checkpoint is under way");
    }
    shared_->writing = true;
    return std::unique_ptr<Checkpoint>(std::make_unique<MemoryCheckpoint>(shared_));
  }

  bool may_contain(std::string_view id) const override {
    const std::lock_guard lock(shared_->mutex);
    return shared_->tables.ids.contains(id);
  }

  Result<std::optional<Located>> find(std::string_view id) const override {
    const std::lock_guard lock(shared_->mutex);
    const auto found = shared_->tables.ids.find(id);
    if (found == shared_->tables.ids.end()) return std::optional<Located>{};
    return std::optional<Located>(found->second.located);
  }

  Result<std::string> read_row(SequenceNumber sequence) const override {
    const std::lock_guard lock(shared_->mutex);
    const auto found = shared_->tables.rows.find(sequence.value);
    if (found == shared_->tables.rows.end()) {
      return Status(StatusCode::not_found, "row " + std::to_string(sequence.value));
    }
    return found->second;
  }

  Result<std::vector<ScannedId>> scan(std::string_view prefix, std::string_view after,
                                      std::size_t limit, ScanOrder order,
                                      ScanRecords records) const override {
    const std::lock_guard lock(shared_->mutex);
    const auto& ids = shared_->tables.ids;
    std::vector<ScannedId> found;
    const auto add = [&](const std::string& id, const Located& located) {
      const bool whole = records == ScanRecords::read;
      found.push_back({id, whole ? located : Located{located.sequence, {}}});
    };
    if (order == ScanOrder::ascending) {
      const bool later = after >= prefix && !after.empty();
      auto at = later ? ids.upper_bound(after) : ids.lower_bound(prefix);
      for (; at != ids.end() && found.size() < limit && at->first.starts_with(prefix); ++at) {
        add(at->first, at->second.located);
      }
      return found;
    }
    auto at = after.empty() ? ids.end() : ids.lower_bound(after);
    while (at != ids.begin() && found.size() < limit) {
      --at;
      if (at->first.starts_with(prefix)) {
        add(at->first, at->second.located);
      } else if (at->first < prefix) {
        break;
      }
    }
    return found;
  }

  // A cursor's `pack` is the place of the record behind it.
  Result<std::vector<ScannedRecord>> scan_records(RecordCursor from, std::size_t limit,
                                                  ScanOrder order) const override {
    const std::lock_guard lock(shared_->mutex);
    const MemoryTables& tables = shared_->tables;
    std::vector<ScannedRecord> found;
    const auto add = [&](const auto& placed, std::uint64_t next) {
      const Named& named = tables.ids.find(placed.second)->second;
      found.push_back({placed.second, named.located.record, {next, 0}});
    };
    auto at = tables.order.lower_bound(from.pack);
    if (order == ScanOrder::ascending) {
      for (; at != tables.order.end() && found.size() < limit; ++at) add(*at, at->first + 1);
    } else {
      while (at != tables.order.begin() && found.size() < limit) {
        --at;
        add(*at, at->first);
      }
    }
    return found;
  }

  Status for_each_entry(EntryTable table, const EntryFn& entry) const override {
    std::vector<std::pair<std::string, std::string>> entries;
    {
      const std::lock_guard lock(shared_->mutex);
      for (auto at = shared_->tables.entries.lower_bound({table, {}});
           at != shared_->tables.entries.end() && at->first.first == table; ++at) {
        entries.emplace_back(at->first.second, at->second);
      }
    }
    for (const auto& [key, value] : entries) INGOT_TRY(entry(key, value));
    return {};
  }

  Result<std::optional<std::string>> read_blob(std::string_view name) const override {
    const std::lock_guard lock(shared_->mutex);
    const auto found = shared_->tables.blobs.find(name);
    if (found == shared_->tables.blobs.end()) return std::optional<std::string>{};
    return std::optional<std::string>(found->second);
  }

  Status scrub(const std::function<void(StoreFault)>&) const override { return {}; }

  StoreCounters counters() const override {
    const std::lock_guard lock(shared_->mutex);
    StoreCounters counters;
    counters.rows = shared_->tables.rows.size();
    counters.ids = shared_->tables.ids.size();
    counters.records = shared_->tables.order.size();
    counters.checkpoints = shared_->tables.checkpoints;
    counters.written_rows = shared_->tables.written_rows;
    return counters;
  }

 private:
  std::shared_ptr<MemoryShared> shared_ = std::make_shared<MemoryShared>();
};

}  // namespace

std::unique_ptr<CheckpointStore> make_memory_store() { return std::make_unique<MemoryStore>(); }

}  // namespace ingot::storage
