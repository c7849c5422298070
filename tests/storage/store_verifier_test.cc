// Looks at a closed store's file: whose it is, whether it is there and can be read at all.

#include "storage/store_verifier.h"

#include <filesystem>

#include "tests/storage/store_files.h"

namespace ingot::storage {
namespace {

class StoreVerifierTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto store = must_open(directory_.path());
    auto checkpoint = must_begin(*store);
    checkpoint->put_row(SequenceNumber(1), "row");
    checkpoint->put_id("row", SequenceNumber(1));
    checkpoint->put_record("record", "bytes");
    ASSERT_TRUE(checkpoint->commit(Position(5)).ok());
  }
  [[nodiscard]] std::string path() const { return directory_.path() + "/checkpoint.mdb"; }
  Result<StoreSummary> verify(const LmdbStoreOptions& options) {
    faults_.clear();
    return verify_lmdb_store(options,
                             [this](const StoreFault& fault) { faults_.push_back(fault); });
  }

  sim::TempDirectory directory_;
  std::vector<StoreFault> faults_;
};

TEST_F(StoreVerifierTest, ASoundStoreSaysWhatItHas) {
  const LmdbStoreOptions options = options_in(directory_.path());
  for (const auto& summary : {inspect_lmdb_store(options), verify(options)}) {
    ASSERT_TRUE(summary.ok()) << summary.status().to_string();
    EXPECT_EQ(summary->path, path());
    EXPECT_EQ(summary->position, Position(5));
    EXPECT_EQ(summary->rows, 1U);
    EXPECT_EQ(summary->ids, 2U);
    EXPECT_EQ(summary->records, 1U);
    EXPECT_EQ(summary->file_bytes, std::filesystem::file_size(path()));
  }
  EXPECT_TRUE(faults_.empty());
}

TEST_F(StoreVerifierTest, AnotherHubsOrPartitionsStoreIsAFault) {
  LmdbStoreOptions of_hub = options_in(directory_.path());
  of_hub.hub_id = 78;
  LmdbStoreOptions of_partition = options_in(directory_.path());
  of_partition.partition = PartitionId(4);
  for (const LmdbStoreOptions& options : {of_hub, of_partition}) {
    const Status refused = inspect_lmdb_store(options).take_status();
    EXPECT_EQ(refused.code(), StatusCode::failed_precondition) << refused.to_string();
    EXPECT_NE(refused.message().find("the store of hub 77, partition 3"), std::string::npos)
        << refused.to_string();
    EXPECT_TRUE(verify(options).ok());
    ASSERT_EQ(faults_.size(), 1U);
    EXPECT_NE(faults_[0].what.find("the store of hub 77, partition 3"), std::string::npos);
  }
}

TEST_F(StoreVerifierTest, AStoreThatIsNotThereIsNotFound) {
  std::filesystem::remove(path());
  const LmdbStoreOptions options = options_in(directory_.path());
  EXPECT_EQ(inspect_lmdb_store(options).status().code(), StatusCode::not_found);
  EXPECT_EQ(verify(options).status().code(), StatusCode::not_found);
  EXPECT_TRUE(faults_.empty());
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(StoreVerifierTest, WhatCantBeReadIsNoFaultOfTheStore) {
  const LmdbStoreOptions options = options_in(directory_.path());
  const auto expect_unread = [&](const LmdbStoreOptions& of) {
    EXPECT_EQ(inspect_lmdb_store(of).status().code(), StatusCode::io_error);
    EXPECT_EQ(verify(of).status().code(), StatusCode::io_error);
    EXPECT_EQ(open_lmdb_store(of).status().code(), StatusCode::io_error);
    EXPECT_TRUE(faults_.empty());
  };
  // Where its directory should be there is a file.
  expect_unread(options_in(path()));
  // A link in its place is not followed.
  std::filesystem::rename(path(), path() + ".moved");
  std::filesystem::create_symlink(path() + ".moved", path());
  expect_unread(options);
  std::filesystem::remove(path());
  std::filesystem::create_directory(path());
  expect_unread(options);
}

TEST_F(StoreVerifierTest, AFileThatIsTooShortIsAFault) {
  const LmdbStoreOptions options = options_in(directory_.path());
  for (const std::uintmax_t bytes : {8192U, 4096U, 100U, 0U}) {
    std::filesystem::resize_file(path(), bytes);
    EXPECT_EQ(inspect_lmdb_store(options).status().code(), StatusCode::corrupt);
    EXPECT_TRUE(verify(options).ok());
    EXPECT_EQ(faults_.size(), 1U);
  }
}

}  // namespace
}  // namespace ingot::storage
