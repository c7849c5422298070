// The server `ingotd`: reads its configuration, serves until it is told to stop.
//
// SIGTERM and SIGINT drain it; a second one ends it at once, as a crash would: nothing that was
// acknowledged is lost.

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <string>

#include "tools/ingotd/config.h"
#include "tools/ingotd/file_limit.h"
#include "tools/ingotd/log.h"
#include "tools/ingotd/server.h"

namespace {

using namespace ingot::server;  // NOLINT(google-build-using-namespace)

// The signals are blocked in every thread and taken by sigwait() here.
sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

extern "C" void end_at_once(int) { _exit(3); }

// As it was configured, but for a port that the system was to choose.
std::string address(const std::string& configured, const Endpoint* endpoint) {
  if (endpoint == nullptr || !configured.ends_with(":0")) return configured;
  return configured.substr(0, configured.size() - 1) + std::to_string(endpoint->port());
}

int run(int argc, char** argv) {
  const ParsedConfig parsed = parse_config(argc, argv, INGOT_VERSION);
  if (parsed.exits) return parsed.exit_code;
  start_log(parsed.config.log_level, parsed.config.log_format);
  const sigset_t signals = stop_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  raise_file_limit();

  auto server = Server::start(parsed.config);
  if (!server.ok()) {
    log_error("not started", {{"why", server.status().to_string()}});
    return 2;
  }
  log_info("serving", {{"grpc", address(parsed.config.listen, (*server)->grpc())},
                       {"http", address(parsed.config.http, (*server)->http())}});
  int taken = 0;
  sigwait(&signals, &taken);
  log_info("stopping: what is under way may end; a second signal ends it at once");
  for (const int signal_number : {SIGTERM, SIGINT}) signal(signal_number, end_at_once);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  const ingot::Status drained = (*server)->drain();
  log_info("stopped", {{"status", drained.to_string()}});
  return drained.ok() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    // A library of the server threw; nothing of Ingot does.
    std::fprintf(stderr, "ingotd: internal: %s\n", error.what());
    return 2;
  }
}
