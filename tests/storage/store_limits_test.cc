// What a store is not made for, and what it does only when it is large: arguments that are refused,
// scans at their ends, the cache of packs, large filters, merges that go on over checkpoints.

#include <sys/mman.h>

#include <filesystem>

#include "storage/store_core.h"
#include "tests/storage/store_files.h"
#include "tests/storage/store_uses.h"

namespace ingot::storage {
namespace {

TEST(StoreLimitsTest, WrongArgumentsAreRefusedEachByItsName) {
  constexpr std::size_t kHuge = std::size_t{3} << 30;
  // Nobody reads it: its length alone is refused.
  void* huge =
      ::mmap(nullptr, kHuge, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(huge, MAP_FAILED);
  const std::string_view endless(static_cast<const char*>(huge), kHuge);
  const std::string long_id(1025, 'i');
  const std::string long_key(511, 'k');
  const auto no_table = static_cast<EntryTable>(0);
  const auto other_table = static_cast<EntryTable>(4);
  const SequenceNumber one(1);
  struct Wrong {
    const char* words;
    std::function<void(Checkpoint&)> put;
  };
  const std::vector<Wrong> wrongs = {
      {"an id has", [&](Checkpoint& c) { c.put_id("", one); }},
      {"an id has", [&](Checkpoint& c) { c.put_id(long_id, one); }},
      {"an id has", [&](Checkpoint& c) { c.put_record(long_id, "r"); }},
      {"an id has", [&](Checkpoint& c) { c.erase_id(""); }},
      {"too long", [&](Checkpoint& c) { c.put_record("id", endless); }},
      {"longer than 1 GiB", [&](Checkpoint& c) { c.put_row(one, endless); }},
      {"longer than 1 GiB", [&](Checkpoint& c) { c.put_blob("blob", endless); }},
      {"longer than 400 bytes", [&](Checkpoint& c) { c.put_blob(std::string(401, 'b'), "b"); }},
      {"no such entry table", [&](Checkpoint& c) { c.put_entry(no_table, "k", "v"); }},
      {"no such entry table", [&](Checkpoint& c) { c.erase_entry(other_table, "k"); }},
      {"an entry's key", [&](Checkpoint& c) { c.put_entry(EntryTable::work, long_key, "v"); }},
      {"an entry's key", [&](Checkpoint& c) { c.erase_entry(EntryTable::work, long_key); }},
  };
  const sim::TempDirectory directory;
  auto store = must_open(directory.path());
  for (const Wrong& wrong : wrongs) {
    auto checkpoint = must_begin(*store);
    wrong.put(*checkpoint);
    // Nothing of what comes behind it counts.
    checkpoint->put_row(one, "row");
    checkpoint->erase_row(one);
    checkpoint->put_id("id", one);
    checkpoint->erase_id("id");
    checkpoint->put_record("id", "record");
    checkpoint->put_entry(EntryTable::work, "k", "v");
    checkpoint->erase_entry(EntryTable::work, "k");
    checkpoint->put_blob("blob", "b");
    const Status refused = checkpoint->commit(Position(1));
    EXPECT_EQ(refused.code(), StatusCode::invalid_argument) << refused.to_string();
    EXPECT_NE(refused.message().find(wrong.words), std::string::npos) << refused.to_string();
    EXPECT_EQ(checkpoint->commit(Position(1)).code(), StatusCode::failed_precondition);
  }
  ::munmap(huge, kHuge);
  EXPECT_EQ(store->counters().ids, 0U);
  auto checkpoint = must_begin(*store);
  checkpoint->put_blob(std::string(400, 'b'), "b");
  checkpoint->erase_row(one);
  checkpoint->erase_entry(EntryTable::work, "none");
  checkpoint->erase_id("none");
  EXPECT_TRUE(checkpoint->commit(Position(1)).ok());
  EXPECT_EQ(checkpoint->commit(Position(2)).code(), StatusCode::failed_precondition);
  EXPECT_EQ(*store->read_blob(std::string(400, 'b')), "b");
  EXPECT_EQ(*store->read_blob(std::string(401, 'b')), std::nullopt);
  const auto entry = [](std::string_view, std::string_view) { return Status(); };
  for (const EntryTable table : {no_table, other_table}) {
    EXPECT_EQ(store->for_each_entry(table, entry).code(), StatusCode::invalid_argument);
  }
}

TEST(StoreLimitsTest, WhoeverWalksEntriesMayStop) {
  const sim::TempDirectory directory;
  auto store = must_open(directory.path());
  auto checkpoint = must_begin(*store);
  for (std::uint64_t i = 0; i < 5; ++i) {
    checkpoint->put_entry(EntryTable::work, numbered("k", i), "v");
  }
  ASSERT_TRUE(checkpoint->commit(Position(1)).ok());
  int seen = 0;
  const Status stopped =
      store->for_each_entry(EntryTable::work, [&](std::string_view, std::string_view) {
        return ++seen < 3 ? Status() : Status(StatusCode::cancelled, "enough");
      });
  EXPECT_EQ(stopped.code(), StatusCode::cancelled);
  EXPECT_EQ(seen, 3);
  EXPECT_TRUE(store->begin().ok());
}

TEST(StoreLimitsTest, ScansEndWhereTheirIdsEnd) {
  const sim::TempDirectory directory;
  auto store = must_open(directory.path());
  const auto scanned = [&](std::string_view prefix, std::string_view after, std::size_t limit,
                           ScanOrder order) {
    const auto found = store->scan(prefix, after, limit, order);
    EXPECT_TRUE(found.ok()) << found.status().to_string();
    std::string ids;
    for (const ScannedId& id : *found) ids += id.id + ' ';
    return ids;
  };
  constexpr ScanOrder kUp = ScanOrder::ascending;
  constexpr ScanOrder kDown = ScanOrder::descending;
  for (const ScanOrder order : {kUp, kDown}) EXPECT_EQ(scanned("", "", 9, order), "");
  auto checkpoint = must_begin(*store);
  for (const char* id : {"b", "b\xff", "b\xff\xff", "c", "\xff", "\xff\xff"}) {
    checkpoint->put_record(id, "record");
  }
  ASSERT_TRUE(checkpoint->commit(Position(1)).ok());
  EXPECT_EQ(scanned("b", "", 9, kDown), "b\xff\xff b\xff b ");
  EXPECT_EQ(scanned("b\xff", "", 9, kDown), "b\xff\xff b\xff ");
  EXPECT_EQ(scanned("\xff", "", 9, kDown), "\xff\xff \xff ");
  EXPECT_EQ(scanned("\xff", "\xff\xff", 9, kDown), "\xff ");
  EXPECT_EQ(scanned("", "c", 2, kDown), "b\xff\xff b\xff ");
  EXPECT_EQ(scanned("b", "zz", 1, kDown), "b\xff\xff ");
  EXPECT_EQ(scanned("b", "a", 9, kDown), "");
  EXPECT_EQ(scanned("", "a", 9, kDown), "");
  EXPECT_EQ(scanned("", "b", 9, kDown), "");
  EXPECT_EQ(scanned("c", "a", 9, kUp), "c ");
  EXPECT_EQ(scanned("b", "b", 9, kUp), "b\xff b\xff\xff ");
  EXPECT_EQ(scanned("", "\xff\xff", 9, kUp), "");
  EXPECT_EQ(scanned("", "", 0, kUp), "");
  EXPECT_EQ(store->scan_records(RecordCursor::begin(), 0)->size(), 0U);
}

TEST(StoreLimitsTest, ThePackCacheKeepsThoseUsedLast) {
  PackCache cache;
  const auto bytes = [](std::size_t size) {
    return std::make_shared<const std::string>(size, 'p');
  };
  constexpr std::size_t kMiB = std::size_t{1} << 20;
  EXPECT_EQ(cache.get(1), nullptr);
  for (std::uint64_t pack = 1; pack <= 8; ++pack) cache.put(pack, bytes(kMiB));
  cache.put(1, bytes(1));
  ASSERT_NE(cache.get(1), nullptr);
  EXPECT_EQ(cache.get(1)->size(), kMiB);  // the first one counts, and was used last
  cache.put(9, bytes(kMiB));
  EXPECT_EQ(cache.get(2), nullptr);
  EXPECT_NE(cache.get(1), nullptr);
  // One that is larger than the cache stays alone.
  cache.put(10, bytes(20 * kMiB));
  EXPECT_NE(cache.get(10), nullptr);
  EXPECT_EQ(cache.get(1), nullptr);
  cache.put(11, bytes(1));
  EXPECT_EQ(cache.get(10), nullptr);
  EXPECT_NE(cache.get(11), nullptr);
}

TEST(StoreLimitsTest, ALargeFilterComesBackAsItWas) {
  constexpr std::uint64_t kKeys = 2'000'000;
  BloomFilter filter(kKeys);
  for (std::uint64_t i = 0; i < 1000; ++i) filter.add(id_hash(numbered("id", i)));
  EXPECT_GT(filter.bytes().size(), std::size_t{2} << 20);
  BloomFilter other;
  ASSERT_TRUE(BloomFilter::parse(filter.bytes(), other));
  for (std::uint64_t i = 0; i < 1000; ++i) {
    EXPECT_TRUE(other.may_contain(id_hash(numbered("id", i))));
  }
  EXPECT_FALSE(other.may_contain(id_hash("another")));
  EXPECT_FALSE(BloomFilter::parse({}, other));
  EXPECT_FALSE(BloomFilter::parse("half a block", other));
}

TEST(StoreLimitsTest, APackIsWorthWritingAgainWhileItsNumberCanGrow) {
  PackCompactor compactor;
  EXPECT_TRUE(compactor.begin(true).empty());
  const std::uint64_t pack = first_pack_number(7);
  compactor.note(pack, 100, 75);
  compactor.note(pack + 256, 100, 74);
  compactor.note(pack + 512, 100, 100);
  compactor.note(pack + 768 + kRewritesMax - 2, 100, 80);
  compactor.note(pack + 1024 + kRewritesMax - 1, 100, 80);
  compactor.note(pack + 1280, 100, 80);
  compactor.note(pack + 1280, 100, 70);
  EXPECT_EQ(compactor.begin(true),
            (std::vector<std::uint64_t>{pack, pack + 768 + kRewritesMax - 2}));
  EXPECT_TRUE(compactor.begin(true).empty());
  // So many in a checkpoint as died before it, but some in any case.
  for (std::uint64_t n = 1; n <= 4; ++n) compactor.note(first_pack_number(n), 4000, 3500);
  EXPECT_EQ(compactor.begin(true).size(), 2U);
  compactor.died(8000);
  compactor.forget(first_pack_number(3));
  EXPECT_EQ(compactor.begin(true).size(), 1U);
  compactor.note(first_pack_number(9), 4000, 3500);
  EXPECT_TRUE(compactor.begin(false).empty());
}

// A merge of more than a checkpoint's share goes on in the next ones, and after a reopening begins
// again, and what it had written is garbage until then.
TEST(StoreLimitsTest, ALargeMergeGoesOnOverCheckpoints) {
  const sim::TempDirectory directory;
  auto store = must_open(directory.path());
  std::uint64_t position = 0;
  const auto commit = [&](std::uint64_t ids, std::uint64_t from) {
    auto checkpoint = must_begin(*store);
    for (std::uint64_t i = 0; i < ids; ++i) {
      checkpoint->put_id(numbered("id", from + 5 * i), SequenceNumber(1));
    }
    ASSERT_TRUE(checkpoint->commit(Position(++position)).ok());
  };
  for (std::uint64_t run = 0; run < 4; ++run) commit(6000, run);
  commit(1, 4);
  store.reset();
  const StoreMeta begun = meta_of(directory.path());
  EXPECT_EQ(begun.runs.size(), 5U);
  EXPECT_FALSE(begun.garbage.empty());
  store = must_open(directory.path());
  for (int i = 0; i < 3; ++i) commit(0, 0);
  commit(1, 9);
  EXPECT_EQ(store->counters().ids, 24'002U);
  EXPECT_EQ(count_faults(*store), 0);
  for (std::uint64_t i = 0; i < 24'000; i += 97) {
    EXPECT_TRUE(store->find(numbered("id", 5 * (i / 4) + i % 4))->has_value()) << i;
  }
  store.reset();
  const StoreMeta ended = meta_of(directory.path());
  EXPECT_LT(ended.runs.size(), 4U);
  EXPECT_TRUE(ended.garbage.empty());
}

TEST(StoreLimitsTest, FewTombstonesAreNoReasonForALargeMerge) {
  const sim::TempDirectory directory;
  auto store = must_open(directory.path());
  for (std::uint64_t position = 1; position <= 3; ++position) {
    auto checkpoint = must_begin(*store);
    for (std::uint64_t i = 0; position == 1 && i < 20'000; ++i) {
      checkpoint->put_id(numbered("id", i), SequenceNumber(1));
    }
    for (std::uint64_t i = 0; position == 2 && i < 4200; ++i) {
      checkpoint->erase_id(numbered("id", i));
    }
    ASSERT_TRUE(checkpoint->commit(Position(position)).ok());
  }
  EXPECT_EQ(store->counters().ids, 15'800U);
  EXPECT_EQ(count_faults(*store), 0);
  store.reset();
  EXPECT_EQ(meta_of(directory.path()).runs.size(), 2U);
}

TEST(StoreLimitsTest, AMergeOfNothingButTombstonesLeavesNoRun) {
  const sim::TempDirectory directory;
  auto store = must_open(directory.path());
  for (std::uint64_t position = 1; position <= 4; ++position) {
    auto checkpoint = must_begin(*store);
    for (std::uint64_t i = 0; position <= 2 && i < 4200; ++i) {
      if (position == 1) {
        checkpoint->put_id(numbered("id", i), SequenceNumber(1));
      } else {
        checkpoint->erase_id(numbered("id", i));
      }
    }
    ASSERT_TRUE(checkpoint->commit(Position(position)).ok());
  }
  EXPECT_EQ(store->counters().ids, 0U);
  EXPECT_FALSE(store->may_contain(numbered("id", 1)));
  EXPECT_EQ(count_faults(*store), 0);
  store.reset();
  EXPECT_TRUE(meta_of(directory.path()).runs.empty());
  // Of a small run too.
  store = must_open(directory.path());
  for (const bool put : {true, false}) {
    auto checkpoint = must_begin(*store);
    if (put) {
      checkpoint->put_id("id", SequenceNumber(1));
    } else {
      checkpoint->erase_id("id");
    }
    ASSERT_TRUE(checkpoint->commit(Position(put ? 5 : 6)).ok());
  }
  EXPECT_EQ(count_faults(*store), 0);
  store.reset();
  EXPECT_TRUE(meta_of(directory.path()).runs.empty());
}

// Wherever in a checkpoint its last page is taken, nothing was written, and the store goes on.
TEST(StoreLimitsTest, AMapThatEndsAnywhereInACheckpointIsAFullDisk) {
  const sim::TempDirectory directory;
  auto store = must_open(directory.path());
  for (std::uint64_t position = 1; position <= 5; ++position) {
    auto checkpoint = must_begin(*store);
    for (std::uint64_t i = 0; i < (position < 5 ? 4200U : 20U); ++i) {
      checkpoint->put_record(numbered("rec", position + 5 * i), "record");
    }
    ASSERT_TRUE(checkpoint->commit(Position(position)).ok());
  }
  store.reset();
  const std::string path = directory.path() + "/checkpoint.mdb";
  std::filesystem::copy_file(path, path + ".good");
  const std::uint64_t bytes = std::filesystem::file_size(path);
  constexpr std::uint64_t kPage = 4096;
  constexpr std::uint64_t kPagesMost = 600;
  std::uint64_t refused = 0;
  std::uint64_t pages = 0;
  for (Status status = {StatusCode::disk_full, ""}; !status.ok(); pages += pages < 60 ? 1 : 7) {
    SCOPED_TRACE("pages " + std::to_string(pages));
    ASSERT_LT(pages, kPagesMost);
    std::filesystem::copy_file(path + ".good", path,
                               std::filesystem::copy_options::overwrite_existing);
    LmdbStoreOptions options = options_in(directory.path());
    options.map_bytes = bytes + pages * kPage;
    auto opened = open_lmdb_store(options);
    ASSERT_TRUE(opened.ok()) << opened.status().to_string();
    auto checkpoint = must_begin(**opened);
    for (std::uint64_t i = 0; i < 40; ++i) {
      checkpoint->put_row(SequenceNumber(i + 1), std::string(3000, 'r'));
      checkpoint->erase_id(numbered("rec", 1 + 25 * i));
      checkpoint->put_record(numbered("new", i), std::string(300, 'r'));
      checkpoint->put_entry(EntryTable::work, numbered("k", i), "v");
    }
    checkpoint->put_blob("blob", std::string(9000, 'b'));
    status = checkpoint->commit(Position(6));
    if (status.ok()) break;
    EXPECT_EQ(status.code(), StatusCode::disk_full) << status.to_string();
    ++refused;
    EXPECT_EQ((*opened)->position(), Position(5));
    EXPECT_TRUE((*opened)->find(numbered("rec", 1))->has_value());
    if (pages % 10 == 0) {
      EXPECT_EQ(count_faults(**opened), 0);
    }
  }
  EXPECT_GT(refused, 20U);
}

// Whenever whoever asks for a scrub has enough of it, it ends with what he said.
TEST(StoreLimitsTest, AScrubEndsWheneverItIsToldTo) {
  const sim::TempDirectory directory;
  {
    auto store = must_open(directory.path());
    for (std::uint64_t i = 1; i <= 3; ++i) {
      auto checkpoint = must_begin(*store);
      for (std::uint64_t n = 0; n < 40; ++n) {
        checkpoint->put_record(numbered("rec", i * 40 + n), std::string(200, 'r'));
        checkpoint->put_row(SequenceNumber(i * 40 + n), std::string(100, 'r'));
        if (i > 1 && n % 3 == 0) checkpoint->erase_id(numbered("rec", (i - 1) * 40 + n));
      }
      checkpoint->put_blob("blob", "b");
      ASSERT_TRUE(checkpoint->commit(Position(i)).ok());
    }
  }
  const auto file = PageFile::open(directory.path() + "/checkpoint.mdb");
  ASSERT_TRUE(file.ok());
  Snapshot snapshot;
  snapshot.roots = *read_roots(**file);
  TableReader reader(**file, snapshot.roots);
  for (const RunReference& run : snapshot.roots.meta.runs) {
    snapshot.runs.insert(snapshot.runs.begin(), *IdRun::load(reader, run));
  }
  const auto no_fault = [](const StoreFault& fault) { ADD_FAILURE() << fault.what; };
  std::uint64_t asked = 0;
  ASSERT_TRUE(scrub_snapshot(**file, snapshot, no_fault, [&asked] {
                ++asked;
                return Status();
              }).ok());
  for (std::uint64_t last = 1; last <= asked; ++last) {
    std::uint64_t left = last;
    const auto tired = [&left]() -> Status {
      if (--left > 0) return {};
      return {StatusCode::cancelled, "enough"};
    };
    EXPECT_EQ(scrub_snapshot(**file, snapshot, no_fault, tired).code(), StatusCode::cancelled);
  }
}

}  // namespace
}  // namespace ingot::storage
