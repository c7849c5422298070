#pragma once

// Compressor: the rule for when a batch is worth compressing.
//
// The shard's processor time is the scarce resource, and the log is short-lived, so compression
// pays only while the device holds the shard up. That shows without a clock: when one write flies,
// the shard gathers the next batch; only a device slower than the shard lets whole writes of
// batch_bytes_max and more pile up again and again. So:
//
//   - after 8 writes in a row that carry at least batch_bytes_max, the log is *device-bound*;
//     one write that carries less than half of it ends that;
//   - while device-bound, the first 64 KiB of a batch are compressed as a sample; when they shrink
//     to 70 % or less, the batch is compressed, and so are the following ones;
//   - as soon as a batch shrinks to no better than 70 %, the next 64 batches go out as they are.
//
// The rule reads sizes only, so a simulation makes the same bytes from the same seed.

#include <string>

#include "commit-log/batch.h"

namespace ingot::log {

class Compressor {
 public:
  explicit Compressor(std::uint64_t batch_bytes_max) : batch_bytes_max_(batch_bytes_max) {}
  ~Compressor();
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  // Looks at the closed batch `in`; true when `out` (empty before) holds it compressed.
  [[nodiscard]] bool pack(const Batch& in, Batch& out);

 private:
  [[nodiscard]] std::size_t compress(std::string_view payload);

  std::uint64_t batch_bytes_max_;
  std::uint32_t full_writes_ = 0;  // in a row
  std::uint32_t pause_ = 0;        // batches to let through
  bool proven_ = false;            // the last look found a good ratio
  std::string buffer_;
  void* context_ = nullptr;  // ZSTD_CCtx
};

}  // namespace ingot::log
