#pragma once

// What the storage tests share: stores in a directory of their own, opened, scrubbed and looked
// into.

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "core/random.h"
#include "storage/checkpoint_store.h"
#include "storage/table_reader.h"
#include "tests/support/temp_directory.h"

namespace ingot::storage {

inline LmdbStoreOptions options_in(const std::string& directory) {
  LmdbStoreOptions options;
  options.directory = directory;
  options.hub_id = 77;
  options.partition = PartitionId(3);
  options.map_bytes = 8ULL << 30;
  options.pack_bytes = 4U << 10;
  return options;
}

// The store in `directory`; a failure to open it fails the test.
inline std::unique_ptr<CheckpointStore> must_open(const std::string& directory) {
  auto opened = open_lmdb_store(options_in(directory));
  EXPECT_TRUE(opened.ok()) << opened.status().to_string();
  return opened.ok() ? *std::move(opened) : nullptr;
}

inline std::unique_ptr<Checkpoint> must_begin(CheckpointStore& store) {
  auto begun = store.begin();
  EXPECT_TRUE(begun.ok()) << begun.status().to_string();
  return begun.ok() ? *std::move(begun) : nullptr;
}

// Scrubs; each fault fails the test.
inline int count_faults(const CheckpointStore& store) {
  int faults = 0;
  const Status status = store.scrub([&](const StoreFault& fault) {
    if (++faults < 4) ADD_FAILURE() << fault.where << ": " << fault.what;
  });
  EXPECT_TRUE(status.ok()) << status.to_string();
  return faults;
}

// The meta row of a closed store.
inline StoreMeta meta_of(const std::string& directory) {
  const auto file = PageFile::open(directory + "/checkpoint.mdb");
  EXPECT_TRUE(file.ok());
  const auto roots = read_roots(**file);
  EXPECT_TRUE(roots.ok()) << roots.status().to_string();
  return roots->meta;
}

inline std::string random_bytes(Random& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>('a' + random.below(16));
  return bytes;
}

}  // namespace ingot::storage
