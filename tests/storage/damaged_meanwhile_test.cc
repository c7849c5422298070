// Files that are sound when they are opened and damaged while they are read.

#include "tests/storage/forged_store.h"
#include "tests/storage/page_editor.h"

namespace ingot::storage {
namespace {

using DamagedMeanwhileTest = ForgedStoreTest;

// What a file says may change between two looks at it: it is found by the second one.
TEST_F(DamagedMeanwhileTest, AFileThatIsDamagedWhileItIsScrubbedIsFound) {
  const auto file = PageFile::open(path());
  ASSERT_TRUE(file.ok());
  Snapshot snapshot;
  snapshot.roots = *read_roots(**file);
  TableReader reader(**file, snapshot.roots);
  for (const RunReference& run : snapshot.roots.meta.runs) {
    snapshot.runs.insert(snapshot.runs.begin(), *IdRun::load(reader, run));
  }
  std::vector<StoreFault> faults;
  const auto note = [&](const StoreFault& fault) { faults.push_back(fault); };
  std::uint64_t asked = 0;
  ASSERT_TRUE(scrub_snapshot(**file, snapshot, note, [&] {
                ++asked;
                return Status();
              }).ok());
  ASSERT_TRUE(faults.empty());
  const std::string damaged = good().substr(0, 2 * PageEditor::kPageBytes) +
                              std::string(good().size() - 2 * PageEditor::kPageBytes, '\x55');
  std::uint64_t found = 0;
  // The thousands of ids are asked about one by one, and lie side by side.
  for (std::uint64_t at = 1; at <= asked; at += at < 250 || at + 250 > asked ? 1 : 61) {
    SCOPED_TRACE(at);
    restore();
    faults.clear();
    std::uint64_t left = at;
    const auto damage = [&]() -> Status {
      if (--left == 0) write(damaged);
      return {};
    };
    EXPECT_TRUE(scrub_snapshot(**file, snapshot, note, damage).ok());
    found += faults.empty() ? 0 : 1;
  }
  EXPECT_GT(found, 300U);
  restore();
  PageEditor editor(path());
  const std::uint64_t leaf = editor.leaf(editor.roots.file.free_tree);
  editor.set<std::uint64_t>(editor.data_at(leaf, 0), 1U << 20);
  editor.save();
  faults.clear();
  EXPECT_TRUE(scrub_snapshot(**file, snapshot, note).ok());
  expect_among(faults, "free pages: a list is cut off");
}

// Nothing of what is under way reads what was not there when it began.
TEST_F(DamagedMeanwhileTest, AFileThatIsDamagedWhileItIsOpenIsMet) {
  using Use = std::function<Status(CheckpointStore&)>;
  const auto each = [](CheckpointStore& store) {
    return store.for_each_entry(EntryTable::timers,
                                [](std::string_view, std::string_view) { return Status(); });
  };
  std::vector<Use> uses = {find_all, read_rows, scans, record_scans, read_blobs, each};
  const SequenceNumber one(1);
  const std::vector<std::function<void(Checkpoint&)>> changes = {
      [&](Checkpoint& c) { c.put_row(one, "row"); },
      [&](Checkpoint& c) { c.put_row(SequenceNumber(1000), "row"); },
      [&](Checkpoint& c) { c.erase_row(one); },
      [&](Checkpoint& c) { c.put_id("another", one); },
      [&](Checkpoint& c) { c.erase_id(numbered("rec", 20)); },
      [&](Checkpoint& c) { c.put_record("another", "record"); },
      [&](Checkpoint& c) { c.put_entry(EntryTable::timers, numbered("t", 3), "v"); },
      [&](Checkpoint& c) { c.erase_entry(EntryTable::timers, numbered("t", 3)); },
      [&](Checkpoint& c) { c.put_blob("large", "b"); },
  };
  for (const auto& change : changes) {
    uses.emplace_back([&change](CheckpointStore& store) {
      auto checkpoint = must_begin(store);
      change(*checkpoint);
      return checkpoint->commit(Position(9));
    });
  }
  for (const Use& use : uses) {
    restore();
    auto store = open(true);
    ASSERT_TRUE(store.ok()) << store.status().to_string();
    std::fstream out(path(), std::ios::binary | std::ios::in | std::ios::out);
    out.seekp(2 * PageEditor::kPageBytes);
    const std::string damage(good().size() - 2 * PageEditor::kPageBytes, '\x55');
    out.write(damage.data(), static_cast<std::streamsize>(damage.size()));
    ASSERT_TRUE(out.flush());
    expect_names(use(**store), "wrong page number");
  }
}

}  // namespace
}  // namespace ingot::storage
