#pragma once

// Keeps the number of id runs small: adds each checkpoint's run and merges runs of like size.
//
// Runs have levels. A checkpoint adds one run at level 0, merged at once with the newest one while
// both are small. When kRunsPerLevel runs of one level have gathered, a job merges all that level
// has into one run of the next level; one job a level at a time. A job does a bounded part of its
// work in each checkpoint, the lower levels first, so that no checkpoint waits for a large merge.
//
// A tombstone is dropped when nothing older than the job's sources exists. That may take long, and
// every walk over the ids passes by all of them: when a quarter of the entries are tombstones, a
// job merges the oldest runs, up to one that another job has.
//
// Invariants: runs are listed oldest first. A job's sources lie side by side, and its result takes
// their place. Levels rise from the youngest run to the oldest, but for the sources of a merge of
// all that is, or was, cut off: what is merged beside it may overtake them. Such a run counts as
// one of the level that overtook it.
//
// What an unfinished job has written belongs to no run: each meta row lists it as garbage, so that
// a reopened store, or one whose checkpoint was abandoned, deletes it and begins the job again.

#include <memory>
#include <string>
#include <vector>

#include "storage/id_run.h"
#include "storage/table_writer.h"

namespace ingot::storage {

using IdRuns = std::vector<std::shared_ptr<const IdRun>>;

class IdMerger {
 public:
  static constexpr std::size_t kRunsPerLevel = 4;
  static constexpr std::uint64_t kSmallRun = 4096;

  // A new checkpoint begins from the snapshot whose runs are `runs`, oldest first, and whose meta
  // row lists `garbage`. `continued`: it follows on the last one that this object worked for.
  void begin(IdRuns runs, std::vector<BlockRange> garbage, bool continued);
  // Adds what this checkpoint says about ids; `entries` ascend, each id once.
  Status add(const std::vector<IdEntry>& entries, TableReader& reader, TableWriter& writer);
  // Works on the merges and deletes garbage, bounded by the number of entries added. Records the
  // runs and the garbage in the writer's meta row.
  Status finish(TableReader& reader, TableWriter& writer);
  [[nodiscard]] const IdRuns& runs() const { return runs_; }

 private:
  struct Job {
    std::uint32_t level = 0;         // kAllLevels: of every run there was
    std::uint32_t result_level = 0;  // at least
    IdRuns sources;                  // newest first
    IdRunBuilder builder;
    std::string last_id;
    bool started = false;
    bool drop_tombstones = false;
    bool finished = false;
  };

  static constexpr std::uint32_t kAllLevels = UINT32_MAX;
  [[nodiscard]] bool has_job(std::uint32_t level) const;
  void start_jobs();
  void start_job_of_all();
  // `sources` are newest first.
  void start_job(std::uint32_t level, std::uint32_t result_level, IdRuns sources);
  Status work(Job& job, std::uint64_t& budget, TableReader& reader, TableWriter& writer);
  Status complete(Job& job, TableWriter& writer);
  Status store_run(const std::shared_ptr<const IdRun>& run, TableWriter& writer);
  Status remove_run(const IdRun& run, TableWriter& writer);
  Status collect_garbage(std::uint64_t budget, TableWriter& writer);
  [[nodiscard]] bool in_job(const IdRun& run) const;

  IdRuns runs_;  // oldest first
  std::vector<BlockRange> garbage_;
  std::vector<std::unique_ptr<Job>> jobs_;  // by level, the lowest first
  std::uint64_t added_ = 0;
};

// Finds single ids in runs, newest first; keeps a cursor a run, so that ascending ids share blocks.
class IdLookup {
 public:
  // `runs` (newest first) and `reader` outlive it.
  IdLookup(TableReader& reader, const IdRuns& runs);
  // What the newest run that knows `id` says, tombstones too; nothing when none knows it. Valid
  // until the next call.
  Result<std::optional<IdEntry>> find(std::string_view id) { return find(id, id_hash(id)); }
  Result<std::optional<IdEntry>> find(std::string_view id, std::uint64_t hash);
  // Fetches what find() will ask for first.
  void prefetch(std::uint64_t hash) const {
    for (const auto& run : runs_) run->bloom().prefetch(hash);
  }

 private:
  const IdRuns& runs_;
  std::vector<IdRunCursor> cursors_;
};

}  // namespace ingot::storage
