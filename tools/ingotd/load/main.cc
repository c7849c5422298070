// `ingot-grpc-load`: loads for an `ingotd` that runs already, as its clients and its workers.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "tools/ingotd/file_limit.h"
#include "tools/ingotd/load/hello.h"
#include "tools/ingotd/load/idle.h"

namespace {

int run(int argc, char** argv) {
  int exit_code = 0;
  ingot::server::raise_file_limit();
  CLI::App app("Loads for an ingotd that runs already", "ingot-grpc-load");
  app.require_subcommand(1);
  ingot::server::add_hello_command(app, exit_code);
  ingot::server::add_idle_command(app, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ingot-grpc-load: internal: %s\n", error.what());
    return 2;
  }
}
