#pragma once

// Changes a store's tables within one LMDB write transaction: seals each value, keeps each table's
// count and hash in the meta row, and has every page that LMDB is about to touch checked first.

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "storage/lmdb_env.h"
#include "storage/table_reader.h"

namespace ingot::storage {

class TableWriter {
 public:
  // Starts from the snapshot of `reader`, the newest one. All outlive the writer; `txn` is ended
  // by the caller.
  TableWriter(const LmdbEnv& env, MDB_txn* txn, TableReader& reader);

  // The meta row that finish() writes; counters and lists are the caller's to change.
  [[nodiscard]] StoreMeta& meta() { return meta_; }

  Status put(Table table, std::string_view key, std::string_view payload);
  // `key` is greater than every key of the table.
  Status append(Table table, std::string_view key, std::string_view payload);
  // False when there was no such key.
  Result<bool> erase(Table table, std::string_view key);
  // Of chunked values. Replacing one erases the chunks that the new one has no more.
  Result<bool> put_chunked(Table table, std::string_view prefix, std::string_view bytes);
  Status append_chunked(Table table, std::string_view prefix, std::string_view bytes);
  // False when there was none.
  Result<bool> erase_chunked(Table table, std::string_view prefix);
  // Writes the headers of the tables that changed, and the meta row.
  Status finish();

 private:
  Status failure(int code, Table table, std::string_view key) const;
  // Puts chunk `index` of `bytes` into payload_.
  void cut_chunk(std::string_view bytes, std::size_t index, std::size_t chunks);
  // Number of chunks under `prefix` as the transaction sees it; 0 for none.
  Result<std::uint64_t> stored_chunks(Table table, std::string_view prefix);
  Status put_sealed(Table table, std::string_view key, std::string_view payload, unsigned flags);
  // True when `key` is greater than every key that the table has or had in this transaction: then
  // it is appended, which needs no look-up and leaves full pages behind.
  Result<bool> beyond_end(Table table, std::string_view key);
  // Takes the present value of `key` out of the table's count and hash. False when there is none.
  Result<bool> forget(Table table, std::string_view key);

  const LmdbEnv& env_;
  MDB_txn* txn_;
  TableReader& reader_;
  StoreMeta meta_;
  std::array<bool, kTableCount> changed_{};
  // The greatest key of each table so far; nothing before the first question.
  std::array<std::optional<std::string>, kTableCount> greatest_;
  std::string sealed_;
  std::string payload_;
  std::string key_;
};

}  // namespace ingot::storage
