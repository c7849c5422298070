#pragma once

// SimIo: one shard's view of a SimDisk. See sim_disk.h.

#include <deque>

#include "tests/support/sim_disk.h"

namespace ingot::sim {

class SimIo final : public log::Io {
 public:
  // `disk` outlives the Io; so does `watch`, if there is one.
  explicit SimIo(SimDisk& disk, WriteWatch* watch = nullptr);
  ~SimIo() override;

  [[nodiscard]] std::string_view name() const override { return "sim"; }
  void submit_write(log::FileHandle file, std::span<const char> bytes, std::uint64_t offset,
                    std::uint64_t token) override;
  void poll(std::vector<log::WriteCompletion>& out) override;
  // Completes at least one write when one is in flight; else sleeps until a wake() or `timeout`.
  void wait(Duration timeout, std::vector<log::WriteCompletion>& out) override;
  void wake() override;
  void drain() override;

  Status create_zeroed(const std::string& path, std::uint64_t size) override;
  Result<log::FileHandle> open(const std::string& path) override;
  void close(log::FileHandle file) override;
  Result<std::uint64_t> size(log::FileHandle file) override;
  Result<std::uint64_t> read(log::FileHandle file, std::span<char> out,
                             std::uint64_t offset) override;
  Status write_now(log::FileHandle file, std::span<const char> bytes,
                   std::uint64_t offset) override;
  Status sync(log::FileHandle file) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Status make_directory(const std::string& directory) override;
  Result<std::uint64_t> free_bytes(const std::string& directory) override;
  // Null: everything happens on the caller's thread, in an order that the seed decides.
  std::unique_ptr<log::Io> background() override { return nullptr; }

  [[nodiscard]] std::size_t writes_in_flight() const;

 private:
  friend class SimDisk;
  struct OpenFile {
    std::shared_ptr<SimDisk::File> file;
    std::string path;
  };

  [[nodiscard]] bool dead() const { return generation_ != disk_.generation_; }
  // Counts an operation; a failure when it is to fail. `half` may run first when it crashes.
  template <typename Half>
  Status operation(std::string_view what, const std::string& path, const Half& half);
  Status operation(std::string_view what, const std::string& path);
  [[nodiscard]] OpenFile& at(log::FileHandle file);
  void collect(std::vector<log::WriteCompletion>& out);
  void complete_some(bool at_least_one);

  SimDisk& disk_;
  WriteWatch* const watch_;
  std::uint64_t generation_;
  std::deque<OpenFile> files_;
  std::vector<log::WriteCompletion> completions_;
  bool woken_ = false;
};

}  // namespace ingot::sim
