// Entities: signals, states, queries, clean-up.

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "core/try.h"
#include "partition/hub/ask.h"
#include "partition/hub/hub_client.h"
#include "partition/hub/page_token.h"

namespace ingot::partition {
namespace {

// "@name@key", with the name in lower case.
std::string normal_prefix(const std::string& prefix) {
  std::string normal = prefix.starts_with('@') ? prefix : "@" + prefix;
  for (std::size_t i = 1; i < normal.size() && normal[i] != '@'; ++i) {
    if (normal[i] >= 'A' && normal[i] <= 'Z') normal[i] = static_cast<char>(normal[i] - 'A' + 'a');
  }
  return normal;
}

// An entity that may need to be cleaned.
struct Suspect {
  std::string id;
  CriticalSection lock;
};
constexpr std::size_t kSuspectsMax = 500;

bool may_be_empty(const RowView& row) {
  return !row.has_entity_state && row.queued_operations == 0 && row.scheduled_signals == 0;
}

}  // namespace

void HubClient::signal_entity_async(const EntityId& entity, std::string_view operation,
                                    std::string_view input, SignalOptions options, DoneFn done) {
  send(std::move(done), [&]() -> Result<SignalRequest> {
    INGOT_TRY(validate_entity_id(entity));
    INGOT_TRY(validate_name("operation", operation));
    INGOT_TRY(check_payload("the input", input.size()));
    INGOT_TRY(check_payload("the trace context", options.trace_parent.size()));
    auto request = named<SignalRequest>(to_string(EntityId(entity.name, entity.key)));
    request.operation = operation;
    request.input = input;
    request.at = options.at;
    request.trace_parent = std::move(options.trace_parent);
    request.request_id = options.request_id;
    return request;
  });
}

Status HubClient::signal_entity(const EntityId& entity, std::string_view operation,
                                std::string_view input, SignalOptions options) {
  return wait_for_answer<Status>([&](DoneFn done) {
    signal_entity_async(entity, operation, input, std::move(options), std::move(done));
  });
}

void HubClient::get_entity_async(const EntityId& entity, bool include_state, EntityFn done) {
  send(std::move(done), [&]() -> Result<EntityRequest> {
    INGOT_TRY(validate_entity_id(entity));
    auto request = named<EntityRequest>(to_string(EntityId(entity.name, entity.key)));
    request.include_state = include_state;
    return request;
  });
}

Result<EntityState> HubClient::get_entity(const EntityId& entity, bool include_state) {
  return wait_for_answer<Result<EntityState>>(
      [&](EntityFn done) { get_entity_async(entity, include_state, std::move(done)); });
}

Result<EntityPage> HubClient::query_entities(const EntityQuery& query) {
  return blocking_call([&]() -> Result<EntityPage> {
    INGOT_TRY(check_page_size(query.page_size));
    if (query.prefix.size() > kInstanceIdBytesMax) {
      return Status(StatusCode::invalid_argument, "the prefix is longer than an entity's id");
    }
    INGOT_ASSIGN(const std::string after, read_id_token(query.continuation_token));
    using Share = std::map<std::string, EntityState>;
    std::vector<std::shared_ptr<Share>> shares(router_.partitions());
    for (auto& share : shares) share = std::make_shared<Share>();
    std::vector<Status> answers = ask_all<Status>(router_, [&](PartitionId partition) {
      ScanRequest request;
      request.prefix = normal_prefix(query.prefix);
      request.after = after;
      request.page_size = query.page_size + 1;
      request.filtered = query.updated_from || query.updated_to;
      request.take = [from = query.updated_from, to = query.updated_to,
                      transient = query.include_transient, include = query.include_state,
                      share = shares[partition.value]](const RowView& row) -> Result<bool> {
        if (!row.is_entity || !(transient || row.has_entity_state)) return false;
        if (from && row.updated_at < *from) return false;
        if (to && row.updated_at >= *to) return false;
        share->emplace(row.id, to_entity_state(row, include));
        return true;
      };
      return request;
    });
    for (Status& answer : answers) INGOT_TRY(std::move(answer));
    Share all;
    for (const auto& share : shares) all.merge(*share);
    EntityPage page;
    for (auto& [id, state] : all) {
      if (page.entities.size() == query.page_size) {
        page.continuation_token = make_id_token(to_string(page.entities.back().id));
        break;
      }
      page.entities.push_back(std::move(state));
    }
    return page;
  });
}

// A lock is orphaned when the execution that holds it is over.
Result<bool> HubClient::is_orphaned(const CriticalSection& lock) {
  if (!check_orchestration_id(lock.owner).ok()) return true;
  const Result<InstanceState> owner = get_instance(lock.owner, false);
  if (owner.status().code() == StatusCode::not_found) return true;
  if (!owner.ok()) return owner.status();
  return is_terminal(owner->status) || owner->execution_id != lock.execution_id;
}

Result<EntityCleanup> HubClient::clean_entity_storage(bool remove_empty,
                                                      bool release_orphaned_locks) {
  return blocking_call([&]() -> Result<EntityCleanup> {
    EntityCleanup sum;
    if (!remove_empty && !release_orphaned_locks) return sum;
    for (std::uint32_t p = 0; p < router_.partitions(); ++p) {
      std::string after;
      for (bool more = true; more;) {
        const auto suspects = std::make_shared<std::vector<Suspect>>();
        ScanRequest scan;
        scan.prefix = "@";
        scan.after = after;
        scan.page_size = kSuspectsMax;
        scan.filtered = true;
        scan.take = [=](const RowView& row) -> Result<bool> {
          if (!row.is_entity) return false;
          const bool locked = !row.lock_owner.empty();
          if (!(locked ? release_orphaned_locks : remove_empty && may_be_empty(row))) return false;
          suspects->push_back(
              {std::string(row.id),
               {std::string(row.lock_owner), row.lock_execution_id, row.lock_event_id}});
          return true;
        };
        INGOT_TRY(ask<Status>(router_, PartitionId(p), std::move(scan)));
        for (const Suspect& suspect : *suspects) {
          auto request = named<CleanEntityRequest>(suspect.id);
          request.remove_if_empty = remove_empty;
          if (!suspect.lock.owner.empty()) {
            INGOT_ASSIGN(const bool orphaned, is_orphaned(suspect.lock));
            if (!orphaned) continue;
            request.orphan = suspect.lock;
          }
          INGOT_ASSIGN(const EntityCleanup done,
                       ask<Result<EntityCleanup>>(router_, std::move(request)));
          sum.empty_entities_removed += done.empty_entities_removed;
          sum.orphaned_locks_released += done.orphaned_locks_released;
        }
        more = suspects->size() == kSuspectsMax;
        if (more) after = suspects->back().id;
      }
    }
    return sum;
  });
}

}  // namespace ingot::partition
