#pragma once

// `ingot bench grpc-hello`: a client and a worker of an `ingotd` that runs already, in one process,
// over gRPC's callback API. It starts chains of activities (HelloSequence), does their work, waits
// for each and checks its output.

namespace CLI {
class App;
}

namespace ingot::server {

// Adds the command to `bench`, the parent of the other workloads.
void add_grpc_hello_command(CLI::App& bench, int& exit_code);

}  // namespace ingot::server
