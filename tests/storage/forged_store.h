#pragma once

// A store with everything in it, and what must come of each lie in its file: refused by name when
// it is opened, found by a scrub, answered by the reads that meet it; and, whoever uses it though,
// nothing worse than a status.

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "storage/pack.h"
#include "storage/store_core.h"
#include "storage/store_verifier.h"
#include "tests/storage/forger.h"
#include "tests/storage/store_files.h"
#include "tests/storage/store_uses.h"

namespace ingot::storage {

class ForgedStoreTest : public ::testing::Test {
 protected:
  static std::string row_bytes(std::uint64_t row) {
    return std::string(row % 7 == 0 ? 5000 : 300, static_cast<char>('a' + row % 26));
  }
  // Rows of one and of three chunks, two runs, packs of which one was rewritten and others have
  // dead records, entries and blobs, small and large, and pages that are free.
  static void fill(CheckpointStore& store) {
    Random random(5);
    auto checkpoint = must_begin(store);
    for (std::uint64_t i = 1; i <= kRows; ++i) {
      checkpoint->put_row(SequenceNumber(i), row_bytes(i));
    }
    for (std::uint64_t i = 0; i < kIds; ++i) {
      checkpoint->put_id(numbered("id", i), SequenceNumber(i % kRows + 1));
    }
    ASSERT_TRUE(checkpoint->commit(Position(1)).ok());
    checkpoint = must_begin(store);
    for (std::uint64_t i = 0; i < kRecords; ++i) {
      checkpoint->put_record(numbered("rec", i), random_bytes(random, 300));
    }
    for (std::uint64_t i = 0; i < 50; ++i) {
      checkpoint->put_entry(EntryTable::timers, numbered("t", i), random_bytes(random, 200));
    }
    checkpoint->put_entry(EntryTable::work, "big1", std::string(20'000, 'x'));
    checkpoint->put_entry(EntryTable::work, "big2", std::string(20'000, 'y'));
    checkpoint->put_entry(EntryTable::detached, "d", "d");
    checkpoint->put_blob("large", std::string(5000, 'b'));
    checkpoint->put_blob("small", "b");
    ASSERT_TRUE(checkpoint->commit(Position(2)).ok());
    checkpoint = must_begin(store);
    for (std::uint64_t i = 0; i < 12; ++i) checkpoint->erase_id(numbered("rec", i));
    for (std::uint64_t i = 30; i < 34; ++i) checkpoint->erase_id(numbered("rec", i));
    ASSERT_TRUE(checkpoint->commit(Position(3)).ok());
    for (std::uint64_t i = 4; i <= 5; ++i) {
      checkpoint = must_begin(store);
      checkpoint->erase_id(numbered("id", 10 * i));
      checkpoint->put_row(SequenceNumber(kRows + i), "row");
      ASSERT_TRUE(checkpoint->commit(Position(i)).ok());
    }
  }
  static const std::string& good() {
    static const std::string bytes = [] {
      const sim::TempDirectory directory;
      fill(*must_open(directory.path()));
      std::ifstream in(directory.path() + "/checkpoint.mdb", std::ios::binary);
      return std::string(std::istreambuf_iterator<char>(in), {});
    }();
    return bytes;
  }

  void SetUp() override { restore(); }
  void restore() const { write(good()); }
  void write(const std::string& bytes) const {
    std::ofstream out(path(), std::ios::binary | std::ios::trunc);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    ASSERT_TRUE(out.flush());
  }
  [[nodiscard]] std::string path() const { return directory_.path() + "/checkpoint.mdb"; }
  [[nodiscard]] LmdbStoreOptions options() const { return options_in(directory_.path()); }
  [[nodiscard]] Result<std::unique_ptr<CheckpointStore>> open(bool scrubbed) const {
    LmdbStoreOptions with = options();
    if (!scrubbed) with.scrub_at_open_bytes_max = 0;
    return open_lmdb_store(with);
  }

  void expect_names(const Status& status, const std::string& words,
                    StatusCode code = StatusCode::corrupt) const {
    EXPECT_EQ(status.code(), code) << status.to_string();
    EXPECT_NE(status.message().find(words), std::string::npos) << status.to_string();
    EXPECT_NE(status.message().find(path()), std::string::npos) << status.to_string();
  }
  // Some fault says `words`, and all name the file.
  void expect_among(const std::vector<StoreFault>& faults, const std::string& words) const {
    bool found = false;
    std::string all;
    for (const StoreFault& fault : faults) {
      const std::string text = fault.where + ": " + fault.what;
      found = found || text.find(words) != std::string::npos;
      EXPECT_NE(text.find(path()), std::string::npos) << text;
      if (all.size() < 1000) all += "\n  " + text;
    }
    EXPECT_TRUE(found) << "'" << words << "' is not among" << all;
  }
  [[nodiscard]] std::vector<StoreFault> verified() const {
    std::vector<StoreFault> faults;
    const auto summary =
        verify_lmdb_store(options(), [&](const StoreFault& fault) { faults.push_back(fault); });
    EXPECT_TRUE(summary.ok()) << summary.status().to_string();
    return faults;
  }

  // Nobody opens it. `inspected`: what inspect_lmdb_store() reads is wrong already.
  void expect_at_opening(const std::string& words, bool inspected = true,
                         StatusCode code = StatusCode::corrupt) const {
    for (const bool scrubbed : {true, false}) {
      expect_names(open(scrubbed).status(), words, code);
    }
    expect_among(verified(), words);
    const Status inspection = inspect_lmdb_store(options()).take_status();
    if (inspected) {
      expect_names(inspection, words, code);
    } else {
      EXPECT_TRUE(inspection.ok()) << inspection.to_string();
    }
  }
  // A scrub finds it, whoever asks for one; without one the store opens and can be used or fails.
  void expect_by_scrub(const std::string& words) const {
    expect_only_by_scrub(words);
    use_all();
  }
  // The same of what nobody could use.
  void expect_only_by_scrub(const std::string& words) const {
    expect_names(open(true).status(), words);
    expect_among(verified(), words);
    EXPECT_TRUE(inspect_lmdb_store(options()).ok());
    {
      auto store = open(false);
      ASSERT_TRUE(store.ok()) << store.status().to_string();
      std::vector<StoreFault> faults;
      const Status scrubbed =
          (*store)->scrub([&](const StoreFault& fault) { faults.push_back(fault); });
      EXPECT_TRUE(scrubbed.ok()) << scrubbed.to_string();
      expect_among(faults, words);
    }
  }
  // `use` meets it, and every later call answers the same.
  void expect_met(const std::string& words,
                  const std::function<Status(CheckpointStore&)>& use) const {
    auto store = open(false);
    ASSERT_TRUE(store.ok()) << store.status().to_string();
    const Status met = use(**store);
    expect_names(met, words);
    const auto entry = [](std::string_view, std::string_view) { return Status(); };
    const auto fault = [](const StoreFault& found) { ADD_FAILURE() << found.what; };
    const std::vector<Status> later = {
        (*store)->find("any").take_status(),
        (*store)->read_row(SequenceNumber(1)).take_status(),
        (*store)->scan({}, {}, 1).take_status(),
        (*store)->scan_records(RecordCursor::begin(), 1).take_status(),
        (*store)->for_each_entry(EntryTable::timers, entry),
        (*store)->read_blob("any").take_status(),
        (*store)->scrub(fault),
        (*store)->begin().take_status()};
    for (const Status& status : later) EXPECT_EQ(status.to_string(), met.to_string());
  }

  // Each call, each time on a store of its own, so that none hides behind an earlier one's failure.
  void use_all() const {
    using Use = std::function<Status(CheckpointStore&)>;
    const auto entries = [](EntryTable table) {
      return [table](CheckpointStore& store) {
        return store.for_each_entry(table,
                                    [](std::string_view, std::string_view) { return Status(); });
      };
    };
    std::ifstream in(path(), std::ios::binary);
    const std::string forged(std::istreambuf_iterator<char>(in), {});
    const std::vector<Use> uses = {find_all,
                                   read_rows,
                                   scans,
                                   record_scans,
                                   read_blobs,
                                   entries(EntryTable::timers),
                                   entries(EntryTable::work),
                                   write_some};
    for (const Use& use : uses) {
      auto store = open(false);
      if (!store.ok()) {
        expect_status(store.status());
        break;
      }
      expect_status(use(**store));
    }
    write(forged);
  }
  sim::TempDirectory directory_;
};

}  // namespace ingot::storage
