#include <ingot/ids.h>

#include <cstring>

namespace ingot {
namespace {

// Length of the well-formed UTF-8 sequence at the front of `text`, or 0 (Unicode 15, table 3-7).
std::size_t utf8_sequence_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](std::size_t i, unsigned low, unsigned high) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return continues(1, 0x80, 0xBF) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const unsigned low = first == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = first == 0xED ? 0x9F : 0xBF;
    return continues(1, low, high) && continues(2, 0x80, 0xBF) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const unsigned low = first == 0xF0 ? 0x90 : 0x80;
    const unsigned high = first == 0xF4 ? 0x8F : 0xBF;
    return continues(1, low, high) && continues(2, 0x80, 0xBF) && continues(3, 0x80, 0xBF) ? 4 : 0;
  }
  return 0;
}

// How many of the first bytes of `text` are known to be printable ASCII, eight at a time: most ids
// are nothing else.
std::size_t printable_ascii_bytes(std::string_view text) {
  constexpr std::uint64_t kEach = 0x0101010101010101U;
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, sizeof word);
    // In the top bit of each byte: not ASCII, or DEL; and, for ASCII: not a control character.
    const std::uint64_t too_high = word | (word + kEach);
    const std::uint64_t high_enough = word + 0x60 * kEach;
    if (((too_high | ~high_enough) & 0x80 * kEach) != 0) break;
  }
  return at;
}

Status validate_text(std::string_view what, std::string_view text) {
  const auto invalid = [&](std::string why) {
    return Status(StatusCode::invalid_argument, std::string(what) + " " + std::move(why));
  };
  if (text.empty()) return invalid("is empty");
  if (text.size() > kInstanceIdBytesMax) {
    return invalid("has " + std::to_string(text.size()) + " bytes; the limit is " +
                   std::to_string(kInstanceIdBytesMax));
  }
  for (std::size_t at = printable_ascii_bytes(text); at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x20 || byte == 0x7F) {
      return invalid("has a control character at byte " + std::to_string(at));
    }
    const std::size_t bytes = utf8_sequence_bytes(text.substr(at));
    if (bytes == 0) return invalid("is not UTF-8 at byte " + std::to_string(at));
    // U+0080 to U+009F are control characters too.
    if (bytes == 2 && byte == 0xC2 && static_cast<unsigned char>(text[at + 1]) < 0xA0) {
      return invalid("has a control character at byte " + std::to_string(at));
    }
    at += bytes;
  }
  return {};
}

}  // namespace

std::string to_string(ExecutionId id) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(32, '0');
  for (std::size_t i = 0; i < 16; ++i) {
    text[i] = kDigits[(id.high >> (60 - 4 * i)) & 15];
    text[16 + i] = kDigits[(id.low >> (60 - 4 * i)) & 15];
  }
  return text;
}

Result<ExecutionId> parse_execution_id(std::string_view text) {
  ExecutionId id;
  bool valid = text.size() == 32;
  for (std::size_t i = 0; valid && i < text.size(); ++i) {
    const char c = text[i];
    std::uint64_t digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<std::uint64_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<std::uint64_t>(c - 'a' + 10);
    } else {
      valid = false;
    }
    std::uint64_t& half = i < 16 ? id.high : id.low;
    half = half << 4 | digit;
  }
  if (!valid) {
    return Status(StatusCode::invalid_argument, "an execution id is 32 hexadecimal digits");
  }
  return id;
}

Status validate_instance_id(std::string_view id) { return validate_text("the instance id", id); }

Status validate_name(std::string_view what, std::string_view name) {
  return validate_text("the name of the " + std::string(what), name);
}

}  // namespace ingot
