#include "partition/shard/inbox.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/support/allocation_limit.h"

namespace ingot::partition {
namespace {

Request request(std::atomic<std::uint64_t>* answered = nullptr, std::uint64_t id = 0) {
  StartRequest start;
  start.request_id = id;
  start.started = [answered](Result<std::string>) {
    if (answered != nullptr) answered->fetch_add(1);
  };
  return start;
}

TEST(InboxTest, GivesEntriesInOrderAndWakesForEach) {
  int wakes = 0;
  Inbox inbox(2, 10, [&] { ++wakes; });
  EXPECT_EQ(inbox.pop(), nullptr);
  for (std::uint64_t i = 0; i < 4; ++i) {
    ASSERT_TRUE(inbox.offer(static_cast<std::uint32_t>(i % 2), request(nullptr, i)).ok());
  }
  EXPECT_EQ(wakes, 4);
  for (std::uint64_t i = 0; i < 4; ++i) {
    const auto entry = inbox.pop();
    ASSERT_NE(entry, nullptr);
    EXPECT_TRUE(entry->admitted);
    EXPECT_EQ(entry->slot, i % 2);
    EXPECT_EQ(std::get<StartRequest>(entry->request).request_id, i);
    inbox.handled(entry->slot);
  }
  EXPECT_TRUE(inbox.drained());
}

TEST(InboxTest, AdmitsUpToItsLimitForEachPartition) {
  Inbox inbox(2, 3, [] {});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(inbox.offer(0, request()).ok());
  Request refused = request(nullptr, 77);
  EXPECT_EQ(inbox.offer(0, std::move(refused)).code(), StatusCode::overloaded);
  EXPECT_EQ(std::get<StartRequest>(refused).request_id, 77U);  // NOLINT(bugprone-use-after-move)
  EXPECT_TRUE(std::get<StartRequest>(refused).started != nullptr);
  EXPECT_TRUE(inbox.offer(1, request()).ok());
  // What comes from inside is always taken and not counted.
  inbox.push(0, request());
  EXPECT_EQ(inbox.admitted(0), 3U);
  EXPECT_EQ(inbox.overloads(0), 1U);
  EXPECT_EQ(inbox.overloads(1), 0U);
  // Taking is not handling: the place is free when the request has been handled.
  ASSERT_NE(inbox.pop(), nullptr);
  EXPECT_EQ(inbox.offer(0, request()).code(), StatusCode::overloaded);
  inbox.handled(0);
  EXPECT_TRUE(inbox.offer(0, request()).ok());
}

TEST(InboxTest, AClosedOneRefusesClientsAndStillGivesWhatItHas) {
  Inbox inbox(1, 10, [] {});
  ASSERT_TRUE(inbox.offer(0, request()).ok());
  inbox.close();
  EXPECT_EQ(inbox.offer(0, request()).code(), StatusCode::cancelled);
  inbox.push(0, request());
  EXPECT_FALSE(inbox.drained());
  auto entry = inbox.pop();
  ASSERT_NE(entry, nullptr);
  EXPECT_TRUE(entry->admitted);
  inbox.handled(0);
  EXPECT_TRUE(inbox.drained());
  entry = inbox.pop();
  ASSERT_NE(entry, nullptr);
  EXPECT_FALSE(entry->admitted);
}

// A request for which there is no memory is not taken, and does not count.
TEST(InboxTest, WithoutMemoryNothingIsTaken) {
  Inbox inbox(1, 10, [] {});
  // On a thread that keeps no entries from before.
  std::thread([&inbox] {
    Request offered = request(nullptr, 77);
    {
      const ingot::testing::AllocationLimit limit(sizeof(Inbox::Entry) - 1);
      EXPECT_EQ(inbox.offer(0, std::move(offered)).code(), StatusCode::overloaded);
    }
    EXPECT_EQ(inbox.admitted(0), 0U);
    EXPECT_EQ(std::get<StartRequest>(offered).request_id, 77U);  // NOLINT(bugprone-use-after-move)
    EXPECT_TRUE(std::get<StartRequest>(offered).started != nullptr);
    EXPECT_TRUE(inbox.offer(0, std::move(offered)).ok());
  }).join();
  ASSERT_NE(inbox.pop(), nullptr);
  inbox.handled(0);
  inbox.close();
  EXPECT_TRUE(inbox.drained());
}

TEST(InboxTest, EveryAdmittedRequestIsDeliveredThoughItCloses) {
  constexpr int kThreads = 3;
  constexpr std::uint64_t kEach = 5000;
  std::atomic<std::uint64_t> admitted{0};
  std::atomic<std::uint64_t> answered{0};
  std::atomic<std::uint64_t> offered{0};
  Inbox inbox(2, 64, [] {});
  std::vector<std::thread> clients;
  for (int t = 0; t < kThreads; ++t) {
    clients.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < kEach; ++i) {
        offered.fetch_add(1);
        const Status status = inbox.offer(static_cast<std::uint32_t>(t % 2), request(&answered));
        if (status.ok()) {
          admitted.fetch_add(1);
        } else if (status.code() == StatusCode::cancelled) {
          return;
        } else {
          std::this_thread::yield();
        }
      }
    });
  }
  const Status cancelled(StatusCode::cancelled, "closed");
  const auto take = [&] {
    const auto entry = inbox.pop();
    if (entry == nullptr) return false;
    refuse(entry->request, cancelled);
    inbox.handled(entry->slot);
    return true;
  };
  // Takes while they offer, closes in the middle of it, and takes what is left.
  while (offered.load() < kThreads * kEach / 2) {
    if (!take()) std::this_thread::yield();
  }
  inbox.close();
  while (take() || !inbox.drained()) {
  }
  EXPECT_EQ(inbox.pop(), nullptr);
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(inbox.pop(), nullptr);
  EXPECT_EQ(answered.load(), admitted.load());
  EXPECT_TRUE(inbox.drained());
}

}  // namespace
}  // namespace ingot::partition
