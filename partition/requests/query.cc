#include "partition/requests/query.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "core/try.h"

namespace ingot::partition {
namespace {

// Ids of one scan; filters may need several scans for a page.
constexpr std::size_t kScanIds = 1000;
// Ids that are taken from memory for one page, at most.
constexpr std::size_t kOverlayIds = 2 * kScanIds;

bool matches(const InstanceQuery& query, const RowView& row) {
  if (!query.statuses.empty() &&
      std::find(query.statuses.begin(), query.statuses.end(), row.status) == query.statuses.end()) {
    return false;
  }
  if (query.created_from && row.created_at < *query.created_from) return false;
  return !query.created_to || row.created_at < *query.created_to;
}

// The store's rows, with the bytes of live ones read as well.
Result<std::vector<ScannedRow>> scan_store(const storage::CheckpointStore& store,
                                           const std::string& prefix, const std::string& after) {
  INGOT_ASSIGN(std::vector<storage::ScannedId> ids, store.scan(prefix, after, kScanIds));
  std::vector<ScannedRow> rows;
  rows.reserve(ids.size());
  for (storage::ScannedId& found : ids) {
    if (found.located.sequence.value != 0) {
      INGOT_ASSIGN(std::optional<std::string> bytes, read_row_or_record(store, found.id));
      if (!bytes) continue;
      found.located.record = *std::move(bytes);
    }
    rows.push_back({std::move(found.id), std::move(found.located.record)});
  }
  return rows;
}

}  // namespace

void Query::take(QueryRequest& request) {
  auto progress = std::make_shared<QueryProgress>();
  progress->request = std::move(request);
  scan(std::move(progress));
}

void Query::scan(std::shared_ptr<QueryProgress> progress) {
  environment_.load_jobs.submit([&store = store_, &post = environment_.post, id = state_.partition,
                                 seen = residency_.checkpoints(), progress = std::move(progress)] {
    const QueryRequest& request = progress->request;
    post.push(id,
              QueryScanned{progress, seen, scan_store(store, request.query.prefix, request.after)});
  });
}

void Query::take(QueryScanned& scanned) {
  QueryProgress& progress = *scanned.progress;
  if (scanned.checkpoints_seen != residency_.checkpoints()) {
    scan(std::move(scanned.progress));
    return;
  }
  if (!scanned.rows.ok()) {
    progress.request.done(scanned.rows.status());
    return;
  }
  // Beyond the last id of a full scan, or of a full overlay, there may be ids that were not seen.
  std::optional<std::string> last;
  if (scanned.rows->size() >= kScanIds) last = scanned.rows->back().id;
  Overlay rows = overlay(progress, last);
  for (const ScannedRow& row : *scanned.rows) {
    if (last && row.id > *last) break;
    if (rows.contains(row.id)) continue;  // memory is newer
    const Result<RowView> view = view_row(row.bytes);
    if (!view.ok()) {
      progress.request.done(view.status());
      return;
    }
    rows.emplace(row.id, *view);
  }
  for (const auto& [id, row] : rows) {
    if (progress.found.size() == progress.request.query.page_size) break;
    if (const Status added = add(progress, row); !added.ok()) {
      progress.request.done(added);
      return;
    }
  }
  if (last && progress.found.size() < progress.request.query.page_size) {
    progress.request.after = *last;
    scan(std::move(scanned.progress));
    return;
  }
  gate_.hold(recorder_.position(), [done = std::move(progress.request.done),
                                    found = std::move(progress.found)](const Status& status) {
    if (status.ok()) {
      done(found);
    } else {
      done(status);
    }
  });
}

Query::Overlay Query::overlay(const QueryProgress& progress,
                              std::optional<std::string>& last) const {
  const std::string& prefix = progress.request.query.prefix;
  const std::string& after = progress.request.after;
  Overlay rows;
  bool full = false;
  // Keeps the smallest ids only, so that a page costs a look at each instance and no more.
  const auto wanted = [&](std::string_view id) {
    return id > after && id.starts_with(prefix) && (!last || id <= *last) &&
           (rows.size() < kOverlayIds || id < rows.rbegin()->first);
  };
  const auto put = [&](std::string_view id, const RowView& row) {
    rows.insert_or_assign(id, row);
    if (rows.size() > kOverlayIds) rows.erase(std::prev(rows.end()));
    full |= rows.size() == kOverlayIds;
  };
  const auto put_records = [&](const FinishedRecords& records) {
    records.for_each([&](const FinishedRecord& record) {
      if (!wanted(record.id)) return;
      if (record.purged()) return put(record.id, RowView{});
      const Result<RowView> row = view_row(record.row);
      INGOT_ASSERT(row.ok());  // made by ourselves
      put(record.id, *row);
    });
  };
  if (state_.finished.sealed() != nullptr) put_records(*state_.finished.sealed());
  put_records(state_.finished.current());
  state_.instances.for_each([&](const Instance& instance) {
    if (wanted(instance.id)) put(instance.id, view_row(instance));
  });
  if (full) last = std::string(rows.rbegin()->first);
  return rows;
}

Status Query::add(QueryProgress& progress, const RowView& row) {
  if (row.id.empty() || row.is_entity) return {};  // purged
  if (!matches(progress.request.query, row)) return {};
  INGOT_ASSIGN(InstanceState state, to_instance_state(row, progress.request.query.with_payloads));
  progress.found.push_back(std::move(state));
  return {};
}

}  // namespace ingot::partition
