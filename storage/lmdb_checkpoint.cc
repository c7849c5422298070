// One checkpoint of the LMDB store. Rows, entries and blobs go to LMDB as they come, records into
// packs; what is said about ids is gathered and becomes one sorted run at commit(). The last word
// on an id counts; the records of the words before it are dead from the start.
//
// A checkpoint begins with rewriting some packs that are mostly dead: their living records are put
// once more. These are the first words on their ids, so whatever the caller says later replaces
// them as it replaces any record, and each rewritten pack ends as all dead packs do.
//
// Every failure dooms the checkpoint: its transaction is dropped, which leaves nothing behind. A
// full disk is no failure of the store: nothing was committed, and a later checkpoint may succeed.

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <span>

#include "core/codec.h"
#include "core/out_of_memory.h"
#include "core/planted_bug.h"
#include "core/try.h"
#include "storage/pack.h"
#include "storage/store_core.h"

namespace ingot::storage {
namespace {

// The ids of a checkpoint, in the order they came.
class StagedIds {
 public:
  void add(const IdEntry& entry) {
    if (!staged_.empty() && ordered_) ordered_ = view(staged_.size() - 1) < entry.id;
    if (staged_.empty()) {
      common_ = entry.id;
    } else {
      std::size_t shared = 0;
      const std::size_t most = std::min(common_.size(), entry.id.size());
      while (shared < most && common_[shared] == entry.id[shared]) ++shared;
      common_.resize(shared);
    }
    staged_.push_back({bytes_.size(), static_cast<std::uint32_t>(entry.id.size()), entry.kind,
                       entry.place, entry.offset});
    bytes_.append(entry.id);
  }

  // Ascending, those of one id in the order they came. Views last until the next add().
  [[nodiscard]] std::vector<IdEntry> sorted() const {
    std::vector<IdEntry> out;
    out.reserve(staged_.size());
    if (ordered_) {
      for (std::size_t i = 0; i < staged_.size(); ++i) out.push_back(entry(i));
      return out;
    }
    // Sorts by the eight bytes after what all have in common first.
    struct Key {
      std::uint64_t bytes;
      std::size_t index;
    };
    std::vector<Key> keys;
    keys.reserve(staged_.size());
    for (std::size_t i = 0; i < staged_.size(); ++i) {
      char eight[8] = {};
      const std::string_view rest = view(i).substr(common_.size());
      std::memcpy(eight, rest.data(), std::min(rest.size(), sizeof eight));
      keys.push_back({big_endian64({eight, sizeof eight}), i});
    }
    std::sort(keys.begin(), keys.end(), [this](const Key& a, const Key& b) {
      if (a.bytes != b.bytes) return a.bytes < b.bytes;
      const int order = view(a.index).compare(view(b.index));
      return order != 0 ? order < 0 : a.index < b.index;
    });
    for (const Key& key : keys) out.push_back(entry(key.index));
    return out;
  }

 private:
  struct Staged {
    std::size_t start;
    std::uint32_t size;
    IdKind kind;
    std::uint64_t place;
    std::uint64_t offset;
  };
  [[nodiscard]] std::string_view view(std::size_t i) const {
    return std::string_view(bytes_).substr(staged_[i].start, staged_[i].size);
  }
  [[nodiscard]] IdEntry entry(std::size_t i) const {
    return {view(i), staged_[i].kind, staged_[i].place, staged_[i].offset};
  }

  std::string bytes_;
  std::vector<Staged> staged_;
  std::string common_;
  bool ordered_ = true;
};

class LmdbCheckpoint final : public Checkpoint {
 public:
  LmdbCheckpoint(std::shared_ptr<StoreCore> core, SnapshotPointer snapshot, MDB_txn* txn)
      : core_(std::move(core)),
        snapshot_(std::move(snapshot)),
        txn_(txn),
        reader_(core_->file(), snapshot_->roots),
        writer_(core_->env(), txn, reader_),
        pack_(core_->options().compression_level) {
    const bool continued = std::exchange(core_->continues, false);
    core_->merger.begin({snapshot_->runs.rbegin(), snapshot_->runs.rend()},
                        snapshot_->roots.meta.garbage, continued);
    keep(rewrite_packs(core_->compactor.begin(continued)));
  }
  ~LmdbCheckpoint() override { abandon(); }
  LmdbCheckpoint(const LmdbCheckpoint&) = delete;
  LmdbCheckpoint& operator=(const LmdbCheckpoint&) = delete;

  void put_row(SequenceNumber sequence, std::string_view bytes) override {
    if (!status_.ok()) return;
    const auto replaced = writer_.put_chunked(Table::rows, number_key(sequence.value), bytes);
    if (!keep(replaced.status())) return;
    if (!*replaced) ++writer_.meta().rows;
    ++written_;
  }

  void erase_row(SequenceNumber sequence) override {
    if (!status_.ok()) return;
    const auto existed = writer_.erase_chunked(Table::rows, number_key(sequence.value));
    if (keep(existed.status()) && *existed) --writer_.meta().rows;
  }

  void put_id(std::string_view id, SequenceNumber sequence) override {
    if (status_.ok() && check_id(id)) ids_.add({id, IdKind::row, sequence.value, 0});
  }

  void erase_id(std::string_view id) override {
    if (status_.ok() && check_id(id)) ids_.add({id, IdKind::tombstone, 0, 0});
  }

  void put_record(std::string_view id, std::string_view bytes) override {
    if (!status_.ok() || !check_id(id)) return;
    if (bytes.size() > kPackBytesMax / 2) {
      keep({StatusCode::invalid_argument, "record of '" + std::string(id) + "': too long"});
      return;
    }
    const std::uint64_t pack = first_pack_number(writer_.meta().next_pack);
    ids_.add({id, IdKind::record, pack, pack_.add(id, bytes)});
    ++records_;
    ++written_;
    if (pack_.bytes() >= core_->options().pack_bytes) keep(flush_pack());
  }

  void put_entry(EntryTable table, std::string_view key, std::string_view value) override {
    if (!status_.ok() || !check_entry(table, key)) return;
    keep(writer_.put(*entry_table(table), entry_key(key), value));
  }

  void erase_entry(EntryTable table, std::string_view key) override {
    if (!status_.ok() || !check_entry(table, key)) return;
    keep(writer_.erase(*entry_table(table), entry_key(key)).status());
  }

  void put_blob(std::string_view name, std::string_view bytes) override {
    if (!status_.ok()) return;
    if (name.size() > kBlobNameBytesMax) {
      keep({StatusCode::invalid_argument, "blob name: longer than 400 bytes"});
      return;
    }
    keep(writer_.put_chunked(Table::blobs, blob_key(name), bytes).status());
  }

  Status commit(Position position) override;

 private:
  // Remembers the first failure. True while there is none.
  bool keep(const Status& status) {
    if (status_.ok() && !status.ok()) status_ = status;
    return status_.ok();
  }
  bool check_id(std::string_view id) {
    if (!id.empty() && id.size() <= kIdBytesMax) return true;
    return keep({StatusCode::invalid_argument, "an id has 1 to 1024 bytes"});
  }
  bool check_entry(EntryTable table, std::string_view key) {
    if (!entry_table(table)) return keep({StatusCode::invalid_argument, "no such entry table"});
    if (key.size() < kKeyBytesMax) return true;
    return keep({StatusCode::invalid_argument, "an entry's key has up to 510 bytes"});
  }
  // A record that no id names any more.
  struct DeadRecord {
    std::uint64_t pack;
    std::uint64_t offset;
    auto operator<=>(const DeadRecord&) const = default;
  };

  Status rewrite_packs(const std::vector<std::uint64_t>& packs);
  Status rewrite_pack(std::uint64_t pack);
  Status flush_pack();
  Status write_ids();
  Status list_dead();
  Status list_dead_of(std::span<const DeadRecord> dead);
  Result<std::uint64_t> count_records(std::uint64_t pack);
  Status write_all(Position position);
  [[nodiscard]] Status failed_commit(int failed) const;
  void abandon();

  std::shared_ptr<StoreCore> core_;
  SnapshotPointer snapshot_;
  MDB_txn* txn_;
  TableReader reader_;
  TableWriter writer_;
  PackBuilder pack_;
  std::uint64_t records_ = 0;                             // in the pack at hand
  std::map<std::uint64_t, std::uint64_t> written_packs_;  // records by pack
  std::vector<DeadRecord> dead_;
  StagedIds ids_;
  std::uint64_t written_ = 0;
  Status status_;
};

Status LmdbCheckpoint::rewrite_packs(const std::vector<std::uint64_t>& packs) {
  for (const std::uint64_t pack : packs) INGOT_TRY(rewrite_pack(pack));
  return core_->compactor.sweep(reader_);
}

Status LmdbCheckpoint::rewrite_pack(std::uint64_t pack) {
  const std::string key = number_key(pack);
  INGOT_ASSIGN(const auto dead, read_dead_list(reader_, pack));
  if (!dead) return reader_.value_fault(Table::pack_dead, key, "missing");
  INGOT_ASSIGN(const std::string bytes, read_pack(reader_, pack));
  const std::uint64_t successor = pack + 1;
  auto next_dead = dead->offsets.begin();
  std::uint64_t skipped = 0;
  std::uint64_t living = 0;
  for (std::uint64_t at = 0; at < bytes.size();) {
    const auto record = record_at(bytes, at);
    if (!record) return reader_.value_fault(Table::packs, key, "does not unpack");
    skipped += record->skipped;
    if (next_dead != dead->offsets.end() && *next_dead == at) {
      ++next_dead;
      ++skipped;
    } else {
      const std::uint64_t offset = pack_.add(record->id, record->record, skipped);
      ids_.add({record->id, IdKind::record, successor, offset});
      skipped = 0;
      ++living;
    }
    at = record->end;
  }
  if (next_dead != dead->offsets.end() || living + dead->offsets.size() != dead->records) {
    return reader_.value_fault(Table::pack_dead, key, "its dead records are not in the pack");
  }
  written_packs_[successor] = living;
  INGOT_ASSIGN(const std::string_view packed, pack_.finish());
  return writer_.put_chunked(Table::packs, number_key(successor), packed).take_status();
}

Status LmdbCheckpoint::flush_pack() {
  if (pack_.empty()) return {};
  INGOT_ASSIGN(const std::string_view packed, pack_.finish());
  const std::uint64_t number = first_pack_number(writer_.meta().next_pack++);
  written_packs_[number] = std::exchange(records_, 0);
  return writer_.append_chunked(Table::packs, number_key(number), packed);
}

// Turns what was staged into a run, and counts ids and records exactly.
Status LmdbCheckpoint::write_ids() {
  const std::vector<IdEntry> sorted = ids_.sorted();
  std::vector<IdEntry> entries;
  entries.reserve(sorted.size());
  IdLookup lookup(reader_, snapshot_->runs);
  StoreMeta& meta = writer_.meta();
  // Hashes run ahead of the questions, so that the filters' lines are there when asked.
  constexpr std::size_t kAhead = 8;
  std::array<std::uint64_t, kAhead> hashes{};
  const auto run_ahead = [&](std::size_t i) {
    if (i >= sorted.size()) return;
    hashes[i % kAhead] = id_hash(sorted[i].id);
    lookup.prefetch(hashes[i % kAhead]);
  };
  for (std::size_t i = 0; i < kAhead; ++i) run_ahead(i);
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const IdEntry& entry = sorted[i];
    const std::uint64_t hash = hashes[i % kAhead];
    run_ahead(i + kAhead);
    if (i + 1 < sorted.size() && sorted[i + 1].id == entry.id) {
      if (entry.kind == IdKind::record) dead_.push_back({entry.place, entry.offset});
      continue;  // a later word on the same id
    }
    INGOT_ASSIGN(const auto old, lookup.find(entry.id, hash));
    const IdKind before = old ? old->kind : IdKind::tombstone;
    // A record that was only moved must come from where it was.
    if (entry.kind == IdKind::record && pack_rewrites(entry.place) != 0 &&
        (before != IdKind::record || old->place + 1 != entry.place)) {
      return reader_.value_fault(Table::pack_dead, number_key(entry.place - 1),
                                 "a record that no id names is not listed");
    }
    if (before == IdKind::record) {
      --meta.records;
      if (!INGOT_PLANTED(kLoseDeadRecord)) dead_.push_back({old->place, old->offset});
    }
    if (before != IdKind::tombstone) --meta.ids;
    if (entry.kind == IdKind::record) ++meta.records;
    if (entry.kind != IdKind::tombstone) ++meta.ids;
    // Nothing to hide.
    if (entry.kind == IdKind::tombstone && before == IdKind::tombstone) continue;
    if (entry.kind == IdKind::tombstone && INGOT_PLANTED(kLoseTombstone)) continue;
    entries.push_back(entry);
  }
  return core_->merger.add(entries, reader_, writer_);
}

// Lists the dead records of each pack, and deletes the packs none of whose records is named.
Status LmdbCheckpoint::list_dead() {
  std::sort(dead_.begin(), dead_.end());
  for (auto first = dead_.begin(); first != dead_.end();) {
    const auto last = std::find_if(
        first, dead_.end(), [&](const DeadRecord& record) { return record.pack != first->pack; });
    INGOT_TRY(list_dead_of({first, last}));
    first = last;
  }
  core_->compactor.died(dead_.size());
  return {};
}

Status LmdbCheckpoint::list_dead_of(std::span<const DeadRecord> dead) {
  const std::uint64_t pack = dead.front().pack;
  const std::string key = number_key(pack);
  DeadList list;
  bool listed = false;
  if (const auto fresh = written_packs_.find(pack); fresh != written_packs_.end()) {
    list.records = fresh->second;
  } else {
    INGOT_ASSIGN(auto before, read_dead_list(reader_, pack));
    listed = before.has_value();
    if (listed) {
      list = *std::move(before);
    } else {
      INGOT_ASSIGN(list.records, count_records(pack));
    }
  }
  for (const DeadRecord& record : dead) list.offsets.push_back(record.offset);
  const auto added = list.offsets.end() - static_cast<std::ptrdiff_t>(dead.size());
  std::inplace_merge(list.offsets.begin(), added, list.offsets.end());
  if (list.offsets.size() > list.records ||
      std::adjacent_find(list.offsets.begin(), list.offsets.end()) != list.offsets.end()) {
    return reader_.value_fault(Table::pack_dead, key, "more dead records than records");
  }
  if (list.offsets.size() < list.records) {
    core_->compactor.note(pack, list.records, list.offsets.size());
    return writer_.put_chunked(Table::pack_dead, key, list.encode()).take_status();
  }
  core_->compactor.forget(pack);
  if (listed) INGOT_TRY(writer_.erase_chunked(Table::pack_dead, key).take_status());
  return writer_.erase_chunked(Table::packs, key).take_status();
}

// The records of a pack that was there before, dead ones too.
Result<std::uint64_t> LmdbCheckpoint::count_records(std::uint64_t pack) {
  std::string key = number_key(pack);
  append_big_endian32(key, 0);
  INGOT_ASSIGN(const auto chunk, reader_.get(Table::packs, key));
  if (!chunk) return reader_.value_fault(Table::packs, key, "missing");
  Reader payload(chunk->payload);
  payload.varint();  // the number of chunks
  std::string_view rest;
  const auto head = parse_pack_head({payload.at(), payload.remaining()}, rest);
  if (!head) return reader_.value_fault(Table::packs, key, "no pack");
  return head->records;
}

Status LmdbCheckpoint::write_all(Position position) {
  INGOT_TRY(flush_pack());
  INGOT_TRY(write_ids());
  INGOT_TRY(list_dead());
  INGOT_TRY(core_->merger.finish(reader_, writer_));
  writer_.meta().position = INGOT_PLANTED(kCheckpointAhead) ? position.plus(1) : position;
  return writer_.finish();
}

Status LmdbCheckpoint::commit(Position position) {
  if (txn_ == nullptr) return {StatusCode::failed_precondition, "checkpoint: already ended"};
  if (status_.ok()) status_ = core_->failure();
  if (status_.ok()) keep(write_all(position));
  if (!status_.ok()) {
    abandon();
    return status_;
  }
  if (const int failed = mdb_txn_commit(std::exchange(txn_, nullptr))) {
    status_ = failed_commit(failed);
    abandon();
    return status_;
  }
  // What LMDB holds and nobody can read would leave readers waiting for it: that is a failure of
  // the store, also when only memory was missing.
  if (!keep(with_memory("publishing a checkpoint",
                        [this] { return core_->publish(core_->merger.runs()); }))) {
    abandon();
    return status_;
  }
  core_->continues = true;
  core_->checkpoints.fetch_add(1, std::memory_order_relaxed);
  core_->written_rows.fetch_add(written_, std::memory_order_relaxed);
  core_->writing.store(false, std::memory_order_release);
  status_ = {StatusCode::failed_precondition, "checkpoint: already committed"};
  core_.reset();
  return {};
}

// A full disk passes when nothing was committed (the meta pages are what they were) and LMDB goes
// on. A failed flush is never reported this way by the file systems that keep their word.
Status LmdbCheckpoint::failed_commit(int failed) const {
  Status status = lmdb_status(failed, core_->env().path());
  if (status.code() != StatusCode::disk_full) return status;
  const auto meta = core_->file().read_meta();
  if (!meta.ok() || meta->transaction != snapshot_->roots.file.transaction) {
    return {StatusCode::unknown,
            status.message() + ", and whether the checkpoint was made is not known"};
  }
  if (core_->env().gave_up()) {
    return {StatusCode::io_error, status.message() + ", in a meta page: LMDB gave up"};
  }
  return status;
}

void LmdbCheckpoint::abandon() {
  if (txn_ != nullptr) mdb_txn_abort(std::exchange(txn_, nullptr));
  if (!core_) return;
  if (!status_.ok()) status_ = core_->fail(std::move(status_));
  core_->writing.store(false, std::memory_order_release);
  core_.reset();
}

// Takes back what was begun, when there is no memory for the checkpoint itself.
class Beginning {
 public:
  explicit Beginning(StoreCore& core) : core_(core) {}
  ~Beginning() {
    if (done_) return;
    if (txn_ != nullptr) mdb_txn_abort(txn_);
    core_.writing.store(false, std::memory_order_release);
  }
  Beginning(const Beginning&) = delete;
  Beginning& operator=(const Beginning&) = delete;
  void began(MDB_txn* txn) { txn_ = txn; }
  // A checkpoint has it now.
  void done() { done_ = true; }

 private:
  StoreCore& core_;
  MDB_txn* txn_ = nullptr;
  bool done_ = false;
};

}  // namespace

Result<std::unique_ptr<Checkpoint>> begin_lmdb_checkpoint(const std::shared_ptr<StoreCore>& core) {
  Beginning beginning(*core);
  auto txn = core->env().begin_write();
  if (!txn.ok()) return core->fail(txn.take_status());
  beginning.began(*txn);
  auto checkpoint = std::make_unique<LmdbCheckpoint>(core, core->snapshot(), *txn);
  beginning.done();
  return std::unique_ptr<Checkpoint>(std::move(checkpoint));
}

}  // namespace ingot::storage
