// Purging: finished instances are forgotten, one, a tree of them, or all that match a filter.

#include <algorithm>
#include <set>

#include "core/try.h"
#include "partition/hub/ask.h"
#include "partition/hub/hub_client.h"

namespace ingot::partition {
namespace {

using Steady = std::chrono::steady_clock;

std::chrono::steady_clock::time_point deadline_of(Duration timeout) {
  constexpr Duration kLongest = std::chrono::hours(24 * 365);
  return Steady::now() + std::clamp(timeout, Duration(0), kLongest);
}

}  // namespace

// An instance goes when its children are gone, so that after a failure they can still be found.
// Children that live on, or that their parent's id has been taken from, stay.
Result<std::uint64_t> HubClient::purge_tree(std::string_view instance_id, bool recursive,
                                            std::uint64_t request_id) {
  struct Node {
    std::string id;
    std::string parent;
    bool children_gone = false;
  };
  std::vector<Node> path{{std::string(instance_id), {}, !recursive}};
  std::set<std::string, std::less<>> seen{path.front().id};
  std::uint64_t purged = 0;
  while (!path.empty()) {
    const Node node = path.back();
    auto request = named<PurgeRequest>(node.id);
    request.children_first = !node.children_gone;
    request.parent_id = node.parent;
    if (node.parent.empty()) request.request_id = request_id;
    INGOT_ASSIGN(PurgeOutcome outcome, ask<Result<PurgeOutcome>>(router_, std::move(request)));
    if (outcome.children.empty()) {
      purged += outcome.purged ? 1 : 0;
      path.pop_back();
      continue;
    }
    path.back().children_gone = true;
    for (std::string& child : outcome.children) {
      if (seen.insert(child).second) path.push_back({std::move(child), node.id, false});
    }
  }
  return purged;
}

Result<std::uint64_t> HubClient::purge_instance(std::string_view instance_id, bool recursive,
                                                std::uint64_t request_id) {
  return blocking_call([&]() -> Result<std::uint64_t> {
    INGOT_TRY(check_orchestration_id(instance_id));
    return purge_tree(instance_id, recursive, request_id);
  });
}

Result<PurgeResult> HubClient::purge_instances(const PurgeFilter& filter, Duration timeout) {
  return blocking_call([&]() -> Result<PurgeResult> {
    INGOT_TRY(check_filter(filter));
    if (filter.recursive) return purge_trees(filter, timeout);
    const auto until = deadline_of(timeout);
    const auto given_up = std::make_shared<std::atomic<bool>>(false);
    const auto purged = std::make_shared<std::atomic<std::uint64_t>>(0);
    std::vector<std::shared_ptr<Rendezvous<Status>>> waiting;
    std::vector<PurgeManyRequest> requests;
    for (std::uint32_t p = 0; p < router_.partitions(); ++p) {
      const auto& answer = waiting.emplace_back(std::make_shared<Rendezvous<Status>>());
      requests.push_back(
          {filter, given_up, purged, [answer](Status status) { answer->give(std::move(status)); }});
    }
    // From here on no memory is needed.
    for (std::uint32_t p = 0; p < router_.partitions(); ++p) {
      router_.offer_or_refuse(PartitionId(p), std::move(requests[p]));
    }
    PurgeResult result;
    result.complete = true;
    Status failure;
    for (const auto& answer : waiting) {
      const auto left = std::chrono::duration_cast<Duration>(until - Steady::now());
      std::optional<Status> done = answer->take_for(std::max(left, Duration(0)));
      if (!done) {
        // It ends with the next record that it looks at.
        given_up->store(true);
        result.complete = false;
        done = answer->take();
      }
      if (!done->ok()) failure = *std::move(done);
    }
    INGOT_TRY(std::move(failure));
    result.purged = purged->load();
    return result;
  });
}

Result<PurgeResult> HubClient::purge_trees(const PurgeFilter& filter, Duration timeout) {
  const auto until = deadline_of(timeout);
  InstanceQuery query;
  static_cast<InstanceFilter&>(query) = filter;
  if (query.statuses.empty()) {
    query.statuses = {RuntimeStatus::completed, RuntimeStatus::failed, RuntimeStatus::terminated};
  } else {
    std::erase_if(query.statuses, [](RuntimeStatus status) { return !is_terminal(status); });
    if (query.statuses.empty()) return PurgeResult{0, true};
  }
  query.with_payloads = false;
  query.page_size = 1000;
  PurgeResult result;
  do {
    INGOT_ASSIGN(const InstancePage page, query_instances(query));
    for (const InstanceState& found : page.instances) {
      if (Steady::now() >= until) return result;
      Result<std::uint64_t> purged = purge_tree(found.instance_id, true, 0);
      // It may have been rewound or replaced since.
      if (!purged.ok() && purged.status().code() != StatusCode::failed_precondition) {
        return purged.take_status();
      }
      if (purged.ok()) result.purged += *purged;
    }
    query.continuation_token = page.continuation_token;
  } while (!query.continuation_token.empty());
  result.complete = true;
  return result;
}

}  // namespace ingot::partition
