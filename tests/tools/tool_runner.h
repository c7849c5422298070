#pragma once

// Runs the tool as a program and keeps what it said, and gives each test a folder of its own in
// the build folder.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace ingot::tools {

namespace fs = std::filesystem;

inline std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

inline void write_file(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// Every file below `folder` with its bytes: two of them are equal when nothing was changed. The
// lock is left out: it holds the process that had it last.
inline std::map<std::string, std::string> snapshot(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = fs::relative(entry.path(), folder).string();
    if (name == "lock") continue;
    files[name] = entry.is_regular_file() ? read_file(entry.path()) : "";
  }
  return files;
}

struct ToolResult {
  int exit_code = -1;  // 128 + N when signal N ended it
  std::string out;
  std::string err;
};

class ToolTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(INGOT_SCRATCH) / (std::string(info->test_suite_name()) + "." + info->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override {
    if (!HasFailure()) fs::remove_all(folder_);
  }

  // This test's own folder; kept when the test fails.
  [[nodiscard]] const fs::path& folder() const { return folder_; }
  [[nodiscard]] std::string hub_path() const { return (folder_ / "hub").string(); }

  ToolResult run(const std::vector<std::string>& arguments) const {
    const fs::path out = folder_ / "stdout";
    const fs::path err = folder_ / "stderr";
    std::vector<std::string> words = {INGOT_TOOL};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::string command;
    for (const std::string& word : words) command += in_shell(word) + ' ';
    command += ">" + in_shell(out.string()) + " 2>" + in_shell(err.string()) + " </dev/null";
    const int status = std::system(command.c_str());
    ToolResult result;
    result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    result.out = read_file(out);
    result.err = read_file(err);
    fs::remove(out);
    fs::remove(err);
    return result;
  }

 private:
  static std::string in_shell(const std::string& word) {
    std::string quoted = "'";
    for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
  }

  fs::path folder_;
};

}  // namespace ingot::tools
