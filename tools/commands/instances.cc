// `ingot instances DIR`: lists the instances of a hub, or shows one.

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
  std::string id;
  std::string prefix;
  std::vector<std::string> statuses;
  bool json = false;
};

constexpr const char* kRow = "{:<40} {:<24} {:<11} {:<27} {:<27} {}\n";

void print_row(const InstanceState& state) {
  fmt::print(kRow, printable(state.instance_id), printable(state.name), to_string(state.status),
             format_time(state.created_at), format_time(state.last_updated_at),
             printable(state.custom_status.value_or(""), 60));
}

void print_heading() {
  fmt::print(kRow, "INSTANCE", "NAME", "STATUS", "CREATED", "UPDATED", "CUSTOM STATUS");
}

Status show_one(Client& client, const Arguments& arguments) {
  const auto state = client.get_instance(arguments.id);
  if (!state.ok()) return state.status();
  if (arguments.json) {
    JsonArray().add(json_of(*state));
    return {};
  }
  print_heading();
  print_row(*state);
  if (state->input) fmt::print("input:   {}\n", printable(*state->input));
  if (state->output) fmt::print("output:  {}\n", printable(*state->output));
  if (state->failure) {
    fmt::print("failure: {}: {}\n", printable(state->failure->type),
               printable(state->failure->message));
  }
  return {};
}

Status show_all(Client& client, const Arguments& arguments, InstanceQuery query) {
  query.prefix = arguments.prefix;
  return print_pages(
      query, [&](const InstanceQuery& page) { return client.query_instances(page); },
      &InstancePage::instances,
      Listing<InstanceState>{"instances", arguments.json, print_heading, print_row});
}

int run(const Arguments& arguments) {
  InstanceQuery query;
  for (const std::string& name : arguments.statuses) {
    const auto status = parse_runtime_status(name);
    if (!status) {
      return report_failure(
          Status(StatusCode::invalid_argument, fmt::format("no such status: {}", name)));
    }
    query.statuses.push_back(*status);
  }
  return look_into_hub(arguments.directory, [&](Client& client) {
    return arguments.id.empty() ? show_all(client, arguments, query) : show_one(client, arguments);
  });
}

}  // namespace

void add_instances_command(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("instances", "List the instances of a hub");
  command->add_option("DIR", arguments->directory, "The hub's folder")->required();
  CLI::Option* id = command->add_option("--id", arguments->id, "Show this instance only");
  command->add_option("--prefix", arguments->prefix, "Only ids that begin so")->excludes(id);
  command
      ->add_option("--status", arguments->statuses,
                   "Only these: Pending, Running, Completed, Failed, Terminated, Suspended")
      ->delimiter(',')
      ->excludes(id);
  command->add_flag("--json", arguments->json, "Print a JSON array");
  command->callback([arguments, &exit_code] { exit_code = run(*arguments); });
}

}  // namespace ingot::tools
