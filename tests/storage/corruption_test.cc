// Flipped bits and cut files: refused by name, or harmless; never other data, never a signal.

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "core/random.h"
#include "storage/page_file.h"
#include "storage/store_core.h"
#include "storage/table_reader.h"
#include "tests/storage/store_model.h"

namespace ingot::storage {
namespace {

constexpr std::uint64_t kUniverse = 150;
constexpr std::uint64_t kPageBytes = 4096;

class CorruptionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto store = must_open(directory_.path());
    ASSERT_TRUE(store);
    Random random(11);
    for (std::uint64_t i = 1; i <= 8; ++i) {
      auto checkpoint = store->begin();
      ASSERT_TRUE(checkpoint.ok());
      model_.random_changes(random, 150, kUniverse, **checkpoint);
      model_.position = Position(i);
      ASSERT_TRUE((*checkpoint)->commit(model_.position).ok());
    }
    store.reset();
    std::ifstream in(path(), std::ios::binary);
    good_.assign(std::istreambuf_iterator<char>(in), {});
    ASSERT_GT(good_.size(), 20 * kPageBytes);
  }
  [[nodiscard]] std::string path() const { return directory_.path() + "/checkpoint.mdb"; }
  void write(std::string_view bytes) {
    std::ofstream out(path(), std::ios::binary | std::ios::trunc);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    ASSERT_TRUE(out.flush());
  }
  Result<std::unique_ptr<CheckpointStore>> open(bool scrubbed) {
    LmdbStoreOptions options = options_in(directory_.path());
    if (!scrubbed) options.scrub_at_open_bytes_max = 0;
    return open_lmdb_store(options);
  }
  static void expect_refusal(const Status& status) {
    EXPECT_TRUE(status.code() == StatusCode::corrupt || status.code() == StatusCode::unsupported)
        << status.to_string();
  }

  // Which of the two meta pages is the newer one.
  [[nodiscard]] std::size_t good_meta_page() const {
    return good_.compare(16 + 128, 8, good_, kPageBytes + 16 + 128, 8) > 0 ? 0 : 1;
  }

  // Reads everything: each answer is right or a refusal. True when all were right.
  bool read_all(const CheckpointStore& store) {
    for (std::uint64_t n = 0; n < kUniverse; ++n) {
      const auto row = store.read_row(SequenceNumber(n + 1));
      const auto known = model_.rows.find(n + 1);
      if (row.ok()) {
        EXPECT_TRUE(known != model_.rows.end() && *row == known->second) << "row " << n + 1;
      } else if (row.status().code() == StatusCode::not_found) {
        EXPECT_EQ(known, model_.rows.end()) << "row " << n + 1;
      } else {
        expect_refusal(row.status());
        return false;
      }
      const std::string id = StoreModel::id_of(n);
      const auto found = store.find(id);
      if (!found.ok()) {
        expect_refusal(found.status());
        return false;
      }
      const auto expected = model_.ids.find(id);
      EXPECT_EQ(found->has_value(), expected != model_.ids.end()) << id;
      if (found->has_value() && expected != model_.ids.end()) {
        EXPECT_EQ((*found)->record, expected->second.record);
        EXPECT_EQ((*found)->sequence, expected->second.sequence);
      }
    }
    for (const auto& [table, known] : model_.entries) {
      StoreModel::Entries entries;
      const Status status =
          store.for_each_entry(table, [&](std::string_view key, std::string_view value) {
            entries.emplace(key, value);
            return Status();
          });
      if (!status.ok()) {
        expect_refusal(status);
        return false;
      }
      EXPECT_EQ(entries, known);
    }
    for (const auto& [name, bytes] : model_.blobs) {
      const auto blob = store.read_blob(name);
      if (!blob.ok()) {
        expect_refusal(blob.status());
        return false;
      }
      EXPECT_TRUE(blob->has_value() && **blob == bytes) << name;
    }
    for (const ScanOrder order : {ScanOrder::ascending, ScanOrder::descending}) {
      const auto scanned = store.scan({}, {}, 1000, order);
      if (!scanned.ok()) {
        expect_refusal(scanned.status());
        return false;
      }
      EXPECT_EQ(scanned->size(), model_.ids.size());
      const bool ascending = order == ScanOrder::ascending;
      const auto records =
          store.scan_records(ascending ? RecordCursor::begin() : RecordCursor::end(), 1000, order);
      if (!records.ok()) {
        expect_refusal(records.status());
        return false;
      }
      EXPECT_EQ(records->size(), model_.places.size());
    }
    EXPECT_EQ(store.position(), model_.position);
    return true;
  }

  // A checkpoint over damaged pages: it may work, it may be refused.
  static void write_some(CheckpointStore& store, Random& random) {
    auto checkpoint = store.begin();
    if (!checkpoint.ok()) return expect_refusal(checkpoint.status());
    StoreModel ignored;
    ignored.random_changes(random, 60, kUniverse, **checkpoint);
    const Status committed = (*checkpoint)->commit(Position(100));
    if (!committed.ok()) expect_refusal(committed);
  }

  sim::TempDirectory directory_;
  StoreModel model_;
  std::string good_;
};

TEST_F(CorruptionTest, AnyFlippedBitIsRefusedOrHarmless) {
  constexpr int kTrials = 130;
  constexpr std::uint64_t kSeed = 20260;
  Random random(kSeed);
  int refused_at_open = 0;
  int refused_later = 0;
  int harmless = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::uint64_t at = random.below(good_.size());
    // Every second one hits what LMDB itself believes in: headers, offsets, the meta pages.
    if (trial % 2 == 0) at = at / kPageBytes * kPageBytes + random.below(64);
    if (trial % 20 == 0) at = random.below(2) * kPageBytes + random.below(160);
    const auto bit = static_cast<unsigned>(random.below(8));
    SCOPED_TRACE("seed " + std::to_string(kSeed) + ", trial " + std::to_string(trial) + ", page " +
                 std::to_string(at / kPageBytes) + ", offset " + std::to_string(at % kPageBytes) +
                 ", bit " + std::to_string(bit));
    std::string bad = good_;
    bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
    write(bad);
    // What a scrub at open lets pass is right.
    {
      auto store = open(true);
      if (store.ok()) {
        EXPECT_TRUE(read_all(**store));
        ++harmless;
      } else {
        expect_refusal(store.status());
        ++refused_at_open;
      }
    }
    // Without it a fault may show later, but never as other data.
    auto store = open(false);
    if (!store.ok()) {
      expect_refusal(store.status());
      continue;
    }
    if (!read_all(**store)) {
      ++refused_later;
      EXPECT_FALSE((*store)->find("any").ok());  // it sticks
      store = Status(StatusCode::cancelled, "closed");
      store = open(false);
      ASSERT_TRUE(store.ok()) << store.status().to_string();
      int faults = 0;
      EXPECT_TRUE((*store)->scrub([&](const StoreFault&) { ++faults; }).ok());
      EXPECT_GT(faults, 0);
    }
    write_some(**store, random);
    if (HasFailure()) return;
  }
  EXPECT_GT(refused_at_open, kTrials / 10);
  EXPECT_GT(refused_later, 0);
  EXPECT_GT(harmless, 0);
}

// What opening a large file does not look at, a thread does; and it ends the store's work.
TEST_F(CorruptionTest, AScrubBehindTheOpeningEndsTheWorkOfADamagedStore) {
  constexpr std::uint64_t kSeed = 20261;
  Random random(kSeed);
  for (int found = 0; found < 8;) {
    const std::uint64_t at = 2 * kPageBytes + random.below(good_.size() - 2 * kPageBytes);
    SCOPED_TRACE("seed " + std::to_string(kSeed) + ", offset " + std::to_string(at));
    std::string bad = good_;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    write(bad);
    if (open(true).ok() || !open(false).ok()) continue;  // harmless, or seen at once
    LmdbStoreOptions options = options_in(directory_.path());
    options.scrub_at_open_bytes_max = 0;
    options.scrub_behind_opening = true;
    const auto store = open_lmdb_store(options);
    ASSERT_TRUE(store.ok()) << store.status().to_string();
    Status refused;
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(2);
    while (refused.ok() && std::chrono::steady_clock::now() < end) {
      refused = (*store)->begin().take_status();
      std::this_thread::yield();
    }
    EXPECT_EQ(refused.code(), StatusCode::corrupt) << refused.to_string();
    EXPECT_NE(refused.message().find(path()), std::string::npos) << refused.to_string();
    EXPECT_EQ((*store)->find("any").status().to_string(), refused.to_string());
    ++found;
  }
}

TEST_F(CorruptionTest, AScrubBehindTheOpeningLetsASoundStoreWork) {
  LmdbStoreOptions options = options_in(directory_.path());
  options.scrub_at_open_bytes_max = 0;
  options.scrub_behind_opening = true;
  Random random(20262);
  for (int opening = 0; opening < 12; ++opening) {
    const auto store = open_lmdb_store(options);
    ASSERT_TRUE(store.ok()) << store.status().to_string();
    // Closed at once, or after checkpoints that use again what became free before the opening.
    for (std::uint64_t i = random.below(8); i > 0; --i) {
      auto checkpoint = must_begin(**store);
      model_.random_changes(random, 150, kUniverse, *checkpoint);
      model_.position = model_.position.plus(1);
      ASSERT_TRUE(checkpoint->commit(model_.position).ok());
    }
    EXPECT_TRUE(read_all(**store));
  }
  EXPECT_EQ(count_faults(*must_open(directory_.path())), 0);
}

struct LoadedSnapshot {
  std::unique_ptr<PageFile> file;
  Snapshot snapshot;
};
LoadedSnapshot load(const std::string& path) {
  LoadedSnapshot loaded;
  loaded.file = std::move(*PageFile::open(path));
  loaded.snapshot.roots = *read_roots(*loaded.file);
  TableReader reader(*loaded.file, loaded.snapshot.roots);
  const auto& runs = loaded.snapshot.roots.meta.runs;
  for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
    loaded.snapshot.runs.push_back(std::move(*IdRun::load(reader, *run)));
  }
  return loaded;
}

TEST_F(CorruptionTest, AScrubEndsAtItsFirstFaultWhateverElseEndsIt) {
  std::uint64_t asked = 0;
  const auto count = [&asked] {
    ++asked;
    return Status();
  };
  // A bit of a row's value, so that the pages are right; some of these places are in old pages.
  const std::string row = model_.rows.begin()->second.substr(0, 20);
  std::uint64_t fault_at = 0;
  for (std::size_t at = good_.find(row); at != std::string::npos && fault_at == 0;
       at = good_.find(row, at + 1)) {
    std::string bad = good_;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    write(bad);
    const auto loaded = load(path());
    const auto fault = [&](const StoreFault&) { fault_at = fault_at == 0 ? asked : fault_at; };
    asked = 0;
    ASSERT_TRUE(scrub_snapshot(*loaded.file, loaded.snapshot, fault, count).ok());
    EXPECT_LT(fault_at, asked);
  }
  ASSERT_NE(fault_at, 0U);
  const auto damaged = load(path());
  asked = 0;
  EXPECT_EQ(require_sound(*damaged.file, damaged.snapshot, count).code(), StatusCode::corrupt);
  EXPECT_EQ(asked, fault_at);
  const auto closed_at = [&](std::uint64_t last) {
    asked = 0;
    return require_sound(*damaged.file, damaged.snapshot, [&asked, last] {
      return ++asked < last ? Status() : Status(StatusCode::cancelled, "closed");
    });
  };
  EXPECT_EQ(closed_at(fault_at).code(), StatusCode::cancelled);
  EXPECT_EQ(closed_at(fault_at + 1).code(), StatusCode::corrupt);
}

TEST_F(CorruptionTest, AScrubOfAStoreAtWorkBoundsTheFilesGrowth) {
  const auto file = PageFile::open(path());
  ASSERT_TRUE(file.ok());
  const std::uint64_t most = good_.size() + good_.size() / 4 + (64U << 20);
  std::stop_source stop;
  const GoOn go_on = while_store_works(**file, stop.get_token());
  const auto last_of = [&go_on] {
    Status status;
    for (int i = 0; i < 1000 && status.ok(); ++i) status = go_on();
    return status;
  };
  EXPECT_TRUE(last_of().ok());
  std::filesystem::resize_file(path(), most);
  EXPECT_TRUE(last_of().ok());
  std::filesystem::resize_file(path(), most + 1);
  EXPECT_EQ(last_of().code(), StatusCode::cancelled);
  std::filesystem::resize_file(path(), good_.size());
  EXPECT_TRUE(last_of().ok());
  stop.request_stop();
  EXPECT_EQ(go_on().code(), StatusCode::cancelled);
}

TEST_F(CorruptionTest, ACutFileIsRefused) {
  std::vector<std::uint64_t> lengths = {0, 1, 100, 4095, 4096, 8191, 8192, 8193, 3 * kPageBytes};
  for (std::uint64_t part = 1; part < 8; ++part) lengths.push_back(good_.size() / 16 * part);
  for (const std::uint64_t length : lengths) {
    SCOPED_TRACE("length " + std::to_string(length));
    for (const bool scrubbed : {true, false}) {
      write(std::string_view(good_).substr(0, length));
      const auto store = open(scrubbed);
      ASSERT_FALSE(store.ok());
      EXPECT_EQ(store.status().code(), StatusCode::corrupt) << store.status().to_string();
      EXPECT_NE(store.status().message().find(path()), std::string::npos);
    }
  }
  // Cut in the last pages: refused, unless nothing in use was there.
  for (std::uint64_t pages = 1; pages < good_.size() / kPageBytes / 2; pages += 3) {
    write(std::string_view(good_).substr(0, good_.size() - pages * kPageBytes));
    auto store = open(false);
    if (store.ok()) {
      EXPECT_TRUE(read_all(**store));
    } else {
      expect_refusal(store.status());
    }
  }
}

// One flipped bit of the last page's number, and opening would reserve memory for 2^40 pages.
TEST_F(CorruptionTest, ALastPageFarBehindTheFileIsRefused) {
  constexpr std::size_t kLastPageAt = 16 + 120;  // in a meta page
  for (const unsigned bit : {24U, 30U, 39U}) {
    for (std::size_t page = 0; page < 2; ++page) {
      SCOPED_TRACE("bit " + std::to_string(bit) + " of page " + std::to_string(page));
      std::string bad = good_;
      char& byte = bad[page * kPageBytes + kLastPageAt + bit / 8];
      byte = static_cast<char>(byte ^ (1 << bit % 8));
      write(bad);
      const auto store = open(true);
      if (page == good_meta_page()) {
        ASSERT_FALSE(store.ok());
        EXPECT_EQ(store.status().code(), StatusCode::corrupt) << store.status().to_string();
        EXPECT_NE(store.status().message().find(path()), std::string::npos);
      } else {
        EXPECT_TRUE(store.ok() && read_all(**store));  // the older one's is of no account
      }
      if (HasFailure()) return;
    }
  }
}

// A branch's key that is too low sends a search past keys that it should find, one that is too high
// to keys that it has passed.
TEST_F(CorruptionTest, AFlippedKeyInABranchHidesNothing) {
  std::uint64_t flipped = 0;
  for (std::uint64_t at = 2 * kPageBytes; at < good_.size(); at += kPageBytes) {
    const auto number16 = [&](std::uint64_t offset) {
      return static_cast<std::uint64_t>(static_cast<unsigned char>(good_[at + offset])) |
             static_cast<std::uint64_t>(static_cast<unsigned char>(good_[at + offset + 1])) << 8;
    };
    constexpr std::uint64_t kBranch = 1;
    if (number16(10) != kBranch) continue;
    for (std::uint64_t slot = 18; slot < number16(12); slot += 2) {  // the first key is empty
      const std::uint64_t key = at + number16(slot) + 8;
      const std::uint64_t key_bytes = number16(number16(slot) + 6);
      for (std::uint64_t bit = flipped % 13; bit < key_bytes * 8; bit += 13) {
        SCOPED_TRACE("page " + std::to_string(at / kPageBytes) + ", bit " + std::to_string(bit));
        std::string bad = good_;
        bad[key + bit / 8] = static_cast<char>(bad[key + bit / 8] ^ (1 << bit % 8));
        write(bad);
        const auto store = open(false);
        if (store.ok()) {
          read_all(**store);
        } else {
          expect_refusal(store.status());
        }
        if (HasFailure()) return;
        ++flipped;
      }
    }
  }
  EXPECT_GT(flipped, 50U);
}

TEST_F(CorruptionTest, AStalePageIsRefused) {
  // Puts an older page over each page in turn: a write that got lost.
  auto store = must_open(directory_.path());
  auto checkpoint = store->begin();
  ASSERT_TRUE(checkpoint.ok());
  Random random(3);
  for (std::uint64_t i = 9; i <= 10; ++i) {
    if (i > 9) checkpoint = store->begin();
    model_.random_changes(random, 150, kUniverse, **checkpoint);
    model_.position = Position(i);
    ASSERT_TRUE((*checkpoint)->commit(model_.position).ok());
  }
  checkpoint = Status(StatusCode::cancelled, "ended");
  store.reset();
  std::ifstream in(path(), std::ios::binary);
  const std::string now(std::istreambuf_iterator<char>(in), {});
  int refused = 0;
  // An older meta page would be the checkpoint before, whole: the log tells, not the store.
  for (std::uint64_t at = 2 * kPageBytes; at + kPageBytes <= good_.size(); at += kPageBytes) {
    if (now.compare(at, kPageBytes, good_, at, kPageBytes) == 0) continue;
    SCOPED_TRACE("page " + std::to_string(at / kPageBytes));
    std::string bad = now;
    bad.replace(at, kPageBytes, good_, at, kPageBytes);
    write(bad);
    auto opened = open(true);
    if (opened.ok()) {
      EXPECT_TRUE(read_all(**opened));
    } else {
      expect_refusal(opened.status());
      ++refused;
    }
    if (HasFailure()) return;
  }
  EXPECT_GT(refused, 10);
}

// A table's root as it was a checkpoint ago, whole and with the same counts: the write of the tree
// that names it was lost or went elsewhere.
TEST_F(CorruptionTest, AnOldRootOfATableIsRefused) {
  const auto read_file = [this] {
    std::ifstream in(path(), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const auto roots_now = [this] {
    const auto file = PageFile::open(path());
    EXPECT_TRUE(file.ok());
    auto roots = read_roots(**file);
    EXPECT_TRUE(roots.ok()) << roots.status().to_string();
    return *roots;
  };
  // As LMDB has it in the main tree.
  const auto bytes_of = [](const TreeRoot& tree, std::uint64_t page) {
    const std::array<std::uint64_t, 5> words = {tree.branch_pages, tree.leaf_pages,
                                                tree.overflow_pages, tree.entries, page};
    std::string bytes(4, '\0');
    bytes.append(reinterpret_cast<const char*>(&tree.flags), sizeof tree.flags);
    bytes.append(reinterpret_cast<const char*>(&tree.depth), sizeof tree.depth);
    bytes.append(reinterpret_cast<const char*>(words.data()), sizeof words);
    EXPECT_EQ(bytes.size(), kTreeBytes);
    return bytes;
  };
  // Two checkpoints that change values and no count.
  const auto change = [this](std::uint64_t position, const std::string& value) {
    auto store = must_open(directory_.path());
    auto checkpoint = must_begin(*store);
    checkpoint->put_row(SequenceNumber(1), value);
    checkpoint->put_entry(EntryTable::timers, "the same", value);
    checkpoint->put_blob("the same", value);
    ASSERT_TRUE(checkpoint->commit(Position(position)).ok());
  };
  change(9, "old value");
  const std::string before = read_file();
  const SnapshotRoots old_roots = roots_now();
  change(10, "new value");
  const std::string good = read_file();
  const SnapshotRoots roots = roots_now();
  int refused = 0;
  for (std::size_t i = 1; i < kTableCount; ++i) {
    SCOPED_TRACE(kTableNames[i]);
    const TreeRoot& tree = roots.trees[i];
    const std::uint64_t old_page = old_roots.trees[i].page;
    const std::string named = bytes_of(tree, tree.page);
    if (old_page == tree.page || bytes_of(old_roots.trees[i], tree.page) != named) continue;
    const std::uint64_t at = old_page * kPageBytes;
    if (good.compare(at, kPageBytes, before, at, kPageBytes) != 0) continue;  // used again
    std::string bad = good;
    const std::size_t where = bad.find(named);
    ASSERT_NE(where, std::string::npos);
    bad.replace(where, kTreeBytes, bytes_of(tree, old_page));
    write(bad);
    const auto store = open(false);
    ASSERT_FALSE(store.ok());
    EXPECT_EQ(store.status().code(), StatusCode::corrupt) << store.status().to_string();
    EXPECT_NE(store.status().message().find(kTableNames[i]), std::string::npos)
        << store.status().to_string();
    ++refused;
  }
  EXPECT_GE(refused, 3);
}

TEST_F(CorruptionTest, AnotherFormatVersionIsRefusedByName) {
  const auto file = PageFile::open(path());
  ASSERT_TRUE(file.ok());
  const auto roots = read_roots(**file);
  ASSERT_TRUE(roots.ok()) << roots.status().to_string();
  std::string payload;
  roots->meta.encode(payload);
  std::string sealed;
  seal(Table::meta, kMetaKey, roots->meta.generation, payload, sealed);
  const std::size_t at = good_.rfind(sealed);
  ASSERT_NE(at, std::string::npos);
  payload[0] = 9;
  sealed.clear();
  seal(Table::meta, kMetaKey, roots->meta.generation, payload, sealed);
  std::string other = good_;
  other.replace(at, sealed.size(), sealed);
  write(other);
  const auto store = open(true);
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.status().code(), StatusCode::unsupported) << store.status().to_string();
}

}  // namespace
}  // namespace ingot::storage
