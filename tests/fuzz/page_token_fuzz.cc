// Continuation tokens, which clients may send in any form.

#include <ingot/ids.h>

#include "partition/hub/page_token.h"
#include "tests/fuzz/fuzz.h"

namespace ingot::fuzz {

using partition::CompletionToken;

void run(std::string_view input) {
  const std::string text(input);
  const Result<std::string> id = partition::read_id_token(text);
  if (id.ok() && !text.empty()) {
    FUZZ_CHECK(partition::make_id_token(*id) == text && validate_instance_id(*id).ok());
  }
  if (text.empty()) return;
  const std::size_t partitions = static_cast<unsigned char>(text.back()) % 5;
  const Result<CompletionToken> token = partition::read_completion_token(text, partitions);
  if (!token.ok()) {
    FUZZ_CHECK(token.status().code() == StatusCode::invalid_argument);
    return;
  }
  const std::string made = partition::make_completion_token(*token);
  const Result<CompletionToken> again = partition::read_completion_token(made, partitions);
  FUZZ_CHECK(again.ok() && again->time == token->time && again->id == token->id);
  FUZZ_CHECK(partition::make_completion_token(*again) == made && made.size() <= text.size());
}

std::vector<std::string> seeds() {
  std::vector<std::string> all = {partition::make_id_token("last"), "2", "1", "x"};
  CompletionToken token;
  token.id = "instance";
  for (std::uint64_t i = 0; i < 5; ++i) {
    token.time = Timestamp(Duration(static_cast<std::int64_t>(i) * 1'000'000));
    all.push_back(partition::make_completion_token(token));
    token.from.push_back({i << 8, i * 1000});
  }
  return all;
}

}  // namespace ingot::fuzz
