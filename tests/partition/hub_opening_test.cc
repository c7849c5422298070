// Opening what can't be opened: each is refused by name, and nothing is lost by it. When the damage
// is undone the hub opens and has everything.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/hash.h"
#include "tests/support/hub_fixture.h"

namespace ingot::testing {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;
using std::chrono::milliseconds;

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

void write_file(const fs::path& path, const std::string& bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << bytes;
  out.close();
  ASSERT_TRUE(out.good()) << path;
}

class HubOpening : public HubFixture {
 protected:
  HubOpening() {
    add_activity("echo", [](const ActivityContext& call) { return std::string(call.input); });
    add_orchestrator("echoes", [](OrchestrationContext& context) -> Task<std::string> {
      std::string text = co_await context.call_activity("echo", context.input());
      co_return text;
    });
    add_orchestrator("waits", [](OrchestrationContext& context) -> Task<std::string> {
      std::string text = co_await context.wait_for_event("go");
      co_return text;
    });
  }

  // Makes a hub with finished and waiting instances, and closes it.
  void make_hub(bool with_checkpoint) {
    ASSERT_NO_FATAL_FAILURE(open());
    for (int i = 0; i < kInstances; ++i) {
      const std::string text = std::to_string(i);
      finish(start("echoes", text, "ended-" + text));
      start("waits", text, "waiting-" + text);
      ASSERT_TRUE(client().wait_for_start("waiting-" + text, kLong).ok());
      if (with_checkpoint && i == kInstances / 2) must(hub().checkpoint());
    }
    if (with_checkpoint) must(hub().checkpoint());
    ASSERT_NO_FATAL_FAILURE(close());
  }
  // The hub opens, has all of it, and works.
  void expect_everything() {
    ASSERT_NO_FATAL_FAILURE(open());
    for (int i = 0; i < kInstances; ++i) {
      const std::string text = std::to_string(i);
      expect_output(finish("ended-" + text), text);
      const Result<InstanceState> waiting = client().get_instance("waiting-" + text);
      ASSERT_TRUE(waiting.ok()) << waiting.status().to_string();
      EXPECT_EQ(waiting->status, RuntimeStatus::running);
      EXPECT_EQ(waiting->input, text);
    }
    raise("waiting-0", "go", "gone");
    expect_output(finish("waiting-0"), "gone");
    expect_output(run("echoes", "still"), "still");
    ASSERT_NO_FATAL_FAILURE(close());
  }
  void expect_refused(StatusCode code, const std::vector<std::string>& named) {
    const Status refused = open_failure();
    EXPECT_EQ(to_string(refused.code()), to_string(code)) << refused.to_string();
    for (const std::string& name : named) {
      EXPECT_NE(refused.message().find(name), std::string::npos)
          << "'" << name << "' is not in: " << refused.message();
    }
  }

  // An id that begins with `name` and lives in that one of two partitions.
  [[nodiscard]] static std::string id_in(std::uint32_t partition, std::string name) {
    while (partition_of(name, 2) != PartitionId(partition)) name += "+";
    return name;
  }
  [[nodiscard]] fs::path in_hub(const std::string& name) const { return fs::path(path()) / name; }
  // The first segment of the first partition.
  [[nodiscard]] fs::path segment() const {
    std::vector<fs::path> segments;
    for (const auto& entry : fs::directory_iterator(in_hub("partition-0000/log"))) {
      if (entry.path().filename().string().rfind("segment-", 0) == 0) {
        segments.push_back(entry.path());
      }
    }
    EXPECT_FALSE(segments.empty());
    std::sort(segments.begin(), segments.end());
    return segments.empty() ? fs::path() : segments.front();
  }

  static constexpr int kInstances = 12;
};

TEST_F(HubOpening, ModesDecideWhetherAHubIsMade) {
  options.mode = OpenMode::open_existing;
  expect_refused(StatusCode::not_found, {path()});
  EXPECT_FALSE(fs::exists(path()));
  fs::create_directory(path());
  expect_refused(StatusCode::not_found, {path()});
  options.mode = OpenMode::create_new;
  make_hub(false);
  expect_refused(StatusCode::already_exists, {path()});
  options.mode = OpenMode::open_existing;
  expect_everything();
}

TEST_F(HubOpening, AMissingParentIsNotFound) {
  const Result<std::unique_ptr<TaskHub>> opened =
      TaskHub::open(scratch() + "/no/such/hub", registry, options);
  EXPECT_EQ(opened.status().code(), StatusCode::not_found);
  EXPECT_NE(opened.status().message().find("no/such/hub"), std::string::npos);
  EXPECT_FALSE(fs::exists(scratch() + "/no"));
}

TEST_F(HubOpening, AFolderThatIsNotAHubIsLeftAlone) {
  fs::create_directory(path());
  write_file(in_hub("letters.txt"), "dear");
  expect_refused(StatusCode::failed_precondition, {path()});
  options.mode = OpenMode::create_new;
  expect_refused(StatusCode::failed_precondition, {path()});
  EXPECT_EQ(std::distance(fs::directory_iterator(path()), fs::directory_iterator()), 1);
  EXPECT_EQ(read_file(in_hub("letters.txt")), "dear");
}

TEST_F(HubOpening, AFileIsNotAHub) {
  write_file(path(), "dear");
  expect_refused(StatusCode::failed_precondition, {path()});
  EXPECT_EQ(read_file(path()), "dear");
}

TEST_F(HubOpening, TheHubFileIsChecked) {
  make_hub(false);
  const std::string good = read_file(in_hub("hub.ingot"));
  ASSERT_EQ(good.size(), 28U);
  std::string bad = good;
  bad[8] = 4;
  write_file(in_hub("hub.ingot"), bad);
  expect_refused(StatusCode::unsupported, {"hub.ingot", "version 4"});
  write_file(in_hub("hub.ingot"), "something else altogether");
  expect_refused(StatusCode::failed_precondition, {"hub.ingot"});
  for (std::size_t i = 12; i < good.size(); ++i) {
    bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    write_file(in_hub("hub.ingot"), bad);
    expect_refused(StatusCode::corrupt, {"hub.ingot"});
  }
  for (const std::string& cut : {good.substr(0, 27), good.substr(0, 12), good + "x"}) {
    write_file(in_hub("hub.ingot"), cut);
    expect_refused(StatusCode::corrupt, {"hub.ingot"});
  }
  fs::remove(in_hub("hub.ingot"));
  expect_refused(StatusCode::failed_precondition, {path()});
  write_file(in_hub("hub.ingot"), good);
  expect_everything();
}

TEST_F(HubOpening, OneOwnerAtATime) {
  make_hub(false);
  open();
  expect_refused(StatusCode::busy, {path(), std::to_string(::getpid())});
  expect_output(run("echoes", "undisturbed"), "undisturbed");
  close();
  expect_everything();
}

TEST_F(HubOpening, ThePartitionCountIsFixed) {
  make_hub(false);
  for (const std::uint32_t count : {1U, 3U, 64U}) {
    options.partitions = count;
    expect_refused(StatusCode::failed_precondition, {"2 partitions", std::to_string(count)});
  }
  options.partitions = 0;
  expect_everything();
  open();
  EXPECT_EQ(hub().metrics().partitions.size(), 2U);
}

TEST_F(HubOpening, OptionsOutOfBoundsAreNamed) {
  struct Case {
    const char* name;
    std::function<void(HubOptions&)> set;
  };
  const std::uint64_t mib = 1ULL << 20;
  const std::vector<Case> cases = {
      {"partitions", [](HubOptions& o) { o.partitions = 65; }},
      {"shards", [](HubOptions& o) { o.shards = 65; }},
      {"activity_threads", [](HubOptions& o) { o.activity_threads = 0; }},
      {"activity_threads", [](HubOptions& o) { o.activity_threads = 1025; }},
      {"work_item_timeout", [](HubOptions& o) { o.work_item_timeout = milliseconds(99); }},
      {"work_item_timeout", [](HubOptions& o) { o.work_item_timeout = hours(25); }},
      {"memory_bytes", [&](HubOptions& o) { o.memory_bytes = 16 * mib - 1; }},
      {"inbox_requests_max", [](HubOptions& o) { o.inbox_requests_max = 63; }},
      {"inbox_requests_max", [](HubOptions& o) { o.inbox_requests_max = 1'048'577; }},
      {"payload_bytes_max", [](HubOptions& o) { o.payload_bytes_max = 1023; }},
      {"payload_bytes_max", [&](HubOptions& o) { o.payload_bytes_max = 64 * mib + 1; }},
      {"segment_bytes", [](HubOptions& o) { o.segment_bytes = 0; }},
      {"segment_bytes", [&](HubOptions& o) { o.segment_bytes = mib + 4096; }},
      {"segment_bytes", [&](HubOptions& o) { o.segment_bytes = 1025 * mib; }},
      {"batch_bytes_max", [](HubOptions& o) { o.batch_bytes_max = 65535; }},
      {"batch_bytes_max", [&](HubOptions& o) { o.batch_bytes_max = 16 * mib + 1; }},
      {"checkpoint_log_bytes", [&](HubOptions& o) { o.checkpoint_log_bytes = mib - 1; }},
      {"checkpoint_log_bytes", [&](HubOptions& o) { o.checkpoint_log_bytes = 16385 * mib; }},
      {"checkpoint_facts", [](HubOptions& o) { o.checkpoint_facts = 999; }},
      {"checkpoint_idle", [](HubOptions& o) { o.checkpoint_idle = milliseconds(9); }},
      {"checkpoint_idle", [](HubOptions& o) { o.checkpoint_idle = hours(25); }},
      {"log_bytes_max", [](HubOptions& o) { o.log_bytes_max = 2 * o.checkpoint_log_bytes - 1; }},
  };
  const HubOptions good = options;
  for (const Case& bad : cases) {
    options = good;
    bad.set(options);
    expect_refused(StatusCode::invalid_argument, {"HubOptions::" + std::string(bad.name)});
    EXPECT_FALSE(fs::exists(path()));
  }
  options = good;
  open();
}

TEST_F(HubOpening, ACorruptedFrameIsRefusedByFileAndPosition) {
  for (const bool with_checkpoint : {false, true}) {
    options.mode = OpenMode::create_new;
    make_hub(with_checkpoint);
    options.mode = OpenMode::open_existing;
    const fs::path file = segment();
    const std::string good = read_file(file);
    // Of the first frame, of one in the middle: each is followed by later writes.
    for (const std::size_t offset : {std::size_t{120}, std::size_t{3 * 4096 + 20}}) {
      std::string bad = good;
      bad[offset] = static_cast<char>(bad[offset] ^ 0x40);
      write_file(file, bad);
      expect_refused(StatusCode::corrupt, {"partition 0", file.filename().string(), "position"});
      EXPECT_EQ(read_file(file), bad);  // the file is kept as it is
    }
    write_file(file, good.substr(0, good.size() / 2));
    expect_refused(StatusCode::corrupt, {file.filename().string()});
    write_file(file, good);
    expect_everything();
    fs::remove_all(path());
  }
}

TEST_F(HubOpening, ALogBehindItsCheckpointIsRefused) {
  make_hub(true);
  const fs::path log = in_hub("partition-0000/log");
  fs::rename(log, in_hub("partition-0000/gone"));
  fs::create_directory(log);
  expect_refused(StatusCode::corrupt, {"partition 0", "log"});
  fs::remove_all(log);
  fs::rename(in_hub("partition-0000/gone"), log);
  expect_everything();
}

TEST_F(HubOpening, ATruncatedCheckpointIsRefused) {
  make_hub(true);
  const fs::path file = in_hub("partition-0001/checkpoint/checkpoint.mdb");
  const std::string good = read_file(file);
  ASSERT_GT(good.size(), 8192U);
  for (const std::size_t size : {good.size() - 1, good.size() - 4096, good.size() / 2,
                                 std::size_t{4096}, std::size_t{100}, std::size_t{0}}) {
    write_file(file, good.substr(0, size));
    expect_refused(StatusCode::corrupt, {"partition 1", "checkpoint.mdb"});
  }
  write_file(file, good);
  expect_everything();
}

// Also where the log could still replace it: its files may be another partition's, or half of them.
TEST_F(HubOpening, AMissingCheckpointIsRefused) {
  for (const bool with_checkpoint : {false, true}) {
    make_hub(with_checkpoint);
    const fs::path file = in_hub("partition-0001/checkpoint/checkpoint.mdb");
    const fs::path aside = fs::path(scratch()) / "aside";
    fs::rename(file, aside);
    for (int tries = 0; tries < 2; ++tries) {
      expect_refused(StatusCode::corrupt, {"partition 1", "checkpoint.mdb", "missing"});
      EXPECT_FALSE(fs::exists(file));
    }
    fs::rename(aside, file);
    expect_everything();
    fs::remove_all(path());
  }
}

TEST_F(HubOpening, MixedUpFoldersAreRefused) {
  make_hub(true);
  const fs::path first = in_hub("partition-0000");
  const fs::path second = in_hub("partition-0001");
  const fs::path aside = fs::path(scratch()) / "aside";
  fs::rename(first, aside);
  fs::rename(second, first);
  fs::rename(aside, second);
  expect_refused(StatusCode::failed_precondition, {"partition 0", "partition 1"});
  fs::rename(first, aside);
  fs::rename(second, first);
  fs::rename(aside, second);
  expect_everything();
}

// Both were good, at different times.
TEST_F(HubOpening, APartitionOlderThanAnotherIsRefused) {
  options.partitions = 2;
  add_orchestrator("asks", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text =
        co_await context.call_sub_orchestration("echoes", context.input(), context.input());
    co_return text;
  });
  for (const bool with_checkpoint : {false, true}) {
    SCOPED_TRACE(with_checkpoint);
    make_hub(with_checkpoint);
    for (const std::string older : {"partition-0000", "partition-0001"}) {
      const fs::path folder = in_hub(older);
      const fs::path aside = fs::path(scratch()) / "aside";
      const fs::path newer = fs::path(scratch()) / "newer";
      fs::copy(folder, aside, fs::copy_options::recursive);
      ASSERT_NO_FATAL_FAILURE(open());
      // A message each way.
      const std::string child = id_in(1, "child-" + older);
      expect_output(finish(start("asks", child, id_in(0, "asks-" + older))), child);
      if (with_checkpoint) must(hub().checkpoint());
      ASSERT_NO_FATAL_FAILURE(close());
      fs::rename(folder, newer);
      fs::rename(aside, folder);
      expect_refused(StatusCode::corrupt, {older + "/log", "is behind partition"});
      fs::remove_all(folder);
      fs::rename(newer, folder);
    }
    expect_everything();
    fs::remove_all(path());
  }
}

TEST_F(HubOpening, AMissingPartitionIsRefused) {
  make_hub(true);
  const fs::path second = in_hub("partition-0001");
  const fs::path aside = fs::path(scratch()) / "aside";
  fs::rename(second, aside);
  expect_refused(StatusCode::corrupt, {"partition-0001"});
  EXPECT_FALSE(fs::exists(second));
  write_file(second, "a file");
  expect_refused(StatusCode::corrupt, {"partition-0001"});
  fs::remove(second);
  fs::rename(aside, second);
  expect_everything();
}

TEST_F(HubOpening, ALogWithoutSegmentsIsRefused) {
  make_hub(false);
  const fs::path log = in_hub("partition-0000/log");
  const fs::path aside = in_hub("partition-0000/aside");
  fs::copy(log, aside);
  for (const fs::directory_entry& entry : fs::directory_iterator(log)) fs::remove(entry);
  expect_refused(StatusCode::corrupt, {"partition 0", "log", "no segments"});
  EXPECT_TRUE(fs::is_empty(log));
  // Nor is a spare taken for one.
  write_file(log / "spare-7.log", std::string(1 << 20, '\0'));
  expect_refused(StatusCode::corrupt, {"partition 0", "log", "no segments"});
  fs::remove_all(log);
  fs::rename(aside, log);
  expect_everything();
}

// Cut short after each of its parts, with as many and with other partitions.
TEST_F(HubOpening, ACreationGoesOnWhereACrashCutIt) {
  for (const std::uint32_t partitions : {1U, 2U, 3U}) {
    for (const bool logs : {false, true}) {
      options.partitions = 2;
      open();
      close();
      // As it was before the hub file got its name.
      fs::rename(in_hub("hub.ingot"), in_hub("hub.ingot.new"));
      if (!logs) {
        for (const fs::directory_entry& file :
             fs::directory_iterator(in_hub("partition-0001/log"))) {
          fs::remove(file);
        }
      }
      options.mode = OpenMode::open_existing;
      expect_refused(StatusCode::not_found, {path()});
      options.mode = OpenMode::open_or_create;
      options.partitions = partitions;
      make_hub(false);
      expect_everything();
      fs::remove_all(path());
    }
  }
}

// A creation that a crash cut short is begun again.
TEST_F(HubOpening, AHalfMadeHubIsMadeAgain) {
  fs::create_directories(in_hub("partition-0000/log"));
  write_file(in_hub("hub.ingot.new"), "INGOT");
  write_file(in_hub("lock"), "");
  make_hub(false);
  expect_everything();
}

}  // namespace
}  // namespace ingot::testing
