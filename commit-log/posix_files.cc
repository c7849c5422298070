#include "commit-log/posix_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "commit-log/pwrite_io.h"
#include "core/aligned_buffer.h"
#include "core/assert.h"
#include "core/try.h"

namespace ingot::log {
namespace {

constexpr std::size_t kZeroChunkBytes = 1U << 20;
// A write of this size keeps the device for about as long as one of the log's.
constexpr std::size_t kPacedChunkBytes = 256U << 10;

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return value_; }
  int release() { return std::exchange(value_, -1); }

 private:
  int value_;
};

struct CloseFolder {
  void operator()(DIR* stream) const { ::closedir(stream); }
};

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

int open_retrying(const std::string& path, int flags) {
  int descriptor = -1;
  do {
    descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  } while (descriptor < 0 && errno == EINTR);
  return descriptor;
}

// O_DIRECT where the file system has it.
int open_direct(const std::string& path, int flags) {
  const int descriptor = open_retrying(path, flags | O_DIRECT);
  if (descriptor >= 0 || errno != EINVAL) return descriptor;
  return open_retrying(path, flags & ~O_EXCL);
}

Status sync_directory(const std::string& directory) {
  const Descriptor descriptor(open_retrying(directory, O_RDONLY | O_DIRECTORY));
  if (descriptor.get() < 0) return errno_status("opening", directory, errno);
  if (::fsync(descriptor.get()) != 0) return errno_status("syncing", directory, errno);
  return {};
}

Status write_zeros(int descriptor, const std::string& path, std::uint64_t size, const Pace& pace) {
  AlignedBuffer zeros;
  zeros.append_zeros(static_cast<std::size_t>(
      std::min<std::uint64_t>(size, pace ? kPacedChunkBytes : kZeroChunkBytes)));
  std::uint64_t done = 0;
  unsigned stalled = 0;
  while (done < size) {
    if (pace && !pace(done)) return Status(StatusCode::cancelled, "zeroing " + path);
    const std::size_t chunk =
        static_cast<std::size_t>(std::min<std::uint64_t>(size - done, zeros.size()));
    const ssize_t written = ::pwrite(descriptor, zeros.data(), chunk, static_cast<off_t>(done));
    if (written < 0) {
      if (errno == EINTR || errno == EAGAIN) continue;
      return errno_status("zeroing", path, errno);
    }
    if (written == 0) return errno_status("zeroing", path, ENOSPC);
    const std::uint64_t blocks = static_cast<std::uint64_t>(written) & ~std::uint64_t{4095};
    stalled = blocks == 0 ? stalled + 1 : 0;
    if (stalled == kStalledWritesMax) return errno_status("zeroing", path, EIO);
    done += blocks;
  }
  if (::fsync(descriptor) != 0) return errno_status("syncing", path, errno);
  return {};
}

}  // namespace

Status errno_status(std::string_view what, const std::string& path, int error) {
  StatusCode code = StatusCode::io_error;
  if (error == ENOSPC || error == EDQUOT) code = StatusCode::disk_full;
  if (error == ENOENT) code = StatusCode::not_found;
  if (error == EEXIST) code = StatusCode::already_exists;
  return {code, std::string(what) + " " + path + ": " + std::strerror(error)};
}

Status write_durably(int descriptor, const std::string& path, std::span<const char> bytes,
                     std::uint64_t offset) {
  bool sync_after = false;  // the file system knows no RWF_DSYNC
  unsigned stalled = 0;
  while (!bytes.empty()) {
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    const ssize_t written =
        ::pwritev2(descriptor, &part, 1, static_cast<off_t>(offset), sync_after ? 0 : RWF_DSYNC);
    if (written < 0) {
      if (errno == EINTR || errno == EAGAIN) continue;
      if ((errno == EOPNOTSUPP || errno == ENOSYS) && !sync_after) {
        sync_after = true;
        continue;
      }
      return errno_status("writing", path, errno);
    }
    if (written == 0) return errno_status("writing", path, EIO);
    // An unaligned rest can't be written with O_DIRECT: go back to the last whole block.
    std::size_t done = static_cast<std::size_t>(written);
    if (done < bytes.size()) done &= ~std::size_t{4095};
    stalled = done == 0 ? stalled + 1 : 0;
    if (stalled == kStalledWritesMax) return errno_status("writing", path, EIO);
    bytes = bytes.subspan(done);
    offset += done;
  }
  if (sync_after && ::fdatasync(descriptor) != 0) return errno_status("syncing", path, errno);
  return {};
}

PosixFiles::~PosixFiles() {
  for (const File& file : files_) {
    if (file.descriptor >= 0) ::close(file.descriptor);
  }
}

const PosixFiles::File& PosixFiles::file(FileHandle handle) const {
  INGOT_ASSERT(handle.value >= 1 && handle.value <= files_.size(), handle.value);
  const File& file = files_[handle.value - 1];
  INGOT_ASSERT(file.descriptor >= 0, handle.value);
  return file;
}

Status PosixFiles::create_zeroed(const std::string& path, std::uint64_t size) {
  return create_zeroed_slowly(path, size, nullptr);
}

Status PosixFiles::create_zeroed_slowly(const std::string& path, std::uint64_t size,
                                        const Pace& pace) {
  if (::access(path.c_str(), F_OK) == 0) return errno_status("creating", path, EEXIST);
  const std::string temporary = path + std::string(kTemporarySuffix);
  {
    const Descriptor descriptor(open_direct(temporary, O_RDWR | O_CREAT | O_TRUNC));
    if (descriptor.get() < 0) return errno_status("creating", temporary, errno);
    Status status;
    // Space first, so that a full disk answers before 64 MiB are written.
    const int error = ::posix_fallocate(descriptor.get(), 0, static_cast<off_t>(size));
    if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
      status = errno_status("allocating", temporary, error);
    }
    if (status.ok()) status = write_zeros(descriptor.get(), temporary, size, pace);
    if (!status.ok()) {
      ::unlink(temporary.c_str());
      return status;
    }
  }
  Status named = rename(temporary, path);
  // It is tried again under another name: what is left would fill the disk, one file an attempt.
  if (!named.ok() && ::unlink(temporary.c_str()) != 0) ::unlink(path.c_str());
  return named;
}

Result<FileHandle> PosixFiles::open(const std::string& path) {
  std::size_t place = 0;
  while (place < files_.size() && files_[place].descriptor >= 0) ++place;
  if (place == files_.size()) files_.emplace_back();
  File opened{-1, 0, path};
  opened.descriptor = open_direct(path, O_RDWR);
  if (opened.descriptor < 0 && (errno == EACCES || errno == EROFS || errno == EPERM)) {
    opened.denied = errno;  // it can still be read
    opened.descriptor = open_direct(path, O_RDONLY);
  }
  if (opened.descriptor < 0) return errno_status("opening", path, errno);
  files_[place] = std::move(opened);
  return FileHandle(static_cast<std::uint32_t>(place + 1));
}

void PosixFiles::close(FileHandle handle) {
  if (handle.value == 0) return;
  ::close(file(handle).descriptor);
  files_[handle.value - 1] = File{};
}

Result<std::uint64_t> PosixFiles::size(FileHandle handle) {
  struct stat info {};
  if (::fstat(file(handle).descriptor, &info) != 0) {
    return errno_status("examining", file(handle).path, errno);
  }
  return static_cast<std::uint64_t>(info.st_size);
}

Result<std::uint64_t> PosixFiles::read(FileHandle handle, std::span<char> out,
                                       std::uint64_t offset) {
  const File& from = file(handle);
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = ::pread(from.descriptor, out.data() + done, out.size() - done,
                                static_cast<off_t>(offset + done));
    if (got < 0) {
      if (errno == EINTR || errno == EAGAIN) continue;
      return errno_status("reading", from.path, errno);
    }
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
    if (done % 4096 != 0) break;  // the end of the file
  }
  return static_cast<std::uint64_t>(done);
}

Status PosixFiles::write_now(FileHandle handle, std::span<const char> bytes, std::uint64_t offset) {
  const File& to = file(handle);
  if (to.denied != 0) return errno_status("writing", to.path, to.denied);
  return write_durably(to.descriptor, to.path, bytes, offset);
}

Status PosixFiles::sync(FileHandle handle) {
  const File& target = file(handle);
  if (::fsync(target.descriptor) != 0) return errno_status("syncing", target.path, errno);
  return sync_directory(directory_of(target.path));
}

Status PosixFiles::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return errno_status("renaming", from, errno);
  return sync_directory(directory_of(to));
}

Status PosixFiles::remove(const std::string& path) {
  if (::unlink(path.c_str()) != 0) return errno_status("removing", path, errno);
  return sync_directory(directory_of(path));
}

Result<std::vector<std::string>> PosixFiles::list(const std::string& directory) {
  const std::unique_ptr<DIR, CloseFolder> opened(::opendir(directory.c_str()));
  DIR* const stream = opened.get();
  if (stream == nullptr) return errno_status("listing", directory, errno);
  std::vector<std::string> names;
  int error = 0;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(stream);
    if (entry == nullptr) {
      error = errno;
      break;
    }
    struct stat info {};
    if (::fstatat(::dirfd(stream), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) continue;
      error = errno;
      break;
    }
    if (S_ISREG(info.st_mode)) names.emplace_back(entry->d_name);
  }
  if (error != 0) return errno_status("listing", directory, error);
  std::sort(names.begin(), names.end());
  return names;
}

Status PosixFiles::make_directory(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return errno_status("creating", directory, errno);
  }
  struct stat info {};
  if (::stat(directory.c_str(), &info) != 0) return errno_status("examining", directory, errno);
  if (!S_ISDIR(info.st_mode)) return errno_status("creating", directory, ENOTDIR);
  return sync_directory(directory_of(directory));
}

Result<std::uint64_t> PosixFiles::free_bytes(const std::string& directory) {
  struct statvfs info {};
  if (::statvfs(directory.c_str(), &info) != 0) {
    return errno_status("examining", directory, errno);
  }
  return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
}

std::unique_ptr<Io> PosixFiles::background() { return std::make_unique<PwriteIo>(); }

}  // namespace ingot::log
