#pragma once

// Cut: what one checkpoint writes: the state as of one position.
//
// Taking it moves the lists of changes out and encodes the tables, which takes as long as the
// outbox and the remembered request ids (65,536 at most) are many, but not as the instances are.
// The dirty instances are then copied in slices, and each is copied at the latest before a fact
// changes it, so that every copy is as of the cut. The finished records are taken as they lie.

#include <memory>
#include <string>
#include <vector>

#include "partition/state/partition_state.h"
#include "storage/checkpoint_store.h"

namespace ingot::partition {

class Cut final : public CopySink {
 public:
  // Moves the changes out of `state` and starts the next epoch. The state outlives the cut.
  explicit Cut(PartitionState& state);
  ~Cut() override;

  // Copies up to `count` of the instances that are left. True when none is.
  bool copy_some(std::size_t count);
  // A fact is about to change the instance.
  void copy(Instance& instance) override;

  // Writes everything; on the checkpoint thread, after the copying is done.
  Status write(storage::CheckpointStore& store) const;

  [[nodiscard]] Position position() const { return position_; }
  // The epoch that the cut ended.
  [[nodiscard]] std::uint64_t epoch() const { return epoch_; }
  // What was changed in that epoch, and lives or has ended since. The records of those that ended
  // in it are the sealed ones.
  [[nodiscard]] const std::vector<SequenceNumber>& touched() const { return to_copy_; }
  [[nodiscard]] std::uint64_t rows() const { return rows_.size() + records_.count(); }

 private:
  enum class WorkChange : std::uint8_t { none, listed, unlisted };
  struct Row {
    SequenceNumber sequence;
    std::string bytes;
    std::string new_id;  // empty: the store knows it
    WorkChange work = WorkChange::none;
  };

  // What the timers' changes come to, by key.
  [[nodiscard]] std::vector<TimerChange> net_timer_changes() const;

  PartitionState& state_;
  Position position_;
  std::uint64_t epoch_ = 0;
  std::vector<SequenceNumber> to_copy_;
  std::size_t next_ = 0;
  bool copying_ = true;
  std::vector<Row> rows_;
  std::vector<ErasedRow> erased_;
  std::vector<TimerChange> timers_;
  DetachedTasks::Changes detached_;
  std::string tables_;
  const FinishedRecords& records_;
};

// Keys of the store's entries and blobs, which recovery reads.
inline constexpr std::string_view kTablesBlob = "tables";
[[nodiscard]] std::string encode_timer_key(const TimerKey& key);
[[nodiscard]] Result<TimerKey> decode_timer_key(std::string_view bytes);
[[nodiscard]] std::string encode_task_key(const TaskKey& key);
[[nodiscard]] Result<TaskKey> decode_task_key(std::string_view bytes);
[[nodiscard]] std::string encode_work_key(SequenceNumber sequence);
[[nodiscard]] Result<SequenceNumber> decode_work_key(std::string_view bytes);

}  // namespace ingot::partition
