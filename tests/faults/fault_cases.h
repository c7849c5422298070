#pragma once

// What can fail, and how: the errors of each kind of call, and the cases of one test out of all
// that are possible. A case's child answers with lines, each of a kind that its first letter names.

#include <cstdint>
#include <string>
#include <vector>

#include "tests/faults/faults.h"

namespace ingot::faults {

// What the call can fail with on such a file; an errno, one of LMDB's codes, or kShort.
[[nodiscard]] std::vector<int> errors_of(Call call, Place place);
// Whoever meets it tries again, at once.
[[nodiscard]] bool transient(Call call, int error);

// Each nth up to `count` of a kind of call with each of the errors, once, and for good where that
// would not be for ever.
[[nodiscard]] std::vector<Fault> faults_of(Call call, Place place, std::uint64_t count,
                                           const std::vector<int>& errors);

// The cases to run, out of those of each kind. Without INGOT_FAULTS_RUNS the same ones each time:
// `each` of each kind, early ones, so that it does not matter how often the kind comes. With it, so
// many: kind by kind, each in its turn gives one of its cases, drawn at random. See README.md for
// INGOT_FAULTS_SKIP and INGOT_FAULTS_ONLY.
[[nodiscard]] std::vector<Fault> choose(const Counts& counted, std::uint64_t seed,
                                        std::size_t each = 1,
                                        std::vector<int> (*errors)(Call, Place) = errors_of);
// For each way by which a call comes, that call with one of its errors: those of a kind have their
// turns, from the `turn`th on. Those that INGOT_FAULTS_ONLY wants.
[[nodiscard]] std::vector<Fault> one_for_each(const std::vector<Way>& ways, std::size_t turn);
// INGOT_FAULTS_SEED, which is printed.
[[nodiscard]] std::uint64_t chosen_seed();

// The lines of a text that begin with `mark` and a space, without these.
[[nodiscard]] std::vector<std::string> lines_of(const std::string& text, char mark);
// Counts as lines "C <call> <place> <times>", and back.
[[nodiscard]] std::string to_lines(const Counts& counts);
[[nodiscard]] Counts counts_in(const std::string& text);
// The same of ways: "W <call> <place> <nth> <stack>".
[[nodiscard]] std::string to_lines(const std::vector<Way>& ways);
[[nodiscard]] std::vector<Way> ways_in(const std::string& text);

}  // namespace ingot::faults
