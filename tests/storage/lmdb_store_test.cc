// What only the LMDB store has: owners, full disks, packs, readers in other threads.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <atomic>
#include <cerrno>
#include <thread>

#include "storage/lmdb_env.h"
#include "storage/pack.h"
#include "tests/storage/store_model.h"

namespace ingot::storage {
namespace {

TEST(LmdbStoreTest, AStoreHasOneOwner) {
  const sim::TempDirectory directory;
  auto first = must_open(directory.path());
  const auto second = open_lmdb_store(options_in(directory.path()));
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), StatusCode::busy);
  first.reset();
  EXPECT_TRUE(must_open(directory.path()));
}

TEST(LmdbStoreTest, AnotherHubsOrPartitionsStoreIsRefused) {
  const sim::TempDirectory directory;
  must_open(directory.path()).reset();
  LmdbStoreOptions options = options_in(directory.path());
  options.hub_id = 78;
  EXPECT_EQ(open_lmdb_store(options).status().code(), StatusCode::failed_precondition);
  options = options_in(directory.path());
  options.partition = PartitionId(4);
  EXPECT_EQ(open_lmdb_store(options).status().code(), StatusCode::failed_precondition);
  EXPECT_TRUE(must_open(directory.path()));
}

TEST(LmdbStoreTest, AMissingDirectoryIsAnIoError) {
  EXPECT_EQ(open_lmdb_store(options_in("/nowhere/at/all")).status().code(), StatusCode::io_error);
}

TEST(LmdbStoreTest, AStoreThatMustExistIsNotMade) {
  const sim::TempDirectory directory;
  LmdbStoreOptions options = options_in(directory.path());
  options.must_exist = true;
  for (int tries = 0; tries < 2; ++tries) {
    const Status refused = open_lmdb_store(options).take_status();
    EXPECT_EQ(refused.code(), StatusCode::corrupt) << refused.to_string();
    EXPECT_NE(refused.message().find("checkpoint.mdb is missing"), std::string::npos)
        << refused.to_string();
  }
  must_open(directory.path()).reset();
  EXPECT_TRUE(open_lmdb_store(options).ok());
}

TEST(LmdbStoreTest, WrongArgumentsCostTheCheckpointOnly) {
  const sim::TempDirectory directory;
  auto store = must_open(directory.path());
  auto checkpoint = must_begin(*store);
  checkpoint->put_record("", "record");
  checkpoint->put_row(SequenceNumber(1), "row");
  EXPECT_EQ(checkpoint->commit(Position(1)).code(), StatusCode::invalid_argument);
  checkpoint = must_begin(*store);
  checkpoint->put_entry(EntryTable::timers, std::string(511, 'k'), "value");
  EXPECT_EQ(checkpoint->commit(Position(1)).code(), StatusCode::invalid_argument);
  checkpoint = must_begin(*store);
  checkpoint->put_record(std::string(1024, 'i'), "record");
  checkpoint->put_entry(EntryTable::timers, std::string(510, 'k'), std::string(100'000, 'v'));
  EXPECT_TRUE(checkpoint->commit(Position(1)).ok());
  EXPECT_EQ(store->position(), Position(1));
  EXPECT_EQ(store->read_row(SequenceNumber(1)).status().code(), StatusCode::not_found);
  EXPECT_EQ(count_faults(*store), 0);
}

TEST(LmdbStoreTest, WhatWasErasedGivesItsSpaceBack) {
  const sim::TempDirectory directory;
  auto store = must_open(directory.path());
  std::uint64_t position = 0;
  std::uint64_t bytes_after_first = 0;
  Random random(8);
  for (int round = 0; round < 6; ++round) {
    for (const bool fill : {true, false}) {
      auto checkpoint = must_begin(*store);
      for (int i = 0; i < 3000; ++i) {
        const std::string id = "id" + std::to_string(i);
        if (fill) {
          checkpoint->put_record(id, random_bytes(random, 100));
          checkpoint->put_row(SequenceNumber(i + 1), "row");
        } else {
          checkpoint->erase_id(id);
          checkpoint->erase_row(SequenceNumber(i + 1));
        }
      }
      ASSERT_TRUE(checkpoint->commit(Position(++position)).ok());
    }
    EXPECT_EQ(store->counters().ids, 0U);
    EXPECT_EQ(store->counters().rows, 0U);
    if (round == 1) bytes_after_first = store->counters().file_bytes;
  }
  EXPECT_LT(store->counters().file_bytes, 2 * bytes_after_first);
  EXPECT_EQ(count_faults(*store), 0);
  store.reset();
  const StoreMeta meta = meta_of(directory.path());
  EXPECT_EQ(meta.table(Table::packs).values, 0U);
  EXPECT_EQ(meta.table(Table::pack_dead).values, 0U);
}

// Four of five records go at random, and as many new ones come: half-dead packs give their space
// back too, and the file stays within a few times what lives in it.
TEST(LmdbStoreTest, RandomPurgesGiveTheirSpaceBack) {
  constexpr std::uint64_t kSeed = 21;
  constexpr std::uint64_t kRecords = 4000;
  constexpr std::size_t kRecordBytes = 200;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  const sim::TempDirectory directory;
  auto store = must_open(directory.path());
  Random random(kSeed);
  StoreModel model;
  std::uint64_t position = 0;
  std::uint64_t next = 0;
  std::uint64_t early_bytes = 0;
  for (int round = 0; round < 12; ++round) {
    if (round == 6) {
      store.reset();
      store = must_open(directory.path());
    }
    auto checkpoint = must_begin(*store);
    for (std::uint64_t i = 0; i < kRecords; ++i) {
      model.put_record(*checkpoint, "id" + std::to_string(next++),
                       random_bytes(random, kRecordBytes));
    }
    ASSERT_TRUE(checkpoint->commit(Position(++position)).ok());
    checkpoint = must_begin(*store);
    const auto places = model.places;
    for (const auto& [id, place] : places) {
      if (random.below(5) != 0) model.erase_id(*checkpoint, id);
    }
    ASSERT_TRUE(checkpoint->commit(Position(++position)).ok());
    // The work left over is done by whatever checkpoints come.
    for (int i = 0; i < 3; ++i) {
      checkpoint = must_begin(*store);
      ASSERT_TRUE(checkpoint->commit(Position(++position)).ok());
    }
    if (round == 2) early_bytes = store->counters().file_bytes;
  }
  EXPECT_LT(store->counters().file_bytes, early_bytes + early_bytes / 2);
  model.position = Position(position);
  model.compare_all(*store, 1);
  store.reset();
  // About a fifth of 4000 lives, and it was 48,000 that were written.
  const StoreMeta meta = meta_of(directory.path());
  const std::uint64_t packed = meta.table(Table::packs).values * kChunkBytes;
  EXPECT_LT(packed, 6 * model.ids.size() * kRecordBytes);
}

// How often the packs of a closed store were rewritten, all together.
std::uint64_t rewrites_in(const std::string& directory) {
  const auto file = PageFile::open(directory + "/checkpoint.mdb");
  EXPECT_TRUE(file.ok());
  const auto roots = read_roots(**file);
  EXPECT_TRUE(roots.ok()) << roots.status().to_string();
  TableReader reader(**file, *roots);
  TreeCursor& cursor = reader.cursor(Table::packs);
  std::uint64_t rewrites = 0;
  auto more = cursor.seek(std::string(8, '\0'));
  for (; more.ok() && *more; more = cursor.next()) {
    rewrites += pack_rewrites(big_endian64(cursor.key()));
  }
  EXPECT_TRUE(more.ok());
  return rewrites;
}

TEST(LmdbStoreTest, RecordsOfManyAgesKeepTheirOrder) {
  // Packs are rewritten again and again while others stay: 1 in 16 is left in the end.
  const sim::TempDirectory directory;
  auto store = must_open(directory.path());
  StoreModel model;
  std::uint64_t position = 0;
  for (std::uint64_t survivors : {1, 2, 5, 16}) {
    auto checkpoint = must_begin(*store);
    const auto places = model.places;
    for (const auto& [id, place] : places) {
      if (place % survivors != 0) model.erase_id(*checkpoint, id);
    }
    for (int i = 0; i < 700; ++i) {
      model.put_record(*checkpoint, std::to_string(model.next_place * 31 % 10'007), "record");
    }
    ASSERT_TRUE(checkpoint->commit(Position(++position)).ok());
    ASSERT_TRUE(must_begin(*store)->commit(Position(++position)).ok());
    model.position = Position(position);
    model.compare_all(*store, 1);
  }
  EXPECT_TRUE(store->scan_records({5, UINT64_MAX}, 10, ScanOrder::descending).ok());
  EXPECT_TRUE(store->scan_records({UINT64_MAX, 0}, 10)->empty());
  EXPECT_TRUE(store->scan_records(RecordCursor::begin(), 10, ScanOrder::descending)->empty());
  EXPECT_TRUE(store->scan_records(RecordCursor::begin(), 0)->empty());
  store.reset();
  EXPECT_GT(rewrites_in(directory.path()), 1U);
}

TEST(LmdbStoreTest, LargeRowsAndRecordsComeBackWhole) {
  const sim::TempDirectory directory;
  Random random(4);
  std::map<std::uint64_t, std::string> rows;
  auto store = must_open(directory.path());
  for (std::uint64_t round = 1; round <= 3; ++round) {
    auto checkpoint = must_begin(*store);
    for (const std::uint64_t n : {1, 2, 3, 4, 5, 6}) {
      const std::size_t size = random.one_in(3) ? 400'000 : 1960 + random.below(40);
      rows[n] = random_bytes(random, size);
      checkpoint->put_row(SequenceNumber(n), rows[n]);
      checkpoint->put_record("record" + std::to_string(n), rows[n]);
    }
    ASSERT_TRUE(checkpoint->commit(Position(round)).ok());
    for (const auto& [n, bytes] : rows) {
      const auto row = store->read_row(SequenceNumber(n));
      ASSERT_TRUE(row.ok()) << row.status().to_string();
      EXPECT_TRUE(*row == bytes);
      const auto found = store->find("record" + std::to_string(n));
      ASSERT_TRUE(found.ok()) << found.status().to_string();
      ASSERT_TRUE(found->has_value());
      EXPECT_TRUE((*found)->record == bytes);
    }
  }
  EXPECT_EQ(count_faults(*store), 0);
}

// LMDB says EIO when a full disk cuts a write short, also in the middle of a large transaction.
TEST(LmdbStoreTest, AWriteThatAFullDiskCutShortIsAFullDiskWhereverItHappens) {
  const std::string full = "/proc/self/status";  // a file system without any room
  for (const char* where : {"", "rows, key 7"}) {
    const Status cut = lmdb_status(EIO, full, where);
    EXPECT_EQ(cut.code(), StatusCode::disk_full) << cut.to_string();
    EXPECT_NE(cut.message().find(full), std::string::npos) << cut.to_string();
    EXPECT_NE(cut.message().find(where), std::string::npos) << cut.to_string();
  }
  const sim::TempDirectory directory;
  EXPECT_EQ(lmdb_status(EIO, directory.path(), "rows, key 7").code(), StatusCode::io_error);
}

void put_much(Checkpoint& checkpoint, std::uint64_t rows) {
  Random random(rows);
  for (std::uint64_t i = 0; i < rows; ++i) {
    checkpoint.put_row(SequenceNumber(100 + i), random_bytes(random, 1500));
  }
}

void expect_only_the_first(CheckpointStore& store) {
  EXPECT_EQ(store.position(), Position(1));
  const auto found = store.find("kept");
  ASSERT_TRUE(found.ok()) << found.status().to_string();
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->record, "record");
  EXPECT_EQ(store.read_row(SequenceNumber(100)).status().code(), StatusCode::not_found);
}

TEST(LmdbStoreTest, AFullMapIsAFullDiskAndReadsGoOn) {
  const sim::TempDirectory directory;
  LmdbStoreOptions options = options_in(directory.path());
  options.map_bytes = 1 << 20;
  auto opened = open_lmdb_store(options);
  ASSERT_TRUE(opened.ok()) << opened.status().to_string();
  CheckpointStore& store = **opened;
  auto checkpoint = must_begin(store);
  checkpoint->put_record("kept", "record");
  ASSERT_TRUE(checkpoint->commit(Position(1)).ok());
  checkpoint = must_begin(store);
  put_much(*checkpoint, 2000);
  EXPECT_EQ(checkpoint->commit(Position(2)).code(), StatusCode::disk_full);
  expect_only_the_first(store);
  checkpoint = must_begin(store);
  checkpoint->put_row(SequenceNumber(7), "fits");
  EXPECT_TRUE(checkpoint->commit(Position(2)).ok());
  EXPECT_EQ(count_faults(store), 0);
}

TEST(LmdbStoreTest, AFullDiskRefusesTheCheckpointAndALaterOneSucceeds) {
  const sim::TempDirectory directory;
  auto store = must_open(directory.path());
  auto checkpoint = must_begin(*store);
  checkpoint->put_record("kept", "record");
  ASSERT_TRUE(checkpoint->commit(Position(1)).ok());

  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = store->counters().file_bytes + (256 << 10);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  checkpoint = must_begin(*store);
  put_much(*checkpoint, 2000);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const Status refused = checkpoint->commit(Position(2));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, handler);

  EXPECT_EQ(refused.code(), StatusCode::disk_full) << refused.to_string();
  expect_only_the_first(*store);
  EXPECT_EQ(count_faults(*store), 0);
  checkpoint = must_begin(*store);
  put_much(*checkpoint, 2000);
  const Status committed = checkpoint->commit(Position(3));
  ASSERT_TRUE(committed.ok()) << committed.to_string();
  EXPECT_TRUE(store->read_row(SequenceNumber(100)).ok());
  EXPECT_EQ(count_faults(*store), 0);
}

// Each checkpoint says the same number in every table; readers must never see two at once, nor
// go back.
TEST(LmdbStoreTest, ReadersInOtherThreadsSeeWholeCheckpoints) {
  const sim::TempDirectory directory;
  auto store = must_open(directory.path());
  const auto write = [&](std::uint64_t n) {
    auto checkpoint = must_begin(*store);
    for (int i = 0; i < 200; ++i) {
      checkpoint->put_record("id" + std::to_string(i), std::to_string(n));
      checkpoint->put_id("n" + std::to_string(n) + "-" + std::to_string(i), SequenceNumber(1));
    }
    checkpoint->put_row(SequenceNumber(1), std::to_string(n));
    checkpoint->put_entry(EntryTable::timers, "a", std::to_string(n));
    checkpoint->put_entry(EntryTable::timers, "b", std::to_string(n));
    checkpoint->put_blob("blob", std::string(5000, static_cast<char>('0' + n % 10)));
    const Status committed = checkpoint->commit(Position(n));
    EXPECT_TRUE(committed.ok()) << committed.to_string();
  };
  write(1);
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> rounds{0};
  const auto read = [&] {
    std::uint64_t last = 0;
    while (!stop.load()) {
      const auto scanned = store->scan("id", {}, 1000);
      ASSERT_TRUE(scanned.ok()) << scanned.status().to_string();
      ASSERT_EQ(scanned->size(), 200U);
      for (const ScannedId& found : *scanned) {
        ASSERT_EQ(found.located.record, scanned->front().located.record);
      }
      const std::uint64_t seen = std::stoull(scanned->front().located.record);
      ASSERT_GE(seen, last);
      last = seen;
      std::string first;
      const Status entries =
          store->for_each_entry(EntryTable::timers, [&](std::string_view, std::string_view value) {
            if (first.empty()) first = value;
            EXPECT_EQ(value, first);
            return Status();
          });
      ASSERT_TRUE(entries.ok()) << entries.to_string();
      const auto blob = store->read_blob("blob");
      ASSERT_TRUE(blob.ok() && blob->has_value());
      ASSERT_EQ((*blob)->find_first_not_of((*blob)->front()), std::string::npos);
      ASSERT_TRUE(store->find("id7").ok());
      ASSERT_TRUE(store->may_contain("id7"));
      ASSERT_TRUE(store->read_row(SequenceNumber(1)).ok());
      rounds.fetch_add(1);
    }
  };
  std::thread one(read);
  std::thread two(read);
  // Until both sides have done something, whatever the machine's load.
  for (std::uint64_t n = 2; n < 40 || (rounds.load() < 20 && n < 3000); ++n) write(n);
  stop.store(true);
  one.join();
  two.join();
  EXPECT_EQ(count_faults(*store), 0);
}

}  // namespace
}  // namespace ingot::storage
