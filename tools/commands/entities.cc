// `ingot entities DIR`: lists the entities of a hub.

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "tools/commands/commands.h"
#include "tools/open_hub.h"
#include "tools/print_pages.h"

namespace ingot::tools {
namespace {

struct Arguments {
  std::string directory;
  std::string prefix;
  bool all = false;
  bool json = false;
};

constexpr const char* kRow = "{:<40} {:<27} {:>6} {:<24} {}\n";

void print_row(const EntityState& state) {
  fmt::print(kRow, printable(to_string(state.id)), format_time(state.last_updated_at),
             state.queued_operations, printable(state.locked_by),
             printable(state.state.value_or(""), 60));
}

void print_heading() { fmt::print(kRow, "ENTITY", "UPDATED", "QUEUED", "LOCKED BY", "STATE"); }

Status show(Client& client, const Arguments& arguments) {
  EntityQuery query;
  query.prefix = arguments.prefix;
  query.include_transient = arguments.all;
  return print_pages(
      query, [&](const EntityQuery& page) { return client.query_entities(page); },
      &EntityPage::entities,
      Listing<EntityState>{"entities", arguments.json, print_heading, print_row});
}

int run(const Arguments& arguments) {
  return look_into_hub(arguments.directory,
                       [&](Client& client) { return show(client, arguments); });
}

}  // namespace

void add_entities_command(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("entities", "List the entities of a hub");
  command->add_option("DIR", arguments->directory, "The hub's folder")->required();
  command->add_option("--prefix", arguments->prefix, "Only ids that begin so: @name@key");
  command->add_flag("--all", arguments->all, "Also those without state");
  command->add_flag("--json", arguments->json, "Print a JSON array");
  command->callback([arguments, &exit_code] { exit_code = run(*arguments); });
}

}  // namespace ingot::tools
