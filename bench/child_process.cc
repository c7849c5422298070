#include "bench/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

extern char** environ;

namespace ingot::bench {
namespace {

Status failure(const char* what, int error) {
  return Status(StatusCode::io_error, std::string(what) + ": " + std::strerror(error));
}

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

int wait_for(pid_t process) {
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace

Status ChildProcess::start(const std::vector<std::string>& arguments, const std::string& errors) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return failure("pipe2", errno);
  output_ = ends[0];
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  if (!errors.empty()) {
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors.c_str(),
                                       O_WRONLY | O_CREAT | O_TRUNC, 0600);
  }
  const int error = ::posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  if (error == 0) return {};
  pid_ = -1;
  forget();
  return failure("posix_spawn", error);
}

int ChildProcess::ended() {
  if (pid_ <= 0) return -1;
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
      info.si_pid != pid_) {
    return -1;
  }
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

bool ChildProcess::kill() {
  if (pid_ <= 0) return false;
  ::kill(pid_, SIGKILL);
  const int status = wait_for(pid_);
  forget();
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

int ChildProcess::wait() {
  std::array<char, 4096> bytes{};
  for (;;) {
    const ssize_t got = ::read(output_, bytes.data(), bytes.size());
    if (got == 0 || (got < 0 && errno != EINTR)) break;
  }
  const int code = code_of(wait_for(pid_));
  forget();
  return code;
}

void ChildProcess::forget() {
  pid_ = -1;
  if (output_ >= 0) ::close(output_);
  output_ = -1;
}

}  // namespace ingot::bench
