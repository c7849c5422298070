// Reads all of one snapshot back: first the pages of every tree and the seal of every value, with
// counts and hashes; then, if these are right, what the values mean to each other. A fault of a
// page costs what lies below it; everything else is still looked at.

#include <unordered_map>

#include "core/codec.h"
#include "core/hash.h"
#include "core/try.h"
#include "storage/pack.h"
#include "storage/store_core.h"

namespace ingot::storage {
namespace {

class Scrubber {
 public:
  Scrubber(const PageFile& file, const Snapshot& snapshot,
           const std::function<void(StoreFault)>& fault, GoOn go_on)
      : file_(file),
        roots_(snapshot.roots),
        runs_(snapshot.runs),
        fault_(fault),
        go_on_(std::move(go_on)),
        reader_(file, snapshot.roots),
        used_(snapshot.roots.file.page_end, false) {}

  Status run() {
    const FileMeta& meta = roots_.file;
    INGOT_TRY(scrub_tree({"free pages", nullptr, KeyOrder::integer, {}, {}}, meta.free_tree));
    INGOT_TRY(scrub_tree({"main", nullptr, KeyOrder::bytes, {}, {}}, meta.main_tree));
    for (std::size_t i = 1; i < kTableCount; ++i) {
      const auto table = static_cast<Table>(i);
      Tree tree{kTableNames[i], &table, KeyOrder::bytes, {}, {}};
      INGOT_TRY(scrub_tree(std::move(tree), roots_.trees[i]));
    }
    INGOT_TRY(scrub_free_pages());
    if (faults_ != 0) return {};  // the rest would only repeat them
    INGOT_TRY(scrub_rows());
    INGOT_TRY(scrub_ids());
    INGOT_TRY(scrub_packs());
    INGOT_TRY(scrub_dead_lists());
    return each_chunked(Table::blobs, [](std::string_view, std::string_view) { return Status(); });
  }

 private:
  struct Tree {
    const char* name;
    const Table* table;  // of sealed values; null for LMDB's own trees
    KeyOrder order;
    TreeRoot seen;         // counted while walking
    TableSummary summary;  // the same
  };

  // Records of a pack: their number, and a hash of ids and offsets that does not depend on the
  // order.
  struct Records {
    std::uint64_t count = 0;
    std::uint64_t hash = 0;
    void add(std::string_view id, std::uint64_t offset) {
      ++count;
      hash += hash64(id, offset);
    }
    bool operator==(const Records&) const = default;
  };

  void report(std::string where, std::string what) {
    ++faults_;
    fault_({std::move(where), std::move(what)});
  }
  void report(const Status& status) { report(file_.path(), status.message()); }
  [[nodiscard]] std::string page_name(const Tree& tree, std::uint64_t page) const {
    return file_.path() + ": " + tree.name + ", page " + std::to_string(page);
  }
  // Reports `status` when bytes are wrong; gives it back when the reading itself failed.
  Status note(Status status) {
    if (status.ok()) return status;
    if (status.code() != StatusCode::corrupt) return status;
    report(status);
    return {};
  }

  // Asked about as often as something is read.
  [[nodiscard]] Status go_on() const { return go_on_ ? go_on_() : Status(); }

  // Marks pages as used. False, with a report, when one is outside the file or used already.
  bool take(const Tree& tree, std::uint64_t page, std::uint64_t count) {
    for (std::uint64_t i = page; i < page + count; ++i) {
      if (i < 2 || i >= used_.size()) {
        report(page_name(tree, i), "outside the file");
        return false;
      }
      if (used_[i]) {
        report(page_name(tree, i), "in use twice");
        return false;
      }
      used_[i] = true;
    }
    return true;
  }

  Status scrub_tree(Tree tree, const TreeRoot& root) {
    if (root.page == kNoPage) return {};
    INGOT_TRY(scrub_page(tree, root, root.page, 0, {}, {}));
    if (tree.seen.entries != root.entries || tree.seen.branch_pages != root.branch_pages ||
        tree.seen.leaf_pages != root.leaf_pages ||
        tree.seen.overflow_pages != root.overflow_pages) {
      report(file_.path() + ": " + tree.name, "its pages and entries are not as many as counted");
    }
    if (tree.table == nullptr) return {};
    const TableSummary& expected = roots_.meta.table(*tree.table);
    if (tree.summary.values != expected.values || tree.summary.hash != expected.hash) {
      report(file_.path() + ": " + tree.name, "its values are not those that were written");
    }
    return {};
  }

  // A page and all below it. Its keys lie in [low, high); an empty bound is none.
  Status scrub_page(Tree& tree, const TreeRoot& root, std::uint64_t number, std::size_t level,
                    const std::string& low, const std::string& high) {
    INGOT_TRY(go_on());
    if (!take(tree, number, 1)) return {};
    const bool leaf = level + 1 == root.depth;
    const auto page = std::make_unique_for_overwrite<char[]>(file_.page_bytes());
    Status status = file_.read_tree_page(number, leaf, tree.order, page.get());
    if (!status.ok()) return note(std::move(status));
    ++(leaf ? tree.seen.leaf_pages : tree.seen.branch_pages);
    const std::size_t count = PageFile::node_count(page.get());
    for (std::size_t i = 0; i < count; ++i) {
      const PageNode node = file_.node(page.get(), i);
      const bool bounded = tree.order == KeyOrder::bytes && (leaf || i > 0);
      if (bounded && ((!low.empty() && node.key < low) || (!high.empty() && node.key >= high))) {
        report(page_name(tree, number), "a key outside its branch's bounds");
      }
      if (leaf) {
        INGOT_TRY(scrub_value(tree, node));
        continue;
      }
      const std::string next =
          i + 1 < count ? std::string(file_.node(page.get(), i + 1).key) : high;
      INGOT_TRY(scrub_page(tree, root, node.child, level + 1, i == 0 ? low : std::string(node.key),
                           next));
    }
    return {};
  }

  Status scrub_value(Tree& tree, const PageNode& node) {
    ++tree.seen.entries;
    std::string big;
    std::string_view value = node.data;
    if ((node.flags & kNodeBig) != 0) {
      const auto pages = file_.overflow_pages(node.child, roots_.file.page_end);
      if (!pages.ok()) return note(pages.status());
      if (!take(tree, node.child, *pages)) return {};
      tree.seen.overflow_pages += *pages;
      Status status = file_.read_overflow(node.child, node.data_bytes, roots_.file.page_end, big);
      if (!status.ok()) return note(std::move(status));
      value = big;
    }
    if (tree.order == KeyOrder::integer) {
      Reader list(value);
      const std::uint64_t count = list.fixed64();
      for (std::uint64_t i = 0; i < count && list.ok(); ++i) free_.push_back(list.fixed64());
      if (!list.ok()) report(file_.path() + ": free pages", "a list is cut off");
    }
    if (tree.table == nullptr) return {};
    Unsealed unsealed;
    if ((node.flags & kNodeTree) != 0 ||
        !unseal(*tree.table, node.key, value, roots_.meta.generation, unsealed)) {
      report(file_.path() + ": " + describe(*tree.table, node.key), "not what was written here");
      return {};
    }
    if (node.key == kHeaderKey) return {};
    ++tree.summary.values;
    tree.summary.hash += value_hash(node.key, unsealed.crc);
    const std::string where = file_.path() + ": " + describe(*tree.table, node.key);
    if (!is_key_of(*tree.table, node.key)) {
      report(where, "no key of this table");
    } else if (const auto end = numbers_end(*tree.table); end && big_endian64(node.key) >= *end) {
      report(where, "a number that was never given");
    }
    return {};
  }

  // The next number that a table's keys begin with, where the meta row knows it.
  [[nodiscard]] std::optional<std::uint64_t> numbers_end(Table table) const {
    const StoreMeta& meta = roots_.meta;
    if (table == Table::packs) return first_pack_number(meta.next_pack);
    if (table == Table::id_blocks) return meta.next_block;
    if (table == Table::run_parts) return meta.next_run;
    return std::nullopt;
  }

  Status scrub_free_pages() {
    const Tree tree{"free pages", nullptr, KeyOrder::integer, {}, {}};
    for (const std::uint64_t page : free_) take(tree, page, 1);
    return {};
  }

  // Calls `value` with each value of a chunked table and its key without the chunk. Ends, with a
  // report, at the first one that has not just its own chunks.
  using ValueFn = std::function<Status(std::string_view key, std::string_view bytes)>;
  Status each_chunked(Table table, const ValueFn& value) {
    const std::string behind_header(2, '\0');
    TreeCursor& cursor = reader_.cursor(table);
    INGOT_ASSIGN(bool more, cursor.seek(behind_header));
    while (more) {
      INGOT_TRY(go_on());
      std::string key(cursor.key());
      if (key.size() < sizeof(std::uint32_t)) {  // it had more when it was looked at before
        report(file_.path() + ": " + describe(table, key), "no key of this table");
        return {};
      }
      key.resize(key.size() - sizeof(std::uint32_t));
      const auto bytes = reader_.get_chunked(table, key);
      if (!bytes.ok()) return note(bytes.status());
      const std::string where = file_.path() + ": " + describe(table, key);
      if (!*bytes) {
        report(where, "its first chunk is missing");
        return {};
      }
      INGOT_TRY(value(key, **bytes));
      INGOT_ASSIGN(more, cursor.next());
      if (more && cursor.key().starts_with(key)) {
        report(where, "a chunk too many");
        return {};
      }
    }
    return {};
  }

  // Every row has all its chunks, and there are as many as counted.
  Status scrub_rows() {
    std::uint64_t rows = 0;
    INGOT_TRY(each_chunked(Table::rows, [&rows](std::string_view, std::string_view) {
      ++rows;
      return Status();
    }));
    if (faults_ == 0 && rows != roots_.meta.rows) {
      report(file_.path() + ": rows", "not as many as counted");
    }
    return {};
  }

  // Every run is in order and as its parts say; the live ids are as many as counted.
  Status scrub_ids() {
    std::uint64_t parts = 0;
    INGOT_TRY(each_chunked(Table::run_parts, [&parts](std::string_view, std::string_view) {
      ++parts;
      return Status();
    }));
    if (faults_ == 0 && parts != runs_.size() * IdRun::kParts) {
      report(file_.path() + ": run_parts", "parts of runs not there");
    }
    std::uint64_t blocks = 0;
    for (const auto& run : runs_) {
      blocks += run->blocks();
      INGOT_TRY(note(scrub_run(*run)));
    }
    for (const BlockRange& range : roots_.meta.garbage) blocks += range.count;
    if (blocks != roots_.meta.table(Table::id_blocks).values) {
      report(file_.path() + ": id_blocks", "blocks that no run owns, or missing ones");
    }
    if (faults_ != 0) return {};
    std::uint64_t ids = 0;
    std::uint64_t records = 0;
    IdMergeCursor cursor(reader_, runs_);
    INGOT_ASSIGN(bool more, cursor.seek({}));
    while (more) {
      INGOT_TRY(go_on());
      const IdEntry& entry = cursor.entry();
      if (entry.kind != IdKind::tombstone) ++ids;
      if (entry.kind == IdKind::record) {
        ++records;
        named_[entry.place].add(entry.id, entry.offset);
      }
      INGOT_ASSIGN(more, cursor.next());
    }
    if (ids != roots_.meta.ids || records != roots_.meta.records) {
      report(file_.path() + ": ids", "not as many as counted");
    }
    knows_ids_ = true;
    return {};
  }

  Status scrub_run(const IdRun& run) {
    std::uint64_t entries = 0;
    std::string before;
    IdRunCursor cursor(reader_, run);
    INGOT_ASSIGN(bool more, cursor.seek({}));
    while (more) {
      INGOT_TRY(go_on());
      const IdEntry& entry = cursor.entry();
      if (entries > 0 && entry.id <= before) {
        report(file_.path() + ": run " + std::to_string(run.number()), "ids out of order");
        return {};
      }
      if (!run.may_contain(entry.id, id_hash(entry.id))) {
        report(file_.path() + ": run " + std::to_string(run.number()), "its filter hides an id");
        return {};
      }
      before.assign(entry.id);
      ++entries;
      INGOT_ASSIGN(more, cursor.next());
    }
    if (entries != run.entries()) {
      report(file_.path() + ": run " + std::to_string(run.number()), "entries are missing");
    }
    return {};
  }

  // Every pack unpacks, and its records are named or counted as dead.
  Status scrub_packs() {
    INGOT_TRY(each_chunked(Table::packs, [this](std::string_view key, std::string_view pack) {
      return note(scrub_pack(big_endian64(key), pack));
    }));
    if (faults_ == 0 && !named_.empty()) {
      report(file_.path() + ": " + describe(Table::packs, number_key(named_.begin()->first)),
             "missing, yet an id names a record in it");
    }
    return {};
  }

  Status scrub_pack(std::uint64_t number, std::string_view pack) {
    Records named;
    if (const auto found = named_.find(number); found != named_.end()) {
      named = found->second;
      named_.erase(found);
    }
    const std::string where = file_.path() + ": " + describe(Table::packs, number_key(number));
    if (pack_ordinal(number) == last_ordinal_) report(where, "is there twice");
    last_ordinal_ = pack_ordinal(number);
    INGOT_ASSIGN(const auto dead, read_dead_list(reader_, number));
    dead_lists_ += dead ? 1 : 0;
    const std::vector<std::uint64_t> none;
    const std::vector<std::uint64_t>& died = dead ? dead->offsets : none;
    const auto bytes = unpack(pack);
    std::uint64_t count = 0;
    Records living;
    auto next_dead = died.begin();
    std::uint64_t at = 0;
    while (bytes && at < bytes->size()) {
      const auto record = record_at(*bytes, at);
      if (!record) break;
      ++count;
      if (next_dead != died.end() && *next_dead == at) {
        ++next_dead;
      } else {
        living.add(record->id, at);
      }
      at = record->end;
    }
    std::string_view rest;
    if (!bytes || at != bytes->size() || count != parse_pack_head(pack, rest)->records) {
      report(where, "does not unpack");
      return {};
    }
    if (dead && dead->records != count) {
      report(where, "not as many records as its dead list says");
    }
    if (knows_ids_ && (next_dead != died.end() || living != named)) {
      report(where, "its records are not those that ids name and those that are dead");
    }
    return {};
  }

  // Each list of dead records belongs to a pack.
  Status scrub_dead_lists() {
    std::uint64_t lists = 0;
    INGOT_TRY(each_chunked(Table::pack_dead, [&lists](std::string_view, std::string_view) {
      ++lists;
      return Status();
    }));
    if (faults_ == 0 && lists != dead_lists_) {
      report(file_.path() + ": pack_dead", "lists of packs not there");
    }
    return {};
  }

  const PageFile& file_;
  const SnapshotRoots& roots_;
  const IdRuns& runs_;
  const std::function<void(StoreFault)>& fault_;
  const GoOn go_on_;
  TableReader reader_;
  std::vector<bool> used_;
  std::vector<std::uint64_t> free_;
  std::unordered_map<std::uint64_t, Records> named_;  // that ids name, by pack
  bool knows_ids_ = false;                            // named_ is whole
  std::uint64_t last_ordinal_ = 0;
  std::uint64_t dead_lists_ = 0;
  std::uint64_t faults_ = 0;
};

}  // namespace

GoOn while_store_works(const PageFile& file, std::stop_token stop) {
  constexpr std::uint64_t kGrowth = std::uint64_t{64} << 20;
  constexpr std::uint64_t kAsksForALook = 256;
  const auto begin = file.file_bytes();
  return [&file, begin, stop = std::move(stop), asks = std::uint64_t{0}]() mutable -> Status {
    if (stop.stop_requested()) {
      return {StatusCode::cancelled, file.path() + ": the scrub was stopped"};
    }
    if (!begin.ok()) return begin.status();
    if (++asks % kAsksForALook != 0) return {};
    INGOT_ASSIGN(const std::uint64_t bytes, file.file_bytes());
    if (bytes <= *begin + *begin / 4 + kGrowth) return {};
    return {StatusCode::cancelled, file.path() + ": the scrub let the file grow too much"};
  };
}

Status scrub_snapshot(const PageFile& file, const Snapshot& snapshot,
                      const std::function<void(StoreFault)>& fault, GoOn go_on) {
  Scrubber scrubber(file, snapshot, fault, std::move(go_on));
  Status status = scrubber.run();
  if (status.code() == StatusCode::corrupt) {
    fault({file.path(), status.message()});
    return {};
  }
  return status;
}

Status require_sound(const PageFile& file, const Snapshot& snapshot, GoOn go_on) {
  Status first;
  const auto fault = [&first](const StoreFault& found) {
    if (first.ok()) first = {StatusCode::corrupt, found.where + ": " + found.what};
  };
  const auto no_fault_and_on = [&first, &go_on]() -> Status {
    if (!first.ok()) return {StatusCode::cancelled, "a fault was found"};
    return go_on ? go_on() : Status();
  };
  Status status = scrub_snapshot(file, snapshot, fault, no_fault_and_on);
  return first.ok() ? status : first;
}

}  // namespace ingot::storage
