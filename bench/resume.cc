#include "bench/resume.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "bench/instance_check.h"
#include "bench/orchestrators.h"

namespace ingot::bench {
namespace {

constexpr auto kFinishTimeMax = std::chrono::seconds(120);

// Shared with the callbacks, which may come after the wait was given up.
struct Finishing {
  std::mutex mutex;
  std::condition_variable changed;
  std::uint64_t left = 0;
  std::vector<InstanceState> ended;
  std::vector<Status> failures;
};

Result<std::vector<std::string>> running_instances(Client& client) {
  InstanceQuery query;
  query.statuses = {RuntimeStatus::pending, RuntimeStatus::running, RuntimeStatus::suspended};
  query.with_payloads = false;
  query.page_size = 1000;
  std::vector<std::string> ids;
  do {
    Result<InstancePage> page = client.query_instances(query);
    if (!page.ok()) return page.take_status();
    for (InstanceState& state : page->instances) ids.push_back(std::move(state.instance_id));
    query.continuation_token = std::move(page->continuation_token);
  } while (!query.continuation_token.empty());
  return ids;
}

// Waits until what runs now has ended, checks it and enters it in `lines` (unless null). How many
// that were.
std::uint64_t finish_round(Client& client, const std::vector<std::string>& ids,
                           Ledger::Buffer* lines, Report& report) {
  const auto end = std::chrono::steady_clock::now() + kFinishTimeMax;
  const auto finishing = std::make_shared<Finishing>();
  finishing->left = ids.size();
  for (const std::string& id : ids) {
    client.wait_for_completion_async(id, [finishing, id](Result<InstanceState> result) {
      const std::scoped_lock lock(finishing->mutex);
      if (result.ok()) {
        finishing->ended.push_back(*std::move(result));
      } else {
        finishing->failures.push_back(result.status().with_context("waiting for " + id));
      }
      if (--finishing->left == 0) finishing->changed.notify_one();
    });
  }

  std::unique_lock lock(finishing->mutex);
  if (!finishing->changed.wait_until(lock, end, [&] { return finishing->left == 0; })) {
    report.add_error(std::to_string(finishing->left) + " resumed instances did not finish");
  }
  for (const Status& failure : finishing->failures) report.add_error(failure.to_string());
  for (const InstanceState& state : finishing->ended) {
    std::string wrong = verify_by_input(state);
    if (wrong.empty() && (state.status != RuntimeStatus::completed || !state.output)) {
      wrong = describe(state);
    }
    if (!wrong.empty()) {
      report.add_error(wrong);
      continue;
    }
    ++report.verified_outputs;
    if (lines != nullptr) lines->completed(state.instance_id, *state.output);
  }
  return finishing->ended.size();
}

}  // namespace

void finish_running(Session& session, Ledger* ledger, Report& report) {
  const auto begin = std::chrono::steady_clock::now();
  Ledger::Buffer* const lines = ledger != nullptr ? &ledger->add_buffer() : nullptr;
  std::uint64_t resumed = 0;
  // What ends may have started more.
  for (std::uint64_t errors = report.errors; report.errors == errors;) {
    const Result<std::vector<std::string>> ids = running_instances(session.client());
    if (!ids.ok()) {
      report.add_error("querying what runs: " + ids.status().to_string());
      return;
    }
    if (ids->empty()) break;
    resumed += finish_round(session.client(), *ids, lines, report);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  report.extra.emplace_back("resumed", static_cast<double>(resumed));
  report.extra.emplace_back("resume_seconds", took.count());
}

}  // namespace ingot::bench
