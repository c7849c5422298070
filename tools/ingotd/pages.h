#pragma once

// Pages of a query, bounded by their bytes as well as by their number, for both endpoints.

#include <ingot/instance.h>
#include <ingot/status.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/try.h"

namespace ingot::server {

// Bytes of a page over HTTP, and in a message over gRPC, of which most clients take 4 MiB.
inline constexpr std::size_t kPageBytesMax = 8U << 20;
inline constexpr std::size_t kMessagePageBytesMax = 3U << 20;

inline std::size_t bytes_of(const std::optional<std::string>& payload) {
  return payload ? payload->size() : 0;
}

inline std::size_t bytes_of(const FailureDetails& failure) {
  std::size_t bytes = failure.type.size() + failure.message.size() + failure.stack_trace.size() +
                      failure.properties.size();
  for (const FailureDetails& inner : failure.inner) bytes += bytes_of(inner);
  return bytes;
}

// About what one takes in an answer.
inline std::size_t bytes_of(const InstanceState& state) {
  std::size_t bytes = 200 + state.instance_id.size() + state.name.size() + state.version.size() +
                      bytes_of(state.input) + bytes_of(state.output) +
                      bytes_of(state.custom_status);
  for (const auto& [name, value] : state.tags) bytes += name.size() + value.size();
  return bytes + (state.failure ? bytes_of(*state.failure) : 0);
}

inline std::size_t bytes_of(const EntityState& entity) {
  return 200 + entity.id.name.size() + entity.id.key.size() + bytes_of(entity.state);
}

// Calls `write` with each item of one page, which `fetch` reads in steps: a Result of an
// InstancePage or an EntityPage, whose items `items` gives. The page ends with `query.page_size`
// items or, with at least one, before `bytes_max` bytes are exceeded. The token that goes on behind
// the last item; empty when there is no more.
//
// `large`: payloads are asked for, so few are read at a time until their size is known.
template <typename Query, typename Fetch, typename Items, typename Write>
Result<std::string> give_page(Query query, bool large, std::size_t bytes_max, Fetch&& fetch,
                              Items&& items, Write&& write) {
  constexpr std::uint32_t kFirstStep = 10;
  std::uint32_t left = query.page_size;
  std::uint32_t step = large ? std::min(left, kFirstStep) : left;
  std::size_t bytes = 0;
  std::size_t given = 0;
  do {
    query.page_size = std::min(left, step);
    INGOT_ASSIGN(auto page, fetch(query));
    std::size_t fits = 0;
    std::size_t sum = bytes;
    for (const auto& item : items(page)) {
      sum += bytes_of(item);
      if (sum > bytes_max && given + fits != 0) break;
      ++fits;
    }
    if (fits == 0 && given != 0 && !items(page).empty()) return query.continuation_token;
    const bool cut = fits < items(page).size();
    if (cut) {
      // Only the hub can make the token behind the last one that fits.
      query.page_size = static_cast<std::uint32_t>(fits);
      INGOT_ASSIGN(page, fetch(query));
    }
    for (const auto& item : items(page)) {
      bytes += bytes_of(item);
      ++given;
      write(item);
    }
    left -= static_cast<std::uint32_t>(items(page).size());
    query.continuation_token = page.continuation_token;
    if (cut) break;
    // As many as will fit if they are like those so far, with a bound on the surprise.
    const std::size_t each = given == 0 ? 1 : bytes / given + 1;
    const std::size_t room = bytes >= bytes_max ? 1 : (bytes_max - bytes) / each + 1;
    if (large)
      step = static_cast<std::uint32_t>(std::min<std::size_t>({room, 10 * given + 1, left}));
  } while (left > 0 && !query.continuation_token.empty());
  return query.continuation_token;
}

}  // namespace ingot::server
