// WorkExchange: who is given what, in turn, within limits; and a random game of it.

#include "partition/hub/work_exchange.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace ingot::partition {
namespace {

constexpr std::array kKinds = {WorkKind::orchestration, WorkKind::entity, WorkKind::activity};
constexpr std::array<std::uint32_t, kWorkKinds> kNoLimit = {UINT32_MAX, UINT32_MAX, UINT32_MAX};

// Has room for so many items of each kind.
class Room final : public WorkReceiver {
 public:
  explicit Room(std::uint32_t places) : free_{places, places, places} {}

  bool reserve(WorkKind kind) override {
    std::uint32_t& places = free_[static_cast<std::size_t>(kind)];
    if (places == 0) return false;
    --places;
    return true;
  }
  void unreserve(WorkKind kind) override { ++free_[static_cast<std::size_t>(kind)]; }
  void take(OrchestrationWorkItem) override {}
  void take(EntityWorkItem) override {}
  void take(ActivityWorkItem) override {}
  void closed() override {}

  [[nodiscard]] bool has_room(WorkKind kind) const {
    return free_[static_cast<std::size_t>(kind)] != 0;
  }

 private:
  std::array<std::uint32_t, kWorkKinds> free_;
};

struct Given {
  WorkKind kind;
  WorkOffer offer;
  SubscriptionId to;
};

class Exchange {
 public:
  explicit Exchange(const std::array<std::uint32_t, kWorkKinds>& max = kNoLimit)
      : exchange(max, [this](WorkKind kind, WorkOffer offer, const SubscriptionPtr& to) {
          given.push_back({kind, std::move(offer), to->id});
        }) {}

  SubscriptionPtr add(std::uint32_t places, WorkFilter filter = {}) {
    const auto subscription = std::make_shared<Subscription>();
    subscription->id = ++last_;
    subscription->receiver = std::make_shared<Room>(places);
    subscription->filter = std::move(filter);
    exchange.add(subscription);
    return subscription;
  }
  void offer(const std::string& name, std::uint64_t number = 1, const std::string& version = {},
             WorkKind kind = WorkKind::orchestration) {
    exchange.offer(kind, {PartitionId(0), SequenceNumber(number), -1, name, version});
  }
  [[nodiscard]] std::vector<SubscriptionId> receivers() const {
    std::vector<SubscriptionId> ids;
    for (const Given& one : given) ids.push_back(one.to);
    return ids;
  }

  std::vector<Given> given;
  WorkExchange exchange;

 private:
  SubscriptionId last_ = 0;
};

using Ids = std::vector<SubscriptionId>;

WorkFilter only(const std::string& name, std::vector<std::string> versions = {}) {
  WorkFilter filter;
  filter.orchestrations = std::vector{WorkName{name, std::move(versions)}};
  filter.entities.emplace();
  filter.activities.emplace();
  return filter;
}

TEST(WorkExchange, ReceiversOfTheSameWorkTakeTurns) {
  Exchange e;
  for (int i = 0; i < 3; ++i) e.add(2);
  for (std::uint64_t i = 0; i < 7; ++i) e.offer("a", i);
  EXPECT_EQ(e.receivers(), (Ids{1, 2, 3, 1, 2, 3}));  // the seventh waits
  e.add(1);
  EXPECT_EQ(e.receivers().back(), 4U);
}

TEST(WorkExchange, OneWithoutRoomIsPassedOverUntilItIsReady) {
  Exchange e;
  const SubscriptionPtr full = e.add(0);
  e.add(1);
  e.offer("a", 1);
  e.offer("a", 2);
  EXPECT_EQ(e.receivers(), Ids{2});
  full->receiver->unreserve(WorkKind::orchestration);
  EXPECT_EQ(e.receivers(), Ids{2});  // no one has said so
  e.exchange.ready(full->id);
  EXPECT_EQ(e.receivers(), (Ids{2, 1}));
}

TEST(WorkExchange, RoomOfOneKindDoesNotHideThatOfAnother) {
  Exchange e;
  e.add(1);
  e.offer("a", 1);
  e.offer("a", 2);
  e.offer("a", 3, "", WorkKind::activity);
  ASSERT_EQ(e.given.size(), 2U);
  EXPECT_EQ(e.given.back().kind, WorkKind::activity);
}

TEST(WorkExchange, FiltersNameWhatIsTaken) {
  Exchange e;
  e.add(10, only("a"));
  e.add(10, only("b", {"1", "2"}));
  e.offer("a");
  e.offer("a", 2, "7");  // any version
  e.offer("b", 3, "2");
  e.offer("b", 4, "3");  // no one's
  e.offer("b", 5);
  e.offer("c", 6);
  e.offer("a", 7, "", WorkKind::activity);
  EXPECT_EQ(e.receivers(), (Ids{1, 1, 2}));
  e.add(10, only("b"));
  EXPECT_EQ(e.receivers(), (Ids{1, 1, 2, 3, 3}));
  e.add(10);
  EXPECT_EQ(e.receivers(), (Ids{1, 1, 2, 3, 3, 4, 4}));
}

TEST(WorkExchange, WhatWaitedIsGivenInTheOrderOfItsComing) {
  Exchange e;
  const std::vector<std::string> names = {"b", "a", "a", "c", "b", "a"};
  for (std::uint64_t i = 0; i < names.size(); ++i) e.offer(names[i], i, i == 2 ? "1" : "");
  WorkFilter filter = only("c");
  filter.orchestrations->push_back({"a", {}});
  e.add(10, filter);
  e.add(10);
  std::vector<std::uint64_t> order;
  for (const Given& one : e.given) order.push_back(one.offer.sequence.value);
  EXPECT_EQ(order, (std::vector<std::uint64_t>{1, 2, 3, 5, 0, 4}));
}

TEST(WorkExchange, LimitsHoldAndReleasedPlacesAreFilled) {
  Exchange e({2, UINT32_MAX, UINT32_MAX});
  e.add(10);
  for (std::uint64_t i = 0; i < 4; ++i) e.offer("a", i);
  EXPECT_EQ(e.given.size(), 2U);
  e.exchange.released(WorkKind::orchestration);
  EXPECT_EQ(e.given.size(), 3U);
  e.exchange.released(WorkKind::orchestration);
  EXPECT_EQ(e.given.size(), 4U);
}

TEST(WorkExchange, OneThatHasLeftIsGivenNothing) {
  Exchange e;
  e.add(10);
  e.add(10, only("a"));
  EXPECT_NE(e.exchange.remove(1), nullptr);
  EXPECT_EQ(e.exchange.remove(1), nullptr);
  e.offer("b");
  EXPECT_TRUE(e.given.empty());
  e.offer("a");
  EXPECT_EQ(e.receivers(), Ids{2});
  EXPECT_EQ(e.exchange.clear().size(), 1U);
  e.offer("a");
  EXPECT_EQ(e.given.size(), 1U);
}

bool takes(const Subscription& subscription, WorkKind kind, const WorkOffer& offer) {
  const auto& names = subscription.names(kind);
  if (!names) return true;
  for (const WorkName& name : *names) {
    if (name.name != offer.name) continue;
    if (name.versions.empty()) return true;
    for (const std::string& version : name.versions) {
      if (version == offer.version) return true;
    }
  }
  return false;
}

// After each step: every offer went to one who takes it, each once, and nothing waits that someone
// with room takes.
TEST(WorkExchange, NothingWaitsThatSomeoneTakes) {
  const auto seed = static_cast<std::uint32_t>(std::random_device{}());
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto below = [&](std::size_t n) { return static_cast<std::uint32_t>(random() % n); };
  Exchange e;
  std::map<SubscriptionId, SubscriptionPtr> live;
  std::map<std::uint64_t, std::pair<WorkKind, WorkOffer>> waiting;
  std::size_t seen = 0;
  std::uint64_t number = 0;
  for (int step = 0; step < 5000; ++step) {
    switch (below(6)) {
      case 0: {
        WorkFilter filter;
        for (auto* names : {&filter.orchestrations, &filter.entities, &filter.activities}) {
          if (below(3) == 0) continue;
          names->emplace();
          for (std::uint32_t i = below(3); i != 0; --i) {
            WorkName name{std::string(1, static_cast<char>('a' + below(3))), {}};
            for (std::uint32_t v = below(3); v != 0; --v) {
              name.versions.push_back(std::to_string(below(3)));
            }
            (*names)->push_back(std::move(name));
          }
        }
        const SubscriptionPtr added = e.add(below(4), std::move(filter));
        live.emplace(added->id, added);
        break;
      }
      case 1:
        if (!live.empty() && below(2) == 0) {
          const SubscriptionId id = std::next(live.begin(), below(live.size()))->first;
          EXPECT_NE(e.exchange.remove(id), nullptr);
          live.erase(id);
        }
        break;
      case 2:
        if (!live.empty()) {
          const auto& [id, one] = *std::next(live.begin(), below(live.size()));
          one->receiver->unreserve(kKinds[below(3)]);
          e.exchange.ready(id);
        }
        break;
      default: {
        const WorkKind kind = kKinds[below(3)];
        WorkOffer offer{PartitionId(0), SequenceNumber(++number), -1,
                        std::string(1, static_cast<char>('a' + below(3))),
                        below(2) == 0 ? "" : std::to_string(below(3))};
        waiting.emplace(number, std::pair(kind, offer));
        e.exchange.offer(kind, std::move(offer));
      }
    }
    for (; seen < e.given.size(); ++seen) {
      const Given& one = e.given[seen];
      ASSERT_EQ(waiting.erase(one.offer.sequence.value), 1U);
      ASSERT_TRUE(live.contains(one.to));
      ASSERT_TRUE(takes(*live.at(one.to), one.kind, one.offer));
    }
    for (const auto& [key, offer] : waiting) {
      for (const auto& [id, one] : live) {
        ASSERT_FALSE(static_cast<const Room&>(*one->receiver).has_room(offer.first) &&
                     takes(*one, offer.first, offer.second))
            << "step " << step << ": receiver " << id << ", " << offer.second.name;
      }
    }
  }
}

}  // namespace
}  // namespace ingot::partition
