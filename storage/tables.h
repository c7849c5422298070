#pragma once

// The tables of a store's file, how each value is sealed, and the meta row that ties all together.
//
//   value  fixed32 crc | varint generation | payload
//          crc = CRC-32C of (u8 table, key, fixed64 generation, payload)
//
// A value is right only under its own key, in its own table, and with a generation that is not
// after the meta row's: a misplaced, stale or flipped one is refused. Each table has a header value
// (key 00) rewritten by every checkpoint that changes the table, whose generation the meta row
// repeats, so that an old root of a tree cannot pass for the present one. The meta row repeats
// LMDB's transaction and its counts of each tree as well, and holds for each table the number of
// values and a hash of all (key, crc) that does not depend on their order.

#include <ingot/ids.h>
#include <ingot/status.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/page_file.h"

namespace ingot::storage {

inline constexpr std::uint32_t kFormatVersion = 2;

// The numbers are part of the format. EntryTable n is Table entries_1 + n - 1.
enum class Table : std::uint8_t {
  meta = 0,  // LMDB's main tree: the meta row and the descriptions of the other trees
  rows = 1,
  packs = 2,
  pack_dead = 3,
  id_blocks = 4,
  run_parts = 5,
  blobs = 6,
  entries_1 = 7,
  entries_2 = 8,
  entries_3 = 9,
};
inline constexpr std::size_t kTableCount = 10;
inline constexpr std::size_t kEntryTables = 3;
inline constexpr std::array<const char*, kTableCount> kTableNames = {
    "meta",      "rows",  "packs",     "pack_dead", "id_blocks",
    "run_parts", "blobs", "entries_1", "entries_2", "entries_3"};

inline constexpr std::string_view kMetaKey = "ingot";
inline constexpr std::string_view kHeaderKey{"\0", 1};
// The largest value that still leaves room for two in a 4 KiB page with a key of 30 bytes.
inline constexpr std::size_t kValueBytesMax = 2000;
// Of payload in one value of something chunked, leaving room for crc, generation and count.
inline constexpr std::size_t kChunkBytes = 1970;
// LMDB's longest key.
inline constexpr std::size_t kKeyBytesMax = 511;
// Of one row, blob, pack or run part: bounds what a reader allocates.
inline constexpr std::size_t kChunkedBytesMax = std::size_t{1} << 30;

// Appends the sealed value to `out` and answers its crc.
std::uint32_t seal(Table table, std::string_view key, std::uint64_t generation,
                   std::string_view payload, std::string& out);

struct Unsealed {
  std::uint32_t crc = 0;
  std::uint64_t generation = 0;
  std::string_view payload;
};
// False when `value` is not what seal() made for this key, or is newer than `generation_max`.
[[nodiscard]] bool unseal(Table table, std::string_view key, std::string_view value,
                          std::uint64_t generation_max, Unsealed& out);
// What one value adds to its table's hash.
[[nodiscard]] std::uint64_t value_hash(std::string_view key, std::uint32_t crc);

void append_big_endian64(std::string& out, std::uint64_t value);
void append_big_endian32(std::string& out, std::uint32_t value);
[[nodiscard]] std::uint64_t big_endian64(std::string_view bytes);

// "table rows, key 00ff..": for messages.
[[nodiscard]] std::string describe(Table table, std::string_view key);

// Whether values of `table` lie under such keys; its header does not count.
[[nodiscard]] bool is_key_of(Table table, std::string_view key);

// A range of ids' block numbers.
struct BlockRange {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
};

struct TableSummary {
  std::uint64_t values = 0;  // without the header
  std::uint64_t hash = 0;
  std::uint64_t generation = 0;  // of the header
  // As LMDB counts.
  std::uint16_t depth = 0;
  std::uint64_t branch_pages = 0;
  std::uint64_t leaf_pages = 0;
  std::uint64_t overflow_pages = 0;
};

struct RunReference {
  std::uint64_t number = 0;
  std::uint32_t level = 0;
};
// Far beyond what merging comes to: each level's runs are several of the one below.
inline constexpr std::uint32_t kRunLevelMax = 64;

// The meta row.
struct StoreMeta {
  std::uint64_t hub_id = 0;
  PartitionId partition;
  std::uint64_t generation = 0;
  std::uint64_t transaction = 0;
  Position position;
  std::uint64_t next_block = 1;
  std::uint64_t next_pack = 1;
  std::uint64_t next_run = 1;
  std::uint64_t rows = 0;
  std::uint64_t ids = 0;
  std::uint64_t records = 0;
  std::array<TableSummary, kTableCount> tables;
  std::vector<RunReference> runs;   // oldest first
  std::vector<BlockRange> garbage;  // blocks of runs that were merged, to be deleted

  TableSummary& table(Table t) { return tables[static_cast<std::size_t>(t)]; }
  [[nodiscard]] const TableSummary& table(Table t) const {
    return tables[static_cast<std::size_t>(t)];
  }
  void encode(std::string& out) const;
  // `unsupported` for another format version, `corrupt` for bytes that are no meta row.
  Status decode(std::string_view bytes);
};

}  // namespace ingot::storage
