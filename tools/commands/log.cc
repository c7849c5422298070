// `ingot log DIR PARTITION`: the facts of a partition's commit log. Changes nothing.

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "tools/closed_hub.h"
#include "tools/commands/commands.h"
#include "tools/fact_output.h"
#include "tools/output.h"

namespace ingot::tools {
namespace {

struct Arguments {
  std::string directory;
  std::uint32_t partition = 0;
  std::uint64_t from = 0;
  bool json = false;
};

class Printer {
 public:
  explicit Printer(const Arguments& arguments) : arguments_(arguments) {
    if (arguments.json) array_.emplace();
  }

  Status print(Position position, std::string_view bytes) {
    if (position.value < arguments_.from) return {};
    if (array_) {
      auto json = fact_to_json(position, bytes);
      if (!json.ok()) return json.take_status();
      array_->add(*json);
    } else {
      const auto line = fact_to_line(position, bytes);
      if (!line.ok()) return line.status();
      fmt::print("{}\n", *line);
    }
    return {};
  }

 private:
  const Arguments& arguments_;
  std::optional<JsonArray> array_;
};

int run(const Arguments& arguments) {
  const auto hub = ClosedHub::open(arguments.directory);
  if (!hub.ok()) return report_failure(hub.status());
  const PartitionId partition(arguments.partition);
  if (partition.value >= hub->partitions()) {
    return report_failure(Status(
        StatusCode::not_found, fmt::format("{} has no partition {}: they are 0 to {}", hub->path(),
                                           partition.value, hub->partitions() - 1)));
  }
  int exit_code = kExitDone;
  const auto fault = [&exit_code](const Status& status) {
    report_failure(status);
    exit_code = kExitFaults;
  };
  Printer printer(arguments);
  log::LogVisitor visitor;
  visitor.on_fault = [&](const log::LogFault& found) { fault(found.status); };
  visitor.on_fact = [&](Position position, std::string_view bytes) {
    if (Status status = printer.print(position, bytes); !status.ok()) {
      fault(status.with_context(fmt::format("position {}", position.value)));
    }
    return Status();
  };
  const auto summary = hub->read_log(partition, Position(), visitor);
  return summary.ok() ? exit_code : report_failure(summary.status());
}

}  // namespace

void add_log_command(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("log", "Show the facts of a partition's commit log");
  command->add_option("DIR", arguments->directory, "The hub's folder")->required();
  command->add_option("PARTITION", arguments->partition, "The partition, from 0")->required();
  command->add_option("--from", arguments->from, "The first position to show");
  command->add_flag("--json", arguments->json, "Print a JSON array");
  command->callback([arguments, &exit_code] { exit_code = run(*arguments); });
}

}  // namespace ingot::tools
