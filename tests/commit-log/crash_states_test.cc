// Every state that a power loss can leave: short traces of what a log does to its files are
// recorded, and for each point of a trace each subset of the sectors that were not flushed is put
// on the disk. Whatever it is, opening gives a prefix of what was appended that holds all that was
// acknowledged; and the log goes on from there, through a second crash like the first.
//
// Of the second crashes a part is tried; INGOT_CRASH_STATES=twice takes all of them (hours).

#include <cstdio>
#include <cstdlib>
#include <optional>

#include "commit-log/frame.h"
#include "commit-log/log_reader.h"
#include "core/assert.h"
#include "tests/commit-log/image_io.h"
#include "tests/commit-log/log_harness.h"

namespace ingot::log {
namespace {

constexpr std::uint64_t kSector = 512;
constexpr std::size_t kFreeSectorsMax = 12;
const std::string kLog = "/log";

bool all_second_crashes() {
  const char* wanted = std::getenv("INGOT_CRASH_STATES");
  return wanted != nullptr && std::string_view(wanted) == "twice";
}

using Fact = std::shared_ptr<const std::string>;

// What the owner of a log knows, and what a crash therefore must not take.
struct Knowledge {
  std::uint64_t base = 0;   // the facts up to here are in a checkpoint and not kept any more
  std::vector<Fact> facts;  // of the positions from base + 1 on
  std::uint64_t acknowledged = 0;
  Position checkpoint;

  [[nodiscard]] std::uint64_t end() const { return base + facts.size(); }
  [[nodiscard]] const std::string& fact(std::uint64_t position) const {
    return *facts[position - base - 1];
  }
  void cut(std::uint64_t end) { facts.resize(end - base); }
  void forget_checkpointed() {
    facts.erase(facts.begin(),
                facts.begin() + static_cast<std::ptrdiff_t>(checkpoint.value - base));
    base = checkpoint.value;
  }
};

struct Trace {
  // The owner's knowledge when so many changes had been made.
  struct Mark {
    std::size_t changes;
    Knowledge known;
  };
  std::vector<Change> changes;
  std::vector<Mark> marks;

  // Of several marks at one place the last one counts.
  [[nodiscard]] const Knowledge& at(std::size_t changes_made) const {
    std::size_t i = marks.size() - 1;
    while (i > 0 && marks[i].changes > changes_made) --i;
    return marks[i].known;
  }
};

// An open log whose every step is recorded.
class Owner {
 public:
  Owner(Image& image, Knowledge known) : image_(image), io_(image), known_(std::move(known)) {
    start_ = image_.mark();
    mark();
  }

  // Opens the log; false, with the test failed, when what it holds is not what it has to.
  bool open(std::uint64_t epoch) {
    CommitLogOptions options = small_log(kLog, epoch);
    options.spare_segments = 1;
    std::uint64_t next = known_.checkpoint.value + 1;
    bool right = true;
    auto log =
        CommitLog::open(io_, options, known_.checkpoint, [&](Position at, std::string_view fact) {
          right = right && at.value == next && next <= known_.end() && fact == known_.fact(next);
          ++next;
          return Status();
        });
    const std::uint64_t end = next - 1;
    if (!log.ok()) {
      ADD_FAILURE() << log.status().to_string();
      return false;
    }
    if (!right || end < known_.acknowledged || (*log)->durable_position().value != end) {
      ADD_FAILURE() << "replayed " << known_.checkpoint.value + 1 << " to " << end
                    << (right ? ", all right" : ", not as appended") << "; acknowledged are "
                    << known_.acknowledged << " of " << known_.end();
      return false;
    }
    log_ = std::move(*log);
    known_.cut(end);
    known_.acknowledged = end;
    mark();
    return true;
  }

  void append(std::size_t size) {
    const std::uint64_t next = known_.end() + 1;
    known_.facts.push_back(std::make_shared<std::string>(fact_at(next + salt_++ * 7919, size)));
    INGOT_ASSERT(log_->append(*known_.facts.back()).value == next, next);
    mark();
  }
  // One write, as far as it goes; `trimmed` happens while it is in flight.
  void flush(Position trimmed = Position()) { submit(log_->flush(1), trimmed); }
  void watermark() { submit(log_->write_watermark(1), Position()); }
  void write_all() {
    while (log_->batch_bytes() != 0) flush();
  }
  void trim(Position checkpoint) {
    known_.checkpoint = checkpoint;
    mark();
    const Status status = log_->trim(checkpoint);
    EXPECT_TRUE(status.ok()) << status.to_string();
    mark();
  }
  [[nodiscard]] std::uint64_t segments() const { return log_->counters().segments; }
  [[nodiscard]] std::uint64_t durable() const { return known_.acknowledged; }

  void close() { log_.reset(); }
  [[nodiscard]] const Knowledge& known() const { return known_; }

  // What was done since the owner was made, taken back from the image.
  Trace take_trace() {
    Trace trace;
    for (std::size_t i = start_; i < image_.mark(); ++i) {
      trace.changes.push_back(image_.journal()[i]);
    }
    trace.marks = std::move(marks_);
    image_.roll_back(start_);
    return trace;
  }

 private:
  void submit(const Status& status, Position trimmed) {
    EXPECT_TRUE(status.ok()) << status.to_string();
    mark();
    if (trimmed.value != 0) trim(trimmed);
    std::vector<WriteCompletion> completions;
    io_.poll(completions);
    for (const WriteCompletion& completion : completions) {
      const Status taken = log_->on_write(completion.status);
      EXPECT_TRUE(taken.ok()) << taken.to_string();
    }
    known_.acknowledged = log_->durable_position().value;
    mark();
  }
  void mark() { marks_.push_back({image_.mark() - start_, known_}); }

  Image& image_;
  ImageIo io_;
  Knowledge known_;
  std::size_t start_ = 0;
  std::uint64_t salt_ = 1;
  std::vector<Trace::Mark> marks_;
  std::unique_ptr<CommitLog> log_;
};

struct Count {
  std::uint64_t states = 0;
  std::uint64_t second_states = 0;
  std::uint64_t mended = 0;  // openings that had remnants to remove
};

// Explores a trace. `image` is how the files were before it.
class Explorer {
 public:
  Explorer(Image& image, const Trace& trace, Count& count, int depth, std::uint64_t seed)
      : image_(image), trace_(trace), count_(count), depth_(depth), random_(seed) {}

  void run() {
    const std::size_t start = image_.mark();
    std::optional<std::size_t> pending;  // the place in the journal of the write in flight
    for (std::size_t i = 0; !::testing::Test::HasFailure(); ++i) {
      SCOPED_TRACE((depth_ == 0 ? "crash before change " : "second crash before change ") +
                   std::to_string(i) + " of " + std::to_string(trace_.changes.size()));
      const Knowledge& known = trace_.at(i);
      if (pending) {
        subsets(image_.journal()[*pending], known);
      } else {
        state(known, "no write pending");
      }
      if (i == trace_.changes.size()) break;
      const Change& change = trace_.changes[i];
      if (change.kind == Change::Kind::create && !pending) cut_creation(change, known);
      if (change.kind == Change::Kind::completed) pending.reset();
      if (change.kind == Change::Kind::write && change.async) pending = image_.mark();
      image_.repeat(change);
      if (change.kind == Change::Kind::write && !change.async && !pending) {
        subsets(image_.journal().back(), known);  // a write that blocks: nothing else is pending
      }
    }
    image_.roll_back(start);
  }

 private:
  // Every subset of the sectors that the write changed, as far as they are few.
  void subsets(const Change& entry, const Knowledge& known) {
    const Change write = entry;  // the journal grows below
    std::vector<std::uint64_t> changed;
    for (std::uint64_t at = 0; at < write.after.size(); at += kSector) {
      if (write.after.compare(at, kSector, write.before, at, kSector) != 0) changed.push_back(at);
    }
    const bool in_part = depth_ > 0 && !all_second_crashes();
    const std::size_t most = in_part ? 8 : kFreeSectorsMax;
    std::vector<std::uint64_t> free = changed;
    std::vector<std::uint64_t> rest;
    if (changed.size() > most) pick(write, most, changed, free, rest);
    // A second crash is one of many: a few of its subsets, all of them on demand.
    const std::uint64_t all = 1ULL << free.size();
    const std::uint64_t tried = in_part ? std::min<std::uint64_t>(all, 6) : all;
    for (int landed = 0; landed < (rest.empty() ? 1 : 2); ++landed) {
      for (std::uint64_t n = 0; n < tried; ++n) {
        const std::uint64_t mask = tried == all ? n : random_.below(all);
        const std::size_t mark = image_.mark();
        for (std::size_t i = 0; i < free.size(); ++i) {
          if ((mask >> i & 1) == 0) lose(write, free[i]);
        }
        for (const std::uint64_t at : rest) {
          if (landed == 0) lose(write, at);
        }
        state(known, "mask " + std::to_string(mask) + " of " + std::to_string(free.size()) +
                         " sectors, the other " + std::to_string(rest.size()) +
                         (landed == 0 ? " lost" : " landed"));
        image_.roll_back(mark);
        if (::testing::Test::HasFailure()) return;
      }
    }
  }

  void lose(const Change& write, std::uint64_t at) {
    image_.write(write.path, write.offset + at, std::string_view(write.before).substr(at, kSector));
  }

  // The sectors that matter most: those with a header, those right behind and before one, then any.
  void pick(const Change& write, std::size_t most, const std::vector<std::uint64_t>& changed,
            std::vector<std::uint64_t>& free, std::vector<std::uint64_t>& rest) {
    free.clear();
    const auto take = [&](std::uint64_t at) {
      const bool known = std::find(changed.begin(), changed.end(), at) != changed.end();
      const bool taken = std::find(free.begin(), free.end(), at) != free.end();
      if (known && !taken && free.size() < most) free.push_back(at);
    };
    const auto starts_frame = [&](const std::string& bytes, std::uint64_t at) {
      const FrameHeader header = load_header({bytes.data() + at, kHeaderBytes});
      return header.magic == kFrameMagic && header.offset == write.offset + at;
    };
    for (std::uint64_t at = 0; at < write.after.size(); at += kBlockBytes) {
      if (!starts_frame(write.after, at) && !starts_frame(write.before, at)) continue;
      take(at);
      take(at + kSector);
      if (at >= kSector) take(at - kSector);
    }
    take(changed.back());
    while (free.size() < most) take(changed[random_.below(changed.size())]);
    for (const std::uint64_t at : changed) {
      if (std::find(free.begin(), free.end(), at) == free.end()) rest.push_back(at);
    }
  }

  // A creation that was cut short leaves a file under its temporary name, of any size, or none.
  void cut_creation(const Change& change, const Knowledge& known) {
    const std::uint64_t whole = change.after.size();
    for (const std::uint64_t size : {std::uint64_t{0}, kBlockBytes, whole / 2, whole}) {
      const std::size_t mark = image_.mark();
      image_.create(change.path + ".tmp", size);
      state(known, "a temporary file of " + std::to_string(size) + " bytes");
      image_.roll_back(mark);
    }
  }

  // The files are as a crash left them: the log opens and goes on.
  void state(const Knowledge& known, const std::string& what) {
    SCOPED_TRACE(what);
    ++(depth_ == 0 ? count_.states : count_.second_states);
    const std::size_t mark = image_.mark();
    Owner owner(image_, known);
    const std::uint64_t epoch = 1000 + count_.states * 10 + static_cast<std::uint64_t>(depth_);
    if (!owner.open(epoch)) return;
    for (std::size_t i = mark; i < image_.mark(); ++i) {
      if (image_.journal()[i].kind == Change::Kind::write) {
        ++count_.mended;
        break;
      }
    }
    owner.append(20);
    owner.flush();
    owner.append(5000);
    owner.append(60);
    owner.write_all();
    if (count_.states % 2 == 0) owner.watermark();
    owner.close();
    Owner again(image_, owner.known());
    if (!again.open(epoch + 1)) return;
    again.close();
    if (count_.states % 16 == 0) expect_clean(owner.known());
    const bool deeper = depth_ == 0 && (all_second_crashes() || count_.states % 24 == 1);
    if (deeper) {
      again.take_trace();  // drops what the second opening did
      const Trace trace = owner.take_trace();
      Explorer(image_, trace, count_, depth_ + 1, count_.states).run();
    }
    image_.roll_back(mark);
  }

  // What `ingot verify` says of it.
  void expect_clean(const Knowledge& known) {
    ImageIo io(image_);
    LogVisitor visitor;
    visitor.on_fault = [](const LogFault& fault) { ADD_FAILURE() << fault.status.to_string(); };
    const auto summary =
        LogReader(io, {kLog, kTestHub, PartitionId(3), known.checkpoint}).read(visitor);
    ASSERT_TRUE(summary.ok()) << summary.status().to_string();
    EXPECT_EQ(summary->last.value, known.end());
    EXPECT_FALSE(summary->torn_tail);
  }

  Image& image_;
  const Trace& trace_;
  Count& count_;
  int depth_;
  Random random_;
};

class CrashStatesTest : public ::testing::Test {
 protected:
  // Explores what `owner` did since the image was as it is now.
  void explore(Owner& owner) {
    owner.close();
    const Trace trace = owner.take_trace();
    ASSERT_FALSE(trace.changes.empty());
    Explorer(image_, trace, count_, 0, 42).run();
    std::printf("crash states: %llu, after a second crash: %llu, with remnants: %llu\n",
                static_cast<unsigned long long>(count_.states),
                static_cast<unsigned long long>(count_.second_states),
                static_cast<unsigned long long>(count_.mended));
  }

  // A log with `segments` full ones before the current one, whose checkpoint is at its end.
  Knowledge grow(std::uint64_t segments, std::size_t fact_bytes) {
    Owner owner(image_, Knowledge());
    EXPECT_TRUE(owner.open(1));
    while (owner.segments() <= segments) {
      for (int i = 0; i < 4; ++i) owner.append(fact_bytes);
      owner.write_all();
    }
    owner.trim(Position(owner.durable()));
    owner.close();
    Knowledge known = owner.known();
    known.forget_checkpointed();
    return known;
  }

  Image image_;
  Count count_;
};

TEST_F(CrashStatesTest, SmallAppendsAndWatermarksInANewLog) {
  Owner owner(image_, Knowledge());
  ASSERT_TRUE(owner.open(1));
  owner.append(10);
  owner.flush();
  owner.watermark();
  owner.append(3000);
  owner.append(700);
  owner.flush();
  owner.append(3900);
  owner.flush();
  owner.watermark();
  owner.append(1);
  owner.flush();
  ASSERT_NO_FATAL_FAILURE(explore(owner));
  EXPECT_GT(count_.states, 500U);
  EXPECT_GT(count_.second_states, 500U);
  EXPECT_GT(count_.mended, 100U);
}

// The frames of the file's earlier use are of the same sizes and lie at the same offsets as those
// that are written over them.
TEST_F(CrashStatesTest, RollsIntoARecycledSegmentFullOfStaleFrames) {
  const Knowledge known = grow(3, 900);
  Owner owner(image_, known);
  ASSERT_TRUE(owner.open(2));
  // A fact that does not fit behind what there is: the segment rolls into the recycled spare.
  const std::uint64_t before = owner.segments();
  std::uint64_t writes = 0;
  for (; owner.segments() == before; ++writes) {
    owner.append(60000);
    owner.write_all();
    ASSERT_LT(writes, 40U);
  }
  owner.close();
  // What came before the roll is not recorded again.
  Owner recorded(image_, owner.known());
  ASSERT_TRUE(recorded.open(3));
  for (int i = 0; i < 4; ++i) recorded.append(900);
  recorded.flush();
  recorded.watermark();
  for (int i = 0; i < 4; ++i) recorded.append(900);
  recorded.flush();
  recorded.append(100);
  recorded.flush(Position(recorded.durable()));
  recorded.watermark();
  ASSERT_NO_FATAL_FAILURE(explore(recorded));
  EXPECT_GT(count_.states, 800U);
  EXPECT_GT(count_.mended, 100U);
}

TEST_F(CrashStatesTest, TheRollItselfAndTheTrimThatRecycles) {
  const Knowledge known = grow(2, 2500);
  Owner filler(image_, known);
  ASSERT_TRUE(filler.open(2));
  // Fills the segment until a last batch of 60 kB is sure to roll.
  Image full = image_.copy();
  Knowledge almost = known;
  for (const std::uint64_t before = filler.segments();;) {
    filler.append(60000);
    filler.write_all();
    if (filler.segments() != before) break;
    full = image_.copy();
    almost = filler.known();
  }
  filler.close();
  image_ = std::move(full);
  Owner owner(image_, almost);
  ASSERT_TRUE(owner.open(3));
  owner.append(100);
  owner.flush();
  owner.append(60000);
  owner.write_all();  // rolls
  owner.append(300);
  owner.flush(Position(owner.durable()));  // the segment before is recycled meanwhile
  owner.watermark();
  owner.append(200);
  owner.flush();
  ASSERT_NO_FATAL_FAILURE(explore(owner));
  EXPECT_GT(count_.states, 800U);
}

TEST_F(CrashStatesTest, SeveralFramesInOneWrite) {
  const Knowledge known = grow(3, 2500);
  Owner owner(image_, known);
  ASSERT_TRUE(owner.open(2));
  for (int i = 0; i < 3; ++i) owner.append(60000);  // three frames
  owner.flush();
  owner.append(40);
  owner.flush();
  for (int i = 0; i < 30; ++i) owner.append(5000);
  owner.flush();
  owner.watermark();
  ASSERT_NO_FATAL_FAILURE(explore(owner));
  EXPECT_GT(count_.states, 900U);
}

TEST_F(CrashStatesTest, AFactLargerThanASegment) {
  Owner owner(image_, Knowledge());
  ASSERT_TRUE(owner.open(1));
  owner.append(1100000);  // the empty segment is replaced by a larger one
  owner.flush();
  owner.append(30);
  owner.write_all();
  owner.append(1100000);
  owner.write_all();
  owner.append(40);
  owner.write_all();
  owner.trim(Position(owner.durable()));
  ASSERT_NO_FATAL_FAILURE(explore(owner));
  EXPECT_GT(count_.states, 500U);
}

// An incarnation that wrote more than the one before it, and was cut off in turn: what is left of
// the longer batch must not continue the shorter one.
TEST_F(CrashStatesTest, AShortBatchOverTheRemnantsOfALongOne) {
  Owner first(image_, Knowledge());
  ASSERT_TRUE(first.open(1));
  first.append(10);
  first.flush();
  const Knowledge durable = first.known();
  for (int i = 0; i < 4; ++i) first.append(60000);
  first.flush();  // four frames, of which the first one is lost below
  first.close();
  const std::string path = image_.files().begin()->first;
  image_.write(path, 2 * kBlockBytes, std::string(kSector, '\0'));
  Knowledge known = first.known();
  known.acknowledged = durable.acknowledged;
  Owner owner(image_, known);
  ASSERT_TRUE(owner.open(2));
  EXPECT_EQ(owner.durable(), durable.end());
  owner.append(60000);
  owner.flush();
  owner.append(20);
  owner.flush();
  ASSERT_NO_FATAL_FAILURE(explore(owner));
  EXPECT_GT(count_.states, 400U);
}

}  // namespace
}  // namespace ingot::log
