#pragma once

// The commands of the tool, one file each. Every function adds its subcommand to `app`; when the
// command line names it, it runs at the end of the parsing and sets `exit_code` (see
// tools/README.md), which outlives `app`.

namespace CLI {
class App;
}

namespace ingot::tools {

void add_instances_command(CLI::App& app, int& exit_code);
void add_entities_command(CLI::App& app, int& exit_code);
void add_purge_command(CLI::App& app, int& exit_code);
void add_history_command(CLI::App& app, int& exit_code);
void add_inspect_command(CLI::App& app, int& exit_code);
void add_verify_command(CLI::App& app, int& exit_code);
void add_log_command(CLI::App& app, int& exit_code);
// To `bench`, the parent of the other workloads.
void add_grpc_hello_command(CLI::App& bench, int& exit_code);

}  // namespace ingot::tools
