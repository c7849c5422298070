#pragma once

// Everything that a store can be asked and told, for files that are not what they should be: each
// answers at its first failure, with it.

#include <gtest/gtest.h>

#include <string>

#include "storage/checkpoint_store.h"
#include "tests/storage/store_files.h"

namespace ingot::storage {

// What ForgedStoreTest puts into its stores.
inline constexpr std::uint64_t kRows = 60;
inline constexpr std::uint64_t kRecords = 60;
inline constexpr std::uint64_t kIds = 4200;  // one run of its own: larger than a small one

inline std::string numbered(const char* prefix, std::uint64_t number) {
  const std::string digits = std::to_string(number);
  return prefix + std::string(6 - digits.size(), '0') + digits;
}

inline void expect_status(const Status& status) {
  switch (status.code()) {
    case StatusCode::ok:
    case StatusCode::not_found:
    case StatusCode::corrupt:
    case StatusCode::unsupported:
    case StatusCode::failed_precondition:  // another hub's
      return;
    default:
      ADD_FAILURE() << status.to_string();
  }
}
inline Status find_all(CheckpointStore& store) {
  for (std::uint64_t i = 0; i < kRecords; ++i) {
    if (auto found = store.find(numbered("rec", i)); !found.ok()) return found.take_status();
  }
  for (std::uint64_t i = 0; i < kIds; i += 11) {
    if (auto found = store.find(numbered("id", i)); !found.ok()) return found.take_status();
  }
  return {};
}
inline Status read_rows(CheckpointStore& store) {
  for (std::uint64_t i = 1; i <= kRows + 6; ++i) {
    auto row = store.read_row(SequenceNumber(i));
    if (!row.ok() && row.status().code() != StatusCode::not_found) return row.take_status();
  }
  return {};
}
inline Status scans(CheckpointStore& store) {
  for (const ScanOrder order : {ScanOrder::ascending, ScanOrder::descending}) {
    for (const char* prefix : {"", "rec", "id00"}) {
      auto found = store.scan(prefix, {}, 2 * kIds, order);
      if (!found.ok()) return found.take_status();
    }
  }
  return {};
}
// In pages, as a client does; a listing of far more than there is has no end.
inline Status record_scans(CheckpointStore& store) {
  for (const ScanOrder order : {ScanOrder::ascending, ScanOrder::descending}) {
    RecordCursor from = order == ScanOrder::ascending ? RecordCursor::begin() : RecordCursor::end();
    constexpr std::uint64_t kPagesMax = 2 * kRecords;
    for (std::uint64_t pages = 0;; ++pages) {
      EXPECT_LT(pages, kPagesMax) << "a listing without an end";
      if (pages == kPagesMax) break;
      auto page = store.scan_records(from, 7, order);
      if (!page.ok()) return page.take_status();
      if (page->size() < 7) break;
      from = page->back().next;
    }
  }
  return {};
}
inline Status read_blobs(CheckpointStore& store) {
  for (const char* blob : {"large", "small", "none"}) {
    if (auto bytes = store.read_blob(blob); !bytes.ok()) return bytes.take_status();
  }
  return {};
}
// Checkpoints that change whatever there is.
inline Status write_some(CheckpointStore& store) {
  for (std::uint64_t round = 0; round < 3; ++round) {
    auto begun = store.begin();
    if (!begun.ok()) return begun.take_status();
    Checkpoint& checkpoint = **begun;
    for (std::uint64_t i = round + 1; i <= kRows; i += 3) {
      checkpoint.erase_id(numbered("rec", i - 1));
      checkpoint.erase_id(numbered("id", i * 17));
      if (i % 2 == 0) {
        checkpoint.put_row(SequenceNumber(i), "short");
      } else {
        checkpoint.erase_row(SequenceNumber(i));
      }
      checkpoint.put_entry(EntryTable::timers, numbered("t", i), "again");
      checkpoint.put_record(numbered("new", i), "record");
    }
    checkpoint.erase_entry(EntryTable::work, round == 0 ? "big1" : "big2");
    checkpoint.put_blob("large", "b");
    if (Status status = checkpoint.commit(Position(10 + round)); !status.ok()) return status;
  }
  return {};
}
// All of it works, and nothing is wrong afterwards.
inline void expect_sound(CheckpointStore& store) {
  for (const auto use : {find_all, read_rows, scans, record_scans, read_blobs, write_some}) {
    const Status status = use(store);
    EXPECT_TRUE(status.ok()) << status.to_string();
  }
  EXPECT_EQ(count_faults(store), 0);
}

}  // namespace ingot::storage
