#pragma once

// A Bloom filter in blocks of 32 bytes: one cache line a question, eight bits a key (Putze, Sanders
// and Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", 2007). With kBitsPerKey about one
// absent key in 200 is taken for present. A large one asks for huge pages: each question meets
// another page, and the walks of page tables would cost more than the filter's own line.

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

namespace ingot::storage {

class BloomFilter {
 public:
  static constexpr std::uint64_t kBitsPerKey = 12;
  static constexpr std::size_t kBlockBytes = 32;

  BloomFilter() = default;
  explicit BloomFilter(std::uint64_t keys);
  // From bytes(); false when they are no whole blocks.
  static bool parse(std::string_view bytes, BloomFilter& out);

  void add(std::uint64_t hash) {
    std::uint32_t* block = &words_[block_of(hash)];
    for (std::size_t i = 0; i < kWords; ++i) block[i] |= bit_of(hash, i);
  }
  [[nodiscard]] bool may_contain(std::uint64_t hash) const {
    const std::uint32_t* block = &words_[block_of(hash)];
    std::uint32_t missing = 0;
    for (std::size_t i = 0; i < kWords; ++i) missing |= bit_of(hash, i) & ~block[i];
    return missing == 0;
  }
  void prefetch(std::uint64_t hash) const { __builtin_prefetch(&words_[block_of(hash)]); }
  [[nodiscard]] std::string_view bytes() const {
    return {reinterpret_cast<const char*>(words_.get()), blocks_ * kBlockBytes};
  }

 private:
  static constexpr std::size_t kWords = kBlockBytes / sizeof(std::uint32_t);
  struct Free {
    void operator()(std::uint32_t* words) const { std::free(words); }
  };
  static std::uint32_t bit_of(std::uint64_t hash, std::size_t i) {
    constexpr std::uint32_t kSalts[kWords] = {0x47b6137bU, 0x44974d91U, 0x8824ad5bU, 0xa2b7289dU,
                                              0x705495c7U, 0x2df1424bU, 0x9efc4947U, 0x5c6bfb31U};
    return 1U << ((static_cast<std::uint32_t>(hash) * kSalts[i]) >> 27);
  }
  [[nodiscard]] std::size_t block_of(std::uint64_t hash) const {
    return static_cast<std::size_t>(((hash >> 32) * blocks_) >> 32) * kWords;
  }
  void allocate(std::size_t blocks);

  std::unique_ptr<std::uint32_t[], Free> words_;
  std::size_t blocks_ = 0;
};

}  // namespace ingot::storage
