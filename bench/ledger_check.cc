#include "bench/ledger_check.h"

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <utility>
#include <vector>

#include "bench/ledger.h"
#include "bench/orchestrators.h"
#include "core/try.h"

namespace ingot::bench {
namespace {

constexpr std::uint64_t kFaultsShown = 20;

// Walks the hub's instances and the ledger's entries side by side: both come by id.
class LedgerCheck {
 public:
  LedgerCheck(std::vector<LedgerEntry> entries, Client& client, Report& report)
      : entries_(std::move(entries)), client_(client), report_(report) {}

  Status run() {
    InstanceQuery query;
    query.page_size = 1000;
    std::string last;
    do {
      INGOT_ASSIGN(InstancePage page, client_.query_instances(query));
      for (const InstanceState& state : page.instances) {
        if (state.instance_id <= last) fault("query: " + state.instance_id + " after " + last);
        last = state.instance_id;
        on_instance(state);
      }
      query.continuation_token = std::move(page.continuation_token);
    } while (!query.continuation_token.empty());
    while (at_ < entries_.size()) missing(entries_[at_++]);

    report_.extra.emplace_back("ledger_started", static_cast<double>(entries_.size()));
    report_.extra.emplace_back("ledger_completed", static_cast<double>(completed_));
    report_.extra.emplace_back("ledger_running", static_cast<double>(running_));
    report_.extra.emplace_back("hub_instances", static_cast<double>(instances_));
    return {};
  }

 private:
  void on_instance(const InstanceState& state) {
    ++instances_;
    while (at_ < entries_.size() && entries_[at_].id < state.instance_id) {
      missing(entries_[at_++]);
    }
    if (at_ == entries_.size() || entries_[at_].id != state.instance_id) return;
    const LedgerEntry& entry = entries_[at_++];
    std::string wrong;
    if (entry.output) {
      ++completed_;
      wrong = verify(state, *entry.output);
    } else if (!is_terminal(state.status)) {
      ++running_;
    } else if (state.name == "hello") {
      wrong = verify_hello(state);
    }
    if (wrong.empty()) {
      ++report_.verified_outputs;
    } else {
      fault(wrong);
    }
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
  std::uint64_t completed_ = 0;  // entries with an output
  std::uint64_t running_ = 0;    // entries that have not ended in the hub
  std::uint64_t instances_ = 0;
};

}  // namespace

Status check_ledger(Client& client, const std::string& path, Report& report) {
  INGOT_ASSIGN(std::vector<LedgerEntry> entries, read_ledger(path));
  return LedgerCheck(std::move(entries), client, report).run();
}

}  // namespace ingot::bench
