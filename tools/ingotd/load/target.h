#pragma once

// Target: the server that a load is put on, and the connections to it.

#include <grpcpp/grpcpp.h>
#include <ingot/status.h>
#include <orchestrator_service.grpc.pb.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace ingot::server {

using Stub = ::TaskHubSidecarService::Stub;

struct TargetOptions {
  std::string address = "127.0.0.1:4001";
  std::string hub = "default";
  std::string token_file;
  std::uint32_t connections = 2;
  int server_pid = 0;  // 0: its memory and processor time are not known
};

// Adds the options to a command.
void add_target_options(CLI::App& app, TargetOptions& options);

class Target {
 public:
  explicit Target(TargetOptions options) : options_(std::move(options)) {}

  // Connects and greets, which creates the hub where the server does that.
  Status open();
  [[nodiscard]] std::unique_ptr<grpc::ClientContext> context() const;
  // One for each connection.
  [[nodiscard]] const std::vector<std::unique_ptr<Stub>>& stubs() const { return stubs_; }
  // The `i`-th of whatever there are many of, spread over the connections.
  [[nodiscard]] Stub& stub(std::size_t i) const { return *stubs_[i % stubs_.size()]; }

 private:
  const TargetOptions options_;
  std::string token_;
  std::vector<std::unique_ptr<Stub>> stubs_;
};

// "<what>: <code> <message>", of a call that has failed.
[[nodiscard]] std::string describe(const std::string& what, const grpc::Status& status);

struct ProcessFigures {
  double cpu_seconds = 0;
  std::uint64_t resident_bytes = 0;
};

// Of a process of this machine; nothing when it can't be seen, or `pid` is 0.
[[nodiscard]] std::optional<ProcessFigures> read_process(int pid);

}  // namespace ingot::server
