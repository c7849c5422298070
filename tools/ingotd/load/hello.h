#pragma once

// `ingot-grpc-load hello`: a client and a worker in one process, over gRPC's callback API. It
// starts chains of activities (HelloSequence), does their work, waits for each and checks its
// output.

namespace CLI {
class App;
}

namespace ingot::server {

// Adds the subcommand to `app`; when the command line names it, it runs at the end of the parsing
// and sets `exit_code`: 0 when all that was counted was also verified, 1 otherwise.
void add_hello_command(CLI::App& app, int& exit_code);

}  // namespace ingot::server
