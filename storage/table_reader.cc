#include "storage/table_reader.h"

#include <algorithm>

#include "core/codec.h"
#include "core/planted_bug.h"
#include "core/try.h"

namespace ingot::storage {
namespace {

Status row_fault(const PageFile& file, std::string_view what) {
  return {StatusCode::corrupt, file.path() + ": " + std::string(what)};
}

// LMDB's list of free pages: each value counts and lists pages in descending order, and none is
// outside the file. LMDB need not write the last pages it took when it gave them back, so the
// last page may lie behind the end of the file, but no further than there are free pages.
Status check_free_tree(const PageFile& file, const FileMeta& meta) {
  TreeCursor cursor(file, meta.free_tree, meta.page_end, KeyOrder::integer);
  std::uint64_t entries = 0;
  std::uint64_t free_pages = 0;
  INGOT_ASSIGN(bool more, cursor.first());
  while (more) {
    INGOT_ASSIGN(const std::string_view value, cursor.value());
    Reader reader(value);
    const std::uint64_t count = reader.fixed64();
    if (!reader.ok() || reader.remaining() / sizeof(std::uint64_t) < count) {
      return row_fault(file, "a list of free pages is cut off");
    }
    std::uint64_t before = meta.page_end;
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t page = reader.fixed64();
      if (page < 2 || page >= before) return row_fault(file, "a list of free pages is impossible");
      before = page;
    }
    ++entries;
    free_pages += count;
    INGOT_ASSIGN(more, cursor.next());
  }
  if (entries != meta.free_tree.entries) return row_fault(file, "free tree: wrong count");
  INGOT_ASSIGN(const std::uint64_t bytes, file.file_bytes());
  if (meta.page_end > bytes / file.page_bytes() + free_pages) {
    return file.page_fault(meta.transaction % 2,
                           "the last page lies too far behind the file's end");
  }
  return {};
}

// Each run is one that was made, and is listed once. Nothing is said of their levels' order: a long
// merge's sources are overtaken by what is merged beside it.
bool are_possible(const StoreMeta& meta) {
  std::vector<std::uint64_t> numbers;
  for (const RunReference& run : meta.runs) {
    if (run.level > kRunLevelMax || run.number >= meta.next_run) return false;
    numbers.push_back(run.number);
  }
  std::sort(numbers.begin(), numbers.end());
  return std::adjacent_find(numbers.begin(), numbers.end()) == numbers.end();
}

bool same_counts(const TreeRoot& tree, const TableSummary& table) {
  return tree.entries == table.values + 1 && tree.depth == table.depth &&
         tree.branch_pages == table.branch_pages && tree.leaf_pages == table.leaf_pages &&
         tree.overflow_pages == table.overflow_pages;
}

// The meta row and the tables' trees from the main tree.
Status read_main_tree(const PageFile& file, SnapshotRoots& roots) {
  TreeCursor cursor(file, roots.file.main_tree, roots.file.page_end);
  std::size_t trees = 0;
  bool found_meta = false;
  INGOT_ASSIGN(bool more, cursor.first());
  while (more) {
    const std::string_view name = cursor.key();
    if ((cursor.node().flags & kNodeTree) != 0) {
      std::size_t table = 1;
      while (table < kTableCount && name != kTableNames[table]) ++table;
      if (table == kTableCount || cursor.node().data.size() != kTreeBytes) {
        return row_fault(file, "an unknown table");
      }
      roots.trees[table] = parse_tree(cursor.node().data.data());
      const TreeRoot& tree = roots.trees[table];
      if (tree.page < 2 || tree.page >= roots.file.page_end || tree.depth == 0 || tree.depth > 32 ||
          tree.flags != 0) {
        return row_fault(file, std::string("table ") + kTableNames[table] + ": impossible root");
      }
      ++trees;
    } else if (name == kMetaKey) {
      INGOT_ASSIGN(const std::string_view value, cursor.value());
      Unsealed row;
      if (!unseal(Table::meta, kMetaKey, value, UINT64_MAX, row)) {
        return row_fault(file, "the meta row is not what was written");
      }
      INGOT_TRY(roots.meta.decode(row.payload).with_context(file.path()));
      if (row.generation != roots.meta.generation) return row_fault(file, "meta row: generation");
      found_meta = true;
    } else {
      return row_fault(file, "an unknown value in the main tree");
    }
    INGOT_ASSIGN(more, cursor.next());
  }
  if (!found_meta || trees != kTableCount - 1) return row_fault(file, "a table is missing");
  return {};
}

}  // namespace

Result<SnapshotRoots> read_roots(const PageFile& file) {
  SnapshotRoots roots;
  INGOT_ASSIGN(roots.file, file.read_meta());
  INGOT_TRY(read_main_tree(file, roots));
  if (roots.meta.transaction != roots.file.transaction) {
    return row_fault(file, "the meta row is of transaction " +
                               std::to_string(roots.meta.transaction) + ", the file of " +
                               std::to_string(roots.file.transaction));
  }
  if (!are_possible(roots.meta)) return row_fault(file, "the runs are impossible");
  INGOT_TRY(check_free_tree(file, roots.file));
  TableReader reader(file, roots);
  for (std::size_t i = 1; i < kTableCount; ++i) {
    const auto table = static_cast<Table>(i);
    if (!same_counts(roots.trees[i], roots.meta.table(table))) {
      return row_fault(file, std::string("table ") + kTableNames[i] +
                                 ": not the tree that the meta row describes");
    }
    INGOT_ASSIGN(const auto header, reader.get(table, kHeaderKey));
    if (!header || (header->generation != roots.meta.table(table).generation &&
                    !INGOT_PLANTED(kAcceptOldTables))) {
      return row_fault(file, std::string("table ") + kTableNames[i] + ": its header is not that " +
                                 "of the last change");
    }
  }
  return roots;
}

TreeCursor& TableReader::cursor(Table table) {
  auto& cursor = cursors_[static_cast<std::size_t>(table)];
  if (!cursor) {
    cursor.emplace(file_, roots_.trees[static_cast<std::size_t>(table)], roots_.file.page_end);
  }
  return *cursor;
}

Status TableReader::value_fault(Table table, std::string_view key, std::string_view what) const {
  return {StatusCode::corrupt,
          file_.path() + ": " + describe(table, key) + ": " + std::string(what)};
}

Result<Unsealed> TableReader::unseal_at(Table table, TreeCursor& cursor) {
  INGOT_ASSIGN(const std::string_view value, cursor.value());
  Unsealed unsealed;
  if ((cursor.node().flags & kNodeTree) != 0 ||
      !unseal(table, cursor.key(), value, roots_.meta.generation, unsealed)) {
    return value_fault(table, cursor.key(), "not what was written here");
  }
  return unsealed;
}

Result<std::optional<Unsealed>> TableReader::get(Table table, std::string_view key) {
  TreeCursor& at = cursor(table);
  INGOT_ASSIGN(const bool found, at.seek(key));
  if (!found || at.key() != key) {
    INGOT_TRY(prove_absent(table, key));
    return std::optional<Unsealed>{};
  }
  INGOT_ASSIGN(const Unsealed unsealed, unseal_at(table, at));
  return std::optional<Unsealed>(unsealed);
}

Status TableReader::prove_absent(Table table, std::string_view key) {
  // A cursor of its own walks outwards from the place of `key`.
  TreeCursor walk(file_, roots_.trees[static_cast<std::size_t>(table)], roots_.file.page_end);
  constexpr int kNeighbours = 3;
  INGOT_ASSIGN(bool more, walk.seek(key));
  if (more && walk.key() == key) {
    return value_fault(table, key, "not there when it was looked for before");
  }
  for (int i = 0; more && i < kNeighbours; ++i) {
    INGOT_TRY(unseal_at(table, walk).take_status());
    INGOT_ASSIGN(more, walk.next());
  }
  INGOT_TRY(walk.seek(key).take_status());
  for (int i = 0; i < kNeighbours; ++i) {
    INGOT_ASSIGN(more, walk.previous());
    if (!more) break;
    INGOT_TRY(unseal_at(table, walk).take_status());
  }
  return {};
}

Result<std::optional<std::string>> TableReader::get_chunked(Table table, std::string_view prefix) {
  std::string key(prefix);
  append_big_endian32(key, 0);
  INGOT_ASSIGN(const auto head, get(table, key));
  if (!head) return std::optional<std::string>{};
  Reader reader(head->payload);
  const std::uint64_t chunks = reader.varint();
  if (!reader.ok() || chunks == 0 || chunks > kChunkedBytesMax / kChunkBytes + 1) {
    return value_fault(table, key, "impossible number of chunks");
  }
  const std::uint64_t generation = head->generation;
  std::string bytes(reader.at(), reader.remaining());
  TreeCursor& at = cursor(table);
  for (std::uint32_t chunk = 1; chunk < chunks; ++chunk) {
    key.resize(prefix.size());
    append_big_endian32(key, chunk);
    INGOT_ASSIGN(const bool more, at.next());
    if (!more || at.key() != key) return value_fault(table, key, "a chunk is missing");
    INGOT_ASSIGN(const Unsealed part, unseal_at(table, at));
    if (part.generation != generation) return value_fault(table, key, "chunks do not match");
    bytes.append(part.payload);
  }
  return std::optional<std::string>(std::move(bytes));
}

Status TableReader::check_path(Table table, std::string_view key, bool erased) {
  TreeCursor& at = cursor(table);
  INGOT_TRY(at.seek(key).take_status());
  return erased ? at.check_siblings() : Status();
}

}  // namespace ingot::storage
