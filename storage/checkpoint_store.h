#pragma once

// CheckpointStore: where a partition's state lives between checkpoints. Knows bytes only.
//
// Five kinds of data, all written by one Checkpoint transaction that also carries the log position:
//   rows      sequence number -> bytes: the live instances
//   records   immutable bytes of finished instances, packed many to a compressed block
//   ids       instance id -> where it is: a live row's sequence number, or a record
//   entries   small ordered keys -> small bytes, in a few tables (timers ...)
//   blobs     name -> bytes, replaced whole (outbox, counters ...)
//
// Invariants:
//   - a checkpoint is all or nothing, and its position is part of it;
//   - every value read back was written under that very key, in that generation or before:
//     anything else is `corrupt` and names file, table and key;
//   - after any error of the store itself every further call answers that error.
//
// Threads: one thread at a time writes (begin() to commit()); find(), scan() and the other reads
// may be called from any thread, also during a checkpoint, and see the last committed one.

#include <ingot/ids.h>
#include <ingot/status.h>

#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ingot::storage {

// Found by id: a live row, or a finished instance's record.
struct Located {
  SequenceNumber sequence;  // set when the id names a live row
  std::string record;       // filled when `sequence` is 0
};

// One id of a scan.
struct ScannedId {
  std::string id;
  Located located;
};

// A place between two records in the order in which records were put. Keeps its meaning for as long
// as the store exists, whatever was put or erased since. A caller may store it, not make one up.
struct RecordCursor {
  std::uint64_t pack = 0;
  std::uint64_t index = 0;
  // Before the first record, and behind the last one, also of those still to come.
  static constexpr RecordCursor begin() { return {}; }
  static constexpr RecordCursor end() { return {UINT64_MAX, UINT64_MAX}; }
  auto operator<=>(const RecordCursor&) const = default;
};

// One finished instance of scan_records().
struct ScannedRecord {
  std::string id;
  std::string record;
  RecordCursor next;  // where to go on in the same direction
};

enum class ScanOrder : std::uint8_t { ascending, descending };
// Whether a scan by id reads the records as well. Without them it costs what the ids cost.
enum class ScanRecords : std::uint8_t { read, leave_out };

// The tables of ordered entries; the values are part of the format.
enum class EntryTable : std::uint8_t { timers = 1, work = 2, detached = 3 };

struct StoreCounters {
  std::uint64_t rows = 0;     // live
  std::uint64_t records = 0;  // live
  std::uint64_t ids = 0;      // live
  std::uint64_t file_bytes = 0;
  std::uint64_t checkpoints = 0;   // since opening
  std::uint64_t written_rows = 0;  // rows and records since opening
};

// One fault that a scrub found: `where` names file, table and key or page.
struct StoreFault {
  std::string where;
  std::string what;
};

// The write transaction of one checkpoint. Destroying it without commit() drops it.
// Failures stick: the first one is what commit() answers, so the puts need no check of their own.
//
// Ids: put_id(), put_record() and erase_id() may be called in any order and any number of times for
// one id, whatever it named before: the last call counts. A record whose id names something else
// since, or is gone, is dead: nothing finds it, and its space comes back by and by.
class Checkpoint {
 public:
  virtual ~Checkpoint() = default;
  virtual void put_row(SequenceNumber sequence, std::string_view bytes) = 0;
  virtual void erase_row(SequenceNumber sequence) = 0;
  // `id` names the live row `sequence` from now on.
  virtual void put_id(std::string_view id, SequenceNumber sequence) = 0;
  // `id` names this finished record from now on. Records are compressed together in the order
  // they come, and scan_records() gives them in this order.
  virtual void put_record(std::string_view id, std::string_view bytes) = 0;
  // `id` is gone, whatever it named. No error when it named nothing.
  virtual void erase_id(std::string_view id) = 0;
  virtual void put_entry(EntryTable table, std::string_view key, std::string_view value) = 0;
  virtual void erase_entry(EntryTable table, std::string_view key) = 0;
  virtual void put_blob(std::string_view name, std::string_view bytes) = 0;
  // Makes everything durable together with `position`.
  virtual Status commit(Position position) = 0;
};

// What recovery reads of a checkpoint.
class CheckpointView {
 public:
  virtual ~CheckpointView() = default;

  // The position of the last committed checkpoint; 0 for a new store.
  [[nodiscard]] virtual Position position() const = 0;
  // `not_found` when there is no such row.
  [[nodiscard]] virtual Result<std::string> read_row(SequenceNumber sequence) const = 0;
  using EntryFn = std::function<Status(std::string_view key, std::string_view value)>;
  // Every entry of `table` in key order.
  virtual Status for_each_entry(EntryTable table, const EntryFn& entry) const = 0;
  // Empty when it was never put.
  [[nodiscard]] virtual Result<std::optional<std::string>> read_blob(
      std::string_view name) const = 0;
};

class CheckpointStore : public CheckpointView {
 public:
  // Starts a checkpoint. One at a time.
  [[nodiscard]] virtual Result<std::unique_ptr<Checkpoint>> begin() = 0;

  // False only when `id` is surely not in the store: memory only, fast, any thread.
  [[nodiscard]] virtual bool may_contain(std::string_view id) const = 0;
  [[nodiscard]] virtual Result<std::optional<Located>> find(std::string_view id) const = 0;
  // Ids in byte order that begin with `prefix`, up to `limit` of them, each with its record when
  // finished, unless these are left out. Ascending: those greater than `after` (empty: from the
  // start); descending: those less than `after` (empty: from the end).
  [[nodiscard]] virtual Result<std::vector<ScannedId>> scan(
      std::string_view prefix, std::string_view after, std::size_t limit,
      ScanOrder order = ScanOrder::ascending, ScanRecords records = ScanRecords::read) const = 0;
  // Records that their ids still name, in the order in which they were put (ascending: those behind
  // `from`) or the other way round (descending: those before `from`), up to `limit` of them. Going
  // on from each last one's `next` gives every record once that was there all the time; fewer
  // than `limit` means that there are no more. A record that was put again stands at its new place.
  [[nodiscard]] virtual Result<std::vector<ScannedRecord>> scan_records(
      RecordCursor from, std::size_t limit, ScanOrder order = ScanOrder::ascending) const = 0;

  // Reads everything back: checksums, counts, order-free hashes. Calls `fault` for each fault and
  // returns ok when the reading itself worked.
  virtual Status scrub(const std::function<void(StoreFault)>& fault) const = 0;
  [[nodiscard]] virtual StoreCounters counters() const = 0;
};

struct LmdbStoreOptions {
  std::string directory;     // one partition's, exists, mode 0700
  std::uint64_t hub_id = 0;  // a store of another hub or partition is refused
  PartitionId partition;
  bool must_exist = false;                 // a directory without a store is `corrupt`
  std::uint64_t map_bytes = 256ULL << 30;  // address space, not memory
  std::uint32_t pack_bytes = 64U << 10;    // of records before compression; 4 KiB to 4 MiB
  int compression_level = 1;               // zstd
  // A file up to this size is scrubbed wholly when it is opened; of a larger one, what all else
  // hangs on.
  std::uint64_t scrub_at_open_bytes_max = 16ULL << 20;
  // The larger one is scrubbed behind its opening, by a thread of the store's own that ends with
  // the store. What it finds is the failure of every later call.
  bool scrub_behind_opening = false;
};

// Opens or creates the store. Errors: corrupt (file, page, key), busy, io_error, disk_full,
// unsupported (format version), failed_precondition (another hub's or partition's store).
[[nodiscard]] Result<std::unique_ptr<CheckpointStore>> open_lmdb_store(LmdbStoreOptions options);

// The same interface in memory, for simulation: commit() keeps a copy of what was put.
[[nodiscard]] std::unique_ptr<CheckpointStore> make_memory_store();

}  // namespace ingot::storage
