#include "storage/store_core.h"

#include <thread>

#include "core/codec.h"
#include "core/try.h"
#include "storage/pack.h"

namespace ingot::storage {

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
  for (auto at = entries_.begin(); at != entries_.end(); ++at) {
    if (at->pack != pack) continue;
    entries_.splice(entries_.begin(), entries_, at);
    return at->bytes;
  }
  return nullptr;
}

void PackCache::put(std::uint64_t pack, std::shared_ptr<const std::string> bytes) {
  const std::lock_guard lock(mutex_);
  entries_.push_front({pack, std::move(bytes)});
  std::size_t total = 0;
  std::size_t kept = 0;
  for (auto at = entries_.begin(); at != entries_.end(); ++at, ++kept) {
    total += at->bytes->size();
    if (kept > 0 && (kept == kPacksMax || total > kBytesMax)) {
      entries_.erase(at, entries_.end());
      return;
    }
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

Result<std::string> read_record(const StoreCore& core, TableReader& reader, const IdEntry& entry) {
  auto bytes = core.packs().get(entry.place);
  if (!bytes) {
    const std::string key = number_key(entry.place);
    INGOT_ASSIGN(const auto pack, reader.get_chunked(Table::packs, key));
    if (!pack) return reader.value_fault(Table::packs, key, "missing");
    auto unpacked = unpack(*pack);
    if (!unpacked) return reader.value_fault(Table::packs, key, "does not unpack");
    bytes = std::make_shared<const std::string>(*std::move(unpacked));
    core.packs().put(entry.place, bytes);
  }
  const auto record = record_at(*bytes, entry.offset);
  if (!record || record->id != entry.id) {
    return reader.value_fault(Table::packs, number_key(entry.place),
                              "no record of '" + std::string(entry.id) + "' where its id says");
  }
  return std::string(record->record);
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
