// Packs: heads, zstd frames from outside, and the records in what they unpack to.

#include <zstd.h>

#include "core/codec.h"
#include "storage/pack.h"
#include "tests/fuzz/fuzz.h"

namespace ingot::fuzz {
namespace {

using namespace storage;

void walk(std::string_view unpacked) {
  std::uint64_t at = 0;
  while (const auto record = record_at(unpacked, at)) {
    FUZZ_CHECK(record->end > at && record->end <= unpacked.size());
    PackBuilder again(1);
    static_cast<void>(again.add(record->id, record->record, record->skipped));
    FUZZ_CHECK(again.bytes() <= record->end - at);
    at = record->end;
  }
}

// Bytes as a pack that says so many records.
std::string packed(std::string_view bytes, std::uint64_t records) {
  std::string pack;
  put_varint(pack, bytes.size());
  put_varint(pack, records);
  std::string frame(ZSTD_compressBound(bytes.size()), '\0');
  frame.resize(ZSTD_compress(frame.data(), frame.size(), bytes.data(), bytes.size(), 1));
  return pack + frame;
}

void check_builder(Parts parts) {
  PackBuilder builder(1);
  std::vector<std::string_view> texts;
  std::vector<std::uint64_t> offsets;
  while (parts.more() && offsets.size() < 100) {
    texts.push_back(parts.text());
    texts.push_back(parts.text());
    offsets.push_back(builder.add(texts[texts.size() - 2], texts.back(), offsets.size()));
  }
  const Result<std::string_view> pack = builder.finish();
  FUZZ_CHECK(pack.ok());
  const auto bytes = unpack(*pack);
  FUZZ_CHECK(bytes.has_value());
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    const auto record = record_at(*bytes, offsets[i]);
    FUZZ_CHECK(record && record->id == texts[2 * i] && record->record == texts[2 * i + 1]);
    FUZZ_CHECK(record->skipped == i);
  }
}

}  // namespace

// The first byte says what the rest is: a pack, what a pack unpacks to, or texts to be packed.
void run(std::string_view input) {
  Parts parts(input);
  switch (parts.u8() % 3) {
    case 0: {
      const auto bytes = unpack(parts.rest());
      if (bytes) walk(*bytes);
      return;
    }
    case 1: {
      const std::string_view bytes = parts.rest();
      const auto unpacked = unpack(packed(bytes, bytes.size() / 2));
      FUZZ_CHECK(unpacked && *unpacked == bytes);
      return walk(*unpacked);
    }
    default:
      return check_builder(parts);
  }
}

std::vector<std::string> seeds() {
  PackBuilder builder(1);
  static_cast<void>(builder.add("an id", std::string(300, 'r')));
  static_cast<void>(builder.add("another", "record", 3));
  const std::string pack(*builder.finish());
  return {std::string(1, '\0') + pack, std::string(1, '\1') + *unpack(pack), "\2\5an id\6record\1x",
          std::string(1, '\0') + packed(std::string(5000, 'z'), 7)};
}

}  // namespace ingot::fuzz
