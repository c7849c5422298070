// Pages that are bounded by their bytes: each item is given once, whatever the sizes are.

#include "tools/ingotd/pages.h"

#include <gtest/gtest.h>

#include <random>

namespace ingot::server {
namespace {

constexpr std::size_t kBytesMax = 100'000;

// Instances with inputs of these sizes, whose tokens are the places to go on from.
class Store {
 public:
  explicit Store(std::vector<std::size_t> sizes) : sizes_(std::move(sizes)) {}

  Result<InstancePage> fetch(const InstanceQuery& query) {
    EXPECT_GE(query.page_size, 1U);
    most_ = std::max(most_, query.page_size);
    InstancePage page;
    std::size_t at = query.continuation_token.empty() ? 0 : std::stoul(query.continuation_token);
    for (; at < sizes_.size() && page.instances.size() < query.page_size; ++at) {
      page.instances.emplace_back().instance_id = std::to_string(at);
      page.instances.back().input = std::string(sizes_[at], 'x');
    }
    if (at < sizes_.size()) page.continuation_token = std::to_string(at);
    return page;
  }
  // The largest number that was read at a time since the last call.
  std::uint32_t take_most() { return std::exchange(most_, 0); }

 private:
  std::vector<std::size_t> sizes_;
  std::uint32_t most_ = 0;
};

// One page, put behind `given`; its bytes.
std::size_t read_page(Store& store, InstanceQuery& query, std::vector<std::string>& given) {
  std::size_t bytes = 0;
  const Result<std::string> next = give_page(
      query, true, kBytesMax, [&](const InstanceQuery& step) { return store.fetch(step); },
      [](const InstancePage& page) -> auto& { return page.instances; },
      [&](const InstanceState& state) {
        bytes += bytes_of(state);
        given.push_back(state.instance_id);
      });
  EXPECT_TRUE(next.ok());
  query.continuation_token = *next;
  return bytes;
}

TEST(Pages, EachItemIsGivenOnceAndNoPageIsTooLarge) {
  const std::uint32_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::size_t> sizes(random() % 300);
    for (std::size_t& size : sizes) {
      size = random() % 10 == 0 ? random() % (2 * kBytesMax) : random() % 2000;
    }
    Store store(sizes);
    InstanceQuery query;
    query.page_size = static_cast<std::uint32_t>(1 + random() % 200);
    std::vector<std::string> given;
    do {
      const std::size_t before = given.size();
      const std::size_t bytes = read_page(store, query, given);
      const std::size_t count = given.size() - before;
      EXPECT_LE(count, query.page_size);
      EXPECT_TRUE(bytes <= kBytesMax || count == 1) << bytes << " bytes, " << count;
      ASSERT_TRUE(query.continuation_token.empty() || count >= 1);
    } while (!query.continuation_token.empty());
    ASSERT_EQ(given.size(), sizes.size());
    for (std::size_t i = 0; i < given.size(); ++i) ASSERT_EQ(given[i], std::to_string(i));
  }
}

TEST(Pages, LargeOnesAreNotReadInVain) {
  Store store(std::vector<std::size_t>(1000, kBytesMax / 4));
  InstanceQuery query;
  query.page_size = 1000;
  std::vector<std::string> given;
  read_page(store, query, given);
  EXPECT_EQ(given.size(), 3U);
  EXPECT_LE(store.take_most(), 10U);
}

TEST(Pages, SmallOnesFillAPage) {
  Store store(std::vector<std::size_t>(1000, 10));
  InstanceQuery query;
  query.page_size = 300;
  std::vector<std::string> given;
  read_page(store, query, given);
  EXPECT_EQ(given.size(), 300U);
  EXPECT_EQ(query.continuation_token, "300");
}

}  // namespace
}  // namespace ingot::server
