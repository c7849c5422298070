// `ingot inspect DIR`: what a hub consists of: partitions, positions, segments, checkpoints, sizes.
// Changes nothing.

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "commit-log/segment_files.h"
#include "core/try.h"
#include "tools/closed_hub.h"
#include "tools/commands/commands.h"
#include "tools/output.h"

namespace ingot::tools {
namespace {

struct Arguments {
  std::string directory;
  bool json = false;
};

struct Segment {
  std::string file;
  Position first;
  std::uint64_t bytes = 0;
};

struct PartitionView {
  PartitionId partition;
  std::vector<Segment> segments;
  log::LogSummary log;
  std::uint64_t payload_bytes = 0;
  std::uint64_t stored_bytes = 0;
  Position durable;  // the greatest that a frame records
  storage::StoreSummary checkpoint;
  std::string checkpoint_fault;  // why it can't be read
};

std::uint64_t file_bytes(const std::string& path) {
  std::error_code failed;
  const auto bytes = std::filesystem::file_size(path, failed);
  return failed ? 0 : bytes;
}

Status look_at_log(const ClosedHub& hub, PartitionView& view) {
  const std::string directory = hub.folder(view.partition).log;
  INGOT_ASSIGN(const auto listing, log::list_log_directory(hub.io(), directory));
  for (const log::SegmentFile& segment : listing.segments) {
    view.segments.push_back({segment.path, segment.first, file_bytes(segment.path)});
  }
  log::LogVisitor visitor;
  visitor.on_frame = [&view](const log::FrameInfo& frame) {
    view.payload_bytes += frame.payload_bytes;
    view.stored_bytes += frame.stored_bytes;
    view.durable = std::max(view.durable, frame.durable);
  };
  INGOT_ASSIGN(view.log, hub.read_log(view.partition, Position(), visitor));
  return {};
}

Result<PartitionView> look_at(const ClosedHub& hub, PartitionId partition) {
  PartitionView view;
  view.partition = partition;
  if (hub.has_log(partition)) INGOT_TRY(look_at_log(hub, view));
  auto store = storage::inspect_lmdb_store(hub.store_options(partition));
  if (store.ok()) {
    view.checkpoint = *std::move(store);
  } else if (store.status().code() != StatusCode::not_found) {
    view.checkpoint_fault = store.status().to_string();
  }
  // Nothing is left in the log when the checkpoint holds it all.
  view.log.last = std::max(view.log.last, view.checkpoint.position);
  return view;
}

Json json_of(const PartitionView& view) {
  Json segments = Json::array();
  for (const Segment& segment : view.segments) {
    segments.push_back({{"file", json_text(segment.file)},
                        {"first_position", segment.first.value},
                        {"bytes", segment.bytes}});
  }
  Json log = {{"first_position", view.log.first.value},
              {"last_position", view.log.last.value},
              {"recorded_durable_position", view.durable.value},
              {"facts", view.log.facts},
              {"frames", view.log.frames},
              {"frame_bytes", view.log.bytes},
              {"payload_bytes", view.payload_bytes},
              {"stored_bytes", view.stored_bytes},
              {"torn_tail", view.log.torn_tail},
              {"faults", view.log.faults},
              {"spares", view.log.spares},
              {"segments", std::move(segments)}};
  Json checkpoint = {{"file", json_text(view.checkpoint.path)},
                     {"position", view.checkpoint.position.value},
                     {"rows", view.checkpoint.rows},
                     {"records", view.checkpoint.records},
                     {"ids", view.checkpoint.ids},
                     {"bytes", view.checkpoint.file_bytes}};
  if (!view.checkpoint_fault.empty()) checkpoint["fault"] = json_text(view.checkpoint_fault);
  return {{"partition", view.partition.value},
          {"log", std::move(log)},
          {"checkpoint", std::move(checkpoint)}};
}

void print(const PartitionView& view) {
  fmt::print("partition {}\n", view.partition.value);
  fmt::print("  log         positions {} to {}; {} facts in {} frames; {} of payload, {} stored\n",
             view.log.first.value, view.log.last.value, view.log.facts, view.log.frames,
             format_bytes(view.payload_bytes), format_bytes(view.stored_bytes));
  for (const Segment& segment : view.segments) {
    fmt::print("              {}, {}\n", printable(segment.file), format_bytes(segment.bytes));
  }
  if (view.log.spares != 0) fmt::print("              {} spare segments\n", view.log.spares);
  if (view.log.torn_tail) {
    fmt::print("              ends in a write that was cut short; the next opening mends it\n");
  }
  if (view.log.faults != 0) {
    fmt::print("              {} faults: `ingot verify` names them\n", view.log.faults);
  }
  if (!view.checkpoint_fault.empty()) {
    fmt::print("  checkpoint  {}\n", printable(view.checkpoint_fault));
  } else if (view.checkpoint.path.empty()) {
    fmt::print("  checkpoint  none\n");
  } else {
    fmt::print("  checkpoint  position {}; {} rows, {} records, {} ids; {}\n",
               view.checkpoint.position.value, view.checkpoint.rows, view.checkpoint.records,
               view.checkpoint.ids, format_bytes(view.checkpoint.file_bytes));
  }
}

int run(const Arguments& arguments) {
  const auto hub = ClosedHub::open(arguments.directory);
  if (!hub.ok()) return report_failure(hub.status());
  Json partitions = Json::array();
  const std::string id = fmt::format("{:016x}", hub->hub_id());
  if (!arguments.json) {
    fmt::print("hub {}: id {}, {} partitions\n", printable(hub->path()), id, hub->partitions());
  }
  for (PartitionId partition; partition.value < hub->partitions(); ++partition) {
    const auto view = look_at(*hub, partition);
    if (!view.ok()) return report_failure(view.status());
    if (arguments.json) {
      partitions.push_back(json_of(*view));
    } else {
      print(*view);
    }
  }
  if (arguments.json) {
    const Json json = {
        {"path", json_text(hub->path())}, {"hub_id", id}, {"partitions", std::move(partitions)}};
    fmt::print("{}\n", json.dump(2));
  }
  return kExitDone;
}

}  // namespace

void add_inspect_command(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command =
      app.add_subcommand("inspect", "Show a hub's partitions, positions, segments and checkpoints");
  command->add_option("DIR", arguments->directory, "The hub's folder")->required();
  command->add_flag("--json", arguments->json, "Print JSON");
  command->callback([arguments, &exit_code] { exit_code = run(*arguments); });
}

}  // namespace ingot::tools
