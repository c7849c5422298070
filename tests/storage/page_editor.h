#pragma once

// The pages of a closed store's file, found by tree and changed word by word; see page_file.h for
// their layout. Only what is said to change changes: no count elsewhere is made to agree.

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "storage/table_reader.h"

namespace ingot::storage {

class PageEditor {
 public:
  static constexpr std::size_t kPageBytes = 4096;
  static constexpr std::size_t kBodyAt = 16;  // of a meta page
  static constexpr std::size_t kFreeTreeAt = kBodyAt + 24;
  static constexpr std::size_t kMainTreeAt = kFreeTreeAt + kTreeBytes;
  static constexpr std::size_t kLastPageAt = kBodyAt + 120;
  static constexpr std::size_t kTransactionAt = kBodyAt + 128;

  explicit PageEditor(std::string path) : path_(std::move(path)) {
    std::ifstream in(path_, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
    const auto file = PageFile::open(path_);
    EXPECT_TRUE(file.ok());
    auto found = read_roots(**file);
    EXPECT_TRUE(found.ok()) << found.status().to_string();
    roots = *std::move(found);
  }
  void save() const {
    std::ofstream out(path_, std::ios::binary | std::ios::trunc);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    ASSERT_TRUE(out.flush());
  }

  template <typename T>
  [[nodiscard]] T get(std::uint64_t at) const {
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
  }
  template <typename T>
  void set(std::uint64_t at, T value) {
    std::memcpy(bytes.data() + at, &value, sizeof value);
  }

  // Where a page begins.
  static std::uint64_t page(std::uint64_t number) { return number * kPageBytes; }
  // The number of the meta page that counts, and of the other one.
  [[nodiscard]] std::uint64_t newer() const { return roots.file.transaction % 2; }
  [[nodiscard]] std::uint64_t older() const { return 1 - newer(); }

  [[nodiscard]] const TreeRoot& tree(Table table) const {
    return roots.trees[static_cast<std::size_t>(table)];
  }
  [[nodiscard]] std::size_t nodes(std::uint64_t number) const {
    return (get<std::uint16_t>(page(number) + 12) - 16U) / 2;
  }
  // Where the place of a node stands, and the node itself.
  static std::uint64_t slot(std::uint64_t number, std::size_t index) {
    return page(number) + 16 + index * 2;
  }
  [[nodiscard]] std::uint64_t node(std::uint64_t number, std::size_t index) const {
    return page(number) + get<std::uint16_t>(slot(number, index));
  }
  [[nodiscard]] std::string_view key(std::uint64_t number, std::size_t index) const {
    const std::uint64_t at = node(number, index);
    return std::string_view(bytes).substr(at + 8, get<std::uint16_t>(at + 6));
  }
  [[nodiscard]] std::uint64_t data_at(std::uint64_t number, std::size_t index) const {
    const std::uint64_t at = node(number, index);
    return at + 8 + get<std::uint16_t>(at + 6);
  }
  [[nodiscard]] std::uint64_t child(std::uint64_t number, std::size_t index) const {
    const std::uint64_t at = node(number, index);
    return get<std::uint16_t>(at) | std::uint64_t{get<std::uint16_t>(at + 2)} << 16 |
           std::uint64_t{get<std::uint16_t>(at + 4)} << 32;
  }
  void set_child(std::uint64_t number, std::size_t index, std::uint64_t to) {
    const std::uint64_t at = node(number, index);
    set(at, static_cast<std::uint16_t>(to));
    set(at + 2, static_cast<std::uint16_t>(to >> 16));
    set(at + 4, static_cast<std::uint16_t>(to >> 32));
  }
  // The leaf that is reached by taking the child `index` of each branch.
  [[nodiscard]] std::uint64_t leaf(const TreeRoot& tree, std::size_t index = 0) const {
    std::uint64_t at = tree.page;
    for (unsigned level = 1; level < tree.depth; ++level) {
      at = child(at, std::min(index, nodes(at) - 1));
    }
    return at;
  }

  std::string bytes;
  SnapshotRoots roots;

 private:
  std::string path_;
};

}  // namespace ingot::storage
