#include "bench/ledger_check.h"

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <utility>
#include <vector>

#include "bench/instance_check.h"
#include "bench/ledger.h"
#include "bench/orchestrators.h"
#include "core/try.h"

namespace ingot::bench {
namespace {

constexpr std::uint64_t kFaultsShown = 20;
// Reading a history is a question of its own: in a large hub, of some instances only.
constexpr std::uint64_t kHistoriesMax = 20'000;

// Walks the hub's instances and the ledger's entries side by side: both come by id.
class LedgerCheck {
 public:
  LedgerCheck(std::vector<LedgerEntry> entries, Client& client, Report& report)
      : entries_(std::move(entries)), client_(client), report_(report) {}

  Status run() {
    INGOT_ASSIGN(const InstanceCounts counts, client_.count_instances());
    std::uint64_t all = 0;
    for (const std::uint64_t count : counts.by_status) all += count;
    history_step_ = all / kHistoriesMax + 1;
    InstanceQuery query;
    query.page_size = 1000;
    std::string last;
    do {
      INGOT_ASSIGN(InstancePage page, client_.query_instances(query));
      for (const InstanceState& state : page.instances) {
        if (state.instance_id <= last) fault("query: " + state.instance_id + " after " + last);
        last = state.instance_id;
        on_instance(state);
        if (instances_ % history_step_ == 0) INGOT_TRY(check_history(state));
      }
      query.continuation_token = std::move(page.continuation_token);
    } while (!query.continuation_token.empty());
    while (at_ < entries_.size()) missing(entries_[at_++]);
    if (unfinished_ == 0) {
      INGOT_ASSIGN(const std::vector<std::string> wrong, sums_.compare(client_));
      for (const std::string& what : wrong) fault(what);
    }

    report_.extra.emplace_back("ledger_started", static_cast<double>(entries_.size()));
    report_.extra.emplace_back("ledger_completed", static_cast<double>(completed_));
    report_.extra.emplace_back("ledger_running", static_cast<double>(running_));
    report_.extra.emplace_back("hub_instances", static_cast<double>(instances_));
    report_.extra.emplace_back("hub_running", static_cast<double>(unfinished_));
    report_.extra.emplace_back("histories", static_cast<double>(histories_));
    report_.extra.emplace_back("entities", static_cast<double>(sums_.entities()));
    return {};
  }

 private:
  void on_instance(const InstanceState& state) {
    ++instances_;
    while (at_ < entries_.size() && entries_[at_].id < state.instance_id) {
      missing(entries_[at_++]);
    }
    const bool ended = is_terminal(state.status);
    if (!ended) ++unfinished_;
    sums_.add(state);
    std::string wrong = ended ? verify_by_input(state) : std::string();
    if (at_ < entries_.size() && entries_[at_].id == state.instance_id) {
      const LedgerEntry& entry = entries_[at_++];
      if (entry.output) {
        ++completed_;
        if (wrong.empty()) wrong = verify(state, *entry.output);
      } else if (!ended) {
        ++running_;
      }
    } else if (wrong.empty()) {
      return;
    }
    if (wrong.empty()) {
      ++report_.verified_outputs;
    } else {
      fault(wrong);
    }
  }

  Status check_history(const InstanceState& state) {
    ++histories_;
    INGOT_ASSIGN(const std::vector<HistoryEvent> history, client_.get_history(state.instance_id));
    const std::string wrong = verify_history(state, history);
    if (!wrong.empty()) fault(wrong);
    return {};
  }

  void missing(const LedgerEntry& entry) {
    const Result<InstanceState> state = client_.get_instance(entry.id);
    fault("instance " + entry.id + (entry.output ? " (completed)" : " (started)") +
          " is missing from the hub; get_instance: " +
          (state.ok() ? "found, so the query lost it" : state.status().to_string()));
  }

  void fault(const std::string& what) {
    if (report_.errors < kFaultsShown) fmt::print(stderr, "{}\n", what);
    report_.add_error(what);
  }

  const std::vector<LedgerEntry> entries_;
  Client& client_;
  Report& report_;
  std::size_t at_ = 0;
  std::uint64_t completed_ = 0;   // entries with an output
  std::uint64_t running_ = 0;     // entries that have not ended in the hub
  std::uint64_t unfinished_ = 0;  // instances that have not ended
  std::uint64_t histories_ = 0;   // looked at
  std::uint64_t history_step_ = 1;
  EntitySums sums_;
  std::uint64_t instances_ = 0;
};

}  // namespace

Status check_ledger(Client& client, const std::string& path, Report& report) {
  INGOT_ASSIGN(std::vector<LedgerEntry> entries, read_ledger(path));
  return LedgerCheck(std::move(entries), client, report).run();
}

}  // namespace ingot::bench
