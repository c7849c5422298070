// The commands on what is no hub, on a hub that someone else has open, and on a damaged one: each
// is refused or reported by name, nothing is changed, and nothing dies.

#include <gtest/gtest.h>
#include <ingot/task_hub.h>

#include <algorithm>
#include <chrono>

#include "core/random.h"
#include "tests/tools/tool_runner.h"

namespace ingot::tools {
namespace {

Task<std::string> echo(OrchestrationContext& context) {
  co_return co_await context.call_activity("say", context.input());
}

std::unique_ptr<TaskHub> open_hub(const std::string& path) {
  Registry registry;
  EXPECT_TRUE(registry.add_orchestrator("echo", echo).ok());
  EXPECT_TRUE(
      registry
          .add_activity("say", [](const ActivityContext& call) { return std::string(call.input); })
          .ok());
  HubOptions options;
  options.partitions = 1;
  options.segment_bytes = 1 << 20;
  auto hub = TaskHub::open(path, registry, options);
  EXPECT_TRUE(hub.ok()) << hub.status().to_string();
  return hub.ok() ? *std::move(hub) : nullptr;
}

// One partition with `instances` completed instances. Each waits for the one before, so that each
// has frames of its own.
void fill_hub(TaskHub& hub, int instances) {
  for (int i = 0; i < instances; ++i) {
    StartOptions start;
    start.instance_id = "i-" + std::to_string(i);
    start.input = "input of " + std::to_string(i);
    const auto id = hub.client().schedule_new_orchestration("echo", start);
    ASSERT_TRUE(id.ok()) << id.status().to_string();
    const auto state = hub.client().wait_for_completion(*id, std::chrono::minutes(5));
    ASSERT_TRUE(state.ok()) << state.status().to_string();
  }
}

// All commands that open `path`.
std::vector<std::vector<std::string>> commands_on(const std::string& path) {
  return {{"instances", path},
          {"history", path, "i-0"},
          {"inspect", path},
          {"verify", path},
          {"log", path, "0"}};
}

class BadInput : public ToolTest {
 protected:
  void expect_refused(const std::string& path, const std::string& code) {
    for (const auto& command : commands_on(path)) {
      const ToolResult result = run(command);
      EXPECT_EQ(result.exit_code, 2) << command[0];
      EXPECT_NE(result.err.find("ingot: " + code + ": "), std::string::npos)
          << command[0] << ": " << result.err;
      EXPECT_NE(result.err.find(path), std::string::npos) << command[0] << ": " << result.err;
      EXPECT_EQ(result.out, "") << command[0];
    }
  }

  // The files of the hub whose names end with `ending`, in order.
  [[nodiscard]] std::vector<fs::path> files_of(const std::string& ending) const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(hub_path())) {
      if (entry.is_regular_file() && entry.path().string().ends_with(ending)) {
        files.push_back(entry.path());
      }
    }
    std::sort(files.begin(), files.end());
    return files;
  }
};

TEST_F(BadInput, WrongUsageIsRefused) {
  EXPECT_EQ(run({}).exit_code, 2);
  EXPECT_EQ(run({"fly"}).exit_code, 2);
  EXPECT_EQ(run({"instances"}).exit_code, 2);
  EXPECT_EQ(run({"history", "x"}).exit_code, 2);
  EXPECT_EQ(run({"log", "x", "first"}).exit_code, 2);
  EXPECT_EQ(run({"verify", "x", "--fast"}).exit_code, 2);
  EXPECT_EQ(run({"instances", "x", "--id", "a", "--prefix", "b"}).exit_code, 2);
}

TEST_F(BadInput, HelpAndVersionAreNoFailure) {
  const ToolResult help = run({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const char* command : {"bench", "instances", "history", "inspect", "verify", "log"}) {
    EXPECT_NE(help.out.find(command), std::string::npos) << command;
  }
  EXPECT_EQ(run({"--version"}).exit_code, 0);
}

TEST_F(BadInput, MissingFolderIsNamedAndNotCreated) {
  expect_refused(hub_path(), "not_found");
  EXPECT_FALSE(fs::exists(hub_path()));
}

TEST_F(BadInput, FolderThatIsNoHubIsNamedAndKept) {
  fs::create_directories(hub_path());
  write_file(fs::path(hub_path()) / "letter.txt", "dear reader");
  const auto before = snapshot(hub_path());
  for (const auto& command : commands_on(hub_path())) {
    const ToolResult result = run(command);
    EXPECT_EQ(result.exit_code, 2) << command[0];
    EXPECT_NE(result.err.find(hub_path()), std::string::npos) << command[0] << result.err;
  }
  EXPECT_TRUE(before == snapshot(hub_path()));
}

TEST_F(BadInput, FileInsteadOfAFolderIsRefused) {
  write_file(hub_path(), "dear reader");
  for (const auto& command : commands_on(hub_path())) {
    const ToolResult result = run(command);
    EXPECT_EQ(result.exit_code, 2) << command[0];
    EXPECT_NE(result.err.find(hub_path()), std::string::npos) << command[0] << result.err;
  }
}

TEST_F(BadInput, BusyHubSaysWhoHasIt) {
  const auto hub = open_hub(hub_path());
  ASSERT_TRUE(hub);
  fill_hub(*hub, 1);
  for (const auto& command : commands_on(hub_path())) {
    const ToolResult result = run(command);
    EXPECT_EQ(result.exit_code, 2) << command[0];
    EXPECT_NE(result.err.find("ingot: busy: "), std::string::npos) << command[0] << result.err;
    EXPECT_NE(result.err.find(std::to_string(getpid())), std::string::npos)
        << command[0] << ": " << result.err;
  }
  fill_hub(*hub, 0);
  const Status closed = hub->close();
  EXPECT_TRUE(closed.ok()) << closed.to_string();
}

TEST_F(BadInput, CorruptFrameIsNamedByFileOffsetAndPosition) {
  {
    const auto hub = open_hub(hub_path());
    ASSERT_TRUE(hub);
    fill_hub(*hub, 5);
  }
  // The log's first live segment: a byte of its first frame's payload, which later frames prove
  // durable.
  fs::path segment;
  for (const fs::path& file : files_of(".log")) {
    const std::string bytes = read_file(file);
    if (bytes.find("input of 0") != std::string::npos) segment = file;
  }
  ASSERT_FALSE(segment.empty());
  std::string bytes = read_file(segment);
  bytes[bytes.find("input of 0")] ^= 1;
  write_file(segment, bytes);
  const auto before = snapshot(hub_path());
  const ToolResult verified = run({"verify", hub_path()});
  EXPECT_EQ(verified.exit_code, 1) << verified.out << verified.err;
  EXPECT_NE(verified.out.find(segment.filename().string()), std::string::npos) << verified.out;
  EXPECT_NE(verified.out.find("offset"), std::string::npos) << verified.out;
  EXPECT_NE(verified.out.find("position"), std::string::npos) << verified.out;
  EXPECT_TRUE(before == snapshot(hub_path()));
}

TEST_F(BadInput, DamagedCheckpointIsNamed) {
  {
    const auto hub = open_hub(hub_path());
    ASSERT_TRUE(hub);
    fill_hub(*hub, 5);
    const Status taken = hub->checkpoint();
    ASSERT_TRUE(taken.ok()) << taken.to_string();
  }
  std::vector<fs::path> stores = files_of(".mdb");
  ASSERT_FALSE(stores.empty());
  const fs::path store = *std::max_element(
      stores.begin(), stores.end(),
      [](const auto& a, const auto& b) { return fs::file_size(a) < fs::file_size(b); });
  fs::resize_file(store, fs::file_size(store) / 2 / 4096 * 4096);
  const auto before = snapshot(hub_path());
  const ToolResult verified = run({"verify", hub_path()});
  EXPECT_EQ(verified.exit_code, 1) << verified.out << verified.err;
  EXPECT_NE(verified.out.find(store.filename().string()), std::string::npos) << verified.out;
  EXPECT_TRUE(before == snapshot(hub_path()));
}

// Opening refuses such a hub as well, and leaves it as it is.
TEST_F(BadInput, AMissingCheckpointIsReportedAlsoAfterAnOpening) {
  {
    const auto hub = open_hub(hub_path());
    ASSERT_TRUE(hub);
    Random random(7);
    for (int i = 0; i < 40; ++i) {
      StartOptions start;
      while (start.input.size() < 128 << 10) start.input.append(std::to_string(random.next()));
      const auto id = hub->client().schedule_new_orchestration("echo", start);
      ASSERT_TRUE(id.ok()) << id.status().to_string();
      ASSERT_TRUE(hub->client().wait_for_completion(*id, std::chrono::minutes(5)).ok());
    }
    const Status taken = hub->checkpoint();
    ASSERT_TRUE(taken.ok()) << taken.to_string();
    ASSERT_NO_FATAL_FAILURE(fill_hub(*hub, 3));
  }
  for (const fs::path& store : files_of(".mdb")) fs::remove(store);
  const auto before = snapshot(hub_path());
  for (int opened = 0; opened < 2; ++opened) {
    const ToolResult verified = run({"verify", hub_path()});
    EXPECT_EQ(verified.exit_code, 1) << verified.out << verified.err;
    EXPECT_NE(verified.out.find("checkpoint.mdb is missing"), std::string::npos) << verified.out;
    EXPECT_NE(verified.out.find("no checkpoint holds what was before it"), std::string::npos)
        << verified.out;
    const ToolResult listed = run({"instances", hub_path()});
    EXPECT_EQ(listed.exit_code, 2) << listed.out << listed.err;
  }
  EXPECT_TRUE(before == snapshot(hub_path()));
}

TEST_F(BadInput, ALogWithoutSegmentsIsReported) {
  {
    const auto hub = open_hub(hub_path());
    ASSERT_TRUE(hub);
    ASSERT_NO_FATAL_FAILURE(fill_hub(*hub, 3));
  }
  for (const fs::path& segment : files_of(".log")) fs::remove(segment);
  const ToolResult verified = run({"verify", hub_path()});
  EXPECT_EQ(verified.exit_code, 1) << verified.out << verified.err;
  EXPECT_NE(verified.out.find("the log has no segments"), std::string::npos) << verified.out;
  const ToolResult listed = run({"instances", hub_path()});
  EXPECT_EQ(listed.exit_code, 2) << listed.out << listed.err;
}

// The log alone has everything, but opening refuses it all the same.
TEST_F(BadInput, AMissingCheckpointIsReportedThoughTheLogHasEverything) {
  {
    const auto hub = open_hub(hub_path());
    ASSERT_TRUE(hub);
    ASSERT_NO_FATAL_FAILURE(fill_hub(*hub, 3));
  }
  for (const fs::path& store : files_of(".mdb")) fs::remove(store);
  const ToolResult verified = run({"verify", hub_path()});
  EXPECT_EQ(verified.exit_code, 1) << verified.out << verified.err;
  EXPECT_NE(verified.out.find("checkpoint.mdb is missing"), std::string::npos) << verified.out;
  const ToolResult listed = run({"instances", hub_path()});
  EXPECT_EQ(listed.exit_code, 2) << listed.out << listed.err;
  EXPECT_NE(listed.err.find("checkpoint.mdb is missing"), std::string::npos) << listed.err;
}

}  // namespace
}  // namespace ingot::tools
