// Every call of the operating system that a log makes fails, once and for good, with the errors
// that it can give, and moves too few bytes or none, on both backends.
//
// Each case is the lives of a log (log_life.h) in a process of its own in which one call fails.
// What must hold: nothing acknowledged is lost, nothing refused appears; the first failure of a
// write or a sync ends all writing; the failure is told with the file and the reason, unless it is
// known to harm nothing; nothing is left behind: no unfinished file, no spare too many, no
// descriptor, no thread; and afterwards the log opens and goes on.
//
// INGOT_FAULTS_RUNS, _SKIP, _SEED and _ONLY as in io_faults (README.md).

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/faults/fault_cases.h"
#include "tests/faults/faults.h"
#include "tests/faults/log_life.h"
#include "tests/faults/process.h"
#include "tests/faults/proof.h"
#include "tests/support/temp_directory.h"

namespace ingot::faults {
namespace {

using log::IoBackend;

constexpr std::size_t kEach = 3;  // of each kind of call, without RUNS

std::vector<int> log_errors(Call call, Place place) {
  std::vector<int> errors = errors_of(call, place);
  switch (call) {
    case Call::open:
      errors.insert(errors.end(), {EINTR, EINVAL});
      break;
    case Call::pread:
    case Call::pwrite:
      errors.push_back(kNone);
      break;
    case Call::pwritev2:
    case Call::uring_write:
      errors.push_back(kNone);
      if (place == Place::probe) errors.push_back(kLost);
      break;
    case Call::thread:
      errors.push_back(EAGAIN);
      break;
    default:
      break;
  }
  return errors;
}

bool of_segments(const Fault& fault) {
  return fault.place == Place::segment || fault.place == Place::log_folder ||
         fault.call == Call::thread;
}

// Failures that nobody has to hear of, and why.
bool may_pass_unnoticed(const Fault& fault) {
  if (transient(fault.call, fault.error)) return true;  // gone on with
  switch (fault.call) {
    case Call::access:     // only asks whether a file is there, before creating it anyway
    case Call::fallocate:  // a full disk shows in writing the zeros as well
    case Call::unlink:     // of what the next opening removes
      return true;
    case Call::uring_setup:  // without the flags that an old kernel does not know
      return fault.error == EINVAL && !fault.for_good;
    case Call::open:  // without O_DIRECT
      if (fault.error == EINVAL) return true;
      break;
    case Call::pwritev2:  // fdatasync instead of RWF_DSYNC
      return fault.error == EOPNOTSUPP;
    case Call::uring_write:
      return false;
    default:
      break;
  }
  // Segments are made, and put aside, ahead of need: one that can't be made now is made later.
  return of_segments(fault) && !fault.for_good;
}

// Without those of the kernel, which works for a ring, and may for a while after it is closed.
std::size_t threads() {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::ifstream(entry.path() / "comm") >> name;
    count += name.empty() || name.starts_with("iou-") ? 0 : 1;
  }
  return count;
}

// What this process has and should not; "" when nothing. A thread may be there a moment longer than
// its join.
std::string leaks(std::size_t descriptors) {
  for (int i = 0; i < 5000 && threads() > 1; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::string text;
  if (open_descriptors() != descriptors) text += "P descriptors are left open\n";
  if (threads() > 1) text += "P threads are left\n";
  return text;
}

// One of the answers tells the file (or folder) and the reason.
bool named(const Fault& fault, const LogLife& life) {
  if (transient(fault.call, fault.error)) return true;
  for (const Status& failure : life.failures()) {
    const std::string& message = failure.message();
    const bool where =
        fault.place == Place::process || message.find(life.path()) != std::string::npos;
    const bool why =
        fault.error < 0 || message.find(std::strerror(fault.error)) != std::string::npos;
    const bool read_back = message.find("does not read back") != std::string::npos;
    if ((where && why) || (fault.place == Place::probe && read_back)) return true;
  }
  return false;
}

std::string judge(const Fault& fault, const LogLife& life) {
  if (life.failures().empty()) return may_pass_unnoticed(fault) ? "" : "P no one was told\n";
  std::string text;
  if (!named(fault, life)) {
    text += "P no status says what failed, where and why\n";
    for (const Status& failure : life.failures()) text += "  " + failure.to_string() + "\n";
  }
  const bool write = fault.call == Call::pwritev2 || fault.call == Call::uring_write;
  const bool supported = fault.error != EOPNOTSUPP || fault.call == Call::uring_write;
  if (write && fault.place == Place::segment && !transient(fault.call, fault.error) && supported &&
      !life.stopped()) {
    text += "P a failed write did not stop the log\n";
  }
  return text;
}

std::string run(const Fault& fault, IoBackend backend) {
  const sim::TempDirectory folder;
  const std::size_t descriptors = open_descriptors();
  LogLife life(folder.path(), backend);
  watch(life.path());
  arm(fault);
  life.live();
  if (hits() != 0 && fault.for_good && life.failures().empty()) life.go_on();
  const std::uint64_t hit = hits();
  disarm();
  std::string text = leaks(descriptors);
  const bool noticed = !life.failures().empty();
  if (hit != 0) text += judge(fault, life);
  if (hit == 0 && noticed) text += "P without a fault: " + life.failures()[0].to_string() + "\n";
  life.check();
  for (const std::string& problem : life.problems()) text += "P " + problem + "\n";
  return text + "S " + std::to_string(hit) + " " + (noticed ? "1" : "0") + " " +
         std::to_string(life.acknowledged()) + "\n";
}

// How often each call comes when nothing fails; nothing when the backend is not there.
std::string count_calls(IoBackend backend, void (*prepare)()) {
  const sim::TempDirectory folder;
  const std::size_t descriptors = open_descriptors();
  LogLife life(folder.path(), backend);
  watch(life.path());
  prepare();
  life.live();
  const Counts all = counts();
  const std::uint64_t hit = hits();
  disarm();
  std::string text = leaks(descriptors);
  for (const Status& failure : life.failures()) {
    if (failure.code() == StatusCode::unsupported) return "U " + failure.to_string() + "\n";
    text += "P " + failure.to_string() + "\n";
  }
  life.check();
  for (const std::string& problem : life.problems()) text += "P " + problem + "\n";
  return text + "S " + std::to_string(hit) + " 0 0\n" + to_lines(all);
}

class LogIoFaults : public ::testing::TestWithParam<IoBackend> {
 protected:
  // The calls of a life, after `prepare`; that anything fails in it fails the test.
  static std::string counted(void (*prepare)()) {
    return answer_without_a_fault([prepare] { return count_calls(GetParam(), prepare); });
  }
};

TEST_P(LogIoFaults, EachCallThatFailsIsToldAndNothingIsLost) {
  const std::uint64_t seed = chosen_seed();
  const std::string text = counted([] {});
  for (const std::string& why : lines_of(text, 'U')) GTEST_SKIP() << why;
  ASSERT_FALSE(HasFailure());
  const std::vector<Fault> faults = choose(counts_in(text), seed, kEach, log_errors);
  ASSERT_FALSE(faults.empty());
  prove_chosen(faults, [](const Fault& fault) { return run(fault, GetParam()); });
}

// Kernels and file systems that lack something: the same lives, with nothing failing that counts.
TEST_P(LogIoFaults, WhatIsNotThereIsDoneWithout) {
  const std::string text = counted([] {});
  for (const std::string& why : lines_of(text, 'U')) GTEST_SKIP() << why;
  const auto does_without = [](void (*prepare)()) {
    const std::vector<std::string> figures = lines_of(counted(prepare), 'S');
    ASSERT_EQ(figures.size(), 1U);
    EXPECT_NE(figures.front(), "0 0 0") << "nobody has asked for it";
  };
  if (GetParam() == IoBackend::uring) {
    does_without([] {  // neither deferred task work nor the cooperative one
      Fault fault{Call::uring_setup, Place::process, 1, EINVAL};
      fault.times = 2;
      arm(fault);
    });
  } else {
    does_without([] { arm({Call::pwritev2, Place::segment, 1, EOPNOTSUPP, true}); });
  }
  does_without([] { arm({Call::open, Place::segment, 1, EINVAL, true}); });
  does_without([] { arm({Call::fallocate, Place::segment, 1, EOPNOTSUPP, true}); });
}

INSTANTIATE_TEST_SUITE_P(Backends, LogIoFaults,
                         ::testing::Values(IoBackend::uring, IoBackend::pwritev2),
                         [](const auto& test) {
                           return test.param == IoBackend::uring ? "Uring" : "Pwritev2";
                         });

}  // namespace
}  // namespace ingot::faults
