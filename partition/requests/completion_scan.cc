#include "partition/requests/completion_scan.h"

#include <algorithm>
#include <utility>

#include "core/hash.h"
#include "core/out_of_memory.h"
#include "core/try.h"
#include "partition/requests/filter.h"
#include "partition/shard/answer.h"
#include "partition/state/row.h"

namespace ingot::partition {
namespace {

// Records of one reading of the store, and those that the shard looks at in one turn.
constexpr std::size_t kRecords = 256;

}  // namespace

void CompletionScan::take(CompletionRequest& request) {
  auto progress = std::make_shared<CompletionProgress>();
  progress->request = std::move(request);
  read_store(std::move(progress));
}

void CompletionScan::start_purge(CompletionRequest request) {
  auto progress = std::make_shared<CompletionProgress>();
  progress->request = std::move(request);
  progress->writes = true;
  read_store(std::move(progress));
}

bool CompletionScan::purge(const RowView& row) {
  return recorder_.record(InstancePurged{0, row.id, row.status, SequenceNumber()});
}

void CompletionScan::take(PurgeManyRequest& request) {
  CompletionRequest scan;
  InstanceFilter& filter = request.filter;
  // What ends from now on is not meant, or there might be no end.
  const Timestamp until = recorder_.now() + Duration(1);
  filter.completed_to = std::min(filter.completed_to.value_or(until), until);
  if (filter.completed_from) scan.completed_from = *filter.completed_from;
  scan.done = std::move(request.done);
  scan.take = [this, filter = std::move(filter), given_up = std::move(request.given_up),
               purged = std::move(request.purged)](const RowView& row,
                                                   storage::RecordCursor) -> Result<bool> {
    if (given_up->load() || row.updated_at >= *filter.completed_to) return false;
    if (!matches(filter, row)) return true;
    if (!purge(row)) return recorder_.failure();
    purged->fetch_add(1);
    return true;
  };
  start_purge(std::move(scan));
}

void CompletionScan::read_store(std::shared_ptr<CompletionProgress> progress) {
  environment_.load_jobs.submit([&store = store_, &post = environment_.post, id = state_.partition,
                                 seen = residency_.checkpoints(), progress = std::move(progress)] {
    auto records = with_memory(
        "reading the store", [&] { return store.scan_records(progress->request.from, kRecords); });
    post.push(id, RecordsScanned{progress, seen, std::move(records)});
  });
}

void CompletionScan::take(RecordsScanned& scanned) {
  CompletionProgress& progress = *scanned.progress;
  if (scanned.checkpoints_seen != residency_.checkpoints()) {
    progress.generation = 0;
    return read_store(std::move(scanned.progress));
  }
  if (!scanned.records.ok()) return progress.request.done(scanned.records.status());
  const Result<Step> step =
      progress.generation == 0 ? take_stored(progress, *scanned.records) : walk_memory(progress);
  if (!step.ok()) return progress.request.done(step.status());
  switch (*step) {
    case Step::read_store:
      return read_store(std::move(scanned.progress));
    case Step::go_on:
      scanned.records = std::vector<storage::ScannedRecord>();
      return environment_.post.push(state_.partition, std::move(scanned));
    case Step::over:
      return answer_when_durable(gate_, recorder_.position(), std::move(progress.request.done),
                                 Status());
  }
}

Result<CompletionScan::Step> CompletionScan::take_stored(
    CompletionProgress& progress, const std::vector<storage::ScannedRecord>& records) {
  for (const storage::ScannedRecord& record : records) {
    const storage::RecordCursor before = std::exchange(progress.request.from, record.next);
    // What memory knows of the id is newer.
    const std::uint64_t id_hash = hash64(record.id);
    if (state_.instances.find(id_hash, record.id) != nullptr) continue;
    if (!state_.finished.find(id_hash, record.id).id.empty()) continue;
    INGOT_ASSIGN(const bool more, visit(progress, record.record, before));
    if (!more) return Step::over;
  }
  if (records.size() == kRecords) return Step::read_store;
  enter(progress, state_.finished.sealed() != nullptr ? state_.epoch - 1 : state_.epoch);
  return Step::go_on;
}

Result<CompletionScan::Step> CompletionScan::walk_memory(CompletionProgress& progress) {
  for (std::size_t looked = 0; looked < kRecords; ++looked) {
    const FinishedRecord record = generation(progress.generation).next(progress.place);
    if (record.id.empty()) {
      if (progress.generation == state_.epoch) return Step::over;
      enter(progress, progress.generation + 1);
      continue;
    }
    const std::uint64_t id_hash = hash64(record.id);
    // Only the last record of an id counts, and none if it is alive.
    if (record.purged() || state_.instances.find(id_hash, record.id) != nullptr) continue;
    if (state_.finished.find(id_hash, record.id).row.data() != record.row.data()) continue;
    INGOT_ASSIGN(const bool more, visit(progress, record.row, progress.request.from));
    if (!more) return Step::over;
  }
  return Step::go_on;
}

void CompletionScan::enter(CompletionProgress& progress, std::uint64_t epoch) {
  progress.generation = epoch;
  progress.place = generation(epoch).skip([&](const FinishedRecord& record) {
    const Result<RowView> row = view_row(record.row);
    INGOT_ASSERT(row.ok());  // made by ourselves
    return row->updated_at < progress.request.completed_from;
  });
}

// The one that is being written by a checkpoint, or the current one. While no checkpoint has been
// committed, there is no other.
const FinishedRecords& CompletionScan::generation(std::uint64_t epoch) const {
  if (epoch == state_.epoch) return state_.finished.current();
  INGOT_ASSERT(epoch + 1 == state_.epoch && state_.finished.sealed() != nullptr, epoch,
               state_.epoch);
  return *state_.finished.sealed();
}

Result<bool> CompletionScan::visit(CompletionProgress& progress, std::string_view record,
                                   storage::RecordCursor before) {
  INGOT_ASSIGN(const RowView row, view_row(record));
  if (row.updated_at != progress.group) {
    progress.group = row.updated_at;
    progress.group_from = before;
  }
  if (row.updated_at < progress.request.completed_from) return true;
  return progress.request.take(row, progress.group_from);
}

}  // namespace ingot::partition
