// The command line tool `ingot`: one subcommand a file in tools/commands/, and `bench` from bench/.

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "bench/bench.h"
#include "tools/commands/commands.h"
#include "tools/output.h"

namespace {

int run(int argc, char** argv) {
  int exit_code = ingot::tools::kExitDone;
  CLI::App app("Ingot: a log-structured storage backend for durable orchestrations", "ingot");
  app.set_version_flag("--version", INGOT_VERSION);
  app.require_subcommand(1);
  app.fallthrough(false);
  ingot::bench::add_bench_command(app, exit_code);
  ingot::tools::add_grpc_hello_command(*app.get_subcommand("bench"), exit_code);
  ingot::tools::add_instances_command(app, exit_code);
  ingot::tools::add_entities_command(app, exit_code);
  ingot::tools::add_purge_command(app, exit_code);
  ingot::tools::add_history_command(app, exit_code);
  ingot::tools::add_inspect_command(app, exit_code);
  ingot::tools::add_verify_command(app, exit_code);
  ingot::tools::add_log_command(app, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // --help and --version are errors that are none.
    return app.exit(error) == 0 ? ingot::tools::kExitDone : ingot::tools::kExitFailed;
  }
  if (std::fflush(stdout) != 0) {
    fmt::print(stderr, "ingot: io_error: standard output can't be written\n");
    return ingot::tools::kExitFailed;
  }
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    // A library of the tool threw; nothing of Ingot does.
    std::fprintf(stderr, "ingot: internal: %s\n", error.what());
    return ingot::tools::kExitFailed;
  }
}
