#pragma once

// Io: the seam between the commit log and the operating system.
//
// One Io belongs to one shard thread: every call but wake() comes from that thread, which also
// created it. Durable writes are asynchronous: submit_write() queues one, and poll() or wait()
// gives its completion. Everything else (creating, reading, zeroing, renaming) is synchronous and
// rare; what would block for long is prepared ahead by a background thread with an Io of its own.
//
// Implementations: UringIo (io_uring), PwriteIo (a thread with pwritev2), SimIo (tests).
//
// Invariants:
//   - a write is reported once, after its bytes are on stable media or it has failed;
//   - a short write is continued inside the Io until done or failed; one that does not get on for a
//     hundred times has failed;
//   - an I/O error is reported, never retried here (EINTR and EAGAIN are not errors);
//   - the destructor waits for the writes in flight.

#include <ingot/ids.h>
#include <ingot/status.h>
#include <ingot/time.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace ingot::log {

// An open file of an Io; 0 is none.
using FileHandle = StrongInteger<struct FileHandleTag, std::uint32_t>;

struct WriteCompletion {
  std::uint64_t token = 0;  // as given to submit_write()
  Status status;            // ok: all bytes are durable
};

// Asked before each part of a long job, with the bytes done so far: may wait, so that the device is
// free for others. False: give the job up.
using Pace = std::function<bool(std::uint64_t done)>;

class Io {
 public:
  virtual ~Io() = default;

  // "uring", "pwritev2" or "sim": shown to users.
  [[nodiscard]] virtual std::string_view name() const = 0;

  // --- The hot path -------------------------------------------------------------------------
  // Queues one durable write (O_DIRECT + RWF_DSYNC). `bytes`, its size and `offset` are multiples
  // of 4096, lie wholly inside the already zero-written file, and stay valid until completion.
  virtual void submit_write(FileHandle file, std::span<const char> bytes, std::uint64_t offset,
                            std::uint64_t token) = 0;
  // Hands queued writes to the kernel and appends what has completed to `out`; never blocks.
  virtual void poll(std::vector<WriteCompletion>& out) = 0;
  // As poll(), but when nothing has completed, sleeps until a completion, a wake() or `timeout`.
  virtual void wait(Duration timeout, std::vector<WriteCompletion>& out) = 0;
  // Ends a wait() that sleeps now or the next one. Any thread. Cheap when no one sleeps.
  virtual void wake() = 0;
  // Blocks until every submitted write is done; the completions are given by the next poll().
  // For those who must free the bytes of a write in flight.
  virtual void drain() = 0;

  // --- Files: synchronous --------------------------------------------------------------------
  // Creates `path` (it must not exist), writes `size` zero bytes, fsyncs it and its directory.
  virtual Status create_zeroed(const std::string& path, std::uint64_t size) = 0;
  // As create_zeroed(), in small parts. `cancelled` when `pace` gives it up; nothing is left then.
  virtual Status create_zeroed_slowly(const std::string& path, std::uint64_t size,
                                      const Pace& /*pace*/) {
    return create_zeroed(path, size);
  }
  // Opens an existing file for submit_write() and read().
  virtual Result<FileHandle> open(const std::string& path) = 0;
  virtual void close(FileHandle file) = 0;
  virtual Result<std::uint64_t> size(FileHandle file) = 0;
  // Fills `out` from `offset`; fewer bytes only at the end of the file. `out`, its size and the
  // offset are multiples of 4096. Returns the number of bytes read.
  virtual Result<std::uint64_t> read(FileHandle file, std::span<char> out,
                                     std::uint64_t offset) = 0;
  // A durable write that returns when it is done; same rules as submit_write().
  virtual Status write_now(FileHandle file, std::span<const char> bytes, std::uint64_t offset) = 0;
  // Makes durable what read() shows of the file, and the file's name. After a crash of the process
  // alone, a write that was never reported can be seen and still be lost: recovery calls this.
  virtual Status sync(FileHandle file) = 0;
  // Renames within one directory, then fsyncs the directory.
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  // Removes a file, then fsyncs its directory.
  virtual Status remove(const std::string& path) = 0;
  // Names (not paths) of the regular files in `directory`, sorted.
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;
  // Creates `directory` with mode 0700 when missing, and fsyncs its parent.
  virtual Status make_directory(const std::string& directory) = 0;
  // Bytes that the file system below `directory` still has for us.
  virtual Result<std::uint64_t> free_bytes(const std::string& directory) = 0;

  // An Io for the synchronous calls of one background thread; null when everything is to happen
  // on the caller's thread (simulations).
  virtual std::unique_ptr<Io> background() = 0;
};

enum class IoBackend : std::uint8_t { automatic, uring, pwritev2 };

// Creates the real Io on the calling thread, which becomes its owner. `automatic` takes io_uring
// when the kernel allows it and is new enough (5.15.3), probed by a real write and read-back in
// `probe_directory`, else pwritev2; on FUSE always pwritev2, because there the kernel forgets to
// sync what io_uring writes. `unsupported` when the backend asked for can't be had.
[[nodiscard]] Result<std::unique_ptr<Io>> make_io(IoBackend backend,
                                                  const std::string& probe_directory);

}  // namespace ingot::log
