#pragma once

// Stage: the hub that a scenario plays on. The scenario says what happens, once; the stage is a
// real hub or a simulated one, that evicts what it can between any two steps, or whose power fails.
//
//   SCENARIO(Events, ThatComeBeforeTheyAreAwaitedAreKept) {
//     stage.add("waits", ...);
//     stage.open();
//     const std::string id = stage.start("waits");
//     stage.raise(id, "go", "x");
//     stage.expect(id, "x");
//   }
//
// Every call that changes something has a request id. After a power loss the stage recovers the
// hub and makes the call again, with the same id: a scenario never sees an unknown outcome.

#include <gtest/gtest.h>
#include <ingot/task_hub.h>
#include <ingot/work_items.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/support/sim_hub.h"
#include "tests/support/temp_directory.h"

namespace ingot::semantics {

enum class Way : std::uint8_t { plain, replay_checked, simulated, evicting };

struct StagePlan {
  Way way = Way::plain;
  std::uint64_t seed = 1;
  std::vector<sim::PlannedCrash> crashes;  // simulated only; each counts from the last one's end
  bool persist_steps_first = false;
};

// A foreign worker. It is given items on other threads, and works on one of the stage's.
class StageWorker : public WorkReceiver {
 public:
  // Does some of what it has to do, without waiting; false when there was nothing.
  virtual bool work(WorkItems& items) = 0;
};

class Stage {
 public:
  explicit Stage(StagePlan plan);
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  // --- before open() --------------------------------------------------------------------------
  Registry registry;
  HubOptions options;
  void add(const std::string& name, OrchestratorFn function);
  void add_activity(const std::string& name, ActivityFn function);  // on the pool
  void add_inline(const std::string& name, ActivityFn function);
  void add_entity(const std::string& name, EntityFn function);
  // Foreign work is on; the worker is subscribed to all of it, again after each power loss.
  void add_worker(std::shared_ptr<StageWorker> worker);
  void open();

  // --- calls; those without a Status or Result must succeed -------------------------------------
  std::string start(std::string_view orchestrator, std::string input = {}, std::string id = {});
  Result<std::string> try_start(std::string_view orchestrator, StartOptions start_options);
  void raise(std::string_view id, std::string_view event, std::string_view data = {});
  Status try_raise(std::string_view id, std::string_view event, std::string_view data = {});
  Status terminate(std::string_view id, std::string_view reason = "ended", bool recurse = false);
  Status suspend(std::string_view id);
  Status resume(std::string_view id);
  Status rewind(std::string_view id);
  Result<std::string> restart(std::string_view id, bool with_new_id = false);
  Result<std::uint64_t> purge(std::string_view id, bool recursive = false);
  void signal(const EntityId& entity, std::string_view operation, std::string_view input = {},
              std::optional<Timestamp> at = {});

  // Waits until the instance has ended; fails the test if it never does.
  InstanceState finish(std::string_view id);
  // The same, and that it has completed with `output`.
  void expect(std::string_view id, std::string_view output);
  void expect_status(std::string_view id, RuntimeStatus status);
  InstanceState wait_for_start(std::string_view id);
  Result<InstanceState> get(std::string_view id);
  std::vector<HistoryEvent> history(std::string_view id);
  // Waits until the custom status is that.
  void wait_for_custom_status(std::string_view id, std::string_view custom_status);
  // Waits until the state is that.
  void wait_for_state(const EntityId& entity, std::string_view state);
  bool until(const std::function<bool()>& condition);
  void let_pass(Duration time);
  [[nodiscard]] Timestamp now() const;

  // A call that only asks: repeated after a power loss.
  template <typename Call>
  auto ask(const Call& call) {
    for (;;) {
      auto answer = call(client());
      if (!lost(status_of(answer))) return answer;
    }
  }
  // A call that changes something, given a request id.
  template <typename Call>
  auto change(const Call& call) {
    return ask([&, id = next_request_++](Client& with) { return call(with, id); });
  }

  // What has become of everything, without what may differ from run to run.
  [[nodiscard]] std::string outcome();
  // Each history is well formed, and nothing in it is resolved twice.
  void check_histories();
  [[nodiscard]] sim::SimHub* simulated() { return sim_.get(); }

 private:
  static const Status& status_of(const Status& status) { return status; }
  template <typename T>
  static const Status& status_of(const Result<T>& result) {
    return result.status();
  }
  Client& client();
  // True when the power failed under the call; the hub is back then.
  bool lost(const Status& status);
  void recover();
  // Simulated only.
  void subscribe();
  bool worker_works();
  // As SimHub::until(), with the worker.
  bool run_until(const std::function<bool()>& condition, Duration limit);

  const StagePlan plan_;
  std::uint64_t next_request_ = 1000;
  std::size_t crashes_ = 0;
  std::unique_ptr<sim::TempDirectory> directory_;
  std::unique_ptr<TaskHub> hub_;
  std::unique_ptr<sim::SimHub> sim_;
  std::shared_ptr<StageWorker> worker_;
  std::thread worker_thread_;  // where time is real
  std::atomic<bool> ending_{false};
};

using Scenario = void (*)(Stage&);

// The four ways.
void play_plainly(Scenario scenario);
void play_checked(Scenario scenario);
void play_evicting(Scenario scenario);
void play_crashing(Scenario scenario);

#define SCENARIO(group, name)                                                                   \
  static void group##name##Scenario(::ingot::semantics::Stage& stage);                          \
  TEST(group, name##Plainly) { ::ingot::semantics::play_plainly(group##name##Scenario); }       \
  TEST(group, name##ReplayChecked) { ::ingot::semantics::play_checked(group##name##Scenario); } \
  TEST(group, name##Evicting) { ::ingot::semantics::play_evicting(group##name##Scenario); }     \
  TEST(group, name##Crashing) { ::ingot::semantics::play_crashing(group##name##Scenario); }     \
  static void group##name##Scenario(::ingot::semantics::Stage& stage)

}  // namespace ingot::semantics
