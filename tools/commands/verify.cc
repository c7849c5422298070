// `ingot verify DIR`: reads every frame, fact, row, checksum and tally of a hub, carries out the
// facts behind each checkpoint, and compares what the partitions know of each other. Changes
// nothing.
//
// Prints a line per fault: the file, the offset and position in it (or the table and key), and what
// is wrong there.

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>

#include "core/try.h"
#include "partition/peers/channel_ends.h"
#include "partition/recovery/replay.h"
#include "tools/closed_hub.h"
#include "tools/commands/commands.h"
#include "tools/fact_output.h"
#include "tools/output.h"

namespace ingot::tools {
namespace {

// What an opening would make of a checkpoint and the facts behind it.
class Replay {
 public:
  Replay(PartitionId partition, std::uint32_t partitions)
      : state_(std::make_unique<partition::PartitionState>(partition, partitions)) {}

  Status load(const storage::LmdbStoreOptions& options) {
    INGOT_ASSIGN(checkpoint_, storage::view_lmdb_store(options));
    return partition::load_checkpoint(*checkpoint_, *state_);
  }
  // Facts that the checkpoint holds are passed over.
  Status take(Position position, std::string_view fact) {
    if (position <= state_->applied) return {};
    if (position != state_->applied.plus(1)) {
      return {StatusCode::corrupt, fmt::format("follows position {}", state_->applied.value)};
    }
    return partition::replay_fact(*checkpoint_, *state_, position, fact, effects_);
  }
  [[nodiscard]] partition::ChannelEnds ends() const { return partition::channel_ends(*state_); }

 private:
  std::unique_ptr<storage::CheckpointView> checkpoint_;
  std::unique_ptr<partition::PartitionState> state_;
  Effects effects_;
};

class Verifier {
 public:
  explicit Verifier(const ClosedHub& hub) : hub_(hub) {}

  // A failure is what kept it from reading on.
  Status verify() {
    for (PartitionId partition; partition.value < hub_.partitions(); ++partition) {
      INGOT_TRY(verify_partition(partition));
    }
    verify_channels();
    return {};
  }

  int report() const {
    if (faults_ != 0) {
      fmt::print("{} fault{} in {}\n", faults_, faults_ == 1 ? "" : "s", hub_.path());
      return kExitFaults;
    }
    fmt::print("clean: {} partitions, {} frames, {} facts, {} rows, {} records, {} ids\n",
               hub_.partitions(), frames_, facts_, rows_, records_, ids_);
    return kExitDone;
  }

 private:
  void fault(std::string_view line) {
    ++faults_;
    fmt::print("{}\n", printable(line, 4096));
  }

  Status verify_partition(PartitionId partition) {
    if (!hub_.has_log(partition)) {
      fault(hub_.folder(partition).log +
            ": missing; the hub was never opened wholly, or the folder was removed");
      return {};
    }
    const std::uint64_t faults = faults_;
    INGOT_ASSIGN(const std::optional<Position> checkpoint, verify_checkpoint(partition));
    std::optional<Replay> replay;
    if (faults_ == faults) {
      replay.emplace(partition, hub_.partitions());
      INGOT_TRY(replay_checkpoint(partition, *replay));
    }
    INGOT_TRY(verify_log(partition, checkpoint, faults_ == faults ? &*replay : nullptr));
    if (faults_ == faults) ends_.push_back(replay->ends());
    return {};
  }

  // Of the partitions without a fault of their own: where another's begins, nothing can be said.
  void verify_channels() {
    for (const partition::ChannelEnds& origin : ends_) {
      for (const partition::ChannelEnds& destination : ends_) {
        const auto found = partition::check_channel(origin, destination);
        if (found) fault(hub_.folder(found->behind).log + ": " + found->what);
      }
    }
  }

  Status replay_checkpoint(PartitionId partition, Replay& replay) {
    const Status loaded = replay.load(hub_.store_options(partition));
    if (loaded.code() == StatusCode::io_error) return loaded;
    if (!loaded.ok()) fault(hub_.folder(partition).checkpoint + ": " + loaded.message());
    return {};
  }

  // The checkpoint's position; nothing when there is no checkpoint, which is a fault.
  Result<std::optional<Position>> verify_checkpoint(PartitionId partition) {
    auto store = storage::verify_lmdb_store(
        hub_.store_options(partition),
        [this](const storage::StoreFault& found) { fault(found.where + ": " + found.what); });
    if (store.status().code() == StatusCode::not_found) {
      fault(store.status().message() + " is missing");
      return std::optional<Position>();
    }
    if (!store.ok()) return store.take_status();
    rows_ += store->rows;
    records_ += store->records;
    ids_ += store->ids;
    return std::optional(store->position);
  }

  // Carries the facts out as long as there is no fault; `replay` may be null.
  Status verify_log(PartitionId partition, std::optional<Position> checkpoint, Replay* replay) {
    const std::uint64_t faults = faults_;
    std::string frame;  // the place of the frame whose facts are being read
    log::LogVisitor visitor;
    visitor.on_frame = [&](const log::FrameInfo& found) {
      frame = fmt::format("{}, offset {}", found.file, found.offset);
    };
    visitor.on_fact = [&](Position position, std::string_view bytes) {
      Status status = check_fact(bytes);
      if (status.ok() && replay != nullptr && faults_ == faults) {
        status = replay->take(position, bytes);
      }
      if (status.code() == StatusCode::io_error) return status;
      if (!status.ok()) {
        fault(fmt::format("{}, position {}: {}", frame, position.value, status.message()));
      }
      return Status();
    };
    visitor.on_fault = [&](const log::LogFault& found) {
      const std::string place =
          fmt::format("{}, offset {}, position {}", found.file, found.offset, found.position.value);
      const std::string& message = found.status.message();
      fault(message.starts_with(place) ? message : place + ": " + message);
    };
    INGOT_ASSIGN(const log::LogSummary log,
                 hub_.read_log(partition, checkpoint.value_or(Position()), visitor));
    frames_ += log.frames;
    facts_ += log.facts;
    const std::string directory = hub_.folder(partition).log;
    if (checkpoint.value_or(Position()).value == 0 && log.segments == 0) {
      fault(directory + ": the log has no segments");
    }
    if (checkpoint.value_or(Position()).value == 0 && log.first.value > 1) {
      fault(fmt::format("{}: begins at position {}, and no checkpoint holds what was before it",
                        directory, log.first.value));
    }
    if (log.torn_tail) {
      fmt::print("note: {} ends in a write that was cut short; the next opening mends it\n",
                 directory);
    }
    return {};
  }

  const ClosedHub& hub_;
  std::vector<partition::ChannelEnds> ends_;  // of the partitions without a fault
  std::uint64_t faults_ = 0;
  std::uint64_t frames_ = 0;
  std::uint64_t facts_ = 0;
  std::uint64_t rows_ = 0;
  std::uint64_t records_ = 0;
  std::uint64_t ids_ = 0;
};

int run(const std::string& directory) {
  const auto hub = ClosedHub::open(directory);
  if (hub.status().code() == StatusCode::corrupt) {
    fmt::print("{}\n", printable(hub.status().message(), 4096));
    return kExitFaults;
  }
  if (!hub.ok()) return report_failure(hub.status());
  Verifier verifier(*hub);
  const Status status = verifier.verify();
  // What has not been read is not clean.
  return status.ok() ? verifier.report() : report_failure(status);
}

}  // namespace

void add_verify_command(CLI::App& app, int& exit_code) {
  auto directory = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand(
      "verify", "Read all of a hub; exit 0 when it is clean, 1 with a line per fault");
  command->add_option("DIR", *directory, "The hub's folder")->required();
  command->callback([directory, &exit_code] { exit_code = run(*directory); });
}

}  // namespace ingot::tools
