// Foreign workers: orchestrations, entities and activities that are done outside, what becomes of
// items that a worker loses or gives back, whose tokens count, the limits, and the time-outs.

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <variant>

#include "tests/semantics/stage.h"

namespace ingot::semantics {
namespace {

using Kind = HistoryEventKind;
using std::chrono::milliseconds;

HistoryEvent action(Kind kind, std::int32_t id, std::string name = {}, std::string target = {},
                    std::optional<std::string> data = {}) {
  HistoryEvent event;
  event.kind = kind;
  event.event_id = id;
  event.name = std::move(name);
  event.instance_id = std::move(target);
  event.data = std::move(data);
  return event;
}

HistoryEvent completed(std::int32_t id, std::string output) {
  HistoryEvent event = action(Kind::execution_completed, id, {}, {}, std::move(output));
  event.status = RuntimeStatus::completed;
  return event;
}

// A token that does not count any more is accepted, too. What the power loss left open is not
// this worker's matter: the item comes again.
void accepted(const Status& status) {
  const StatusCode code = status.code();
  EXPECT_TRUE(status.ok() || code == StatusCode::unknown || code == StatusCode::unavailable ||
              code == StatusCode::cancelled)
      << status.to_string();
}
void refused(const Status& status) {
  if (status.ok()) ADD_FAILURE() << "taken";
  if (status.code() != StatusCode::invalid_argument) accepted(status);
}

// What a worker does with an item that it gets for the first time.
enum class Trouble : std::uint8_t { none, loses, abandons, returns, errs, repeats };

// Does all that it is given. Whatever it says under a token that does not count is "stale": were it
// heard, it would show in what the instances and entities become.
class ForeignWorker final : public StageWorker {
 public:
  Trouble trouble = Trouble::none;
  bool does_activities = true;      // else it keeps them
  bool does_orchestrations = true;  // the same

  bool reserve(WorkKind /*kind*/) override { return true; }
  void unreserve(WorkKind /*kind*/) override {}
  void take(OrchestrationWorkItem item) override { take(WorkKind::orchestration, std::move(item)); }
  void take(EntityWorkItem item) override { take(WorkKind::entity, std::move(item)); }
  void take(ActivityWorkItem item) override { take(WorkKind::activity, std::move(item)); }
  // Its tokens die with the hub; it does not know, and goes on with them.
  void closed() override {
    const std::lock_guard lock(mutex_);
    for (const Item& item : items_) std::visit([&](const auto& i) { late(i.token); }, item);
    items_.clear();
    late_.insert(late_.end(), kept_.begin(), kept_.end());
    kept_.clear();
    held_ = {};
  }

  bool work(WorkItems& items) override {
    std::unique_lock lock(mutex_);
    if (!late_.empty()) {
      const WorkItemToken token = late_.front();
      late_.pop_front();
      lock.unlock();
      say_something_stale(items, token);
      return true;
    }
    if (items_.empty()) return false;
    Item item = std::move(items_.front());
    items_.pop_front();
    lock.unlock();
    std::visit([&](auto& i) { work(items, i); }, item);
    return true;
  }

  // What it kept it does now.
  void come_late() {
    const std::lock_guard lock(mutex_);
    late_.insert(late_.end(), kept_.begin(), kept_.end());
    kept_.clear();
  }
  [[nodiscard]] bool idle() {
    const std::lock_guard lock(mutex_);
    return late_.empty() && items_.empty();
  }
  [[nodiscard]] bool has_run(const std::string& input) {
    const std::lock_guard lock(mutex_);
    return run_.contains(input);
  }
  // The most that it had of a kind at a time.
  [[nodiscard]] std::size_t held_most(WorkKind kind) {
    const std::lock_guard lock(mutex_);
    return held_most_[static_cast<std::size_t>(kind)];
  }

 private:
  using Item = std::variant<OrchestrationWorkItem, EntityWorkItem, ActivityWorkItem>;

  template <typename One>
  void take(WorkKind kind, One item) {
    const std::lock_guard lock(mutex_);
    const auto k = static_cast<std::size_t>(kind);
    held_most_[k] = std::max(held_most_[k], ++held_[k]);
    items_.emplace_back(std::move(item));
  }
  void late(const WorkItemToken& token) { late_.push_back(token); }
  // From here on the hub may give out the next one.
  void let_go(WorkKind kind) {
    const std::lock_guard lock(mutex_);
    std::size_t& held = held_[static_cast<std::size_t>(kind)];
    if (held != 0) --held;
  }
  void keep(const WorkItemToken& token) {
    const std::lock_guard lock(mutex_);
    kept_.push_back(token);
  }

  // True when it was the first time, and that was it for the item.
  bool has_trouble(WorkItems& items, WorkKind kind, const std::string& what,
                   const WorkItemToken& token) {
    std::unique_lock lock(mutex_);
    const auto [first, is_first] = firsts_.try_emplace(what, token);
    const WorkItemToken before = first->second;
    lock.unlock();
    if (!is_first) {
      // The item is locked anew: the first token is stale.
      if (before != token) say_something_stale(items, before);
      return false;
    }
    switch (trouble) {
      case Trouble::loses:
        return true;
      case Trouble::abandons:
        let_go(kind);
        items.abandon_async(token, accepted);
        say_something_stale(items, token);
        return true;
      case Trouble::returns:
        let_go(kind);
        items.return_item(token);
        return true;
      default:
        return false;
    }
  }

  // Of each kind, so also of the wrong ones.
  static void say_something_stale(WorkItems& items, const WorkItemToken& token) {
    OrchestrationOutcome outcome;
    outcome.actions.push_back(completed(50, "stale"));
    items.complete_orchestration_async(token, std::move(outcome), accepted);
    EntityOutcome entity;
    entity.state = "stale";
    items.complete_entity_async(token, std::move(entity), accepted);
    items.complete_activity_async(token, "stale", accepted);
    items.fail_activity_async(token, FailureDetails{"stale", "", false, {}}, accepted);
    items.abandon_async(token, accepted);
  }
  void repeat(WorkItems& items, const WorkItemToken& token) {
    if (trouble != Trouble::repeats) return;
    say_something_stale(items, token);
    // Nor does a lock that was never taken count. Locks are counted up: the next ones may be taken
    // by now.
    WorkItemToken other = token;
    other.lock ^= 1ULL << 63U;
    say_something_stale(items, other);
  }

  void work(WorkItems& items, OrchestrationWorkItem& item) {
    if (!does_orchestrations) return keep(item.token);
    const std::string what = item.instance_id + " " + std::to_string(item.history.size());
    if (has_trouble(items, WorkKind::orchestration, what, item.token)) return;
    if (trouble == Trouble::errs) {
      OrchestrationOutcome bad;
      bad.actions = {action(Kind::task_scheduled, 70, "foreign", "", "never"),
                     action(Kind::task_scheduled, -1, "no id")};
      if (item.name == "section" && answers(item).contains(0)) {
        // It has its lock, and could wait for ever for another one.
        bad.actions = {action(Kind::entity_lock_requested, 70)};
        bad.actions.back().lock_set = {"@foreign@other"};
      }
      items.complete_orchestration_async(item.token, std::move(bad), refused);
    }
    OrchestrationOutcome outcome;
    if (item.name == "section") {
      outcome.actions = section(item);
    } else if (item.name == "leaf") {
      outcome.actions = leaf(item);
    } else if (item.name == "loop") {
      outcome = loop(item);
    } else {
      outcome.actions = everything(item);
    }
    const WorkItemToken token = item.token;
    let_go(WorkKind::orchestration);
    items.complete_orchestration_async(token, std::move(outcome), accepted);
    repeat(items, token);
  }

  // Appends each input to its state, and answers with it.
  void work(WorkItems& items, EntityWorkItem& item) {
    const std::string what = item.instance_id + " " + item.state.value_or("-");
    if (has_trouble(items, WorkKind::entity, what, item.token)) return;
    if (trouble == Trouble::errs) {
      EntityOutcome bad;
      bad.actions = {action(Kind::task_scheduled, 0, "not an entity's")};
      items.complete_entity_async(item.token, std::move(bad), refused);
    }
    EntityOutcome outcome;
    outcome.state = item.state.value_or("");
    for (const HistoryEvent& operation : item.operations) {
      *outcome.state += operation.data.value_or("");
      if (operation.kind != Kind::entity_operation_called) continue;
      HistoryEvent answer =
          action(Kind::entity_operation_completed, -1, {}, operation.instance_id, outcome.state);
      answer.execution_id = operation.execution_id;
      answer.scheduled_id = operation.scheduled_id;
      outcome.actions.push_back(answer);
    }
    let_go(WorkKind::entity);
    items.complete_entity_async(item.token, std::move(outcome), accepted);
    repeat(items, item.token);
  }

  void work(WorkItems& items, ActivityWorkItem& item) {
    if (!does_activities) return keep(item.token);
    const std::string input = item.input.value_or("");
    if (has_trouble(items, WorkKind::activity, input, item.token)) return;
    {
      const std::lock_guard lock(mutex_);
      run_.insert(input);
    }
    let_go(WorkKind::activity);
    items.complete_activity_async(item.token, "done", accepted);
    repeat(items, item.token);
  }

  // --- orchestrators ----------------------------------------------------------------------------

  // What came for each action, by its id; -1 an event.
  static std::map<std::int32_t, std::string> answers(const OrchestrationWorkItem& item) {
    std::map<std::int32_t, std::string> found;
    const auto look = [&](const HistoryEvent& event) {
      if (event.kind == Kind::event_raised) found[-1] = event.data.value_or("");
      if (event.scheduled_id < 0) return;
      found[event.scheduled_id] = event.failure ? event.failure->type : event.data.value_or("");
    };
    std::for_each(item.history.begin(), item.history.end(), look);
    std::for_each(item.new_events.begin(), item.new_events.end(), look);
    return found;
  }

  // Two activities, of which it leaves one behind; a signal, a call; a timer; a child that waits
  // for its event.
  static std::vector<HistoryEvent> everything(const OrchestrationWorkItem& item) {
    std::vector<HistoryEvent> actions;
    const std::string& id = item.instance_id;
    if (item.history.empty()) {
      HistoryEvent timer = action(Kind::timer_created, 4);
      timer.fire_at = item.new_events.front().timestamp + milliseconds(5);
      actions = {action(Kind::task_scheduled, 0, "foreign", "", id + "/left"),
                 action(Kind::task_scheduled, 1, "foreign", "", id + "/heard"),
                 action(Kind::entity_operation_signaled, 2, "add", "@foreign@" + id, "x"),
                 action(Kind::entity_operation_called, 3, "add", "@foreign@" + id, "x"),
                 timer,
                 action(Kind::sub_orchestration_created, 5, "leaf", id + "/leaf"),
                 action(Kind::event_sent, 6, "go", id + "/leaf", "event")};
    }
    std::map<std::int32_t, std::string> came = answers(item);
    if (came.contains(1) && came.contains(3) && came.contains(4) && came.contains(5)) {
      actions.push_back(completed(7, came[1] + "," + came[3] + "," + came[5]));
    }
    return actions;
  }

  static std::vector<HistoryEvent> leaf(const OrchestrationWorkItem& item) {
    const std::map<std::int32_t, std::string> came = answers(item);
    if (!came.contains(-1)) return {};
    return {completed(0, came.at(-1))};
  }

  // Calls an entity that it has locked together with another one.
  static std::vector<HistoryEvent> section(const OrchestrationWorkItem& item) {
    const std::string own = "@foreign@" + item.instance_id;
    const std::string shared = "@foreign@shared";
    if (item.history.empty()) {
      HistoryEvent lock = action(Kind::entity_lock_requested, 0);
      lock.lock_set = {own, shared};
      std::sort(lock.lock_set.begin(), lock.lock_set.end());
      return {lock};
    }
    const std::map<std::int32_t, std::string> came = answers(item);
    if (came.contains(1)) {
      HistoryEvent unlock = action(Kind::entity_unlock_sent, 2, {}, own);
      unlock.scheduled_id = 0;
      HistoryEvent other = action(Kind::entity_unlock_sent, 3, {}, shared);
      other.scheduled_id = 0;
      return {unlock, other, completed(4, came.at(1))};
    }
    if (came.contains(0)) return {action(Kind::entity_operation_called, 1, "add", shared, "z")};
    return {};
  }

  // One execution after the other, each told by the one before.
  static OrchestrationOutcome loop(const OrchestrationWorkItem& item) {
    std::string input;
    for (const HistoryEvent& event : item.new_events) {
      if (event.kind == Kind::execution_started) input = event.data.value_or("");
    }
    const std::map<std::int32_t, std::string> came = answers(item);
    OrchestrationOutcome outcome;
    if (input.size() == 3) {
      outcome.actions = {completed(0, came.contains(-1) ? came.at(-1) : "not told")};
    } else {
      outcome.actions = {action(Kind::continue_as_new, 0, {}, {}, input + "x")};
      outcome.carry_over = {action(Kind::event_raised, -1, "told", {}, input + "!")};
    }
    return outcome;
  }

  std::mutex mutex_;
  std::deque<Item> items_;
  std::deque<WorkItemToken> late_;  // to be used although they do not count
  std::vector<WorkItemToken> kept_;
  std::map<std::string, WorkItemToken> firsts_;
  std::set<std::string> run_;
  std::array<std::size_t, 3> held_{};
  std::array<std::size_t, 3> held_most_{};
};

std::shared_ptr<ForeignWorker> add_worker(Stage& stage, Trouble trouble = Trouble::none) {
  const auto worker = std::make_shared<ForeignWorker>();
  worker->trouble = trouble;
  stage.add_worker(worker);
  return worker;
}

void run_two(Stage& stage, ForeignWorker& worker) {
  const std::vector<std::string> ids{"one", "two"};
  for (const std::string& id : ids) stage.start("everything", "", id);
  for (const std::string& id : ids) {
    stage.expect(id, "done,xx,event");
    EXPECT_TRUE(stage.until([&] { return worker.has_run(id + "/left"); })) << id;
    stage.wait_for_state(EntityId("foreign", id), "xx");
  }
}

SCENARIO(Foreign, WorkersDoEverything) {
  const auto worker = add_worker(stage);
  stage.open();
  run_two(stage, *worker);
}

SCENARIO(Foreign, NewExecutionsHaveWhatIsCarriedOver) {
  add_worker(stage);
  stage.open();
  stage.expect(stage.start("loop", "x"), "xx!");
}

void run_sections(Stage& stage) {
  stage.open();
  for (const char* id : {"one", "two"}) stage.start("section", "", id);
  std::set<std::string> outputs;
  for (const char* id : {"one", "two"}) outputs.insert(stage.finish(id).output.value_or("-"));
  EXPECT_EQ(outputs, (std::set<std::string>{"z", "zz"}));
  stage.wait_for_state(EntityId("foreign", "shared"), "zz");
  for (const char* key : {"one", "two", "shared"}) {
    EXPECT_TRUE(stage.until([&] {
      const Result<EntityState> state =
          stage.ask([&](Client& with) { return with.get_entity(EntityId("foreign", key)); });
      return state.ok() && state->locked_by.empty();
    })) << key;
  }
}

SCENARIO(Foreign, SectionsAreAlone) {
  add_worker(stage);
  run_sections(stage);
}

SCENARIO(Foreign, ASectionWithinASectionIsRefused) {
  add_worker(stage, Trouble::errs);
  run_sections(stage);
}

SCENARIO(Foreign, WhatAWorkerLosesComesAgain) {
  const auto worker = add_worker(stage, Trouble::loses);
  stage.options.work_item_timeout = milliseconds(100);
  // What is lost counts until its time is over.
  stage.options.activity_work_items_max = 1;
  stage.open();
  run_two(stage, *worker);
}

SCENARIO(Foreign, WhatAWorkerAbandonsComesAgain) {
  const auto worker = add_worker(stage, Trouble::abandons);
  stage.open();
  run_two(stage, *worker);
}

SCENARIO(Foreign, WhatAWorkerThatHasGoneHadComesAgain) {
  const auto worker = add_worker(stage, Trouble::returns);
  stage.open();
  run_two(stage, *worker);
}

SCENARIO(Foreign, WhatIsRefusedStaysWithItsWorker) {
  const auto worker = add_worker(stage, Trouble::errs);
  stage.open();
  run_two(stage, *worker);
}

SCENARIO(Foreign, ATokenCountsOnce) {
  const auto worker = add_worker(stage, Trouble::repeats);
  stage.open();
  run_two(stage, *worker);
}

// --- limits and time-outs ---------------------------------------------------------------------

SCENARIO(Foreign, WhatIsOverALimitWaits) {
  const auto worker = add_worker(stage);
  stage.options.orchestration_work_items_max = 1;
  stage.options.entity_work_items_max = 1;
  stage.options.activity_work_items_max = 2;
  stage.open();
  run_two(stage, *worker);
  EXPECT_EQ(worker->held_most(WorkKind::orchestration), 1U);
  EXPECT_EQ(worker->held_most(WorkKind::entity), 1U);
  EXPECT_LE(worker->held_most(WorkKind::activity), 2U);
}

SCENARIO(Foreign, ActivitiesThatTakeTooLongFail) {
  const auto worker = add_worker(stage);
  worker->does_activities = false;
  stage.options.activity_timeout = milliseconds(30);
  stage.open();
  stage.start("everything", "", "one");
  stage.expect("one", "ActivityTimeout,xx,event");
  worker->come_late();
  EXPECT_TRUE(stage.until([&] { return worker->idle(); }));
  stage.expect("one", "ActivityTimeout,xx,event");
}

SCENARIO(Foreign, StepsThatTakeTooLongFailTheirOrchestration) {
  const auto worker = add_worker(stage);
  worker->does_orchestrations = false;
  stage.options.orchestrator_step_timeout = milliseconds(30);
  stage.options.orchestration_work_items_max = 1;
  stage.open();
  for (const char* id : {"one", "two"}) stage.start("everything", "", id);
  for (const char* id : {"one", "two"}) stage.expect_status(id, RuntimeStatus::failed);
  worker->come_late();
  EXPECT_TRUE(stage.until([&] { return worker->idle(); }));
  for (const char* id : {"one", "two"}) {
    const InstanceState state = stage.finish(id);
    ASSERT_TRUE(state.failure.has_value());
    EXPECT_EQ(state.failure->type, "OrchestratorStepTimeout");
  }
}

}  // namespace
}  // namespace ingot::semantics
