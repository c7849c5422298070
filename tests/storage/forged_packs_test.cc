// Packs, lists of dead records and runs of ids whose checksums are right and whose content is not.

#include <zstd.h>

#include "tests/storage/forged_store.h"

namespace ingot::storage {
namespace {

using Forge = std::function<void(Forger&)>;
using Use = std::function<Status(CheckpointStore&)>;

std::string encoded(const std::vector<std::uint64_t>& numbers) {
  std::string out;
  for (const std::uint64_t number : numbers) put_varint(out, number);
  return out;
}

std::string packed(std::uint64_t bytes, std::uint64_t records, std::string_view raw) {
  std::string frame(ZSTD_compressBound(raw.size()), '\0');
  frame.resize(ZSTD_compress(frame.data(), frame.size(), raw.data(), raw.size(), 1));
  return encoded({bytes, records}) + frame;
}

class ForgedPacksTest : public ForgedStoreTest {
 protected:
  void forge(const Forge& change, const std::function<void(StoreMeta&)>& lie = nullptr) const {
    restore();
    Forger forger(path());
    change(forger);
    forger.commit(lie);
  }
  static Use committed(const std::function<void(Checkpoint&)>& change) {
    return [change](CheckpointStore& store) {
      for (std::uint64_t i = 0; i < 3; ++i) {
        auto checkpoint = must_begin(store);
        if (i == 0) change(*checkpoint);
        if (Status status = checkpoint->commit(Position(9 + i)); !status.ok()) return status;
      }
      return Status();
    };
  }
  static Use finds(std::uint64_t record) {
    return [record](CheckpointStore& store) {
      return store.find(numbered("rec", record)).take_status();
    };
  }
  // The numbers of all packs, and of those that have dead records.
  static std::vector<std::uint64_t> numbers(Forger& forger, Table table) {
    std::vector<std::uint64_t> found;
    for (const std::string& key : forger.keys(table)) {
      const std::uint64_t number = big_endian64(key);
      if (found.empty() || found.back() != number) found.push_back(number);
    }
    return found;
  }
  struct Unpacked {
    std::uint64_t number;
    std::string bytes;
    std::vector<PackRecord> records;  // of `bytes`
    std::vector<std::uint64_t> offsets;
  };
  static void unpack_at(Forger& forger, std::uint64_t number, Unpacked& out) {
    out.number = number;
    out.bytes = unpack(forger.chunked(Table::packs, number_key(number))).value_or("");
    for (std::uint64_t at = 0; at < out.bytes.size(); at = out.records.back().end) {
      out.offsets.push_back(at);
      out.records.push_back(*record_at(out.bytes, at));
    }
  }
  // The last pack: none of its records is dead.
  static std::uint64_t last_pack(Forger& forger) { return numbers(forger, Table::packs).back(); }
  static void put_pack(Forger& forger, std::uint64_t number, std::string_view pack) {
    forger.put_chunked(Table::packs, number_key(number), pack);
  }
  static void put_records(Forger& forger, std::uint64_t number, std::uint64_t records,
                          const std::string& raw) {
    put_pack(forger, number, packed(raw.size(), records, raw));
  }
};

TEST_F(ForgedPacksTest, TheStoreHasWhatTheseTestsNeed) {
  Forger forger(path());
  const auto packs = numbers(forger, Table::packs);
  const auto dead = numbers(forger, Table::pack_dead);
  EXPECT_GE(packs.size(), 3U);
  EXPECT_EQ(pack_rewrites(packs.front()), 1U);
  ASSERT_EQ(dead.size(), 1U);
  EXPECT_LT(dead.front(), packs.back());
  EXPECT_GE(forger.meta.runs.size(), 2U);
  EXPECT_GE(forger.keys(Table::id_blocks).size(), 4U);
}

TEST_F(ForgedPacksTest, APackThatDoesNotUnpackIsFound) {
  std::string noise = packed(12, 1, "twelve bytes");
  noise.replace(noise.size() - 14, 14, std::string(14, '\xff'));
  const std::vector<std::pair<const char*, std::string>> lies = {
      {"nothing", ""},
      {"half a head", "\x80"},
      {"bytes without end", packed(2ULL << 30, 1, "bytes")},
      {"more records than bytes", packed(5, 6, "bytes")},
      {"more bytes than its frame", packed(50, 1, "bytes")},
      {"a frame that is none", encoded({12, 1}) + "no frame, that is plain"},
      {"more bytes than a frame can give",
       encoded({1U << 30, 1}) + std::string("\x28\xb5\x2f\xfd\xa0\0\0\0\x40", 9)},
      {"a damaged frame", noise},
      {"a record that is cut off", packed(3, 1, std::string("\0\x09i", 3))},
      {"fewer records than it says", packed(4, 2, std::string("\0\x01i\0", 4))},
      {"more records than it says", packed(8, 1, std::string("\0\x01i\0\0\x01j\0", 8))},
      {"more left out than there can be",
       packed(14, 1, encoded({UINT64_MAX}) + std::string("\x01i\x01r", 4))},
  };
  for (const auto& [what, pack] : lies) {
    SCOPED_TRACE(what);
    const std::string bytes = pack;
    forge([&](Forger& f) { put_pack(f, last_pack(f), bytes); });
    expect_by_scrub("does not unpack");
  }
  forge([&](Forger& f) { put_pack(f, last_pack(f), ""); });
  expect_met("does not unpack", finds(kRecords - 1));
  expect_met("does not unpack", scans);
  expect_met("does not unpack", record_scans);
  forge([&](Forger& f) { put_records(f, last_pack(f), 1, std::string("\0\x09i", 3)); });
  expect_met("does not unpack", record_scans);
  // A cursor behind the greatest index would stand before the first record again.
  forge([&](Forger& f) {
    put_records(f, last_pack(f), 1, encoded({UINT64_MAX}) + std::string("\x01i\x01r", 4));
  });
  expect_met("does not unpack", record_scans);
}

TEST_F(ForgedPacksTest, APackOfOtherRecordsIsFound) {
  const char* other = "its records are not those that ids name and those that are dead";
  const auto rewrite = [](Forger& f, const std::function<void(Unpacked&, PackBuilder&)>& build) {
    Unpacked pack;
    unpack_at(f, last_pack(f), pack);
    PackBuilder builder(1);
    build(pack, builder);
    const auto bytes = builder.finish();
    ASSERT_TRUE(bytes.ok());
    put_pack(f, pack.number, *bytes);
  };
  // Two of one length have changed their ids.
  forge([&](Forger& f) {
    rewrite(f, [](Unpacked& pack, PackBuilder& builder) {
      std::swap(pack.records[0].id, pack.records[1].id);
      for (const PackRecord& record : pack.records) builder.add(record.id, record.record);
    });
  });
  expect_by_scrub(other);
  expect_met("where its id says", find_all);
  expect_met("where its id says", scans);
  forge([&](Forger& f) {
    rewrite(f, [](Unpacked& pack, PackBuilder& builder) {
      for (const PackRecord& record : pack.records) builder.add(record.id, record.record);
      builder.add("one more", "record");
    });
  });
  expect_by_scrub(other);
  forge([&](Forger& f) {
    rewrite(f, [](Unpacked& pack, PackBuilder& builder) {
      pack.records.pop_back();
      for (const PackRecord& record : pack.records) builder.add(record.id, record.record);
    });
  });
  expect_by_scrub(other);
  expect_met("where its id says", finds(kRecords - 1));
  forge([&](Forger& f) { f.erase_chunked(Table::packs, number_key(last_pack(f))); });
  expect_by_scrub("missing, yet an id names a record in it");
  expect_met("missing", finds(kRecords - 1));
  expect_met("missing",
             committed([](Checkpoint& c) { c.erase_id(numbered("rec", kRecords - 1)); }));
  // A fault of the first one says nothing of the others.
  forge([&](Forger& f) {
    const std::string first = number_key(numbers(f, Table::packs).front());
    f.put(Table::packs, Forger::chunk_key(first, 900), "a part of nothing");
  });
  expect_by_scrub("a chunk too many");
  EXPECT_EQ(verified().size(), 1U);
  forge([&](Forger& f) {
    PackBuilder builder(1);
    builder.add("nobody", "record");
    put_pack(f, last_pack(f) + 1, *builder.finish());
  });
  expect_by_scrub("is there twice");
}

TEST_F(ForgedPacksTest, AListOfOtherDeadRecordsIsFound) {
  struct DeadLie {
    const char* what;
    const char* words;
    std::function<std::string(DeadList, const Unpacked&)> list;
  };
  const char* none = "no list of dead records";
  const char* other = "its records are not those that ids name and those that are dead";
  const std::vector<DeadLie> lies = {
      {"nothing", none, [](const DeadList&, const Unpacked&) { return ""; }},
      {"more dead than records", none,
       [](const DeadList&, const Unpacked&) {
         return encoded({1, 2, 0, 5});
       }},
      {"more dead than offsets", none,
       [](const DeadList&, const Unpacked&) {
         return encoded({9, 5, 0, 5});
       }},
      {"one offset twice", none,
       [](const DeadList&, const Unpacked&) {
         return encoded({9, 2, 0, 0});
       }},
      {"offsets beyond any pack", none,
       [](const DeadList&, const Unpacked&) {
         return encoded({9, 1, 2ULL << 30});
       }},
      {"more behind it", none,
       [](const DeadList&, const Unpacked&) {
         return encoded({9, 1, 0, 7});
       }},
      {"an offset that is cut off", none,
       [](const DeadList&, const Unpacked&) {
         return encoded({9, 1}) + "\x80";
       }},
      {"records of another pack", "not as many records as its dead list says",
       [](DeadList list, const Unpacked&) {
         ++list.records;
         return list.encode();
       }},
      {"one too few", other,
       [](DeadList list, const Unpacked&) {
         list.offsets.pop_back();
         return list.encode();
       }},
      {"a living one", other,
       [](DeadList list, const Unpacked& pack) {
         list.offsets.back() = pack.offsets.back();
         return list.encode();
       }},
      {"between records", other,
       [](DeadList list, const Unpacked&) {
         ++list.offsets.front();
         return list.encode();
       }},
  };
  const auto put = [this](const DeadLie& lie) {
    forge([&](Forger& f) {
      Unpacked pack;
      unpack_at(f, numbers(f, Table::pack_dead).front(), pack);
      const std::string key = number_key(pack.number);
      const auto list = DeadList::parse(f.chunked(Table::pack_dead, key));
      f.put_chunked(Table::pack_dead, key, lie.list(*list, pack));
    });
  };
  for (const DeadLie& lie : lies) {
    SCOPED_TRACE(lie.what);
    put(lie);
    expect_by_scrub(lie.words);
  }
  put(lies.front());
  expect_met(none, record_scans);
  expect_met(none, write_some);
  put(lies.back());
  expect_met("not the pack's records", record_scans);
  forge([](Forger& f) {
    f.put_chunked(Table::pack_dead, number_key(last_pack(f) + 1), encoded({2, 1, 0}));
  });
  expect_by_scrub("lists of packs not there");
}

// What a checkpoint meets that lists more dead records, or writes a pack again.
TEST_F(ForgedPacksTest, CheckpointsRefuseDeadRecordsThatCantBe) {
  const auto with_list = [this](const std::function<void(DeadList&, const Unpacked&)>& change) {
    forge([&](Forger& f) {
      Unpacked pack;
      unpack_at(f, numbers(f, Table::pack_dead).front(), pack);
      const std::string key = number_key(pack.number);
      auto list = DeadList::parse(f.chunked(Table::pack_dead, key));
      change(*list, pack);
      f.put_chunked(Table::pack_dead, key, list->encode());
    });
  };
  const auto erase_all = committed([](Checkpoint& c) {
    for (std::uint64_t i = 0; i < kRecords; ++i) c.erase_id(numbered("rec", i));
  });
  with_list(
      [](DeadList& list, const Unpacked& pack) { list.offsets.back() = pack.offsets.back(); });
  expect_met("more dead records than records", erase_all);
  with_list([](DeadList& list, const Unpacked&) { list.records = list.offsets.size(); });
  expect_met("more dead records than records", erase_all);
  // So many are said to be dead that the pack is worth writing again.
  const auto nothing = committed([](Checkpoint&) {});
  with_list([](DeadList& list, const Unpacked& pack) {
    list.offsets = pack.offsets;
    list.offsets.pop_back();
  });
  {  // The list is believed: the living ones go with their pack, and that is met when they are
     // asked.
    auto store = open(false);
    ASSERT_TRUE(store.ok());
    ASSERT_TRUE(nothing(**store).ok());
    expect_names(find_all(**store), "missing");
  }
  const auto nearly_all = [](DeadList& list, const Unpacked& pack) {
    list.offsets = pack.offsets;
    list.offsets.pop_back();
  };
  with_list([&](DeadList& list, const Unpacked& pack) {
    nearly_all(list, pack);
    ++list.offsets.front();
  });
  expect_met("its dead records are not in the pack", nothing);
  with_list([&](DeadList& list, const Unpacked& pack) {
    nearly_all(list, pack);
    ++list.records;
  });
  expect_met("its dead records are not in the pack", nothing);
  // An id is gone whose record no list has.
  forge([&](Forger& f) {
    Unpacked pack;
    unpack_at(f, last_pack(f), pack);
    DeadList list{pack.records.size(), pack.offsets};
    list.offsets.pop_back();
    f.put_chunked(Table::pack_dead, number_key(pack.number), list.encode());
    PackBuilder builder(1);
    for (std::size_t i = 0; i + 1 < pack.records.size(); ++i) {
      builder.add(pack.records[i].id, pack.records[i].record);
    }
    builder.add(numbered("ger", kRecords), pack.records.back().record);
    put_pack(f, pack.number, *builder.finish());
  });
  expect_met("a record that no id names is not listed", nothing);
  // Or it names a record elsewhere.
  forge([&](Forger& f) {
    Unpacked pack;
    unpack_at(f, last_pack(f), pack);
    PackBuilder builder(1);
    for (std::size_t i = 0; i < 3; ++i) builder.add(pack.records[i].id, "record");
    const std::uint64_t offset = builder.add(numbered("rec", 20), "record");
    put_pack(f, pack.number, *builder.finish());
    std::vector<std::uint64_t> offsets = {0};
    while (offsets.size() < 3) offsets.push_back(offsets.back() + offset / 3);
    f.put_chunked(Table::pack_dead, number_key(pack.number), DeadList{4, offsets}.encode());
  });
  expect_met("a record that no id names is not listed", nothing);
  // And packs that don't unpack when they are written again, or have no head when they are counted.
  const auto cut = [&](const std::string& pack_bytes) {
    forge([&](Forger& f) {
      const std::uint64_t pack = last_pack(f);
      f.put_chunked(Table::pack_dead, number_key(pack), DeadList{4, {0, 1, 2}}.encode());
      put_pack(f, pack, pack_bytes);
    });
  };
  cut("");
  expect_met("does not unpack", nothing);
  cut(packed(3, 1, std::string("\0\x09i", 3)));
  expect_met("does not unpack", nothing);
  forge([](Forger& f) {
    f.erase_chunked(Table::packs, number_key(numbers(f, Table::pack_dead)[0]));
  });
  expect_met("missing", find_all);
  forge([](Forger& f) { put_pack(f, last_pack(f), "\x80"); });
  expect_met("no pack",
             committed([](Checkpoint& c) { c.erase_id(numbered("rec", kRecords - 1)); }));
}

struct RunLie {
  const char* what;
  std::uint8_t part;
  const char* words;
  std::function<std::string(const std::string&)> bytes;
};

TEST_F(ForgedPacksTest, ARunWhosePartsDoNotAgreeIsRefused) {
  const char* parse = "the head does not parse";
  const char* fences = "the fences do not match the blocks";
  const char* entries = "more or fewer entries than its blocks can have";
  const char* filter = "the filter is cut off";
  const auto head = [](std::vector<std::uint64_t> numbers) {
    return [numbers](const std::string&) { return encoded(numbers); };
  };
  const auto is = [](std::string bytes) { return [bytes](const std::string&) { return bytes; }; };
  const std::vector<RunLie> lies = {
      {"no head", 1, parse, is("")},
      {"ranges that are not there", 1, parse, head({50, 0, 1ULL << 50})},
      {"half a range", 1, parse, head({50, 0, 1, 1})},
      {"more behind it", 1, parse, head({50, 0, 1, 1, 1, 1})},
      {"fewer blocks", 1, fences, head({50, 0, 1, 1, 1})},
      {"no blocks", 1, fences, head({50, 0, 0})},
      {"blocks that come to the right number", 1, entries,
       [](const std::string& bytes) {
         Reader reader(bytes);
         const std::uint64_t all = reader.varint();
         reader.varint();
         reader.varint();
         reader.varint();
         return encoded({all << 40, 0, 1, 1, reader.varint()});
       }},
      {"fewer entries than blocks", 1, entries,
       [](const std::string& bytes) {
         std::string other = encoded({1, 0});
         Reader reader(bytes);
         reader.varint();
         reader.varint();
         return other.append(reader.at(), reader.remaining());
       }},
      {"more tombstones than entries", 1, entries,
       [](const std::string& bytes) {
         Reader reader(bytes);
         const std::uint64_t all = reader.varint();
         reader.varint();
         return encoded({all, all + 1}).append(reader.at(), reader.remaining());
       }},
      {"no fences", 2, fences, is("")},
      {"one fence", 2, fences, is("\x01g")},
      {"a fence that is cut off", 2, fences,
       [](const std::string& bytes) { return bytes.substr(0, bytes.size() - 1); }},
      {"a fence too many", 2, fences, [](const std::string& bytes) { return bytes + "\x01z"; }},
      {"no filter", 3, filter, is("")},
      {"half a block of it", 3, filter, is(std::string(48, '\0'))},
  };
  for (const RunLie& lie : lies) {
    SCOPED_TRACE(lie.what);
    forge([&](Forger& f) {
      const std::string key = IdRun::part_key(f.meta.runs.front().number, lie.part);
      f.put_chunked(Table::run_parts, key, lie.bytes(f.chunked(Table::run_parts, key)));
    });
    expect_at_opening(lie.words, false);
  }
  for (std::uint8_t part = 1; part <= IdRun::kParts; ++part) {
    forge([&](Forger& f) {
      const std::string key = IdRun::part_key(f.meta.runs.front().number, part);
      f.erase_chunked(Table::run_parts, key);
    });
    expect_at_opening(": missing", false);
  }
}

// An entry of a block, and what comes of each part of it that is wrong.
std::string entry(std::uint64_t shared, std::string_view rest, std::uint8_t kind,
                  const std::vector<std::uint64_t>& numbers) {
  std::string out;
  put_varint(out, shared);
  put_bytes(out, rest);
  put_u8(out, kind);
  return out + encoded(numbers);
}

TEST_F(ForgedPacksTest, BlocksOfIdsThatAreWrongAreFound) {
  const char* fence = "does not begin with its fence";
  const char* parse = "does not parse";
  const std::string first = entry(0, numbered("id", 0), 1, {1});
  struct BlockLie {
    const char* what;
    const char* words;
    std::string block;
  };
  const std::vector<BlockLie> lies = {
      {"nothing", fence, ""},
      {"another id", fence, entry(0, "id", 1, {1})},
      {"a share of nothing", fence, entry(1, "d000000", 1, {1})},
      {"no such kind", parse, first + entry(7, "1", 3, {1})},
      {"a share of too much", parse, first + entry(9, "1", 1, {1})},
      {"an id that is cut off", parse,
       first + std::string("\x07\x05"
                           "1",
                           3)},
      {"no sequence", parse, first + entry(7, "1", 1, {})},
      {"no offset", parse, first + entry(7, "1", 2, {256})},
      {"one id twice", "ids out of order", first + entry(8, "", 1, {1})},
      {"a lesser id", "ids out of order", first + entry(2, "", 0, {})},
      {"an id that no filter knows", "its filter hides an id", first + entry(2, "0000005", 0, {})},
      {"too few", "entries are missing", first},
  };
  for (const BlockLie& lie : lies) {
    SCOPED_TRACE(lie.what);
    forge([&](Forger& f) { f.put(Table::id_blocks, f.keys(Table::id_blocks)[0], lie.block); });
    expect_by_scrub(lie.words);
  }
  const auto met = [&](std::size_t which, const Use& use) {
    forge([&](Forger& f) {
      f.put(Table::id_blocks, f.keys(Table::id_blocks)[0], lies[which].block);
    });
    expect_met(lies[which].words, use);
  };
  const auto find_second = [](CheckpointStore& store) {
    return store.find(numbered("id", 1)).take_status();
  };
  for (const std::size_t which : {0U, 1U, 2U, 3U, 4U, 5U, 6U, 7U}) {
    SCOPED_TRACE(lies[which].what);
    met(which, find_second);
    met(which, scans);
    met(which, [](CheckpointStore& store) {
      return store.scan("id", {}, 2 * kIds, ScanOrder::descending).take_status();
    });
    met(which, committed([](Checkpoint& c) { c.erase_id(numbered("id", 1)); }));
  }
  forge([](Forger& f) { f.erase(Table::id_blocks, f.keys(Table::id_blocks)[1]); },
        [](StoreMeta& meta) { meta.garbage.clear(); });
  expect_by_scrub(": missing");
  expect_met(": missing", scans);
  // A number that only the garbage has: the run's block is missing though as many are there.
  forge(
      [](Forger& f) {
        const auto keys = f.keys(Table::id_blocks);
        f.put(Table::id_blocks, number_key(f.meta.next_block),
              f.payload(Table::id_blocks, keys[1]));
        f.erase(Table::id_blocks, keys[1]);
      },
      [](StoreMeta& meta) { ++meta.next_block; });
  expect_by_scrub(": missing");
}

// Blocks that nobody asks for are met when runs are merged or deleted.
TEST_F(ForgedPacksTest, BlocksThatAreWrongAreMetByMerges) {
  const Use one_more = committed([](Checkpoint& c) { c.put_id("zzz", SequenceNumber(1)); });
  const std::string good_block = [this] {
    Forger forger(path());
    return forger.payload(Table::id_blocks, forger.keys(Table::id_blocks).back());
  }();
  const std::vector<std::pair<const char*, std::string>> lies = {
      {"does not begin with its fence", ""},
      {"does not parse", good_block.substr(0, good_block.size() - 1)},
      {"does not parse", good_block + "\x01"},
  };
  for (const auto& [words, block] : lies) {
    const std::string bytes = block;
    forge([&](Forger& f) { f.put(Table::id_blocks, f.keys(Table::id_blocks).back(), bytes); });
    expect_met(words, one_more);
  }
  // What is to be deleted is read before.
  forge(
      [](Forger& f) {
        f.put(Table::id_blocks, number_key(f.meta.next_block), "garbage");
        f.put_raw(Table::id_blocks, number_key(f.meta.next_block), "12345678");
      },
      [](StoreMeta& meta) {
        meta.garbage.push_back({meta.next_block++, 1});
      });
  expect_met("not what was written here", one_more);
  // As much garbage as nobody can have made is deleted in parts.
  forge([](Forger&) {}, [](StoreMeta& meta) { meta.garbage.push_back({1U << 20, 1U << 30}); });
  EXPECT_TRUE(one_more(**open(false)).ok());
  const auto garbage = meta_of(directory_.path()).garbage;
  ASSERT_FALSE(garbage.empty());
  EXPECT_GT(garbage.front().first, 1U << 20);
  EXPECT_GT(garbage.front().count, 1U << 29);
}

TEST_F(ForgedPacksTest, AFilterThatKnowsEveryIdIsSound) {
  forge([](Forger& f) {
    for (const RunReference& run : f.meta.runs) {
      const std::string key = IdRun::part_key(run.number, 3);
      const std::size_t bytes = f.chunked(Table::run_parts, key).size();
      f.put_chunked(Table::run_parts, key, std::string(bytes, '\xff'));
    }
  });
  EXPECT_TRUE(verified().empty());
  const auto store = open(true);
  ASSERT_TRUE(store.ok()) << store.status().to_string();
  EXPECT_TRUE((*store)->may_contain(numbered("id", 1)));
  EXPECT_FALSE((*store)->may_contain("a"));
  EXPECT_FALSE((*store)->may_contain("z"));
  for (const char* id : {"a", "id", "ie", "rec", "z"}) {
    const auto found = (*store)->find(id);
    ASSERT_TRUE(found.ok()) << found.status().to_string();
    EXPECT_FALSE(found->has_value());
  }
}

TEST_F(ForgedPacksTest, FiltersAndFencesThatHideIdsAreFound) {
  forge([](Forger& f) {
    const std::string key = IdRun::part_key(f.meta.runs.front().number, 3);
    const std::size_t bytes = f.chunked(Table::run_parts, key).size();
    f.put_chunked(Table::run_parts, key, std::string(bytes, '\0'));
  });
  expect_by_scrub("its filter hides an id");
  const auto last_fence = [this](const std::string& last) {
    forge([&](Forger& f) {
      const std::string key = IdRun::part_key(f.meta.runs.front().number, 2);
      const std::string fences = f.chunked(Table::run_parts, key);
      std::string other;
      Reader reader(fences);
      for (;;) {
        const std::string_view fence = reader.bytes();
        put_bytes(other, reader.more() ? fence : std::string_view(last));
        if (!reader.more()) break;
      }
      f.put_chunked(Table::run_parts, key, other);
    });
  };
  last_fence(numbered("id", kIds - 2));
  expect_by_scrub("its filter hides an id");
  last_fence("");
  expect_by_scrub("its filter hides an id");
}

}  // namespace
}  // namespace ingot::storage
