#pragma once

// HubVictim: the whole folder of a closed hub, damaged in any file of it, then opened by
// TaskHub::open() and asked for every instance and every history.
//
// The hub has two partitions, checkpoints of several generations, logs whose first segments were
// trimmed and recycled, instances that ended or wait, and children in the other partition. What
// opening refuses, `ingot verify` has to refuse as well.

#include <ingot/registry.h>
#include <ingot/task_hub.h>

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/corruption/victim.h"

namespace ingot::corruption {

class HubVictim final : public Victim {
 public:
  // Makes the hub in `directory`, which exists and is empty.
  explicit HubVictim(std::string directory);
  [[nodiscard]] std::string_view name() const override { return "hub"; }
  [[nodiscard]] const std::vector<DamageKind>& kinds() const override { return kinds_; }
  CaseResult run(std::size_t kind, std::uint64_t number) override;

 private:
  using Files = std::map<std::string, std::string>;  // by the path from the hub's folder
  // What a client sees: a hash of each instance and its history.
  using Seen = std::map<std::string, std::uint64_t>;
  struct Block {
    std::string file;
    std::uint64_t offset;
  };
  struct OldBlock {
    Block block;
    std::string bytes;
  };

  void make_hub();
  void work(TaskHub& hub, int round);
  void list_kinds();
  [[nodiscard]] Files read_files() const;
  void restore();
  [[nodiscard]] std::string path_of(const std::string& file) const { return hub_ + "/" + file; }
  [[nodiscard]] std::string_view block_at(const Block& block) const;
  [[nodiscard]] Block byte_at(std::uint64_t number) const;
  // The files that were damaged.
  std::vector<std::string> damage(std::size_t kind, std::uint64_t number);
  [[nodiscard]] Result<std::unique_ptr<TaskHub>> open() const;
  [[nodiscard]] static Status look(TaskHub& hub, Seen& seen);
  CaseResult judge(const std::vector<std::string>& damaged, bool go_on);
  CaseResult judge_refusal(const std::vector<std::string>& damaged, const Status& refused);
  CaseResult judge_future();

  std::string hub_;
  Registry registry_;
  HubOptions options_;
  Files good_;
  Seen expected_;
  std::vector<Block> blocks_;
  std::vector<Files> generations_;  // as it was at earlier moments
  std::vector<OldBlock> old_blocks_;
  std::vector<std::string> names_;   // of the files
  std::vector<std::string> missed_;  // of these, the files whose loss can be told
  std::vector<std::pair<std::string, std::string>> pairs_;  // files that may change places
  std::vector<std::string> folders_;                        // of the partitions
  std::vector<DamageKind> kinds_;
};

}  // namespace ingot::corruption
