#include "commit-log/compressor.h"

#include <zstd.h>

#include <algorithm>

#include "core/assert.h"

namespace ingot::log {
namespace {

constexpr std::uint32_t kFullWritesToStart = 8;
constexpr std::uint32_t kPauseBatches = 64;
constexpr std::size_t kSampleBytes = 64U << 10;
constexpr int kLevel = 1;

bool good_ratio(std::uint64_t compressed, std::uint64_t raw) { return compressed * 10 <= raw * 7; }

}  // namespace

Compressor::~Compressor() { ZSTD_freeCCtx(static_cast<ZSTD_CCtx*>(context_)); }

std::size_t Compressor::compress(std::string_view payload) {
  if (context_ == nullptr) context_ = ZSTD_createCCtx();
  if (context_ == nullptr) return payload.size();  // no memory for it: goes out as it is
  const std::size_t bound = ZSTD_compressBound(payload.size());
  if (buffer_.size() < bound) buffer_.resize(bound);
  const std::size_t size =
      ZSTD_compressCCtx(static_cast<ZSTD_CCtx*>(context_), buffer_.data(), buffer_.size(),
                        payload.data(), payload.size(), kLevel);
  return ZSTD_isError(size) != 0 ? payload.size() : size;
}

bool Compressor::pack(const Batch& in, Batch& out) {
  if (in.raw_bytes() >= batch_bytes_max_) {
    if (full_writes_ < kFullWritesToStart) ++full_writes_;
  } else if (in.raw_bytes() < batch_bytes_max_ / 2) {
    full_writes_ = 0;
    proven_ = false;
  }
  if (full_writes_ < kFullWritesToStart) return false;
  if (pause_ != 0) {
    --pause_;
    return false;
  }
  if (!proven_) {
    const std::string_view sample = in.payload(0).substr(0, kSampleBytes);
    if (!good_ratio(compress(sample), sample.size())) {
      pause_ = kPauseBatches;
      return false;
    }
  }
  std::uint64_t packed = 0;
  for (std::size_t i = 0; i < in.frames().size(); ++i) {
    const std::string_view payload = in.payload(i);
    const std::size_t size = compress(payload);
    if (size < payload.size()) {
      out.add_frame(in.frames()[i], {buffer_.data(), size}, kFlagZstd);
    } else {
      out.add_frame(in.frames()[i], payload, 0);
    }
    packed += std::min(size, payload.size());
  }
  proven_ = good_ratio(packed, in.raw_bytes());
  if (!proven_) pause_ = kPauseBatches;
  return true;
}

}  // namespace ingot::log
