#pragma once

// Pages of a snapshot: by id, and in the order in which records were put.

#include "storage/store_core.h"

namespace ingot::storage {

// See CheckpointStore::scan(). Each pack is unpacked once at most.
[[nodiscard]] Result<std::vector<ScannedId>> scan_ids(const StoreCore& core,
                                                      const ReadSession& session,
                                                      std::string_view prefix,
                                                      std::string_view after, std::size_t limit,
                                                      ScanOrder order, ScanRecords records);

// See CheckpointStore::scan_records(). A cursor is a pack's ordinal and a record's index in it,
// which a rewriting of the pack does not change.
[[nodiscard]] Result<std::vector<ScannedRecord>> scan_packs(const StoreCore& core,
                                                            const ReadSession& session,
                                                            RecordCursor from, std::size_t limit,
                                                            ScanOrder order);

}  // namespace ingot::storage
