#include "bench/resume.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

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
    for (InstanceState& state : page->instances) {
      if (state.name == "hello") ids.push_back(std::move(state.instance_id));
    }
    query.continuation_token = std::move(page->continuation_token);
  } while (!query.continuation_token.empty());
  return ids;
}

}  // namespace

void finish_running(Session& session, Ledger* ledger, Report& report) {
  const auto begin = std::chrono::steady_clock::now();
  const Result<std::vector<std::string>> ids = running_instances(session.client());
  if (!ids.ok()) {
    report.add_error("querying what runs: " + ids.status().to_string());
    return;
  }
  const auto finishing = std::make_shared<Finishing>();
  finishing->left = ids->size();
  for (const std::string& id : *ids) {
    session.client().wait_for_completion_async(id, [finishing, id](Result<InstanceState> result) {
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
  if (!finishing->changed.wait_for(lock, kFinishTimeMax, [&] { return finishing->left == 0; })) {
    report.add_error(std::to_string(finishing->left) + " resumed instances did not finish");
  }
  for (const Status& failure : finishing->failures) report.add_error(failure.to_string());
  Ledger::Buffer* const lines = ledger != nullptr ? &ledger->add_buffer() : nullptr;
  for (const InstanceState& state : finishing->ended) {
    if (const std::string wrong = verify_hello(state); !wrong.empty()) {
      report.add_error(wrong);
      continue;
    }
    ++report.verified_outputs;
    if (lines != nullptr) lines->completed(state.instance_id, *state.output);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  report.extra.emplace_back("resumed", static_cast<double>(ids->size()));
  report.extra.emplace_back("resume_seconds", took.count());
}

}  // namespace ingot::bench
