// The table of the items that workers have: who is told, and when.

#include "tools/ingotd/outstanding.h"

#include <gtest/gtest.h>

#include <vector>

namespace ingot::server {
namespace {

class Owner final : public WorkOwner {
 public:
  void settled(const WorkItemToken& token, WorkKind /*kind*/) override {
    settled_.push_back(token.lock);
  }
  void refused(const WorkItemToken& token) override { refused_.push_back(token.lock); }
  [[nodiscard]] const std::vector<std::uint64_t>& refused_locks() const { return refused_; }
  [[nodiscard]] const std::vector<std::uint64_t>& settled_locks() const { return settled_; }

 private:
  std::vector<std::uint64_t> settled_;
  std::vector<std::uint64_t> refused_;
};

using Locks = std::vector<std::uint64_t>;

class OutstandingTable : public ::testing::Test {
 protected:
  // An activity of the instance "a".
  WorkItemToken add(std::uint64_t lock, std::int32_t task_id, const std::shared_ptr<Owner>& owner) {
    auto item = std::make_shared<OutstandingItem>();
    item->token.lock = lock;
    item->token.task_id = task_id;
    item->kind = WorkKind::activity;
    item->instance_id = "a";
    item->owner = owner;
    const WorkItemToken token = item->token;
    table_.add(std::move(item));
    return token;
  }

  Outstanding table_;
  const std::shared_ptr<Owner> first_ = std::make_shared<Owner>();
  const std::shared_ptr<Owner> second_ = std::make_shared<Owner>();
};

TEST_F(OutstandingTable, TheOwnerIsToldOfASettledItemOnce) {
  const WorkItemToken token = add(1, 0, first_);
  table_.settle(token);
  table_.settle(token);
  EXPECT_EQ(first_->settled_locks(), Locks{1});
  EXPECT_EQ(table_.size(), 0U);
}

// Two executions of an eternal orchestration that leave the activity 0 behind, say.
TEST_F(OutstandingTable, TheOwnerOfAReplacedItemIsTold) {
  const WorkItemToken old = add(1, 0, first_);
  const WorkItemToken present = add(2, 0, second_);
  EXPECT_EQ(first_->settled_locks(), Locks{1});
  EXPECT_EQ(table_.find(old), nullptr);
  // Late, and told already.
  table_.settle(old);
  EXPECT_EQ(first_->settled_locks(), Locks{1});
  EXPECT_EQ(second_->settled_locks(), Locks{});
  ASSERT_NE(table_.find("a", 0), nullptr);
  EXPECT_EQ(table_.find("a", 0)->token, present);
  table_.settle(present);
  EXPECT_EQ(second_->settled_locks(), Locks{2});
  EXPECT_EQ(table_.size(), 0U);
}

// Two threads may bring two locks of an item in either order.
TEST_F(OutstandingTable, TheNewerLockStaysWhicheverComesLast) {
  const WorkItemToken present = add(2, 0, second_);
  const WorkItemToken old = add(1, 0, first_);
  EXPECT_EQ(first_->settled_locks(), Locks{1});
  EXPECT_EQ(second_->settled_locks(), Locks{});
  EXPECT_EQ(table_.find(old), nullptr);
  ASSERT_NE(table_.find(present), nullptr);
  EXPECT_EQ(table_.find("a", 0), table_.find(present));
}

TEST_F(OutstandingTable, TheOwnerOfARefusedItemIsToldAndKeepsIt) {
  const auto passing = std::make_shared<Owner>();
  const WorkItemToken token = add(1, 0, passing);
  EXPECT_TRUE(table_.refuse(token));
  EXPECT_EQ(passing->refused_locks(), Locks{1});
  EXPECT_EQ(passing->settled_locks(), Locks{});
  EXPECT_NE(table_.find(token), nullptr);
  table_.settle(token);
  EXPECT_EQ(passing->settled_locks(), Locks{1});
  EXPECT_FALSE(table_.refuse(token));
}

TEST_F(OutstandingTable, OtherItemsOfTheInstanceStay) {
  add(1, 0, first_);
  add(2, 1, first_);
  add(3, -1, first_);
  EXPECT_EQ(first_->settled_locks(), Locks{});
  EXPECT_EQ(table_.size(), 3U);
}

}  // namespace
}  // namespace ingot::server
