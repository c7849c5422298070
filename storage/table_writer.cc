#include "storage/table_writer.h"

#include <algorithm>

#include "core/codec.h"
#include "core/try.h"

namespace ingot::storage {
namespace {

MDB_val as_value(std::string_view bytes) { return {bytes.size(), const_cast<char*>(bytes.data())}; }

std::string_view as_view(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

std::size_t chunks_of(std::string_view bytes) {
  return std::max<std::size_t>(1, (bytes.size() + kChunkBytes - 1) / kChunkBytes);
}

}  // namespace

TableWriter::TableWriter(const LmdbEnv& env, MDB_txn* txn, TableReader& reader)
    : env_(env), txn_(txn), reader_(reader), meta_(reader.roots().meta) {
  ++meta_.generation;
}

Status TableWriter::failure(int code, Table table, std::string_view key) const {
  return lmdb_status(code, env_.path(), describe(table, key));
}

Result<bool> TableWriter::forget(Table table, std::string_view key) {
  MDB_val name = as_value(key);
  MDB_val old;
  const int failed = mdb_get(txn_, env_.handle(table), &name, &old);
  if (failed == MDB_NOTFOUND) return false;
  if (failed != 0) return failure(failed, table, key);
  Unsealed value;
  if (!unseal(table, key, as_view(old), meta_.generation, value)) {
    return reader_.value_fault(table, key, "not what was written here");
  }
  TableSummary& summary = meta_.table(table);
  --summary.values;
  summary.hash -= value_hash(key, value.crc);
  return true;
}

Status TableWriter::put_sealed(Table table, std::string_view key, std::string_view payload,
                               unsigned flags) {
  sealed_.clear();
  const std::uint32_t crc = seal(table, key, meta_.generation, payload, sealed_);
  MDB_val name = as_value(key);
  MDB_val data = as_value(sealed_);
  if (const int failed = mdb_put(txn_, env_.handle(table), &name, &data, flags)) {
    return failure(failed, table, key);
  }
  TableSummary& summary = meta_.table(table);
  ++summary.values;
  summary.hash += value_hash(key, crc);
  changed_[static_cast<std::size_t>(table)] = true;
  return {};
}

Result<bool> TableWriter::beyond_end(Table table, std::string_view key) {
  auto& greatest = greatest_[static_cast<std::size_t>(table)];
  if (!greatest) {
    // This also checks the path to the table's end: appending touches no other page.
    TreeCursor& end = reader_.cursor(table);
    const std::string above(kKeyBytesMax, '\xff');
    INGOT_TRY(end.seek(above).take_status());
    INGOT_ASSIGN(const bool found, end.previous());
    greatest = found ? std::string(end.key()) : std::string();
  }
  return key > *greatest;
}

Status TableWriter::put(Table table, std::string_view key, std::string_view payload) {
  INGOT_ASSIGN(const bool beyond, beyond_end(table, key));
  if (beyond) return append(table, key, payload);
  INGOT_TRY(reader_.check_path(table, key, /*erased=*/false));
  INGOT_TRY(forget(table, key).take_status());
  return put_sealed(table, key, payload, 0);
}

Status TableWriter::append(Table table, std::string_view key, std::string_view payload) {
  INGOT_ASSIGN(const bool beyond, beyond_end(table, key));
  if (!beyond) return reader_.value_fault(table, key, "not beyond the table's end");
  greatest_[static_cast<std::size_t>(table)]->assign(key);
  return put_sealed(table, key, payload, MDB_APPEND);
}

Result<bool> TableWriter::erase(Table table, std::string_view key) {
  INGOT_TRY(reader_.check_path(table, key, /*erased=*/true));
  INGOT_ASSIGN(const bool existed, forget(table, key));
  if (!existed) return false;
  MDB_val name = as_value(key);
  if (const int failed = mdb_del(txn_, env_.handle(table), &name, nullptr)) {
    return failure(failed, table, key);
  }
  changed_[static_cast<std::size_t>(table)] = true;
  return true;
}

void TableWriter::cut_chunk(std::string_view bytes, std::size_t index, std::size_t chunks) {
  payload_.clear();
  if (index == 0) put_varint(payload_, chunks);
  payload_.append(bytes.substr(index * kChunkBytes, kChunkBytes));
}

Result<std::uint64_t> TableWriter::stored_chunks(Table table, std::string_view prefix) {
  std::string key(prefix);
  append_big_endian32(key, 0);
  INGOT_TRY(reader_.check_path(table, key, /*erased=*/false));
  MDB_val name = as_value(key);
  MDB_val old;
  const int failed = mdb_get(txn_, env_.handle(table), &name, &old);
  if (failed == MDB_NOTFOUND) return std::uint64_t{0};
  if (failed != 0) return failure(failed, table, key);
  Unsealed value;
  if (!unseal(table, key, as_view(old), meta_.generation, value)) {
    return reader_.value_fault(table, key, "not what was written here");
  }
  Reader reader(value.payload);
  const std::uint64_t chunks = reader.varint();
  if (!reader.ok() || chunks == 0 || chunks > kChunkedBytesMax / kChunkBytes + 1) {
    return reader_.value_fault(table, key, "impossible number of chunks");
  }
  return chunks;
}

Result<bool> TableWriter::put_chunked(Table table, std::string_view prefix,
                                      std::string_view bytes) {
  if (bytes.size() > kChunkedBytesMax) {
    return Status(StatusCode::invalid_argument, describe(table, prefix) + ": longer than 1 GiB");
  }
  INGOT_ASSIGN(const bool beyond, beyond_end(table, prefix));
  if (beyond) {
    INGOT_TRY(append_chunked(table, prefix, bytes));
    return false;
  }
  INGOT_ASSIGN(const std::uint64_t before, stored_chunks(table, prefix));
  const std::size_t chunks = chunks_of(bytes);
  for (std::size_t i = 0; i < std::max<std::size_t>(chunks, before); ++i) {
    key_.assign(prefix);
    append_big_endian32(key_, static_cast<std::uint32_t>(i));
    if (i >= chunks) {
      INGOT_ASSIGN(const bool existed, erase(table, key_));
      if (!existed) return reader_.value_fault(table, key_, "a chunk is missing");
      continue;
    }
    cut_chunk(bytes, i, chunks);
    INGOT_TRY(put(table, key_, payload_));
  }
  return before != 0;
}

Status TableWriter::append_chunked(Table table, std::string_view prefix, std::string_view bytes) {
  const std::size_t chunks = chunks_of(bytes);
  for (std::size_t i = 0; i < chunks; ++i) {
    key_.assign(prefix);
    append_big_endian32(key_, static_cast<std::uint32_t>(i));
    cut_chunk(bytes, i, chunks);
    INGOT_TRY(append(table, key_, payload_));
  }
  return {};
}

Result<bool> TableWriter::erase_chunked(Table table, std::string_view prefix) {
  INGOT_ASSIGN(const std::uint64_t chunks, stored_chunks(table, prefix));
  for (std::size_t i = 0; i < chunks; ++i) {
    key_.assign(prefix);
    append_big_endian32(key_, static_cast<std::uint32_t>(i));
    INGOT_ASSIGN(const bool existed, erase(table, key_));
    if (!existed) return reader_.value_fault(table, key_, "a chunk is missing");
  }
  return chunks != 0;
}

Status TableWriter::finish() {
  for (std::size_t i = 1; i < kTableCount; ++i) {
    if (!changed_[i]) continue;
    const auto table = static_cast<Table>(i);
    const TableSummary before = meta_.table(table);
    INGOT_TRY(reader_.check_path(table, kHeaderKey, /*erased=*/false));
    INGOT_TRY(put_sealed(table, kHeaderKey, {}, 0));
    meta_.table(table) = before;  // the header is not counted
    meta_.table(table).generation = meta_.generation;
  }
  return write_meta_row(env_, txn_, meta_);
}

}  // namespace ingot::storage
