#include "storage/snapshot_values.h"

#include "core/try.h"
#include "storage/store_core.h"

namespace ingot::storage {

Result<std::optional<std::string>> row_in(TableReader& reader, SequenceNumber sequence) {
  return reader.get_chunked(Table::rows, number_key(sequence.value));
}

Result<std::optional<std::string>> blob_in(TableReader& reader, std::string_view name) {
  if (name.size() > kBlobNameBytesMax) return std::optional<std::string>{};
  return reader.get_chunked(Table::blobs, blob_key(name));
}

Status each_entry_in(TableReader& reader, EntryTable entries, const CheckpointView::EntryFn& entry,
                     Status& stopped) {
  const std::optional<Table> table = entry_table(entries);
  if (!table) {
    stopped = Status(StatusCode::invalid_argument, "no such entry table");
    return {};
  }
  TreeCursor& cursor = reader.cursor(*table);
  const TableSummary& summary = reader.roots().meta.table(*table);
  std::uint64_t values = 0;
  std::uint64_t hash = 0;
  INGOT_ASSIGN(bool more, cursor.seek(entry_key({})));
  while (more) {
    INGOT_ASSIGN(const Unsealed value, reader.unseal_at(*table, cursor));
    ++values;
    hash += value_hash(cursor.key(), value.crc);
    stopped = entry(cursor.key().substr(1), value.payload);
    if (!stopped.ok()) return {};
    INGOT_ASSIGN(more, cursor.next());
  }
  if (values != summary.values || hash != summary.hash) {
    return reader.value_fault(*table, {}, "its values are not all that were written");
  }
  return {};
}

}  // namespace ingot::storage
