#pragma once

// Files whose checksums are right and whose content is wrong.
//
// A Forger opens a closed store's file as LMDB does, changes what it likes through seal(), and
// makes the meta row agree with it again, so that only the lie that was meant remains.

#include <gtest/gtest.h>
#include <lmdb.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/codec.h"
#include "storage/table_reader.h"

namespace ingot::storage {

class Forger {
 public:
  explicit Forger(std::string path) : path_(std::move(path)) {
    check(mdb_env_create(&env_));
    check(mdb_env_set_mapsize(env_, std::size_t{1} << 30));
    check(mdb_env_set_maxdbs(env_, kTableCount + 1));
    check(mdb_env_open(env_, path_.c_str(), MDB_NOSUBDIR | MDB_NOTLS | MDB_NOSYNC, 0600));
    check(mdb_txn_begin(env_, nullptr, 0, &txn_));
    for (std::size_t i = 0; i < kTableCount; ++i) {
      check(mdb_dbi_open(txn_, i == 0 ? nullptr : kTableNames[i], 0, &handles_[i]));
    }
    const std::string row = raw(Table::meta, kMetaKey).value_or("");
    Unsealed unsealed;
    EXPECT_TRUE(unseal(Table::meta, kMetaKey, row, UINT64_MAX, unsealed));
    EXPECT_TRUE(meta.decode(unsealed.payload).ok());
  }
  ~Forger() {
    if (txn_ != nullptr) mdb_txn_abort(txn_);
    mdb_env_close(env_);
    ::unlink((path_ + "-lock").c_str());
  }
  Forger(const Forger&) = delete;
  Forger& operator=(const Forger&) = delete;

  // The value as it is in the file, or nothing.
  std::optional<std::string> raw(Table table, std::string_view key) {
    MDB_val name = as_value(key);
    MDB_val data;
    if (mdb_get(txn_, handle(table), &name, &data) != 0) return std::nullopt;
    return std::string(static_cast<const char*>(data.mv_data), data.mv_size);
  }
  // What was sealed there.
  std::string payload(Table table, std::string_view key) {
    const std::string value = raw(table, key).value_or("");
    Unsealed unsealed;
    EXPECT_TRUE(unseal(table, key, value, UINT64_MAX, unsealed)) << describe(table, key);
    return std::string(unsealed.payload);
  }
  // All keys but the header's, in order.
  std::vector<std::string> keys(Table table) {
    std::vector<std::string> found;
    walk(table, [&](std::string_view key, std::string_view) { found.emplace_back(key); });
    return found;
  }

  void put_raw(Table table, std::string_view key, std::string_view value) {
    MDB_val name = as_value(key);
    MDB_val data = as_value(value);
    check(mdb_put(txn_, handle(table), &name, &data, 0));
  }
  // Sealed as what is there, or as the newest checkpoint would; or with another generation.
  void put(Table table, std::string_view key, std::string_view payload) {
    Unsealed old;
    const auto value = raw(table, key);
    const bool known = value && unseal(table, key, *value, UINT64_MAX, old);
    put(table, key, payload, known ? old.generation : meta.generation);
  }
  void put(Table table, std::string_view key, std::string_view payload, std::uint64_t generation) {
    std::string sealed;
    seal(table, key, generation, payload, sealed);
    put_raw(table, key, sealed);
  }
  void erase(Table table, std::string_view key) {
    MDB_val name = as_value(key);
    check(mdb_del(txn_, handle(table), &name, nullptr));
  }

  static std::string chunk_key(std::string_view prefix, std::uint32_t chunk) {
    std::string key(prefix);
    append_big_endian32(key, chunk);
    return key;
  }
  // A chunked value, put together and cut again.
  std::string chunked(Table table, std::string_view prefix) {
    const std::string head = payload(table, chunk_key(prefix, 0));
    Reader reader(head);
    const std::uint64_t chunks = reader.varint();
    std::string bytes(reader.at(), reader.remaining());
    for (std::uint32_t i = 1; i < chunks; ++i) bytes += payload(table, chunk_key(prefix, i));
    return bytes;
  }
  void put_chunked(Table table, std::string_view prefix, std::string_view bytes) {
    erase_chunked(table, prefix);
    const std::size_t chunks =
        std::max<std::size_t>(1, (bytes.size() + kChunkBytes - 1) / kChunkBytes);
    for (std::uint32_t i = 0; i < chunks; ++i) {
      std::string payload;
      if (i == 0) put_varint(payload, chunks);
      payload.append(bytes.substr(i * kChunkBytes, kChunkBytes));
      put(table, chunk_key(prefix, i), payload);
    }
  }
  void erase_chunked(Table table, std::string_view prefix) {
    for (std::uint32_t i = 0; raw(table, chunk_key(prefix, i)); ++i) {
      erase(table, chunk_key(prefix, i));
    }
  }
  void add_table(const char* name, unsigned flags) {
    MDB_dbi made = 0;
    check(mdb_dbi_open(txn_, name, MDB_CREATE | flags, &made));
  }
  void drop_table(Table table) {
    check(mdb_drop(txn_, handle(table), 1));
    dropped_ = table;
  }

  // Makes the meta row agree with the tables: counts, hashes, transaction. `lie` comes after that.
  void commit(const std::function<void(StoreMeta&)>& lie = nullptr) {
    agree();
    if (lie) lie(meta);
    std::string payload;
    meta.encode(payload);
    put(Table::meta, kMetaKey, payload);
    end();
  }
  // Another main tree than commit() makes.
  void commit_main(const std::function<void(const std::string& meta_payload)>& write) {
    agree();
    std::string payload;
    meta.encode(payload);
    write(payload);
    end();
  }

  StoreMeta meta;

 private:
  static MDB_val as_value(std::string_view bytes) {
    return {bytes.size(), const_cast<char*>(bytes.data())};
  }
  void check(int code) const { ASSERT_EQ(code, 0) << path_ << ": " << mdb_strerror(code); }
  [[nodiscard]] MDB_dbi handle(Table table) const {
    return handles_[static_cast<std::size_t>(table)];
  }
  void walk(Table table, const std::function<void(std::string_view, std::string_view)>& each) {
    MDB_cursor* cursor = nullptr;
    check(mdb_cursor_open(txn_, handle(table), &cursor));
    MDB_val key;
    MDB_val data;
    while (mdb_cursor_get(cursor, &key, &data, MDB_NEXT) == 0) {
      const std::string_view name(static_cast<const char*>(key.mv_data), key.mv_size);
      if (name != kHeaderKey) each(name, {static_cast<const char*>(data.mv_data), data.mv_size});
    }
    mdb_cursor_close(cursor);
  }
  void agree() {
    for (std::size_t i = 1; i < kTableCount; ++i) {
      const auto table = static_cast<Table>(i);
      if (table == dropped_) continue;
      TableSummary& summary = meta.table(table);
      summary.values = 0;
      summary.hash = 0;
      walk(table, [&](std::string_view key, std::string_view value) {
        ++summary.values;
        std::uint32_t crc = 0;
        std::memcpy(&crc, value.data(), std::min(value.size(), sizeof crc));
        summary.hash += value_hash(key, crc);
      });
      MDB_stat stat;
      check(mdb_stat(txn_, handle(table), &stat));
      summary.depth = static_cast<std::uint16_t>(stat.ms_depth);
      summary.branch_pages = stat.ms_branch_pages;
      summary.leaf_pages = stat.ms_leaf_pages;
      summary.overflow_pages = stat.ms_overflow_pages;
    }
    meta.transaction = mdb_txn_id(txn_);
  }
  void end() {
    check(mdb_txn_commit(txn_));
    txn_ = nullptr;
  }

  std::string path_;
  MDB_env* env_ = nullptr;
  MDB_txn* txn_ = nullptr;
  std::array<MDB_dbi, kTableCount> handles_{};
  Table dropped_ = Table::meta;
};

}  // namespace ingot::storage
