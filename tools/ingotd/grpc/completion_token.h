#pragma once

// Completion tokens: a WorkItemToken as the text that travels with a work item and comes back with
// what became of it.
//
//   token := hex(partition u32, sequence u64, lock u64, task u32, hash of the instance id u64,
//                check u64), all little-endian: 80 characters
//
// The check is a hash of the rest with a number that each process draws anew, so that no text that
// this process has not made is taken for a token. It protects against mistakes, not against workers
// that lie: those have been let in.

#include <ingot/work_items.h>

#include <optional>
#include <string>
#include <string_view>

namespace ingot::server {

struct CompletionToken {
  WorkItemToken item;
  std::uint64_t instance_hash = 0;

  // Whether it is for an item of that instance.
  [[nodiscard]] bool is_of(std::string_view instance_id) const;
};

class TokenMaker {
 public:
  explicit TokenMaker(std::uint64_t secret) : secret_(secret) {}

  [[nodiscard]] std::string make(const WorkItemToken& item, std::string_view instance_id) const;
  // Nothing for anything that make() of this process has not given.
  [[nodiscard]] std::optional<CompletionToken> read(std::string_view text) const;

 private:
  const std::uint64_t secret_;
};

}  // namespace ingot::server
