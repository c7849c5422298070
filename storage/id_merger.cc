#include "storage/id_merger.h"

#include <algorithm>

#include "core/assert.h"
#include "core/planted_bug.h"
#include "core/try.h"

namespace ingot::storage {
namespace {

// Entries merged in a checkpoint: so many for each one added, and so many in any case. With six
// levels in use each entry is merged six times in its life, so the work keeps up.
constexpr std::uint64_t kMergedPerAdded = 8;
constexpr std::uint64_t kEntriesPerTombstone = 4;
constexpr std::uint64_t kMergedAtLeast = 20'000;
// The same for blocks deleted; a block holds about fifty entries.
constexpr std::uint64_t kBlocksAtLeast = 1'000;
constexpr std::uint64_t kAddedPerBlock = 4;

IdRunBuilder::BlockSink block_sink(TableWriter& writer) {
  return [&writer](std::string_view block) -> Result<std::uint64_t> {
    const std::uint64_t number = writer.meta().next_block++;
    std::string key;
    append_big_endian64(key, number);
    INGOT_TRY(writer.append(Table::id_blocks, key, block));
    return number;
  };
}

}  // namespace

void IdMerger::begin(IdRuns runs, std::vector<BlockRange> garbage, bool continued) {
  added_ = 0;
  if (continued) return;
  runs_ = std::move(runs);
  garbage_ = std::move(garbage);
  jobs_.clear();
}

bool IdMerger::in_job(const IdRun& run) const {
  return std::any_of(jobs_.begin(), jobs_.end(), [&](const auto& job) {
    return std::any_of(job->sources.begin(), job->sources.end(),
                       [&](const auto& source) { return source.get() == &run; });
  });
}

Status IdMerger::store_run(const std::shared_ptr<const IdRun>& run, TableWriter& writer) {
  for (std::uint8_t part = 1; part <= IdRun::kParts; ++part) {
    INGOT_TRY(writer.append_chunked(Table::run_parts, IdRun::part_key(run->number(), part),
                                    run->encode_part(part)));
  }
  return {};
}

Status IdMerger::remove_run(const IdRun& run, TableWriter& writer) {
  for (std::uint8_t part = 1; part <= IdRun::kParts; ++part) {
    INGOT_TRY(
        writer.erase_chunked(Table::run_parts, IdRun::part_key(run.number(), part)).take_status());
  }
  garbage_.insert(garbage_.end(), run.ranges().begin(), run.ranges().end());
  return {};
}

Status IdMerger::add(const std::vector<IdEntry>& entries, TableReader& reader,
                     TableWriter& writer) {
  if (entries.empty()) return {};
  added_ = entries.size();
  const auto sink = block_sink(writer);
  std::shared_ptr<const IdRun> small;
  if (!runs_.empty() && runs_.back()->level() == 0 && runs_.back()->entries() < kSmallRun &&
      entries.size() < kSmallRun && !in_job(*runs_.back())) {
    small = runs_.back();
  }
  IdRunBuilder builder(entries.size() + (small ? small->entries() : 0));
  if (small) {
    // One pass over both; the new entry wins.
    const bool drop = runs_.size() == 1;
    const auto keep = [&](const IdEntry& entry) -> Status {
      if (drop && entry.kind == IdKind::tombstone) return {};
      return builder.add(entry, sink);
    };
    IdRunCursor old(reader, *small);
    INGOT_ASSIGN(bool more, old.seek({}));
    for (const IdEntry& entry : entries) {
      while (more && old.entry().id < entry.id) {
        INGOT_TRY(keep(old.entry()));
        INGOT_ASSIGN(more, old.next());
      }
      if (more && old.entry().id == entry.id) {
        INGOT_ASSIGN(more, old.next());
      }
      INGOT_TRY(keep(entry));
    }
    while (more) {
      INGOT_TRY(keep(old.entry()));
      INGOT_ASSIGN(more, old.next());
    }
    INGOT_TRY(remove_run(*small, writer));
    runs_.pop_back();
  } else {
    for (const IdEntry& entry : entries) INGOT_TRY(builder.add(entry, sink));
  }
  if (builder.entries() == 0) return {};
  INGOT_TRY(builder.flush(sink));
  runs_.push_back(builder.finish({writer.meta().next_run++, 0}));
  return store_run(runs_.back(), writer);
}

bool IdMerger::has_job(std::uint32_t level) const {
  return std::any_of(jobs_.begin(), jobs_.end(),
                     [&](const auto& job) { return job->level == level; });
}

// From the youngest run on: neighbours of one level, where a run that a younger one has overtaken
// is of that one's level.
void IdMerger::start_jobs() {
  std::uint32_t level = 0;
  IdRuns sources;  // newest first
  const auto start = [&] {
    if (sources.size() >= kRunsPerLevel && !has_job(level)) {
      start_job(level, level + 1, sources);
    }
    sources.clear();
  };
  for (auto run = runs_.rbegin(); run != runs_.rend(); ++run) {
    if (in_job(**run)) {
      start();
    } else {
      if ((*run)->level() > level) start();
      sources.push_back(*run);
    }
    level = std::max(level, (*run)->level());
  }
  start();
  if (!has_job(kAllLevels)) start_job_of_all();
}

// Takes the oldest runs, up to the first one that another job has.
void IdMerger::start_job_of_all() {
  IdRuns sources;
  std::uint64_t entries = 0;
  std::uint64_t tombstones = 0;
  std::uint32_t top = 0;
  for (const auto& run : runs_) {
    if (in_job(*run)) break;
    sources.push_back(run);
    entries += run->entries();
    tombstones += run->tombstones();
    top = std::max(top, run->level());
  }
  if (tombstones < kSmallRun || tombstones < entries / kEntriesPerTombstone) return;
  std::reverse(sources.begin(), sources.end());
  start_job(kAllLevels, top, std::move(sources));
}

void IdMerger::start_job(std::uint32_t level, std::uint32_t result_level, IdRuns sources) {
  std::uint64_t entries = 0;
  for (const auto& run : sources) entries += run->entries();
  const bool oldest = sources.back() == runs_.front();
  auto job = std::make_unique<Job>(Job{
      level, result_level, std::move(sources), IdRunBuilder(entries), {}, false, oldest, false});
  const auto place = std::find_if(jobs_.begin(), jobs_.end(),
                                  [&](const auto& other) { return other->level > level; });
  jobs_.insert(place, std::move(job));
}

Status IdMerger::work(Job& job, std::uint64_t& budget, TableReader& reader, TableWriter& writer) {
  const auto sink = block_sink(writer);
  IdMergeCursor cursor(reader, job.sources);
  INGOT_ASSIGN(bool more, cursor.seek(job.last_id));
  if (more && job.started && cursor.entry().id == job.last_id) {
    INGOT_ASSIGN(more, cursor.next());
  }
  job.started = true;
  while (more && budget > 0) {
    --budget;
    const IdEntry& entry = cursor.entry();
    job.last_id.assign(entry.id);
    const bool drop = job.drop_tombstones || INGOT_PLANTED(kDropTombstonesAlways);
    if (!drop || entry.kind != IdKind::tombstone) {
      INGOT_TRY(job.builder.add(entry, sink));
    }
    INGOT_ASSIGN(more, cursor.next());
  }
  if (more) return {};
  INGOT_TRY(job.builder.flush(sink));
  return complete(job, writer);
}

Status IdMerger::complete(Job& job, TableWriter& writer) {
  job.finished = true;
  const auto first = std::find(runs_.begin(), runs_.end(), job.sources.back());
  const auto [last, end] =
      std::mismatch(first, runs_.end(), job.sources.rbegin(), job.sources.rend());
  INGOT_ASSERT(end == job.sources.rend());  // side by side
  auto place = runs_.erase(first, last);
  for (const auto& source : job.sources) INGOT_TRY(remove_run(*source, writer));
  if (job.builder.entries() == 0) return {};
  // Not below what grew beside a long job.
  std::uint32_t level = job.result_level;
  for (auto younger = place; younger != runs_.end(); ++younger) {
    level = std::max(level, (*younger)->level());
  }
  const auto run = job.builder.finish({writer.meta().next_run++, level});
  runs_.insert(place, run);
  return store_run(run, writer);
}

Status IdMerger::collect_garbage(std::uint64_t budget, TableWriter& writer) {
  std::size_t done = 0;
  while (done < garbage_.size() && budget > 0) {
    BlockRange& range = garbage_[done];
    while (range.count > 0 && budget > 0) {
      std::string key;
      append_big_endian64(key, range.first);
      INGOT_TRY(writer.erase(Table::id_blocks, key).take_status());
      ++range.first;
      --range.count;
      --budget;
    }
    if (range.count == 0) ++done;
  }
  garbage_.erase(garbage_.begin(), garbage_.begin() + static_cast<std::ptrdiff_t>(done));
  return {};
}

Status IdMerger::finish(TableReader& reader, TableWriter& writer) {
  std::uint64_t budget = added_ * kMergedPerAdded + kMergedAtLeast;
  // A run made in this very checkpoint can't be read yet: it is merged from the next one on.
  const std::uint64_t readable = reader.roots().meta.next_run;
  start_jobs();
  for (std::size_t i = 0; i < jobs_.size() && budget > 0; ++i) {
    Job& job = *jobs_[i];
    if (job.sources.front()->number() >= readable) continue;
    INGOT_TRY(work(job, budget, reader, writer));
  }
  std::erase_if(jobs_, [](const auto& job) { return job->finished; });
  INGOT_TRY(collect_garbage(kBlocksAtLeast + added_ / kAddedPerBlock, writer));

  StoreMeta& meta = writer.meta();
  meta.garbage = garbage_;
  for (const auto& job : jobs_) {
    const auto& ranges = job->builder.ranges();
    meta.garbage.insert(meta.garbage.end(), ranges.begin(), ranges.end());
  }
  meta.runs.clear();
  for (const auto& run : runs_) meta.runs.push_back({run->number(), run->level()});
  return {};
}

IdLookup::IdLookup(TableReader& reader, const IdRuns& runs) : runs_(runs) {
  cursors_.reserve(runs.size());
  for (const auto& run : runs) cursors_.emplace_back(reader, *run);
}

Result<std::optional<IdEntry>> IdLookup::find(std::string_view id, std::uint64_t hash) {
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    if (!runs_[i]->may_contain(id, hash)) continue;
    INGOT_ASSIGN(const bool more, cursors_[i].seek(id));
    if (more && cursors_[i].entry().id == id) return std::optional<IdEntry>(cursors_[i].entry());
  }
  return std::optional<IdEntry>{};
}

}  // namespace ingot::storage
