// `ingot purge DIR`: forgets finished instances of a hub.

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "core/try.h"
#include "tools/commands/commands.h"
#include "tools/open_hub.h"
#include "tools/output.h"

namespace ingot::tools {
namespace {

struct Arguments {
  std::string directory;
  std::string id;
  std::string prefix;
  std::vector<std::string> statuses;
  bool recursive = false;
  bool all = false;
};

Result<std::uint64_t> purge(Client& client, const Arguments& arguments, PurgeFilter filter) {
  if (!arguments.id.empty()) return client.purge_instance(arguments.id, arguments.recursive);
  filter.prefix = arguments.prefix;
  filter.recursive = arguments.recursive;
  const auto result = client.purge_instances(filter, std::chrono::hours(24 * 365));
  if (!result.ok()) return result.status();
  return result->purged;
}

int run(const Arguments& arguments) {
  PurgeFilter filter;
  for (const std::string& name : arguments.statuses) {
    const auto status = parse_runtime_status(name);
    if (!status || !is_terminal(*status)) {
      return report_failure(Status(StatusCode::invalid_argument,
                                   fmt::format("not the status of a finished instance: {}", name)));
    }
    filter.statuses.push_back(*status);
  }
  if (arguments.id.empty() && arguments.prefix.empty() && filter.statuses.empty() &&
      !arguments.all) {
    return report_failure(Status(StatusCode::invalid_argument,
                                 "say what to purge: --id, --prefix, --status or --all"));
  }
  return look_into_hub(arguments.directory, [&](Client& client) -> Status {
    INGOT_ASSIGN(const std::uint64_t purged, purge(client, arguments, std::move(filter)));
    fmt::print("{} instances purged\n", purged);
    return {};
  });
}

}  // namespace

void add_purge_command(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("purge", "Forget finished instances of a hub");
  command->add_option("DIR", arguments->directory, "The hub's folder")->required();
  CLI::Option* id = command->add_option("--id", arguments->id, "This instance");
  command->add_option("--prefix", arguments->prefix, "Those whose ids begin so")->excludes(id);
  command->add_option("--status", arguments->statuses, "Only these: Completed, Failed, Terminated")
      ->delimiter(',')
      ->excludes(id);
  command->add_flag("--all", arguments->all, "All that have ended")->excludes(id);
  command->add_flag("--recursive", arguments->recursive, "With their sub-orchestrations");
  command->callback([arguments, &exit_code] { exit_code = run(*arguments); });
}

}  // namespace ingot::tools
