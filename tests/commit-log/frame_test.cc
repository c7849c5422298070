// Frames, batches and the rule for compression.

#include "commit-log/frame.h"

#include <gtest/gtest.h>

#include <cstring>

#include "commit-log/batch.h"
#include "commit-log/compressor.h"
#include "commit-log/recovery.h"
#include "core/random.h"
#include "tests/support/allocation_limit.h"

namespace ingot::log {
namespace {

FrameContext context() { return {7, PartitionId(2), 100, 1U << 20}; }

FrameHeader header_at(std::uint64_t offset) {
  FrameHeader header;
  header.hub_id = 7;
  header.partition = 2;
  header.segment_id = 100;
  header.epoch = 5;
  header.first_position = 100;
  header.durable_position = 99;
  header.offset = offset;
  header.write_offset = offset;
  header.segment_blocks = (1U << 20) / 4096;
  return header;
}

// Seals each frame of the batch as if it lay at its offset in the segment.
void seal(Batch& batch) {
  for (std::size_t i = 0; i < batch.frames().size(); ++i) {
    const FrameSpan& span = batch.frames()[i];
    FrameHeader header = header_at(span.offset);
    header.first_position = span.first.value;
    header.count = span.count;
    header.flags = span.flags;
    header.stored_bytes = static_cast<std::uint32_t>(span.stored_bytes);
    header.raw_bytes = static_cast<std::uint32_t>(span.raw_bytes);
    seal_frame(header, batch.frame(i));
  }
}

std::vector<std::string> facts_of(Batch& batch) {
  std::vector<std::string> facts;
  FramePayload payloads;
  for (std::size_t i = 0; i < batch.frames().size(); ++i) {
    const auto frame = batch.frame(i);
    const FrameHeader header = load_header(frame);
    EXPECT_EQ(judge_frame(header, frame, context(), batch.frames()[i].offset), FrameKind::valid);
    auto payload = payloads.open(header, frame);
    EXPECT_TRUE(payload.ok()) << payload.status().to_string();
    if (!payload.ok()) break;
    const Status status = for_each_fact(header, *payload, [&](Position at, std::string_view fact) {
      EXPECT_EQ(at.value, 100 + facts.size());
      facts.emplace_back(fact);
      return Status();
    });
    EXPECT_TRUE(status.ok()) << status.to_string();
  }
  return facts;
}

std::vector<std::string> random_facts(std::uint64_t seed, std::size_t count, std::size_t size_max,
                                      bool compressible) {
  Random random(seed);
  std::vector<std::string> facts;
  for (std::size_t i = 0; i < count; ++i) {
    std::string fact(random.below(size_max + 1), 'a');
    for (char& byte : fact) {
      byte = static_cast<char>(compressible ? 'a' + random.below(2) : random.next());
    }
    facts.push_back(std::move(fact));
  }
  return facts;
}

TEST(FrameTest, HeaderLayoutIsAsWritten) {
  FrameHeader header = header_at(4096);
  header.count = 0;
  std::string frame(4096, '\0');
  seal_frame(header, {frame.data(), frame.size()});
  EXPECT_EQ(frame.substr(8, 4), "INGF");
  EXPECT_EQ(frame[12], 1);                                   // version
  EXPECT_EQ(frame[24], 7);                                   // hub
  EXPECT_EQ(frame[56], 100);                                 // first position
  EXPECT_EQ(frame[64], 99);                                  // durable position
  EXPECT_EQ(frame.substr(80, 2), std::string("\0\x10", 2));  // offset
  const FrameHeader back = load_header({frame.data(), frame.size()});
  EXPECT_EQ(judge_frame(back, {frame.data(), frame.size()}, context(), 4096), FrameKind::valid);
}

TEST(FrameTest, EverySingleBitOfAFrameCounts) {
  std::string frame(4096, '\0');
  seal_frame(header_at(0), {frame.data(), frame.size()});
  for (std::size_t bit = 0; bit < frame.size() * 8; bit += (bit < 1024 ? 1 : 37)) {
    std::string flipped = frame;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    const std::span<const char> bytes(flipped.data(), flipped.size());
    EXPECT_NE(judge_frame(load_header(bytes), bytes, context(), 0), FrameKind::valid) << bit;
  }
}

TEST(FrameTest, KindsAreToldApart) {
  const auto judge = [](auto change) {
    FrameHeader header = header_at(0);
    change(header);
    std::string frame(4096, '\0');
    seal_frame(header, {frame.data(), frame.size()});
    const std::span<const char> bytes(frame.data(), frame.size());
    return judge_frame(load_header(bytes), bytes, context(), 0);
  };
  EXPECT_EQ(judge([](auto&) {}), FrameKind::valid);
  EXPECT_EQ(judge([](auto& h) { h.magic = 1; }), FrameKind::absent);
  EXPECT_EQ(judge([](auto& h) { h.version = 2; }), FrameKind::newer);
  EXPECT_EQ(judge([](auto& h) { h.hub_id = 8; }), FrameKind::foreign);
  EXPECT_EQ(judge([](auto& h) { h.partition = 3; }), FrameKind::foreign);
  EXPECT_EQ(judge([](auto& h) { h.segment_id = 50; }), FrameKind::stale);
  EXPECT_EQ(judge([](auto& h) { h.offset = 8192; }), FrameKind::misplaced);
  EXPECT_EQ(judge([](auto& h) { h.segment_blocks = 1; }), FrameKind::misplaced);
}

TEST(FrameTest, LengthsBeyondTheSegmentAreNotBelieved) {
  FrameHeader header = header_at(0);
  header.stored_bytes = 0xFFFFFFFF;
  EXPECT_EQ(claimed_bytes(header, context(), 0), 0U);
  header.stored_bytes = 4096;
  EXPECT_EQ(claimed_bytes(header, context(), (1U << 20) - 8192), 8192U);
  EXPECT_EQ(claimed_bytes(header, context(), (1U << 20) - 4096), 0U);
  EXPECT_EQ(claimed_bytes(header, context(), 1U << 20), 0U);
  header.magic ^= 1;
  EXPECT_EQ(claimed_bytes(header, context(), 0), 0U);
}

TEST(BatchTest, FactsSplitIntoFramesComeBack) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto facts = random_facts(seed, 40, 5000, false);
    Batch batch(16384);
    std::uint64_t position = 100;
    for (const std::string& fact : facts) batch.append(Position(position++), fact);
    batch.close();
    EXPECT_GT(batch.frames().size(), 2U);
    seal(batch);
    EXPECT_EQ(facts_of(batch), facts) << "seed " << seed;
  }
}

TEST(BatchTest, AFactAboveTheLimitHasAFrameOfItsOwn) {
  Batch batch(65536);
  batch.append(Position(100), "a");
  batch.append(Position(101), std::string(200000, 'b'));
  batch.append(Position(102), "c");
  batch.close();
  ASSERT_EQ(batch.frames().size(), 3U);
  EXPECT_EQ(batch.frames()[1].count, 1U);
  seal(batch);
  EXPECT_EQ(facts_of(batch)[1].size(), 200000U);
}

TEST(BatchTest, AClearedBatchIsEmptyAndUsable) {
  Batch batch(65536);
  batch.append(Position(1), std::string(2000000, 'b'));
  batch.close();
  batch.clear();
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(batch.raw_bytes(), 0U);
  batch.append(Position(100), "c");
  batch.close();
  seal(batch);
  EXPECT_EQ(facts_of(batch), std::vector<std::string>{"c"});
}

TEST(BatchTest, ABatchThatIsClosedAgainStaysAsItIs) {
  Batch batch(65536);
  batch.append(Position(100), "d");
  batch.close();
  const std::uint64_t size = batch.size();
  batch.close();
  EXPECT_EQ(batch.size(), size);
  seal(batch);
  EXPECT_EQ(facts_of(batch), std::vector<std::string>{"d"});
}

class CompressorTest : public ::testing::Test {
 protected:
  // Offers a batch of at least `bytes`; true when it came back compressed.
  bool offer(std::uint64_t bytes, bool compressible) {
    Batch in(kMax);
    Batch out(kMax);
    const auto facts = random_facts(3, bytes / 500 + 1, 1001, compressible);
    std::uint64_t position = 100;
    for (const std::string& fact : facts) in.append(Position(position++), fact);
    while (in.raw_bytes() < bytes) in.append(Position(position++), facts[0] + "x");
    in.close();
    const bool packed = compressor_.pack(in, out);
    if (packed) {
      EXPECT_EQ(in.raw_bytes(), out.raw_bytes());
      seal(in);
      seal(out);
      EXPECT_EQ(facts_of(in), facts_of(out));
    } else {
      EXPECT_TRUE(out.empty());
    }
    return packed;
  }

  static constexpr std::uint64_t kMax = 65536;
  Compressor compressor_{kMax};
};

TEST_F(CompressorTest, SmallBatchesAreNeverCompressed) {
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(offer(20000, true));
}

TEST_F(CompressorTest, FullBatchesInARowAreCompressedUntilTheDeviceKeepsUp) {
  for (int i = 0; i < 7; ++i) EXPECT_FALSE(offer(kMax, true));
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(offer(kMax, true));
  EXPECT_FALSE(offer(1000, true));
  EXPECT_FALSE(offer(kMax, true));
}

TEST_F(CompressorTest, WhatDoesNotShrinkIsTriedSeldom) {
  int packed = 0;
  for (int i = 0; i < 200; ++i) packed += offer(kMax, false) ? 1 : 0;
  EXPECT_EQ(packed, 0);
  for (int i = 0; i < 80; ++i) packed += offer(kMax, true) ? 1 : 0;
  EXPECT_GT(packed, 5);
}

// The sample is of the first frame only.
TEST_F(CompressorTest, ABatchWhoseFirstFrameAloneShrinksIsCompressedOnceAndThenLetThrough) {
  Random random(9);
  for (int i = 0; i < 8; ++i) {
    Batch in(kMax);
    Batch out(kMax);
    in.append(Position(100), std::string(kMax - 8, 'a'));
    for (std::uint64_t position = 101; position < 105; ++position) {
      std::string noise(kMax - 8, '\0');
      for (char& byte : noise) byte = static_cast<char>(random.next());
      in.append(Position(position), noise);
    }
    in.close();
    EXPECT_EQ(compressor_.pack(in, out), i == 7) << i;
    if (i != 7) continue;
    ASSERT_EQ(out.frames().size(), 5U);
    EXPECT_EQ(out.frames()[0].flags, kFlagZstd);
    EXPECT_EQ(out.frames()[1].flags, 0);
    seal(in);
    seal(out);
    EXPECT_EQ(facts_of(in), facts_of(out));
  }
  for (int i = 0; i < 64; ++i) EXPECT_FALSE(offer(kMax, true)) << i;
  EXPECT_TRUE(offer(kMax, true));
}

TEST(FramePayloadTest, ACompressedPayloadThatLiesAboutItsLengthIsCorrupt) {
  Batch in(65536);
  Batch out(65536);
  Compressor compressor(1);
  in.append(Position(100), std::string(20000, 'z'));
  in.close();
  bool packed = false;
  for (int i = 0; i < 10 && !packed; ++i) packed = compressor.pack(in, out);
  ASSERT_TRUE(packed);
  seal(out);
  FrameHeader header = load_header(out.frame(0));
  FramePayload payload;
  EXPECT_TRUE(payload.open(header, out.frame(0)).ok());
  for (const std::uint32_t raw : {0U, 1U, 20002U, 20004U, 40000U}) {
    header.raw_bytes = raw;
    EXPECT_EQ(payload.open(header, out.frame(0)).status().code(), StatusCode::corrupt) << raw;
  }
}

// A zstd frame of 20,000 letters that says that it has `content_bytes`.
std::string zstd_frame(std::uint32_t content_bytes) {
  constexpr std::uint32_t kLastRunOfOneByte = 1 | 1 << 1 | 20000 << 3;
  std::string bytes("\x28\xb5\x2f\xfd\xa0", 5);  // one segment, 4 bytes of content size
  bytes.append(reinterpret_cast<const char*>(&content_bytes), sizeof content_bytes);
  bytes.append(reinterpret_cast<const char*>(&kLastRunOfOneByte), 3);
  return bytes + 'z';
}

// What a frame says of its size costs nothing before there is something to it: neither what the
// header says alone, nor what the payload says as well.
TEST(FramePayloadTest, ALieAboutTheLengthTakesNoMemory) {
  struct Case {
    std::uint32_t raw_bytes;
    std::uint32_t content_bytes;
    bool right;
  };
  for (const Case& with : {Case{20000, 20000, true}, Case{~0U, 20000, false}, Case{~0U, ~0U, false},
                           Case{512U << 20, 512U << 20, false}, Case{400'000, 400'000, false}}) {
    const std::string payload = zstd_frame(with.content_bytes);
    FrameHeader header = header_at(0);
    header.flags = kFlagZstd;
    header.stored_bytes = static_cast<std::uint32_t>(payload.size());
    header.raw_bytes = with.raw_bytes;
    const std::string frame = std::string(kHeaderBytes, '\0') + payload;
    FramePayload opened;
    const testing::AllocationLimit limit(1U << 20);
    EXPECT_EQ(to_string(opened.open(header, frame).status().code()), with.right ? "ok" : "corrupt")
        << with.raw_bytes;
  }
}

TEST(FactsTest, AnyBytesAsPayloadAreReadSafely) {
  Random random(5);
  for (int i = 0; i < 20000; ++i) {
    std::string bytes(random.below(40), '\0');
    for (char& byte : bytes) byte = static_cast<char>(random.below(random.one_in(2) ? 256 : 6));
    FrameHeader header = header_at(0);
    header.count = static_cast<std::uint32_t>(random.below(6));
    std::size_t total = 0;
    const Status status = for_each_fact(header, bytes, [&](Position, std::string_view fact) {
      total += fact.size() + 1;
      return Status();
    });
    EXPECT_TRUE(!status.ok() || total <= bytes.size());
  }
}

}  // namespace
}  // namespace ingot::log
