#include "tests/support/sim_store.h"

#include <utility>

#include "core/try.h"

namespace ingot::sim {
namespace {

class SimCheckpoint final : public storage::Checkpoint {
 public:
  SimCheckpoint(std::unique_ptr<storage::Checkpoint> checkpoint, StoreFaults& faults,
                Random& random)
      : checkpoint_(std::move(checkpoint)), faults_(faults), random_(random) {}

  void put_row(SequenceNumber sequence, std::string_view bytes) override {
    checkpoint_->put_row(sequence, bytes);
  }
  void erase_row(SequenceNumber sequence) override { checkpoint_->erase_row(sequence); }
  void put_id(std::string_view id, SequenceNumber sequence) override {
    checkpoint_->put_id(id, sequence);
  }
  void put_record(std::string_view id, std::string_view bytes) override {
    checkpoint_->put_record(id, bytes);
  }
  void erase_id(std::string_view id) override { checkpoint_->erase_id(id); }
  void put_entry(storage::EntryTable table, std::string_view key, std::string_view value) override {
    checkpoint_->put_entry(table, key, value);
  }
  void erase_entry(storage::EntryTable table, std::string_view key) override {
    checkpoint_->erase_entry(table, key);
  }
  void put_blob(std::string_view name, std::string_view bytes) override {
    checkpoint_->put_blob(name, bytes);
  }
  Status commit(Position position) override {
    if (faults_.full) return {StatusCode::disk_full, "simulated checkpoint: no space"};
    if (faults_.failures == 0) return checkpoint_->commit(position);
    --faults_.failures;
    if (random_.one_in(2)) INGOT_TRY(checkpoint_->commit(position));
    return {StatusCode::io_error, "simulated checkpoint: the commit failed"};
  }

 private:
  std::unique_ptr<storage::Checkpoint> checkpoint_;
  StoreFaults& faults_;
  Random& random_;
};

class SimStore final : public storage::CheckpointStore {
 public:
  SimStore(std::shared_ptr<storage::CheckpointStore> kept, StoreFaults& faults, Random& random)
      : kept_(std::move(kept)), faults_(faults), random_(random) {}

  Position position() const override { return kept_->position(); }
  Result<std::unique_ptr<storage::Checkpoint>> begin() override {
    INGOT_ASSIGN(std::unique_ptr<storage::Checkpoint> checkpoint, kept_->begin());
    return std::unique_ptr<storage::Checkpoint>(
        std::make_unique<SimCheckpoint>(std::move(checkpoint), faults_, random_));
  }
  bool may_contain(std::string_view id) const override { return kept_->may_contain(id); }
  Result<std::optional<storage::Located>> find(std::string_view id) const override {
    return kept_->find(id);
  }
  Result<std::string> read_row(SequenceNumber sequence) const override {
    return kept_->read_row(sequence);
  }
  Result<std::vector<storage::ScannedId>> scan(std::string_view prefix, std::string_view after,
                                               std::size_t limit, storage::ScanOrder order,
                                               storage::ScanRecords records) const override {
    return kept_->scan(prefix, after, limit, order, records);
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
  StoreFaults& faults_;
  Random& random_;
};

}  // namespace

std::unique_ptr<storage::CheckpointStore> make_sim_store(
    std::shared_ptr<storage::CheckpointStore> kept, StoreFaults& faults, Random& random) {
  return std::make_unique<SimStore>(std::move(kept), faults, random);
}

}  // namespace ingot::sim
