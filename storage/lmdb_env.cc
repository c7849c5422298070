#include "storage/lmdb_env.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/out_of_memory.h"
#include "core/try.h"

namespace ingot::storage {
namespace {

constexpr mdb_mode_t kFileMode = 0600;
constexpr unsigned kReadersMax = 1000;
// A file system with less than this is full: LMDB's writes are larger.
constexpr std::uint64_t kFullBytes = 1ULL << 20;

Status system_failure(const std::string& path, std::string_view call) {
  const StatusCode code =
      errno == ENOSPC || errno == EDQUOT ? StatusCode::disk_full : StatusCode::io_error;
  return {code, path + ": " + std::string(call) + ": " + std::strerror(errno)};
}

Status sync_directory(const std::string& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return system_failure(directory, "open");
  const int error = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  errno = error;
  return error == 0 ? Status() : system_failure(directory, "fsync");
}

// LMDB reports a write that a full disk has cut short as EIO.
bool cut_short(int code, const std::string& path) {
  struct statvfs found {};
  return code == EIO && ::statvfs(path.c_str(), &found) == 0 &&
         static_cast<std::uint64_t>(found.f_bavail) * found.f_frsize < kFullBytes;
}

}  // namespace

Status lmdb_status(int code, const std::string& path, std::string_view where) {
  if (cut_short(code, path)) code = ENOSPC;
  std::string message = path + ": ";
  if (!where.empty()) message.append(where).append(": ");
  message += mdb_strerror(code);
  switch (code) {
    case MDB_SUCCESS:
      return {};
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return {StatusCode::disk_full, message};
    case MDB_READERS_FULL:
      return {StatusCode::busy, message};
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_NOTFOUND:
    case MDB_KEYEXIST:
    case MDB_CURSOR_FULL:
    case MDB_INCOMPATIBLE:  // a value that says it is a tree
      return {StatusCode::corrupt, message};
    case MDB_VERSION_MISMATCH:
      return {StatusCode::unsupported, message};
    default:
      return {StatusCode::io_error, message};
  }
}

Result<DirectoryLock> DirectoryLock::take(const std::string& directory) {
  const std::string path = directory + "/checkpoint.lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kFileMode);
  if (fd < 0) return system_failure(path, "open");
  DirectoryLock lock(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return Status(StatusCode::busy, path + ": another owner has it");
    return system_failure(path, "flock");
  }
  return lock;
}

DirectoryLock::~DirectoryLock() {
  if (fd_ >= 0) ::close(fd_);
}

std::string LmdbEnv::path_in(const std::string& directory) { return directory + "/checkpoint.mdb"; }

LmdbEnv::~LmdbEnv() {
  for (MDB_txn* txn : pool_) mdb_txn_abort(txn);
  if (env_ != nullptr) mdb_env_close(env_);
}

Status LmdbEnv::open_env(std::uint64_t map_bytes) {
  if (const int failed = mdb_env_create(&env_)) return lmdb_status(failed, path_);
  if (const int failed = mdb_env_set_mapsize(env_, map_bytes)) return lmdb_status(failed, path_);
  if (const int failed = mdb_env_set_maxdbs(env_, kTableCount)) return lmdb_status(failed, path_);
  if (const int failed = mdb_env_set_maxreaders(env_, kReadersMax)) {
    return lmdb_status(failed, path_);
  }
  // The directory's lock is ours, so what another life left in LMDB's lock file is stale.
  ::unlink((path_ + "-lock").c_str());
  constexpr unsigned kFlags = MDB_NOSUBDIR | MDB_NOTLS | MDB_NORDAHEAD | MDB_NOMEMINIT;
  return lmdb_status(mdb_env_open(env_, path_.c_str(), kFlags, kFileMode), path_);
}

Status LmdbEnv::open_handles(MDB_txn* txn, unsigned flags) {
  for (std::size_t i = 0; i < kTableCount; ++i) {
    const char* name = i == 0 ? nullptr : kTableNames[i];
    if (const int failed = mdb_dbi_open(txn, name, i == 0 ? 0 : flags, &handles_[i])) {
      return lmdb_status(failed, path_, std::string("table ") + kTableNames[i]);
    }
  }
  return {};
}

Status LmdbEnv::create_tables(const LmdbStoreOptions& options) {
  INGOT_ASSIGN(MDB_txn * txn, begin_write());
  const auto fill = [&]() -> Status {
    INGOT_TRY(open_handles(txn, MDB_CREATE));
    StoreMeta meta;
    meta.hub_id = options.hub_id;
    meta.partition = options.partition;
    for (std::size_t i = 1; i < kTableCount; ++i) {
      std::string sealed;
      seal(static_cast<Table>(i), kHeaderKey, 0, {}, sealed);
      MDB_val key{kHeaderKey.size(), const_cast<char*>(kHeaderKey.data())};
      MDB_val data{sealed.size(), sealed.data()};
      if (const int failed = mdb_put(txn, handles_[i], &key, &data, 0)) {
        return lmdb_status(failed, path_);
      }
    }
    return write_meta_row(*this, txn, meta);
  };
  // A transaction without an end keeps its pages, and nobody else gets one.
  Status status = with_memory(path_, fill);
  if (!status.ok()) {
    mdb_txn_abort(txn);
    return status;
  }
  return lmdb_status(mdb_txn_commit(txn), path_);
}

Status LmdbEnv::create(const LmdbStoreOptions& options) {
  const std::string path = path_in(options.directory);
  const std::string fresh = path + ".new";
  ::unlink(fresh.c_str());
  {
    LmdbEnv env(fresh);
    Status status = env.open_env(options.map_bytes);
    if (status.ok()) status = env.create_tables(options);
    if (!status.ok()) {
      ::unlink(fresh.c_str());
      ::unlink((fresh + "-lock").c_str());
      return status;
    }
  }
  ::unlink((fresh + "-lock").c_str());
  if (::rename(fresh.c_str(), path.c_str()) != 0) return system_failure(path, "rename");
  return sync_directory(options.directory);
}

Result<std::unique_ptr<LmdbEnv>> LmdbEnv::open(const LmdbStoreOptions& options) {
  std::unique_ptr<LmdbEnv> env(new LmdbEnv(path_in(options.directory)));
  ::unlink((env->path_ + ".new-lock").c_str());  // if create() could not
  INGOT_TRY(env->open_env(options.map_bytes));
  MDB_txn* txn = nullptr;
  if (const int failed = mdb_txn_begin(env->env_, nullptr, MDB_RDONLY, &txn)) {
    return lmdb_status(failed, env->path_);
  }
  Status status = with_memory(env->path_, [&] { return env->open_handles(txn, 0); });
  // Committing a read transaction publishes the handles.
  if (!status.ok()) {
    mdb_txn_abort(txn);
    return status;
  }
  if (const int failed = mdb_txn_commit(txn)) return lmdb_status(failed, env->path_);
  return env;
}

Result<MDB_txn*> LmdbEnv::begin_write() {
  MDB_txn* txn = nullptr;
  if (const int failed = mdb_txn_begin(env_, nullptr, 0, &txn)) return lmdb_status(failed, path_);
  return txn;
}

Result<MDB_txn*> LmdbEnv::acquire_read() {
  MDB_txn* txn = nullptr;
  {
    const std::lock_guard lock(pool_mutex_);
    if (!pool_.empty()) {
      txn = pool_.back();
      pool_.pop_back();
    }
  }
  if (txn != nullptr) {
    if (const int failed = mdb_txn_renew(txn)) {
      mdb_txn_abort(txn);
      return lmdb_status(failed, path_);
    }
    return txn;
  }
  if (const int failed = mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn)) {
    return lmdb_status(failed, path_);
  }
  return txn;
}

void LmdbEnv::release_read(MDB_txn* txn) {
  mdb_txn_reset(txn);
  const std::lock_guard lock(pool_mutex_);
  try {
    pool_.push_back(txn);
  } catch (const std::bad_alloc&) {
    mdb_txn_abort(txn);  // the next reader begins another one
  }
}

bool LmdbEnv::gave_up() const {
  MDB_txn* txn = nullptr;
  const int failed = mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn);
  if (failed == MDB_SUCCESS) mdb_txn_abort(txn);
  return failed != MDB_SUCCESS;  // with every reader's place taken it can't be told
}

Status write_meta_row(const LmdbEnv& env, MDB_txn* txn, StoreMeta& meta) {
  for (std::size_t i = 1; i < kTableCount; ++i) {
    MDB_stat stat;
    if (const int failed = mdb_stat(txn, env.handle(static_cast<Table>(i)), &stat)) {
      return lmdb_status(failed, env.path());
    }
    TableSummary& table = meta.tables[i];
    if (stat.ms_entries != table.values + 1) {
      return {StatusCode::corrupt, env.path() + ": table " + kTableNames[i] + " has " +
                                       std::to_string(stat.ms_entries) + " values, not " +
                                       std::to_string(table.values + 1)};
    }
    table.depth = static_cast<std::uint16_t>(stat.ms_depth);
    table.branch_pages = stat.ms_branch_pages;
    table.leaf_pages = stat.ms_leaf_pages;
    table.overflow_pages = stat.ms_overflow_pages;
  }
  meta.transaction = mdb_txn_id(txn);
  std::string payload;
  meta.encode(payload);
  std::string sealed;
  seal(Table::meta, kMetaKey, meta.generation, payload, sealed);
  MDB_val key{kMetaKey.size(), const_cast<char*>(kMetaKey.data())};
  MDB_val data{sealed.size(), sealed.data()};
  return lmdb_status(mdb_put(txn, env.handle(Table::meta), &key, &data, 0), env.path());
}

}  // namespace ingot::storage
