#include "tools/ingotd/grpc/completion_token.h"

#include "core/codec.h"
#include "core/hash.h"

namespace ingot::server {
namespace {

constexpr std::size_t kBytes = 40;
constexpr std::string_view kDigits = "0123456789abcdef";

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

bool CompletionToken::is_of(std::string_view instance_id) const {
  return instance_hash == hash64(instance_id);
}

std::string TokenMaker::make(const WorkItemToken& item, std::string_view instance_id) const {
  std::string bytes;
  put_fixed32(bytes, item.partition);
  put_fixed64(bytes, item.sequence);
  put_fixed64(bytes, item.lock);
  put_fixed32(bytes, static_cast<std::uint32_t>(item.task_id));
  put_fixed64(bytes, hash64(instance_id));
  put_fixed64(bytes, hash64(bytes, secret_));
  std::string text;
  text.reserve(kBytes * 2);
  for (const char c : bytes) {
    text += kDigits[static_cast<unsigned char>(c) >> 4U];
    text += kDigits[static_cast<unsigned char>(c) & 15U];
  }
  return text;
}

std::optional<CompletionToken> TokenMaker::read(std::string_view text) const {
  if (text.size() != kBytes * 2) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit_of(text[i]);
    const int low = digit_of(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high << 4 | low);
  }
  Reader reader(bytes);
  CompletionToken token;
  token.item.partition = reader.fixed32();
  token.item.sequence = reader.fixed64();
  token.item.lock = reader.fixed64();
  token.item.task_id = static_cast<std::int32_t>(reader.fixed32());
  token.instance_hash = reader.fixed64();
  const std::uint64_t check = reader.fixed64();
  if (check != hash64(std::string_view(bytes).substr(0, kBytes - 8), secret_)) return std::nullopt;
  return token;
}

}  // namespace ingot::server
