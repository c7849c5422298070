// `ingot entities DIR`: lists the entities of a hub.

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "tools/commands/commands.h"
#include "tools/open_hub.h"
#include "tools/output.h"

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

Json json_of(const EntityState& state) {
  Json json;
  json["id"] = json_text(to_string(state.id));
  json["created_at"] = format_time(state.created_at);
  json["last_updated_at"] = format_time(state.last_updated_at);
  json["queued_operations"] = state.queued_operations;
  if (!state.locked_by.empty()) json["locked_by"] = json_text(state.locked_by);
  if (state.state) json["state"] = json_text(*state.state);
  return json;
}

Status show(Client& client, const Arguments& arguments) {
  EntityQuery query;
  query.page_size = 1000;
  query.prefix = arguments.prefix;
  query.include_transient = arguments.all;
  std::optional<JsonArray> array;
  std::uint64_t count = 0;
  do {
    const auto page = client.query_entities(query);
    if (!page.ok()) return page.status();
    if (arguments.json && !array) array.emplace();
    if (!arguments.json && count == 0) {
      fmt::print(kRow, "ENTITY", "UPDATED", "QUEUED", "LOCKED BY", "STATE");
    }
    for (const EntityState& state : page->entities) {
      ++count;
      if (arguments.json) {
        array->add(json_of(state));
      } else {
        print_row(state);
      }
    }
    query.continuation_token = page->continuation_token;
  } while (!query.continuation_token.empty());
  if (!arguments.json) fmt::print("{} entities\n", count);
  return {};
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
