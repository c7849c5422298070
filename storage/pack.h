#pragma once

// Packs: records of finished instances, compressed together.
//
//   pack    varint bytes | varint records | zstd frame of so many bytes
//   bytes   records, one after the other: bytes id | bytes record
//
// A record is found by its offset in the uncompressed bytes and proved by its id.

#include <ingot/status.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace ingot::storage {

// Of one pack uncompressed: bounds what a reader allocates.
inline constexpr std::uint64_t kPackBytesMax = std::uint64_t{256} << 20;

class PackBuilder {
 public:
  explicit PackBuilder(int compression_level);
  ~PackBuilder();
  PackBuilder(PackBuilder&&) noexcept;
  PackBuilder& operator=(PackBuilder&&) noexcept;

  // Appends a record and answers its offset.
  std::uint64_t add(std::string_view id, std::string_view record);
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
  std::uint64_t end = 0;  // the next record's offset
};
// The record at `offset` of unpacked bytes, or nothing when there is none.
[[nodiscard]] std::optional<PackRecord> record_at(std::string_view unpacked, std::uint64_t offset);

}  // namespace ingot::storage
