#pragma once

// LMDB's file, read by Ingot itself with pread and believed in nothing.
//
// LMDB trusts its pages: a flipped bit in one can give other data or end the process, a truncated
// file raises SIGBUS. So every read of the store, and a check before each write, goes through
// here: a page counts only when its own number, kind, bounds, node places and key order are right.
//
// Layout (LMDB 0.9, 64 bits, little endian), as far as it matters:
//   page    u64 number | u16 pad | u16 flags | u16 lower, u16 upper (or u32 pages for overflow)
//           u16 node offsets up to `lower`; nodes from `upper` to the page's end
//   node    u16 low | u16 high | u16 flags | u16 key size | key | data
//           branch: child = low | high << 16 | flags << 32; leaf: data size = low | high << 16
//   meta    pages 0 and 1: u32 magic | u32 version | u64 address | u64 map size | free tree |
//           main tree | u64 last page | u64 transaction
//   tree    u32 pad | u16 flags | u16 depth | u64 branch, leaf, overflow pages | u64 entries |
//           u64 root
//
// A snapshot's pages never change while a read transaction (or the writer) holds that snapshot.

#include <ingot/status.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace ingot::storage {

inline constexpr std::uint64_t kNoPage = ~0ULL;

struct TreeRoot {
  std::uint64_t page = kNoPage;
  std::uint16_t flags = 0;
  std::uint16_t depth = 0;
  std::uint64_t branch_pages = 0;
  std::uint64_t leaf_pages = 0;
  std::uint64_t overflow_pages = 0;
  std::uint64_t entries = 0;
};

// What one of LMDB's two meta pages says.
struct FileMeta {
  std::uint64_t transaction = 0;
  std::uint64_t page_end = 2;  // one past the last page in use
  TreeRoot free_tree;
  TreeRoot main_tree;
};

// One node of a leaf or branch page that was checked.
struct PageNode {
  std::string_view key;
  std::string_view data;         // leaf: the data in the page
  std::uint64_t child = 0;       // branch: the child; big leaf: the first overflow page
  std::uint64_t data_bytes = 0;  // leaf: of the data, wherever it is
  std::uint16_t flags = 0;
};
inline constexpr std::uint16_t kNodeBig = 0x01;
inline constexpr std::uint16_t kNodeTree = 0x02;

enum class KeyOrder : std::uint8_t { bytes, integer };

class PageFile {
 public:
  // Opens for reading. Errors: io_error.
  static Result<std::unique_ptr<PageFile>> open(const std::string& path);
  ~PageFile();
  PageFile(const PageFile&) = delete;
  PageFile& operator=(const PageFile&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::size_t page_bytes() const { return page_bytes_; }
  [[nodiscard]] Result<std::uint64_t> file_bytes() const;

  // Both meta pages are right and belong together; answers the newer one.
  [[nodiscard]] Result<FileMeta> read_meta() const;
  // Fills `page` (page_bytes() of it) with page `number`, a branch or leaf that is right in itself.
  Status read_tree_page(std::uint64_t number, bool leaf, KeyOrder order, char* page) const;
  // Appends `bytes` of data that start in overflow page `number`.
  Status read_overflow(std::uint64_t number, std::uint64_t bytes, std::uint64_t page_end,
                       std::string& out) const;
  // How many pages the overflow value at page `number` owns.
  [[nodiscard]] Result<std::uint64_t> overflow_pages(std::uint64_t number,
                                                     std::uint64_t page_end) const;
  // A corrupt status that names the file and the page.
  [[nodiscard]] Status page_fault(std::uint64_t number, std::string_view what) const;

  // Nodes of a page that read_tree_page() accepted.
  [[nodiscard]] static std::size_t node_count(const char* page);
  [[nodiscard]] PageNode node(const char* page, std::size_t index) const;

 private:
  explicit PageFile(std::string path) : path_(std::move(path)) {}
  Status read_at(std::uint64_t offset, char* out, std::size_t bytes) const;
  Status read_one_meta(std::uint64_t number, FileMeta& meta) const;
  Status find_page_bytes();
  [[nodiscard]] const char* page_problem(const char* page, std::uint64_t number, bool leaf,
                                         KeyOrder order) const;

  std::string path_;
  int fd_ = -1;
  std::size_t page_bytes_ = 0;
};

// Parses the 48 bytes that describe a tree, from a meta page or a kNodeTree node.
[[nodiscard]] TreeRoot parse_tree(const char* bytes);
inline constexpr std::size_t kTreeBytes = 48;

// Walks one tree of one snapshot in key order; a page whose keys do not lie between those that lead
// to it and to the next one is refused. Keeps the last page of each level, so that seeks
// near each other cost few reads. Views are valid until the next call.
class TreeCursor {
 public:
  // `file` outlives the cursor; the snapshot is held by the caller.
  TreeCursor(const PageFile& file, const TreeRoot& root, std::uint64_t page_end,
             KeyOrder order = KeyOrder::bytes);

  // Moves to the first key that is not below `key`. False when there is none.
  Result<bool> seek(std::string_view key);
  Result<bool> first();
  Result<bool> next();
  Result<bool> previous();

  [[nodiscard]] std::string_view key() const { return node_.key; }
  [[nodiscard]] const PageNode& node() const { return node_; }
  // The data, gathered from overflow pages if need be.
  Result<std::string_view> value();
  // Reads and checks the neighbours of the present path's pages under the same parents: LMDB
  // touches these when a deletion rebalances.
  Status check_siblings();

 private:
  struct Level {
    std::unique_ptr<char[]> page;
    std::uint64_t number = kNoPage;
    std::size_t index = 0;
    std::size_t count = 0;
    // Of its keys: from the first up to below the second; empty for none. In the pages above.
    std::string_view low;
    std::string_view high;
  };
  enum class Side : std::uint8_t { first, last };
  Status load(std::size_t level, std::uint64_t number);
  Status check_bounds(std::size_t level);
  // The bounds of a child's keys.
  [[nodiscard]] std::string_view low_of(const Level& parent, std::size_t index) const;
  [[nodiscard]] std::string_view high_of(const Level& parent, std::size_t index) const;
  [[nodiscard]] Status check_keys(const char* page, std::uint64_t number, bool leaf,
                                  std::string_view low, std::string_view high) const;
  Status descend(std::size_t level, Side side);
  Result<bool> settle();

  const PageFile& file_;
  TreeRoot root_;
  std::uint64_t page_end_;
  KeyOrder order_;
  std::vector<Level> levels_;
  PageNode node_;
  std::string big_;
  std::unique_ptr<char[]> spare_;
  std::unordered_set<std::uint64_t> siblings_checked_;
};

}  // namespace ingot::storage
