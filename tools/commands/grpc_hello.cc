// `ingot bench grpc-hello`: starts `ingot-grpc-load hello`, which lies beside this program. The
// load of a server is a program of its own so that nothing here needs gRPC.

#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "tools/commands/commands.h"
#include "tools/output.h"

namespace ingot::tools {
namespace {

// Comes back only when it can't be started.
int become_load(std::vector<std::string> arguments) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::string program = (self.parent_path() / "ingot-grpc-load").string();
  arguments.insert(arguments.begin(), {program, "hello"});
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::fflush(stdout);
  execv(program.c_str(), argv.data());
  fmt::print(stderr, "ingot: not_found: {}: {}\n", program, std::strerror(errno));
  return kExitFailed;
}

}  // namespace

void add_grpc_hello_command(CLI::App& bench, int& exit_code) {
  CLI::App* command = bench.add_subcommand(
      "grpc-hello", "Chains of activities on a running ingotd, as its client and its worker.");
  // Its options, --help among them, are the other program's.
  command->set_help_flag();
  command->prefix_command();
  command->callback([command, &exit_code] { exit_code = become_load(command->remaining()); });
}

}  // namespace ingot::tools
