#include "bench/instance_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "bench/bank.h"
#include "bench/collision.h"
#include "bench/count.h"
#include "bench/entities.h"
#include "bench/orchestrators.h"
#include "bench/word_count.h"
#include "core/try.h"

namespace ingot::bench {
namespace {

bool is_result(HistoryEventKind kind) {
  switch (kind) {
    case HistoryEventKind::task_completed:
    case HistoryEventKind::task_failed:
    case HistoryEventKind::sub_orchestration_completed:
    case HistoryEventKind::sub_orchestration_failed:
    case HistoryEventKind::timer_fired:
    case HistoryEventKind::entity_operation_completed:
    case HistoryEventKind::entity_operation_failed:
    case HistoryEventKind::entity_lock_granted:
      return true;
    default:
      return false;
  }
}

bool is_end(HistoryEventKind kind) {
  return kind == HistoryEventKind::execution_completed ||
         kind == HistoryEventKind::execution_terminated;
}

std::string at(const InstanceState& state, std::size_t index, std::string_view what) {
  return fmt::format("history of {} ({}), event {}: {}", state.instance_id, state.name, index,
                     what);
}

// The number of each entity that has one, as a query of entities shows it.
Result<std::map<std::string, std::int64_t>> numbers_of(Client& client, std::string_view entity) {
  EntityQuery query;
  query.prefix = fmt::format("@{}@", entity);
  query.page_size = 1000;
  std::map<std::string, std::int64_t> numbers;
  do {
    INGOT_ASSIGN(EntityPage page, client.query_entities(query));
    for (const EntityState& state : page.entities) {
      if (state.state) numbers[std::string(state.id.key)] = parse_signed(*state.state);
    }
    query.continuation_token = std::move(page.continuation_token);
  } while (!query.continuation_token.empty());
  return numbers;
}

}  // namespace

std::string verify_by_input(const InstanceState& state) {
  const std::string input = state.input.value_or("");
  std::string_view rest = input;
  const auto number = static_cast<std::uint32_t>(parse_number(input));
  if (state.name == "hello") return verify(state, hello_output(number));
  if (state.name == "fanout" || state.name == "suborch") return verify(state, sum_output(number));
  if (state.name == "timers") return verify(state, timers_output(number));
  if (state.name == "child" || state.name == "payload") return verify(state, input);
  if (state.name == "conversation") return verify(state, conversation_output(number));
  if (state.name == "chain") return verify(state, chain_output_of(input));
  if (state.name == "transfer") return verify_transfer(state);
  if (state.name == "collision") return verify(state, collision_output(input));
  if (state.name == "word_count") {
    for (int word = 0; word < 3; ++word) static_cast<void>(take_word(rest));
    return verify(state, count_words(rest));
  }
  if (state.name == "count") {
    static_cast<void>(take_word(rest));
    const std::uint64_t least = parse_number(rest);
    const std::uint64_t value = parse_number(state.output.value_or(""));
    return verify(state, std::to_string(std::max(value, least)));
  }
  return {};
}

std::string verify_history(const InstanceState& state, const std::vector<HistoryEvent>& history) {
  std::set<std::int32_t> actions;  // without a result yet
  std::set<std::int32_t> ids;
  std::size_t starts = 0;
  std::size_t end = history.size();
  for (std::size_t i = 0; i < history.size(); ++i) {
    const HistoryEvent& event = history[i];
    if (event.kind == HistoryEventKind::execution_started && ++starts > 1) {
      return at(state, i, "a second start");
    }
    if (event.event_id >= 0) {
      if (!ids.insert(event.event_id).second) {
        return at(state, i, fmt::format("the id {} again", event.event_id));
      }
      actions.insert(event.event_id);
    }
    if (is_result(event.kind) && actions.erase(event.scheduled_id) == 0) {
      return at(state, i,
                fmt::format("a {} for {}, which is not waited for", to_string(event.kind),
                            event.scheduled_id));
    }
    if (is_end(event.kind)) end = std::min(end, i);
  }
  if (starts != 1) return at(state, 0, "no start");
  if (is_terminal(state.status) && end + 1 != history.size()) {
    return at(state, end, "the instance has ended, its history has not, or goes on");
  }
  return {};
}

void EntitySums::add(const InstanceState& state) {
  if (state.name != "count" || state.status != RuntimeStatus::completed) return;
  const std::string input = state.input.value_or("");
  std::string_view rest = input;
  const std::string key(take_word(rest));
  counters_[key] += parse_number(rest);
}

Result<std::vector<std::string>> EntitySums::compare(Client& client) {
  std::vector<std::string> wrong;
  INGOT_ASSIGN(const auto counters, numbers_of(client, "counter"));
  for (const auto& [key, expected] : counters_) {
    const auto found = counters.find(key);
    const std::int64_t has = found == counters.end() ? 0 : found->second;
    ++entities_;
    if (has == static_cast<std::int64_t>(expected)) continue;
    wrong.push_back(fmt::format("counter {} has {}, and {} was added to it", key, has, expected));
  }
  INGOT_ASSIGN(const auto accounts, numbers_of(client, "account"));
  std::int64_t sum = 0;
  for (const auto& [key, balance] : accounts) {
    sum += balance;
    if (balance < 0) wrong.push_back(fmt::format("account {} has {}", key, balance));
  }
  entities_ += accounts.size();
  const std::int64_t first = kFirstBalance * static_cast<std::int64_t>(accounts.size());
  if (sum != first) {
    wrong.push_back(
        fmt::format("{} accounts together have {}, expected {}", accounts.size(), sum, first));
  }
  return wrong;
}

}  // namespace ingot::bench
