#pragma once

// What the tests of the log share: options for small logs, and calls that drive a log to the end of
// its writes.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "commit-log/commit_log.h"
#include "tests/support/sim_disk.h"
#include "tests/support/sim_io.h"

namespace ingot::log {

inline constexpr std::uint64_t kTestHub = 0x1234567890ABCDEF;

inline CommitLogOptions small_log(const std::string& directory, std::uint64_t epoch = 1) {
  CommitLogOptions options;
  options.directory = directory;
  options.hub_id = kTestHub;
  options.partition = PartitionId(3);
  options.epoch = epoch;
  options.segment_bytes = 1U << 20;
  options.batch_bytes_max = 64U << 10;
  options.spare_segments = 2;
  return options;
}

// The facts that an opening replayed.
using Facts = std::map<std::uint64_t, std::string>;

struct Opened {
  Status status;
  std::unique_ptr<CommitLog> log;
  Facts facts;
};

inline Opened open_log(Io& io, const CommitLogOptions& options, Position checkpoint = Position()) {
  Opened opened;
  auto log = CommitLog::open(io, options, checkpoint, [&](Position at, std::string_view fact) {
    EXPECT_TRUE(opened.facts.emplace(at.value, fact).second) << "replayed twice: " << at.value;
    return Status();
  });
  if (log.ok()) {
    opened.log = std::move(*log);
  } else {
    opened.status = log.take_status();
  }
  return opened;
}

// Waits until no write is in flight.
inline Status settle(Io& io, CommitLog& log) {
  std::vector<WriteCompletion> completions;
  while (log.write_in_flight()) {
    completions.clear();
    io.wait(std::chrono::seconds(1), completions);
    for (const WriteCompletion& completion : completions) {
      if (Status status = log.on_write(completion.status); !status.ok()) return status;
    }
  }
  return {};
}

// Writes everything that was appended and waits until it is durable.
inline Status write_all(Io& io, CommitLog& log) {
  while (log.batch_bytes() != 0 || log.write_in_flight()) {
    if (Status status = settle(io, log); !status.ok()) return status;
    if (Status status = log.flush(7); !status.ok()) return status;
  }
  return {};
}

inline Status write_watermark(Io& io, CommitLog& log) {
  if (Status status = log.write_watermark(8); !status.ok()) return status;
  return settle(io, log);
}

// A fact whose content depends on its position, so that a changed one is seen.
inline std::string fact_at(std::uint64_t position, std::size_t size) {
  std::string fact(size, '\0');
  Random random(position * 977 + size);
  for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t)) {
    const std::uint64_t word = random.next();
    std::memcpy(fact.data() + at, &word, std::min(sizeof word, size - at));
  }
  return fact;
}

}  // namespace ingot::log
