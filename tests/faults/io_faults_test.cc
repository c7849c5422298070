// Every call of the operating system that a hub makes for its files fails, once and for good, with
// the errors that it can give, and moves too few bytes, on both backends of the log.
//
// Each case is two lives of a hub (hub_life.h) in a process of its own in which one call fails.
// What must hold: each question is answered; nothing acknowledged is lost, and nothing acknowledged
// twice; the failure is reported by what failed, where and why, unless it is known to harm nothing;
// a log that can't be written stops its partition; and afterwards the hub opens and goes on.
//
// Without more, each kind of call fails once with one of its errors, always the same.
// INGOT_FAULTS_RUNS=N runs so many cases, all of them when N is large (13,000, an hour), and
// INGOT_FAULTS_SKIP=M not the first M of these; INGOT_FAULTS_SEED chooses others, INGOT_FAULTS_ONLY
// takes those whose name has it.

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/faults/fault_cases.h"
#include "tests/faults/faults.h"
#include "tests/faults/hub_life.h"
#include "tests/faults/proof.h"
#include "tests/support/temp_directory.h"

namespace ingot::faults {
namespace {

constexpr std::size_t kSparesMax = 3;  // two, and one that was recycled meanwhile

bool of_segments(const Fault& fault) {
  return fault.place == Place::segment || fault.place == Place::log_folder;
}

// Failures that nobody has to hear of, and why.
bool may_pass_unnoticed(const Fault& fault) {
  if (transient(fault.call, fault.error)) return true;  // gone on with
  switch (fault.call) {
    case Call::access:     // only asks whether a file is there, before creating it anyway
    case Call::fallocate:  // a full disk shows in writing the zeros as well
    case Call::statvfs:    // tells a full disk from other errors, and the kind of file system
      return true;
    case Call::unlink:  // of what the next opening removes
      return true;
    case Call::uring_setup:  // the other backend is as good
    case Call::eventfd:
      return true;
    case Call::open:  // of the hub folder's parent: the whole file system is synced instead
      if (fault.place == Place::hub && fault.error == EACCES) return true;
      break;
    case Call::pwritev2:  // fdatasync instead of RWF_DSYNC
      return fault.error == EOPNOTSUPP;
    case Call::uring_write:
      return false;
    default:
      break;
  }
  // Segments are made, and put aside, ahead of need: one that can't be made now is made later.
  // When it can never be made, that is told to those who need it: judge() sees to it that some do.
  return of_segments(fault) && !fault.for_good;
}

class Case {
 public:
  Case(const Fault& fault, LogIo io) : fault_(fault), io_(io) {}

  // What is wrong, a line each, then a line of figures.
  [[nodiscard]] std::string run() const {
    const sim::TempDirectory folder;
    HubLife life(folder.path(), io_);
    watch(life.path());
    arm(fault_);
    life.first_life();
    life.second_life();
    if (hits() != 0 && fault_.for_good && of_segments(fault_)) life.ask_for_more();
    const std::uint64_t hit = hits();
    disarm();
    std::string text = leftovers(life.path());
    life.check();
    for (const std::string& problem : life.problems()) text += "P " + problem + "\n";
    const bool noticed = !life.failures().empty();
    if (hit != 0) text += judge(life, noticed);
    if (hit == 0 && noticed) {
      text += "P without a fault: " + life.failures().front().to_string() + "\n";
    }
    return text + "S " + std::to_string(hit) + " " + (noticed ? "1" : "0") + " " +
           std::to_string(life.promises()) + "\n";
  }

 private:
  // What was begun and failed is not left in a log's folder: it would fill the disk, try by try.
  [[nodiscard]] std::string leftovers(const std::string& hub) const {
    if (fault_.call == Call::unlink) return "";
    std::map<std::string, std::size_t> spares;
    std::size_t unfinished = 0;
    std::error_code none;  // a hub that could not be made
    for (const auto& entry : std::filesystem::recursive_directory_iterator(hub, none)) {
      const std::string name = entry.path().filename();
      if (entry.path().parent_path().filename() != "log") continue;
      if (name.ends_with(".tmp")) ++unfinished;
      if (name.starts_with("spare-")) ++spares[entry.path().parent_path()];
    }
    std::string text;
    if (unfinished != 0) {
      text += "P " + std::to_string(unfinished) + " unfinished files are left\n";
    }
    for (const auto& [folder, count] : spares) {
      if (count > kSparesMax) {
        text += "P " + folder + " has " + std::to_string(count) + " spare segments\n";
      }
    }
    return text;
  }

  [[nodiscard]] std::string judge(const HubLife& life, bool noticed) const {
    if (!noticed) return may_pass_unnoticed(fault_) ? "" : "P no one was told\n";
    std::string text;
    if (!named(life)) {
      text += "P no status says what failed, where and why\n";
      for (const Status& failure : life.failures()) text += "  " + failure.to_string() + "\n";
    }
    const bool log_write = fault_.call == Call::pwritev2 || fault_.call == Call::uring_write;
    const bool supported = fault_.error != EOPNOTSUPP || fault_.call == Call::uring_write;
    if (log_write && fault_.place == Place::segment && !transient(fault_.call, fault_.error) &&
        supported && !life.partition_stopped() && life.refused_openings() == 0) {
      text += "P a log that can't be written did not stop its partition\n";
    }
    return text;
  }

  // One of the answers tells the file (or folder) and the reason.
  [[nodiscard]] bool named(const HubLife& life) const {
    if (transient(fault_.call, fault_.error)) return true;
    for (const Status& failure : life.failures()) {
      const std::string& message = failure.message();
      const bool where = fault_.place == Place::process ||
                         message.find(life.path()) != std::string::npos ||
                         failure.code() == StatusCode::disk_full;
      const bool why = message.find(std::strerror(fault_.error)) != std::string::npos ||
                       failure.code() == StatusCode::disk_full ||
                       fault_.call == Call::fcntl;  // LMDB goes on, and says what it meets then
      if (where && why) return true;
    }
    return false;
  }

  const Fault fault_;
  const LogIo io_;
};

class IoFaults : public ::testing::TestWithParam<LogIo> {
 protected:
  // How often each call comes when nothing fails; nothing when the backend is not there.
  static std::string count_calls(LogIo io) {
    const sim::TempDirectory folder;
    HubLife life(folder.path(), io);
    watch(life.path());
    life.first_life();
    life.second_life();
    const Counts all = counts();
    life.check();
    for (const Status& failure : life.failures()) {
      if (failure.code() == StatusCode::unsupported) return "U " + failure.to_string() + "\n";
    }
    std::string text;
    for (const std::string& problem : life.problems()) text += "P " + problem + "\n";
    for (const Status& failure : life.failures()) text += "P " + failure.to_string() + "\n";
    return text + to_lines(all);
  }
};

TEST_P(IoFaults, EachCallThatFailsIsReportedAndNothingIsLost) {
  const std::uint64_t seed = chosen_seed();
  const LogIo io = GetParam();

  const std::string counted = answer_without_a_fault([io] { return count_calls(io); });
  for (const std::string& why : lines_of(counted, 'U')) GTEST_SKIP() << why;
  ASSERT_FALSE(HasFailure());

  const std::vector<Fault> faults = choose(counts_in(counted), seed);
  ASSERT_FALSE(faults.empty());
  prove_chosen(faults, [io](const Fault& fault) { return Case(fault, io).run(); });
}

// When writing a meta page fails, LMDB writes it once more, with the old transaction's number and
// the new one's trees. The hub has to open all the same: the other meta page is the one that
// counts.
TEST(MetaPageFaults, ACheckpointThatFailsAtAnyWriteLeavesAHubThatOpens) {
  constexpr std::uint64_t kWrites = 10;
  std::vector<Fault> faults;
  for (std::uint64_t nth = 1; nth <= kWrites; ++nth) {
    faults.push_back({Call::pwrite, Place::checkpoint, nth, nth % 2 == 0 ? ENOSPC : EIO, false});
  }
  const auto run = [](const Fault& fault) { return Case(fault, LogIo::pwritev2).run(); };
  EXPECT_GT(prove(faults, run).reported, 0U);
}

INSTANTIATE_TEST_SUITE_P(Backends, IoFaults, ::testing::Values(LogIo::uring, LogIo::pwritev2),
                         [](const auto& test) {
                           return test.param == LogIo::uring ? "Uring" : "Pwritev2";
                         });

}  // namespace
}  // namespace ingot::faults
