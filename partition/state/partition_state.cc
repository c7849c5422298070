#include "partition/state/partition_state.h"

#include <algorithm>
#include <map>

#include "partition/state/row.h"

namespace ingot::partition {
namespace {

constexpr std::uint8_t kTablesVersion = 3;

// Buffers that are kept: two for each instance of a burst, none so large that it would be missed.
constexpr std::size_t kBuffersMax = 2048;
constexpr std::size_t kBufferBytesMax = 4096;

// A receiver would have to refuse any other message, and could never go on.
bool is_one_event(const PeerMessage& message) {
  Reader reader(message.event);
  static_cast<void>(decode_event(reader));
  return reader.finished();
}

bool can_be_sent(const Outbox& outbox, std::uint32_t partitions) {
  for (const auto& [destination, channel] : outbox.channels()) {
    const auto& messages = channel.unconfirmed;
    if (destination.value >= partitions) return false;
    if (!std::all_of(messages.begin(), messages.end(), is_one_event)) return false;
  }
  return true;
}

}  // namespace

FinishedRecord PartitionState::finish(Instance& instance) {
  INGOT_ASSERT(is_terminal(instance.status) && instance.dirty_epoch == epoch,
               instance.sequence.value, instance.dirty_epoch);
  cancel_timers(instance);
  row_.clear();
  encode_row(instance, row_);
  const FinishedRecord record = finished.add(instance.id_hash, instance.id, row_);
  if (instance.stored) erased_rows.push_back({instance.sequence, instance.work_listed});
  ++counters.finished;
  keep_buffer(std::move(instance.history));
  keep_buffer(std::move(instance.inbox));
  instances.remove(instance).reset();
  return record;
}

void PartitionState::remove_entity(Instance& instance) {
  INGOT_ASSERT(instance.entity != nullptr && instance.dirty_epoch == epoch, instance.sequence.value,
               instance.dirty_epoch);
  cancel_timers(instance);
  finished.add(instance.id_hash, instance.id, {});
  if (instance.stored) erased_rows.push_back({instance.sequence, instance.work_listed});
  --counters.entities;
  instances.remove(instance).reset();
}

void PartitionState::detach_tasks(const Instance& instance) {
  if (instance.tasks.empty()) return;
  for_each_pending_task(instance, [&](std::int32_t id, std::uint64_t offset) {
    Reader event(std::string_view(instance.history).substr(offset));
    const char* start = event.at();
    static_cast<void>(event.bytes());
    detached.add({instance.sequence, instance.generation, id},
                 {instance.id, instance.execution_id,
                  std::string(start, static_cast<std::size_t>(event.at() - start))});
  });
}

void for_each_pending_task(const Instance& instance,
                           const std::function<void(std::int32_t, std::uint64_t)>& visit) {
  if (instance.tasks.empty()) return;
  std::map<std::int32_t, std::uint64_t> offsets;
  Reader history(instance.history);
  while (history.more()) {
    const std::uint64_t offset = instance.history.size() - history.remaining();
    const HistoryEventView event = decode_trusted_event(history);
    if (event.kind != HistoryEventKind::task_scheduled) continue;
    if (instance.tasks.contains(event.event_id)) offsets[event.event_id] = offset;
  }
  for (const auto& [id, offset] : offsets) visit(id, offset);
}

void PartitionState::cancel_timers(const Instance& instance) {
  for (const PendingTimer& timer : instance.timers) {
    agenda.remove({timer.fire_at, instance.sequence, timer.id, instance.generation});
  }
}

std::string PartitionState::take_buffer() {
  if (buffers_.empty()) return {};
  std::string buffer = std::move(buffers_.back());
  buffers_.pop_back();
  return buffer;
}

void PartitionState::keep_buffer(std::string&& buffer) {
  if (buffers_.size() == kBuffersMax || buffer.capacity() > kBufferBytesMax) return;
  buffer.clear();
  buffers_.push_back(std::move(buffer));
}

void PartitionState::encode_tables(std::string& out) const {
  put_u8(out, kTablesVersion);
  put_varint(out, partition.value);
  put_varint(out, partition_count);
  put_varint(out, applied.value);
  put_varint(out, last_sequence.value);
  put_varint(out, counters.created);
  put_varint(out, counters.finished);
  put_varint(out, counters.history_events);
  for (const std::uint64_t count : counters.by_status) put_varint(out, count);
  put_varint(out, counters.entities);
  outbox.encode(out);
  dedup.encode(out);
  requests.encode(out);
}

Status PartitionState::decode_tables(std::string_view bytes) {
  Reader reader(bytes);
  const std::uint8_t version = reader.u8();
  if (reader.ok() && version != kTablesVersion) {
    return Status(StatusCode::unsupported,
                  "the partition's tables have version " + std::to_string(version) +
                      "; this build reads version " + std::to_string(kTablesVersion));
  }
  const bool mine = reader.varint() == partition.value && reader.varint() == partition_count;
  applied = Position(reader.varint());
  last_sequence = SequenceNumber(reader.varint());
  counters.created = reader.varint();
  counters.finished = reader.varint();
  counters.history_events = reader.varint();
  for (std::uint64_t& count : counters.by_status) count = reader.varint();
  counters.entities = reader.varint();
  outbox.decode(reader);
  dedup.decode(reader);
  requests.decode(reader);
  if (!mine || !can_be_sent(outbox, partition_count) || !dedup.is_of(partition_count) ||
      !reader.finished()) {
    return Status(StatusCode::corrupt, "the partition's tables can't be decoded");
  }
  // A fact creates one instance at most.
  if (last_sequence.value > applied.value) {
    return Status(StatusCode::corrupt, "the partition's tables count " +
                                           std::to_string(last_sequence.value) + " instances by " +
                                           std::to_string(applied.value) + " facts");
  }
  return {};
}

std::string PartitionState::snapshot() const {
  std::string out;
  encode_tables(out);
  std::vector<const Instance*> live;
  instances.for_each([&](const Instance& instance) { live.push_back(&instance); });
  std::sort(live.begin(), live.end(),
            [](const Instance* a, const Instance* b) { return a->sequence < b->sequence; });
  put_varint(out, live.size());
  for (const Instance* instance : live) encode_row(*instance, out);
  put_varint(out, agenda.size());
  for (const TimerKey& key : agenda.timers()) {
    put_zigzag(out, key.fire_at.time_since_epoch().count());
    put_varint(out, key.sequence.value);
    put_zigzag(out, key.timer_id);
  }
  put_varint(out, detached.size());
  for (const auto& [key, task] : detached.all()) {
    put_varint(out, key.sequence.value);
    put_varint(out, key.generation);
    put_zigzag(out, key.task_id);
    encode_detached_task(*task, out);
  }
  const auto put_records = [&](const FinishedRecords& records) {
    records.for_each([&](const FinishedRecord& record) { put_bytes(out, record.row); });
  };
  if (finished.sealed() != nullptr) put_records(*finished.sealed());
  put_records(finished.current());
  return out;
}

}  // namespace ingot::partition
