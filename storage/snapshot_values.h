#pragma once

// Rows, blobs and entries of one snapshot, as CheckpointView gives them.

#include "storage/checkpoint_store.h"
#include "storage/table_reader.h"

namespace ingot::storage {

// Nothing when it is not there.
[[nodiscard]] Result<std::optional<std::string>> row_in(TableReader& reader,
                                                        SequenceNumber sequence);
[[nodiscard]] Result<std::optional<std::string>> blob_in(TableReader& reader,
                                                         std::string_view name);
// Every entry in key order, until `entry` fails, which goes to `stopped`. When the whole table is
// read its count and hash are checked as well.
[[nodiscard]] Status each_entry_in(TableReader& reader, EntryTable table,
                                   const CheckpointView::EntryFn& entry, Status& stopped);

}  // namespace ingot::storage
