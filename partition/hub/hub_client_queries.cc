// Questions about many orchestrations: pages by id and by completion, counts. Each partition gives
// its share, and the shares are merged.

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "core/try.h"
#include "partition/hub/ask.h"
#include "partition/hub/hub_client.h"
#include "partition/hub/page_token.h"
#include "partition/requests/filter.h"

namespace ingot::partition {
namespace {

// A partition's share of a page of ids: by completion, with where each can be found again.
using Completed = std::map<std::pair<Timestamp, std::string>, storage::RecordCursor, std::less<>>;

Status first_failure(std::vector<Status>& answers) {
  for (Status& answer : answers) INGOT_TRY(std::move(answer));
  return {};
}

}  // namespace

Status HubClient::check_page_size(std::uint32_t page_size) {
  if (page_size != 0 && page_size <= 1000) return {};
  return Status(StatusCode::invalid_argument, "page_size is 1 to 1,000");
}

Status HubClient::check_filter(const InstanceFilter& filter) {
  if (filter.prefix.size() <= kInstanceIdBytesMax) return {};
  return Status(StatusCode::invalid_argument, "the prefix is longer than an instance id");
}

Result<std::vector<InstanceState>> HubClient::scan_instances(const InstanceQuery& query,
                                                             std::string& after,
                                                             std::size_t per_partition) {
  std::vector<std::shared_ptr<std::vector<InstanceState>>> shares(router_.partitions());
  for (auto& share : shares) share = std::make_shared<std::vector<InstanceState>>();
  std::vector<Status> answers = ask_all<Status>(router_, [&](PartitionId partition) {
    ScanRequest request;
    request.prefix = query.prefix;
    request.after = after;
    request.descending = query.descending;
    request.page_size = per_partition;
    request.filtered = is_selective(query);
    request.live_only = wants_live_only(query);
    request.take = [filter = static_cast<const InstanceFilter&>(query),
                    payloads = query.with_payloads,
                    share = shares[partition.value]](const RowView& row) -> Result<bool> {
      if (!matches(filter, row)) return false;
      INGOT_ASSIGN(InstanceState state, to_instance_state(row, payloads));
      share->push_back(std::move(state));
      return true;
    };
    return request;
  });
  INGOT_TRY(first_failure(answers));
  const auto before = [&](const InstanceState& a, const InstanceState& b) {
    return query.descending ? a.instance_id > b.instance_id : a.instance_id < b.instance_id;
  };
  // Beyond the last id of a full share its partition may have more.
  const InstanceState* horizon = nullptr;
  for (const auto& share : shares) {
    if (share->size() < per_partition) continue;
    if (horizon == nullptr || before(share->back(), *horizon)) horizon = &share->back();
  }
  after = horizon == nullptr ? std::string() : horizon->instance_id;
  std::vector<InstanceState> found;
  for (const auto& share : shares) {
    for (InstanceState& state : *share) {
      const bool beyond = !after.empty() && (query.descending ? state.instance_id < after
                                                              : state.instance_id > after);
      if (!beyond) found.push_back(std::move(state));
    }
  }
  std::sort(found.begin(), found.end(), before);
  return found;
}

Result<InstancePage> HubClient::query_instances(const InstanceQuery& query) {
  return blocking_call([&]() -> Result<InstancePage> {
    INGOT_TRY(check_page_size(query.page_size));
    INGOT_TRY(check_filter(query));
    INGOT_ASSIGN(std::string after, read_id_token(query.continuation_token));
    const std::size_t limit = query.page_size + 1;  // one more tells whether a page follows
    // Ids are spread by their hashes, so a partition seldom has much more than its share.
    const std::size_t share = limit / router_.partitions();
    std::size_t per_partition = std::min(limit, share + share / 2 + 8);
    InstancePage page;
    do {
      INGOT_ASSIGN(std::vector<InstanceState> found, scan_instances(query, after, per_partition));
      std::move(found.begin(), found.end(), std::back_inserter(page.instances));
      per_partition = limit;
    } while (page.instances.size() < limit && !after.empty());
    if (page.instances.size() > query.page_size) {
      page.instances.resize(query.page_size);
      page.continuation_token = make_id_token(page.instances.back().instance_id);
    }
    return page;
  });
}

Result<InstanceIdPage> HubClient::list_instance_ids(const InstanceIdQuery& query) {
  return blocking_call([&]() -> Result<InstanceIdPage> {
    INGOT_TRY(check_page_size(query.page_size));
    for (const RuntimeStatus status : query.statuses) {
      if (!is_terminal(status)) {
        return Status(StatusCode::invalid_argument, "only finished instances are listed");
      }
    }
    CompletionToken token;
    token.from.resize(router_.partitions());
    const bool first = query.continuation_token.empty();
    if (!first) {
      INGOT_ASSIGN(token, read_completion_token(query.continuation_token, router_.partitions()));
    }
    const std::size_t limit = query.page_size + 1;
    const Timestamp from = query.completed_from.value_or(Timestamp::min());
    std::vector<std::shared_ptr<Completed>> shares(router_.partitions());
    for (auto& share : shares) share = std::make_shared<Completed>();
    std::vector<Status> answers = ask_all<Status>(router_, [&](PartitionId partition) {
      CompletionRequest request;
      request.from = token.from[partition.value];
      request.completed_from = first ? from : std::max(from, token.time);
      request.take = [=, statuses = query.statuses, to = query.completed_to,
                      share = shares[partition.value], after = std::pair(token.time, token.id)](
                         const RowView& row, storage::RecordCursor resume) -> Result<bool> {
        if (to && row.updated_at >= *to) return false;
        // Those of one time come in any order.
        if (share->size() == limit && row.updated_at > share->rbegin()->first.first) return false;
        if (!statuses.empty() &&
            std::find(statuses.begin(), statuses.end(), row.status) == statuses.end()) {
          return true;
        }
        std::pair<Timestamp, std::string> key(row.updated_at, row.id);
        if (!first && key <= after) return true;
        share->insert_or_assign(std::move(key), resume);
        if (share->size() > limit) share->erase(std::prev(share->end()));
        return true;
      };
      return request;
    });
    INGOT_TRY(first_failure(answers));

    InstanceIdPage page;
    std::vector<Completed::const_iterator> next;
    for (const auto& share : shares) next.push_back(share->begin());
    while (page.ids.size() < limit) {
      std::size_t best = shares.size();
      for (std::size_t p = 0; p < shares.size(); ++p) {
        if (next[p] == shares[p]->end()) continue;
        if (best == shares.size() || next[p]->first < next[best]->first) best = p;
      }
      if (best == shares.size()) return page;  // no more, and no page follows
      if (page.ids.size() == query.page_size) break;
      std::tie(token.time, token.id) = next[best]->first;
      token.from[best] = next[best]->second;
      page.ids.push_back(token.id);
      ++next[best];
    }
    // What comes next in a partition can be found from where it says itself.
    for (std::size_t p = 0; p < shares.size(); ++p) {
      if (next[p] != shares[p]->end()) token.from[p] = next[p]->second;
    }
    page.continuation_token = make_completion_token(token);
    return page;
  });
}

Result<InstanceCounts> HubClient::count_instances() {
  return blocking_call([&]() -> Result<InstanceCounts> {
    InstanceCounts sum;
    for (Result<InstanceCounts>& counts :
         ask_all<Result<InstanceCounts>>(router_, [](PartitionId) { return CountRequest{}; })) {
      if (!counts.ok()) return counts.take_status();
      for (std::size_t i = 0; i < sum.by_status.size(); ++i) {
        sum.by_status[i] += counts->by_status[i];
      }
      sum.entities += counts->entities;
    }
    return sum;
  });
}

}  // namespace ingot::partition
