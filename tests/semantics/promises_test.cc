// The README says where each promise is tested. Renaming a test must not leave it behind.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace ingot::semantics {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::set<std::string> found(const std::string& text, const char* pattern) {
  const std::regex regex(pattern);
  std::set<std::string> names;
  for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end; ++it) {
    names.insert((*it)[1].str() + "." + (*it)[2].str());
  }
  return names;
}

// Test cases may be named on the line behind the macro.
constexpr const char* kCase = R"((?:SCENARIO|TEST|TEST_F|TEST_P)\(\s*(\w+),\s*(\w+)\))";

TEST(Promises, AreTestedWhereTheReadmeSays) {
  const fs::path tests(INGOT_TESTS);
  std::set<std::string> cases;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(tests)) {
    if (entry.path().filename().string().ends_with("_test.cc")) {
      cases.merge(found(read_file(entry.path()), kCase));
    }
  }
  const std::string readme = read_file(tests / "semantics" / "README.md");
  const std::set<std::string> named = found(readme, "`([A-Z]\\w+)\\.([A-Z]\\w+)`");
  EXPECT_GT(named.size(), 100U);
  for (const std::string& name : named) EXPECT_TRUE(cases.contains(name)) << name;
}

TEST(Promises, NoScenarioIsWithoutOne) {
  const fs::path folder = fs::path(INGOT_TESTS) / "semantics";
  const std::string readme = read_file(folder / "README.md");
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (!entry.path().filename().string().ends_with("_test.cc")) continue;
    const std::string text = read_file(entry.path());
    for (const std::string& name : found(text, R"((?:^|\n)SCENARIO\(\s*(\w+),\s*(\w+)\))")) {
      EXPECT_NE(readme.find("`" + name + "`"), std::string::npos) << name;
    }
  }
}

}  // namespace
}  // namespace ingot::semantics
