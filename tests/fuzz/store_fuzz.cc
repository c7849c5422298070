// Values of the checkpoint file: seals, the meta row, lists of dead records, filters.

#include "storage/bloom_filter.h"
#include "storage/pack.h"
#include "storage/tables.h"
#include "tests/fuzz/fuzz.h"

namespace ingot::fuzz {
namespace {

using namespace storage;

constexpr std::uint64_t kGeneration = 1'000'000;

// A sealed value is right in its place and nowhere else.
void check_seal(std::string_view input) {
  Parts parts(input);
  const auto table = static_cast<Table>(parts.u8() % kTableCount);
  const std::uint64_t generation = parts.u64() % (kGeneration + 1);
  // No key of LMDB's is longer, and the one below has another byte.
  const std::string_view key = parts.text().substr(0, kKeyBytesMax - 1);
  const std::string_view payload = parts.rest();
  std::string value;
  const std::uint32_t crc = seal(table, key, generation, payload, value);
  Unsealed opened;
  FUZZ_CHECK(unseal(table, key, value, kGeneration, opened));
  FUZZ_CHECK(opened.crc == crc && opened.generation == generation && opened.payload == payload);
  const auto other = static_cast<Table>((static_cast<std::size_t>(table) + 1) % kTableCount);
  FUZZ_CHECK(!unseal(other, key, value, kGeneration, opened));
  FUZZ_CHECK(!unseal(table, std::string(key) + "x", value, kGeneration, opened));
  FUZZ_CHECK(generation == 0 || !unseal(table, key, value, generation - 1, opened));
  const std::size_t at = payload.size() % value.size();
  value[at] = static_cast<char>(value[at] ^ 0x10);
  FUZZ_CHECK(!unseal(table, key, value, kGeneration, opened));
}

void check_meta(std::string_view input) {
  StoreMeta meta;
  if (const Status status = meta.decode(input); !status.ok()) {
    FUZZ_CHECK(status.code() == StatusCode::corrupt || status.code() == StatusCode::unsupported);
    return;
  }
  std::string bytes;
  meta.encode(bytes);
  StoreMeta again;
  FUZZ_CHECK(again.decode(bytes).ok());
  std::string copied;
  again.encode(copied);
  FUZZ_CHECK(copied == bytes && again.position == meta.position && bytes.size() <= input.size());
}

void check_dead_list(std::string_view input) {
  const auto list = DeadList::parse(input);
  if (!list) return;
  const auto again = DeadList::parse(list->encode());
  FUZZ_CHECK(again && again->records == list->records && again->offsets == list->offsets);
  const auto head = parse_dead_head(input);
  FUZZ_CHECK(head && head->records == list->records && head->dead == list->offsets.size());
  for (std::size_t i = 1; i < list->offsets.size(); ++i) {
    FUZZ_CHECK(list->offsets[i - 1] < list->offsets[i]);
  }
}

void check_filter(std::string_view input) {
  BloomFilter filter;
  if (!BloomFilter::parse(input, filter)) return;
  FUZZ_CHECK(filter.bytes() == input);
  Parts parts(input);
  const std::uint64_t hash = parts.u64();
  filter.add(hash);
  FUZZ_CHECK(filter.may_contain(hash));
}

}  // namespace

void run(std::string_view input) {
  check_seal(input);
  check_meta(input);
  check_dead_list(input);
  check_filter(input);
}

std::vector<std::string> seeds() {
  std::vector<std::string> all;
  StoreMeta meta;
  meta.hub_id = 42;
  meta.generation = 300;
  meta.position = Position(7000);
  meta.table(Table::rows).values = 9;
  meta.table(Table::rows).depth = 2;
  std::string bytes;
  meta.encode(bytes);
  all.push_back(bytes);
  meta.runs = {{1, 2}, {3, 0}};
  meta.garbage = {{5, 6}};
  bytes.clear();
  meta.encode(bytes);
  all.push_back(bytes);
  DeadList list;
  list.records = 10;
  list.offsets = {0, 5, 300, 4000};
  all.push_back(list.encode());
  BloomFilter filter(10);
  filter.add(0x123456789ABCDEF);
  all.emplace_back(filter.bytes());
  all.emplace_back(std::string("\x01\x05\0\0\0\0\0\0\0\x03keypayload", 19));
  return all;
}

}  // namespace ingot::fuzz
