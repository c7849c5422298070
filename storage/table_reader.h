#pragma once

// Reads one snapshot's tables through PageFile: single values, chunked values and whole tables.
//
// A chunked value lies under `prefix | u32 chunk` (big endian); chunk 0 begins with a varint, the
// number of chunks. All chunks are of one generation.
//
// A key that is not there is proved absent: the leaf where it would be and both neighbours are in
// order around it and sealed right, so that a flipped key can't hide a value.

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "storage/tables.h"

namespace ingot::storage {

// The roots of one committed transaction, and its meta row.
struct SnapshotRoots {
  FileMeta file;
  StoreMeta meta;
  std::array<TreeRoot, kTableCount> trees;
};

// Reads and checks the roots of the newest transaction: meta pages, the main tree, the free tree,
// the meta row and each table's header. Errors: corrupt, unsupported, io_error.
[[nodiscard]] Result<SnapshotRoots> read_roots(const PageFile& file);

class TableReader {
 public:
  // Both outlive the reader; the snapshot is held by the caller.
  TableReader(const PageFile& file, const SnapshotRoots& roots) : file_(file), roots_(roots) {}

  // The sealed value of `key`, or nothing. The view is valid until the next call for `table`.
  Result<std::optional<Unsealed>> get(Table table, std::string_view key);
  Result<std::optional<std::string>> get_chunked(Table table, std::string_view prefix);
  // The value where the table's cursor stands.
  Result<Unsealed> unseal_at(Table table, TreeCursor& cursor);
  // The cursor of `table`, made when first used.
  TreeCursor& cursor(Table table);
  // Checks every page that LMDB will touch when it changes `key`: the path to it and, when
  // something is `erased`, the neighbours.
  Status check_path(Table table, std::string_view key, bool erased);

  [[nodiscard]] Status value_fault(Table table, std::string_view key, std::string_view what) const;
  [[nodiscard]] const PageFile& file() const { return file_; }
  [[nodiscard]] const SnapshotRoots& roots() const { return roots_; }

 private:
  Status prove_absent(Table table, std::string_view key);

  const PageFile& file_;
  const SnapshotRoots& roots_;
  std::array<std::optional<TreeCursor>, kTableCount> cursors_;
};

}  // namespace ingot::storage
