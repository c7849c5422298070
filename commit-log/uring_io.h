#pragma once

// UringIo: durable writes with io_uring.
//
// One ring, made on the owning thread with SINGLE_ISSUER|DEFER_TASKRUN where the kernel has them,
// else COOP_TASKRUN, else plain. No SQPOLL, no links (a short write would cancel the chain). An
// eventfd read on the ring lets wake() end a wait().
//
// poll() makes a system call only when there is something to submit, or when the kernel says that
// it holds completions back (IORING_SQ_TASKRUN); looking at the ring costs a load.

#include <memory>

#include "commit-log/posix_files.h"
#include "commit-log/wake_flag.h"

namespace ingot::log {

class UringIo final : public PosixFiles {
 public:
  // `unsupported` when the kernel refuses io_uring or is older than 5.15.3.
  [[nodiscard]] static Result<std::unique_ptr<UringIo>> create();
  ~UringIo() override;

  [[nodiscard]] std::string_view name() const override { return "uring"; }
  void submit_write(FileHandle file, std::span<const char> bytes, std::uint64_t offset,
                    std::uint64_t token) override;
  void poll(std::vector<WriteCompletion>& out) override;
  void wait(Duration timeout, std::vector<WriteCompletion>& out) override;
  void wake() override;
  void drain() override;

 private:
  struct Ring;  // hides liburing.h
  struct Write {
    int descriptor = -1;
    FileHandle handle;
    std::span<const char> bytes;  // what is still to be written
    std::uint64_t offset = 0;
    std::uint64_t token = 0;
    unsigned stalled = 0;  // tries, one after the other, that got less than a block done
  };

  explicit UringIo(std::unique_ptr<Ring> ring);

  void prepare(std::uint32_t slot);
  void arm_wake();
  // Hands prepared entries to the kernel, then reaps.
  void submit();
  // Takes what the ring has completed into `completed_`.
  void reap();
  void complete(std::uint32_t slot, int result);
  void give(std::vector<WriteCompletion>& out);

  std::unique_ptr<Ring> ring_;
  WakeFlag wake_flag_;
  int wake_descriptor_ = -1;
  std::uint64_t wake_value_ = 0;  // the target of the eventfd read
  bool wake_armed_ = false;
  std::vector<Write> writes_;  // slots; `user_data` is the index
  std::vector<std::uint32_t> free_slots_;
  std::uint32_t in_flight_ = 0;
  std::vector<WriteCompletion> completed_;
};

}  // namespace ingot::log
