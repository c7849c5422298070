// Every call of the operating system and of LMDB that a checkpoint store makes fails, once and for
// good, with the errors that it can give.
//
// A store's life is cut into stages (opening a new one, writing, merging, reading, a scrub behind
// the opening, a look from outside). Each case is one stage in a process of its own, from a file
// that was made before, in which one call fails. What must hold is in store_life.h; beside it each
// failure is told, with the file and the reason, unless it is known to harm nothing.
//
// Without more, each kind of call fails wherever it comes by another way: one call for each stack,
// with one of its errors. INGOT_FAULTS_RUNS=N runs so many of each stage's, drawn at random;
// INGOT_FAULTS_SKIP, _SEED and _ONLY as in io_faults (README.md).

#include <gtest/gtest.h>
#include <lmdb.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "core/random.h"
#include "tests/faults/fault_cases.h"
#include "tests/faults/proof.h"
#include "tests/faults/store_life.h"
#include "tests/support/temp_directory.h"

namespace ingot::faults {
namespace {

using storage::Checkpoint;
using storage::EntryTable;
using storage::StoreModel;
using Scrub = StoreLife::Scrub;

constexpr std::uint64_t kUniverse = 120;
constexpr std::uint64_t kRunIds = 6000;  // of a run that is not merged at once

// Something of all.
StoreLife::Changes mixed(std::uint64_t seed, std::uint64_t changes) {
  return [=](StoreModel& model, Checkpoint& checkpoint) {
    Random random(seed);
    model.random_changes(random, changes, kUniverse, checkpoint);
    model.put_entry(checkpoint, EntryTable::work, std::to_string(seed), std::string(5000, 'v'));
    model.put_entry(checkpoint, EntryTable::detached, "d", std::to_string(seed));
    model.erase_entry(checkpoint, EntryTable::work, std::to_string(seed - 1));
  };
}

void put_records(StoreModel& model, Checkpoint& checkpoint, std::uint64_t first,
                 std::uint64_t count) {
  Random random(first);
  for (std::uint64_t n = first; n < first + count; ++n) {
    model.put_record(checkpoint, "record" + std::to_string(n), storage::random_bytes(random, 100));
  }
}

// All but one of so many records go.
void thin_out(StoreModel& model, Checkpoint& checkpoint, std::uint64_t one_in) {
  const auto places = model.places;
  for (const auto& [id, place] : places) {
    if (place % one_in != 0) model.erase_id(checkpoint, id);
  }
}

void grow_rows(StoreModel& model, Checkpoint& checkpoint, std::size_t bytes) {
  for (const std::uint64_t row : {1, 5, 9}) {
    model.rows[row] = std::string(bytes, 'r');
    checkpoint.put_row(SequenceNumber(row), model.rows[row]);
  }
}

// A run of ids that stays one: every kRunIds-th of a shuffled lot begins at `part`.
void put_run(StoreModel& model, Checkpoint& checkpoint, std::uint64_t part) {
  for (std::uint64_t i = 0; i < kRunIds; ++i) {
    const std::uint64_t n = i * 4 + part;
    model.put_id(checkpoint, std::to_string(n * 7919 % 1000003), SequenceNumber(n + 1));
  }
}

void erase_ids(StoreModel& model, Checkpoint& checkpoint, std::size_t count) {
  std::vector<std::string> gone;
  for (auto id = model.ids.begin(); gone.size() < count && id != model.ids.end(); ++id) {
    gone.push_back(id->first);
  }
  for (const std::string& id : gone) model.erase_id(checkpoint, id);
}

// --- what stages begin with

enum class Image : std::uint8_t { none, small, runs, merging, count_ };

void make_small(StoreLife& life) {
  for (std::uint64_t round = 1; round <= 4; ++round) {
    life.checkpoint(mixed(round * 10, 150));
    life.checkpoint([=](StoreModel& model, Checkpoint& checkpoint) {
      put_records(model, checkpoint, round * 1000, 150);
      grow_rows(model, checkpoint, 9000);
    });
    life.checkpoint(
        [](StoreModel& model, Checkpoint& checkpoint) { thin_out(model, checkpoint, 3); });
  }
}

void make_runs(StoreLife& life) {
  for (const std::uint64_t part : {0, 1, 2}) {
    life.checkpoint(
        [=](StoreModel& model, Checkpoint& checkpoint) { put_run(model, checkpoint, part); });
  }
}

// A merge that the end of the process finds half done.
void make_merging(StoreLife& life) {
  make_runs(life);
  life.checkpoint([](StoreModel& model, Checkpoint& checkpoint) { put_run(model, checkpoint, 3); });
  life.checkpoint(mixed(1, 5));
}

// --- the stages

void create(StoreLife& life) {
  life.open(Scrub::at_open);
  life.checkpoint(mixed(1, 60));
  life.checkpoint(mixed(2, 60));
  life.read();
}

void write(StoreLife& life) {
  life.open(Scrub::never);
  life.checkpoint(mixed(101, 60));
  life.checkpoint([](StoreModel& model, Checkpoint& checkpoint) {
    thin_out(model, checkpoint, 11);
    grow_rows(model, checkpoint, 20'000);
    put_records(model, checkpoint, 9000, 100);
  });
  life.checkpoint([](StoreModel& model, Checkpoint& checkpoint) {
    grow_rows(model, checkpoint, 100);
    thin_out(model, checkpoint, 40);
  });
  life.checkpoint(mixed(102, 60));
  life.read();
}

void read(StoreLife& life) {
  life.open(Scrub::at_open);
  life.read();
  life.scrub();
}

void scrub_behind(StoreLife& life) {
  life.open(Scrub::behind);
  life.read();
  life.checkpoint(mixed(103, 20));
  life.wait_for_scrubber();
  life.read();
}

void count(StoreLife& life) {
  life.open(Scrub::never);
  life.count();
}

void look(StoreLife& life) { life.verify(); }

// Four runs become one, over two checkpoints; then so many ids go that all runs become one.
void merge(StoreLife& life) {
  life.open(Scrub::never);
  life.checkpoint([](StoreModel& model, Checkpoint& checkpoint) { put_run(model, checkpoint, 3); });
  life.checkpoint(mixed(104, 5));
  life.checkpoint(mixed(105, 5));
  life.checkpoint(
      [](StoreModel& model, Checkpoint& checkpoint) { erase_ids(model, checkpoint, 9000); });
  life.checkpoint(mixed(106, 5));
  life.checkpoint(mixed(107, 5));
}

void merge_again(StoreLife& life) {
  life.open(Scrub::at_open);
  life.checkpoint(mixed(108, 5));
  life.read();
}

struct Stage {
  const char* name;
  Image image;
  void (*run)(StoreLife&);
};
constexpr std::array kStages = {
    Stage{"create", Image::none, create}, Stage{"write", Image::small, write},
    Stage{"read", Image::small, read},    Stage{"scrub_behind", Image::small, scrub_behind},
    Stage{"count", Image::small, count},  Stage{"look", Image::small, look},
    Stage{"merge", Image::runs, merge},   Stage{"merge_again", Image::merging, merge_again}};

class Images {
 public:
  Images() {
    make(Image::small, make_small);
    make(Image::runs, make_runs);
    make(Image::merging, make_merging);
  }
  // A life of a copy in `folder`.
  [[nodiscard]] StoreLife life_in(const std::string& folder, Image image) const {
    const std::string directory = StoreLife::directory_in(folder);
    std::filesystem::create_directory(directory);
    if (image != Image::none) {
      std::filesystem::copy_file(StoreLife::directory_in(path(image)) + "/checkpoint.mdb",
                                 directory + "/checkpoint.mdb");
    }
    return {folder, models_[static_cast<std::size_t>(image)]};
  }

 private:
  [[nodiscard]] std::string path(Image image) const {
    return folder_.path() + "/" + std::to_string(static_cast<int>(image));
  }
  void make(Image image, void (*fill)(StoreLife&)) {
    std::filesystem::create_directories(StoreLife::directory_in(path(image)));
    StoreLife life(path(image), {});
    life.open(Scrub::at_open);
    fill(life);
    life.close();
    for (const Status& failure : life.failures()) ADD_FAILURE() << failure.to_string();
    for (const std::string& problem : life.problems()) ADD_FAILURE() << problem;
    models_[static_cast<std::size_t>(image)] = life.model();
  }

  sim::TempDirectory folder_;
  std::array<StoreModel, static_cast<std::size_t>(Image::count_)> models_;
};

// --- a case

// Failures that nobody has to hear of, and why.
bool may_pass_unnoticed(const Stage& stage, const Fault& fault) {
  if (transient(fault.call, fault.error)) return true;  // gone on with
  switch (fault.call) {
    case Call::statvfs:  // tells a full disk from other errors
    case Call::unlink:   // of what the next opening removes, or LMDB takes as it is
      return true;
    case Call::mdb_txn_begin:  // the scrub behind an opening is left to the next one
    case Call::mdb_txn_renew:
      return stage.run == scrub_behind && fault.error == MDB_READERS_FULL;
    case Call::stat:  // counters() without the file's size
      return stage.run == count;
    default:
      return false;
  }
}

bool is_full(int error) { return error == ENOSPC || error == EDQUOT || error == MDB_MAP_FULL; }

// One of the answers tells the file and the reason.
bool is_named(const std::vector<Status>& failures, const std::string& folder, const Fault& fault) {
  if (transient(fault.call, fault.error)) return true;
  const char* const reason =
      fault.error < 0 ? mdb_strerror(fault.error) : std::strerror(fault.error);
  return std::any_of(failures.begin(), failures.end(), [&](const Status& failure) {
    if (failure.message().find(folder) == std::string::npos) return false;
    return failure.message().find(reason) != std::string::npos ||
           (failure.code() == StatusCode::disk_full && is_full(fault.error)) ||
           fault.call == Call::fcntl;  // LMDB goes on, and says what it meets then
  });
}

std::string run_case(const Images& images, const Stage& stage, const Fault& fault) {
  const sim::TempDirectory folder;
  StoreLife life = images.life_in(folder.path(), stage.image);
  watch(folder.path());
  arm(fault);
  stage.run(life);
  const std::uint64_t hit = hits();
  disarm();
  const std::vector<Status> failures = life.failures();
  if (hit != 0) life.go_on();
  watch({});
  life.check();
  std::string text;
  for (const std::string& problem : life.problems()) text += "P " + problem + "\n";
  if (hit == 0 && !failures.empty()) text += "P without a fault\n";
  if (hit != 0 && failures.empty() && !may_pass_unnoticed(stage, fault))
    text += "P nobody was told\n";
  for (const Status& failure : failures) {
    if (failure.code() != StatusCode::disk_full || is_full(fault.error)) continue;
    if (fault.error == kShort) continue;  // LMDB takes it for one while it makes a file
    text += "P this is no full disk: " + failure.to_string() + "\n";
  }
  if (!failures.empty() && !is_named(failures, folder.path(), fault)) {
    text += "P no status says what failed, where and why\n";
  }
  if (!text.empty()) {
    for (const Status& failure : failures) text += "  answered: " + failure.to_string() + "\n";
  }
  return text + "S " + std::to_string(hit) + (failures.empty() ? " 0 " : " 1 ") +
         std::to_string(life.kept()) + "\n";
}

// How often each call comes in a stage when nothing fails, and by which ways.
std::string count_calls(const Images& images, const Stage& stage) {
  const sim::TempDirectory folder;
  StoreLife life = images.life_in(folder.path(), stage.image);
  watch(folder.path());
  keep_ways();
  stage.run(life);
  const std::string counted = to_lines(counts()) + to_lines(ways());
  watch({});
  life.check();
  std::string text;
  for (const std::string& problem : life.problems()) text += "P " + problem + "\n";
  for (const Status& failure : life.failures()) text += "P " + failure.to_string() + "\n";
  return text + counted;
}

class StoreFaults : public ::testing::TestWithParam<std::size_t> {
 protected:
  static void SetUpTestSuite() { images_ = new Images(); }
  static void TearDownTestSuite() { delete std::exchange(images_, nullptr); }
  static const Images& images() { return *images_; }

 private:
  inline static Images* images_ = nullptr;
};

TEST_P(StoreFaults, EachCallThatFailsIsToldAndTheStoreIsWhatWasAcknowledged) {
  const std::uint64_t seed = chosen_seed();
  const Stage& stage = kStages[GetParam()];
  const std::string counted =
      answer_without_a_fault([&stage] { return count_calls(images(), stage); });
  ASSERT_FALSE(HasFailure());
  const bool drawn = std::getenv("INGOT_FAULTS_RUNS") != nullptr;
  const std::vector<Fault> faults =
      drawn ? choose(counts_in(counted), seed) : one_for_each(ways_in(counted), GetParam());
  prove_chosen(faults, [&stage](const Fault& fault) { return run_case(images(), stage, fault); });
}

INSTANTIATE_TEST_SUITE_P(Stages, StoreFaults, ::testing::Range<std::size_t>(0, kStages.size()),
                         [](const auto& test) { return std::string(kStages[test.param].name); });

}  // namespace
}  // namespace ingot::faults
