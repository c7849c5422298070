#pragma once

// Counting the words of a text with entities.
//
//   orchestration "word_count"   calls each mapper with its part of the text, then waits for as
//                                many events "reduced" as there are reducers
//   entity "mapper"              signals "count" to the reducer of each word, then "end" to all
//   entity "reducer"             counts; when all mappers have ended, forgets what it has, and
//                                starts ...
//   orchestration "word_report"  ... which sends "reduced" with the counts to the first one
//
// Mapper and reducer belong to one lane of the load, which counts one text at a time.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load.h"

namespace ingot::bench {

// Input of "word_count": "<lane> <mappers> <reducers> <words, a space between>". Output: the words
// in the order of their bytes, each as "<word> <how often>\n".
Status add_word_count(Registry& registry);

// `words` words out of 500, some of them more often than others.
[[nodiscard]] std::string make_text(std::uint64_t seed, std::uint32_t words);
// The output for a text, by plain counting.
[[nodiscard]] std::string count_words(std::string_view text);

class WordCountScenario final : public Scenario {
 public:
  explicit WordCountScenario(std::uint32_t words);

  std::string_view orchestrator(const Lane&) const override { return "word_count"; }
  void prepare(Lane& lane, StartOptions& start) override;
  std::string verify(const Lane& lane, const InstanceState& state) override;

 private:
  struct Text {
    std::string words;
    std::string counts;
  };
  [[nodiscard]] const Text& text_of(const Lane& lane) const;

  std::vector<Text> texts_;
};

}  // namespace ingot::bench
