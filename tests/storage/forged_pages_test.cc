// Pages that are not what they should be, word by word: meta pages, branches, leaves, overflow
// pages and the lists of free pages.

#include <filesystem>

#include "tests/storage/forged_store.h"
#include "tests/storage/page_editor.h"

namespace ingot::storage {
namespace {

struct PageLie {
  const char* what;
  const char* words;
  std::function<void(PageEditor&)> edit;
};

class ForgedPagesTest : public ForgedStoreTest {
 protected:
  void edit(const std::function<void(PageEditor&)>& change) const {
    restore();
    PageEditor editor(path());
    change(editor);
    editor.save();
  }
  // Sets a word of the newer meta page, or of the older one.
  template <typename T>
  static std::function<void(PageEditor&)> in_meta(std::size_t at, T value, bool newer = true) {
    return [at, value, newer](PageEditor& e) {
      e.set<T>(PageEditor::page(newer ? e.newer() : e.older()) + at, value);
    };
  }
  static constexpr std::size_t kDepthAt = 6;  // in a tree
  static constexpr std::size_t kBranchesAt = 8;
  static constexpr std::size_t kLeavesAt = 16;
  static constexpr std::size_t kOverflowAt = 24;
  static constexpr std::size_t kEntriesAt = 32;
  static constexpr std::size_t kRootAt = 40;
};

TEST_F(ForgedPagesTest, AMetaPageThatIsNoneIsRefused) {
  const std::size_t body = PageEditor::kBodyAt;
  const std::vector<PageLie> lies = {
      {"number", "wrong page number", in_meta<std::uint64_t>(0, 7)},
      {"the older one's number", "wrong page number", in_meta<std::uint64_t>(0, 7, false)},
      {"kind", "not a meta page", in_meta<std::uint16_t>(10, 2)},
      {"magic", "wrong magic", in_meta<std::uint32_t>(body, 0xBEEFC0DF)},
      {"version", "wrong version", in_meta<std::uint32_t>(body + 4, 999)},
      {"address", "fixed map address", in_meta<std::uint64_t>(body + 8, 4096)},
      {"page 1's page size", "page 1: page size",
       [](PageEditor& e) { e.set<std::uint32_t>(4096 + PageEditor::kFreeTreeAt, 8192); }},
      {"no last page", "impossible last page", in_meta<std::uint64_t>(PageEditor::kLastPageAt, 0)},
      {"a last page beyond all files", "impossible last page",
       in_meta<std::uint64_t>(PageEditor::kLastPageAt, (1ULL << 40) + 1)},
      {"a last page behind the file", "the last page lies too far behind the file's end",
       in_meta<std::uint64_t>(PageEditor::kLastPageAt, 1ULL << 40)},
      {"transaction of the other page", "transactions do not belong together",
       [](PageEditor& e) {
         for (const std::uint64_t number : {0U, 1U}) {
           const std::uint64_t at = PageEditor::page(number) + PageEditor::kTransactionAt;
           e.set<std::uint64_t>(at, e.get<std::uint64_t>(at) + 1);
         }
       }},
      {"two transactions at once", "transactions do not belong together",
       [](PageEditor& e) {
         e.set<std::uint64_t>(PageEditor::page(e.newer()) + PageEditor::kTransactionAt,
                              e.roots.file.transaction + 2);
       }},
      {"the same transaction twice", "transactions do not belong together",
       [](PageEditor& e) {
         e.set<std::uint64_t>(PageEditor::page(e.older()) + PageEditor::kTransactionAt,
                              e.roots.file.transaction);
       }},
      {"page 1's transaction is even", "transactions do not belong together",
       [](PageEditor& e) {
         e.set<std::uint64_t>(4096 + PageEditor::kTransactionAt,
                              e.roots.file.transaction + 100 + e.roots.file.transaction % 2);
       }},
  };
  for (const PageLie& lie : lies) {
    SCOPED_TRACE(lie.what);
    edit(lie.edit);
    expect_at_opening(lie.words);
  }
  for (const std::uint32_t size : {0U, 2048U, 5000U, 65536U}) {
    edit([size](PageEditor& e) { e.set<std::uint32_t>(PageEditor::kFreeTreeAt, size); });
    expect_at_opening("impossible page size " + std::to_string(size));
  }
}

TEST_F(ForgedPagesTest, ATreeThatCantBeIsRefused) {
  for (const std::size_t tree : {PageEditor::kFreeTreeAt, PageEditor::kMainTreeAt}) {
    SCOPED_TRACE(tree);
    const std::vector<PageLie> lies = {
        {"depth without a root", "an empty tree has entries",
         [tree](PageEditor& e) {
           in_meta<std::uint64_t>(tree + kRootAt, kNoPage)(e);
           in_meta<std::uint64_t>(tree + kEntriesAt, 0)(e);
         }},
        {"entries without a root", "an empty tree has entries",
         [tree](PageEditor& e) {
           in_meta<std::uint64_t>(tree + kRootAt, kNoPage)(e);
           in_meta<std::uint16_t>(tree + kDepthAt, 0)(e);
         }},
        {"root is a meta page", "a tree's root is outside the file",
         in_meta<std::uint64_t>(tree + kRootAt, 1)},
        {"root is behind the last page", "a tree's root is outside the file",
         [tree](PageEditor& e) {
           in_meta<std::uint64_t>(tree + kRootAt, e.roots.file.page_end)(e);
         }},
        {"no depth", "a tree's depth is impossible", in_meta<std::uint16_t>(tree + kDepthAt, 0)},
        {"deeper than all", "a tree's depth is impossible",
         in_meta<std::uint16_t>(tree + kDepthAt, 33)},
        {"branches", "a tree has more pages than the file",
         in_meta<std::uint64_t>(tree + kBranchesAt, 1U << 30)},
        {"leaves", "a tree has more pages than the file",
         in_meta<std::uint64_t>(tree + kLeavesAt, 1U << 30)},
        {"no leaf", "a tree has more pages than the file",
         in_meta<std::uint64_t>(tree + kLeavesAt, 0)},
        {"overflow pages", "a tree has more pages than the file",
         in_meta<std::uint64_t>(tree + kOverflowAt, 1U << 30)},
    };
    for (const PageLie& lie : lies) {
      SCOPED_TRACE(lie.what);
      edit(lie.edit);
      expect_at_opening(lie.words);
    }
  }
  edit(in_meta<std::uint16_t>(PageEditor::kMainTreeAt + 4, 4));
  expect_at_opening("main tree flags");
  edit(in_meta<std::uint16_t>(PageEditor::kFreeTreeAt + 4, 0x0C));
  expect_at_opening("free tree flags");
  edit([](PageEditor& e) {
    in_meta<std::uint64_t>(PageEditor::kMainTreeAt + kRootAt, kNoPage)(e);
    in_meta<std::uint64_t>(PageEditor::kMainTreeAt + kEntriesAt, 0)(e);
    in_meta<std::uint16_t>(PageEditor::kMainTreeAt + kDepthAt, 0)(e);
  });
  expect_at_opening("a table is missing");
  edit([](PageEditor& e) {
    const std::uint64_t at = PageEditor::page(e.newer()) + PageEditor::kFreeTreeAt + kEntriesAt;
    e.set<std::uint64_t>(at, e.get<std::uint64_t>(at) + 1);
  });
  expect_at_opening("free tree: wrong count");
}

// The main tree's node of a table has its root.
TEST_F(ForgedPagesTest, ARootOfATableThatCantBeIsRefused) {
  const auto in_root = [](std::size_t at, std::uint64_t value, std::size_t bytes) {
    return [=](PageEditor& e) {
      const std::uint64_t leaf = e.leaf(e.roots.file.main_tree);
      std::size_t node = 0;
      while (e.key(leaf, node) != "rows") ++node;
      std::memcpy(e.bytes.data() + e.data_at(leaf, node) + at, &value, bytes);
    };
  };
  const char* root = "table rows: impossible root";
  const std::vector<PageLie> lies = {
      {"none", root, in_root(kRootAt, kNoPage, 8)},
      {"a meta page", root, in_root(kRootAt, 1, 8)},
      {"behind the last page", root, in_root(kRootAt, 1U << 30, 8)},
      {"no depth", root, in_root(kDepthAt, 0, 2)},
      {"too deep", root, in_root(kDepthAt, 33, 2)},
      {"flags", root, in_root(4, 4, 2)},
      {"entries", "table rows: not the tree that the meta row describes",
       in_root(kEntriesAt, 5, 8)},
      {"another tree's page", "wrong kind of page",
       [in_root](PageEditor& e) { in_root(kRootAt, e.leaf(e.tree(Table::rows)), 8)(e); }},
  };
  for (const PageLie& lie : lies) {
    SCOPED_TRACE(lie.what);
    edit(lie.edit);
    expect_at_opening(lie.words);
  }
  // Its description is shorter, or no description.
  edit([](PageEditor& e) {
    const std::uint64_t leaf = e.leaf(e.roots.file.main_tree);
    std::size_t node = 0;
    while (e.key(leaf, node) != "rows") ++node;
    e.set<std::uint16_t>(e.node(leaf, node) + 4, 0);
  });
  expect_at_opening("an unknown value in the main tree");
  edit([](PageEditor& e) {
    const std::uint64_t leaf = e.leaf(e.roots.file.main_tree);
    std::size_t node = 0;
    while (e.key(leaf, node) != "rows") ++node;
    e.set<std::uint16_t>(e.node(leaf, node), kTreeBytes - 1);  // the same, rounded up
  });
  expect_at_opening("an unknown table");
}

// What may be wrong with any page of a tree, by how it is found: of the rows by a scrub, of LMDB's
// own trees when the file is opened.
TEST_F(ForgedPagesTest, APageThatIsNotRightInItselfIsRefused) {
  using Edit = std::function<void(PageEditor&, std::uint64_t page)>;
  struct Fault {
    const char* words;
    Edit edit;
  };
  const auto word = [](std::size_t at, std::uint16_t value) -> Edit {
    return [=](PageEditor& e, std::uint64_t p) {
      e.set<std::uint16_t>(PageEditor::page(p) + at, value);
    };
  };
  const auto bounds = [](int lower, int upper) -> Edit {
    return [=](PageEditor& e, std::uint64_t p) {
      const std::uint64_t at = PageEditor::page(p) + 12;
      e.set(at, static_cast<std::uint16_t>(e.get<std::uint16_t>(at) + lower));
      e.set(at + 2, static_cast<std::uint16_t>(e.get<std::uint16_t>(at + 2) + upper));
    };
  };
  const auto second_node = [](std::uint16_t offset) -> Edit {
    return [=](PageEditor& e, std::uint64_t p) {
      e.set<std::uint16_t>(PageEditor::slot(p, 1), offset);
    };
  };
  const std::vector<Fault> both = {
      {"wrong page number",
       [](PageEditor& e, std::uint64_t p) { e.set<std::uint64_t>(PageEditor::page(p), p + 1); }},
      {"wrong kind of page", word(10, 4)},
      {"impossible bounds", word(12, 14)},
      {"impossible bounds", bounds(1, 0)},
      {"impossible bounds", word(14, 16)},
      {"impossible bounds", word(14, 4098)},
      {"an empty page in a tree", word(12, 16)},
      {"a node outside its page", second_node(18)},
      {"a node outside its page", second_node(4095)},
      {"a node outside its page", second_node(4092)},
      {"a node reaches beyond its page",
       [](PageEditor& e, std::uint64_t p) {
         e.set<std::uint16_t>(e.node(p, 1) + 6, 4000);  // its key
       }},
      {"nodes do not fill their page", bounds(0, -2)},
      {"keys out of order",
       [](PageEditor& e, std::uint64_t p) {
         const std::uint64_t a = PageEditor::slot(p, 1);
         const std::uint64_t b = PageEditor::slot(p, 2);
         const auto first = e.get<std::uint16_t>(a);
         e.set(a, e.get<std::uint16_t>(b));
         e.set(b, first);
       }},
  };
  const auto opened = [this](const Fault& fault,
                             const std::function<std::uint64_t(PageEditor&)>& page) {
    SCOPED_TRACE(fault.words);
    edit([&](PageEditor& e) { fault.edit(e, page(e)); });
    expect_at_opening(fault.words);
  };
  const auto scrubbed = [this](const Fault& fault,
                               const std::function<std::uint64_t(PageEditor&)>& page) {
    SCOPED_TRACE(fault.words);
    edit([&](PageEditor& e) { fault.edit(e, page(e)); });
    expect_by_scrub(fault.words);
    expect_met(fault.words, read_rows);
  };
  const auto main_leaf = [](PageEditor& e) { return e.leaf(e.roots.file.main_tree); };
  const auto free_leaf = [](PageEditor& e) { return e.leaf(e.roots.file.free_tree); };
  const auto row_leaf = [](PageEditor& e) { return e.leaf(e.tree(Table::rows), 3); };
  const auto row_branch = [](PageEditor& e) { return e.tree(Table::rows).page; };
  for (const Fault& fault : both) {
    opened(fault, main_leaf);
    scrubbed(fault, row_leaf);
    opened(fault, row_branch);  // the way to the header
  }
  const std::vector<Fault> of_leaves = {
      {"unknown node flags",
       [](PageEditor& e, std::uint64_t p) { e.set<std::uint16_t>(e.node(p, 1) + 4, 8); }},
      {"a node reaches beyond its page",
       [](PageEditor& e, std::uint64_t p) {
         e.set<std::uint16_t>(e.node(p, 1) + 2, 1);  // 64 KiB of data
       }},
      {"an empty key",
       [](PageEditor& e, std::uint64_t p) { e.set<std::uint16_t>(e.node(p, 0) + 6, 0); }},
  };
  for (const Fault& fault : of_leaves) {
    opened(fault, main_leaf);
    scrubbed(fault, row_leaf);
  }
  opened({"wrong key size",
          [](PageEditor& e, std::uint64_t p) { e.set<std::uint16_t>(e.node(p, 0) + 6, 6); }},
         free_leaf);
  const Edit swapped = [](PageEditor& e, std::uint64_t p) {
    const auto first = e.get<std::uint16_t>(PageEditor::slot(p, 0));
    e.set(PageEditor::slot(p, 0), e.get<std::uint16_t>(PageEditor::slot(p, 1)));
    e.set(PageEditor::slot(p, 1), first);
  };
  const Edit equal = [](PageEditor& e, std::uint64_t p) {
    e.set<std::uint64_t>(e.node(p, 1) + 8, e.get<std::uint64_t>(e.node(p, 0) + 8));
  };
  opened({"keys out of order", swapped}, free_leaf);
  opened({"keys out of order", equal}, free_leaf);
  opened({"an empty key",
          [](PageEditor& e, std::uint64_t p) { e.set<std::uint16_t>(e.node(p, 1) + 6, 0); }},
         row_branch);
  // The first key of a branch counts for nothing.
  edit([&](PageEditor& e) {
    const std::uint64_t at = e.node(row_branch(e), 0);
    EXPECT_EQ(e.get<std::uint16_t>(at + 6), 0);
  });
  EXPECT_TRUE(verified().empty());
}

TEST_F(ForgedPagesTest, ABranchThatLeadsAstrayIsFound) {
  const auto child = [](std::size_t index, const std::function<std::uint64_t(PageEditor&)>& to) {
    return [=](PageEditor& e) { e.set_child(e.tree(Table::rows).page, index, to(e)); };
  };
  const auto same = [](std::uint64_t page) { return [page](PageEditor&) { return page; }; };
  for (const std::uint64_t page : {0ULL, 1ULL, 1ULL << 30, (1ULL << 48) - 1}) {
    edit(child(3, same(page)));
    expect_by_scrub("outside the file");
    expect_met("outside the file", read_rows);
  }
  edit(child(3, [](PageEditor& e) { return e.roots.file.page_end; }));
  expect_by_scrub("outside the file");
  expect_met("outside the file", read_rows);
  // Also when it is only the neighbour of what goes.
  std::vector<std::uint64_t> rows;  // of child 2
  restore();
  {
    PageEditor e(path());
    const std::uint64_t leaf = e.child(e.tree(Table::rows).page, 2);
    for (std::size_t i = 0; i < e.nodes(leaf); ++i) {
      const std::uint64_t row = big_endian64(e.key(leaf, i));
      if (rows.empty() || rows.back() != row) rows.push_back(row);
    }
  }
  // The last one may go on in the next page, the first one may have begun in the one before.
  ASSERT_GT(rows.size(), 2U);
  const auto erase_beside = [&rows](CheckpointStore& store) {
    auto checkpoint = must_begin(store);
    for (std::size_t i = 1; i + 1 < rows.size(); ++i)
      checkpoint->erase_row(SequenceNumber(rows[i]));
    return checkpoint->commit(Position(9));
  };
  edit(child(3, same(1)));
  expect_met("outside the file", erase_beside);
  edit(child(3, [](PageEditor& e) { return e.child(e.tree(Table::rows).page, 4); }));
  expect_met("a key outside its branch's bounds", erase_beside);
  edit(child(3, [](PageEditor& e) { return e.child(e.tree(Table::rows).page, 2); }));
  expect_by_scrub("in use twice");
  expect_met("a key outside its branch's bounds", read_rows);
  edit(child(3, [](PageEditor& e) { return e.leaf(e.tree(Table::packs), 1); }));
  expect_by_scrub("a key outside its branch's bounds");
  expect_among(verified(), "in use twice");
  edit([](PageEditor& e) {
    const std::uint64_t root = e.tree(Table::rows).page;
    const std::uint64_t two = e.child(root, 2);
    e.set_child(root, 2, e.child(root, 3));
    e.set_child(root, 3, two);
  });
  expect_by_scrub("a key outside its branch's bounds");
  expect_met("a key outside its branch's bounds", read_rows);
  // A key too high or too low for what lies below it.
  for (const char byte : {'\0', '\xff'}) {
    edit([byte](PageEditor& e) {
      const std::uint64_t root = e.tree(Table::rows).page;
      const std::size_t last = e.nodes(root) - 1;
      const std::size_t index = byte == '\0' ? 1 : last;
      const std::uint64_t key = e.node(root, index) + 8;
      e.bytes[key + 6] = byte;
      e.bytes[key + 7] = byte == '\0' ? '\1' : byte;
    });
    if (byte == '\0') {
      expect_at_opening("a key outside its branch's bounds");  // on the way to the header
    } else {
      expect_by_scrub("a key outside its branch's bounds");
    }
  }
}

// Were it not for the bounds of their keys, a walk over these pages would take for ever.
TEST_F(ForgedPagesTest, BranchesThatAllLeadToOnePageAreNotWalkedForEver) {
  edit([](PageEditor& e) {
    const std::uint64_t root = e.tree(Table::id_blocks).page;
    for (std::size_t i = 0; i < e.nodes(root); ++i) e.set_child(root, i, e.child(root, 0));
  });
  expect_by_scrub("in use twice");
}

TEST_F(ForgedPagesTest, OverflowPagesThatAreNotOfTheirValueAreFound) {
  // Of big1, whose node comes before big2's.
  const auto big_node = [](PageEditor& e, std::size_t which) {
    const std::uint64_t leaf = e.leaf(e.tree(Table::entries_2));
    return std::pair<std::uint64_t, std::uint64_t>(e.node(leaf, 1 + which),
                                                   e.data_at(leaf, 1 + which));
  };
  const auto points = [=](std::uint64_t page) {
    return [=](PageEditor& e) { e.set<std::uint64_t>(big_node(e, 0).second, page); };
  };
  const auto in_page = [=](std::size_t at, std::uint64_t value, std::size_t bytes) {
    return [=](PageEditor& e) {
      const auto page = e.get<std::uint64_t>(big_node(e, 0).second);
      std::memcpy(e.bytes.data() + PageEditor::page(page) + at, &value, bytes);
    };
  };
  const std::vector<PageLie> lies = {
      {"a meta page", "outside the file", points(1)},
      {"behind the last page", "outside the file", points(1U << 30)},
      {"number", "not the overflow page that it should be", in_page(0, 5, 8)},
      {"kind", "not the overflow page that it should be", in_page(10, 2, 2)},
      {"no pages", "impossible overflow length", in_page(12, 0, 4)},
      {"more pages than the file", "impossible overflow length", in_page(12, 1U << 20, 4)},
      {"fewer pages than bytes", "impossible overflow length", in_page(12, 2, 4)},
      {"another value's pages", "in use twice",
       [=](PageEditor& e) {
         e.set<std::uint64_t>(big_node(e, 1).second, e.get<std::uint64_t>(big_node(e, 0).second));
       }},
      {"one byte less", "not what was written here",
       [=](PageEditor& e) {
         const std::uint64_t at = big_node(e, 0).first;
         e.set(at, static_cast<std::uint16_t>(e.get<std::uint16_t>(at) - 1));
       }},
  };
  for (const PageLie& lie : lies) {
    SCOPED_TRACE(lie.what);
    edit(lie.edit);
    expect_by_scrub(lie.words);
    if (std::string_view(lie.words) == "in use twice") continue;
    expect_met(lie.words, [](CheckpointStore& store) {
      return store.for_each_entry(EntryTable::work,
                                  [](std::string_view, std::string_view) { return Status(); });
    });
  }
  // More pages than it needs: LMDB keeps them when a value becomes shorter; but they must be its
  // own.
  edit(in_page(12, 6, 4));
  expect_by_scrub("in use twice");
  // A value that says it is a tree.
  edit([](PageEditor& e) {
    const std::uint64_t leaf = e.leaf(e.tree(Table::rows), 3);
    e.set<std::uint16_t>(e.node(leaf, 0) + 4, kNodeTree);
  });
  expect_by_scrub("not what was written here");
  expect_met("not what was written here", read_rows);
  EXPECT_EQ(write_some(**open(false)).code(), StatusCode::corrupt);
}

TEST_F(ForgedPagesTest, ListsOfFreePagesThatCantBeAreRefused) {
  // The first list of several pages: a count, then pages in descending order.
  const auto list = [](PageEditor& e) {
    const std::uint64_t leaf = e.leaf(e.roots.file.free_tree);
    for (std::size_t i = 0; i < e.nodes(leaf); ++i) {
      if (e.get<std::uint64_t>(e.data_at(leaf, i)) > 3) return e.data_at(leaf, i);
    }
    ADD_FAILURE() << "no list of several pages";
    return e.data_at(leaf, 0);
  };
  const char* impossible = "a list of free pages is impossible";
  const std::vector<PageLie> lies = {
      {"more than there are", "a list of free pages is cut off",
       [&](PageEditor& e) { e.set<std::uint64_t>(list(e), 1U << 20); }},
      {"a page behind the last", impossible,
       [&](PageEditor& e) { e.set<std::uint64_t>(list(e) + 8, e.roots.file.page_end); }},
      {"a page twice", impossible,
       [&](PageEditor& e) {
         e.set<std::uint64_t>(list(e) + 16, e.get<std::uint64_t>(list(e) + 8));
       }},
      {"a meta page", impossible,
       [&](PageEditor& e) {
         e.set<std::uint64_t>(list(e) + 8 * e.get<std::uint64_t>(list(e)), 1);
       }},
      {"not even a number", "a list of free pages is cut off",
       [&](PageEditor& e) {
         // One list's bytes go to another one, so that the nodes still fill their page.
         const std::uint64_t leaf = e.leaf(e.roots.file.free_tree);
         for (std::size_t i = 0; i < e.nodes(leaf); ++i) {
           for (std::size_t j = 0; j < e.nodes(leaf); ++j) {
             const auto from = e.get<std::uint16_t>(e.node(leaf, i));
             const auto to = e.get<std::uint16_t>(e.node(leaf, j));
             const std::uint64_t end = e.data_at(leaf, j) + to + from - 6U;
             if (i == j || end > PageEditor::page(leaf + 1)) continue;
             e.set<std::uint16_t>(e.node(leaf, i), 6);
             e.set(e.node(leaf, j), static_cast<std::uint16_t>(to + from - 6U));
             return;
           }
         }
         FAIL() << "no such lists";
       }},
  };
  for (const PageLie& lie : lies) {
    SCOPED_TRACE(lie.what);
    edit(lie.edit);
    expect_at_opening(lie.words);
  }
  edit([&](PageEditor& e) {
    // The greatest page of the list becomes one that is in use.
    std::uint64_t page = e.roots.file.page_end - 1;
    const auto below = e.get<std::uint64_t>(list(e) + 16);
    const auto& tree = e.tree(Table::rows);
    for (std::size_t i = 0; i < e.nodes(tree.page); ++i)
      page = e.child(tree.page, i) > below ? e.child(tree.page, i) : page;
    e.set<std::uint64_t>(list(e) + 8, page);
  });
  // LMDB would write over what is in use, and ends the process when it finds out.
  expect_only_by_scrub("in use twice");
}

TEST_F(ForgedPagesTest, AFileThatWasNeverCommittedIsNoStore) {
  std::filesystem::remove(path());
  MDB_env* env = nullptr;
  ASSERT_EQ(mdb_env_create(&env), 0);
  ASSERT_EQ(mdb_env_open(env, path().c_str(), MDB_NOSUBDIR, 0600), 0);
  mdb_env_close(env);
  std::filesystem::remove(path() + "-lock");
  expect_at_opening("a table is missing");
  const auto file = PageFile::open(path());
  ASSERT_TRUE(file.ok());
  TreeCursor nothing(**file, TreeRoot{}, 2);
  EXPECT_FALSE(*nothing.first());
  EXPECT_FALSE(*nothing.seek("key"));
}

TEST_F(ForgedPagesTest, AScrubCountsPagesAndEntriesItself) {
  // The roots are those of the good file, and the tree below them has one entry less.
  const auto good_file = PageFile::open(path());
  ASSERT_TRUE(good_file.ok());
  Snapshot snapshot;
  snapshot.roots = *read_roots(**good_file);
  for (const auto& change : std::vector<std::function<void(TreeRoot&)>>{
           [](TreeRoot& tree) { ++tree.entries; }, [](TreeRoot& tree) { ++tree.branch_pages; },
           [](TreeRoot& tree) { ++tree.leaf_pages; },
           [](TreeRoot& tree) { ++tree.overflow_pages; }}) {
    Snapshot other = snapshot;
    change(other.roots.trees[static_cast<std::size_t>(Table::rows)]);
    std::vector<StoreFault> faults;
    EXPECT_TRUE(scrub_snapshot(**good_file, other, [&](const StoreFault& fault) {
                  faults.push_back(fault);
                }).ok());
    expect_among(faults, "rows: its pages and entries are not as many as counted");
  }
}

}  // namespace
}  // namespace ingot::storage
