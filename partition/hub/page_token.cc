#include "partition/hub/page_token.h"

#include <ingot/ids.h>

#include <optional>

#include "core/codec.h"

namespace ingot::partition {
namespace {

// The first byte of a token: its kind and version.
constexpr char kIdToken = '1';
constexpr char kCompletionToken = '2';

Status not_ours() {
  return Status(StatusCode::invalid_argument, "the continuation token is not one of ours");
}

constexpr std::string_view kDigits = "0123456789abcdef";

std::optional<std::string> from_hex(std::string_view text) {
  std::string bytes;
  if (text.size() % 2 != 0) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const std::size_t high = kDigits.find(text[i]);
    const std::size_t low = kDigits.find(text[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    bytes.push_back(static_cast<char>(high << 4 | low));
  }
  return bytes;
}

}  // namespace

std::string make_id_token(std::string_view last_id) { return kIdToken + std::string(last_id); }

Result<std::string> read_id_token(const std::string& token) {
  if (token.empty()) return std::string();
  std::string id = token.substr(1);
  if (token.front() != kIdToken || !validate_instance_id(id).ok()) return not_ours();
  return id;
}

// The fields as bytes, in hexadecimal digits.
std::string make_completion_token(const CompletionToken& token) {
  std::string bytes;
  put_zigzag(bytes, token.time.time_since_epoch().count());
  put_bytes(bytes, token.id);
  for (const storage::RecordCursor& cursor : token.from) {
    put_varint(bytes, cursor.pack);
    put_varint(bytes, cursor.index);
  }
  std::string text(1, kCompletionToken);
  for (const char byte : bytes) {
    text.push_back(kDigits[static_cast<unsigned char>(byte) >> 4]);
    text.push_back(kDigits[static_cast<unsigned char>(byte) & 15]);
  }
  return text;
}

Result<CompletionToken> read_completion_token(const std::string& text, std::size_t partitions) {
  const auto bytes = from_hex(std::string_view(text).substr(1));
  if (text.front() != kCompletionToken || !bytes) return not_ours();
  Reader reader(*bytes);
  CompletionToken token;
  token.time = Timestamp(Duration(reader.zigzag()));
  token.id = reader.bytes();
  for (std::size_t p = 0; p < partitions; ++p) {
    storage::RecordCursor& cursor = token.from.emplace_back();
    cursor.pack = reader.varint();
    cursor.index = reader.varint();
  }
  if (!reader.finished()) return not_ours();
  return token;
}

}  // namespace ingot::partition
