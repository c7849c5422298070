// Log segments as a whole: frames anywhere, checksums put right, then the reader and the opening
// that a hub does. What opens must be what the reader shows, must open again, and must take a fact.

#include "commit-log/commit_log.h"
#include "commit-log/frame.h"
#include "commit-log/log_reader.h"
#include "commit-log/recovery.h"
#include "commit-log/segment_files.h"
#include "core/codec.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/sim_disk.h"
#include "tests/support/sim_io.h"

namespace ingot::fuzz {
namespace {

using namespace log;

constexpr char kFolder[] = "log";
constexpr std::uint64_t kHub = 77;
constexpr std::size_t kBlocksMax = 12;

using Facts = std::vector<std::string>;

// Reads an input of the form
//
//   segment  := u8 blocks, u8 position of the first fact, writes
//   write    := u8 block, u8 flags, text patch, text payload      up to u8 block = 255
//   flags    := 1: a good header of this place; 2: compressed; 4: the right checksum
class Builder {
 public:
  explicit Builder(sim::SimDisk& disk) : disk_(disk) {}

  void build(Parts& parts) {
    while (parts.more() && segments_ < 3) segment(parts);
  }

 private:
  void segment(Parts& parts) {
    const std::size_t blocks = parts.u8() % (kBlocksMax + 1);
    const std::uint64_t first = parts.u8();
    std::string file(blocks * kBlockBytes, '\0');
    while (parts.more()) {
      const std::size_t block = parts.u8();
      if (block == 255) break;
      if (block >= blocks) continue;
      write(parts, file, block * kBlockBytes, first);
    }
    const std::string path = segment_path(kFolder, Position(first));
    sim::SimIo io(disk_);
    if (io.create_zeroed(path, file.size()).ok()) disk_.overwrite(path, 0, file);
    ++segments_;
  }

  void write(Parts& parts, std::string& file, std::uint64_t offset, std::uint64_t first) {
    const std::uint8_t flags = parts.u8();
    const std::string_view patch = parts.text();
    const std::string_view payload = parts.text();
    std::uint64_t bytes = std::min(frame_bytes(payload.size()), file.size() - offset);
    const std::span<char> frame(file.data() + offset, bytes);
    std::memset(frame.data(), 0, frame.size());
    FrameHeader header;
    if ((flags & 1) != 0) {
      if (chain_.next.value == 0) chain_.next = Position(first);
      header.flags = (flags & 2) != 0 ? kFlagZstd : 0;
      header.stored_bytes = header.raw_bytes = static_cast<std::uint32_t>(payload.size());
      header.hub_id = kHub;
      header.count = count_facts(payload);
      header.segment_id = first;
      header.first_position = chain_.next.value;
      header.durable_position = chain_.next.value - 1;
      header.previous = chain_.previous;
      header.offset = header.write_offset = offset;
      header.segment_blocks = static_cast<std::uint32_t>(file.size() / kBlockBytes);
    }
    std::memcpy(frame.data(), &header, std::min(sizeof header, frame.size()));
    if (frame.size() > kHeaderBytes) {
      std::memcpy(frame.data() + kHeaderBytes, payload.data(),
                  std::min(payload.size(), frame.size() - kHeaderBytes));
    }
    // Pairs of place and value in the header.
    for (std::size_t i = 0; i + 1 < patch.size(); i += 2) {
      frame[static_cast<unsigned char>(patch[i]) % kHeaderBytes] = patch[i + 1];
    }
    header = load_header(frame);
    const std::uint64_t claimed = frame_bytes(header.stored_bytes);
    const bool sound = header.durable_position < header.first_position;
    if ((flags & 4) != 0 && sound && claimed <= file.size() - offset) {
      header.checksum = seal_frame(header, {file.data() + offset, claimed});
      if (chain_fault(chain_, header).empty()) advance_chain(chain_, header);
    }
  }

  static std::uint32_t count_facts(std::string_view payload) {
    Reader reader(payload);
    std::uint32_t count = 0;
    for (; reader.more(); ++count) static_cast<void>(reader.bytes());
    return count;
  }

  sim::SimDisk& disk_;
  ChainState chain_;
  int segments_ = 0;
};

CommitLogOptions options_for(std::uint64_t epoch) {
  CommitLogOptions options;
  options.directory = kFolder;
  options.hub_id = kHub;
  options.epoch = epoch;
  options.segment_bytes = 1U << 20;
  options.batch_bytes_max = 64U << 10;
  return options;
}

struct Opened {
  Status status;
  std::unique_ptr<CommitLog> log;
  Facts facts;
};

Opened open(Io& io, Position checkpoint, std::uint64_t epoch) {
  Opened opened;
  Position last = checkpoint;
  auto log =
      CommitLog::open(io, options_for(epoch), checkpoint, [&](Position at, std::string_view fact) {
        FUZZ_CHECK(at == last.plus(1));
        last = at;
        opened.facts.emplace_back(fact);
        return Status();
      });
  opened.status = log.status();
  if (log.ok()) opened.log = *std::move(log);
  FUZZ_CHECK(!opened.log || opened.log->durable_position() == last);
  return opened;
}

void write_one(sim::SimDisk& disk, CommitLog& log, Io& io, std::string_view fact) {
  disk.set_prompt(true);
  static_cast<void>(log.append(fact));
  FUZZ_CHECK(log.flush(1).ok());
  std::vector<WriteCompletion> done;
  while (log.write_in_flight()) {
    done.clear();
    io.wait(std::chrono::seconds(1), done);
    for (const WriteCompletion& write : done) FUZZ_CHECK(log.on_write(write.status).ok());
  }
}

}  // namespace

// The first byte is the checkpoint's position, the second says whether a fact is appended.
void run(std::string_view input) {
  Parts parts(input);
  const Position checkpoint(parts.u8() % 16);
  const bool append = parts.u8() % 16 == 1;
  sim::SimDisk disk(1);
  sim::SimIo io(disk);
  FUZZ_CHECK(io.make_directory(kFolder).ok());
  Builder(disk).build(parts);

  const std::uint64_t before = disk.fingerprint();
  Facts shown;
  LogVisitor visitor;
  visitor.on_fact = [&](Position at, std::string_view fact) {
    if (at > checkpoint) shown.emplace_back(fact);
    return Status();
  };
  LogReader reader(io, {kFolder, kHub, PartitionId(), checkpoint});
  const Result<LogSummary> summary = reader.read(visitor);
  FUZZ_CHECK(summary.ok() && disk.fingerprint() == before);

  Opened opened = open(io, checkpoint, 5);
  if (!opened.status.ok()) {
    FUZZ_CHECK(disk.fingerprint() == before);  // a refused opening changes nothing
    const StatusCode code = opened.status.code();
    FUZZ_CHECK(code == StatusCode::corrupt || code == StatusCode::unsupported);
    // What an opening refuses, `ingot verify` finds. To the reader a checkpoint of 0 is not known.
    FUZZ_CHECK(summary->faults != 0 || checkpoint.value == 0);
    return;
  }
  // The reader looks at segments below the checkpoint besides.
  if (summary->faults == 0) FUZZ_CHECK(opened.facts == shown);
  if (append) {
    write_one(disk, *opened.log, io, "one more");
    opened.facts.emplace_back("one more");
  }
  const Facts facts = opened.facts;
  opened.log.reset();
  const Opened again = open(io, checkpoint, 6);
  // Behind the log's end a frame from elsewhere is of no account, until the log ends before it.
  const std::string_view why = again.status.message();
  if (append && (why.find("no crash leaves that behind") != std::string_view::npos ||
                 again.status.code() == StatusCode::unsupported)) {
    return;
  }
  FUZZ_CHECK(again.status.ok() && again.facts == facts);
}

std::vector<std::string> seeds() {
  const auto text = [](std::string bytes) {
    return std::string(1, static_cast<char>(bytes.size())) + std::move(bytes);
  };
  const auto write = [&](char block, char flags, std::string payload, std::string patch = {}) {
    return std::string{block, flags} + text(std::move(patch)) + text(std::move(payload));
  };
  const std::string start{'\0', '\1', '\4', '\1'};
  const std::string facts("\3one\3two", 8);
  const std::string end(1, '\xFF');
  std::vector<std::string> all;
  all.push_back(start + write(0, 5, facts));
  all.push_back(start + write(0, 5, facts) + write(1, 5, "") + write(2, 5, facts));
  all.push_back(start + write(0, 5, facts) + write(1, 1, facts));
  all.push_back(start + write(0, 5, facts) + write(2, 5, facts));
  all.push_back(start + write(0, 5, facts) + end + std::string("\2\3") + write(0, 5, "\1x"));
  all.push_back(start + write(0, 5, facts) + write(1, 5, facts, "\x0C\2"));
  all.push_back(std::string("\2\0\4\1", 4) + write(0, 5, facts) + write(1, 5, facts));
  all.push_back(start + write(0, 5, facts) + write(1, 5, facts, std::string("\x18\1", 2)));
  // A zstd frame of "\5hello": one raw block.
  const std::string zstd("\x28\xB5\x2F\xFD\x20\x06\x31\0\0\5hello", 15);
  all.push_back(start + write(0, 7, zstd, std::string("\x14\6\x24\1", 4)));
  return all;
}

}  // namespace ingot::fuzz
