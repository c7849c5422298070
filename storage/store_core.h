#pragma once

// What the LMDB store, its checkpoints and its readers share: the environment, the newest snapshot,
// the sticky failure and a small cache of unpacked packs.
//
// A snapshot is published right after its transaction was committed. A reader takes the snapshot
// and an LMDB read transaction of the same number, and tries again when a commit came between.

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <unordered_map>

#include "storage/id_merger.h"
#include "storage/lmdb_env.h"
#include "storage/pack.h"
#include "storage/pack_compactor.h"
#include "storage/table_reader.h"

namespace ingot::storage {

// As read_roots(); `failed_precondition` for another hub's or partition's store.
[[nodiscard]] Result<SnapshotRoots> read_own_roots(const PageFile& file,
                                                   const LmdbStoreOptions& options);

struct Snapshot {
  SnapshotRoots roots;
  IdRuns runs;                              // newest first
  std::vector<const BloomFilter*> filters;  // of the runs, side by side for may_contain()
};
using SnapshotPointer = std::shared_ptr<const Snapshot>;

// A pointer under a lock of a few instructions.
class SnapshotBox {
 public:
  [[nodiscard]] SnapshotPointer load() const;
  void store(SnapshotPointer snapshot);

 private:
  void lock() const;
  void unlock() const { locked_.clear(std::memory_order_release); }

  mutable std::atomic_flag locked_ = ATOMIC_FLAG_INIT;
  SnapshotPointer snapshot_;
};

// Unpacked packs by number, those used last.
class PackCache {
 public:
  [[nodiscard]] std::shared_ptr<const std::string> get(std::uint64_t pack);
  void put(std::uint64_t pack, std::shared_ptr<const std::string> bytes);

 private:
  static constexpr std::size_t kBytesMax = std::size_t{8} << 20;
  struct Entry {
    std::uint64_t pack;
    std::shared_ptr<const std::string> bytes;
  };
  std::mutex mutex_;
  std::list<Entry> entries_;  // last used first
  std::unordered_map<std::uint64_t, std::list<Entry>::iterator> by_pack_;
  std::size_t bytes_ = 0;
};

class StoreCore {
 public:
  StoreCore(LmdbStoreOptions options, DirectoryLock lock, std::unique_ptr<PageFile> file,
            std::unique_ptr<LmdbEnv> env, SnapshotPointer snapshot);

  // The failure that stopped the store, or ok.
  [[nodiscard]] Status failure() const;
  // Stops the store for good when `status` is the store's own failure, and gives it back.
  Status fail(Status status) const;

  [[nodiscard]] const LmdbStoreOptions& options() const { return options_; }
  [[nodiscard]] const PageFile& file() const { return *file_; }
  [[nodiscard]] LmdbEnv& env() const { return *env_; }
  [[nodiscard]] SnapshotPointer snapshot() const { return box_.load(); }
  [[nodiscard]] PackCache& packs() const { return packs_; }

  // Publishes what was just committed.
  Status publish(IdRuns runs_oldest_first);

  std::atomic<bool> writing{false};
  std::atomic<std::uint64_t> checkpoints{0};
  std::atomic<std::uint64_t> written_rows{0};
  // The writer's.
  IdMerger merger;
  PackCompactor compactor;
  bool continues = false;  // no checkpoint was dropped since these two worked for one

 private:
  LmdbStoreOptions options_;
  DirectoryLock lock_;  // released last
  std::unique_ptr<PageFile> file_;
  std::unique_ptr<LmdbEnv> env_;
  SnapshotBox box_;
  mutable PackCache packs_;
  mutable std::atomic<bool> failed_{false};
  mutable std::mutex failure_mutex_;
  mutable Status failure_;
};

// One read: a snapshot held by a read transaction.
class ReadSession {
 public:
  static Result<ReadSession> open(const StoreCore& core);
  ~ReadSession();
  ReadSession(ReadSession&& other) noexcept
      : core_(other.core_),
        txn_(std::exchange(other.txn_, nullptr)),
        snapshot_(std::move(other.snapshot_)) {}
  ReadSession& operator=(ReadSession&&) = delete;

  [[nodiscard]] const Snapshot& snapshot() const { return *snapshot_; }
  [[nodiscard]] TableReader reader() const { return {core_.file(), snapshot_->roots}; }

 private:
  ReadSession(const StoreCore& core, MDB_txn* txn, SnapshotPointer snapshot)
      : core_(core), txn_(txn), snapshot_(std::move(snapshot)) {}

  const StoreCore& core_;
  MDB_txn* txn_;
  SnapshotPointer snapshot_;
};

// A pack's uncompressed bytes, from the file; and from the cache, if they are there.
[[nodiscard]] Result<std::string> read_pack(TableReader& reader, std::uint64_t pack);
[[nodiscard]] Result<std::shared_ptr<const std::string>> load_pack(const StoreCore& core,
                                                                   TableReader& reader,
                                                                   std::uint64_t pack);
// The dead records of a pack; nothing when none is dead.
[[nodiscard]] Result<std::optional<DeadList>> read_dead_list(TableReader& reader,
                                                             std::uint64_t pack);
// The record that `entry` names in its pack, whose bytes are `unpacked`. `corrupt` when it is not
// there.
[[nodiscard]] Result<std::string_view> record_of(const TableReader& reader, const IdEntry& entry,
                                                 std::string_view unpacked);
// The record that `entry` names, from the cache or the pack.
[[nodiscard]] Result<std::string> read_record(const StoreCore& core, TableReader& reader,
                                              const IdEntry& entry);
// Keys of rows, packs and blobs, without the chunk.
[[nodiscard]] std::string number_key(std::uint64_t number);
[[nodiscard]] std::string blob_key(std::string_view name);
[[nodiscard]] std::string entry_key(std::string_view key);
inline constexpr std::size_t kBlobNameBytesMax = 400;
// The table of an EntryTable, or nothing for a value that is none.
[[nodiscard]] std::optional<Table> entry_table(EntryTable table);

// Starts a checkpoint of `core`, whose `writing` was taken for it.
[[nodiscard]] Result<std::unique_ptr<Checkpoint>> begin_lmdb_checkpoint(
    const std::shared_ptr<StoreCore>& core);

// Asked at each page and each value of a scrub: any failure ends the scrub, which returns it.
using GoOn = std::function<Status()>;
// For a scrub of a store at work: `cancelled` after a stop, and when the file has grown by more
// than a quarter and 64 MiB. While a scrub holds its snapshot, no page that checkpoints give up is
// used again.
[[nodiscard]] GoOn while_store_works(const PageFile& file, std::stop_token stop);
// Reads all of a snapshot back; see CheckpointStore::scrub().
Status scrub_snapshot(const PageFile& file, const Snapshot& snapshot,
                      const std::function<void(StoreFault)>& fault, GoOn go_on = nullptr);
// The same up to the first fault, which is `corrupt` whatever else ended the scrub.
[[nodiscard]] Status require_sound(const PageFile& file, const Snapshot& snapshot,
                                   GoOn go_on = nullptr);

}  // namespace ingot::storage
