#pragma once

// Logs whose checksums are right and whose content is wrong, as a defect or a forger would write
// them, and what is found in each: by opening, which refuses with file, offset and position and
// changes nothing, or finds the end of the log; and by the reader, which reports and goes on.
//
// A case writes a small log frame by frame, with one thing wrong, and names both answers.

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "commit-log/frame.h"
#include "commit-log/log_reader.h"
#include "commit-log/segment_files.h"
#include "core/hash.h"
#include "tests/commit-log/log_harness.h"

namespace ingot::log {

inline constexpr std::uint64_t kBlocks = 64;  // of a segment

// The payload of `facts`.
inline std::string payload_of(const std::vector<std::string>& facts) {
  std::string payload;
  for (const std::string& fact : facts) {
    payload += static_cast<char>(fact.size());  // below 128
    payload += fact;
  }
  return payload;
}

// Writes segments of frames that continue each other, as the log does but for what a case changes.
class Forge {
 public:
  using Change = std::function<void(FrameHeader&)>;

  explicit Forge(sim::SimDisk& disk) : disk_(disk), io_(disk) {
    EXPECT_TRUE(io_.make_directory("/log").ok());
  }

  // Begins the segment that is named after `first`; 0: the next position.
  void segment(std::uint64_t first = 0, std::uint64_t blocks = kBlocks) {
    first_ = first != 0 ? first : next_;
    next_ = first_;
    blocks_ = blocks;
    offset_ = 0;
    path_ = segment_path("/log", Position(first_));
    ASSERT_TRUE(io_.create_zeroed(path_, blocks * kBlockBytes).ok());
  }
  // A frame with `count` facts, after which the log is durable up to the one before it.
  void frame(std::uint32_t count = 1, const Change& change = nullptr) {
    std::vector<std::string> facts;
    for (std::uint32_t i = 0; i < count; ++i) facts.push_back("fact " + std::to_string(next_ + i));
    payload(count, payload_of(facts), change);
  }
  void payload(std::uint32_t count, const std::string& bytes, const Change& change = nullptr) {
    FrameHeader header;
    header.hub_id = kTestHub;
    header.partition = 3;
    header.segment_id = first_;
    header.epoch = 1;
    header.first_position = next_;
    header.durable_position = next_ - 1;
    header.previous = previous_;
    header.offset = header.write_offset = offset_;
    header.segment_blocks = static_cast<std::uint32_t>(blocks_);
    header.count = count;
    header.stored_bytes = header.raw_bytes = static_cast<std::uint32_t>(bytes.size());
    const std::uint64_t size = frame_bytes(bytes.size());
    if (change) change(header);
    std::string frame(size, '\0');
    frame.replace(kHeaderBytes, bytes.size(), bytes);
    // Not seal_frame(), which refuses what the log would never write.
    std::memcpy(frame.data(), &header, sizeof header);
    header.checksum = hash64(std::string_view(frame).substr(sizeof header.checksum));
    std::memcpy(frame.data(), &header.checksum, sizeof header.checksum);
    disk_.overwrite(path_, offset_, frame);
    previous_ = header.checksum;
    next_ += count;
    offset_ += size;
  }
  // Spoils the frame that was written last.
  void damage() { disk_.flip_bit(path_, offset_ - kBlockBytes + 120, 1); }
  // Leaves a block out.
  void skip(std::uint64_t blocks = 1) { offset_ += blocks * kBlockBytes; }
  // Frames of one fact up to the end of the segment.
  void fill() {
    while (offset_ < blocks_ * kBlockBytes) frame();
  }
  // What a read of the last frame's block says.
  void unreadable() { disk_.fail_reads(path_, offset_ - kBlockBytes, kBlockBytes); }

  sim::SimDisk& disk_;
  sim::SimIo io_;
  std::string path_;
  std::uint64_t first_ = 1;
  std::uint64_t next_ = 1;
  std::uint64_t previous_ = 0;
  std::uint64_t blocks_ = kBlocks;
  std::uint64_t offset_ = 0;
};

struct Case {
  std::string name;
  std::function<void(Forge&)> write;
  std::uint64_t checkpoint = 0;
  // The opening: the refusal's code and what its message has; "" when it opens, and where it ends.
  StatusCode code = StatusCode::ok;
  std::string refusal;
  std::uint64_t end = 0;
  // The reader: what each fault's message has, in order, how many facts it gives, whether it takes
  // what it finds at the end for a torn tail.
  std::vector<std::string> faults;
  std::uint64_t facts = 0;
  bool torn = false;
};

inline constexpr StatusCode kCorrupt = StatusCode::corrupt;

// A fault of the third frame (fact 3), with a segment behind it (sealed) or with nothing behind it.
inline void with_third(Forge& log, bool sealed, const Forge::Change& change) {
  log.segment();
  log.frame();
  log.frame();
  log.frame(1, change);
  if (sealed) {
    log.segment();
    log.frame();
  }
}

class ForgedLogTest : public ::testing::Test {
 protected:
  void prove(const Case& with);
  void prove(const std::vector<Case>& cases) {
    for (const Case& with : cases) prove(with);
  }
};

inline void ForgedLogTest::prove(const Case& with) {
  SCOPED_TRACE(with.name);
  sim::SimDisk disk(1);
  disk.set_prompt(true);
  {
    Forge forge(disk);
    with.write(forge);
  }
  sim::SimIo io(disk);
  LogReaderOptions options{"/log", kTestHub, PartitionId(3), Position(with.checkpoint)};
  std::vector<std::string> faults;
  std::uint64_t facts = 0;
  LogVisitor visitor;
  visitor.on_fault = [&](const LogFault& fault) {
    faults.push_back(fault.status.message());
    EXPECT_NE(fault.status.message().find(fault.file), std::string::npos);
  };
  visitor.on_fact = [&](Position, std::string_view) {
    ++facts;
    return Status();
  };
  const std::uint64_t before = disk.fingerprint();
  const auto summary = LogReader(io, options).read(visitor);
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(faults.size(), with.faults.size());
  EXPECT_EQ(summary->faults, faults.size());
  for (std::size_t i = 0; i < std::min(faults.size(), with.faults.size()); ++i) {
    EXPECT_NE(faults[i].find(with.faults[i]), std::string::npos) << faults[i];
  }
  for (std::size_t i = with.faults.size(); i < faults.size(); ++i) ADD_FAILURE() << faults[i];
  EXPECT_EQ(facts, with.facts);
  EXPECT_EQ(summary->facts, facts);
  EXPECT_EQ(summary->torn_tail, with.torn);
  // Nobody has to listen.
  const auto unheard = LogReader(io, options).read({});
  EXPECT_TRUE(unheard.ok() && unheard->faults == summary->faults);
  EXPECT_EQ(disk.fingerprint(), before);

  Opened opened = open_log(io, small_log("/log"), Position(with.checkpoint));
  EXPECT_EQ(to_string(opened.status.code()), to_string(with.code)) << opened.status.to_string();
  if (with.code != StatusCode::ok) {
    EXPECT_NE(opened.status.message().find(with.refusal), std::string::npos)
        << opened.status.message();
    EXPECT_NE(opened.status.message().find("/log"), std::string::npos);
    EXPECT_EQ(disk.fingerprint(), before);
  } else if (opened.log != nullptr) {
    EXPECT_EQ(opened.log->durable_position().value, with.end);
    EXPECT_EQ(opened.facts.size(), with.end - std::min(with.end, with.checkpoint));
    EXPECT_FALSE(opened.log->write_in_flight());
    EXPECT_TRUE(write_watermark(io, *opened.log).ok());  // where there is room for one
    EXPECT_FALSE(opened.log->needs_watermark() && opened.log->counters().writes != 0);
    // What is written next is found by the next opening, and nothing of the remnants.
    opened.log->append("one more");
    EXPECT_TRUE(write_all(io, *opened.log).ok());
    const std::uint64_t last = opened.log->appended_position().value;
    opened.log.reset();
    if (last == UINT64_MAX) return;  // there is no position behind the last one
    const Opened next = open_log(io, small_log("/log"), Position(with.checkpoint));
    ASSERT_TRUE(next.status.ok()) << next.status.to_string();
    EXPECT_EQ(next.facts.size(), last - std::min(last, with.checkpoint));
    ASSERT_TRUE(next.facts.contains(last));
    EXPECT_EQ(next.facts.at(last), "one more");
  }
}

}  // namespace ingot::log
