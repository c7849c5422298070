#pragma once

// A model of a checkpoint store, made of maps: what the storage tests apply random checkpoints to
// and compare stores with.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "tests/storage/store_files.h"

namespace ingot::storage {

struct StoreModel {
  std::map<std::uint64_t, std::string> rows;
  std::map<std::string, Located> ids;
  std::map<std::string, std::uint64_t> places;  // of records, in the order in which they were put
  std::uint64_t next_place = 1;
  using Entries = std::map<std::string, std::string>;
  std::map<EntryTable, Entries> entries = {
      {EntryTable::timers, {}}, {EntryTable::work, {}}, {EntryTable::detached, {}}};
  std::map<std::string, std::string> blobs;
  Position position;

  static std::string id_of(std::uint64_t n) {
    const std::string digits = std::to_string(n * 7919 % 100003);
    return n % 3 == 0
               ? "order-" + std::string(6 - std::min<std::size_t>(6, digits.size()), '0') + digits
               : (n % 3 == 1 ? digits : digits + "/" + std::string(n % 190, 'x') + digits);
  }

  // What is said of ids, said to `checkpoint` as well.
  void put_record(Checkpoint& checkpoint, const std::string& id, const std::string& bytes) {
    checkpoint.put_record(id, bytes);
    ids[id] = {SequenceNumber(0), bytes};
    places[id] = next_place++;
  }
  void put_id(Checkpoint& checkpoint, const std::string& id, SequenceNumber sequence) {
    checkpoint.put_id(id, sequence);
    ids[id] = {sequence, {}};
    places.erase(id);
  }
  void erase_id(Checkpoint& checkpoint, const std::string& id) {
    checkpoint.erase_id(id);
    ids.erase(id);
    places.erase(id);
  }
  void put_entry(Checkpoint& checkpoint, EntryTable table, const std::string& key,
                 const std::string& value) {
    checkpoint.put_entry(table, key, value);
    entries[table][key] = value;
  }
  void erase_entry(Checkpoint& checkpoint, EntryTable table, const std::string& key) {
    checkpoint.erase_entry(table, key);
    entries[table].erase(key);
  }

  // One random checkpoint, put into `checkpoint` as well.
  void random_changes(Random& random, std::uint64_t changes, std::uint64_t universe,
                      Checkpoint& checkpoint) {
    for (std::uint64_t i = 0; i < changes; ++i) {
      const std::uint64_t which = random.below(universe);
      const std::string id = id_of(which);
      switch (random.below(12)) {
        case 0: {
          const std::string bytes =
              random_bytes(random, random.one_in(10) ? random.below(20000) : random.below(700));
          checkpoint.put_row(SequenceNumber(which + 1), bytes);
          rows[which + 1] = bytes;
          break;
        }
        case 1:
          checkpoint.erase_row(SequenceNumber(which + 1));
          rows.erase(which + 1);
          break;
        case 2:
        case 3:
          put_id(checkpoint, id, SequenceNumber(which + 1));
          break;
        case 4:
        case 5:
          erase_id(checkpoint, id);
          break;
        case 6: {
          const auto value = random_bytes(random, random.one_in(50) ? 5000 : random.below(60));
          put_entry(checkpoint, EntryTable(1 + random.below(3)), "t" + std::to_string(which % 500),
                    value);
          break;
        }
        case 7:
          erase_entry(checkpoint, EntryTable(1 + random.below(3)),
                      "t" + std::to_string(which % 500));
          break;
        default:
          put_record(checkpoint, id, random_bytes(random, random.below(200)));
      }
    }
    const std::string name = "blob" + std::to_string(random.below(4));
    const std::string bytes = random_bytes(random, random.below(9000));
    checkpoint.put_blob(name, bytes);
    blobs[name] = bytes;
  }

  void compare_one(const CheckpointStore& store, const std::string& id) const {
    const auto found = store.find(id);
    ASSERT_TRUE(found.ok()) << found.status().to_string();
    const auto expected = ids.find(id);
    ASSERT_EQ(found->has_value(), expected != ids.end()) << id;
    if (!found->has_value()) return;
    EXPECT_TRUE(store.may_contain(id));
    EXPECT_EQ((*found)->sequence, expected->second.sequence);
    EXPECT_EQ((*found)->record, expected->second.record);
  }

  void compare_scan(const CheckpointStore& store, std::string_view prefix, std::string_view after,
                    std::size_t limit) const {
    const auto scanned = store.scan(prefix, after, limit);
    ASSERT_TRUE(scanned.ok()) << scanned.status().to_string();
    std::size_t at = 0;
    for (const auto& [id, located] : ids) {
      if (!id.starts_with(prefix) || (!after.empty() && id <= after)) continue;
      if (at == limit) break;
      ASSERT_LT(at, scanned->size());
      ASSERT_EQ((*scanned)[at].id, id);
      ASSERT_EQ((*scanned)[at].located.sequence, located.sequence);
      ASSERT_EQ((*scanned)[at].located.record, located.record);
      ++at;
    }
    ASSERT_EQ(at, scanned->size());
    for (const ScanOrder order : {ScanOrder::ascending, ScanOrder::descending}) {
      compare_ids_only(store, prefix, after, limit, order);
    }
  }

  // Without the records a scan finds the same ids.
  static void compare_ids_only(const CheckpointStore& store, std::string_view prefix,
                               std::string_view after, std::size_t limit, ScanOrder order) {
    const auto whole = store.scan(prefix, after, limit, order);
    const auto ids = store.scan(prefix, after, limit, order, ScanRecords::leave_out);
    ASSERT_TRUE(whole.ok()) << whole.status().to_string();
    ASSERT_TRUE(ids.ok()) << ids.status().to_string();
    ASSERT_EQ(ids->size(), whole->size());
    for (std::size_t i = 0; i < ids->size(); ++i) {
      ASSERT_EQ((*ids)[i].id, (*whole)[i].id);
      ASSERT_EQ((*ids)[i].located.sequence, (*whole)[i].located.sequence);
      ASSERT_TRUE((*ids)[i].located.record.empty());
    }
  }

  // The same from the end.
  void compare_scan_down(const CheckpointStore& store, std::string_view prefix,
                         std::string_view after, std::size_t limit) const {
    const auto scanned = store.scan(prefix, after, limit, ScanOrder::descending);
    ASSERT_TRUE(scanned.ok()) << scanned.status().to_string();
    std::size_t at = 0;
    for (auto expected = ids.rbegin(); expected != ids.rend() && at < limit; ++expected) {
      const auto& [id, located] = *expected;
      if (!id.starts_with(prefix) || (!after.empty() && id >= after)) continue;
      ASSERT_LT(at, scanned->size());
      ASSERT_EQ((*scanned)[at].id, id);
      ASSERT_EQ((*scanned)[at].located.sequence, located.sequence);
      ASSERT_EQ((*scanned)[at].located.record, located.record);
      ++at;
    }
    ASSERT_EQ(at, scanned->size());
  }

  // The records behind `place`, or before it, in pages of `limit` that begin at `from`.
  void compare_records(const CheckpointStore& store, std::uint64_t place, RecordCursor from,
                       std::size_t limit, ScanOrder order) const {
    const bool ascending = order == ScanOrder::ascending;
    std::map<std::uint64_t, std::string> expected;
    for (const auto& [id, at] : places) {
      if (ascending ? at > place : at < place) expected.emplace(ascending ? at : ~at, id);
    }
    auto at = expected.begin();
    for (;;) {
      const auto page = store.scan_records(from, limit, order);
      ASSERT_TRUE(page.ok()) << page.status().to_string();
      for (const ScannedRecord& found : *page) {
        ASSERT_NE(at, expected.end()) << found.id;
        ASSERT_EQ(found.id, at->second);
        ASSERT_EQ(found.record, ids.at(found.id).record);
        from = found.next;
        ++at;
      }
      if (page->size() < limit) break;
    }
    ASSERT_EQ(at, expected.end());
  }

  void compare_row(const CheckpointStore& store, std::uint64_t sequence) const {
    const auto row = store.read_row(SequenceNumber(sequence));
    if (const auto expected = rows.find(sequence); expected != rows.end()) {
      ASSERT_TRUE(row.ok()) << row.status().to_string();
      ASSERT_EQ(*row, expected->second);
    } else {
      ASSERT_EQ(row.status().code(), StatusCode::not_found);
    }
  }

  static Entries entries_of(const CheckpointStore& store, EntryTable table) {
    Entries found;
    const Status status =
        store.for_each_entry(table, [&](std::string_view key, std::string_view value) {
          EXPECT_TRUE(found.empty() || found.rbegin()->first < key) << "out of order";
          found.emplace(key, value);
          return Status();
        });
    EXPECT_TRUE(status.ok()) << status.to_string();
    return found;
  }

  void compare_small_tables(const CheckpointStore& store) const {
    EXPECT_EQ(store.position(), position);
    for (const auto& [table, known] : entries) EXPECT_EQ(entries_of(store, table), known);
    for (const char* name : {"blob0", "blob1", "blob2", "blob3", "none"}) {
      const auto blob = store.read_blob(name);
      ASSERT_TRUE(blob.ok()) << blob.status().to_string();
      const auto known = blobs.find(name);
      ASSERT_EQ(blob->has_value(), known != blobs.end());
      EXPECT_TRUE(!blob->has_value() || **blob == known->second) << name;
    }
  }

  // Everything; slow for large models.
  void compare_all(const CheckpointStore& store, std::uint64_t universe) const {
    compare_small_tables(store);
    compare_scan(store, {}, {}, ids.size() + 1);
    compare_scan_down(store, {}, {}, ids.size() + 1);
    compare_records(store, 0, RecordCursor::begin(), 37, ScanOrder::ascending);
    compare_records(store, ~0ULL, RecordCursor::end(), 23, ScanOrder::descending);
    for (std::uint64_t n = 0; n < universe; ++n) {
      compare_one(store, id_of(n));
      compare_row(store, n + 1);
      if (::testing::Test::HasFatalFailure()) return;
    }
    std::uint64_t records = 0;
    for (const auto& [id, located] : ids) records += located.sequence.value == 0 ? 1 : 0;
    const StoreCounters counters = store.counters();
    EXPECT_EQ(counters.rows, rows.size());
    EXPECT_EQ(counters.ids, ids.size());
    EXPECT_EQ(counters.records, records);
    EXPECT_EQ(count_faults(store), 0);
  }
};

}  // namespace ingot::storage
