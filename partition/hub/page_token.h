#pragma once

// Continuation tokens: where the next page of a query begins. Opaque texts to clients; what they
// send back may be anything, so all of it is checked.

#include <ingot/status.h>
#include <ingot/time.h>

#include <string>
#include <string_view>
#include <vector>

#include "storage/checkpoint_store.h"

namespace ingot::partition {

// Of pages in the order of ids: the last id of the page before.
[[nodiscard]] std::string make_id_token(std::string_view last_id);
// Empty for an empty token.
[[nodiscard]] Result<std::string> read_id_token(const std::string& token);

// Of pages in the order of completion.
struct CompletionToken {
  Timestamp time;  // of the last instance of the page before
  std::string id;
  std::vector<storage::RecordCursor> from;  // where to go on, by partition
};
[[nodiscard]] std::string make_completion_token(const CompletionToken& token);
// `text` is not empty.
[[nodiscard]] Result<CompletionToken> read_completion_token(const std::string& text,
                                                            std::size_t partitions);

}  // namespace ingot::partition
