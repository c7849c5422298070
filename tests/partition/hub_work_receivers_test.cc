// Receivers of work items: what a server uses, where no thread waits for work.

#include <deque>
#include <mutex>

#include "tests/support/hub_fixture.h"

namespace ingot::testing {
namespace {

// Keeps what it is given, up to `room` at a time.
class Keeper final : public WorkReceiver {
 public:
  explicit Keeper(int room, WorkItems* home = nullptr) : home_(home), room_(room) {}

  bool reserve(WorkKind) override {
    const std::lock_guard lock(mutex_);
    if (room_ == 0) return false;
    --room_;
    return true;
  }
  void unreserve(WorkKind) override {
    const std::lock_guard lock(mutex_);
    ++room_;
  }
  void take(OrchestrationWorkItem item) override {
    {
      const std::lock_guard lock(mutex_);
      if (!left_) return orchestrations_.push_back(std::move(item));
    }
    home_->return_item(item.token);
  }
  void take(EntityWorkItem) override {}
  void take(ActivityWorkItem item) override {
    const std::lock_guard lock(mutex_);
    activities_.push_back(std::move(item));
  }
  void closed() override { closed_.store(true); }

  [[nodiscard]] bool is_closed() const { return closed_.load(); }
  void add_room() { unreserve(WorkKind::orchestration); }
  // What it has; what comes later goes back.
  std::deque<OrchestrationWorkItem> leave() {
    const std::lock_guard lock(mutex_);
    left_ = true;
    return std::move(orchestrations_);
  }
  [[nodiscard]] std::size_t orchestrations() {
    const std::lock_guard lock(mutex_);
    return orchestrations_.size();
  }
  OrchestrationWorkItem next_orchestration() { return next(orchestrations_); }
  ActivityWorkItem next_activity() { return next(activities_); }

 private:
  template <typename Item>
  Item next(std::deque<Item>& items) {
    EXPECT_TRUE(eventually([&] {
      const std::lock_guard lock(mutex_);
      return !items.empty();
    }));
    const std::lock_guard lock(mutex_);
    if (items.empty()) return {};
    Item item = std::move(items.front());
    items.pop_front();
    return item;
  }

  WorkItems* const home_;
  std::mutex mutex_;
  bool left_ = false;
  int room_;
  std::deque<OrchestrationWorkItem> orchestrations_;
  std::deque<ActivityWorkItem> activities_;
  std::atomic<bool> closed_{false};
};

class HubWorkReceivers : public HubFixture {
 protected:
  HubWorkReceivers() { options.foreign_work = true; }

  [[nodiscard]] WorkItems& work() { return hub().work_items(); }
  Status commit(const WorkItemToken& token, std::string output) {
    OrchestrationOutcome outcome;
    HistoryEvent& end = outcome.actions.emplace_back();
    end.kind = HistoryEventKind::execution_completed;
    end.event_id = 0;
    end.status = RuntimeStatus::completed;
    end.data = std::move(output);
    return work().complete_orchestration(token, outcome);
  }
};

TEST_F(HubWorkReceivers, AReceiverIsGivenWhatItHasRoomFor) {
  open();
  const auto keeper = std::make_shared<Keeper>(1);
  const SubscriptionId id = work().subscribe(keeper, {});
  const std::string first = start("foreign");
  const std::string second = start("foreign");
  const OrchestrationWorkItem one = keeper->next_orchestration();
  EXPECT_EQ(keeper->orchestrations(), 0U);
  must(commit(one.token, "done"));
  keeper->add_room();
  work().ready(id);
  const OrchestrationWorkItem other = keeper->next_orchestration();
  EXPECT_NE(other.instance_id, one.instance_id);
  must(commit(other.token, "done"));
  expect_output(finish(first), "done");
  expect_output(finish(second), "done");
  work().unsubscribe(id);
}

TEST_F(HubWorkReceivers, AReturnedItemIsOfferedAgainAndItsTokenCountsUntilItIsTaken) {
  open();
  const auto keeper = std::make_shared<Keeper>(100);
  const SubscriptionId id = work().subscribe(keeper, {});
  const std::string a = start("foreign");
  const OrchestrationWorkItem first = keeper->next_orchestration();
  work().unsubscribe(id);
  work().return_item(first.token);
  work().return_item(first.token);  // changes nothing
  must(commit(first.token, "still mine"));
  expect_output(finish(a), "still mine");
  // The offer that is left is of nothing.
  EXPECT_EQ(work().lock_orchestration(Duration(0)).status().code(), StatusCode::timed_out);

  const std::string b = start("foreign");
  const Result<OrchestrationWorkItem> second = work().lock_orchestration(kLong);
  ASSERT_TRUE(second.ok()) << second.status().to_string();
  work().return_item(second->token);
  const Result<OrchestrationWorkItem> third = work().lock_orchestration(kLong);
  ASSERT_TRUE(third.ok()) << third.status().to_string();
  EXPECT_EQ(third->instance_id, b);
  must(commit(second->token, "stale"));
  must(commit(third->token, "right"));
  expect_output(finish(b), "right");
}

TEST_F(HubWorkReceivers, AReturnedActivityKeepsWhatItIs) {
  open();
  const std::string id = start("foreign");
  const Result<OrchestrationWorkItem> step = work().lock_orchestration(kLong);
  ASSERT_TRUE(step.ok());
  OrchestrationOutcome outcome;
  HistoryEvent& task = outcome.actions.emplace_back();
  task.kind = HistoryEventKind::task_scheduled;
  task.event_id = 3;
  task.name = "work";
  task.version = "7";
  task.data = "input";
  must(work().complete_orchestration(step->token, outcome));

  // One that takes another version has to wait.
  WorkFilter other;
  other.orchestrations.emplace();  // none
  other.activities = std::vector{WorkName{"work", {"8"}}};
  const auto idle = std::make_shared<Keeper>(1);
  const SubscriptionId idle_id = work().subscribe(idle, other);
  WorkFilter filter;
  filter.orchestrations.emplace();
  filter.activities = std::vector{WorkName{"work", {"7"}}};
  const auto keeper = std::make_shared<Keeper>(1);
  const SubscriptionId keeper_id = work().subscribe(keeper, filter);
  const ActivityWorkItem first = keeper->next_activity();
  EXPECT_EQ(first.task_id, 3);
  EXPECT_EQ(first.input, "input");
  EXPECT_EQ(first.version, "7");
  work().return_item(first.token);
  const Result<ActivityWorkItem> again = work().lock_activity(kLong);
  ASSERT_TRUE(again.ok()) << again.status().to_string();
  EXPECT_EQ(again->name, "work");
  EXPECT_EQ(again->input, "input");
  EXPECT_NE(again->token, first.token);
  must(work().complete_activity(first.token, "stale"));
  must(work().complete_activity(again->token, "right"));
  const Result<OrchestrationWorkItem> last = work().lock_orchestration(kLong);
  ASSERT_TRUE(last.ok());
  ASSERT_EQ(last->new_events.size(), 2U);
  EXPECT_EQ(last->new_events.back().data, "right");
  must(commit(last->token, "end"));
  expect_output(finish(id), "end");
  work().unsubscribe(idle_id);
  work().unsubscribe(keeper_id);
}

TEST_F(HubWorkReceivers, ClosingTheHubTellsReceivers) {
  open();
  const auto keeper = std::make_shared<Keeper>(1);
  work().subscribe(keeper, {});
  ASSERT_NO_FATAL_FAILURE(close());
  EXPECT_TRUE(keeper->is_closed());
}

TEST_F(HubWorkReceivers, NothingIsLostWhileReceiversComeAndGo) {
  open();
  constexpr int kInstances = 200;
  std::atomic<bool> stop{false};
  std::vector<std::thread> workers;
  for (int w = 0; w < 3; ++w) {
    workers.emplace_back([&, w] {
      for (int round = 0; !stop.load(); ++round) {
        const auto keeper = std::make_shared<Keeper>(3, &work());
        const SubscriptionId id = work().subscribe(keeper, {});
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        work().unsubscribe(id);
        // Half of them are done, the others go back.
        for (const OrchestrationWorkItem& item : keeper->leave()) {
          if ((round + w) % 2 == 0) {
            must(commit(item.token, item.instance_id));
          } else {
            work().return_item(item.token);
          }
        }
      }
    });
  }
  std::vector<std::string> ids;
  for (int i = 0; i < kInstances; ++i) ids.push_back(start("foreign"));
  std::size_t done = 0;
  for (const std::string& id : ids) {
    if (client().wait_for_completion(id, kLong).ok()) ++done;
  }
  stop.store(true);
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(done, ids.size());
}

TEST_F(HubWorkReceivers, WithoutForeignWorkNothingIsOffered) {
  options.foreign_work = false;
  add_orchestrator("native", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.call_activity("missing", "x");
    co_return text;
  });
  open();
  EXPECT_EQ(client().schedule_new_orchestration("foreign").status().code(), StatusCode::not_found);
  EXPECT_EQ(run("native").status, RuntimeStatus::failed);
  WorkItems& items = hub().work_items();
  EXPECT_EQ(items.lock_orchestration(Duration::zero()).status().code(), StatusCode::timed_out);
  EXPECT_EQ(items.lock_activity(Duration::zero()).status().code(), StatusCode::timed_out);
}

}  // namespace
}  // namespace ingot::testing
