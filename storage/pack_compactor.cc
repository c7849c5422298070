#include "storage/pack_compactor.h"

#include <algorithm>

#include "core/codec.h"
#include "core/try.h"
#include "storage/pack.h"

namespace ingot::storage {
namespace {

// Records looked at: so many for each one that died, and so many in a checkpoint at least and at
// most. A rewritten pack of n records has 3/4 n dead ones, so this keeps up.
constexpr std::uint64_t kRecordsPerDead = 2;
constexpr std::uint64_t kRecordsAtLeast = 4096;
constexpr std::uint64_t kRecordsAtMost = 250'000;
// What a small pack costs at least, in records.
constexpr std::uint64_t kPackCost = 64;
// Dead lists looked at in a checkpoint.
constexpr int kSweptMax = 2048;

bool is_worth(std::uint64_t pack, std::uint64_t records, std::uint64_t dead) {
  return dead < records && dead >= records - records / 4 && pack_rewrites(pack) + 1 < kRewritesMax;
}

}  // namespace

std::vector<std::uint64_t> PackCompactor::begin(bool continued) {
  if (!continued) *this = PackCompactor();
  std::vector<std::uint64_t> packs;
  std::uint64_t left = std::clamp(owed_, kRecordsAtLeast, kRecordsAtMost);
  owed_ -= std::min(owed_, left);
  while (!worth_.empty() && left > 0) {
    const auto first = worth_.begin();
    packs.push_back(first->first);
    left -= std::min(left, first->second + kPackCost);
    worth_.erase(first);
  }
  return packs;
}

Status PackCompactor::sweep(TableReader& reader) {
  for (int i = 0; i < kSweptMax && !swept_; ++i) {
    TreeCursor& cursor = reader.cursor(Table::pack_dead);
    std::string key;
    append_big_endian64(key, swept_to_);
    INGOT_ASSIGN(const bool more, cursor.seek(key));
    if (!more) {
      swept_ = true;
      break;
    }
    key.assign(cursor.key());
    INGOT_ASSIGN(const Unsealed value, reader.unseal_at(Table::pack_dead, cursor));
    Reader payload(value.payload);
    payload.varint();  // the number of chunks
    const auto head = parse_dead_head({payload.at(), payload.remaining()});
    if (!head || !is_key_of(Table::pack_dead, key)) {
      return reader.value_fault(Table::pack_dead, key, "no list of dead records");
    }
    const std::uint64_t pack = big_endian64(key);
    note(pack, head->records, head->dead);
    swept_to_ = pack + 1;
  }
  return {};
}

void PackCompactor::died(std::uint64_t records) { owed_ += records * kRecordsPerDead; }

void PackCompactor::note(std::uint64_t pack, std::uint64_t records, std::uint64_t dead) {
  if (is_worth(pack, records, dead)) {
    worth_[pack] = records;
  } else {
    worth_.erase(pack);
  }
}

}  // namespace ingot::storage
