#pragma once

// `ingot-grpc-load idle`: workers that get nothing to do, and clients that wait for what does not
// end. It holds them for a while, reports what that costs the server, then ends the instances and
// checks that each client was answered.

namespace CLI {
class App;
}

namespace ingot::server {

// As add_hello_command().
void add_idle_command(CLI::App& app, int& exit_code);

}  // namespace ingot::server
