#include "bench/device_probe.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "core/aligned_buffer.h"
#include "core/random.h"

namespace ingot::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kBlock = 4096;
constexpr std::size_t kMebibyte = 1U << 20;
constexpr std::size_t kFileBytes = 16 * kMebibyte;
constexpr int kSmallWrites = 200;
constexpr int kLargeWrites = 128;
constexpr double kSecondsMax = 1;

Status system_failure(const std::string& what, int error) {
  return Status(error == ENOSPC ? StatusCode::disk_full : StatusCode::io_error,
                what + ": " + std::strerror(error));
}

class ProbeFile {
 public:
  ProbeFile() = default;
  ~ProbeFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  ProbeFile(const ProbeFile&) = delete;
  ProbeFile& operator=(const ProbeFile&) = delete;

  // Opens a file without a name, so that nothing stays behind whatever happens.
  Status open(const std::string& directory, bool direct) {
    const int flags = O_RDWR | O_CLOEXEC | (direct ? O_DIRECT : 0);
    fd_ = ::open(directory.c_str(), flags | O_TMPFILE, 0600);
    if (fd_ < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
      const std::string path = directory + "/.device-probe-" + std::to_string(::getpid());
      fd_ = ::open(path.c_str(), flags | O_CREAT | O_EXCL, 0600);
      if (fd_ >= 0) ::unlink(path.c_str());
    }
    return fd_ >= 0 ? Status() : system_failure("open a file in " + directory, errno);
  }

  Status write(const char* bytes, std::size_t size, std::size_t offset, bool durable) const {
    while (size != 0) {
      const iovec part{const_cast<char*>(bytes), size};
      const ssize_t written =
          ::pwritev2(fd_, &part, 1, static_cast<off_t>(offset), durable ? RWF_DSYNC : 0);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return system_failure("write", written < 0 ? errno : EIO);
      bytes += written;
      size -= static_cast<std::size_t>(written);
      offset += static_cast<std::size_t>(written);
    }
    return {};
  }

  Status sync() const { return ::fsync(fd_) == 0 ? Status() : system_failure("fsync", errno); }

 private:
  int fd_ = -1;
};

Status prepare(ProbeFile& file, const AlignedBuffer& zeros) {
  for (std::size_t offset = 0; offset < kFileBytes; offset += kMebibyte) {
    if (Status status = file.write(zeros.data(), kMebibyte, offset, false); !status.ok()) {
      return status;
    }
  }
  return file.sync();
}

}  // namespace

Result<DeviceFigures> probe_device(const std::string& directory, double seconds_max) {
  const std::chrono::duration<double> part_time_max(std::min(seconds_max, kSecondsMax) / 2);
  AlignedBuffer buffer;
  buffer.append_zeros(kMebibyte);

  DeviceFigures figures;
  std::optional<ProbeFile> file(std::in_place);
  Status status = file->open(directory, true);
  if (status.ok()) status = prepare(*file, buffer);
  if (!status.ok() && status.code() != StatusCode::disk_full) {
    figures.direct = false;
    file.emplace();
    status = file->open(directory, false);
    if (status.ok()) status = prepare(*file, buffer);
  }
  if (!status.ok()) return status.with_context("probing the device of " + directory);

  Random random(entropy64());
  for (std::size_t i = 0; i < kMebibyte; i += sizeof(std::uint64_t)) {
    const std::uint64_t bits = random.next();
    std::memcpy(buffer.data() + i, &bits, sizeof bits);
  }

  std::vector<double> small_us;
  const auto small_start = SteadyClock::now();
  for (int i = 0; i < kSmallWrites; ++i) {
    if (i != 0 && SteadyClock::now() - small_start >= part_time_max) break;
    const auto start = SteadyClock::now();
    status = file->write(buffer.data(), kBlock, static_cast<std::size_t>(i) * kBlock, true);
    if (!status.ok()) return status.with_context("probing the device of " + directory);
    small_us.push_back(
        std::chrono::duration<double, std::micro>(SteadyClock::now() - start).count());
  }
  const auto middle = small_us.begin() + static_cast<std::ptrdiff_t>(small_us.size() / 2);
  std::nth_element(small_us.begin(), middle, small_us.end());
  figures.write_4k_us_p50 = *middle;

  std::size_t large_bytes = 0;
  const auto large_start = SteadyClock::now();
  for (int i = 0; i < kLargeWrites; ++i) {
    if (i != 0 && SteadyClock::now() - large_start >= part_time_max) break;
    status = file->write(buffer.data(), kMebibyte, large_bytes % kFileBytes, true);
    if (!status.ok()) return status.with_context("probing the device of " + directory);
    large_bytes += kMebibyte;
  }
  figures.write_1m_bytes_per_s =
      static_cast<double>(large_bytes) /
      std::chrono::duration<double>(SteadyClock::now() - large_start).count();
  return figures;
}

}  // namespace ingot::bench
