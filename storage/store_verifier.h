#pragma once

// A look at a store's file without opening it as a store: LMDB is not asked, nothing is created,
// no byte is changed. For `ingot verify` and `ingot inspect`. The caller keeps the hub's lock, so
// that nobody writes meanwhile.

#include <functional>

#include "storage/checkpoint_store.h"

namespace ingot::storage {

struct StoreSummary {
  std::string path;
  Position position;  // of the last committed checkpoint
  std::uint64_t rows = 0;
  std::uint64_t records = 0;
  std::uint64_t ids = 0;
  std::uint64_t file_bytes = 0;
};

// What the store says of itself, with its roots checked. Errors: not_found (there is no store in
// the directory yet), failed_precondition (another hub's or
// partition's store), corrupt (file, page, key), unsupported (format version), io_error. Of the
// options only the directory, the hub and the partition count.
[[nodiscard]] Result<StoreSummary> inspect_lmdb_store(const LmdbStoreOptions& options);

// What recovery reads, each value checked as it is read. Errors: as inspect_lmdb_store().
[[nodiscard]] Result<std::unique_ptr<CheckpointView>> view_lmdb_store(
    const LmdbStoreOptions& options);

// As inspect_lmdb_store(), and then everything is read back as CheckpointStore::scrub() does. What
// the file holds wrong goes to `fault`, once at least when anything is wrong; the answer is a
// summary as far as the store can be read.
[[nodiscard]] Result<StoreSummary> verify_lmdb_store(const LmdbStoreOptions& options,
                                                     const std::function<void(StoreFault)>& fault);

}  // namespace ingot::storage
