#include "partition/checkpoint/cut.h"

#include <algorithm>
#include <utility>

#include "core/planted_bug.h"
#include "core/try.h"
#include "partition/state/row.h"

namespace ingot::partition {
namespace {

// Big endian, so that keys sort as numbers do.
void put_big_endian(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(value >> shift));
  }
}

std::uint64_t read_big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

constexpr std::size_t kTimerKeyBytes = 24;
constexpr std::size_t kTaskKeyBytes = 16;

}  // namespace

std::string encode_timer_key(const TimerKey& key) {
  std::string out;
  // Times before 1970 do not occur: fire_at is clamped when it is applied.
  put_big_endian(out, static_cast<std::uint64_t>(key.fire_at.time_since_epoch().count()), 8);
  put_big_endian(out, key.sequence.value, 8);
  put_big_endian(out, static_cast<std::uint32_t>(key.timer_id), 4);
  put_big_endian(out, key.generation, 4);
  return out;
}

Result<TimerKey> decode_timer_key(std::string_view bytes) {
  if (bytes.size() != kTimerKeyBytes) {
    return Status(StatusCode::corrupt, "a timer's key has the wrong length");
  }
  TimerKey key;
  key.fire_at = Timestamp(Duration(static_cast<std::int64_t>(read_big_endian(bytes.substr(0, 8)))));
  key.sequence = SequenceNumber(read_big_endian(bytes.substr(8, 8)));
  key.timer_id = static_cast<std::int32_t>(read_big_endian(bytes.substr(16, 4)));
  key.generation = static_cast<std::uint32_t>(read_big_endian(bytes.substr(20, 4)));
  return key;
}

std::string encode_task_key(const TaskKey& key) {
  std::string out;
  put_big_endian(out, key.sequence.value, 8);
  put_big_endian(out, key.generation, 4);
  put_big_endian(out, static_cast<std::uint32_t>(key.task_id), 4);
  return out;
}

Result<TaskKey> decode_task_key(std::string_view bytes) {
  if (bytes.size() != kTaskKeyBytes) {
    return Status(StatusCode::corrupt, "a detached task's key has the wrong length");
  }
  TaskKey key;
  key.sequence = SequenceNumber(read_big_endian(bytes.substr(0, 8)));
  key.generation = static_cast<std::uint32_t>(read_big_endian(bytes.substr(8, 4)));
  key.task_id = static_cast<std::int32_t>(read_big_endian(bytes.substr(12, 4)));
  return key;
}

std::string encode_work_key(SequenceNumber sequence) {
  std::string out;
  put_big_endian(out, sequence.value, 8);
  return out;
}

Result<SequenceNumber> decode_work_key(std::string_view bytes) {
  if (bytes.size() != 8) return Status(StatusCode::corrupt, "a work key has the wrong length");
  return SequenceNumber(read_big_endian(bytes));
}

Cut::Cut(PartitionState& state)
    : state_(state),
      position_(state.applied),
      epoch_(state.epoch),
      to_copy_(std::exchange(state.dirty, {})),
      erased_(std::exchange(state.erased_rows, {})),
      timers_(state.agenda.take_changes()),
      detached_(state.detached.take_changes()),
      records_(state.finished.seal()) {
  INGOT_ASSERT(state.copies == nullptr, epoch_);
  state.encode_tables(tables_);
  ++state.epoch;
  state.copies = this;
}

Cut::~Cut() {
  // A finished cut is destroyed on another thread and must not look at the state.
  if (copying_) state_.copies = nullptr;
}

bool Cut::copy_some(std::size_t count) {
  for (; count != 0 && next_ < to_copy_.size(); --count, ++next_) {
    Instance* instance = state_.instances.find(to_copy_[next_]);
    // Gone: it ended before the cut, or was copied just before it ended. Changed: copied before.
    if (instance == nullptr || instance->dirty_epoch != epoch_) continue;
    if (instance->entity && INGOT_PLANTED(kCutWithoutEntities)) continue;
    copy(*instance);
    instance->dirty_epoch = 0;
  }
  if (next_ < to_copy_.size()) return false;
  if (std::exchange(copying_, false)) state_.copies = nullptr;
  return true;
}

void Cut::copy(Instance& instance) {
  INGOT_ASSERT(instance.dirty_epoch == epoch_, instance.dirty_epoch, epoch_);
  Row& row = rows_.emplace_back();
  row.sequence = instance.sequence;
  encode_row(instance, row.bytes);
  if (!instance.stored) row.new_id = instance.id;
  const bool work = instance.has_outstanding_work() && !INGOT_PLANTED(kListNoWork);
  if (work != instance.work_listed) row.work = work ? WorkChange::listed : WorkChange::unlisted;
  instance.stored = true;
  instance.work_listed = work;
  instance.copied_epoch = epoch_;
}

std::vector<TimerChange> Cut::net_timer_changes() const {
  std::vector<TimerChange> sorted = timers_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const TimerChange& a, const TimerChange& b) { return a.key < b.key; });
  std::vector<TimerChange> net;
  for (std::size_t first = 0; first < sorted.size();) {
    std::size_t last = first;
    while (last + 1 < sorted.size() && sorted[last + 1].key == sorted[first].key) ++last;
    // Came and went, or went and came back: the store does not change.
    if (sorted[first].added == sorted[last].added) net.push_back(sorted[last]);
    first = last + 1;
  }
  return net;
}

Status Cut::write(storage::CheckpointStore& store) const {
  INGOT_ASSIGN(std::unique_ptr<storage::Checkpoint> checkpoint, store.begin());
  using storage::EntryTable;
  for (const ErasedRow& row : erased_) {
    checkpoint->erase_row(row.sequence);
    if (INGOT_PLANTED(kKeepEndedRows)) checkpoint->put_row(row.sequence, {});
    if (row.work_listed) checkpoint->erase_entry(EntryTable::work, encode_work_key(row.sequence));
  }
  // In the order in which they ended; a live row comes last, because it is the newest of its id.
  records_.for_each([&](const FinishedRecord& record) {
    if (record.purged() && INGOT_PLANTED(kLosePurges)) return;
    if (record.purged()) {
      checkpoint->erase_id(record.id);
    } else {
      checkpoint->put_record(record.id, record.row);
    }
  });
  for (const Row& row : rows_) {
    checkpoint->put_row(row.sequence, row.bytes);
    if (!row.new_id.empty()) checkpoint->put_id(row.new_id, row.sequence);
    if (row.work == WorkChange::listed) {
      checkpoint->put_entry(EntryTable::work, encode_work_key(row.sequence), {});
    } else if (row.work == WorkChange::unlisted) {
      checkpoint->erase_entry(EntryTable::work, encode_work_key(row.sequence));
    }
  }
  for (const TimerChange& change : net_timer_changes()) {
    const std::string key = encode_timer_key(change.key);
    if (change.added && INGOT_PLANTED(kLoseTimers)) continue;
    if (change.added) {
      checkpoint->put_entry(EntryTable::timers, key, {});
    } else {
      checkpoint->erase_entry(EntryTable::timers, key);
    }
  }
  for (const auto& [key, task] : detached_) {
    if (task == nullptr) {
      checkpoint->erase_entry(EntryTable::detached, encode_task_key(key));
      continue;
    }
    std::string value;
    encode_detached_task(*task, value);
    checkpoint->put_entry(EntryTable::detached, encode_task_key(key), value);
  }
  checkpoint->put_blob(kTablesBlob, tables_);
  return checkpoint->commit(position_);
}

}  // namespace ingot::partition
