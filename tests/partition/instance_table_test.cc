#include "partition/state/instance_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/hash.h"
#include "core/random.h"

namespace ingot::partition {
namespace {

std::unique_ptr<Instance> make_instance(std::uint64_t sequence, std::uint64_t hashes) {
  auto instance = std::make_unique<Instance>();
  instance->sequence = SequenceNumber(sequence);
  instance->id = "instance-" + std::to_string(sequence);
  instance->id_hash = hash64(instance->id) % hashes;
  return instance;
}

std::vector<std::uint64_t> order_of(const InstanceTable& table) {
  std::vector<std::uint64_t> order;
  table.for_each([&](const Instance& i) { order.push_back(i.sequence.value); });
  return order;
}

// The memory of its instances, counted anew.
std::size_t instance_bytes(const InstanceTable& table) {
  std::size_t bytes = 0;
  table.for_each([&](const Instance& i) { bytes += i.memory_bytes(); });
  return bytes;
}

TEST(InstanceTableTest, KeepsInstancesInTheOrderOfTheirUse) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const std::uint64_t hashes = seed % 2 == 0 ? 3 : UINT64_MAX;  // collisions
    InstanceTable table;
    std::vector<std::uint64_t> model;  // by use, the newest last
    std::uint64_t next = 1;
    for (int step = 0; step < 1000; ++step) {
      const std::uint64_t what = random.below(10);
      if (what < 4 || model.empty()) {
        Instance& placed = table.insert(make_instance(next, hashes));
        ASSERT_EQ(placed.sequence.value, next);
        model.push_back(next++);
      } else {
        const std::size_t at = random.below(model.size());
        const std::uint64_t sequence = model[at];
        Instance* found = table.find(SequenceNumber(sequence));
        ASSERT_NE(found, nullptr);
        ASSERT_EQ(table.find(found->id_hash, found->id), found);
        model.erase(model.begin() + static_cast<std::ptrdiff_t>(at));
        if (what < 7) {
          found->history.resize(random.below(2000));
          table.used(*found);
          model.push_back(sequence);
        } else {
          const std::unique_ptr<Instance> removed = table.remove(*found);
          ASSERT_EQ(removed.get(), found);
          ASSERT_EQ(table.find(SequenceNumber(sequence)), nullptr);
          ASSERT_EQ(table.find(removed->id_hash, removed->id), nullptr);
        }
      }
      ASSERT_EQ(table.size(), model.size());
      ASSERT_EQ(table.oldest() == nullptr, model.empty());
      if (!model.empty()) {
        ASSERT_EQ(table.oldest()->sequence.value, model.front());
      }
      if (step % 50 == 0) {
        ASSERT_EQ(order_of(table), model);
        ASSERT_GE(table.memory_bytes(), instance_bytes(table));
      }
    }
    while (table.oldest() != nullptr) table.remove(*table.oldest()).reset();
    EXPECT_EQ(table.size(), 0U);
    EXPECT_EQ(instance_bytes(table), 0U);
  }
}

TEST(InstanceTableTest, CountsTheMemoryOfWhatGrew) {
  InstanceTable table;
  Instance& instance = table.insert(make_instance(1, UINT64_MAX));
  const std::size_t before = table.memory_bytes();
  instance.history.assign(100'000, 'x');
  EXPECT_EQ(table.memory_bytes(), before);
  table.used(instance);
  const std::size_t grown = table.memory_bytes();
  EXPECT_GE(grown, before + 100'000);
  std::string().swap(instance.history);
  table.used(instance);
  EXPECT_EQ(table.memory_bytes(), before);
}

}  // namespace
}  // namespace ingot::partition
