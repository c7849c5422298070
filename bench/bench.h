#pragma once

// `ingot bench`: the macro workloads, as one subcommand of a command line program.

namespace CLI {
class App;
}

namespace ingot::bench {

// Adds the subcommand `bench` with one subcommand a workload to `parent`. When the command line
// that `parent` then parses names one, it runs at the end of the parsing and sets `exit_code`:
// 0 when everything that was counted was also verified, 1 otherwise. `exit_code` outlives
// `parent`. `recover` starts this program again as `<program> bench recover`, so that `parent` has
// to be the main command.
void add_bench_command(CLI::App& parent, int& exit_code);

}  // namespace ingot::bench
