#pragma once

// This program again, as a process that can be killed.

#include <ingot/status.h>
#include <sys/types.h>

#include <string>
#include <vector>

namespace ingot::bench {

class ChildProcess {
 public:
  ChildProcess() = default;
  // Kills it.
  ~ChildProcess() { kill(); }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Starts it with `arguments`, the program's name first. What it says on its standard error goes
  // into the file `errors`; empty: where this process's goes. io_error.
  Status start(const std::vector<std::string>& arguments, const std::string& errors = {});
  // The end of a pipe from its standard output.
  [[nodiscard]] int output() const { return output_; }
  // Its exit code if it has ended by itself; 128 + N when signal N ended it; -1 while it runs.
  [[nodiscard]] int ended();
  // SIGKILL; returns when it is gone. True unless it had ended by itself.
  bool kill();
  // Waits for its end, reading away what it says; the exit code as above.
  int wait();

 private:
  void forget();

  pid_t pid_ = -1;
  int output_ = -1;
};

}  // namespace ingot::bench
