// A checkpoint in which each allocation fails in turn: the store goes on, or says that it has
// failed; it never waits, and never shows less than it has committed.

#include <new>
#include <optional>

#include "tests/storage/store_model.h"
#include "tests/support/allocation_limit.h"

namespace ingot::storage {
namespace {

// As the caller of a checkpoint does it: any exception is a failure of this checkpoint.
Status write_checkpoint(CheckpointStore& store, Position position) {
  try {
    auto checkpoint = store.begin();
    if (!checkpoint.ok()) return checkpoint.take_status();
    (*checkpoint)->put_row(SequenceNumber(position.value), "row");
    (*checkpoint)->put_record("id", "record " + std::to_string(position.value));
    return (*checkpoint)->commit(position);
  } catch (const std::bad_alloc&) {
    return {StatusCode::overloaded, "the caller's to report"};
  }
}

TEST(StoreMemoryTest, ACheckpointWithoutMemoryLeavesAStoreThatAnswers) {
  const sim::TempDirectory directory;
  auto store = must_open(directory.path());
  ASSERT_TRUE(write_checkpoint(*store, Position(1)).ok());
  std::uint64_t position = 1;
  std::uint64_t failed_for_good = 0;
  std::uint64_t nth = 1;
  for (;; ++nth) {
    SCOPED_TRACE("allocation " + std::to_string(nth));
    ASSERT_LT(nth, 5000U);
    std::optional<testing::AllocationFault> fault(nth);
    const Status written = write_checkpoint(*store, Position(++position));
    const bool all = !fault->happened();
    fault.reset();
    if (all) {
      EXPECT_TRUE(written.ok()) << written.to_string();
      break;
    }
    const Position in_file = meta_of(directory.path()).position;
    const Status next = write_checkpoint(*store, Position(++position));
    if (next.ok()) {
      const auto found = store->find("id");
      ASSERT_TRUE(found.ok() && found->has_value());
      EXPECT_EQ((*found)->record, "record " + std::to_string(position));
      continue;
    }
    // What was committed could not be published: every call says so, and nothing is lost.
    ++failed_for_good;
    ASSERT_EQ(next.code(), StatusCode::io_error) << next.to_string();
    EXPECT_EQ(in_file, Position(position - 1));
    EXPECT_EQ(store->find("id").status().code(), StatusCode::io_error);
    store.reset();
    store = must_open(directory.path());
    EXPECT_EQ(store->position(), in_file);
  }
  EXPECT_GT(nth, 20U);
  EXPECT_GT(failed_for_good, 0U);
  EXPECT_EQ(count_faults(*store), 0);
}

}  // namespace
}  // namespace ingot::storage
