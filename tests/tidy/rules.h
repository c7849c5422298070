#pragma once

// The rules of the source tree that the compiler can't check, each as a pure function from files to
// faults, so that the rules themselves have tests.

#include <string>
#include <vector>

namespace ingot::tidy {

struct SourceFile {
  std::string path;  // from the root, e.g. "core/status.cc"
  std::string text;

  [[nodiscard]] bool is_header() const;
  [[nodiscard]] bool is_code() const;        // header or source
  [[nodiscard]] std::string folder() const;  // the first part of the path
};

// One line per fault: "path:line: what".
using Faults = std::vector<std::string>;
using Tree = std::vector<SourceFile>;

// The code with comments and the contents of literals blanked; line breaks stay. `#include` lines
// keep their names.
[[nodiscard]] std::string code_only(const std::string& text);

// core <- commit-log, storage <- partition <- bench <- tools; public headers see the standard
// library and each other only.
[[nodiscard]] Faults check_layering(const Tree& tree);
// partition/apply and partition/state: no clocks, randomness, I/O, threads or unordered containers.
[[nodiscard]] Faults check_determinism(const Tree& tree);
// Headers have at most 250 lines, sources 600.
[[nodiscard]] Faults check_sizes(const Tree& tree);
// `#pragma once`, then a comment that says what the header is for.
[[nodiscard]] Faults check_header_openings(const Tree& tree);
// A source that has a header of its name includes it first.
[[nodiscard]] Faults check_own_header_first(const Tree& tree);
// No path of somebody's machine.
[[nodiscard]] Faults check_machine_paths(const Tree& tree);
// No test is switched off.
[[nodiscard]] Faults check_disabled_tests(const Tree& tree);
// The top level holds what the design says and nothing else; each folder opens with a README.
[[nodiscard]] Faults check_top_level(const std::vector<std::string>& entries, const Tree& tree);

}  // namespace ingot::tidy
