// Applies the rules of rules.h to this source tree, after proving each on samples that break it.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/tidy/rules.h"

namespace ingot::tidy {
namespace {

namespace fs = std::filesystem;

const fs::path& root() {
  static const fs::path path = INGOT_SOURCE_DIR;
  return path;
}

bool is_text(const fs::path& path) {
  static const std::set<std::string> endings = {".h",  ".cc",   ".md",  ".txt", ".cmake",
                                                ".in", ".json", ".yml", ".sh"};
  return endings.count(path.extension().string()) != 0 || path.filename() == "dev" ||
         path.filename() == "run";
}

bool holds_text(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (is_text(entry.path())) return true;
  }
  return false;
}

void add_file(Tree& tree, const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  tree.push_back({fs::relative(path, root()).generic_string(), text.str()});
}

Tree read_tree() {
  Tree tree;
  for (const char* folder :
       {"core", "commit-log", "storage", "partition", "bench", "tools", "tests", ".ci"}) {
    if (!fs::exists(root() / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root() / folder)) {
      if (entry.is_regular_file() && is_text(entry.path())) add_file(tree, entry.path());
    }
  }
  for (const char* file : {"CMakeLists.txt", "CMakePresets.json", "README.md"}) {
    if (fs::exists(root() / file)) add_file(tree, root() / file);
  }
  return tree;
}

const Tree& tree() {
  static const Tree files = read_tree();
  return files;
}

std::string listed(const Faults& faults) {
  std::string text;
  for (const std::string& fault : faults) text += "  " + fault + "\n";
  return text;
}

#define EXPECT_CLEAN(call)                                 \
  do {                                                     \
    const Faults faults = call;                            \
    EXPECT_TRUE(faults.empty()) << "\n" << listed(faults); \
  } while (false)

TEST(Tree, IsRead) { EXPECT_GT(tree().size(), 20U); }
TEST(Tree, DependsDownwardOnly) { EXPECT_CLEAN(check_layering(tree())); }
TEST(Tree, StateMachineIsDeterministic) { EXPECT_CLEAN(check_determinism(tree())); }
TEST(Tree, FilesAreSmall) { EXPECT_CLEAN(check_sizes(tree())); }
TEST(Tree, HeadersOpenWithPragmaAndPurpose) { EXPECT_CLEAN(check_header_openings(tree())); }
TEST(Tree, SourcesIncludeTheirHeaderFirst) { EXPECT_CLEAN(check_own_header_first(tree())); }
TEST(Tree, NamesNoMachinePath) { EXPECT_CLEAN(check_machine_paths(tree())); }
TEST(Tree, NoTestIsSwitchedOff) { EXPECT_CLEAN(check_disabled_tests(tree())); }
TEST(Tree, TopLevelIsAsDesigned) {
  std::vector<std::string> entries;
  for (const auto& entry : fs::directory_iterator(root())) {
    // What a build or an editor leaves there is not the tree's.
    if (entry.is_directory() ? holds_text(entry.path()) : is_text(entry.path())) {
      entries.push_back(entry.path().filename().string());
    }
  }
  EXPECT_CLEAN(check_top_level(entries, tree()));
}

TEST(Rules, CodeOnlyBlanksCommentsAndLiterals) {
  EXPECT_EQ(code_only("int a; // rand\nint b;"), "int a;        \nint b;");
  EXPECT_EQ(code_only("f(\"rand\\\"\", 'r', 1'000);"), "f(\"      \", ' ', 1'000);");
  EXPECT_EQ(code_only("a /* x\ny */ b"), "a     \n     b");
  EXPECT_EQ(code_only("#include \"core/x.h\"\n"), "#include \"core/x.h\"\n");
}

TEST(Rules, UpwardIncludeIsAFault) {
  const Tree bad = {{"core/include/ingot/a.h", ""},
                    {"partition/include/ingot/p.h", ""},
                    {"core/a.cc", "#include \"partition/x.h\"\n"},
                    {"storage/b.cc", "#include \"commit-log/x.h\"\n"},
                    {"commit-log/c.cc", "#include <ingot/p.h>\n#include <ingot/none.h>\n"},
                    {"tools/d.cc", "#include \"x.h\"\n"}};
  EXPECT_EQ(check_layering(bad), (Faults{"core/a.cc:1: core must not include partition",
                                         "storage/b.cc:1: storage must not include commit-log",
                                         "commit-log/c.cc:1: commit-log must not include partition",
                                         "commit-log/c.cc:2: no such public header: ingot/none.h",
                                         "tools/d.cc:1: not written from the root: x.h"}));
  const Tree good = {{"core/include/ingot/a.h", "#include <string>\n"},
                     {"partition/a.cc", "#include <ingot/a.h>\n#include \"commit-log/x.h\"\n"}};
  EXPECT_EQ(check_layering(good), Faults{});
}

TEST(Rules, PublicHeaderThatShowsALibraryIsAFault) {
  const Tree bad = {{"core/include/ingot/a.h", "#include <lmdb.h>\n#include \"core/b.h\"\n"}};
  EXPECT_EQ(check_layering(bad),
            (Faults{"core/include/ingot/a.h:1: a public header lets lmdb.h escape",
                    "core/include/ingot/a.h:2: a public header includes the private core/b.h"}));
}

TEST(Rules, BannedWordInTheStateMachineIsAFault) {
  const Tree bad = {{"partition/apply/a.cc", "int x = rand();\n#include <thread>\n"},
                    {"partition/state/b.h", "std::unordered_map<int, int> m;\n"}};
  EXPECT_EQ(check_determinism(bad),
            (Faults{"partition/apply/a.cc:1: not deterministic: rand",
                    "partition/apply/a.cc:2: not deterministic: <thread>",
                    "partition/state/b.h:1: not deterministic: unordered_map"}));
  const Tree good = {{"partition/apply/a.cc", "int operand = 1;  // not rand\n"},
                     {"partition/shard.cc", "#include <thread>\n"}};
  EXPECT_EQ(check_determinism(good), Faults{});
}

TEST(Rules, LongFileIsAFault) {
  EXPECT_EQ(check_sizes({{"core/a.h", std::string(250, '\n')}}), Faults{});
  EXPECT_EQ(check_sizes({{"core/a.h", std::string(251, '\n')}}).size(), 1U);
  EXPECT_EQ(check_sizes({{"core/a.cc", std::string(600, '\n')}}), Faults{});
  EXPECT_EQ(check_sizes({{"core/a.cc", std::string(601, '\n')}}).size(), 1U);
}

TEST(Rules, HeaderWithoutOpeningIsAFault) {
  EXPECT_EQ(check_header_openings({{"core/a.h", "#pragma once\n\n// A.\n"}}), Faults{});
  EXPECT_EQ(check_header_openings({{"core/a.h", "// A.\n"}}).size(), 1U);
  EXPECT_EQ(check_header_openings({{"core/a.h", "#pragma once\n\nint a;\n"}}).size(), 1U);
}

TEST(Rules, OwnHeaderComesFirst) {
  const SourceFile header = {"core/a.h", ""};
  EXPECT_EQ(check_own_header_first({header, {"core/a.cc", "#include \"core/a.h\"\n"}}), Faults{});
  EXPECT_EQ(check_own_header_first({header, {"core/a.cc", "#include <string>\n"}}).size(), 1U);
  const SourceFile shown = {"core/include/ingot/b.h", ""};
  EXPECT_EQ(check_own_header_first({shown, {"core/b.cc", "#include <ingot/b.h>\n"}}), Faults{});
  EXPECT_EQ(check_own_header_first({shown, {"core/b.cc", ""}}).size(), 1U);
}

TEST(Rules, MachinePathIsAFault) {
  const std::string path = std::string("cd /ho") + "me/me\n";
  EXPECT_EQ(check_machine_paths({{"README.md", path}}).size(), 1U);
  EXPECT_EQ(check_machine_paths({{"README.md", "see core/home/x\n"}}), Faults{});
}

TEST(Rules, StrangerAtTheTopLevelIsAFault) {
  const Faults faults = check_top_level({"core", "notes.txt", ".git", "build"}, {});
  EXPECT_EQ(faults.front(), "notes.txt: does not belong at the top level");
  EXPECT_NE(listed(faults).find("core: has no README.md"), std::string::npos);
  EXPECT_NE(listed(faults).find("README.md: missing"), std::string::npos);
}

}  // namespace
}  // namespace ingot::tidy
