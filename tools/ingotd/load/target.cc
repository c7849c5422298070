#include "tools/ingotd/load/target.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <sstream>

namespace ingot::server {

void add_target_options(CLI::App& app, TargetOptions& options) {
  app.add_option("--address", options.address, "Where ingotd listens")->capture_default_str();
  app.add_option("--taskhub", options.hub, "The task hub")->capture_default_str();
  app.add_option("--token-file", options.token_file, "File whose first line is the bearer token");
  app.add_option("--connections", options.connections, "Connections that the load is spread over")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  app.add_option("--server-pid", options.server_pid,
                 "Process id of ingotd on this machine, for the figures of its memory and CPU")
      ->check(CLI::PositiveNumber);
}

Status Target::open() {
  if (!options_.token_file.empty()) {
    std::ifstream file(options_.token_file);
    if (!std::getline(file, token_)) {
      return Status(StatusCode::io_error, options_.token_file + ": it can't be read");
    }
  }
  for (std::uint32_t i = 0; i < options_.connections; ++i) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    stubs_.push_back(::TaskHubSidecarService::NewStub(grpc::CreateCustomChannel(
        options_.address, grpc::InsecureChannelCredentials(), arguments)));
  }
  google::protobuf::Empty empty;
  const grpc::Status hello = stubs_.front()->Hello(context().get(), empty, &empty);
  if (hello.ok()) return {};
  return Status(StatusCode::unavailable, options_.address + ": " + hello.error_message());
}

std::unique_ptr<grpc::ClientContext> Target::context() const {
  auto context = std::make_unique<grpc::ClientContext>();
  context->AddMetadata("taskhub", options_.hub);
  if (!token_.empty()) context->AddMetadata("authorization", "Bearer " + token_);
  return context;
}

std::string describe(const std::string& what, const grpc::Status& status) {
  return what + ": " + std::to_string(status.error_code()) + " " + status.error_message();
}

std::optional<ProcessFigures> read_process(int pid) {
  if (pid <= 0) return std::nullopt;
  const std::string folder = "/proc/" + std::to_string(pid);
  std::ifstream stat_file(folder + "/stat");
  std::ifstream memory_file(folder + "/statm");
  std::string stat;
  std::uint64_t pages = 0;
  std::uint64_t resident_pages = 0;
  if (!std::getline(stat_file, stat) || !(memory_file >> pages >> resident_pages)) {
    return std::nullopt;
  }
  // The name in parentheses may hold anything. Behind it: the state, ten numbers, and the times.
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(stat.substr(name_end + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0;
  double system = 0;
  if (!(fields >> user >> system)) return std::nullopt;
  ProcessFigures figures;
  figures.cpu_seconds = (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
  figures.resident_bytes = resident_pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  return figures;
}

}  // namespace ingot::server
