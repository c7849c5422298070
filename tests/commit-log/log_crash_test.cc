// Property: whatever crashes, kills and failing operations do, each fact that was reported durable
// is there after the next opening, and what is there besides is a prefix of what was appended.

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "tests/commit-log/log_harness.h"

namespace ingot::log {
namespace {

enum class Faults { crashes, failures, full_disk };

class CrashModel {
 public:
  CrashModel(std::uint64_t seed, Faults faults) : random_(seed), faults_(faults), disk_(seed ^ 99) {
    if (faults_ == Faults::full_disk) disk_.set_capacity(5U << 20);
  }

  void run(int incarnations) {
    for (int i = 0; i < incarnations && !::testing::Test::HasFatalFailure(); ++i) live_once();
    // At the end the disk is well again, and nothing may be missing.
    if (!::testing::Test::HasFatalFailure()) final_look();
  }

  [[nodiscard]] std::uint64_t facts_written() const { return acknowledged_; }
  [[nodiscard]] std::uint64_t trims() const { return trims_; }

 private:
  [[nodiscard]] CommitLogOptions options() {
    CommitLogOptions options = small_log("/log", random_.next());
    options.spare_segments = 1 + static_cast<std::uint32_t>(random_.below(2));
    return options;
  }

  void plan_faults() {
    switch (faults_) {
      case Faults::crashes:
        if (random_.one_in(2)) disk_.crash_at_operation(1 + random_.below(60));
        break;
      case Faults::failures:
        if (random_.one_in(3)) {
          disk_.fail_operation(1 + random_.below(40), EIO);
        } else if (random_.one_in(2)) {
          disk_.fail_write(1 + random_.below(20), random_.one_in(4) ? ENOSPC : EIO);
        }
        break;
      case Faults::full_disk:
        break;
    }
  }

  // Opens until a crash or a failure doesn't come in between.
  void live_once() {
    plan_faults();
    const auto io = std::make_unique<sim::SimIo>(disk_);
    Opened opened = open_log(*io, options(), checkpoint_);
    if (!opened.status.ok()) {
      ASSERT_TRUE(opened.status.code() == StatusCode::io_error ||
                  opened.status.code() == StatusCode::disk_full)
          << opened.status.to_string();
      end();
      return;
    }
    compare(opened);
    if (::testing::Test::HasFatalFailure()) return;
    const std::uint64_t steps = 1 + random_.below(80);
    for (std::uint64_t i = 0; i < steps; ++i) {
      if (!step(*io, *opened.log)) break;
    }
    // The machine or the process may die before the log's destructor runs, or after.
    if (random_.one_in(2)) {
      end();
      opened.log.reset();
    } else {
      opened.log.reset();
      end();
    }
  }

  void end() {
    switch (random_.below(3)) {
      case 0:
        disk_.crash();
        break;
      case 1:
        disk_.kill();
        break;
      default:
        break;  // a clean end, as far as it went
    }
  }

  void compare(const Opened& opened) {
    const std::uint64_t end = opened.log->durable_position().value;
    ASSERT_GE(end, acknowledged_) << "an acknowledged fact is lost";
    ASSERT_LE(end, appended_.size()) << "facts that nobody appended";
    ASSERT_EQ(opened.facts.size(), end - checkpoint_.value);
    for (const auto& [position, fact] : opened.facts) {
      ASSERT_GT(position, checkpoint_.value);
      ASSERT_LE(position, end);
      ASSERT_EQ(fact, appended_[position - 1]) << "position " << position;
    }
    appended_.resize(end);
    acknowledged_ = end;
  }

  // False when the log has failed.
  bool step(sim::SimIo& io, CommitLog& log) {
    switch (random_.below(8)) {
      case 0:
      case 1:
      case 2:
        append_some(log);
        return true;
      case 3:
      case 4: {
        const Status status = log.flush(random_.next());
        return status.ok() || (status.code() == StatusCode::disk_full && log.failure().ok());
      }
      case 5: {
        std::vector<WriteCompletion> completions;
        io.poll(completions);
        for (const WriteCompletion& completion : completions) {
          if (!log.on_write(completion.status).ok()) {
            EXPECT_FALSE(log.failure().ok());
            EXPECT_FALSE(log.flush(1).ok());  // sticky
            return false;
          }
        }
        EXPECT_GE(log.durable_position().value, acknowledged_);
        acknowledged_ = log.durable_position().value;
        return true;
      }
      case 6:
        if (random_.one_in(2)) return log.write_watermark(random_.next()).ok();
        if (!log.has_room(1000)) (void)log.make_room();
        return log.failure().ok();
      default:
        if (!random_.one_in(4) || acknowledged_ == checkpoint_.value) return true;
        checkpoint_ = checkpoint_.plus(random_.below(acknowledged_ - checkpoint_.value + 1));
        ++trims_;
        return log.trim(checkpoint_).ok();
    }
  }

  void append_some(CommitLog& log) {
    const std::uint64_t count = 1 + random_.below(8);
    for (std::uint64_t i = 0; i < count; ++i) {
      std::size_t size = random_.below(200);
      if (random_.one_in(6)) size = random_.below(60000);
      if (random_.one_in(60)) size = random_.below(1500000);
      std::string fact = fact_at(appended_.size() + 1 + random_.below(5), size);
      ASSERT_EQ(log.append(fact).value, appended_.size() + 1);
      appended_.push_back(std::move(fact));
    }
  }

  void final_look() {
    disk_.clear_faults();
    disk_.crash();
    sim::SimIo io(disk_);
    Opened opened = open_log(io, options(), checkpoint_);
    if (faults_ == Faults::full_disk && opened.status.code() == StatusCode::disk_full) return;
    ASSERT_TRUE(opened.status.ok()) << opened.status.to_string();
    compare(opened);
  }

  Random random_;
  Faults faults_;
  sim::SimDisk disk_;
  std::vector<std::string> appended_;  // index: position - 1
  std::uint64_t acknowledged_ = 0;
  Position checkpoint_;
  std::uint64_t trims_ = 0;
};

class LogCrashTest : public ::testing::TestWithParam<Faults> {};

TEST_P(LogCrashTest, AcknowledgedFactsSurvive) {
  // INGOT_SEED=<n> replays one seed.
  const char* only = std::getenv("INGOT_SEED");
  const std::uint64_t first = only != nullptr ? std::strtoull(only, nullptr, 10) : 1;
  const std::uint64_t last = only != nullptr ? first : 20;
  std::uint64_t facts = 0;
  std::uint64_t trims = 0;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    CrashModel model(seed, GetParam());
    model.run(12);
    if (HasFatalFailure()) return;
    facts += model.facts_written();
    trims += model.trims();
  }
  if (only == nullptr) {  // the test must have tested something
    EXPECT_GT(facts, 300U);
    EXPECT_GT(trims, 10U);
  }
}

INSTANTIATE_TEST_SUITE_P(Faults, LogCrashTest,
                         ::testing::Values(Faults::crashes, Faults::failures, Faults::full_disk),
                         [](const auto& test) {
                           return test.param == Faults::crashes    ? "Crashes"
                                  : test.param == Faults::failures ? "Failures"
                                                                   : "FullDisk";
                         });

}  // namespace
}  // namespace ingot::log
