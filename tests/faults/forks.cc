#include "tests/faults/forks.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <vector>

#include "tests/support/end_child.h"

namespace ingot::faults {
namespace {

using SteadyClock = std::chrono::steady_clock;

struct Child {
  std::size_t index = 0;
  pid_t process = -1;
  int pipe = -1;
  SteadyClock::time_point end;
  Outcome outcome;
};

void write_all(int descriptor, const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t written = ::write(descriptor, text.data() + done, text.size() - done);
    if (written <= 0) return;
    done += static_cast<std::size_t>(written);
  }
}

// An exception must not reach the test runner, which would go on with the next test in this child.
std::string answer_of(std::size_t index, const std::function<std::string(std::size_t)>& run) {
  try {
    return run(index);
  } catch (const std::exception& failure) {
    return std::string("P an exception: ") + failure.what() + "\n";
  }
}

Child begin(std::size_t index, std::chrono::seconds limit,
            const std::function<std::string(std::size_t)>& run) {
  Child child;
  child.index = index;
  child.end = SteadyClock::now() + limit;
  int ends[2] = {-1, -1};
  if (::pipe(ends) != 0) {
    ADD_FAILURE() << "no pipe: " << std::strerror(errno);
    child.end = SteadyClock::now();
    return child;
  }
  const bool failed = ::testing::Test::HasFailure();
  child.process = ::fork();
  if (child.process == 0) {
    ::close(ends[0]);
    write_all(ends[1], answer_of(index, run));
    testing::end_child(!failed && ::testing::Test::HasFailure() ? 1 : 0);
  }
  EXPECT_GT(child.process, 0);
  ::close(ends[1]);
  child.pipe = ends[0];
  return child;
}

// Reads what there is; true at the end of the pipe.
bool read_some(Child& child) {
  char bytes[4096];
  const ssize_t got = ::read(child.pipe, bytes, sizeof bytes);
  if (got > 0) child.outcome.text.append(bytes, static_cast<std::size_t>(got));
  return got == 0 || (got < 0 && errno != EINTR);
}

void end(Child& child) {
  ::close(child.pipe);
  if (child.process < 0) return;
  if (child.outcome.hung) ::kill(child.process, SIGKILL);
  int status = 0;
  while (::waitpid(child.process, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status) && !child.outcome.hung) child.outcome.signal = WTERMSIG(status);
  if (WIFEXITED(status)) child.outcome.exit_code = WEXITSTATUS(status);
}

}  // namespace

void run_in_forks(std::size_t count, std::size_t jobs, std::chrono::seconds limit,
                  const std::function<std::string(std::size_t)>& run,
                  const std::function<bool(std::size_t, const Outcome&)>& done) {
  std::vector<Child> children;
  std::size_t next = 0;
  for (bool more = true; more || !children.empty();) {
    while (more && next < count && children.size() < jobs) {
      children.push_back(begin(next++, limit, run));
    }
    if (next == count) more = false;
    std::vector<pollfd> waiting;
    for (const Child& child : children) waiting.push_back({child.pipe, POLLIN, 0});
    (void)::poll(waiting.data(), waiting.size(), 1000);
    std::vector<Child> left;
    for (std::size_t i = 0; i < children.size(); ++i) {
      Child& child = children[i];
      bool ended = waiting[i].revents != 0 && read_some(child);
      if (!ended && SteadyClock::now() > child.end) ended = child.outcome.hung = true;
      if (!ended) {
        left.push_back(std::move(child));
        continue;
      }
      end(child);
      if (!done(child.index, child.outcome)) more = false;
    }
    children = std::move(left);
  }
}

}  // namespace ingot::faults
