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

inline void put_varint(std::string& out, std::uint64_t value) {
  char buffer[10];
  std::size_t size = 0;
  while (value >= 0x80) {
    buffer[size++] = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  buffer[size++] = static_cast<char>(value);
  out.append(buffer, size);
}

inline void put_zigzag(std::string& out, std::int64_t value) {
  put_varint(out, (static_cast<std::uint64_t>(value) << 1) ^
                      static_cast<std::uint64_t>(value >> 63));
}

inline void put_bytes(std::string& out, std::string_view bytes) {
  put_varint(out, bytes.size());
  out.append(bytes);
}

class Reader {
 public:
  // `bytes` outlives the reader and every view it gives.
  explicit Reader(std::string_view bytes)
      : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

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
