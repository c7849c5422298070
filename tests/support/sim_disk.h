#pragma once

// SimDisk: a simulated disk under any number of SimIo, one for each shard.
//
// What is *durable* survives crash(); what is only *visible* (a write that failed half-way, a write
// that a killed process left in the kernel) is resolved by the seed, sector by sector of 512 bytes.
// Writes in flight at a crash are dropped, done, or torn in any order. The same seed and the same
// calls give the same disk.
//
//   SimDisk disk(seed);
//   SimIo io(disk);            // dies with the next crash(): every call answers io_error then
//   ... disk.crash();
//   SimIo again(disk);
//
// Thread-safe, so that several shards may share a disk; deterministic when one thread uses it.

#include <array>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "commit-log/io.h"
#include "core/random.h"

namespace ingot::sim {

class SimIo;

// Sees the writes of a SimIo as the device does them. Must not call the disk.
class WriteWatch {
 public:
  virtual ~WriteWatch() = default;
  // A write begins. Not durable yet.
  virtual void on_submit(std::uint64_t token, std::span<const char> bytes) = 0;
  // All of the write that began last with this token is on the media; nobody has heard of it yet.
  virtual void on_durable(std::uint64_t token) = 0;
};

class SimDisk {
 public:
  explicit SimDisk(std::uint64_t seed) : random_(seed) {}
  SimDisk(const SimDisk&) = delete;
  SimDisk& operator=(const SimDisk&) = delete;

  // --- Faults -----------------------------------------------------------------------------------
  // Power loss: everything that is not durable is lost or torn; every SimIo made before is dead.
  void crash();
  // The process dies, the machine lives: writes in flight are done or dropped as a whole, visible
  // but not durable until somebody syncs the file. Every SimIo made before is dead.
  void kill();
  // The `nth` operation from now on (1: the next one) fails with `error`; writes may tear.
  void fail_operation(std::uint64_t nth, int error);
  // As above, counting asynchronous writes only.
  void fail_write(std::uint64_t nth, int error);
  // The `nth` operation from now on is cut short by a power loss.
  void crash_at_operation(std::uint64_t nth);
  [[nodiscard]] bool crashed() const;
  // Bytes that the files may take together; creating more gives disk_full. Nothing: no limit.
  void set_capacity(std::optional<std::uint64_t> bytes);
  [[nodiscard]] std::uint64_t used() const;
  // Reads that touch this range fail with EIO until clear_faults().
  void fail_reads(const std::string& path, std::uint64_t offset, std::uint64_t size);
  // Takes back every fault that was planned and has not happened.
  void clear_faults();
  // The `nth` write from now on is reported durable and never happens (a lying device).
  void lose_write(std::uint64_t nth);
  // When on, poll() completes every write at once; when off (the default), the seed decides when
  // and in what order.
  void set_prompt(bool prompt);
  // A write that is not prompt ends at one in so many polls.
  void set_slowness(std::uint64_t polls);

  // --- The files themselves ---------------------------------------------------------------------
  void flip_bit(const std::string& path, std::uint64_t offset, unsigned bit);
  void overwrite(const std::string& path, std::uint64_t offset, std::string_view bytes);
  void resize(const std::string& path, std::uint64_t size);
  void remove_file(const std::string& path);
  [[nodiscard]] std::string read_file(const std::string& path) const;
  [[nodiscard]] std::uint64_t file_size(const std::string& path) const;
  [[nodiscard]] std::vector<std::string> paths() const;
  [[nodiscard]] std::uint64_t operations() const;
  // Counts crashes: a SimIo of an earlier one is dead.
  [[nodiscard]] std::uint64_t generation() const;
  // A hash of every name, size and byte, as reads see them.
  [[nodiscard]] std::uint64_t fingerprint() const;
  // An independent copy of all files, or those below `folder`, with a seed of its own. No SimIo is
  // carried over.
  [[nodiscard]] std::unique_ptr<SimDisk> clone(std::uint64_t seed,
                                               const std::string& folder = {}) const;

 private:
  friend class SimIo;

  static constexpr std::uint64_t kBlockBytes = 4096;
  static constexpr std::uint64_t kSectorBytes = 512;
  using Block = std::array<char, kBlockBytes>;

  struct File {
    std::uint64_t size = 0;
    std::map<std::uint64_t, Block> durable;  // by block number; an absent block is zeros
    std::map<std::uint64_t, Block> visible;  // what reads see instead, until synced or lost
  };
  struct PendingWrite {
    SimIo* io;
    std::shared_ptr<File> file;
    std::span<const char> bytes;
    std::uint64_t offset;
    std::uint64_t token;
    int error;  // 0: it will succeed
    bool lost;
  };
  enum class Fate : std::uint8_t { fine, fails, crashes };

  // All of these with mutex_ held.
  Fate count_operation(int& error);
  void crash_locked();
  void kill_locked();
  void write_block_part(File& file, bool durable, std::uint64_t offset, std::string_view bytes);
  void write(File& file, bool durable, std::uint64_t offset, std::span<const char> bytes);
  void tear(File& file, std::uint64_t offset, std::span<const char> bytes);
  void sync(File& file);
  void complete(std::size_t index);
  [[nodiscard]] std::shared_ptr<File> find(const std::string& path) const;
  [[nodiscard]] std::uint64_t used_bytes() const;
  [[nodiscard]] static std::string content(const File& file);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Random random_;
  std::map<std::string, std::shared_ptr<File>> files_;
  std::set<std::string> directories_;
  std::vector<PendingWrite> pending_;
  std::map<std::string, std::vector<std::pair<std::uint64_t, std::uint64_t>>> read_faults_;
  std::uint64_t generation_ = 0;  // of the incarnations; a SimIo of an earlier one is dead
  std::uint64_t operations_ = 0;
  std::uint64_t writes_ = 0;
  std::uint64_t fail_operation_at_ = 0;
  std::uint64_t fail_write_at_ = 0;
  std::uint64_t crash_at_ = 0;
  std::uint64_t lose_write_at_ = 0;
  int fail_operation_error_ = 0;
  int fail_write_error_ = 0;
  std::optional<std::uint64_t> capacity_;
  std::uint64_t slowness_ = 2;
  bool prompt_ = false;
};

}  // namespace ingot::sim
