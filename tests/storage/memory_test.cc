// A checkpoint in which each allocation fails in turn: the store goes on, or says that it has
// failed; it never waits, and never shows less than it has committed.

#include <cstdlib>
#include <new>

#include "tests/storage/store_model.h"

namespace {

// The nth allocation of this thread from now on fails; 0 for none.
constinit thread_local std::uint64_t failing = 0;

}  // namespace

// All kinds, so that a sanitizer's own don't meet these.
void* operator new(std::size_t bytes, const std::nothrow_t& /*nothrow*/) noexcept {
  if (failing != 0 && --failing == 0) return nullptr;
  return std::malloc(bytes != 0 ? bytes : 1);
}
void* operator new(std::size_t bytes) {
  void* const block = ::operator new(bytes, std::nothrow);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
void* operator new[](std::size_t bytes) { return ::operator new(bytes); }
void* operator new[](std::size_t bytes, const std::nothrow_t& nothrow) noexcept {
  return ::operator new(bytes, nothrow);
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t /*bytes*/) noexcept { std::free(block); }
void operator delete[](void* block) noexcept { std::free(block); }
void operator delete[](void* block, std::size_t /*bytes*/) noexcept { std::free(block); }
void operator delete(void* block, const std::nothrow_t& /*nothrow*/) noexcept { std::free(block); }
void operator delete[](void* block, const std::nothrow_t& /*nothrow*/) noexcept {
  std::free(block);
}

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
    failing = nth;
    const Status written = write_checkpoint(*store, Position(++position));
    const bool all = failing != 0;
    failing = 0;
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
