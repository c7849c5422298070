#include "bench/word_count.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "bench/orchestrators.h"
#include "core/hash.h"
#include "core/random.h"
#include "core/try.h"

namespace ingot::bench {
namespace {

constexpr std::uint64_t kVocabulary = 500;
constexpr std::uint64_t kTexts = 16;
constexpr std::uint32_t kMappers = 8;
constexpr std::uint32_t kReducers = 8;
// A reducer's state: how many mappers have ended, then "<word> <count>" for each word, with a
// line's end after each of these. Counts have eight digits, so that they change in place.
constexpr std::size_t kDigits = 8;
constexpr std::string_view kNothing = "00000000\n";

std::uint64_t increment(std::string& state, std::size_t position) {
  const std::uint64_t value = parse_number(std::string_view(state).substr(position, kDigits)) + 1;
  state.replace(position, kDigits, fmt::format("{:08}", value));
  return value;
}

std::string map(EntityContext& context) {
  std::string_view words = context.input();
  const std::string lane(take_word(words));
  const std::uint64_t mappers = parse_number(take_word(words));
  const std::uint64_t reducer_count = parse_number(take_word(words));
  const std::string_view job = take_word(words);
  std::vector<EntityId> reducers;
  for (std::uint64_t i = 0; i < reducer_count; ++i) {
    reducers.emplace_back("reducer", fmt::format("{}/{}", lane, i));
  }
  while (!words.empty()) {
    const std::string_view word = take_word(words);
    context.signal_entity(reducers[hash64(word) % reducer_count], "count", word);
  }
  const std::string end = fmt::format("{} {}", mappers, job);
  for (const EntityId& reducer : reducers) context.signal_entity(reducer, "end", end);
  return {};
}

std::string count(EntityContext& context) {
  std::string state(context.state().value_or(kNothing));
  const std::string line = fmt::format("\n{} ", context.input());
  std::size_t at = state.find(line);
  if (at == std::string::npos) {
    at = state.size() - 1;
    state += line.substr(1);
    state.append(kNothing);
  }
  increment(state, at + line.size());
  context.set_state(state);
  return {};
}

std::string end(EntityContext& context) {
  std::string_view job = context.input();
  const std::uint64_t mappers = parse_number(take_word(job));
  std::string state(context.state().value_or(kNothing));
  if (increment(state, 0) < mappers) {
    context.set_state(state);
  } else {
    std::string report(job);
    report += ' ';
    report += std::string_view(state).substr(kNothing.size());
    context.start_orchestration("word_report", report);
    context.delete_state();
  }
  return {};
}

Task<std::string> word_report(OrchestrationContext& context) {
  std::string_view counts = context.input();
  const std::string_view job = take_word(counts);
  context.send_event(job, "reduced", counts);
  co_return std::string();
}

std::string to_text(const std::map<std::string, std::uint64_t, std::less<>>& counts) {
  std::string text;
  for (const auto& [word, count] : counts) text += fmt::format("{} {}\n", word, count);
  return text;
}

// The part `i` of `parts` of the words, cut between two words.
std::string_view part_of(std::string_view words, std::uint64_t i, std::uint64_t parts) {
  const auto cut = [words](std::uint64_t position) {
    return position == 0 ? 0 : std::min(words.find(' ', position - 1), words.size());
  };
  const std::size_t begin = cut(words.size() * i / parts);
  const std::size_t end = cut(words.size() * (i + 1) / parts);
  std::string_view part = words.substr(begin, end - begin);
  if (part.starts_with(' ')) part.remove_prefix(1);
  return part;
}

Task<std::string> word_count(OrchestrationContext& context) {
  std::string_view words = context.input();
  const std::string lane(take_word(words));
  const std::uint64_t mappers = parse_number(take_word(words));
  const std::uint64_t reducers = parse_number(take_word(words));
  std::vector<Future<std::string>> calls;
  for (std::uint64_t i = 0; i < mappers; ++i) {
    const EntityId mapper("mapper", fmt::format("{}/{}", lane, i));
    const std::string input = fmt::format("{} {} {} {} {}", lane, mappers, reducers,
                                          context.instance_id(), part_of(words, i, mappers));
    calls.push_back(context.call_entity(mapper, "map", input));
  }
  co_await context.when_all(std::move(calls));

  std::map<std::string, std::uint64_t, std::less<>> counts;
  for (std::uint64_t i = 0; i < reducers; ++i) {
    const std::string reduced = co_await context.wait_for_event("reduced");
    std::string_view lines = reduced;
    while (!lines.empty()) {
      const std::string_view word = take_word(lines);
      counts[std::string(word)] += parse_number(lines.substr(0, kDigits));
      lines.remove_prefix(std::min(lines.size(), kDigits + 1));
    }
  }
  co_return to_text(counts);
}

std::string make_word(std::uint64_t number) {
  constexpr std::string_view kSyllables[] = {"ba", "ce", "di", "fo", "gu", "ka", "le", "mi", "no"};
  std::string word;
  for (number += 9; number != 0; number /= 9) word += kSyllables[number % 9];
  return word;
}

}  // namespace

Status add_word_count(Registry& registry) {
  INGOT_TRY(registry.add_orchestrator("word_count", word_count));
  INGOT_TRY(registry.add_orchestrator("word_report", word_report));
  INGOT_TRY(registry.add_entity("mapper", EntityOperations().on("map", map)));
  return registry.add_entity("reducer", EntityOperations().on("count", count).on("end", end));
}

std::string make_text(std::uint64_t seed, std::uint32_t words) {
  Random random(seed);
  std::string text;
  for (std::uint32_t i = 0; i < words; ++i) {
    if (i != 0) text += ' ';
    text += make_word(random.below(random.below(kVocabulary) + 1));
  }
  return text;
}

std::string count_words(std::string_view text) {
  std::map<std::string, std::uint64_t, std::less<>> counts;
  while (!text.empty()) ++counts[std::string(take_word(text))];
  return to_text(counts);
}

WordCountScenario::WordCountScenario(std::uint32_t words) {
  const std::uint64_t seed = entropy64();
  for (std::uint64_t i = 0; i < kTexts; ++i) {
    std::string text = make_text(seed + i, words);
    std::string counts = count_words(text);
    texts_.push_back({std::move(text), std::move(counts)});
  }
}

const WordCountScenario::Text& WordCountScenario::text_of(const Lane& lane) const {
  return texts_[random_of(lane).below(texts_.size())];
}

void WordCountScenario::prepare(Lane& lane, StartOptions& start) {
  start.input = fmt::format("{} {} {} {}", lane.index, kMappers, kReducers, text_of(lane).words);
}

std::string WordCountScenario::verify(const Lane& lane, const InstanceState& state) {
  return bench::verify(state, text_of(lane).counts);
}

}  // namespace ingot::bench
