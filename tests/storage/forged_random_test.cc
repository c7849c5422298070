// Values changed at random and sealed again: whatever they say, a store is opened and used, or it
// is refused with a status.

#include <cstdlib>
#include <iostream>

#include "tests/storage/forged_store.h"

namespace ingot::storage {
namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// Numbers that something may be reckoned with.
std::uint64_t odd_number(Random& random) {
  switch (random.below(5)) {
    case 0:
      return random.below(4);
    case 1:
      return UINT64_MAX - random.below(3);
    case 2:
      return std::uint64_t{1} << random.below(64);
    case 3:
      return (std::uint64_t{1} << random.below(64)) - 1;
    default:
      return random.next() >> random.below(64);
  }
}

void change(Random& random, std::string& bytes) {
  const std::size_t at = random.below(bytes.size() + 1);
  std::string number;
  put_varint(number, odd_number(random));
  switch (random.below(7)) {
    case 0:
      if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << random.below(8)));
      break;
    case 1:
      bytes.resize(at);
      break;
    case 2:
      bytes.insert(at, number);
      break;
    case 3:
      bytes.erase(at, random.below(12));
      break;
    case 4:
      bytes.replace(at, 1, number);
      break;
    case 5:
      bytes.append(random.below(40), static_cast<char>(random.next()));
      break;
    default:  // near the front, where lengths and counts are
      bytes.replace(std::min<std::size_t>(bytes.size(), random.below(12)), 1, number);
  }
}

class ForgedRandomTest : public ForgedStoreTest {
 protected:
  // A store whose large merge is under way: runs of two levels and garbage.
  static const std::string& merging() {
    static const std::string bytes = [] {
      const sim::TempDirectory directory;
      auto store = must_open(directory.path());
      fill(*store);
      // A small checkpoint can't do all the work that the large one before it has left.
      StoreMeta meta;
      for (std::uint64_t i = 0; i < 20; ++i) {
        auto checkpoint = must_begin(*store);
        for (std::uint64_t n = 0, ids = i % 2 == 0 ? 12'000 : 10; n < ids; ++n) {
          checkpoint->put_id(numbered("more", i + 20 * n), SequenceNumber(1));
        }
        EXPECT_TRUE(checkpoint->commit(Position(6 + i)).ok());
        meta = meta_of(directory.path());
        if (!meta.garbage.empty() && meta.runs.front().level != meta.runs.back().level) break;
      }
      store.reset();
      EXPECT_FALSE(meta.garbage.empty());
      EXPECT_NE(meta.runs.front().level, meta.runs.back().level);
      std::ifstream in(directory.path() + "/checkpoint.mdb", std::ios::binary);
      return std::string(std::istreambuf_iterator<char>(in), {});
    }();
    return bytes;
  }

  static void forge_one(Random& random, Forger& forger) {
    const auto table = static_cast<Table>(1 + random.below(kTableCount - 1));
    const std::vector<std::string> keys = forger.keys(table);
    if (keys.empty()) return;
    std::string key = keys[random.below(keys.size())];
    std::string payload = forger.payload(table, key);
    switch (random.below(12)) {
      case 0:
        forger.erase(table, key);
        return;
      case 1:
        payload = forger.payload(table, keys[random.below(keys.size())]);
        break;
      case 2: {  // under another key
        change(random, key);
        key.resize(std::clamp<std::size_t>(key.size(), 1, kKeyBytesMax));
        if (key == kHeaderKey) return;
        break;
      }
      default:
        change(random, payload);
    }
    forger.put(table, key, payload);
  }

  void run(const std::string& good_file, std::uint64_t seed, std::uint64_t trials) {
    std::uint64_t refused = 0;
    for (std::uint64_t trial = 0; trial < trials && !HasFailure(); ++trial) {
      SCOPED_TRACE("INGOT_FORGED_RUNS=1 INGOT_FORGED_SEED=" + std::to_string(seed + trial));
      Random random(seed + trial);
      write(good_file);
      {
        Forger forger(path());
        for (std::uint64_t left = 1 + random.below(3); left > 0; --left) forge_one(random, forger);
        if (random.one_in(6)) {
          forger.commit_main([&](std::string payload) {
            change(random, payload);
            forger.put(Table::meta, kMetaKey, payload);
          });
        } else {
          forger.commit();
        }
      }
      std::vector<StoreFault> faults = verified();
      const auto scrubbed = open(true).take_status();
      expect_status(scrubbed);
      EXPECT_EQ(scrubbed.ok(), faults.empty()) << scrubbed.to_string();
      refused += faults.empty() ? 0 : 1;
      use_all();
      // Nobody who was let in by a scrub is turned away later.
      if (!faults.empty()) continue;
      auto store = open(true);
      ASSERT_TRUE(store.ok()) << store.status().to_string();
      expect_sound(**store);
    }
    std::cout << "seed " << seed << ": " << refused << " of " << trials << " refused" << std::endl;
    if (std::getenv("INGOT_FORGED_RUNS") == nullptr) {
      EXPECT_GT(refused, trials / 4);
    }
  }
};

TEST_F(ForgedRandomTest, ValuesChangedAtRandomEndInAStatus) {
  run(good(), from_environment("INGOT_FORGED_SEED", 1), from_environment("INGOT_FORGED_RUNS", 150));
}

TEST_F(ForgedRandomTest, ValuesChangedAtRandomDuringAMergeEndInAStatus) {
  run(merging(), from_environment("INGOT_FORGED_SEED", 1),
      from_environment("INGOT_FORGED_RUNS", 20));
}

}  // namespace
}  // namespace ingot::storage
