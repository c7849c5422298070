// The checkpoint store on LMDB: opening and reading. See store_core.h for what is shared,
// lmdb_checkpoint.cc for writing, FORMAT.md for the bytes.

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include "core/planted_bug.h"
#include "core/thread_main.h"
#include "core/try.h"
#include "storage/snapshot_values.h"
#include "storage/store_scan.h"

namespace ingot::storage {
namespace {

class LmdbStore final : public CheckpointStore {
 public:
  explicit LmdbStore(std::shared_ptr<StoreCore> core) : core_(std::move(core)) {}

  Position position() const override { return core_->snapshot()->roots.meta.position; }

  Result<std::unique_ptr<Checkpoint>> begin() override {
    INGOT_TRY(core_->failure());
    if (core_->writing.exchange(true, std::memory_order_acquire)) {
      return Status(StatusCode::failed_precondition, "checkpoint store: a checkpoint is under way");
    }
    return begin_lmdb_checkpoint(core_);
  }

  bool may_contain(std::string_view id) const override {
    const SnapshotPointer snapshot = core_->snapshot();
    if (snapshot->runs.empty() || INGOT_PLANTED(kNeverStored)) return false;
    const std::uint64_t hash = id_hash(id);
    for (const BloomFilter* filter : snapshot->filters) filter->prefetch(hash);
    for (std::size_t i = 0; i < snapshot->filters.size(); ++i) {
      if (!snapshot->filters[i]->may_contain(hash)) continue;
      const IdRun& run = *snapshot->runs[i];
      if (id >= run.first() && id <= run.last()) return true;
    }
    return false;
  }

  Result<std::optional<Located>> find(std::string_view id) const override {
    INGOT_ASSIGN(const ReadSession session, ReadSession::open(*core_));
    auto found = find_in(session, id);
    return found.ok() ? std::move(found) : core_->fail(found.take_status());
  }

  Result<std::string> read_row(SequenceNumber sequence) const override {
    INGOT_ASSIGN(const ReadSession session, ReadSession::open(*core_));
    TableReader reader = session.reader();
    auto bytes = row_in(reader, sequence);
    if (!bytes.ok()) return core_->fail(bytes.take_status());
    if (!*bytes) return Status(StatusCode::not_found, "row " + std::to_string(sequence.value));
    return **std::move(bytes);
  }

  Result<std::vector<ScannedId>> scan(std::string_view prefix, std::string_view after,
                                      std::size_t limit, ScanOrder order,
                                      ScanRecords records) const override {
    INGOT_ASSIGN(const ReadSession session, ReadSession::open(*core_));
    auto found = scan_ids(*core_, session, prefix, after, limit, order, records);
    return found.ok() ? std::move(found) : core_->fail(found.take_status());
  }

  Result<std::vector<ScannedRecord>> scan_records(RecordCursor from, std::size_t limit,
                                                  ScanOrder order) const override {
    INGOT_ASSIGN(const ReadSession session, ReadSession::open(*core_));
    auto found = scan_packs(*core_, session, from, limit, order);
    return found.ok() ? std::move(found) : core_->fail(found.take_status());
  }

  Status for_each_entry(EntryTable table, const EntryFn& entry) const override {
    INGOT_ASSIGN(const ReadSession session, ReadSession::open(*core_));
    TableReader reader = session.reader();
    Status stopped;  // what the caller's function answered
    Status status = each_entry_in(reader, table, entry, stopped);
    return status.ok() ? stopped : core_->fail(std::move(status));
  }

  Result<std::optional<std::string>> read_blob(std::string_view name) const override {
    INGOT_ASSIGN(const ReadSession session, ReadSession::open(*core_));
    TableReader reader = session.reader();
    auto bytes = blob_in(reader, name);
    return bytes.ok() ? std::move(bytes) : core_->fail(bytes.take_status());
  }

  Status scrub(const std::function<void(StoreFault)>& fault) const override {
    INGOT_ASSIGN(const ReadSession session, ReadSession::open(*core_));
    return core_->fail(scrub_snapshot(core_->file(), session.snapshot(), fault));
  }

  // Scrubs what was opened while the store is at work: checkpoints leave its snapshot alone.
  void scrub_behind() {
    scrubber_ = std::jthread([core = core_](const std::stop_token& stop) {
      thread_main("ingot-scrub", [&] {
        auto session = ReadSession::open(*core);
        // The store has failed already, or all readers' places are taken: the next opening tries.
        if (!session.ok()) return;
        // At the priority of all others: a slow scrub would hold its snapshot longer. Whoever uses
        // the store next hears of a fault.
        static_cast<void>(core->fail(require_sound(core->file(), session->snapshot(),
                                                   while_store_works(core->file(), stop))));
      });
    });
  }

  StoreCounters counters() const override {
    const SnapshotPointer snapshot = core_->snapshot();
    StoreCounters counters;
    counters.rows = snapshot->roots.meta.rows;
    counters.records = snapshot->roots.meta.records;
    counters.ids = snapshot->roots.meta.ids;
    const auto bytes = core_->file().file_bytes();
    counters.file_bytes = bytes.ok() ? *bytes : 0;
    counters.checkpoints = core_->checkpoints.load(std::memory_order_relaxed);
    counters.written_rows = core_->written_rows.load(std::memory_order_relaxed);
    return counters;
  }

 private:
  Result<Located> locate(TableReader& reader, const IdEntry& entry) const {
    if (entry.kind == IdKind::row) return Located{SequenceNumber(entry.place), {}};
    INGOT_ASSIGN(std::string record, read_record(*core_, reader, entry));
    return Located{SequenceNumber(0), std::move(record)};
  }

  Result<std::optional<Located>> find_in(const ReadSession& session, std::string_view id) const {
    TableReader reader = session.reader();
    IdLookup lookup(reader, session.snapshot().runs);
    INGOT_ASSIGN(const auto entry, lookup.find(id));
    if (!entry || entry->kind == IdKind::tombstone) return std::optional<Located>{};
    INGOT_ASSIGN(Located located, locate(reader, *entry));
    return std::optional<Located>(std::move(located));
  }

  std::shared_ptr<StoreCore> core_;
  std::jthread scrubber_;
};

Result<SnapshotPointer> load_snapshot(const PageFile& file, const LmdbStoreOptions& options) {
  auto snapshot = std::make_shared<Snapshot>();
  INGOT_ASSIGN(snapshot->roots, read_own_roots(file, options));
  const StoreMeta& meta = snapshot->roots.meta;
  TableReader reader(file, snapshot->roots);
  for (auto run = meta.runs.rbegin(); run != meta.runs.rend(); ++run) {
    INGOT_ASSIGN(auto loaded, IdRun::load(reader, *run));
    snapshot->filters.push_back(&loaded->bloom());
    snapshot->runs.push_back(std::move(loaded));
  }
  return SnapshotPointer(std::move(snapshot));
}

// Whether all of the file is looked at before anyone may use it.
Result<bool> scrubs_at_open(const PageFile& file, const Snapshot& snapshot,
                            const LmdbStoreOptions& options) {
  INGOT_ASSIGN(const std::uint64_t bytes, file.file_bytes());
  // LMDB need not write the last pages it took, when it gave them back; but a file that ends
  // early may also have been cut.
  return bytes <= options.scrub_at_open_bytes_max ||
         bytes < snapshot.roots.file.page_end * file.page_bytes();
}

}  // namespace

Result<std::unique_ptr<CheckpointStore>> open_lmdb_store(LmdbStoreOptions options) {
  constexpr std::uint32_t kPackBytesLeast = 4U << 10;
  constexpr std::uint32_t kPackBytesMost = 4U << 20;
  options.pack_bytes = std::clamp(options.pack_bytes, kPackBytesLeast, kPackBytesMost);
  INGOT_ASSIGN(DirectoryLock lock, DirectoryLock::take(options.directory));
  const std::string path = LmdbEnv::path_in(options.directory);
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno != ENOENT) return Status(StatusCode::io_error, path + ": " + std::strerror(errno));
    if (options.must_exist) return Status(StatusCode::corrupt, path + " is missing");
    INGOT_TRY(LmdbEnv::create(options));
  }
  INGOT_ASSIGN(auto file, PageFile::open(path));
  INGOT_ASSIGN(auto snapshot, load_snapshot(*file, options));
  INGOT_ASSIGN(const bool scrubbed, scrubs_at_open(*file, *snapshot, options));
  if (scrubbed) INGOT_TRY(require_sound(*file, *snapshot));
  INGOT_ASSIGN(auto env, LmdbEnv::open(options));
  const bool scrub_behind = !scrubbed && options.scrub_behind_opening;
  auto core = std::make_shared<StoreCore>(std::move(options), std::move(lock), std::move(file),
                                          std::move(env), std::move(snapshot));
  auto store = std::make_unique<LmdbStore>(std::move(core));
  if (scrub_behind) store->scrub_behind();
  return std::unique_ptr<CheckpointStore>(std::move(store));
}

}  // namespace ingot::storage
