#include "storage/page_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/try.h"

namespace ingot::storage {
namespace {

constexpr std::size_t kHeaderBytes = 16;
constexpr std::size_t kNodeHeaderBytes = 8;
constexpr std::uint16_t kBranch = 0x01;
constexpr std::uint16_t kLeaf = 0x02;
constexpr std::uint16_t kOverflow = 0x04;
constexpr std::uint16_t kMeta = 0x08;
constexpr std::uint32_t kMagic = 0xBEEFC0DE;
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kMetaBytes = 136;
constexpr std::uint16_t kDepthMax = 32;
// Of the free tree; the environment's own flags stand there too.
constexpr std::uint16_t kIntegerKeys = 0x08;
constexpr std::uint16_t kEnvironmentFlags = 0x4000;  // MDB_NOSUBDIR
constexpr std::size_t kPageBytesMin = 4096;
constexpr std::size_t kPageBytesMax = 32768;

template <typename T>
T load_at(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

std::uint16_t node_offset(const char* page, std::size_t index) {
  return load_at<std::uint16_t>(page + kHeaderBytes + index * 2);
}

int compare_keys(std::string_view a, std::string_view b, KeyOrder order) {
  if (order == KeyOrder::integer) {
    const auto x = load_at<std::uint64_t>(a.data());
    const auto y = load_at<std::uint64_t>(b.data());
    return x < y ? -1 : (x > y ? 1 : 0);
  }
  return a.compare(b);
}

Status io_failure(const std::string& path, std::string_view call) {
  return {StatusCode::io_error, path + ": " + std::string(call) + ": " + std::strerror(errno)};
}

// What is wrong with a tree's description, or nothing.
const char* tree_problem(const TreeRoot& tree, std::uint64_t page_end) {
  if (tree.page == kNoPage) {
    return tree.depth == 0 && tree.entries == 0 ? nullptr : "an empty tree has entries";
  }
  if (tree.page < 2 || tree.page >= page_end) return "a tree's root is outside the file";
  if (tree.depth == 0 || tree.depth > kDepthMax) return "a tree's depth is impossible";
  if (tree.branch_pages >= page_end || tree.leaf_pages >= page_end ||
      tree.overflow_pages >= page_end || tree.leaf_pages == 0) {
    return "a tree has more pages than the file";
  }
  return nullptr;
}

// `number` is the meta page's.
Status check_trees(const PageFile& file, std::uint64_t number, const FileMeta& meta) {
  for (const TreeRoot* tree : {&meta.free_tree, &meta.main_tree}) {
    const char* problem = tree_problem(*tree, meta.page_end);
    if (problem != nullptr) return file.page_fault(number, problem);
  }
  if (meta.main_tree.flags != 0) return file.page_fault(number, "main tree flags");
  // LMDB takes them at their word: of the wrong kind, its own lists would lead it anywhere.
  if ((meta.free_tree.flags & ~kEnvironmentFlags) != kIntegerKeys) {
    return file.page_fault(number, "free tree flags");
  }
  return {};
}

}  // namespace

TreeRoot parse_tree(const char* bytes) {
  TreeRoot tree;
  tree.flags = load_at<std::uint16_t>(bytes + 4);
  tree.depth = load_at<std::uint16_t>(bytes + 6);
  tree.branch_pages = load_at<std::uint64_t>(bytes + 8);
  tree.leaf_pages = load_at<std::uint64_t>(bytes + 16);
  tree.overflow_pages = load_at<std::uint64_t>(bytes + 24);
  tree.entries = load_at<std::uint64_t>(bytes + 32);
  tree.page = load_at<std::uint64_t>(bytes + 40);
  return tree;
}

Result<std::unique_ptr<PageFile>> PageFile::open(const std::string& path) {
  std::unique_ptr<PageFile> file(new PageFile(path));
  file->fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (file->fd_ < 0) return io_failure(path, "open");
  INGOT_TRY(file->find_page_bytes());
  return file;
}

PageFile::~PageFile() {
  if (fd_ >= 0) ::close(fd_);
}

Status PageFile::page_fault(std::uint64_t number, std::string_view what) const {
  return {StatusCode::corrupt,
          path_ + ": page " + std::to_string(number) + ": " + std::string(what)};
}

Result<std::uint64_t> PageFile::file_bytes() const {
  struct stat status {};
  if (::fstat(fd_, &status) != 0) return io_failure(path_, "fstat");
  return static_cast<std::uint64_t>(status.st_size);
}

Status PageFile::read_at(std::uint64_t offset, char* out, std::size_t bytes) const {
  std::size_t done = 0;
  while (done < bytes) {
    const ssize_t got = ::pread(fd_, out + done, bytes - done, static_cast<off_t>(offset + done));
    if (got < 0) {
      if (errno == EINTR) continue;
      return io_failure(path_, "pread");
    }
    if (got == 0) {
      return {StatusCode::corrupt,
              path_ + ": the file ends before offset " + std::to_string(offset + bytes)};
    }
    done += static_cast<std::size_t>(got);
  }
  return {};
}

Status PageFile::find_page_bytes() {
  char head[kHeaderBytes + kMetaBytes];
  INGOT_TRY(read_at(0, head, sizeof head));
  const auto size = load_at<std::uint32_t>(head + kHeaderBytes + 24);  // the free tree's pad
  if (size < kPageBytesMin || size > kPageBytesMax || (size & (size - 1)) != 0) {
    return page_fault(0, "impossible page size " + std::to_string(size));
  }
  page_bytes_ = size;
  return {};
}

Status PageFile::read_one_meta(std::uint64_t number, FileMeta& meta) const {
  char page[kHeaderBytes + kMetaBytes];
  INGOT_TRY(read_at(number * page_bytes_, page, sizeof page));
  const char* body = page + kHeaderBytes;
  if (load_at<std::uint64_t>(page) != number) return page_fault(number, "wrong page number");
  if (load_at<std::uint16_t>(page + 10) != kMeta) return page_fault(number, "not a meta page");
  if (load_at<std::uint32_t>(body) != kMagic) return page_fault(number, "wrong magic");
  if (load_at<std::uint32_t>(body + 4) != kVersion) return page_fault(number, "wrong version");
  if (load_at<std::uint64_t>(body + 8) != 0) return page_fault(number, "fixed map address");
  if (load_at<std::uint32_t>(body + 24) != page_bytes_) return page_fault(number, "page size");
  meta.free_tree = parse_tree(body + 24);
  meta.main_tree = parse_tree(body + 24 + kTreeBytes);
  const auto last = load_at<std::uint64_t>(body + 120);
  if (last == 0 || last > (1ULL << 40)) return page_fault(number, "impossible last page");
  meta.page_end = last + 1;
  meta.transaction = load_at<std::uint64_t>(body + 128);
  return {};
}

Result<FileMeta> PageFile::read_meta() const {
  FileMeta even;
  FileMeta odd;
  INGOT_TRY(read_one_meta(0, even));
  INGOT_TRY(read_one_meta(1, odd));
  // LMDB writes transaction n to page n & 1, so the two are neighbours. The trees of the older one
  // are not looked at: when writing a meta page fails, LMDB writes it again with the old number and
  // the new trees, so that it does not count.
  const bool even_newer =
      even.transaction > odd.transaction || (even.transaction == 0 && odd.transaction == 0);
  const FileMeta& newer = even_newer ? even : odd;
  const FileMeta& older = even_newer ? odd : even;
  if (newer.transaction != 0 && (even.transaction % 2 != 0 || odd.transaction % 2 != 1 ||
                                 newer.transaction - older.transaction != 1)) {
    return page_fault(even_newer ? 1 : 0, "the meta pages' transactions do not belong together");
  }
  INGOT_TRY(check_trees(*this, even_newer ? 0 : 1, newer));
  return newer;
}

std::size_t PageFile::node_count(const char* page) {
  return (load_at<std::uint16_t>(page + 12) - kHeaderBytes) / 2;
}

PageNode PageFile::node(const char* page, std::size_t index) const {
  const char* at = page + node_offset(page, index);
  PageNode node;
  const auto low = load_at<std::uint16_t>(at);
  const auto high = load_at<std::uint16_t>(at + 2);
  node.flags = load_at<std::uint16_t>(at + 4);
  node.key = {at + kNodeHeaderBytes, load_at<std::uint16_t>(at + 6)};
  const std::uint64_t joined = low | (static_cast<std::uint64_t>(high) << 16);
  const char* data = at + kNodeHeaderBytes + node.key.size();
  if (load_at<std::uint16_t>(page + 10) == kBranch) {
    node.child = joined | (static_cast<std::uint64_t>(node.flags) << 32);
    node.flags = 0;
    return node;
  }
  node.data_bytes = joined;
  if ((node.flags & kNodeBig) != 0) {
    node.child = load_at<std::uint64_t>(data);
  } else {
    node.data = {data, static_cast<std::size_t>(joined)};
  }
  return node;
}

const char* PageFile::page_problem(const char* page, std::uint64_t number, bool leaf,
                                   KeyOrder order) const {
  if (load_at<std::uint64_t>(page) != number) return "wrong page number";
  if (load_at<std::uint16_t>(page + 10) != (leaf ? kLeaf : kBranch)) return "wrong kind of page";
  const auto lower = load_at<std::uint16_t>(page + 12);
  const auto upper = load_at<std::uint16_t>(page + 14);
  if (lower < kHeaderBytes || lower % 2 != 0 || lower > upper || upper > page_bytes_) {
    return "impossible bounds";
  }
  const std::size_t count = (lower - kHeaderBytes) / 2;
  if (count == 0) return "an empty page in a tree";
  std::size_t used = 0;
  std::string_view before;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t offset = node_offset(page, i);
    if (offset < upper || offset % 2 != 0 || offset + kNodeHeaderBytes > page_bytes_) {
      return "a node outside its page";
    }
    const char* at = page + offset;
    const std::size_t key_bytes = load_at<std::uint16_t>(at + 6);
    std::size_t bytes = kNodeHeaderBytes + key_bytes;
    if (leaf) {
      const auto flags = load_at<std::uint16_t>(at + 4);
      if ((flags & ~(kNodeBig | kNodeTree)) != 0) return "unknown node flags";
      bytes += (flags & kNodeBig) != 0
                   ? sizeof(std::uint64_t)
                   : (load_at<std::uint16_t>(at) |
                      (static_cast<std::size_t>(load_at<std::uint16_t>(at + 2)) << 16));
    }
    if (offset + bytes > page_bytes_) return "a node reaches beyond its page";
    used += bytes + bytes % 2;
    const std::string_view key(at + kNodeHeaderBytes, key_bytes);
    if (!leaf && i == 0) continue;  // the first key of a branch means "below everything"
    if (order == KeyOrder::integer && key_bytes != sizeof(std::uint64_t)) return "wrong key size";
    if ((leaf && i == 0) || (!leaf && i == 1)) {
      if (key.empty()) return "an empty key";
    } else if (compare_keys(before, key, order) >= 0) {
      return "keys out of order";
    }
    before = key;
  }
  return used == page_bytes_ - upper ? nullptr : "nodes do not fill their page";
}

Status PageFile::read_tree_page(std::uint64_t number, bool leaf, KeyOrder order, char* page) const {
  INGOT_TRY(read_at(number * page_bytes_, page, page_bytes_));
  const char* problem = page_problem(page, number, leaf, order);
  return problem == nullptr ? Status() : page_fault(number, problem);
}

Result<std::uint64_t> PageFile::overflow_pages(std::uint64_t number, std::uint64_t page_end) const {
  if (number < 2 || number >= page_end) return page_fault(number, "outside the file");
  char header[kHeaderBytes];
  INGOT_TRY(read_at(number * page_bytes_, header, sizeof header));
  const std::uint64_t pages = load_at<std::uint32_t>(header + 12);
  if (load_at<std::uint64_t>(header) != number ||
      load_at<std::uint16_t>(header + 10) != kOverflow) {
    return page_fault(number, "not the overflow page that it should be");
  }
  if (pages == 0 || pages > page_end - number) {
    return page_fault(number, "impossible overflow length");
  }
  return pages;
}

Status PageFile::read_overflow(std::uint64_t number, std::uint64_t bytes, std::uint64_t page_end,
                               std::string& out) const {
  INGOT_ASSIGN(const std::uint64_t pages, overflow_pages(number, page_end));
  // LMDB keeps the pages when a shorter value takes a longer one's place.
  if (kHeaderBytes + bytes > pages * page_bytes_) {
    return page_fault(number, "impossible overflow length");
  }
  const std::size_t start = out.size();
  out.resize(start + bytes);
  return read_at(number * page_bytes_ + kHeaderBytes, out.data() + start, bytes);
}

TreeCursor::TreeCursor(const PageFile& file, const TreeRoot& root, std::uint64_t page_end,
                       KeyOrder order)
    : file_(file), root_(root), page_end_(page_end), order_(order) {
  if (root_.page != kNoPage) levels_.resize(root_.depth);
}

Status TreeCursor::load(std::size_t level, std::uint64_t number) {
  Level& at = levels_[level];
  if (at.number == number) return check_bounds(level);
  if (number < 2 || number >= page_end_) return file_.page_fault(number, "outside the file");
  if (!at.page) at.page = std::make_unique_for_overwrite<char[]>(file_.page_bytes());
  at.number = kNoPage;
  INGOT_TRY(file_.read_tree_page(number, level + 1 == levels_.size(), order_, at.page.get()));
  at.number = number;
  at.count = PageFile::node_count(at.page.get());
  return check_bounds(level);
}

// All keys of a page lie between those that lead to it and to the next one. So the order of keys
// holds from page to page, none is hidden behind a branch's key that is too low or too high, and a
// walk has an end wherever branches may lead.
Status TreeCursor::check_bounds(std::size_t level) {
  if (level == 0) return {};
  Level& at = levels_[level];
  const Level& parent = levels_[level - 1];
  at.low = low_of(parent, parent.index);
  at.high = high_of(parent, parent.index);
  return check_keys(at.page.get(), at.number, level + 1 == levels_.size(), at.low, at.high);
}

std::string_view TreeCursor::low_of(const Level& parent, std::size_t index) const {
  return index > 0 ? file_.node(parent.page.get(), index).key : parent.low;
}

std::string_view TreeCursor::high_of(const Level& parent, std::size_t index) const {
  return index + 1 < parent.count ? file_.node(parent.page.get(), index + 1).key : parent.high;
}

Status TreeCursor::check_keys(const char* page, std::uint64_t number, bool leaf,
                              std::string_view low, std::string_view high) const {
  // The first key of a branch means "below everything".
  const std::size_t first = leaf ? 0 : 1;
  const std::size_t count = PageFile::node_count(page);
  if (first >= count) return {};
  if ((!low.empty() && compare_keys(file_.node(page, first).key, low, order_) < 0) ||
      (!high.empty() && compare_keys(file_.node(page, count - 1).key, high, order_) >= 0)) {
    return file_.page_fault(number, "a key outside its branch's bounds");
  }
  return {};
}

Status TreeCursor::descend(std::size_t level, Side side) {
  for (; level + 1 < levels_.size(); ++level) {
    Level& at = levels_[level];
    INGOT_TRY(load(level + 1, file_.node(at.page.get(), at.index).child));
    levels_[level + 1].index = side == Side::first ? 0 : levels_[level + 1].count - 1;
  }
  node_ = file_.node(levels_.back().page.get(), levels_.back().index);
  return {};
}

Result<bool> TreeCursor::first() {
  if (levels_.empty()) return false;
  INGOT_TRY(load(0, root_.page));
  levels_[0].index = 0;
  INGOT_TRY(descend(0, Side::first));
  return true;
}

Result<bool> TreeCursor::seek(std::string_view key) {
  if (levels_.empty()) return false;
  INGOT_TRY(load(0, root_.page));
  for (std::size_t level = 0;; ++level) {
    Level& at = levels_[level];
    const bool leaf = level + 1 == levels_.size();
    // Leaf: the first node not below `key`. Branch: the last one not above it, or the first.
    std::size_t low = leaf ? 0 : 1;
    std::size_t high = at.count;
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      const int order = compare_keys(file_.node(at.page.get(), middle).key, key, order_);
      if (leaf ? order < 0 : order <= 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    at.index = leaf ? low : low - 1;
    if (leaf) {
      return settle();
    }
    INGOT_TRY(load(level + 1, file_.node(at.page.get(), at.index).child));
  }
}

// The leaf's index may be one past its end: moves on to the next leaf.
Result<bool> TreeCursor::settle() {
  std::size_t level = levels_.size() - 1;
  if (levels_[level].index < levels_[level].count) {
    node_ = file_.node(levels_[level].page.get(), levels_[level].index);
    return true;
  }
  do {
    if (level == 0) return false;
    --level;
  } while (levels_[level].index + 1 >= levels_[level].count);
  ++levels_[level].index;
  INGOT_TRY(descend(level, Side::first));
  return true;
}

Result<bool> TreeCursor::next() {
  ++levels_.back().index;
  return settle();
}

Result<bool> TreeCursor::previous() {
  std::size_t level = levels_.size() - 1;
  // A cursor that ran off the end stands behind the last leaf's last node.
  while (levels_[level].index == 0) {
    if (level == 0) return false;
    --level;
  }
  --levels_[level].index;
  INGOT_TRY(descend(level, Side::last));
  return true;
}

Result<std::string_view> TreeCursor::value() {
  if ((node_.flags & kNodeBig) == 0) return node_.data;
  big_.clear();
  INGOT_TRY(file_.read_overflow(node_.child, node_.data_bytes, page_end_, big_));
  return std::string_view(big_);
}

Status TreeCursor::check_siblings() {
  if (!spare_) spare_ = std::make_unique_for_overwrite<char[]>(file_.page_bytes());
  for (std::size_t level = 0; level + 1 < levels_.size(); ++level) {
    const Level& at = levels_[level];
    const std::size_t index = std::min(at.index, at.count - 1);
    for (const std::size_t sibling : {index - 1, index + 1}) {
      if (sibling >= at.count) continue;
      const std::uint64_t number = file_.node(at.page.get(), sibling).child;
      if (number < 2 || number >= page_end_) return file_.page_fault(number, "outside the file");
      if (!siblings_checked_.insert(number).second) continue;
      const bool leaf = level + 2 == levels_.size();
      INGOT_TRY(file_.read_tree_page(number, leaf, order_, spare_.get()));
      INGOT_TRY(check_keys(spare_.get(), number, leaf, low_of(at, sibling), high_of(at, sibling)));
    }
  }
  return {};
}

}  // namespace ingot::storage
