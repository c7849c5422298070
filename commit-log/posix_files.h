#pragma once

// PosixFiles: the synchronous half of the real Io, shared by UringIo and PwriteIo.
//
// Files are opened with O_DIRECT; where a file system refuses that (EINVAL), without it, and
// RWF_DSYNC gives durability all the same. A new file is written whole under `<path>.tmp`, fsynced
// and renamed, so a file under its own name always has its full size. Every descriptor is
// O_CLOEXEC, every file 0600.

#include <deque>
#include <string_view>

#include "commit-log/io.h"

namespace ingot::log {

inline constexpr std::string_view kTemporarySuffix = ".tmp";

// "<what> <path>: <the error's text>"; ENOSPC and EDQUOT give disk_full, ENOENT not_found, EEXIST
// already_exists, anything else io_error.
[[nodiscard]] Status errno_status(std::string_view what, const std::string& path, int error);

class PosixFiles : public Io {
 public:
  ~PosixFiles() override;

  Status create_zeroed(const std::string& path, std::uint64_t size) override;
  Status create_zeroed_slowly(const std::string& path, std::uint64_t size,
                              const Pace& pace) override;
  Result<FileHandle> open(const std::string& path) override;
  void close(FileHandle file) override;
  Result<std::uint64_t> size(FileHandle file) override;
  Result<std::uint64_t> read(FileHandle file, std::span<char> out, std::uint64_t offset) override;
  Status write_now(FileHandle file, std::span<const char> bytes, std::uint64_t offset) override;
  Status sync(FileHandle file) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Status make_directory(const std::string& directory) override;
  Result<std::uint64_t> free_bytes(const std::string& directory) override;
  std::unique_ptr<Io> background() override;

 protected:
  struct File {
    int descriptor = -1;
    int denied = 0;  // why it can only be read; 0 when it can be written
    std::string path;
  };

  [[nodiscard]] const File& file(FileHandle handle) const;

 private:
  std::deque<File> files_;  // index: the handle's value - 1; a deque, so that a File stays in place
};

// A write that is short is continued at its last whole block. One that got less than a block done
// so often, one time after the other, has failed: the device will not do it.
inline constexpr unsigned kStalledWritesMax = 100;

// Writes all of `bytes` durably; the loop behind write_now() and PwriteIo's thread.
[[nodiscard]] Status write_durably(int descriptor, const std::string& path,
                                   std::span<const char> bytes, std::uint64_t offset);

}  // namespace ingot::log
