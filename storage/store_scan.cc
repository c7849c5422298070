#include "storage/store_scan.h"

#include <algorithm>

#include "core/try.h"
#include "storage/id_reverse_cursor.h"

namespace ingot::storage {
namespace {

// A record that a scan has found the id of.
struct Wanted {
  std::uint64_t pack;
  std::uint64_t offset;
  std::size_t index;  // in the answer
};

class IdScan {
 public:
  IdScan(std::string_view prefix, std::string_view after, std::size_t limit, ScanRecords records)
      : prefix_(prefix), after_(after), limit_(limit), records_(records) {}

  [[nodiscard]] bool full() const { return found_.size() == limit_; }
  // Takes an entry of the merged runs. False when no further one can have the prefix.
  bool take(const IdEntry& entry) {
    if (!entry.id.starts_with(prefix_)) return false;
    if (entry.kind == IdKind::tombstone || (!after_.empty() && entry.id == after_)) return true;
    const bool row = entry.kind == IdKind::row;
    if (!row && records_ == ScanRecords::read)
      wanted_.push_back({entry.place, entry.offset, found_.size()});
    found_.push_back({std::string(entry.id), {SequenceNumber(row ? entry.place : 0), {}}});
    return true;
  }
  // Reads the records, pack by pack.
  Result<std::vector<ScannedId>> finish(const StoreCore& core, TableReader& reader) {
    std::sort(wanted_.begin(), wanted_.end(), [](const Wanted& a, const Wanted& b) {
      return a.pack != b.pack ? a.pack < b.pack : a.offset < b.offset;
    });
    std::uint64_t pack = 0;
    std::shared_ptr<const std::string> bytes;
    for (const Wanted& wanted : wanted_) {
      if (!bytes || wanted.pack != pack) {
        INGOT_ASSIGN(bytes, load_pack(core, reader, wanted.pack));
        pack = wanted.pack;
      }
      ScannedId& found = found_[wanted.index];
      const IdEntry entry{found.id, IdKind::record, wanted.pack, wanted.offset};
      INGOT_ASSIGN(const std::string_view record, record_of(reader, entry, *bytes));
      found.located.record.assign(record);
    }
    return std::move(found_);
  }

 private:
  std::string_view prefix_;
  std::string_view after_;
  std::size_t limit_;
  ScanRecords records_;
  std::vector<ScannedId> found_;
  std::vector<Wanted> wanted_;
};

// The least string that is greater than all that begin with `prefix`; empty when there is none.
std::string end_of(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

// A record that its id names, in its pack.
struct Living {
  std::uint64_t index;
  std::uint64_t offset;
};

Result<std::vector<Living>> living_in(TableReader& reader, std::uint64_t pack,
                                      std::string_view bytes) {
  INGOT_ASSIGN(const auto dead, read_dead_list(reader, pack));
  std::vector<Living> living;
  std::size_t died = 0;
  std::uint64_t index = 0;
  for (std::uint64_t at = 0; at < bytes.size(); ++index) {
    const auto record = record_at(bytes, at);
    if (!record) return reader.value_fault(Table::packs, number_key(pack), "does not unpack");
    index += record->skipped;
    if (dead && died < dead->offsets.size() && dead->offsets[died] == at) {
      ++died;
    } else {
      living.push_back({index, at});
    }
    at = record->end;
  }
  if (dead && died != dead->offsets.size()) {
    return reader.value_fault(Table::pack_dead, number_key(pack), "not the pack's records");
  }
  return living;
}

// The number of the first pack at or behind `number`, or of the last one before it.
Result<std::optional<std::uint64_t>> pack_near(TableReader& reader, std::uint64_t number,
                                               ScanOrder order) {
  TreeCursor& cursor = reader.cursor(Table::packs);
  const auto number_at = [&](bool found) -> Result<std::optional<std::uint64_t>> {
    if (!found) return std::optional<std::uint64_t>{};
    INGOT_TRY(reader.unseal_at(Table::packs, cursor).take_status());
    if (cursor.key() == kHeaderKey) return std::optional<std::uint64_t>{};  // before all packs
    if (!is_key_of(Table::packs, cursor.key())) {
      return reader.value_fault(Table::packs, cursor.key(), "no pack");
    }
    return std::optional<std::uint64_t>(big_endian64(cursor.key()));
  };
  // Both neighbours are read, so that no flipped key, of a leaf or of a branch, can hide a pack.
  INGOT_ASSIGN(bool found, cursor.seek(number_key(number)));
  INGOT_ASSIGN(const auto behind, number_at(found));
  INGOT_ASSIGN(found, cursor.previous());
  INGOT_ASSIGN(const auto before, number_at(found));
  return order == ScanOrder::ascending ? behind : before;
}

}  // namespace

Result<std::vector<ScannedId>> scan_ids(const StoreCore& core, const ReadSession& session,
                                        std::string_view prefix, std::string_view after,
                                        std::size_t limit, ScanOrder order, ScanRecords records) {
  TableReader reader = session.reader();
  IdScan scan(prefix, after, limit, records);
  if (scan.full()) return std::vector<ScannedId>{};
  const IdRuns& runs = session.snapshot().runs;
  if (order == ScanOrder::ascending) {
    IdMergeCursor cursor(reader, runs);
    INGOT_ASSIGN(bool more, cursor.seek(std::max(prefix, after)));
    while (more && scan.take(cursor.entry()) && !scan.full()) {
      INGOT_ASSIGN(more, cursor.next());
    }
    return scan.finish(core, reader);
  }
  std::string end = end_of(prefix);
  if (!after.empty() && (end.empty() || after < end)) end = after;
  IdReverseMergeCursor cursor(reader, runs);
  INGOT_ASSIGN(bool more, cursor.seek_below(end));
  while (more && scan.take(cursor.entry()) && !scan.full()) {
    INGOT_ASSIGN(more, cursor.previous());
  }
  return scan.finish(core, reader);
}

Result<std::vector<ScannedRecord>> scan_packs(const StoreCore& core, const ReadSession& session,
                                              RecordCursor from, std::size_t limit,
                                              ScanOrder order) {
  constexpr std::uint64_t kOrdinalMax = UINT64_MAX >> kRewriteBits;
  const bool ascending = order == ScanOrder::ascending;
  TableReader reader = session.reader();
  std::vector<ScannedRecord> found;
  // The pack of `from` counts in both directions, whichever of its rewritings is there.
  std::uint64_t bound = first_pack_number(std::min(from.pack, kOrdinalMax));
  if (!ascending) bound |= kRewritesMax;
  while (found.size() < limit) {
    INGOT_ASSIGN(const auto pack, pack_near(reader, bound, order));
    if (!pack) break;
    const std::uint64_t ordinal = pack_ordinal(*pack);
    INGOT_ASSIGN(const auto bytes, load_pack(core, reader, *pack));
    INGOT_ASSIGN(std::vector<Living> living, living_in(reader, *pack, *bytes));
    if (!ascending) std::reverse(living.begin(), living.end());
    for (const Living& record : living) {
      if (found.size() == limit) break;
      const RecordCursor before{ordinal, record.index};
      if (ascending ? before < from : before >= from) continue;
      const auto at = record_at(*bytes, record.offset);
      found.push_back({std::string(at->id),
                       std::string(at->record),
                       {ordinal, ascending ? record.index + 1 : record.index}});
    }
    bound = ascending ? *pack + 1 : *pack;
  }
  return found;
}

}  // namespace ingot::storage
