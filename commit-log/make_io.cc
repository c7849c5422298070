// Chooses the backend, and proves it by a real write and read-back before anyone relies on it.

#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "commit-log/io.h"
#include "commit-log/posix_files.h"
#include "commit-log/pwrite_io.h"
#include "commit-log/segment_files.h"
#include "commit-log/uring_io.h"
#include "core/aligned_buffer.h"
#include "core/assert.h"
#include "core/try.h"

namespace ingot::log {
namespace {

constexpr std::uint64_t kProbeBytes = 8192;
constexpr std::uint64_t kProbeToken = 0x494E474F54;

Status write_and_read_back(Io& io, FileHandle file) {
  AlignedBuffer bytes;
  bytes.resize(4096);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes.data()[i] = static_cast<char>(i * 31 + 7);
  io.submit_write(file, {bytes.data(), bytes.size()}, 4096, kProbeToken);
  io.drain();
  std::vector<WriteCompletion> completions;
  io.poll(completions);
  INGOT_ASSERT(completions.size() == 1 && completions[0].token == kProbeToken, completions.size());
  INGOT_TRY(completions[0].status);
  AlignedBuffer back;
  back.resize(kProbeBytes);
  INGOT_ASSIGN(const std::uint64_t size, io.read(file, {back.data(), back.size()}, 0));
  if (size != kProbeBytes || std::memcmp(back.data() + 4096, bytes.data(), 4096) != 0) {
    return Status(StatusCode::unsupported, "the probe write does not read back");
  }
  return {};
}

Status probe(Io& io, const std::string& directory) {
  static std::atomic<std::uint64_t> counter{0};
  std::string path = directory + "/";
  path.append(kProbePrefix).append(std::to_string(::getpid()));
  path.append("-").append(std::to_string(counter.fetch_add(1)));
  // A killed process that had our number may have left one: in a container each has the same.
  Status left = io.remove(path);
  if (!left.ok() && left.code() != StatusCode::not_found) return left;
  INGOT_TRY(io.create_zeroed(path, kProbeBytes));
  Status status;
  auto file = io.open(path);
  if (file.ok()) {
    status = write_and_read_back(io, *file);
    io.close(*file);
  } else {
    status = file.take_status();
  }
  Status removed = io.remove(path);
  return status.ok() ? removed : status;
}

// To FUSE a direct write of io_uring is an asynchronous one, and for these the kernel (up to 6.18
// at least) forgets RWF_DSYNC: it reports the write and never asks the file system to sync. Writing
// and reading back can't show that.
// There it is the file system's own process that answers, so that one which does not say what it is
// may be just that.
Status keeps_dsync(const std::string& directory) {
  struct statfs found {};
  if (::statfs(directory.c_str(), &found) != 0) return errno_status("examining", directory, errno);
  if (found.f_type != FUSE_SUPER_MAGIC) return {};
  return {StatusCode::unsupported,
          directory + " is on FUSE, where durable writes of io_uring are not durable"};
}

Result<std::unique_ptr<UringIo>> make_uring(const std::string& probe_directory) {
  INGOT_TRY(keeps_dsync(probe_directory));
  return UringIo::create();
}

}  // namespace

Result<std::unique_ptr<Io>> make_io(IoBackend backend, const std::string& probe_directory) {
  if (backend != IoBackend::pwritev2) {
    auto uring = make_uring(probe_directory);
    Status status = uring.status();
    if (uring.ok()) {
      status = probe(**uring, probe_directory);
      if (status.ok()) return std::unique_ptr<Io>(std::move(*uring));
    }
    // A full or read-only disk is no reason to try the other backend.
    const bool refused =
        status.code() == StatusCode::unsupported || status.code() == StatusCode::io_error;
    if (backend == IoBackend::uring || !refused) return status;
  }
  auto fallback = std::make_unique<PwriteIo>();
  INGOT_TRY(probe(*fallback, probe_directory));
  return std::unique_ptr<Io>(std::move(fallback));
}

}  // namespace ingot::log
