// A hub on a file system of its own that runs full: what is refused says so, what was acknowledged
// is kept and can be read, and with room all goes on unaided. Skipped where nothing may be mounted.

#include <sys/mount.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>

#include "core/random.h"
#include "tests/support/hub_fixture.h"

namespace ingot::testing {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kDiskBytes = 48ULL << 20;
constexpr std::uintmax_t kBallastBytes = 16ULL << 20;
constexpr std::size_t kInputBytes = 64 << 10;

class HubFullDisk : public HubFixture {
 protected:
  HubFullDisk() {
    options.partitions = 1;
    options.shards = 1;
    options.checkpoint_idle = std::chrono::hours(24);
    add_orchestrator("waits", [](OrchestrationContext& context) -> Task<std::string> {
      std::string text = co_await context.wait_for_event("go");
      co_return text;
    });
    add_orchestrator("works", [](OrchestrationContext& context) -> Task<std::string> {
      std::string text = co_await context.call_activity("slow", "");
      co_await context.create_timer(std::chrono::milliseconds(10));
      co_return text;
    });
    add_activity(
        "slow",
        [this](const ActivityContext& /*context*/) {
          while (!released_.load()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
          return std::string("done");
        },
        false);
  }

  void SetUp() override {
    const std::string image = scratch() + "/image";
    std::ofstream(image).put('\0');
    fs::resize_file(image, kDiskBytes);
    fs::create_directory(path());
    const std::string format = "mkfs.ext4 -q -F -m 0 " + image + " >/dev/null 2>&1";
    const std::string attach = "mount -o loop " + image + " " + path() + " >/dev/null 2>&1";
    if (std::system(format.c_str()) != 0 || std::system(attach.c_str()) != 0) {
      GTEST_SKIP() << "no file system can be mounted here";
    }
    mounted_ = true;
    std::ofstream ballast(ballast_path(), std::ios::binary);
    const std::string block(1 << 20, 'b');
    for (std::uintmax_t i = 0; i < kBallastBytes >> 20; ++i) ballast << block;
    ballast.close();
    ASSERT_TRUE(ballast.good());
    // The hub's own folder, beside the ballast.
    fs::create_directory(path() + "/hub");
  }
  void TearDown() override {
    released_ = true;
    hub_.reset();
    if (mounted_) ::umount2(path().c_str(), MNT_DETACH);
  }

  [[nodiscard]] std::string ballast_path() const { return path() + "/ballast"; }
  void open_hub() {
    Result<std::unique_ptr<TaskHub>> opened = TaskHub::open(path() + "/hub", registry, options);
    ASSERT_TRUE(opened.ok()) << opened.status().to_string();
    hub_ = *std::move(opened);
  }
  [[nodiscard]] Client& on_disk() { return hub_->client(); }

  static std::string id_of(std::size_t i) { return "instance-" + std::to_string(i); }
  static std::string input_of(std::size_t i) {
    Random random(i + 1);
    std::string input;
    while (input.size() < kInputBytes) {
      const std::uint64_t bits = random.next();
      input.append(reinterpret_cast<const char*>(&bits), sizeof bits);
    }
    return input;
  }

  // Starts instances, a few at a time, until one is refused.
  void fill() {
    for (std::size_t i = 0; i < codes_.size(); ++i) {
      if (refused_.load() != 0) return;
      StartOptions start_options;
      start_options.instance_id = id_of(i);
      start_options.input = input_of(i);
      started_ = i + 1;
      on_disk().schedule_new_orchestration_async("waits", std::move(start_options),
                                                 [this, i](const Result<std::string>& id) {
                                                   codes_[i] = id.status().code();
                                                   ++answers_;
                                                   if (id.status().code() == StatusCode::disk_full)
                                                     ++refused_;
                                                 });
      ASSERT_TRUE(eventually([&] { return refused_.load() != 0 || i + 1 - answers_.load() < 8; }));
    }
    FAIL() << "the disk does not run full";
  }
  // Runs `read` on another thread and waits for a long time, but not for ever.
  void answered(const std::function<void()>& read) {
    std::future<void> reading = std::async(std::launch::async, read);
    if (reading.wait_for(kLong) == std::future_status::ready) return;
    ADD_FAILURE() << "a read is not answered";
    must(hub_->close());
  }
  // All kinds of reads, of all that was acknowledged.
  void read_everything() {
    std::size_t known = 0;
    for (std::size_t i = 0; i < started_; ++i) known += codes_[i].load() == StatusCode::ok ? 1 : 0;
    InstanceQuery query;
    query.prefix = "instance-";
    query.page_size = 1000;
    query.with_payloads = false;
    const Result<InstancePage> page = on_disk().query_instances(query);
    ASSERT_TRUE(page.ok()) << page.status().to_string();
    EXPECT_EQ(page->instances.size(), known);
    for (std::size_t i = 0; i < started_; i += 16) {
      if (codes_[i].load() != StatusCode::ok) continue;
      const Result<std::vector<HistoryEvent>> events = on_disk().get_history(id_of(i));
      ASSERT_TRUE(events.ok()) << events.status().to_string();
      EXPECT_LE(count_kind(*events, HistoryEventKind::execution_started), 1U);
    }
    EXPECT_EQ(on_disk().get_instance("nobody").status().code(), StatusCode::not_found);
    expect_acknowledged_kept();
  }
  void expect_readable(std::size_t i) {
    const Result<InstanceState> state = on_disk().get_instance(id_of(i));
    ASSERT_TRUE(state.ok()) << state.status().to_string();
    EXPECT_EQ(state->input, input_of(i));
  }
  void expect_acknowledged_kept() {
    for (std::size_t i = 0; i < started_; ++i) {
      if (codes_[i].load() != StatusCode::ok) continue;
      ASSERT_NO_FATAL_FAILURE(expect_readable(i));
    }
  }

  std::unique_ptr<TaskHub> hub_;
  std::vector<std::atomic<StatusCode>> codes_ = std::vector<std::atomic<StatusCode>>(2000);
  std::atomic<std::size_t> answers_{0};
  std::atomic<std::size_t> refused_{0};
  std::size_t started_ = 0;
  std::atomic<bool> released_{false};

 private:
  bool mounted_ = false;
};

TEST_F(HubFullDisk, RefusesAndResumes) {
  for (auto& code : codes_) code = StatusCode::internal;
  open_hub();
  StartOptions worker;
  worker.instance_id = "worker";
  ASSERT_TRUE(on_disk().schedule_new_orchestration("works", worker).ok());
  ASSERT_NO_FATAL_FAILURE(fill());
  const Status refused = on_disk().raise_event(id_of(0), "go", "");
  EXPECT_EQ(refused.code(), StatusCode::disk_full) << refused.to_string();
  for (const PartitionMetrics& partition : hub_->metrics().partitions) {
    EXPECT_TRUE(partition.failure.ok()) << partition.failure.to_string();
  }
  // Each start is answered and each read as well while the disk is full; work waits.
  released_ = true;
  EXPECT_TRUE(eventually([&] { return answers_.load() == started_; }));
  ASSERT_NO_FATAL_FAILURE(answered([this] { read_everything(); }));
  EXPECT_EQ(to_string(on_disk().raise_event(id_of(0), "go", "").code()),
            to_string(StatusCode::disk_full));
  fs::remove(ballast_path());
  const Result<InstanceState> worked = on_disk().wait_for_completion("worker", kLong);
  ASSERT_TRUE(worked.ok()) << worked.status().to_string();
  EXPECT_EQ(worked->output, "done");
  ASSERT_TRUE(eventually([&] { return on_disk().raise_event(id_of(0), "go", "!").ok(); }));
  const Result<InstanceState> first = on_disk().wait_for_completion(id_of(0), kLong);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->output, "!");
  for (std::size_t i = 0; i < started_; ++i) {
    const StatusCode code = codes_[i].load();
    EXPECT_TRUE(code == StatusCode::ok || code == StatusCode::disk_full) << to_string(code);
  }
  expect_acknowledged_kept();
  must(hub_->close());
  hub_.reset();
  open_hub();
  expect_acknowledged_kept();
}

TEST_F(HubFullDisk, ACheckpointThatFindsNoSpaceHarmsNothing) {
  for (auto& code : codes_) code = StatusCode::internal;
  open_hub();
  ASSERT_NO_FATAL_FAILURE(fill());
  EXPECT_TRUE(eventually([&] { return answers_.load() == started_; }));
  const Status refused = hub_->checkpoint();
  EXPECT_EQ(to_string(refused.code()), to_string(StatusCode::disk_full)) << refused.to_string();
  for (const PartitionMetrics& partition : hub_->metrics().partitions) {
    EXPECT_TRUE(partition.failure.ok()) << partition.failure.to_string();
  }
  ASSERT_NO_FATAL_FAILURE(answered([this] { read_everything(); }));
  fs::remove(ballast_path());
  must(hub_->close());
  hub_.reset();
  open_hub();
  expect_acknowledged_kept();
}

TEST_F(HubFullDisk, ClosedWhileFullItAnswersAllAndKeepsWhatItSaid) {
  for (auto& code : codes_) code = StatusCode::internal;
  open_hub();
  ASSERT_NO_FATAL_FAILURE(fill());
  must(hub_->close());
  EXPECT_EQ(answers_.load(), started_);
  hub_.reset();
  for (std::size_t i = 0; i < started_; ++i) {
    EXPECT_NE(to_string(codes_[i].load()), to_string(StatusCode::internal)) << i;
  }
  // Opening may need room itself; then it says so and changes nothing.
  Result<std::unique_ptr<TaskHub>> opened = TaskHub::open(path() + "/hub", registry, options);
  if (opened.ok()) {
    must((*opened)->close());
    *opened = nullptr;
  } else {
    EXPECT_EQ(to_string(opened.status().code()), to_string(StatusCode::disk_full))
        << opened.status().to_string();
  }
  fs::remove(ballast_path());
  open_hub();
  expect_acknowledged_kept();
}

}  // namespace
}  // namespace ingot::testing
