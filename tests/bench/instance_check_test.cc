// The checks of `ingot bench check` can fail: an output that its input did not ask for, a history
// with a hole, an entity that was told something twice.

#include "bench/instance_check.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "bench/orchestrators.h"
#include "tests/support/temp_directory.h"

namespace ingot::bench {
namespace {

InstanceState ended(std::string name, std::string input, std::string output) {
  InstanceState state;
  state.instance_id = "one";
  state.name = std::move(name);
  state.status = RuntimeStatus::completed;
  state.input = std::move(input);
  state.output = std::move(output);
  return state;
}

HistoryEvent event(HistoryEventKind kind, std::int32_t event_id, std::int32_t scheduled_id) {
  HistoryEvent made;
  made.kind = kind;
  made.event_id = event_id;
  made.scheduled_id = scheduled_id;
  return made;
}

// Two activities, one after the other.
std::vector<HistoryEvent> whole() {
  return {event(HistoryEventKind::orchestrator_started, -1, -1),
          event(HistoryEventKind::execution_started, -1, -1),
          event(HistoryEventKind::task_scheduled, 0, -1),
          event(HistoryEventKind::task_completed, -1, 0),
          event(HistoryEventKind::task_scheduled, 1, -1),
          event(HistoryEventKind::task_completed, -1, 1),
          event(HistoryEventKind::execution_completed, 2, -1)};
}

TEST(InstanceCheck, OutputsAreWhatTheirInputsAskFor) {
  const InstanceState good[] = {ended("hello", "2", hello_output(2)),
                                ended("fanout", "5", "10"),
                                ended("chain", "3 0", chain_output(3)),
                                ended("count", "4 10", "30"),
                                ended("child", "7", "7"),
                                ended("transfer", "1 2 30", "100 100 70 130"),
                                ended("transfer", "1 2 30", "29 5"),
                                ended("word_count", "0 8 8 a b a", "a 2\nb 1\n"),
                                ended("conversation", "3", "3 3"),
                                ended("not of ours", "x", "y")};
  for (const InstanceState& state : good) EXPECT_EQ(verify_by_input(state), "");
  const InstanceState bad[] = {ended("hello", "2", hello_output(3)),
                               ended("fanout", "5", "11"),
                               ended("chain", "3 0", chain_output(2)),
                               ended("count", "4 10", "9"),
                               ended("child", "7", "8"),
                               ended("transfer", "1 2 30", "100 100 70 131"),
                               ended("transfer", "1 2 30", "29 5 0 1"),
                               ended("word_count", "0 8 8 a b a", "a 2\n"),
                               ended("conversation", "3", "2 1")};
  for (const InstanceState& state : bad) EXPECT_NE(verify_by_input(state), "") << state.name;
  InstanceState failed = good[0];
  failed.status = RuntimeStatus::failed;
  EXPECT_NE(verify_by_input(failed), "");
}

TEST(InstanceCheck, HistoriesAreWhole) {
  InstanceState state = ended("hello", "2", hello_output(2));
  EXPECT_EQ(verify_history(state, whole()), "");
  // Without any one of its events it is not, but for a result: an orchestration may end without.
  for (std::size_t i = 1; i < whole().size(); ++i) {
    auto history = whole();
    history.erase(history.begin() + static_cast<std::ptrdiff_t>(i));
    const bool result = whole()[i].kind == HistoryEventKind::task_completed;
    EXPECT_EQ(verify_history(state, history) == "", result) << i;
  }
  // With any one of them twice neither.
  for (std::size_t i = 1; i < whole().size(); ++i) {
    auto history = whole();
    history.insert(history.begin() + static_cast<std::ptrdiff_t>(i), history[i]);
    EXPECT_NE(verify_history(state, history), "") << i;
  }
  EXPECT_NE(verify_history(state, {}), "");
  state.status = RuntimeStatus::running;
  auto running = whole();
  running.pop_back();
  EXPECT_EQ(verify_history(state, running), "");
}

}  // namespace
}  // namespace ingot::bench
