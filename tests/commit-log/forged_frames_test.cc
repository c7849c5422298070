// Frames with a sound checksum that are not where they belong, do not continue the log, or do not
// hold what they say (forged_log.h).

#include <zstd.h>

#include "tests/commit-log/forged_log.h"

namespace ingot::log {
namespace {

std::string packed(const std::string& raw) {
  std::string bytes(ZSTD_compressBound(raw.size()), '\0');
  bytes.resize(ZSTD_compress(bytes.data(), bytes.size(), raw.data(), raw.size(), 1));
  return bytes;
}

std::vector<Case> cases_of_headers() {
  struct Kind {
    std::string name;
    Forge::Change change;
    std::string what;       // found, by both
    bool last_ends;         // as the last frame, nothing tells it from the end of the log
    bool torn;              // and it is taken for a torn write
    std::string otherwise;  // what is said in the last segment, if not that
    StatusCode code = kCorrupt;
  };
  const std::vector<Kind> kinds = {
      {"another hub", [](auto& h) { h.hub_id = 77; }, "a frame of hub 77, partition 3", false,
       false, "no crash leaves that behind"},
      {"another partition", [](auto& h) { h.partition = 4; }, "partition 4", false, false,
       "no crash leaves that behind"},
      {"another segment", [](auto& h) { h.segment_id = 9; },
       "a frame of segment 9, an earlier use of the file", true, false, ""},
      {"another offset", [](auto& h) { h.offset += 4096; },
       "a frame written for offset 12288 of a segment of 262144 bytes", false, false,
       "no crash leaves that behind"},
      {"a write that begins later", [](auto& h) { h.write_offset += 4096; },
       "a frame written for offset 8192", false, false, "no crash leaves that behind"},
      {"another size of the segment", [](auto& h) { h.segment_blocks = 65; },
       "of a segment of 266240 bytes", false, false, "no crash leaves that behind"},
      {"another size, of another hub's segment",
       [](auto& h) {
         h.segment_blocks = 65;
         h.hub_id = 77;
       },
       "a frame of hub 77", false, false, "no crash leaves that behind"},
      {"a newer version", [](auto& h) { h.version = 2; },
       "a frame of format version 2; this build knows version 1", false, false, "version 2",
       StatusCode::unsupported},
      {"no magic", [](auto& h) { h.magic = 1; }, "no frame", true, false, ""},
      {"a length beyond the segment", [](auto& h) { h.stored_bytes = 1U << 30; },
       "a frame whose checksum or length is wrong", true, true, ""},
      {"a length beyond 4 GiB", [](auto& h) { h.stored_bytes = ~0U; },
       "a frame whose checksum or length is wrong", true, true, ""},
  };
  std::vector<Case> cases;
  for (const Kind& kind : kinds) {
    const Forge::Change change = kind.change;
    Case sealed;
    sealed.name = kind.name + ", sealed";
    sealed.write = [change](Forge& log) { with_third(log, true, change); };
    sealed.code = kind.code;
    sealed.refusal = kind.what;
    sealed.faults = {kind.what};
    sealed.facts = 3;
    cases.push_back(sealed);
    Case last;
    last.name = kind.name + ", last";
    last.write = [change](Forge& log) { with_third(log, false, change); };
    last.facts = 2;
    if (kind.last_ends) {
      last.end = 2;
      last.torn = kind.torn;
    } else {
      last.code = kind.code;
      last.refusal = kind.otherwise;
      last.faults = {kind.what};
    }
    cases.push_back(last);
  }
  return cases;
}

std::vector<Case> cases_of_the_chain() {
  struct Kind {
    std::string name;
    Forge::Change change;
    std::string what;
  };
  const std::vector<Kind> kinds = {
      {"a later position",
       [](auto& h) {
         h.first_position += 1;
         h.durable_position += 1;
       },
       "the frame starts at position 4"},
      {"an earlier position",
       [](auto& h) {
         h.first_position -= 1;
         h.durable_position -= 1;
       },
       "the frame starts at position 2"},
      {"another frame before it", [](auto& h) { h.previous ^= 1; },
       "the frame does not follow the frame before it"},
      {"a durable position that went back", [](auto& h) { h.durable_position = 0; },
       "the impossible durable position 0"},
      {"its own position durable", [](auto& h) { h.durable_position = h.first_position; },
       "the impossible durable position 3"},
      {"a durable position beyond the end", [](auto& h) { h.durable_position = 1000; },
       "the impossible durable position 1000"},
  };
  std::vector<Case> cases;
  for (const Kind& kind : kinds) {
    const Forge::Change change = kind.change;
    Case one;
    one.name = kind.name;
    one.write = [change](Forge& log) { with_third(log, false, change); };
    one.code = kCorrupt;
    one.refusal = kind.what;
    one.faults = {kind.what};
    one.facts = 3;
    cases.push_back(one);
  }
  cases.push_back({"a segment that begins without a fact",
                   [](Forge& log) {
                     log.segment();
                     log.payload(0, "");
                   },
                   0,
                   kCorrupt,
                   "a segment begins with a frame without facts",
                   0,
                   {"a segment begins with a frame without facts"},
                   0,
                   false});
  // In a second life the epoch is another one, and nothing else changes.
  cases.push_back({"another epoch",
                   [](Forge& log) { with_third(log, true, [](auto& h) { h.epoch = 99; }); },
                   0,
                   StatusCode::ok,
                   "",
                   4,
                   {},
                   4,
                   false});
  return cases;
}

std::vector<Case> cases_of_payloads() {
  const std::string raw = payload_of({std::string(100, 'a'), std::string(100, 'b')});
  const std::string zstd = packed(raw);
  const auto zstd_of = [](std::size_t size) {
    return [size](FrameHeader& h) {
      h.flags = kFlagZstd;
      h.raw_bytes = static_cast<std::uint32_t>(size);
    };
  };
  struct Kind {
    std::string name;
    std::uint32_t count;
    std::string bytes;
    Forge::Change change;
    std::string what;
    std::uint64_t facts;  // that can be read of it all the same
  };
  std::string spoiled = zstd;
  spoiled[6] = static_cast<char>(spoiled[6] | 6);  // a block of a kind that there is not
  const std::vector<Kind> kinds = {
      {"two lengths of a plain payload", 2, raw, [](auto& h) { h.raw_bytes += 1; },
       "the two lengths of a plain payload differ", 0},
      {"a plain payload that is said to be packed", 2, raw, zstd_of(raw.size()),
       "the payload can't decompress to its length", 0},
      {"another length in the payload", 2, zstd, zstd_of(raw.size() + 1),
       "the payload can't decompress to its length", 0},
      {"a payload that can't be so long", 2, zstd, zstd_of(~0U),
       "the payload can't decompress to its length", 0},
      {"a spoiled payload", 2, spoiled, zstd_of(raw.size()),
       "the payload does not decompress to its length", 0},
      {"a payload that is cut off", 2, zstd.substr(0, zstd.size() - 3), zstd_of(raw.size()),
       "the payload does not decompress to its length", 0},
      {"fewer facts than counted", 3, raw, nullptr, "does not hold the facts that its frame counts",
       2},
      {"more facts than counted", 1, raw, nullptr, "does not hold the facts that its frame counts",
       1},
      {"facts in a watermark", 0, raw, nullptr, "does not hold the facts that its frame counts", 0},
      {"a fact that is cut off", 1, raw.substr(0, 50), nullptr,
       "does not hold the facts that its frame counts", 0},
      {"four billion facts", ~0U, raw, nullptr, "does not hold the facts that its frame counts", 2},
  };
  std::vector<Case> cases;
  for (const Kind& kind : kinds) {
    const auto write = [kind](Forge& log) {
      log.segment();
      log.frame();
      log.payload(kind.count, kind.bytes, kind.change);
    };
    cases.push_back({kind.name,
                     write,
                     0,
                     kCorrupt,
                     "offset 4096, position 2: ",
                     0,
                     {kind.what},
                     kind.facts + 1,
                     false});
    cases.back().refusal = kind.what;
    // What the checkpoint holds is not looked at by who opens.
    if (kind.count == 0 || kind.count > 1000) continue;
    cases.push_back({kind.name + ", below the checkpoint",
                     write,
                     1ULL + kind.count,
                     StatusCode::ok,
                     "",
                     1ULL + kind.count,
                     {kind.what},
                     kind.facts + 1,
                     false});
  }
  cases.push_back({"a sound packed payload",
                   [zstd, raw, zstd_of](Forge& log) {
                     log.segment();
                     log.payload(2, zstd, zstd_of(raw.size()));
                   },
                   0,
                   StatusCode::ok,
                   "",
                   2,
                   {},
                   2,
                   false});
  return cases;
}

TEST_F(ForgedLogTest, FramesOfAnotherPlace) { prove(cases_of_headers()); }
TEST_F(ForgedLogTest, FramesThatDoNotContinueTheLog) { prove(cases_of_the_chain()); }
TEST_F(ForgedLogTest, PayloadsThatAreNotWhatTheFrameSays) { prove(cases_of_payloads()); }
TEST(DescribeTest, EachKindHasWords) {
  FrameHeader header;
  for (int kind = 0; kind <= static_cast<int>(FrameKind::misplaced); ++kind) {
    const std::string words = describe(static_cast<FrameKind>(kind), header);
    EXPECT_NE(words.find("frame"), std::string::npos) << words;
  }
  EXPECT_EQ(describe(static_cast<FrameKind>(99), header), "an unnamed fault");
}

}  // namespace
}  // namespace ingot::log
