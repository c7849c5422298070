#include "storage/tables.h"

#include "core/codec.h"
#include "core/crc32c.h"
#include "core/hash.h"
#include "core/planted_bug.h"
#include "storage/id_run.h"
#include "storage/pack.h"

namespace ingot::storage {
namespace {

std::uint32_t binding_crc(Table table, std::string_view key, std::uint64_t generation,
                          std::string_view payload) {
  char binding[1 + kKeyBytesMax + sizeof generation];
  binding[0] = static_cast<char>(table);
  key = key.substr(0, kKeyBytesMax);
  std::memcpy(binding + 1, key.data(), key.size());
  std::memcpy(binding + 1 + key.size(), &generation, sizeof generation);
  const std::uint32_t crc = crc32c({binding, 1 + key.size() + sizeof generation});
  return crc32c(payload, crc);
}

}  // namespace

std::uint32_t seal(Table table, std::string_view key, std::uint64_t generation,
                   std::string_view payload, std::string& out) {
  const std::uint32_t crc = binding_crc(table, key, generation, payload);
  put_fixed32(out, crc);
  put_varint(out, generation);
  out.append(payload);
  return crc;
}

bool unseal(Table table, std::string_view key, std::string_view value, std::uint64_t generation_max,
            Unsealed& out) {
  Reader reader(value);
  out.crc = reader.fixed32();
  out.generation = reader.varint();
  if (!reader.ok() || out.generation > generation_max) return false;
  out.payload = {reader.at(), reader.remaining()};
  // The generation has one form only: a longer varint would be another value with the same crc.
  std::size_t shortest = 1;
  for (std::uint64_t rest = out.generation; rest >= 0x80; rest >>= 7) ++shortest;
  if (value.size() - out.payload.size() != sizeof out.crc + shortest) return false;
  return binding_crc(table, key, out.generation, out.payload) == out.crc ||
         INGOT_PLANTED(kTrustValues);
}

std::uint64_t value_hash(std::string_view key, std::uint32_t crc) { return hash64(key, crc); }

void append_big_endian64(std::string& out, std::uint64_t value) {
  const std::uint64_t swapped = __builtin_bswap64(value);
  out.append(reinterpret_cast<const char*>(&swapped), sizeof swapped);
}

void append_big_endian32(std::string& out, std::uint32_t value) {
  const std::uint32_t swapped = __builtin_bswap32(value);
  out.append(reinterpret_cast<const char*>(&swapped), sizeof swapped);
}

std::uint64_t big_endian64(std::string_view bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data(), sizeof value);
  return __builtin_bswap64(value);
}

std::string describe(Table table, std::string_view key) {
  std::string text = "table ";
  text += kTableNames[static_cast<std::size_t>(table)];
  text += ", key ";
  constexpr std::size_t kShown = 24;
  for (const char c : key.substr(0, kShown)) {
    constexpr std::string_view digits = "0123456789abcdef";
    text += digits[static_cast<unsigned char>(c) >> 4];
    text += digits[static_cast<unsigned char>(c) & 15];
  }
  if (key.size() > kShown) text += "..";
  return text;
}

bool is_key_of(Table table, std::string_view key) {
  constexpr std::size_t kNumber = sizeof(std::uint64_t);
  constexpr std::size_t kChunk = sizeof(std::uint32_t);
  switch (table) {
    case Table::rows:
      return key.size() == kNumber + kChunk;
    case Table::packs:
    case Table::pack_dead: {
      if (key.size() != kNumber + kChunk) return false;
      const std::uint64_t number = big_endian64(key);
      return pack_ordinal(number) > 0 && pack_rewrites(number) < kRewritesMax;
    }
    case Table::id_blocks:
      return key.size() == kNumber;
    case Table::run_parts: {
      if (key.size() != kNumber + 1 + kChunk) return false;
      const auto part = static_cast<unsigned char>(key[kNumber]);
      return part >= 1 && part <= IdRun::kParts;
    }
    case Table::blobs: {
      constexpr std::size_t kNameAt = 1 + sizeof(std::uint32_t);
      if (key.size() < kNameAt + kChunk || key[0] != 1) return false;
      std::string length;
      append_big_endian32(length, static_cast<std::uint32_t>(key.size() - kNameAt - kChunk));
      return key.substr(1, length.size()) == length;
    }
    default:  // an entry's key goes on as it likes
      return key.starts_with('\x01');
  }
}

void StoreMeta::encode(std::string& out) const {
  put_varint(out, kFormatVersion);
  put_fixed64(out, hub_id);
  put_varint(out, partition.value);
  for (const std::uint64_t value : {generation, transaction, position.value, next_block, next_pack,
                                    next_run, rows, ids, records}) {
    put_varint(out, value);
  }
  for (const TableSummary& table : tables) {
    put_varint(out, table.values);
    put_fixed64(out, table.hash);
    put_varint(out, table.generation);
    put_varint(out, table.depth);
    put_varint(out, table.branch_pages);
    put_varint(out, table.leaf_pages);
    put_varint(out, table.overflow_pages);
  }
  put_varint(out, runs.size());
  for (const RunReference& run : runs) {
    put_varint(out, run.number);
    put_varint(out, run.level);
  }
  put_varint(out, garbage.size());
  for (const BlockRange& range : garbage) {
    put_varint(out, range.first);
    put_varint(out, range.count);
  }
}

Status StoreMeta::decode(std::string_view bytes) {
  Reader reader(bytes);
  const std::uint32_t version = reader.varint32();
  if (reader.ok() && version != kFormatVersion) {
    return {StatusCode::unsupported, "format version " + std::to_string(version) +
                                         "; this build reads " + std::to_string(kFormatVersion)};
  }
  hub_id = reader.fixed64();
  partition = PartitionId(reader.varint32());
  for (std::uint64_t* value : {&generation, &transaction, &position.value, &next_block, &next_pack,
                               &next_run, &rows, &ids, &records}) {
    *value = reader.varint();
  }
  for (TableSummary& table : tables) {
    table.values = reader.varint();
    table.hash = reader.fixed64();
    table.generation = reader.varint();
    table.depth = static_cast<std::uint16_t>(reader.varint32());
    table.branch_pages = reader.varint();
    table.leaf_pages = reader.varint();
    table.overflow_pages = reader.varint();
  }
  for (std::uint64_t left = reader.varint(); left > 0 && reader.ok(); --left) {
    RunReference run;
    run.number = reader.varint();
    run.level = reader.varint32();
    runs.push_back(run);
  }
  for (std::uint64_t left = reader.varint(); left > 0 && reader.ok(); --left) {
    BlockRange range;
    range.first = reader.varint();
    range.count = reader.varint();
    garbage.push_back(range);
  }
  if (!reader.finished()) return {StatusCode::corrupt, "the meta row does not parse"};
  return {};
}

}  // namespace ingot::storage
