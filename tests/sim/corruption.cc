#include "tests/sim/corruption.h"

#include <algorithm>

#include "commit-log/segment_files.h"
#include "tests/sim/check_replay.h"

namespace ingot::sim {
namespace {

constexpr std::uint64_t kBlock = 4096;
constexpr std::uint64_t kSector = 512;
// Writes so far back are damaged; older ones lie mostly below the checkpoint.
constexpr std::uint64_t kReach = 40;

}  // namespace

CorruptionTrial::CorruptionTrial(SimHub& hub, const Media& media, PartitionId partition,
                                 Random& random)
    : partition_(partition),
      durable_(media.state(partition).applied),
      copy_(hub.disk().clone(random.next(), SimHub::folder_of(partition))) {
  damage(media, random);
}

std::string CorruptionTrial::path_of(const WholeWrite& write) const {
  return log::segment_path(SimHub::folder_of(partition_), Position(write.segment_id));
}

void CorruptionTrial::damage(const Media& media, Random& random) {
  const std::vector<WholeWrite>& writes = media.writes(partition_);
  if (writes.size() < 2) return;
  const std::uint64_t last = writes.size() - 1;
  const std::uint64_t reach = std::min(last, kReach);
  const WholeWrite& target = writes[last - 1 - random.below(reach)];
  const WholeWrite& other = writes[last - random.below(reach + 1)];
  const std::string path = path_of(target);
  if (copy_->file_size(path) < target.offset + target.bytes) return;  // recycled
  const std::uint64_t block = target.offset + random.below(target.bytes / kBlock) * kBlock;
  switch (random.below(5)) {
    case 0:
      what_ = "a bit flipped";
      copy_->flip_bit(path, target.offset + random.below(target.bytes),
                      static_cast<unsigned>(random.below(8)));
      break;
    case 1:
      what_ = "a sector of zeros";
      copy_->overwrite(path, block + random.below(kBlock / kSector) * kSector,
                       std::string(kSector, '\0'));
      break;
    case 2:
      what_ = "a write that never happened";
      copy_->overwrite(path, target.offset, std::string(target.bytes, '\0'));
      break;
    default: {
      if (copy_->file_size(path_of(other)) < other.offset + other.bytes) return;
      what_ = "the block of another write";
      const std::string bytes = copy_->read_file(path_of(other)).substr(other.offset, kBlock);
      copy_->overwrite(path, block, bytes);
    }
  }
  what_ += " in " + path + " at offset " + std::to_string(block);
}

void CorruptionTrial::run(SimHub& hub, const Media& media, Random& random, Findings& findings) {
  SimIo io(*copy_);
  const Result<partition::Recovered> recovered = hub.recover_from(io, partition_);
  const auto wrong = [&](std::string text, std::string id) {
    findings.violated("corruption", partition_, std::move(id), what_ + ": " + std::move(text));
  };
  if (!recovered.ok()) {
    refused_ = true;
    const Status& status = recovered.status();
    const bool named =
        status.message().find(SimHub::folder_of(partition_) + "/segment-") != std::string::npos;
    if (status.code() != StatusCode::corrupt || !named) {
      wrong("not refused by name: " + status.to_string(), {});
    }
    return;
  }
  const Position found = recovered->state->applied;
  if (found < durable_) {
    return wrong("accepted up to position " + std::to_string(found.value) + ", and " +
                     std::to_string(durable_.value) + " was durable",
                 {});
  }
  const partition::PartitionState& pure = media.state(partition_);
  if (found != pure.applied) return;  // of what was being written, which nobody was told of
  std::string id;
  const std::string fault =
      compare_states(pure, *recovered->state, *recovered->store, 8, random, id);
  if (!fault.empty()) wrong("accepted, and " + fault, id);
}

}  // namespace ingot::sim
