#pragma once

// One opened LMDB environment: the lock on its directory, the file, the trees' handles and a pool
// of read transactions.
//
// LMDB's map is used for writing only (it reads the pages that it is about to change); every read
// of the store goes through PageFile. A read transaction keeps a snapshot's pages from being used
// again. Always durable: never NOSYNC, NOMETASYNC or WRITEMAP.

#include <lmdb.h>

#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "storage/checkpoint_store.h"
#include "storage/tables.h"

namespace ingot::storage {

// LMDB's or the system's error as a status that names the file and, in it, `where`. EIO is
// `disk_full` when the file's file system has no room.
[[nodiscard]] Status lmdb_status(int code, const std::string& path, std::string_view where = {});

// Owns the directory while it lives: nobody else, in this process or another, opens the store.
class DirectoryLock {
 public:
  // `busy` when it is owned; io_error.
  static Result<DirectoryLock> take(const std::string& directory);
  ~DirectoryLock();
  DirectoryLock(DirectoryLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  DirectoryLock& operator=(DirectoryLock&&) = delete;

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  int fd_;
};

class LmdbEnv {
 public:
  // Makes the file of a new, empty store, durably, under its final name or not at all.
  static Status create(const LmdbStoreOptions& options);
  // Opens the file, which has been checked.
  static Result<std::unique_ptr<LmdbEnv>> open(const LmdbStoreOptions& options);
  ~LmdbEnv();
  LmdbEnv(const LmdbEnv&) = delete;
  LmdbEnv& operator=(const LmdbEnv&) = delete;

  [[nodiscard]] static std::string path_in(const std::string& directory);

  // A write transaction; the calling thread must end it too.
  Result<MDB_txn*> begin_write();
  // A read transaction from the pool; give it back with release_read().
  Result<MDB_txn*> acquire_read();
  void release_read(MDB_txn* txn);
  // LMDB begins no transaction any more, once it could not write a meta page; or may have.
  [[nodiscard]] bool gave_up() const;
  [[nodiscard]] MDB_dbi handle(Table table) const {
    return handles_[static_cast<std::size_t>(table)];
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit LmdbEnv(std::string path) : path_(std::move(path)) {}
  Status open_env(std::uint64_t map_bytes);
  Status open_handles(MDB_txn* txn, unsigned flags);
  Status create_tables(const LmdbStoreOptions& options);

  std::string path_;
  MDB_env* env_ = nullptr;
  std::array<MDB_dbi, kTableCount> handles_{};
  std::mutex pool_mutex_;
  std::vector<MDB_txn*> pool_;
};

// Fills in what LMDB counts and writes the meta row: the last thing in a write transaction.
Status write_meta_row(const LmdbEnv& env, MDB_txn* txn, StoreMeta& meta);

}  // namespace ingot::storage
