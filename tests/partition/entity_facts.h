#pragma once

// EntityFacts: the part of a random program of facts that is about entities: their creation,
// operations from everywhere, batches, locks, and their end.

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "core/random.h"
#include "partition/state/partition_state.h"
#include "tests/partition/event_bytes.h"

namespace ingot::partition {

class EntityFacts {
 public:
  explicit EntityFacts(Random& random) : random_(random) {}

  static constexpr int kEntities = 5;
  static std::string id(std::uint64_t n) { return "@counter@" + std::to_string(n); }
  std::string any_id() { return id(random_.below(kEntities)); }
  std::vector<std::string> some_ids() {
    std::vector<std::string> ids;
    for (std::uint64_t n = 0; n < kEntities; ++n) {
      if (random_.one_in(2)) ids.push_back(id(n));
    }
    if (ids.empty()) ids.push_back(any_id());
    return ids;
  }

  // A fact about `entity`; its texts live until the next call.
  FactBody next(const PartitionState& state, const Instance& entity, std::int64_t now) {
    if (entity.inbox_count != 0 && random_.one_in(2)) return batch(entity);
    const Entity& e = *entity.entity;
    if (!e.state && !e.locked() && entity.inbox_count == 0 && e.waiting_count == 0 &&
        e.scheduled.events().empty()) {
      return InstancePurged{random_.below(3), entity.id, RuntimeStatus::completed, entity.sequence};
    }
    message_ = message(entity, now);
    if (random_.one_in(2)) return MessageDelivered{entity.sequence, random_.below(3), message_};
    const PartitionId origin(static_cast<std::uint32_t>(random_.below(state.partition_count)));
    return PeerMessageReceived{origin, state.dedup.last(origin) + 1, entity.sequence, std::nullopt,
                               message_};
  }

 private:
  std::string message(const Instance& entity, std::int64_t now) {
    using Kind = HistoryEventKind;
    const Entity& e = *entity.entity;
    // Few senders, so that owners, requests and operations meet.
    const std::string sender = "sender-" + std::to_string(random_.below(3));
    const ExecutionId execution{7, random_.below(2)};
    switch (random_.below(6)) {
      case 0: {
        HistoryEvent signal;
        signal.kind = Kind::entity_operation_signaled;
        signal.name = "later";
        signal.fire_at = at_us(now + static_cast<std::int64_t>(random_.below(3000)) - 500);
        return bytes_of(signal);
      }
      case 1: {
        std::vector<std::string> set = some_ids();
        set.push_back(entity.id);
        std::sort(set.begin(), set.end());
        set.erase(std::unique(set.begin(), set.end()), set.end());
        return entity_message(Kind::entity_lock_requested, sender, execution, 1, set);
      }
      case 2:
        if (!e.locked()) break;
        return entity_message(Kind::entity_unlock_sent, e.lock.owner, e.lock.execution_id,
                              e.lock.event_id,
                              random_.one_in(2) ? some_ids() : std::vector<std::string>{});
      case 3:
        return entity_message(Kind::entity_unlock_sent, sender, execution, 1,
                              random_.one_in(2) ? some_ids() : std::vector<std::string>{});
      case 4:
        return entity_message(Kind::entity_operation_called, sender, execution, 2);
      default:
        break;
    }
    return entity_message(Kind::entity_operation_signaled, sender, execution, -1);
  }

  FactBody batch(const Instance& entity) {
    EntityStepCompleted body;
    body.sequence = entity.sequence;
    body.consumed = 1 + static_cast<std::uint32_t>(random_.below(entity.inbox_count));
    body.change = static_cast<StateChange>(random_.below(3));
    state_ = std::string(random_.below(30), 's');
    if (body.change == StateChange::set) body.entity_state = state_;
    actions_.clear();
    for (std::uint64_t left = random_.below(3); left != 0; --left) actions_ += action();
    body.actions = actions_;
    return body;
  }

  std::string action() {
    HistoryEvent event;
    event.instance_id = "sender-0";
    switch (random_.below(3)) {
      case 0:
        event.kind = HistoryEventKind::entity_operation_completed;
        event.execution_id = {7, 0};
        event.scheduled_id = 2;
        event.data = "answer";
        break;
      case 1:
        event.kind = HistoryEventKind::entity_operation_signaled;
        event.instance_id = any_id();
        event.name = "operation";
        break;
      default:
        event.kind = HistoryEventKind::execution_started;
        event.instance_id = "started-" + std::to_string(random_.below(20));
        event.execution_id = {random_.next(), 1};
        event.name = "o";
    }
    return bytes_of(event);
  }

  Random& random_;
  std::string message_;
  std::string state_;
  std::string actions_;
};

}  // namespace ingot::partition
