#include "tests/faults/log_life.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <utility>

#include "commit-log/frame.h"
#include "commit-log/log_reader.h"
#include "commit-log/pwrite_io.h"
#include "commit-log/segment_files.h"

namespace ingot::faults {
namespace {

using log::CommitLog;
using log::Io;
using log::WriteCompletion;

constexpr std::uint64_t kHub = 0xFACE;
constexpr PartitionId kPartition(2);
constexpr std::uint64_t kSegmentBytes = 256U << 10;
constexpr std::uint64_t kBatchBytes = 64U << 10;
constexpr std::uint32_t kSpares = 2;
constexpr int kBatches = 26;
// From here on batches are full and compressible: the device looks slow.
constexpr int kFullFrom = 10;
constexpr int kFullTo = 20;
// How often, and how long each time, to ask again for what may be a full disk for good.
constexpr int kTries = 6;
constexpr auto kMoment = std::chrono::milliseconds(10);

}  // namespace

LogLife::LogLife(const std::string& folder, log::IoBackend backend)
    : path_(folder + "/life"), directory_(path_ + "/log"), backend_(backend) {}

bool LogLife::told(const Status& status) {
  if (!status.ok()) failures_.push_back(status);
  return status.ok();
}

void LogLife::live() {
  one_life(kBatches);
  tear();
  one_life(kBatches);
}

void LogLife::go_on() { one_life(2 * kBatches); }

void LogLife::one_life(int batches) {
  {
    log::PwriteIo folders;
    if (!told(folders.make_directory(path_)) || !told(folders.make_directory(directory_)) ||
        !told(folders.free_bytes(directory_).status())) {
      stopped_ = true;
    }
  }
  auto io = log::make_io(backend_, directory_);
  if (!told(io.status())) {
    stopped_ = true;
    return;
  }
  log::CommitLogOptions options;
  options.directory = directory_;
  options.hub_id = kHub;
  options.partition = kPartition;
  options.epoch = ++epoch_;
  options.segment_bytes = kSegmentBytes;
  options.batch_bytes_max = kBatchBytes;
  options.spare_segments = kSpares;
  std::map<std::uint64_t, std::string> facts;
  auto opened =
      CommitLog::open(**io, options, checkpoint_, [&](Position at, std::string_view fact) {
        facts[at.value] = fact;
        return Status();
      });
  if (told(opened.status())) {
    judge_opening(**opened, facts);
    write(**io, **opened, batches);
    opened->reset();  // with a write in flight, when nothing has failed
    std::vector<WriteCompletion> late;
    (*io)->poll(late);
    for (const WriteCompletion& completion : late) stopped_ |= !told(completion.status);
  } else {
    stopped_ = true;
  }
  read_all(**io, true);
}

void LogLife::judge_opening(const CommitLog& log,
                            const std::map<std::uint64_t, std::string>& facts) {
  const std::uint64_t end = log.durable_position().value;
  if (end < acknowledged_) {
    problem("the log ends at " + std::to_string(end) + ", and " + std::to_string(acknowledged_) +
            " was acknowledged");
  }
  if (end > offered_) problem("the log ends at " + std::to_string(end) + ", which was refused");
  if (facts.size() != end - std::min(end, checkpoint_.value)) problem("facts are missing");
  for (const auto& [at, fact] : facts) {
    const auto written = facts_.find(at);
    if (at > checkpoint_.value && at <= end && written != facts_.end() && written->second == fact) {
      continue;
    }
    problem("another fact at " + std::to_string(at));
  }
  acknowledged_ = offered_ = end;  // who opens believes what is there
  facts_.erase(facts_.upper_bound(end), facts_.end());
}

void LogLife::write(Io& io, CommitLog& log, int batches) {
  for (int i = 0; i < batches; ++i) {
    add_facts(io, log, i);
    if (!write_out(io, log)) return judge_stopped(log);
    if (i % 5 == 4) {
      if (!settle(io, log) || !told(log.write_watermark(8)) || !settle(io, log)) {
        return judge_stopped(log);
      }
    }
    if (i % 4 == 3) trim(log);
    if (!log.failure().ok()) return judge_stopped(log);
  }
  // What retires segments is a thread: a moment, in which it may say what has failed.
  for (int i = 0; i < kTries && told(log.trim(checkpoint_)); ++i) {
    std::vector<WriteCompletion> none;
    io.wait(kMoment / 5, none);
  }
  if (!log.failure().ok()) return judge_stopped(log);
  add(log, 9000, false);
  if (told(log.flush(9))) offered_ = log.appended_position().value;
}

void LogLife::add_facts(Io& io, CommitLog& log, int batch) {
  const bool full = batch >= kFullFrom && batch < kFullTo;
  const std::uint64_t count = full ? 3 : 1 + random_.below(5);
  for (std::uint64_t n = 0; n < count; ++n) {
    const std::size_t size = full ? 30000 : 1 + static_cast<std::size_t>(random_.below(9000));
    for (int tries = 0; !log.has_room(size) && tries < kTries; ++tries) {
      if (log.failure().ok()) told(log.make_room());
      if (!log.failure().ok()) break;
      if (!write_out(io, log)) break;
      std::vector<WriteCompletion> none;
      if (!log.write_in_flight()) io.wait(kMoment, none);  // until a spare is ready
    }
    add(log, size, full || batch % 2 == 0);
  }
  if (batch == 6) add(log, 300'000, false);  // larger than a segment
}

void LogLife::add(CommitLog& log, std::size_t size, bool compressible) {
  std::string fact(size, static_cast<char>('a' + epoch_));
  for (std::size_t at = 0; at + 8 <= size; at += compressible ? 64 : 8) {
    const std::uint64_t bits = random_.next();
    std::memcpy(fact.data() + at, &bits, 8);
  }
  const Position at = log.append(fact);
  facts_[at.value] = std::move(fact);
}

bool LogLife::write_out(Io& io, CommitLog& log) {
  for (int tries = 0; log.batch_bytes() != 0;) {
    if (!settle(io, log)) return false;
    const Status status = log.flush(7);
    if (status.ok()) {
      offered_ = log.appended_position().value;
      continue;
    }
    told(status);
    if (status.code() != StatusCode::disk_full || ++tries == kTries) return false;
    std::vector<WriteCompletion> none;
    told(log.make_room());
    io.wait(kMoment, none);
  }
  return random_.one_in(3) || settle(io, log);
}

bool LogLife::settle(Io& io, CommitLog& log) {
  std::vector<WriteCompletion> completions;
  while (log.write_in_flight()) {
    completions.clear();
    io.wait(std::chrono::seconds(1), completions);
    for (const WriteCompletion& completion : completions) {
      const std::uint64_t before = log.durable_position().value;
      const Status status = log.on_write(completion.status);
      const std::uint64_t durable = log.durable_position().value;
      if (!told(status)) {
        if (durable != before) problem("a failed write counts as done");
        return false;
      }
      if (durable < acknowledged_) problem("the durable position went back");
      acknowledged_ = durable;
    }
  }
  return true;
}

void LogLife::trim(CommitLog& log) {
  const std::uint64_t durable = log.durable_position().value;
  checkpoint_ = std::max(checkpoint_, Position(durable - std::min<std::uint64_t>(durable, 12)));
  told(log.trim(checkpoint_));
}

// After the first failure nothing is written or acknowledged any more, and every call says why.
void LogLife::judge_stopped(CommitLog& log) {
  if (log.failure().ok()) return;  // a full disk, for which it waits
  stopped_ = true;
  const std::string why = log.failure().to_string();
  const std::uint64_t writes = log.counters().writes;
  const std::uint64_t durable = log.durable_position().value;
  log.append("refused");
  for (const Status& status :
       {log.flush(1), log.write_watermark(1), log.trim(checkpoint_), log.make_room()}) {
    if (status.to_string() != why) problem("after '" + why + "': '" + status.to_string() + "'");
  }
  if (log.needs_watermark() || log.counters().writes != writes ||
      log.durable_position().value != durable) {
    problem("a log that has failed goes on");
  }
}

void LogLife::tear() const {
  std::error_code none;
  std::string last;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, none)) {
    const std::string name = entry.path().filename();
    if (log::parse_segment_name(name)) last = std::max(last, entry.path().string());
  }
  std::fstream file(last, std::ios::in | std::ios::out | std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const auto position = log::parse_segment_name(std::filesystem::path(last).filename().string());
  if (bytes.size() < 4 * log::kBlockBytes || !position) return;
  log::FrameContext context{kHub, kPartition, position->value, bytes.size()};
  std::uint64_t end = 0;
  while (end + log::kBlockBytes <= bytes.size()) {
    const auto header = log::load_header({bytes.data() + end, log::kBlockBytes});
    if (!log::claims_segment(header, context)) break;
    end += log::frame_bytes(header.stored_bytes);
  }
  if (end == 0 || end + 3 * log::kBlockBytes > bytes.size()) return;
  // The first and the last block of three arrived.
  std::string block = bytes.substr(0, log::kBlockBytes);
  auto header = log::load_header({block.data(), block.size()});
  header.offset = header.write_offset = end;
  header.stored_bytes = 2 * log::kBlockBytes;
  std::memcpy(block.data(), &header, sizeof header);
  file.clear();
  file.seekp(static_cast<std::streamoff>(end));
  file.write(block.data(), static_cast<std::streamsize>(block.size()));
  file.seekp(static_cast<std::streamoff>(end + 2 * log::kBlockBytes));
  file.write(block.data(), static_cast<std::streamsize>(block.size()));
}

void LogLife::read_all(Io& io, bool failing) {
  log::LogVisitor visitor;
  visitor.on_fact = [&](Position at, std::string_view fact) {
    const auto written = facts_.find(at.value);
    if (written == facts_.end() || written->second != fact) {
      problem("another fact is read at " + std::to_string(at.value));
    }
    return Status();
  };
  visitor.on_fault = [&](const log::LogFault& fault) {
    told(fault.status);
    if (!failing) problem("read: " + fault.status.to_string());
  };
  auto summary = log::LogReader(io, {directory_, kHub, kPartition, checkpoint_}).read(visitor);
  if (told(summary.status()) && summary->faults == 0 && summary->last.value < acknowledged_ &&
      acknowledged_ > checkpoint_.value) {
    problem("read to " + std::to_string(summary->last.value) + " without a fault");
  }
}

void LogLife::check() {
  const std::size_t failures = failures_.size();
  const bool stopped = std::exchange(stopped_, false);
  one_life(6);
  if (stopped_) problem("the log does not open, or stops");
  stopped_ = stopped;
  for (std::size_t i = failures; i < failures_.size(); ++i) {
    problem("afterwards: " + failures_[i].to_string());
  }
  failures_.resize(failures);
  std::size_t spares = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    const std::string name = entry.path().filename();
    if (name.starts_with("spare-") && name.ends_with(".log")) {
      ++spares;
    } else if (!log::parse_segment_name(name)) {
      problem(name + " is left");
    }
  }
  if (spares > kSpares + 1) problem(std::to_string(spares) + " spares are left");
}

}  // namespace ingot::faults
