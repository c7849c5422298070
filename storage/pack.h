#pragma once

// Packs: records of finished instances, compressed together.
//
//   pack    varint bytes | varint records | zstd frame of so many bytes
//   bytes   records, one after the other: varint skipped | bytes id | bytes record
//
// A record is found by its offset in the uncompressed bytes and proved by its id.
//
// A pack most of whose records are dead is written again without them. The n-th pack ever made has
// the number n * 256, and each rewriting has the next one: so packs stay in the order in which they
// were made, and a number never means other bytes. `skipped` is how many records of the first
// writing are left out right before this one: so a record keeps its index, the number of records
// that came before it in the first writing.

#include <ingot/status.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ingot::storage {

// Of one pack uncompressed: bounds what a reader allocates.
inline constexpr std::uint64_t kPackBytesMax = std::uint64_t{1} << 30;

// The number of the n-th pack's first writing, and the other way round.
inline constexpr unsigned kRewriteBits = 8;
[[nodiscard]] constexpr std::uint64_t first_pack_number(std::uint64_t n) {
  return n << kRewriteBits;
}
[[nodiscard]] constexpr std::uint64_t pack_ordinal(std::uint64_t number) {
  return number >> kRewriteBits;
}
// How often it was written again. Each time a quarter of its records is left at most, so that a
// pack of kPackBytesMax is empty long before the numbers end; the last one is never used.
[[nodiscard]] constexpr std::uint64_t pack_rewrites(std::uint64_t number) {
  return number & ((std::uint64_t{1} << kRewriteBits) - 1);
}
inline constexpr std::uint64_t kRewritesMax = (std::uint64_t{1} << kRewriteBits) - 1;

class PackBuilder {
 public:
  explicit PackBuilder(int compression_level);
  ~PackBuilder();
  PackBuilder(PackBuilder&&) noexcept;
  PackBuilder& operator=(PackBuilder&&) noexcept;

  // Appends a record and answers its offset.
  std::uint64_t add(std::string_view id, std::string_view record, std::uint64_t skipped = 0);
  [[nodiscard]] std::size_t bytes() const { return raw_.size(); }
  [[nodiscard]] bool empty() const { return records_ == 0; }
  // The pack, valid until the next call; the builder is empty after it. `internal` when zstd fails.
  Result<std::string_view> finish();
  void clear();

 private:
  struct Compressor;
  std::unique_ptr<Compressor> compressor_;
  std::string raw_;
  std::string packed_;
  std::uint64_t records_ = 0;
};

struct PackHead {
  std::uint64_t bytes = 0;
  std::uint64_t records = 0;
};
// The head alone, from the first chunk of a pack; `rest` is what follows it.
[[nodiscard]] std::optional<PackHead> parse_pack_head(std::string_view pack,
                                                      std::string_view& rest);
// The uncompressed bytes, or nothing when `pack` is no pack.
[[nodiscard]] std::optional<std::string> unpack(std::string_view pack);

struct PackRecord {
  std::string_view id;
  std::string_view record;
  std::uint64_t skipped = 0;
  std::uint64_t end = 0;  // the next record's offset
};
// The record at `offset` of unpacked bytes, or nothing when there is none.
[[nodiscard]] std::optional<PackRecord> record_at(std::string_view unpacked, std::uint64_t offset);

// Which records of a pack no id names any more.
//
//   list   varint records of the pack | varint dead | varint offset of the first dead one |
//          varint difference to the one before, for each further one
struct DeadList {
  std::uint64_t records = 0;
  std::vector<std::uint64_t> offsets;  // ascending

  [[nodiscard]] std::string encode() const;
  // Nothing when `bytes` is no such list.
  static std::optional<DeadList> parse(std::string_view bytes);
};
struct DeadHead {
  std::uint64_t records = 0;
  std::uint64_t dead = 0;
};
// The head alone, from the first bytes of a list.
[[nodiscard]] std::optional<DeadHead> parse_dead_head(std::string_view bytes);

}  // namespace ingot::storage
