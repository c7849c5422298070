#include "partition/requests/row_scan.h"

#include <algorithm>
#include <utility>

#include "core/hash.h"
#include "core/out_of_memory.h"
#include "core/try.h"
#include "partition/shard/answer.h"
#include "partition/state/row.h"

namespace ingot::partition {
namespace {

// Rows of one reading of the store, at most, and rows that the shard looks at in one turn.
constexpr std::size_t kRowsMax = 1000;
// Changes that the index takes up in one turn: twice what 1,024 starts add when they end at once.
constexpr std::size_t kIndexedMax = 4096;

// Nothing alive is in the store only.
bool all_in_memory(const PartitionState& state) {
  std::uint64_t live = state.counters.entities;
  for (const RuntimeStatus status :
       {RuntimeStatus::pending, RuntimeStatus::running, RuntimeStatus::suspended}) {
    live += state.counters.by_status[static_cast<std::size_t>(status)];
  }
  return state.instances.size() >= live;
}

// The store's rows. The bytes of live ones are read as well if `with_live`, those of finished ones
// unless only live ones are asked for; else they are empty.
Result<std::vector<ScannedRow>> read_rows(const storage::CheckpointStore& store,
                                          const ScanRequest& request, std::size_t limit,
                                          bool with_live) {
  INGOT_ASSIGN(
      std::vector<storage::ScannedId> ids,
      store.scan(
          request.prefix, request.after, limit,
          request.descending ? storage::ScanOrder::descending : storage::ScanOrder::ascending,
          request.live_only ? storage::ScanRecords::leave_out : storage::ScanRecords::read));
  std::vector<ScannedRow> rows;
  rows.reserve(ids.size());
  for (storage::ScannedId& found : ids) {
    const bool finished = found.located.sequence.value == 0;
    if (!finished && with_live) {
      if (Result<std::string> row = store.read_row(found.located.sequence); row.ok()) {
        found.located.record = *std::move(row);
      } else {
        // A checkpoint came in between; the bytes stay empty if the id is gone as well.
        INGOT_ASSIGN(std::optional<std::string> bytes, read_row_or_record(store, found.id));
        found.located.record = std::move(bytes).value_or(std::string());
      }
    }
    rows.push_back({std::move(found.id), std::move(found.located.record), finished});
  }
  return rows;
}

}  // namespace

void RowScan::take(ScanRequest& request) {
  auto progress = std::make_shared<ScanProgress>();
  progress->request = std::move(request);
  progress->read_rows =
      progress->request.filtered ? kRowsMax : std::min(kRowsMax, progress->request.page_size);
  read_store(std::move(progress));
}

void RowScan::read_store(std::shared_ptr<ScanProgress> progress) {
  environment_.load_jobs.submit([&store = store_, &post = environment_.post, id = state_.partition,
                                 seen = residency_.checkpoints(), live = !all_in_memory(state_),
                                 progress = std::move(progress)] {
    auto rows = with_memory("reading the store", [&] {
      return read_rows(store, progress->request, progress->read_rows, live);
    });
    post.push(id, RowsScanned{progress, seen, std::move(rows)});
  });
}

void RowScan::take(RowsScanned& scanned) {
  ScanProgress& progress = *scanned.progress;
  if (scanned.checkpoints_seen != residency_.checkpoints()) {
    return read_store(std::move(scanned.progress));
  }
  if (!scanned.rows.ok()) return progress.request.done(scanned.rows.status());
  used_ = true;
  const bool indexed = index_.catch_up(checkpointer_.cut(), kIndexedMax);
  drop_garbage(false);
  if (!indexed) return environment_.post.push(state_.partition, std::move(scanned));
  const Result<bool> over = merge(progress, *scanned.rows);
  if (!over.ok()) return progress.request.done(over.status());
  if (!*over) {
    progress.read_rows = std::min(kRowsMax, 2 * progress.read_rows);
    return read_store(std::move(scanned.progress));
  }
  answer_when_durable(gate_, recorder_.position(), std::move(progress.request.done), Status());
}

Result<bool> RowScan::merge(ScanProgress& progress, const std::vector<ScannedRow>& rows) {
  ScanRequest& request = progress.request;
  IdIndex::Walk changed(index_, request.prefix, request.after, request.descending);
  auto stored = rows.begin();
  // Beyond the last row of a full reading the store may have more.
  const bool whole = rows.size() < progress.read_rows;
  std::string_view at;
  for (std::size_t looked = 0; progress.taken < request.page_size; ++looked) {
    const std::string_view in_memory = changed.peek();
    if (stored == rows.end() && in_memory.empty() && whole) return true;
    if ((stored == rows.end() && !whole) || looked == kRowsMax) {
      request.after = std::string(at);
      return false;
    }
    const bool memory_first = stored == rows.end() ||
                              (!in_memory.empty() && (request.descending ? in_memory > stored->id
                                                                         : in_memory < stored->id));
    const std::string_view before = at;
    at = memory_first ? in_memory : std::string_view(stored->id);
    const std::string_view bytes = memory_first ? std::string_view() : stored->bytes;
    const bool left_out = !memory_first && stored->finished && request.live_only;
    const bool as_stored = in_memory != at;
    changed.pass(at);
    if (!memory_first) ++stored;
    if (left_out && as_stored) continue;

    const std::uint64_t id_hash = hash64(at);
    RowView view;
    if (const Instance* live = state_.instances.find(id_hash, at); live != nullptr) {
      view = view_row(*live);
    } else {
      const FinishedRecord finished = state_.finished.find(id_hash, at);
      const std::string_view row = finished.id.empty() ? bytes : finished.row;
      if (row.empty()) {
        if (memory_first || left_out || !finished.id.empty() || all_in_memory(state_)) {
          continue;  // it is gone, or not asked for
        }
        if (!before.empty()) request.after = std::string(before);
        return false;  // evicted since then: the store has it
      }
      INGOT_ASSIGN(view, view_row(row));
    }
    INGOT_ASSIGN(const bool taken, request.take(view));
    if (taken) ++progress.taken;
  }
  return true;
}

void RowScan::committed() { drop_garbage(!std::exchange(used_, false)); }

void RowScan::drop_garbage(bool unused) {
  auto garbage = index_.take_garbage(unused);
  // Freeing many ids would stall the shard.
  if (!garbage.empty()) environment_.checkpoint_jobs.submit([all = std::move(garbage)] {});
}

}  // namespace ingot::partition
