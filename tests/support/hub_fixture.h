#pragma once

// HubFixture: a real task hub in a folder of its own, for tests that see it as programs do.
//
// Segments are small, so that opening is cheap. Waits are long and end on a condition: a test's
// result never depends on the speed of the machine.

#include <gtest/gtest.h>
#include <ingot/task_hub.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/temp_directory.h"

namespace ingot::testing {

inline constexpr Duration kLong = std::chrono::seconds(60);

inline void must(const Status& status) { ASSERT_TRUE(status.ok()) << status.to_string(); }

// True as soon as `condition` is; false when it has not come true for a long time.
inline bool eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + kLong;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

inline Timestamp wall_clock() {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

// The kinds of a history, actions with their ids: "TaskScheduled#0".
inline std::vector<std::string> kinds_of(const std::vector<HistoryEvent>& history) {
  std::vector<std::string> kinds;
  for (const HistoryEvent& event : history) {
    std::string text(to_string(event.kind));
    if (event.event_id != -1) text += "#" + std::to_string(event.event_id);
    kinds.push_back(std::move(text));
  }
  return kinds;
}

inline std::size_t count_kind(const std::vector<HistoryEvent>& history, HistoryEventKind kind) {
  std::size_t count = 0;
  for (const HistoryEvent& event : history) count += event.kind == kind ? 1 : 0;
  return count;
}

class HubFixture : public ::testing::Test {
 protected:
  HubFixture() {
    options.partitions = 2;
    options.shards = 2;
    options.segment_bytes = 1ULL << 20;
  }

  // Opens the hub with `registry` and `options`.
  void open() {
    Result<std::unique_ptr<TaskHub>> opened = TaskHub::open(path(), registry, options);
    ASSERT_TRUE(opened.ok()) << opened.status().to_string();
    hub_ = *std::move(opened);
  }
  void close() {
    ASSERT_NE(hub_, nullptr);
    const Status closed = hub_->close();
    hub_.reset();
    ASSERT_TRUE(closed.ok()) << closed.to_string();
  }
  void reopen() {
    ASSERT_NO_FATAL_FAILURE(close());
    ASSERT_NO_FATAL_FAILURE(open());
  }
  // The failure of an opening that must not succeed.
  [[nodiscard]] Status open_failure() {
    const Result<std::unique_ptr<TaskHub>> opened = TaskHub::open(path(), registry, options);
    EXPECT_FALSE(opened.ok());
    return opened.status();
  }

  void add_orchestrator(const std::string& name, OrchestratorFn function) {
    must(registry.add_orchestrator(name, std::move(function)));
  }
  void add_activity(const std::string& name, ActivityFn function, bool run_inline = true) {
    must(registry.add_activity(name, std::move(function), {.run_inline = run_inline}));
  }

  [[nodiscard]] TaskHub& hub() { return *hub_; }
  [[nodiscard]] Client& client() { return hub_->client(); }
  [[nodiscard]] std::string path() const { return directory_.path() + "/hub"; }
  [[nodiscard]] const std::string& scratch() const { return directory_.path(); }

  // Starts an instance; its id, or an empty text after a failure.
  std::string start(std::string_view orchestrator, std::string input = {}, std::string id = {}) {
    StartOptions start_options;
    start_options.instance_id = std::move(id);
    start_options.input = std::move(input);
    const Result<std::string> started =
        client().schedule_new_orchestration(orchestrator, std::move(start_options));
    EXPECT_TRUE(started.ok()) << started.status().to_string();
    return started.ok() ? *started : std::string();
  }
  // The instance's end.
  InstanceState finish(std::string_view id) {
    const Result<InstanceState> state = client().wait_for_completion(id, kLong);
    EXPECT_TRUE(state.ok()) << state.status().to_string();
    return state.ok() ? *state : InstanceState{};
  }
  InstanceState run(std::string_view orchestrator, std::string input = {}) {
    const std::string id = start(orchestrator, std::move(input));
    return finish(id);
  }
  std::vector<HistoryEvent> history(std::string_view id) {
    Result<std::vector<HistoryEvent>> events = client().get_history(id);
    EXPECT_TRUE(events.ok()) << events.status().to_string();
    return events.ok() ? *std::move(events) : std::vector<HistoryEvent>{};
  }
  void raise(std::string_view id, std::string_view name, std::string_view data = {}) {
    const Status raised = client().raise_event(id, name, data);
    EXPECT_TRUE(raised.ok()) << raised.to_string();
  }
  static void expect_output(const InstanceState& state, std::string_view output) {
    EXPECT_EQ(to_string(state.status), to_string(RuntimeStatus::completed))
        << state.instance_id << ": " << (state.failure ? state.failure->message : "");
    EXPECT_EQ(state.output.value_or("(none)"), output) << state.instance_id;
  }

  Registry registry;
  HubOptions options;

 private:
  sim::TempDirectory directory_;
  std::unique_ptr<TaskHub> hub_;
};

}  // namespace ingot::testing
