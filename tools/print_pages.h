#pragma once

// A listing of any length, asked for a page at a time.

#include <fmt/core.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "tools/output.h"

namespace ingot::tools {

// How one listing looks. `row` prints an item; its JSON is json_of(item).
template <typename Item>
struct Listing {
  std::string_view items;  // e.g. "instances": what the last line counts
  bool json = false;       // one array instead
  void (*heading)();
  void (*row)(const Item& item);
};

// Asks with `ask(query)` until a page carries no token and prints the `items` of each. A failure of
// the first page prints nothing.
template <typename Query, typename Ask, typename Items, typename Item>
Status print_pages(Query query, const Ask& ask, Items items, const Listing<Item>& look) {
  query.page_size = 1000;
  std::optional<JsonArray> array;
  std::uint64_t count = 0;
  do {
    const auto page = ask(query);
    if (!page.ok()) return page.status();
    if (look.json && !array) array.emplace();
    if (!look.json && count == 0) look.heading();
    for (const auto& item : (*page).*items) {
      ++count;
      if (look.json) {
        array->add(json_of(item));
      } else {
        look.row(item);
      }
    }
    query.continuation_token = page->continuation_token;
  } while (!query.continuation_token.empty());
  if (!look.json) fmt::print("{} {}\n", count, look.items);
  return {};
}

}  // namespace ingot::tools
