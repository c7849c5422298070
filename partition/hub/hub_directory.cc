#include "partition/hub/hub_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "core/codec.h"
#include "core/crc32c.h"
#include "core/random.h"
#include "core/try.h"

namespace ingot::partition {
namespace {

constexpr std::string_view kMagic = "INGOTHUB";
constexpr std::uint32_t kVersion = 3;
constexpr std::size_t kHubFileBytes = 28;
constexpr std::uint32_t kDefaultPartitions = 4;
constexpr std::uint32_t kPartitionsMax = 64;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

Status system_error(const std::string& what, int error) {
  const StatusCode code =
      error == ENOSPC || error == EDQUOT ? StatusCode::disk_full : StatusCode::io_error;
  return Status(code, what + ": " + std::strerror(error));
}

Status sync_directory(const std::string& path) {
  const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) return system_error(path, errno);
  return {};
}

// The name of the folder itself, in its parent.
Status sync_name_of(const std::string& path) {
  const std::string name = path + "/..";
  const Descriptor parent(::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (parent.get() >= 0) return ::fsync(parent.get()) == 0 ? Status() : system_error(name, errno);
  if (errno != EACCES) return system_error(name, errno);
  // Who may not read the parent can still have the whole file system synced.
  const Descriptor own(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (own.get() < 0 || ::syncfs(own.get()) != 0) return system_error(path, errno);
  return {};
}

Status make_directory(const std::string& path, bool& made) {
  made = ::mkdir(path.c_str(), 0700) == 0;
  if (made) return {};
  const int error = errno;
  struct stat found {};
  if (error == EEXIST && ::stat(path.c_str(), &found) == 0) {
    if (S_ISDIR(found.st_mode)) return {};
    return Status(StatusCode::failed_precondition, path + " is not a folder");
  }
  if (error == ENOENT) return Status(StatusCode::not_found, path + ": its parent does not exist");
  return system_error(path, error);
}

struct CloseFolder {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

Result<std::vector<std::string>> list(const std::string& path) {
  const std::unique_ptr<DIR, CloseFolder> opened(::opendir(path.c_str()));
  DIR* const directory = opened.get();
  if (directory == nullptr) return system_error(path, errno);
  std::vector<std::string> names;
  int error = 0;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(directory);
    if (entry == nullptr) {
      error = errno;  // 0: that was all
      break;
    }
    const std::string name = entry->d_name;
    if (name != "." && name != ".." && name != "lost+found") names.push_back(name);
  }
  if (error != 0) return system_error(path, error);
  return names;
}

std::string encode_hub_file(const HubIdentity& identity) {
  std::string bytes(kMagic);
  put_fixed32(bytes, kVersion);
  put_fixed64(bytes, identity.hub_id);
  put_fixed32(bytes, identity.partitions);
  put_fixed32(bytes, crc32c(bytes));
  return bytes;
}

// Nothing when there is no hub file.
Result<std::optional<HubIdentity>> read_hub_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    if (errno == ENOENT) return std::optional<HubIdentity>();
    return system_error(path, errno);
  }
  std::string bytes(kHubFileBytes + 1, '\0');
  const ssize_t size = ::pread(file.get(), bytes.data(), bytes.size(), 0);
  if (size < 0) return system_error(path, errno);
  bytes.resize(static_cast<std::size_t>(size));
  Reader reader(bytes);
  if (reader.raw(kMagic.size()) != kMagic) {
    return Status(StatusCode::failed_precondition, path + " is not a hub file of Ingot");
  }
  const std::uint32_t version = reader.fixed32();
  if (reader.ok() && version != kVersion) {
    return Status(StatusCode::unsupported, path + ": format version " + std::to_string(version) +
                                               "; this build reads version " +
                                               std::to_string(kVersion));
  }
  HubIdentity identity;
  identity.hub_id = reader.fixed64();
  identity.partitions = reader.fixed32();
  const std::uint32_t checksum = reader.fixed32();
  if (!reader.finished() ||
      checksum != crc32c(std::string_view(bytes).substr(0, kHubFileBytes - 4)) ||
      identity.partitions == 0 || identity.partitions > kPartitionsMax) {
    return Status(StatusCode::corrupt, path + ": the checksum or a field is wrong");
  }
  return std::optional(identity);
}

// Whole or not at all: the partitions that are made next bear its hub id.
Status write_draft(const std::string& folder, const HubIdentity& identity) {
  const std::string draft = folder + "/hub.ingot.tmp";
  const std::string bytes = encode_hub_file(identity);
  static_assert(kHubFileBytes == kMagic.size() + 4 + 8 + 4 + 4);
  const Descriptor file(::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (file.get() < 0) return system_error(draft, errno);
  const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
  if (written < 0) return system_error(draft, errno);
  if (static_cast<std::size_t>(written) != bytes.size()) return system_error(draft, ENOSPC);
  if (::fsync(file.get()) != 0) return system_error(draft, errno);
  const std::string path = folder + "/hub.ingot.new";
  if (::rename(draft.c_str(), path.c_str()) != 0) return system_error(path, errno);
  return sync_directory(folder);
}

// The hub id of a creation that was cut short, whose partitions may be there already. A draft that
// is there and can't be read is not written over: they would be of another hub then.
Result<std::uint64_t> drafted_hub_id(const std::string& folder) {
  const Result<std::optional<HubIdentity>> draft = read_hub_file(folder + "/hub.ingot.new");
  if (draft.ok() && *draft) return (*draft)->hub_id;
  const StatusCode code = draft.status().code();
  if (code == StatusCode::io_error || code == StatusCode::disk_full) return draft.status();
  return entropy64();
}

Result<int> take_lock(const std::string& path) {
  Descriptor lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock.get() < 0) return system_error(path, errno);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return system_error(path, errno);
    char text[32] = {};
    const ssize_t size = ::pread(lock.get(), text, sizeof text - 1, 0);
    std::string owner(text, size > 0 ? static_cast<std::size_t>(size) : 0);
    while (!owner.empty() && owner.back() == '\n') owner.pop_back();
    return Status(StatusCode::busy, path + ": the hub is open in process " +
                                        (owner.empty() ? std::string("(starting)") : owner));
  }
  const std::string owner = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock.get(), 0) != 0 ||
      ::pwrite(lock.get(), owner.data(), owner.size(), 0) != static_cast<ssize_t>(owner.size())) {
    return system_error(path, errno);
  }
  return lock.release();
}

Status check_before_locking(const std::string& path, OpenMode mode) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) {
    if (errno != ENOENT) return system_error(path, errno);
    if (mode == OpenMode::open_existing) {
      return Status(StatusCode::not_found, path + " does not exist");
    }
    bool made = false;
    return make_directory(path, made);
  }
  if (!S_ISDIR(found.st_mode)) {
    return Status(StatusCode::failed_precondition, path + " is not a folder");
  }
  INGOT_ASSIGN(const std::vector<std::string> names, list(path));
  bool has_hub = false;
  bool has_draft = false;
  for (const std::string& name : names) {
    has_hub |= name == "hub.ingot";
    has_draft |= name == "hub.ingot.new";
  }
  bool only_ours = true;  // what a creation that was cut short can leave behind
  for (const std::string& name : names) {
    only_ours &= name == "lock" || name == "hub.ingot.new" || name == "hub.ingot.tmp" ||
                 (has_draft && name.compare(0, 10, "partition-") == 0);
  }
  if (has_hub) return {};
  if (!only_ours) {
    return Status(StatusCode::failed_precondition,
                  path + " is not a task hub: it has other files and no hub.ingot");
  }
  if (mode == OpenMode::open_existing) {
    return Status(StatusCode::not_found, path + " holds no task hub");
  }
  return {};
}

}  // namespace

Result<HubDirectory> HubDirectory::open(const std::string& path, OpenMode mode,
                                        std::uint32_t partitions) {
  INGOT_TRY(check_before_locking(path, mode));
  HubDirectory directory(path, -1, {});
  INGOT_ASSIGN(directory.lock_, take_lock(path + "/lock"));
  INGOT_ASSIGN(const std::optional<HubIdentity> existing, read_hub_file(path + "/hub.ingot"));
  if (existing) {
    if (mode == OpenMode::create_new) {
      return Status(StatusCode::already_exists, path + " holds a task hub already");
    }
    if (partitions != 0 && partitions != existing->partitions) {
      return Status(StatusCode::failed_precondition,
                    path + " has " + std::to_string(existing->partitions) + " partitions, not " +
                        std::to_string(partitions) + "; the count is fixed when a hub is created");
    }
    directory.identity_ = *existing;
  } else {
    directory.is_new_ = true;
    INGOT_ASSIGN(const std::uint64_t hub_id, drafted_hub_id(path));
    directory.identity_ = {hub_id, partitions == 0 ? kDefaultPartitions : partitions};
    // The hub file comes last: where it is, the partitions have to be.
    INGOT_TRY(write_draft(path, directory.identity_));
    for (std::uint32_t p = 0; p < directory.identity_.partitions; ++p) {
      INGOT_TRY(directory.make_folder(PartitionId(p)));
    }
  }
  return directory;
}

Status HubDirectory::publish() {
  // Where a hub file is, the hub's own folder is durable as well, whoever made it.
  INGOT_TRY(sync_name_of(path_));
  const std::string path = path_ + "/hub.ingot";
  if (::rename((path + ".new").c_str(), path.c_str()) != 0) return system_error(path, errno);
  INGOT_TRY(sync_directory(path_));
  is_new_ = false;
  return {};
}

HubDirectory::~HubDirectory() {
  if (lock_ >= 0) ::close(lock_);
}

HubDirectory::HubDirectory(HubDirectory&& other) noexcept
    : path_(std::move(other.path_)),
      lock_(std::exchange(other.lock_, -1)),
      identity_(other.identity_),
      is_new_(other.is_new_) {}

PartitionFolder HubDirectory::folder(PartitionId partition) const {
  char name[32];
  std::snprintf(name, sizeof name, "/partition-%04u", partition.value);
  return {path_ + name + "/log", path_ + name + "/checkpoint"};
}

Status HubDirectory::make_folder(PartitionId partition) const {
  const PartitionFolder folders = folder(partition);
  const std::string parent = folders.log.substr(0, folders.log.rfind('/'));
  bool any = false;
  for (const std::string& path : {parent, folders.log, folders.checkpoint}) {
    bool made = false;
    INGOT_TRY(make_directory(path, made));
    any |= made;
  }
  if (!any) return {};
  INGOT_TRY(sync_directory(parent));
  return sync_directory(path_);
}

Status HubDirectory::check_folder(PartitionId partition) const {
  const PartitionFolder folders = folder(partition);
  for (const std::string& path : {folders.log, folders.checkpoint}) {
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0) {
      if (errno != ENOENT && errno != ENOTDIR) return system_error(path, errno);
      return Status(StatusCode::corrupt, path + " is missing");
    }
    if (!S_ISDIR(found.st_mode)) return Status(StatusCode::corrupt, path + " is not a folder");
  }
  return {};
}

}  // namespace ingot::partition
