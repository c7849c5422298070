// Sealed values that say what is not so: the meta row, headers, runs, rows. Each lie is the only
// one in its file, and each is named where it is met.

#include "tests/storage/forged_store.h"

namespace ingot::storage {
namespace {

using Forge = std::function<void(Forger&)>;

class ForgedValuesTest : public ForgedStoreTest {
 protected:
  // Applies a lie to the good file. With `lie`, the meta row tells it as well.
  void forge(const Forge& change, const std::function<void(StoreMeta&)>& lie = nullptr) const {
    restore();
    Forger forger(path());
    if (change) change(forger);
    forger.commit(lie);
  }
  void forge_main(const std::function<void(Forger&, std::string)>& write) const {
    restore();
    Forger forger(path());
    forger.commit_main([&](const std::string& payload) { write(forger, payload); });
  }
};

struct MetaLie {
  const char* what;
  const char* words;
  void (*lie)(StoreMeta& meta);
};

TEST_F(ForgedValuesTest, WhatIsOnlyWrittenAgainIsSound) {
  forge(nullptr);
  EXPECT_TRUE(verified().empty());
  auto store = open(true);
  ASSERT_TRUE(store.ok()) << store.status().to_string();
  expect_sound(**store);
}

TEST_F(ForgedValuesTest, AMetaRowThatIsNotOfItsFileIsRefused) {
  const std::vector<MetaLie> lies = {
      {"transaction", "the meta row is of transaction", [](StoreMeta& m) { ++m.transaction; }},
      {"values", "table rows: not the tree", [](StoreMeta& m) { ++m.table(Table::rows).values; }},
      {"depth", "table rows: not the tree", [](StoreMeta& m) { ++m.table(Table::rows).depth; }},
      {"branches", "table packs: not the tree",
       [](StoreMeta& m) { ++m.table(Table::packs).branch_pages; }},
      {"leaves", "table blobs: not the tree",
       [](StoreMeta& m) { ++m.table(Table::blobs).leaf_pages; }},
      {"overflow", "table entries_2: not the tree",
       [](StoreMeta& m) { --m.table(Table::entries_2).overflow_pages; }},
      {"header", "table id_blocks: its header is not that of the last change",
       [](StoreMeta& m) { --m.table(Table::id_blocks).generation; }},
      {"a level that is none", "the runs are impossible",
       [](StoreMeta& m) { m.runs.front().level = UINT32_MAX; }},
      {"a run twice", "the runs are impossible",
       [](StoreMeta& m) { m.runs.push_back(m.runs.back()); }},
      {"a run to come", "the runs are impossible",
       [](StoreMeta& m) { m.next_run = m.runs.back().number; }},
  };
  for (const MetaLie& lie : lies) {
    SCOPED_TRACE(lie.what);
    forge(nullptr, lie.lie);
    expect_at_opening(lie.words);
  }
}

TEST_F(ForgedValuesTest, AMetaRowThatMiscountsIsFoundByAScrub) {
  const std::vector<MetaLie> lies = {
      {"hash", "rows: its values are not those that were written",
       [](StoreMeta& m) { ++m.table(Table::rows).hash; }},
      {"rows", "rows: not as many as counted", [](StoreMeta& m) { ++m.rows; }},
      {"ids", "ids: not as many as counted", [](StoreMeta& m) { --m.ids; }},
      {"records", "ids: not as many as counted", [](StoreMeta& m) { ++m.records; }},
      {"garbage", "blocks that no run owns, or missing ones",
       [](StoreMeta& m) {
         m.garbage.push_back({m.next_block, 2});
       }},
      {"packs", "a number that was never given", [](StoreMeta& m) { m.next_pack = 1; }},
      {"blocks", "a number that was never given", [](StoreMeta& m) { m.next_block = 2; }},
  };
  for (const MetaLie& lie : lies) {
    SCOPED_TRACE(lie.what);
    forge(nullptr, lie.lie);
    expect_by_scrub(lie.words);
  }
}

TEST_F(ForgedValuesTest, AMetaRowThatDoesNotParseIsRefused) {
  const auto put_meta = [this](const std::function<void(std::string&)>& change) {
    forge_main([&](Forger& forger, std::string payload) {
      change(payload);
      forger.put(Table::meta, kMetaKey, payload);
    });
  };
  put_meta([](std::string& payload) { payload[0] = 3; });
  expect_at_opening("format version 3; this build reads 2", true, StatusCode::unsupported);
  for (const std::size_t left : {0U, 1U, 30U}) {
    put_meta([left](std::string& payload) { payload.resize(left); });
    expect_at_opening("the meta row does not parse");
  }
  put_meta([](std::string& payload) { payload += '\0'; });
  expect_at_opening("the meta row does not parse");
  // Numbers of runs and garbage that are not there.
  put_meta([](std::string& payload) {
    payload.pop_back();
    put_varint(payload, 1ULL << 40);
  });
  expect_at_opening("the meta row does not parse");
}

TEST_F(ForgedValuesTest, AMainTreeOfOtherThingsIsRefused) {
  forge_main([](Forger& forger, const std::string& payload) {
    forger.put(Table::rows, kMetaKey, payload);  // sealed for another place
    forger.put_raw(Table::meta, kMetaKey, *forger.raw(Table::rows, kMetaKey));
    forger.erase(Table::rows, kMetaKey);
  });
  expect_at_opening("the meta row is not what was written");
  forge_main([](Forger& forger, const std::string& payload) {
    forger.put(Table::meta, kMetaKey, payload, forger.meta.generation + 1);
  });
  expect_at_opening("meta row: generation");
  forge_main([](Forger& forger, const std::string&) { forger.erase(Table::meta, kMetaKey); });
  expect_at_opening("a table is missing");
  forge_main([](Forger& forger, const std::string& payload) {
    forger.put(Table::meta, kMetaKey, payload);
    forger.put(Table::meta, "other", payload);
  });
  expect_at_opening("an unknown value in the main tree");
  forge([](Forger& forger) { forger.add_table("zeta", 0); });
  expect_at_opening("an unknown table");
  forge([](Forger& forger) { forger.drop_table(Table::entries_3); });
  expect_at_opening("a table is missing");
  forge([](Forger& forger) {
    forger.drop_table(Table::entries_3);
    forger.add_table("entries_3", MDB_DUPSORT);
  });
  expect_at_opening("table entries_3: impossible root");
}

TEST_F(ForgedValuesTest, AHeaderThatIsNotOfTheLastChangeIsRefused) {
  forge(
      [](Forger& forger) {
        forger.erase(Table::rows, kHeaderKey);
        forger.put(Table::rows, number_key(1000) + "more", "row");
      },
      [](StoreMeta& meta) { --meta.table(Table::rows).values; });
  expect_at_opening("table rows: its header is not that of the last change");
  forge([](Forger& forger) {
    forger.put(Table::blobs, kHeaderKey, "", forger.meta.table(Table::blobs).generation - 1);
  });
  expect_at_opening("table blobs: its header is not that of the last change");
  forge([](Forger& forger) {
    forger.put_raw(Table::packs, kHeaderKey, *forger.raw(Table::blobs, kHeaderKey));
  });
  expect_at_opening("table packs, key 00: not what was written here");
}

TEST_F(ForgedValuesTest, AValueThatIsNotSealedForItsPlaceIsFound) {
  const std::string key = Forger::chunk_key(number_key(2), 0);
  const std::vector<std::pair<const char*, Forge>> lies = {
      {"of another key",
       [&](Forger& f) {
         f.put_raw(Table::rows, key, *f.raw(Table::rows, Forger::chunk_key(number_key(3), 0)));
       }},
      {"of a checkpoint to come",
       [&](Forger& f) {
         f.put(Table::rows, key, f.payload(Table::rows, key), f.meta.generation + 2);
       }},
      {"shorter than a seal", [&](Forger& f) { f.put_raw(Table::rows, key, "1234"); }},
      {"with a generation in more bytes than it takes",
       [&](Forger& f) {
         std::string value = *f.raw(Table::rows, key);
         value[4] = static_cast<char>(value[4] | 0x80);
         value.insert(5, 1, '\0');
         f.put_raw(Table::rows, key, value);
       }},
  };
  for (const auto& [what, lie] : lies) {
    SCOPED_TRACE(what);
    forge(lie);
    expect_by_scrub("not what was written here");
    expect_met(
        "table rows, key 000000000000000200000000: not what was written here",
        [](CheckpointStore& store) { return store.read_row(SequenceNumber(2)).take_status(); });
    const auto commit = [](const std::function<void(Checkpoint&)>& change) {
      return [change](CheckpointStore& store) {
        auto checkpoint = must_begin(store);
        change(*checkpoint);
        return checkpoint->commit(Position(9));
      };
    };
    const char* words = "not what was written here";
    expect_met(words, commit([](Checkpoint& c) { c.put_row(SequenceNumber(2), "row"); }));
    expect_met(words, commit([](Checkpoint& c) { c.erase_row(SequenceNumber(2)); }));
  }
  const std::string entry = entry_key(numbered("t", 7));
  forge([&](Forger& f) { f.put_raw(Table::entries_1, entry, "12345678"); });
  expect_by_scrub("not what was written here");
  const auto changed = [](const std::function<void(Checkpoint&)>& change) {
    return [change](CheckpointStore& store) {
      auto checkpoint = must_begin(store);
      change(*checkpoint);
      return checkpoint->commit(Position(9));
    };
  };
  const std::string named = numbered("t", 7);
  expect_met("not what was written here",
             changed([&](Checkpoint& c) { c.put_entry(EntryTable::timers, named, "v"); }));
  expect_met("not what was written here",
             changed([&](Checkpoint& c) { c.erase_entry(EntryTable::timers, named); }));
  expect_met("not what was written here", [](CheckpointStore& store) {
    return store.for_each_entry(EntryTable::timers,
                                [](std::string_view, std::string_view) { return Status(); });
  });
}

struct ChunkLie {
  const char* what;
  const char* by_scrub;
  const char* by_reading;  // null: nothing that is asked meets it
  Forge forge;
};

// Row 7 has three chunks, and so has the blob.
TEST_F(ForgedValuesTest, ChunksThatDoNotMakeAValueAreFound) {
  for (const Table table : {Table::rows, Table::blobs}) {
    SCOPED_TRACE(kTableNames[static_cast<std::size_t>(table)]);
    const std::string prefix = table == Table::rows ? number_key(7) : blob_key("large");
    const auto key = [prefix](std::uint32_t chunk) { return Forger::chunk_key(prefix, chunk); };
    const auto count = [table, key](Forger& f, std::uint64_t chunks) {
      const std::string head = f.payload(table, key(0));
      std::string payload;
      put_varint(payload, chunks);
      f.put(table, key(0), payload + head.substr(1));
    };
    const char* chunks = "impossible number of chunks";
    const char* missing = "a chunk is missing";
    const std::vector<ChunkLie> lies = {
        {"no count", chunks, chunks, [&](Forger& f) { f.put(table, key(0), ""); }},
        {"none", chunks, chunks, [&](Forger& f) { count(f, 0); }},
        {"too many", chunks, chunks, [&](Forger& f) { count(f, 1ULL << 40); }},
        {"one more than there are", missing, missing, [&](Forger& f) { count(f, 4); }},
        {"one less than there are", "a chunk too many", nullptr, [&](Forger& f) { count(f, 2); }},
        {"the middle one is not there", missing, missing,
         [&](Forger& f) { f.erase(table, key(1)); }},
        {"the first one is not there", "its first chunk is missing", nullptr,
         [&](Forger& f) { f.erase(table, key(0)); }},
        {"only the last one is there", "its first chunk is missing", nullptr,
         [&](Forger& f) {
           f.erase(table, key(0));
           f.erase(table, key(1));
         }},
        {"one of an older value", "chunks do not match", "chunks do not match",
         [&](Forger& f) { f.put(table, key(1), f.payload(table, key(1)), f.meta.generation - 1); }},
    };
    for (const ChunkLie& lie : lies) {
      SCOPED_TRACE(lie.what);
      forge(lie.forge);
      expect_by_scrub(lie.by_scrub);
      if (lie.by_reading == nullptr) continue;
      expect_met(lie.by_reading, [table](CheckpointStore& store) {
        return table == Table::rows ? store.read_row(SequenceNumber(7)).take_status()
                                    : store.read_blob("large").take_status();
      });
    }
  }
  // The last value of its table ends where its table does.
  forge([](Forger& f) {
    const std::string key = f.keys(Table::rows).back();
    std::string payload = f.payload(Table::rows, key);
    payload[0] = 2;
    f.put(Table::rows, key, payload);
  });
  expect_by_scrub("a chunk is missing");
}

TEST_F(ForgedValuesTest, ChunksThatAreMissingAreMetByCheckpoints) {
  const auto committed = [](const std::function<void(Checkpoint&)>& change) {
    return [change](CheckpointStore& store) {
      auto checkpoint = must_begin(store);
      change(*checkpoint);
      return checkpoint->commit(Position(9));
    };
  };
  const auto shorter = committed([](Checkpoint& c) { c.put_row(SequenceNumber(7), "short"); });
  const auto gone = committed([](Checkpoint& c) { c.erase_row(SequenceNumber(7)); });
  const auto blob = committed([](Checkpoint& c) { c.put_blob("large", "short"); });
  forge([](Forger& f) { f.erase(Table::rows, Forger::chunk_key(number_key(7), 1)); });
  expect_met("a chunk is missing", shorter);
  expect_met("a chunk is missing", gone);
  for (const std::string& count :
       {std::string(), std::string(1, '\0'), std::string("\xff\xff\xff\xff\x7f")}) {
    forge([&](Forger& f) {
      f.put(Table::rows, Forger::chunk_key(number_key(7), 0), count);
      f.put(Table::blobs, Forger::chunk_key(blob_key("large"), 0), count);
    });
    expect_met("impossible number of chunks", shorter);
    expect_met("impossible number of chunks", gone);
    expect_met("impossible number of chunks", blob);
  }
}

TEST_F(ForgedValuesTest, KeysThatNoTableHasAreFound) {
  const std::vector<std::pair<Table, std::string>> keys = {
      {Table::rows, "\x01"},
      {Table::rows, number_key(8)},
      {Table::rows, number_key(8) + "12345"},
      {Table::packs, "\x01"},
      {Table::packs, "\xff"},
      {Table::packs, std::string(12, '\xff')},
      {Table::packs, number_key(256)},
      {Table::packs, Forger::chunk_key(number_key(255), 0)},
      {Table::pack_dead, "\x01"},
      {Table::pack_dead, Forger::chunk_key(number_key(256 + 255), 0)},
      {Table::id_blocks, "\x01"},
      {Table::id_blocks, number_key(1) + "x"},
      {Table::run_parts, number_key(1)},
      {Table::run_parts, Forger::chunk_key(number_key(1) + '\0', 0)},
      {Table::run_parts, Forger::chunk_key(number_key(1) + '\4', 0)},
      {Table::blobs, "\x01"},
      {Table::blobs, "\x02" + std::string(3, '\0') + "\x01n" + std::string(4, '\0')},
      {Table::blobs, "\x01" + std::string(3, '\0') + "\x02n" + std::string(4, '\0')},
      {Table::entries_1, "\x02key"},
      {Table::entries_3, std::string("\0key", 4)},
  };
  for (const auto& [table, key] : keys) {
    SCOPED_TRACE(describe(table, key));
    const Table in = table;
    const std::string of = key;
    forge([&](Forger& f) { f.put(in, of, "\x01"); });
    expect_by_scrub("no key of this table");
  }
  forge([](Forger& f) { f.put(Table::packs, "\x01", ""); });
  expect_met("no pack", record_scans);
  forge([](Forger& f) { f.put(Table::packs, std::string(12, '\xff'), ""); });
  expect_met("no pack", [](CheckpointStore& store) {
    return store.scan_records(RecordCursor::end(), 5, ScanOrder::descending).take_status();
  });
  forge([](Forger& f) { f.put(Table::pack_dead, "\x01", ""); });
  expect_met("no list of dead records", write_some);
  forge([](Forger& f) { f.put(Table::pack_dead, "\x01", std::string("\1\2\1\0", 4)); });
  expect_met("no list of dead records", write_some);
}

TEST_F(ForgedValuesTest, EntriesThatAreNotAllThereAreMissed) {
  const auto each = [](CheckpointStore& store) {
    return store.for_each_entry(EntryTable::timers,
                                [](std::string_view, std::string_view) { return Status(); });
  };
  forge(nullptr, [](StoreMeta& meta) { ++meta.table(Table::entries_1).hash; });
  expect_met("its values are not all that were written", each);
  // One that stands where nobody looks.
  forge([](Forger& f) { f.put(Table::entries_1, std::string("\0key", 4), "v"); });
  expect_met("its values are not all that were written", each);
}

TEST_F(ForgedValuesTest, NumbersThatWereGivenBeforeAreNotGivenAgain) {
  const auto commit = [](CheckpointStore& store) {
    auto checkpoint = must_begin(store);
    checkpoint->put_record("another", "record");
    return checkpoint->commit(Position(9));
  };
  const std::vector<MetaLie> lies = {
      {"pack", "table packs", [](StoreMeta& meta) { meta.next_pack = 1; }},
      {"block", "table id_blocks", [](StoreMeta& meta) { meta.next_block = 1; }},
  };
  for (const MetaLie& lie : lies) {
    SCOPED_TRACE(lie.what);
    forge(nullptr, lie.lie);
    expect_met("not beyond the table's end", commit);
    expect_met(lie.words, commit);
  }
  forge([](Forger& f) {
    for (std::uint8_t part = 1; part <= IdRun::kParts; ++part) {
      f.put_chunked(Table::run_parts, IdRun::part_key(1000, part), "part of no run");
    }
  });
  expect_by_scrub("a number that was never given");
  expect_met("not beyond the table's end", commit);
  forge(
      [](Forger& f) {
        for (std::uint8_t part = 1; part <= IdRun::kParts; ++part) {
          f.put_chunked(Table::run_parts, IdRun::part_key(1000, part), "part of no run");
        }
      },
      [](StoreMeta& meta) { meta.next_run = 2000; });
  expect_by_scrub("parts of runs not there");
}

}  // namespace
}  // namespace ingot::storage
