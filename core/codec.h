#pragma once

// The byte grammar shared by every format of Ingot.
//
//   fixed32/fixed64   little endian
//   varint            LEB128, unsigned, at most 10 bytes, shortest form not required
//   zigzag            a signed integer folded into a varint (Protocol Buffers' ZigZag)
//   bytes             varint length, then that many bytes
//
// Writers append to a std::string. A Reader walks bytes that may be anything: every length is
// checked against what remains, the first fault makes it fail for good, and each read after that
// gives zero or empty, so that callers check `ok()` once, at the end of a record.

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace ingot {

static_assert(std::endian::native == std::endian::little, "formats are little endian");

inline void put_u8(std::string& out, std::uint8_t value) {
  out.push_back(static_cast<char>(value));
}

inline void put_fixed32(std::string& out, std::uint32_t value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

inline void put_fixed64(std::string& out, std::uint64_t value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// Seven bits of `value` to a byte, eight bytes at once; and back. For values below 2^56.
constexpr std::uint64_t spread_sevens(std::uint64_t value) {
  value = (value & 0x000000000FFFFFFFU) | (value & 0x00FFFFFFF0000000U) << 4;
  value = (value & 0x00003FFF00003FFFU) | (value & 0x0FFFC0000FFFC000U) << 2;
  return (value & 0x007F007F007F007FU) | (value & 0x3F803F803F803F80U) << 1;
}
constexpr std::uint64_t gather_sevens(std::uint64_t bytes) {
  bytes = (bytes & 0x007F007F007F007FU) | (bytes & 0x7F007F007F007F00U) >> 1;
  bytes = (bytes & 0x00003FFF00003FFFU) | (bytes & 0x3FFF00003FFF0000U) >> 2;
  return (bytes & 0x000000000FFFFFFFU) | (bytes & 0x0FFFFFFF00000000U) >> 4;
}

inline constexpr std::size_t kVarintBytesMax = 10;
inline constexpr std::uint64_t kVarintContinues = 0x8080808080808080U;

// Writes `value` at `at`, where kVarintBytesMax bytes are free, and gives the place behind it.
inline char* write_varint(char* at, std::uint64_t value) {
  if (value < 0x80) {
    *at = static_cast<char>(value);
    return at + 1;
  }
  if (value >> 56 == 0) {
    const auto size = static_cast<unsigned>(std::bit_width(value) + 6) / 7;
    const std::uint64_t continues = kVarintContinues & ((std::uint64_t{1} << (8 * size - 8)) - 1);
    const std::uint64_t word = spread_sevens(value) | continues;
    std::memcpy(at, &word, sizeof word);
    return at + size;
  }
  while (value >= 0x80) {
    *at++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *at = static_cast<char>(value);
  return at + 1;
}

inline constexpr std::uint64_t fold_zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

inline void put_varint(std::string& out, std::uint64_t value) {
  char buffer[kVarintBytesMax];
  out.append(buffer, static_cast<std::size_t>(write_varint(buffer, value) - buffer));
}

inline void put_zigzag(std::string& out, std::int64_t value) {
  put_varint(out, fold_zigzag(value));
}

inline void put_bytes(std::string& out, std::string_view bytes) {
  put_varint(out, bytes.size());
  out.append(bytes);
}

class Reader {
 public:
  // `bytes` outlives the reader and every view it gives.
  explicit Reader(std::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  [[nodiscard]] bool ok() const { return ok_; }
  // True when every byte was read and none was missing.
  [[nodiscard]] bool finished() const { return ok_ && at_ == end_; }
  [[nodiscard]] bool more() const { return ok_ && at_ != end_; }
  [[nodiscard]] std::size_t remaining() const { return static_cast<std::size_t>(end_ - at_); }
  [[nodiscard]] const char* at() const { return at_; }
  void fail() {
    ok_ = false;
    at_ = end_;
  }

  std::uint8_t u8() {
    if (at_ == end_) return fail(), std::uint8_t{0};
    return static_cast<std::uint8_t>(*at_++);
  }
  std::uint32_t fixed32() { return fixed<std::uint32_t>(); }
  std::uint64_t fixed64() { return fixed<std::uint64_t>(); }

  std::uint64_t varint() {
    if (at_ != end_ && static_cast<unsigned char>(*at_) < 0x80) [[likely]] {
      return static_cast<unsigned char>(*at_++);
    }
    return long_varint();
  }
  // A varint that must fit in 32 bits.
  std::uint32_t varint32() {
    const std::uint64_t value = varint();
    if (value > UINT32_MAX) return fail(), 0U;
    return static_cast<std::uint32_t>(value);
  }
  std::int64_t zigzag() {
    const std::uint64_t folded = varint();
    return static_cast<std::int64_t>(folded >> 1) ^ -static_cast<std::int64_t>(folded & 1);
  }
  std::string_view bytes() { return raw(varint()); }
  std::string_view raw(std::uint64_t size) {
    if (size > remaining()) return fail(), std::string_view{};
    const std::string_view view(at_, static_cast<std::size_t>(size));
    at_ += size;
    return view;
  }

 private:
  template <typename T>
  T fixed() {
    T value = 0;
    if (remaining() < sizeof value) return fail(), value;
    std::memcpy(&value, at_, sizeof value);
    at_ += sizeof value;
    return value;
  }

  std::uint64_t long_varint() {
    std::uint64_t word = 0;
    if (remaining() >= sizeof word) [[likely]] {
      std::memcpy(&word, at_, sizeof word);
      const std::uint64_t ends = ~word & kVarintContinues;
      if (ends != 0) [[likely]] {
        at_ += std::countr_zero(ends) / 8 + 1;
        return gather_sevens(word & (ends ^ (ends - 1)));
      }
    }
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 70 && at_ != end_; shift += 7) {
      const auto byte = static_cast<unsigned char>(*at_++);
      if (shift == 63 && byte > 1) break;  // would not fit in 64 bits
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    fail();
    return 0;
  }

  const char* at_;
  const char* end_;
  bool ok_ = true;
};

}  // namespace ingot
