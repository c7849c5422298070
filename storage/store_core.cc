#include "storage/store_core.h"

#include <thread>

#include "core/codec.h"
#include "core/try.h"

namespace ingot::storage {

Result<SnapshotRoots> read_own_roots(const PageFile& file, const LmdbStoreOptions& options) {
  INGOT_ASSIGN(SnapshotRoots roots, read_roots(file));
  if (roots.meta.hub_id == options.hub_id && roots.meta.partition == options.partition) {
    return roots;
  }
  return Status(StatusCode::failed_precondition,
                file.path() + ": the store of hub " + std::to_string(roots.meta.hub_id) +
                    ", partition " + std::to_string(roots.meta.partition.value) + ", not of hub " +
                    std::to_string(options.hub_id) + ", partition " +
                    std::to_string(options.partition.value));
}

void SnapshotBox::lock() const {
  constexpr int kSpins = 64;
  for (int spins = 0; locked_.test_and_set(std::memory_order_acquire); ++spins) {
    if (spins >= kSpins) std::this_thread::yield();
  }
}

SnapshotPointer SnapshotBox::load() const {
  lock();
  SnapshotPointer snapshot = snapshot_;
  unlock();
  return snapshot;
}

void SnapshotBox::store(SnapshotPointer snapshot) {
  lock();
  snapshot_.swap(snapshot);
  unlock();
  // The old snapshot dies outside the lock.
}

std::shared_ptr<const std::string> PackCache::get(std::uint64_t pack) {
  const std::lock_guard lock(mutex_);
  const auto found = by_pack_.find(pack);
  if (found == by_pack_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->bytes;
}

void PackCache::put(std::uint64_t pack, std::shared_ptr<const std::string> bytes) {
  const std::lock_guard lock(mutex_);
  if (by_pack_.contains(pack)) return;  // by another reader meanwhile
  bytes_ += bytes->size();
  entries_.push_front({pack, std::move(bytes)});
  by_pack_.emplace(pack, entries_.begin());
  while (bytes_ > kBytesMax && entries_.size() > 1) {
    bytes_ -= entries_.back().bytes->size();
    by_pack_.erase(entries_.back().pack);
    entries_.pop_back();
  }
}

StoreCore::StoreCore(LmdbStoreOptions options, DirectoryLock lock, std::unique_ptr<PageFile> file,
                     std::unique_ptr<LmdbEnv> env, SnapshotPointer snapshot)
    : options_(std::move(options)),
      lock_(std::move(lock)),
      file_(std::move(file)),
      env_(std::move(env)) {
  box_.store(std::move(snapshot));
}

Status StoreCore::failure() const {
  if (!failed_.load(std::memory_order_acquire)) return {};
  const std::lock_guard lock(failure_mutex_);
  return failure_;
}

Status StoreCore::fail(Status status) const {
  switch (status.code()) {
    case StatusCode::corrupt:
    case StatusCode::io_error:
    case StatusCode::internal:
    case StatusCode::unsupported:
    case StatusCode::unknown:
      break;
    default:
      return status;  // the caller's, or one that passes: the store goes on
  }
  const std::lock_guard lock(failure_mutex_);
  if (failure_.ok()) failure_ = status;
  failed_.store(true, std::memory_order_release);
  return status;
}

Status StoreCore::publish(IdRuns runs) {
  auto snapshot = std::make_shared<Snapshot>();
  INGOT_ASSIGN(snapshot->roots, read_roots(*file_));
  snapshot->runs.assign(runs.rbegin(), runs.rend());
  for (const auto& run : snapshot->runs) snapshot->filters.push_back(&run->bloom());
  box_.store(std::move(snapshot));
  return {};
}

Result<ReadSession> ReadSession::open(const StoreCore& core) {
  for (;;) {
    INGOT_TRY(core.failure());
    SnapshotPointer snapshot = core.snapshot();
    auto txn = core.env().acquire_read();
    if (!txn.ok()) return core.fail(txn.take_status());
    if (mdb_txn_id(*txn) == snapshot->roots.file.transaction) {
      return ReadSession(core, *txn, std::move(snapshot));
    }
    // A commit is just being published.
    core.env().release_read(*txn);
    std::this_thread::yield();
  }
}

ReadSession::~ReadSession() {
  if (txn_ != nullptr) core_.env().release_read(txn_);
}

Result<std::string> read_pack(TableReader& reader, std::uint64_t pack) {
  const std::string key = number_key(pack);
  INGOT_ASSIGN(const auto packed, reader.get_chunked(Table::packs, key));
  if (!packed) return reader.value_fault(Table::packs, key, "missing");
  auto unpacked = unpack(*packed);
  if (!unpacked) return reader.value_fault(Table::packs, key, "does not unpack");
  return *std::move(unpacked);
}

Result<std::shared_ptr<const std::string>> load_pack(const StoreCore& core, TableReader& reader,
                                                     std::uint64_t pack) {
  auto bytes = core.packs().get(pack);
  if (bytes) return bytes;
  INGOT_ASSIGN(std::string unpacked, read_pack(reader, pack));
  bytes = std::make_shared<const std::string>(std::move(unpacked));
  core.packs().put(pack, bytes);
  return bytes;
}

Result<std::optional<DeadList>> read_dead_list(TableReader& reader, std::uint64_t pack) {
  const std::string key = number_key(pack);
  INGOT_ASSIGN(const auto bytes, reader.get_chunked(Table::pack_dead, key));
  if (!bytes) return std::optional<DeadList>{};
  auto list = DeadList::parse(*bytes);
  if (!list) return reader.value_fault(Table::pack_dead, key, "no list of dead records");
  return list;
}

Result<std::string_view> record_of(const TableReader& reader, const IdEntry& entry,
                                   std::string_view unpacked) {
  const auto record = record_at(unpacked, entry.offset);
  if (!record || record->id != entry.id) {
    return reader.value_fault(Table::packs, number_key(entry.place),
                              "no record of '" + std::string(entry.id) + "' where its id says");
  }
  return record->record;
}

Result<std::string> read_record(const StoreCore& core, TableReader& reader, const IdEntry& entry) {
  INGOT_ASSIGN(const auto bytes, load_pack(core, reader, entry.place));
  INGOT_ASSIGN(const std::string_view record, record_of(reader, entry, *bytes));
  return std::string(record);
}

std::string number_key(std::uint64_t number) {
  std::string key;
  append_big_endian64(key, number);
  return key;
}

// The length keeps one blob's chunks apart from another whose name goes on.
std::string blob_key(std::string_view name) {
  std::string key(1, '\x01');
  append_big_endian32(key, static_cast<std::uint32_t>(name.size()));
  key.append(name);
  return key;
}

// No entry's key is the header's.
std::string entry_key(std::string_view key) {
  std::string out(1, '\x01');
  out.append(key);
  return out;
}

std::optional<Table> entry_table(EntryTable table) {
  const auto number = static_cast<std::size_t>(table);
  if (number == 0 || number > kEntryTables) return std::nullopt;
  return static_cast<Table>(static_cast<std::size_t>(Table::entries_1) + number - 1);
}

}  // namespace ingot::storage
