#include "tests/corruption/log_victim.h"

#include <algorithm>
#include <memory>

#include "commit-log/commit_log.h"
#include "commit-log/frame.h"
#include "commit-log/log_reader.h"
#include "core/random.h"

namespace ingot::corruption {
namespace {

using log::Change;
using log::CommitLog;
using log::CommitLogOptions;
using log::kBlockBytes;

const std::string kDirectory = "/log";
constexpr std::uint64_t kHub = 0x1234567890ABCDEF;
constexpr std::uint64_t kSegmentBytes = 1U << 20;

enum Kind : std::size_t { flip_bit, flip_byte, cut, zero, zero_sector, swap, copy, older };

CommitLogOptions options_of(std::uint64_t epoch) {
  CommitLogOptions options;
  options.directory = kDirectory;
  options.hub_id = kHub;
  options.partition = PartitionId(3);
  options.epoch = epoch;
  options.segment_bytes = kSegmentBytes;
  options.batch_bytes_max = 64U << 10;
  options.spare_segments = 1;
  return options;
}

// Writes frames as a build would whose proofs of durability stand still. The frames are sound and
// follow each other: they say less than they should, and nothing else.
class FrozenIo final : public log::ImageIo {
 public:
  FrozenIo(log::Image& image, Detector detector) : ImageIo(image), detector_(detector) {}

  void submit_write(log::FileHandle file, std::span<const char> bytes, std::uint64_t offset,
                    std::uint64_t token) override {
    if (detector_ == Detector::works || detector_ == Detector::no_watermark) {
      return ImageIo::submit_write(file, bytes, offset, token);
    }
    std::string frames(bytes.data(), bytes.size());
    for (std::size_t at = 0; at < frames.size();) {
      log::FrameHeader header = log::load_header({frames.data() + at, log::kHeaderBytes});
      const std::size_t size = log::frame_bytes(header.stored_bytes);
      const std::uint64_t honest = header.checksum;
      if (header.previous == honest_) header.previous = frozen_;
      header.durable_position = 0;
      if (detector_ == Detector::frozen_proofs) header.write_offset = 0;
      frozen_ = log::seal_frame(header, {frames.data() + at, size});
      honest_ = honest;
      at += size;
    }
    ImageIo::submit_write(file, {frames.data(), frames.size()}, offset, token);
  }

 private:
  const Detector detector_;
  std::uint64_t honest_ = 0;  // the checksum of the last frame, as the log knows it
  std::uint64_t frozen_ = 0;  // and as it was written
};

std::string random_fact(Random& random) {
  std::size_t size = 1 + random.below(300);
  if (random.one_in(8)) size = 1 + random.below(9000);
  if (random.one_in(40)) size = 20000 + random.below(40000);
  std::string fact(size, 'x');
  if (random.one_in(3)) return fact + std::to_string(random.next());  // compresses well
  for (char& byte : fact) byte = static_cast<char>(random.next());
  return fact;
}

// Writes what was appended, as the owner of a log does.
void write_all(log::Io& io, CommitLog& log, bool watermark) {
  std::vector<log::WriteCompletion> completions;
  while (log.batch_bytes() != 0 || log.write_in_flight() || (watermark && log.needs_watermark())) {
    Status status = log.batch_bytes() != 0 ? log.flush(1) : log.write_watermark(1);
    completions.clear();
    io.poll(completions);
    for (const auto& completion : completions) status = log.on_write(completion.status);
    must(status);
  }
}

std::string name_of(const LogVictimPlan& plan) {
  std::string name = plan.segments == 1 ? "log" : "log-of-two";
  if (plan.detector == Detector::no_watermark) name += "-without-watermark";
  if (plan.detector == Detector::frozen_durable_position) name += "-frozen-durable-position";
  if (plan.detector == Detector::frozen_proofs) name += "-frozen-proofs";
  return name;
}

}  // namespace

LogVictim::LogVictim(const LogVictimPlan& plan) : name_(name_of(plan)) {
  write_log(plan);
  image_ = image_.copy();  // without the journal of its making
  list_kinds();
}

void LogVictim::write_log(const LogVictimPlan& plan) {
  Random random(20261121);
  FrozenIo io(image_, plan.detector);
  std::unique_ptr<CommitLog> log;
  const auto open = [&](std::uint64_t epoch) {
    log.reset();
    auto opened = CommitLog::open(io, options_of(epoch), Position(checkpoint_),
                                  [](Position, std::string_view) { return Status(); });
    must(opened.status());
    log = std::move(*opened);
  };
  const auto append = [&](bool watermark) {
    const std::uint64_t count = random.one_in(10) ? 1 + random.below(40) : 1 + random.below(4);
    for (std::uint64_t i = 0; i < count; ++i) {
      facts_.push_back(random_fact(random));
      log->append(facts_.back());
    }
    write_all(io, *log, watermark);
  };
  const auto trim = [&] {
    checkpoint_ += facts_.size();
    facts_.clear();
    const Status status = log->trim(Position(checkpoint_));
    must(status);
  };
  // Three segments, of which the last one lies in the file of the first; and so on, until every
  // file was used before.
  open(11);
  std::uint64_t rolls = 0;
  const auto segments = [&] { return log->counters().segments; };
  while (rolls < 5) {
    const std::uint64_t before = segments();
    append(random.one_in(9));
    if (segments() == before) continue;
    ++rolls;
    // The last segment before those that stay begins with the checkpoint.
    if (rolls < 5 || plan.segments == 1) trim();
  }
  keep_generation();
  // Now the log that is the victim. What was appended since the last trim is in it.
  const std::uint64_t room = kSegmentBytes / 8 * 7;
  std::uint64_t kept = 0;
  for (std::uint64_t begin = log->counters().live_bytes;; ++kept) {
    const std::uint64_t grown = log->counters().live_bytes - begin;
    if (grown > room - 120000) break;
    if (kept % 12 == 11) keep_generation();
    if (kept == 30) open(12);
    append(random.one_in(6));
  }
  // The last batch has two frames, the first one of many blocks.
  for (int i = 0; i < 2; ++i) {
    std::string fact(40000, '\0');
    for (char& byte : fact) byte = static_cast<char>(random.next());
    facts_.push_back(std::move(fact));
    log->append(facts_.back());
  }
  write_all(io, *log, plan.detector != Detector::no_watermark);
  for (const auto& [path, bytes] : image_.files()) {
    if (path.find("segment-") != std::string::npos) files_.push_back(path);
  }
  INGOT_ASSERT(files_.size() == static_cast<std::size_t>(plan.segments), files_.size());
}

void LogVictim::keep_generation() { generations_.push_back(image_.files()); }

void LogVictim::list_kinds() {
  for (const std::string& file : files_) {
    for (std::uint64_t at = 0; at < kSegmentBytes; at += kBlockBytes) blocks_.push_back({file, at});
  }
  for (const auto& generation : generations_) {
    for (const Place& place : blocks_) {
      const auto file = generation.find(place.file);
      if (file == generation.end()) continue;
      const std::string_view then =
          std::string_view(file->second).substr(place.offset, kBlockBytes);
      if (then != block_at(place)) old_blocks_.push_back({place, std::string(then)});
    }
  }
  generations_.clear();
  const std::uint64_t bytes = files_.size() * kSegmentBytes;
  const std::uint64_t blocks = blocks_.size();
  kinds_ = {{"flip-bit", bytes},
            {"flip-byte", bytes},
            {"cut", bytes},
            {"zero-block", blocks},
            {"zero-sector", bytes / 512},
            {"swap-blocks", blocks * (blocks - 1)},
            {"copy-block", blocks * blocks},
            {"older-block", old_blocks_.size()}};
}

LogVictim::Place LogVictim::place_of_byte(std::uint64_t number) const {
  return {files_[number / kSegmentBytes], number % kSegmentBytes};
}

std::string_view LogVictim::block_at(const Place& place) const {
  return std::string_view(image_.file(place.file)).substr(place.offset, kBlockBytes);
}

std::vector<std::string> LogVictim::damage(std::size_t kind, std::uint64_t number) {
  const auto put = [&](const Place& place, const std::string& bytes) {
    image_.write(place.file, place.offset, bytes);
    return place.file;
  };
  switch (kind) {
    case flip_bit:
    case flip_byte: {
      const Place place = place_of_byte(number);
      const int mask = kind == flip_byte ? 0xFF : 1 << Random(number).below(8);
      const char byte = image_.file(place.file)[place.offset];
      return {put(place, std::string(1, static_cast<char>(byte ^ mask)))};
    }
    case cut: {
      const Place place = place_of_byte(number);
      image_.resize(place.file, place.offset);
      return {place.file};
    }
    case zero:
      return {put(blocks_[number], std::string(kBlockBytes, '\0'))};
    case zero_sector:
      return {put(place_of_byte(number * 512), std::string(512, '\0'))};
    case swap: {
      const Place& a = blocks_[number / (blocks_.size() - 1)];
      std::uint64_t second = number % (blocks_.size() - 1);
      if (second >= number / (blocks_.size() - 1)) ++second;
      const Place& b = blocks_[second];
      const std::string of_a(block_at(a));
      return {put(a, std::string(block_at(b))), put(b, of_a)};
    }
    case copy: {
      const Place& to = blocks_[number % blocks_.size()];
      return {put(to, std::string(block_at(blocks_[number / blocks_.size()])))};
    }
    default:
      return {put(old_blocks_[number].place, old_blocks_[number].bytes)};
  }
}

CaseResult LogVictim::run(std::size_t kind, std::uint64_t number) {
  const std::size_t mark = image_.mark();
  const std::vector<std::string> damaged = damage(kind, number);
  CaseResult result = judge(damaged, number % 8 == 0);
  image_.roll_back(mark);
  return result;
}

CaseResult LogVictim::judge(const std::vector<std::string>& damaged, bool go_on) {
  const std::size_t mark = image_.mark();
  std::string wrong;
  std::uint64_t next = 0;
  Status refused;
  {
    log::ImageIo io(image_);
    const auto opened = CommitLog::open(
        io, options_of(13), Position(checkpoint_), [&](Position at, std::string_view fact) {
          if (next >= facts_.size() || at.value != checkpoint_ + next + 1 || fact != facts_[next]) {
            wrong = "replayed at position " + std::to_string(at.value) + " what was never appended";
          }
          ++next;
          return Status();
        });
    refused = opened.status();
  }
  if (!wrong.empty()) return {Verdict::silent, wrong};
  if (!refused.ok()) {
    if (image_.mark() != mark) return {Verdict::silent, "refused, and changed the files"};
    if (refused.code() != StatusCode::corrupt && refused.code() != StatusCode::unsupported) {
      return {Verdict::silent, "refused as " + refused.to_string()};
    }
    return judge_refusal(damaged, refused.message());
  }
  if (next != facts_.size()) {
    return {Verdict::silent, "opened with " + std::to_string(next) + " of " +
                                 std::to_string(facts_.size()) + " acknowledged facts"};
  }
  return go_on ? judge_future() : CaseResult{Verdict::harmless, {}};
}

// The message names a file that was damaged and where in it, and the reader finds a fault too.
CaseResult LogVictim::judge_refusal(const std::vector<std::string>& damaged,
                                    const std::string& message) {
  const bool named = std::any_of(damaged.begin(), damaged.end(), [&](const std::string& file) {
    return message.find(file) != std::string::npos;
  });
  const bool placed = message.find("offset ") != std::string::npos ||
                      message.find("a segment can't have ") != std::string::npos;
  if (!named || !placed) return {Verdict::silent, "does not name the place: " + message};
  log::ImageIo io(image_);
  const auto summary = log::LogReader(io, {kDirectory, kHub, PartitionId(3), Position(checkpoint_)})
                           .read(log::LogVisitor());
  if (!summary.ok() || summary->faults == 0) {
    return {Verdict::silent, "the reader sees no fault where opening refuses: " + message};
  }
  return {Verdict::refused, {}};
}

// What was accepted goes on: what is appended now is there, behind the rest, at the next opening.
CaseResult LogVictim::judge_future() {
  const std::size_t before = facts_.size();
  CaseResult result{Verdict::harmless, {}};
  {
    log::ImageIo io(image_);
    auto opened = CommitLog::open(io, options_of(14), Position(checkpoint_),
                                  [](Position, std::string_view) { return Status(); });
    if (!opened.ok()) return {Verdict::silent, "refused at the second opening"};
    for (const std::size_t size : {30U, 9000U}) {
      facts_.emplace_back(size, 'n');
      (*opened)->append(facts_.back());
      write_all(io, **opened, size == 30);
    }
  }
  log::ImageIo io(image_);
  std::size_t next = 0;
  const auto again = CommitLog::open(io, options_of(15), Position(checkpoint_),
                                     [&](Position, std::string_view fact) {
                                       if (next >= facts_.size() || fact != facts_[next++]) {
                                         return Status(StatusCode::internal, "another fact");
                                       }
                                       return Status();
                                     });
  if (!again.ok() || next != facts_.size()) {
    result = {Verdict::silent, "what was appended behind it is not there at the next opening: " +
                                   again.status().to_string()};
  }
  facts_.resize(before);
  return result;
}

}  // namespace ingot::corruption
