#include "storage/store_verifier.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "core/try.h"
#include "storage/snapshot_values.h"
#include "storage/store_core.h"

namespace ingot::storage {
namespace {

// Fills in `summary` and `snapshot` from the file's roots.
Status read_summary(const PageFile& file, const LmdbStoreOptions& options, Snapshot& snapshot,
                    StoreSummary& summary) {
  INGOT_ASSIGN(summary.file_bytes, file.file_bytes());
  INGOT_ASSIGN(snapshot.roots, read_own_roots(file, options));
  const StoreMeta& meta = snapshot.roots.meta;
  summary.position = meta.position;
  summary.rows = meta.rows;
  summary.records = meta.records;
  summary.ids = meta.ids;
  return {};
}

Result<std::unique_ptr<PageFile>> open_file(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return Status(StatusCode::not_found, path);
    return Status(StatusCode::io_error, path + ": " + std::strerror(errno));
  }
  return PageFile::open(path);
}

class ClosedStore final : public CheckpointView {
 public:
  ClosedStore(std::unique_ptr<PageFile> file, const SnapshotRoots& roots)
      : file_(std::move(file)), roots_(roots) {}

  Position position() const override { return roots_.meta.position; }
  Result<std::string> read_row(SequenceNumber sequence) const override {
    TableReader reader(*file_, roots_);
    INGOT_ASSIGN(auto row, row_in(reader, sequence));
    if (!row) return Status(StatusCode::not_found, "row " + std::to_string(sequence.value));
    return *std::move(row);
  }
  Status for_each_entry(EntryTable table, const EntryFn& entry) const override {
    TableReader reader(*file_, roots_);
    Status stopped;
    INGOT_TRY(each_entry_in(reader, table, entry, stopped));
    return stopped;
  }
  Result<std::optional<std::string>> read_blob(std::string_view name) const override {
    TableReader reader(*file_, roots_);
    return blob_in(reader, name);
  }

 private:
  const std::unique_ptr<PageFile> file_;
  const SnapshotRoots roots_;
};

// True for what the file itself holds wrong.
bool is_fault(const Status& status) {
  return status.code() == StatusCode::corrupt || status.code() == StatusCode::unsupported ||
         status.code() == StatusCode::failed_precondition;
}

}  // namespace

Result<StoreSummary> inspect_lmdb_store(const LmdbStoreOptions& options) {
  StoreSummary summary;
  summary.path = LmdbEnv::path_in(options.directory);
  INGOT_ASSIGN(const auto file, open_file(summary.path));
  Snapshot snapshot;
  INGOT_TRY(read_summary(*file, options, snapshot, summary));
  return summary;
}

Result<std::unique_ptr<CheckpointView>> view_lmdb_store(const LmdbStoreOptions& options) {
  INGOT_ASSIGN(auto file, open_file(LmdbEnv::path_in(options.directory)));
  INGOT_ASSIGN(const SnapshotRoots roots, read_own_roots(*file, options));
  return std::unique_ptr<CheckpointView>(std::make_unique<ClosedStore>(std::move(file), roots));
}

Result<StoreSummary> verify_lmdb_store(const LmdbStoreOptions& options,
                                       const std::function<void(StoreFault)>& fault) {
  StoreSummary summary;
  summary.path = LmdbEnv::path_in(options.directory);
  // A fault that ends the reading is reported like the others; its message names the place.
  const auto report = [&](const Status& status) {
    if (is_fault(status)) fault({summary.path, status.message()});
    return is_fault(status) ? Status() : status;
  };
  auto file = open_file(summary.path);
  if (!file.ok()) {
    INGOT_TRY(report(file.status()));
    return summary;
  }
  Snapshot snapshot;
  if (Status status = read_summary(**file, options, snapshot, summary); !status.ok()) {
    INGOT_TRY(report(status));
    return summary;
  }
  TableReader reader(**file, snapshot.roots);
  const auto& runs = snapshot.roots.meta.runs;
  for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
    auto loaded = IdRun::load(reader, *run);
    if (!loaded.ok()) {
      INGOT_TRY(report(loaded.status()));
      return summary;
    }
    snapshot.runs.push_back(*std::move(loaded));
  }
  INGOT_TRY(report(scrub_snapshot(**file, snapshot, fault)));
  return summary;
}

}  // namespace ingot::storage
