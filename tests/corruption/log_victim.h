#pragma once

// LogVictim: a commit log whose every fact is covered by a watermark, damaged byte by byte, block
// by block and length by length.
//
// Its segments are recycled files, full of the frames of their earlier use; written by two
// incarnations, in frames of one block and of many, plain and compressed, several in one write,
// with watermarks between them. Each opening is a real one, of the commit log, over files in
// memory; what it refuses is read by LogReader as well, which has to find a fault too.

#include <map>
#include <string>
#include <vector>

#include "tests/commit-log/image_io.h"
#include "tests/corruption/victim.h"

namespace ingot::corruption {

// A log that is written as a defective detector would have had it: tests of the tests.
enum class Detector : std::uint8_t {
  works,
  no_watermark,             // the last batch is never covered by a watermark
  frozen_durable_position,  // each frame says that nothing before it was durable
  frozen_proofs,            // as that, and each frame says that it belongs to the first write
};

struct LogVictimPlan {
  int segments = 1;  // live ones, of 1 MiB: 1 or 2
  Detector detector = Detector::works;
};

class LogVictim final : public Victim {
 public:
  explicit LogVictim(const LogVictimPlan& plan);
  [[nodiscard]] std::string_view name() const override { return name_; }
  [[nodiscard]] const std::vector<DamageKind>& kinds() const override { return kinds_; }
  CaseResult run(std::size_t kind, std::uint64_t number) override;

 private:
  // A block of one of the live segments.
  struct Place {
    std::string file;
    std::uint64_t offset;
  };
  // A block as it was before: of the file's earlier use, or of a moment of this one.
  struct OldBlock {
    Place place;
    std::string bytes;
  };

  void write_log(const LogVictimPlan& plan);
  void keep_generation();
  void list_kinds();
  [[nodiscard]] Place place_of_byte(std::uint64_t number) const;
  [[nodiscard]] std::string_view block_at(const Place& place) const;
  // The files that were damaged.
  std::vector<std::string> damage(std::size_t kind, std::uint64_t number);
  CaseResult judge(const std::vector<std::string>& damaged, bool go_on);
  CaseResult judge_refusal(const std::vector<std::string>& damaged, const std::string& message);
  CaseResult judge_future();

  std::string name_;
  log::Image image_;
  std::uint64_t checkpoint_ = 0;
  std::vector<std::string> facts_;  // those after the checkpoint
  std::vector<std::string> files_;  // the live segments
  std::vector<std::map<std::string, std::string>> generations_;
  std::vector<Place> blocks_;
  std::vector<OldBlock> old_blocks_;
  std::vector<DamageKind> kinds_;
};

}  // namespace ingot::corruption
