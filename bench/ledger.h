#pragma once

// Ledger: what a client was told, kept outside the hub, so that another process can prove after a
// crash that the hub still holds it.
//
//   S <id>            the start of the instance was acknowledged
//   C <id> <output>   its completion was seen, with this output (\\ and \n are escaped)
//
// Invariants:
//   - a line is written after the acknowledgement, never before, so each is a promise of the hub's;
//   - lines reach the file within milliseconds, through one thread, whole unless it is the last: a
//     killed process loses the last few at most, which proves less but nothing wrong.

#include <ingot/status.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace ingot::bench {

class Ledger {
 public:
  // Lines of one thread on their way to the file; lives as long as its ledger.
  class Buffer {
   public:
    void started(std::string_view id);
    void completed(std::string_view id, std::string_view output);

   private:
    friend class Ledger;
    std::mutex mutex_;
    std::string lines_;
  };

  // Appends to `path`, creating it when missing; an unfinished last line is cut off first.
  [[nodiscard]] static Result<std::unique_ptr<Ledger>> open(const std::string& path);
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  // A buffer for the calling thread. Any thread.
  [[nodiscard]] Buffer& add_buffer();
  // Writes what is left and closes the file. io_error, also of any write before.
  Status close();

 private:
  Ledger(std::string path, int fd);
  void run();
  void write_out();

  const std::string path_;
  int fd_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Buffer>> buffers_;
  std::string writing_;
  Status failure_;
  std::atomic<bool> stop_ = false;
  std::thread writer_;
};

struct LedgerEntry {
  std::string id;
  std::optional<std::string> output;  // present when the completion was seen
};

// One entry for each instance of the ledger in `path`, by id in ascending byte order. An unfinished
// last line is ignored. not_found, io_error; corrupt for a line that is none, or two outputs.
[[nodiscard]] Result<std::vector<LedgerEntry>> read_ledger(const std::string& path);

}  // namespace ingot::bench
