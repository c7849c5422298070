#pragma once

// StepFacts: the part of a random program of facts that is about the steps of orchestrators: what
// they consume, every kind of action, and how they end.

#include <string>
#include <utility>

#include "core/random.h"
#include "partition/state/partition_state.h"
#include "tests/partition/entity_facts.h"
#include "tests/partition/event_bytes.h"

namespace ingot::partition {

class StepFacts {
 public:
  StepFacts(Random& random, EntityFacts& entities) : random_(random), entities_(entities) {}

  // A step over some of the inbox, which is not empty; its texts live until the next call.
  FactBody next(const Instance& instance, std::uint64_t instances, std::int64_t now) {
    now_ = now;
    instances_ = instances;
    StepCompleted body;
    body.sequence = instance.sequence;
    body.generation = instance.generation;
    body.consumed = instance.inbox_count;
    if (random_.one_in(4)) {
      body.consumed = 1 + static_cast<std::uint32_t>(random_.below(instance.inbox_count));
    }
    custom_status_ = text();
    body.has_custom_status = random_.one_in(5);
    if (body.has_custom_status) body.custom_status = custom_status_;
    std::string& actions = actions_;
    actions.clear();
    locked_ = instance.locks != nullptr;
    std::int32_t id = instance.next_action_id;
    for (std::uint64_t left = random_.below(4); left != 0; --left) {
      id += random_.one_in(6) ? static_cast<std::int32_t>(random_.below(100)) : 0;
      actions += action(id++);
    }
    if (random_.one_in(10)) {
      actions += continue_action(id++);
      body.next_execution_id = {random_.next(), 1};
      carried_.clear();
      if (random_.one_in(2)) carried_ = raised_event("carried", text());
      body.carry_over = carried_;
      body.actions = actions;
      return body;
    }
    if (random_.one_in(8)) {
      actions += complete_action(
          id++, random_.one_in(2) ? RuntimeStatus::completed : RuntimeStatus::failed);
      if (random_.one_in(4)) actions += action(id);
    }
    body.actions = actions;
    return body;
  }

 private:
  std::string text() {
    return std::string(random_.below(40), static_cast<char>('a' + random_.below(26)));
  }
  Timestamp around_now() {
    return at_us(now_ + static_cast<std::int64_t>(random_.below(4000)) - 1000);
  }

  std::string action(std::int32_t id) {
    using Kind = HistoryEventKind;
    switch (random_.below(9)) {
      case 0:
        return timer_action(id, random_.one_in(9) ? at_us(-5) : around_now());
      case 1:
        return send_action(id, "instance-" + std::to_string(random_.below(instances_ + 5)));
      case 2:
        return child_action(id, "child-" + std::to_string(random_.below(9)));
      case 3:
        return entity_action(Kind::entity_operation_called, id, entities_.any_id());
      case 4:
        return entity_action(Kind::entity_operation_signaled, id, entities_.any_id());
      case 5:
        // One critical section at a time.
        if (!std::exchange(locked_, true)) {
          return lock_action(id, entities_.some_ids());
        }
        return entity_action(Kind::entity_unlock_sent, id, entities_.any_id());
      default:
        return task_action(id, text());
    }
  }

  Random& random_;
  EntityFacts& entities_;
  std::int64_t now_ = 0;
  std::uint64_t instances_ = 0;  // that targets are chosen from
  bool locked_ = false;
  std::string custom_status_;
  std::string actions_;
  std::string carried_;
};

}  // namespace ingot::partition
