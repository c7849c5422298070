#include "tests/tidy/rules.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <set>
#include <sstream>
#include <string_view>

namespace ingot::tidy {
namespace {

using Names = std::set<std::string, std::less<>>;

constexpr std::size_t kHeaderLinesMax = 250;
constexpr std::size_t kSourceLinesMax = 600;

const std::map<std::string, Names, std::less<>>& layers() {
  static const std::map<std::string, Names, std::less<>> may_include = {
      {"core", {"core"}},
      {"commit-log", {"core", "commit-log"}},
      {"storage", {"core", "storage"}},
      {"partition", {"core", "commit-log", "storage", "partition"}},
      {"bench", {"core", "commit-log", "storage", "partition", "bench"}},
      {"tools", {"core", "commit-log", "storage", "partition", "bench", "tools"}},
      {"tests", {"core", "commit-log", "storage", "partition", "bench", "tools", "tests"}},
  };
  return may_include;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(std::move(line));
  return lines;
}

std::string at(const SourceFile& file, std::size_t line, std::string_view what) {
  std::string fault = file.path;
  fault += ':';
  fault += std::to_string(line);
  fault += ": ";
  fault += what;
  return fault;
}

// The name in `#include "name"` or `#include <name>`, with its opening mark in front; else empty.
std::string included(const std::string& line) {
  constexpr std::string_view kInclude = "#include ";
  if (!line.starts_with(kInclude) || line.size() <= kInclude.size() + 1) return {};
  const char open = line[kInclude.size()];
  if (open != '"' && open != '<') return {};
  const std::size_t end = line.find(open == '"' ? '"' : '>', kInclude.size() + 1);
  if (end == std::string::npos) return {};
  return line.substr(kInclude.size(), end - kInclude.size());
}

bool is_public_header(const std::string& path) {
  return path.find("/include/ingot/") != std::string::npos;
}

// Public name (of <ingot/name>) -> folder.
std::map<std::string, std::string, std::less<>> public_headers(const Tree& tree) {
  std::map<std::string, std::string, std::less<>> owners;
  for (const SourceFile& file : tree) {
    const std::size_t begin = file.path.find("/include/ingot/");
    if (begin == std::string::npos) continue;
    owners[file.path.substr(begin + std::string_view("/include/").size())] = file.folder();
  }
  return owners;
}

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

bool has_word(std::string_view line, std::string_view word) {
  for (std::size_t i = line.find(word); i != std::string_view::npos; i = line.find(word, i + 1)) {
    const bool begins = i == 0 || !is_word(line[i - 1]) || !is_word(word.front());
    const std::size_t end = i + word.size();
    const bool ends = end >= line.size() || !is_word(line[end]) || !is_word(word.back());
    if (begins && ends) return true;
  }
  return false;
}

}  // namespace

bool SourceFile::is_header() const { return path.ends_with(".h"); }
bool SourceFile::is_code() const { return is_header() || path.ends_with(".cc"); }
std::string SourceFile::folder() const { return path.substr(0, path.find('/')); }

std::string code_only(const std::string& text) {
  std::string out = text;
  enum class In { code, line_comment, block_comment, string, character } in = In::code;
  bool include_line = false;
  const auto blank = [&](std::size_t i) {
    if (out[i] != '\n') out[i] = ' ';
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (i == 0 || text[i - 1] == '\n') include_line = text.compare(i, 9, "#include ") == 0;
    switch (in) {
      case In::code:
        if (c == '/' && next == '/') {
          in = In::line_comment;
          blank(i);
        } else if (c == '/' && next == '*') {
          in = In::block_comment;
          blank(i);
          blank(++i);
        } else if (c == '"' && !include_line) {
          in = In::string;
        } else if (c == '\'' && (i == 0 || !is_word(text[i - 1]))) {
          in = In::character;
        }
        break;
      case In::line_comment:
        if (c == '\n') in = In::code;
        blank(i);
        break;
      case In::block_comment:
        blank(i);
        if (c == '*' && next == '/') {
          blank(++i);
          in = In::code;
        }
        break;
      case In::string:
      case In::character:
        if (c == '\\') {
          blank(i);
          if (i + 1 < text.size()) blank(++i);
        } else if (c == (in == In::string ? '"' : '\'')) {
          in = In::code;
        } else {
          blank(i);
        }
        break;
    }
  }
  return out;
}

Faults check_layering(const Tree& tree) {
  Faults faults;
  const auto owners = public_headers(tree);
  for (const SourceFile& file : tree) {
    const auto layer = layers().find(file.folder());
    if (!file.is_code() || layer == layers().end()) continue;
    const std::vector<std::string> lines = lines_of(code_only(file.text));
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const std::string name = included(lines[i]);
      if (name.empty()) continue;
      const std::string inner = name.substr(1);
      std::string owner;
      if (name.front() == '"') {
        if (is_public_header(file.path)) {
          faults.push_back(at(file, i + 1, "a public header includes the private " + inner));
        }
        owner = inner.substr(0, inner.find('/'));
        if (layers().count(owner) == 0) {
          faults.push_back(at(file, i + 1, "not written from the root: " + inner));
          continue;
        }
      } else if (inner.starts_with("ingot/")) {
        const auto found = owners.find(inner);
        if (found == owners.end()) {
          faults.push_back(at(file, i + 1, "no such public header: " + inner));
          continue;
        }
        owner = found->second;
      } else {
        if (is_public_header(file.path) && inner.find_first_of("./") != std::string::npos) {
          faults.push_back(at(file, i + 1, "a public header lets " + inner + " escape"));
        }
        continue;
      }
      if (layer->second.count(owner) == 0) {
        faults.push_back(at(file, i + 1, file.folder() + " must not include " + owner));
      }
    }
  }
  return faults;
}

Faults check_determinism(const Tree& tree) {
  constexpr std::array kBanned = {"unordered_map",
                                  "unordered_set",
                                  "unordered_multimap",
                                  "unordered_multiset",
                                  "system_clock",
                                  "steady_clock",
                                  "high_resolution_clock",
                                  "clock_gettime",
                                  "gettimeofday",
                                  "core/clock.h",
                                  "<random>",
                                  "random_device",
                                  "rand",
                                  "srand",
                                  "getrandom",
                                  "getenv",
                                  "<thread>",
                                  "<mutex>",
                                  "<shared_mutex>",
                                  "<condition_variable>",
                                  "<atomic>",
                                  "<future>",
                                  "thread_local",
                                  "<fstream>",
                                  "<iostream>",
                                  "<filesystem>",
                                  "<cstdio>",
                                  "<stdio.h>",
                                  "<unistd.h>",
                                  "<fcntl.h>",
                                  "printf",
                                  "fopen",
                                  "commit-log/io.h"};
  Faults faults;
  for (const SourceFile& file : tree) {
    if (!file.is_code()) continue;
    if (!file.path.starts_with("partition/apply/") && !file.path.starts_with("partition/state/")) {
      continue;
    }
    const std::vector<std::string> lines = lines_of(code_only(file.text));
    for (std::size_t i = 0; i < lines.size(); ++i) {
      for (const char* word : kBanned) {
        if (has_word(lines[i], word)) {
          faults.push_back(at(file, i + 1, std::string("not deterministic: ") + word));
        }
      }
    }
  }
  return faults;
}

Faults check_sizes(const Tree& tree) {
  Faults faults;
  for (const SourceFile& file : tree) {
    if (!file.is_code()) continue;
    const auto lines = static_cast<std::size_t>(std::ranges::count(file.text, '\n'));
    const std::size_t most = file.is_header() ? kHeaderLinesMax : kSourceLinesMax;
    if (lines > most) {
      faults.push_back(at(file, lines, "more than " + std::to_string(most) + " lines"));
    }
  }
  return faults;
}

Faults check_header_openings(const Tree& tree) {
  Faults faults;
  for (const SourceFile& file : tree) {
    if (!file.is_header()) continue;
    const std::vector<std::string> lines = lines_of(file.text);
    if (lines.empty() || lines[0] != "#pragma once") {
      faults.push_back(at(file, 1, "begins without #pragma once"));
    } else if (lines.size() < 3 || !lines[2].starts_with("//")) {
      faults.push_back(at(file, 3, "no comment says what the header is for"));
    }
  }
  return faults;
}

Faults check_own_header_first(const Tree& tree) {
  Names paths;
  for (const SourceFile& file : tree) paths.insert(file.path);
  Faults faults;
  for (const SourceFile& file : tree) {
    if (!file.path.ends_with(".cc")) continue;
    const std::string stem = file.path.substr(0, file.path.size() - 3);
    const std::string base = stem.substr(stem.rfind('/') + 1) + ".h";
    std::string own;
    if (paths.count(stem + ".h") != 0) {
      own = '"' + stem + ".h";
    } else if (paths.count(file.folder() + "/include/ingot/" + base) != 0) {
      own = "<ingot/" + base;
    } else {
      continue;
    }
    const std::vector<std::string> lines = lines_of(file.text);
    const auto first =
        std::ranges::find_if(lines, [](const auto& l) { return !included(l).empty(); });
    if (first == lines.end() || included(*first) != own) {
      faults.push_back(at(file, 1, "does not include " + own.substr(1) + " first"));
    }
  }
  return faults;
}

Faults check_machine_paths(const Tree& tree) {
  // Written in halves, or this file would be a fault itself.
  const std::array paths = {std::string("/wo") + "rk/", std::string("/ho") + "me/",
                            std::string("/ro") + "ot/", std::string("/Us") + "ers/"};
  Faults faults;
  for (const SourceFile& file : tree) {
    const std::vector<std::string> lines = lines_of(file.text);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      for (const std::string& path : paths) {
        const std::size_t found = lines[i].find(path);
        if (found == std::string::npos || (found > 0 && is_word(lines[i][found - 1]))) continue;
        faults.push_back(at(file, i + 1, "a machine's own path: " + path));
      }
    }
  }
  return faults;
}

Faults check_disabled_tests(const Tree& tree) {
  const std::string mark = std::string("DIS") + "ABLED_";
  Faults faults;
  for (const SourceFile& file : tree) {
    if (file.folder() != "tests" || !file.is_code()) continue;
    const std::vector<std::string> lines = lines_of(file.text);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (lines[i].find(mark) != std::string::npos) {
        faults.push_back(at(file, i + 1, "a test is switched off"));
      }
    }
  }
  return faults;
}

Faults check_top_level(const std::vector<std::string>& entries, const Tree& tree) {
  static const Names expected = {
      "CMakeLists.txt", "CMakePresets.json", "README.md", "core",  "storage",
      "partition",      "commit-log",        "tests",     "bench", "tools"};
  Names paths;
  for (const SourceFile& file : tree) paths.insert(file.path);
  Faults faults;
  for (const std::string& entry : entries) {
    if (entry.starts_with('.') || entry.starts_with("build")) continue;
    if (expected.count(entry) == 0) faults.push_back(entry + ": does not belong at the top level");
  }
  for (const std::string& name : expected) {
    if (std::ranges::find(entries, name) == entries.end()) faults.push_back(name + ": missing");
    if (layers().count(name) != 0 && paths.count(name + "/README.md") == 0) {
      faults.push_back(name + ": has no README.md");
    }
  }
  return faults;
}

}  // namespace ingot::tidy
