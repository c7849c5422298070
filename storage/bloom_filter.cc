#include "storage/bloom_filter.h"

#include <sys/mman.h>

#include <cstring>
#include <new>

namespace ingot::storage {

void BloomFilter::allocate(std::size_t blocks) {
  constexpr std::size_t kLine = 64;
  constexpr std::size_t kHugePage = std::size_t{2} << 20;
  const std::size_t bytes = blocks * kBlockBytes;
  const std::size_t alignment = bytes >= kHugePage ? kHugePage : kLine;
  const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  words_.reset(static_cast<std::uint32_t*>(std::aligned_alloc(alignment, rounded)));
  if (words_ == nullptr) throw std::bad_alloc();
  // Advice only: without huge pages it works as well, slower.
  if (alignment == kHugePage) ::madvise(words_.get(), rounded, MADV_HUGEPAGE);
  blocks_ = blocks;
}

BloomFilter::BloomFilter(std::uint64_t keys) {
  allocate(keys * kBitsPerKey / (kBlockBytes * 8) + 1);
  std::memset(words_.get(), 0, blocks_ * kBlockBytes);
}

bool BloomFilter::parse(std::string_view bytes, BloomFilter& out) {
  if (bytes.empty() || bytes.size() % kBlockBytes != 0) return false;
  out.allocate(bytes.size() / kBlockBytes);
  std::memcpy(out.words_.get(), bytes.data(), bytes.size());
  return true;
}

}  // namespace ingot::storage
