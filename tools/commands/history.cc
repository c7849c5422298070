// `ingot history DIR ID`: the history of one instance.

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
  bool json = false;
};

void print(const std::vector<HistoryEvent>& history, bool as_json) {
  if (as_json) {
    JsonArray array;
    for (const HistoryEvent& event : history) array.add(json_of(event));
    return;
  }
  for (const HistoryEvent& event : history) {
    fmt::print("{} {:<22} {}\n", format_time(event.timestamp), to_string(event.kind),
               describe(event));
  }
}

int run(const Arguments& arguments) {
  return look_into_hub(arguments.directory, [&](Client& client) -> Status {
    INGOT_ASSIGN(const auto history, client.get_history(arguments.id));
    print(history, arguments.json);
    return {};
  });
}

}  // namespace

void add_history_command(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("history", "Show the history of one instance");
  command->add_option("DIR", arguments->directory, "The hub's folder")->required();
  command->add_option("ID", arguments->id, "The instance id")->required();
  command->add_flag("--json", arguments->json, "Print a JSON array");
  command->callback([arguments, &exit_code] { exit_code = run(*arguments); });
}

}  // namespace ingot::tools
