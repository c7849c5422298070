#include "partition/memory/residency.h"

#include <algorithm>

#include "core/hash.h"
#include "core/out_of_memory.h"
#include "core/planted_bug.h"
#include "core/try.h"
#include "partition/state/row.h"
#include "partition/state/stored_row.h"

namespace ingot::partition {

Result<std::optional<std::string>> read_row_or_record(const storage::CheckpointStore& store,
                                                      const std::string& id) {
  SequenceNumber missing;
  for (;;) {
    INGOT_ASSIGN(std::optional<storage::Located> located, store.find(id));
    if (!located) return std::optional<std::string>();
    if (located->sequence.value == 0) return std::optional(std::move(located->record));
    Result<std::string> row = store.read_row(located->sequence);
    if (row.ok()) {
      INGOT_ASSIGN(const RowView view, view_row(*row));
      if (view.sequence != located->sequence) {
        return Status(StatusCode::corrupt, "row " + std::to_string(located->sequence.value) +
                                               " holds instance " +
                                               std::to_string(view.sequence.value));
      }
      return std::optional(*std::move(row));
    }
    // Between the two reads a checkpoint may have made a record of the row; then the id names it.
    if (row.status().code() != StatusCode::not_found) return row.take_status();
    if (missing == located->sequence) {
      return Status(StatusCode::corrupt, "instance '" + id + "' has no row " +
                                             std::to_string(missing.value) + " in the checkpoint");
    }
    missing = located->sequence;
  }
}

Found Residency::find(std::uint64_t id_hash, std::string_view id) {
  Found found;
  found.live = state_.instances.find(id_hash, id);
  if (found.live != nullptr) return found;
  const FinishedRecord finished = state_.finished.find(id_hash, id);
  found.record = finished.row;
  if (!finished.id.empty()) return found;
  if (!loaded_id_.empty() && loaded_id_ == id) {
    found.record = loaded_record_;
    return found;
  }
  found.in_store = store_.may_contain(id);
  return found;
}

void Residency::load(std::uint64_t id_hash, std::string_view id,
                     std::unique_ptr<Inbox::Entry> entry) {
  const auto [load, fresh] = id_loads_.try_emplace(std::string(id));
  load->second.id_hash = id_hash;
  if (entry != nullptr) load->second.waiting.push_back(std::move(entry));
  if (fresh) submit(load->first, id_hash, SequenceNumber());
}

void Residency::load(SequenceNumber sequence) {
  if (sequence_loads_.insert(sequence.value).second) submit({}, 0, sequence);
}

void Residency::submit(std::string id, std::uint64_t id_hash, SequenceNumber sequence) {
  environment_.load_jobs.submit([&store = store_, &post = environment_.post,
                                 partition = state_.partition, id = std::move(id), id_hash,
                                 sequence, seen = checkpoints_] {
    LoadDone done{id, id_hash, sequence, seen, Status(StatusCode::internal, "not loaded")};
    done.row = with_memory("reading the store", [&]() -> Result<std::optional<std::string>> {
      if (sequence.value == 0) return read_row_or_record(store, id);
      INGOT_ASSIGN(std::string row, store.read_row(sequence));
      return std::optional(std::move(row));
    });
    post.push(partition, std::move(done));
  });
}

Status Residency::take(LoadDone& done, std::vector<std::unique_ptr<Inbox::Entry>>& waiting) {
  const bool by_id = done.sequence.value == 0;
  Instance* resident =
      by_id ? state_.instances.find(done.id_hash, done.id) : state_.instances.find(done.sequence);
  if (resident == nullptr && done.checkpoints_seen != checkpoints_ &&
      !INGOT_PLANTED(kTrustOldLoad)) {
    submit(std::move(done.id), done.id_hash, done.sequence);
    return {};
  }
  if (by_id) {
    const auto load = id_loads_.find(done.id);
    INGOT_ASSERT(load != id_loads_.end());
    waiting = std::move(load->second.waiting);
    id_loads_.erase(load);
  } else {
    sequence_loads_.erase(done.sequence.value);
  }
  if (resident != nullptr) return {};
  if (!by_id && done.row.status().code() == StatusCode::not_found) {
    // Another load was first, it has ended since, and a checkpoint took its row away.
    if (!has_timer(done.sequence)) return {};
    return Status(StatusCode::corrupt, "a timer of instance " +
                                           std::to_string(done.sequence.value) +
                                           " is due, and the checkpoint has no such row");
  }
  if (!done.row.ok()) return done.row.status();
  loaded_id_ = done.id;
  loaded_record_.clear();
  if (!done.row->has_value()) return {};
  INGOT_ASSIGN(const RowView view, view_row(**done.row));
  if (by_id && view.id != done.id) {
    return Status(StatusCode::corrupt, "the row found for instance '" + done.id + "' is that of '" +
                                           std::string(view.id) + "'");
  }
  if (is_terminal(view.status)) {
    loaded_record_ = std::move(**done.row);
    return {};
  }
  return install(**done.row, done.sequence);
}

bool Residency::has_timer(SequenceNumber sequence) const {
  const std::set<TimerKey>& timers = state_.agenda.timers();
  return std::any_of(timers.begin(), timers.end(),
                     [&](const TimerKey& key) { return key.sequence == sequence; });
}

Status Residency::install(std::string_view row, SequenceNumber expected) {
  INGOT_ASSIGN(std::unique_ptr<Instance> instance, decode_stored_row(state_, row, expected));
  if (state_.instances.find(instance->sequence) != nullptr) return {};
  // Another load was first, and the instance has ended since: it must not come back to life.
  const bool ended = !state_.finished.find(instance->id_hash, instance->id).id.empty();
  if (ended && !INGOT_PLANTED(kReviveEnded)) return {};
  if (state_.instances.find(instance->id_hash, instance->id) != nullptr) return {};
  return insert_stored(state_, std::move(instance));
}

bool Residency::evict(std::size_t budget_bytes, std::size_t count) {
  bool evicted = false;
  count = std::min(count, state_.instances.size());
  for (; count != 0 && memory_bytes() > budget_bytes; --count) {
    Instance* oldest = state_.instances.oldest();
    Session* session = sessions_.find(oldest->sequence);
    if (oldest->has_outstanding_work() || (session != nullptr && session->queued)) {
      state_.instances.used(*oldest);
      continue;
    }
    const bool clean = oldest->dirty_epoch == 0 && oldest->copied_epoch <= committed_epoch_;
    if (!clean && !INGOT_PLANTED(kEvictUncommitted)) break;
    if (session != nullptr) sessions_.drop_execution(*session);
    state_.instances.remove(*oldest).reset();
    evicted = true;
  }
  return evicted;
}

std::vector<std::unique_ptr<Inbox::Entry>> Residency::take_waiting() {
  std::vector<std::unique_ptr<Inbox::Entry>> all;
  for (auto& [id, load] : id_loads_) {
    for (auto& entry : load.waiting) all.push_back(std::move(entry));
    load.waiting.clear();
  }
  return all;
}

}  // namespace ingot::partition
