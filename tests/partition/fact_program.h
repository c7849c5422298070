#pragma once

// FactProgram: a random, valid sequence of facts, each chosen by what the state allows: what a
// partition could have recorded, late and repeated completions included.

#include <algorithm>
#include <string>
#include <vector>

#include "core/random.h"
#include "partition/state/partition_state.h"
#include "tests/partition/event_bytes.h"

namespace ingot::partition {

class FactProgram {
 public:
  explicit FactProgram(std::uint64_t seed) : random_(seed) {}

  // The next fact for `state`, encoded.
  std::string next(const PartitionState& state) {
    now_ += static_cast<std::int64_t>(random_.below(1000));
    std::vector<const Instance*> live;
    state.instances.for_each([&](const Instance& instance) { live.push_back(&instance); });
    std::sort(live.begin(), live.end(),
              [](const Instance* a, const Instance* b) { return a->sequence < b->sequence; });
    if (live.empty() || (live.size() < 20 && random_.one_in(6))) return create();
    const Instance& instance = *live[random_.below(live.size())];
    switch (random_.below(12)) {
      case 0:
        return deliver(instance);
      case 1:
        return peer_message(state, random_.one_in(3) ? SequenceNumber() : instance.sequence);
      case 2:
        return confirm(state);
      case 3:
        return late(state);
      case 4:
      case 5:
        return fire(state);
      case 6:
      case 7:
      case 8:
        return complete_activity(instance);
      default:
        return step(instance);
    }
  }

 private:
  std::string text() {
    return std::string(random_.below(40), static_cast<char>('a' + random_.below(26)));
  }
  std::string put(const FactBody& body) { return bytes_of(Fact{at_us(now_), body}); }
  Timestamp around_now() {
    return at_us(now_ + static_cast<std::int64_t>(random_.below(4000)) - 1000);
  }

  std::string create() {
    const std::string id = "instance-" + std::to_string(++created_);
    const std::string event =
        random_.one_in(4) ? scheduled_started_event(id, around_now()) : started_event(id, "o");
    return put(InstanceCreated{random_.next(), std::nullopt, {}, event});
  }

  std::string deliver(const Instance& instance) {
    const std::string event = random_.one_in(5) ? terminated_event() : raised_event("e", text());
    return put(MessageDelivered{instance.sequence, random_.next(), event});
  }

  std::string peer_message(const PartitionState& state, SequenceNumber target) {
    const PartitionId origin(static_cast<std::uint32_t>(random_.below(state.partition_count)));
    const std::string event = raised_event("peer", text());
    return put(
        PeerMessageReceived{origin, state.dedup.last(origin) + 1, target, std::nullopt, event});
  }

  std::string confirm(const PartitionState& state) {
    for (const auto& [destination, channel] : state.outbox.channels()) {
      if (channel.unconfirmed.empty() || random_.one_in(3)) continue;
      const std::uint64_t left = channel.unconfirmed.size();
      return put(OutboxConfirmed{destination, channel.last_position - random_.below(left)});
    }
    return create();
  }

  // Facts that come too late: of ended instances, of tasks and timers that are not pending.
  std::string late(const PartitionState& state) {
    const SequenceNumber any(1 + random_.below(state.last_sequence.value));
    const auto id = static_cast<std::int32_t>(random_.below(50));
    if (random_.one_in(2)) return put(TimerFired{any, 0, 100 + id});
    const std::string event = task_completed_event(id);
    return put(ActivityCompleted{any, random_.one_in(4) ? 1U : 0U, event});
  }

  std::string fire(const PartitionState& state) {
    if (state.agenda.empty()) return create();
    const TimerKey& next = state.agenda.next();
    now_ = std::max(now_, next.fire_at.time_since_epoch().count());
    return put(TimerFired{next.sequence, next.generation, next.timer_id});
  }

  std::string complete_activity(const Instance& instance) {
    std::vector<std::int32_t> pending;
    instance.tasks.for_each([&](std::int32_t id) { pending.push_back(id); });
    if (pending.empty()) return step(instance);
    const std::string event = task_completed_event(pending[random_.below(pending.size())], text());
    return put(ActivityCompleted{instance.sequence, instance.generation, event});
  }

  std::string step(const Instance& instance) {
    if (instance.inbox_count == 0 || instance.start_scheduled) return deliver(instance);
    StepCompleted body;
    body.sequence = instance.sequence;
    body.generation = instance.generation;
    body.consumed = instance.inbox_count;
    if (random_.one_in(4)) {
      body.consumed = 1 + static_cast<std::uint32_t>(random_.below(instance.inbox_count));
    }
    const std::string custom_status = text();
    body.has_custom_status = random_.one_in(5);
    if (body.has_custom_status) body.custom_status = custom_status;
    std::string actions;
    std::int32_t id = instance.next_action_id;
    for (std::uint64_t left = random_.below(4); left != 0; --left) {
      id += random_.one_in(6) ? static_cast<std::int32_t>(random_.below(100)) : 0;
      actions += action(id++);
    }
    if (random_.one_in(8)) {
      actions += complete_action(
          id++, random_.one_in(2) ? RuntimeStatus::completed : RuntimeStatus::failed);
      if (random_.one_in(4)) actions += action(id);
    }
    body.actions = actions;
    return put(body);
  }

  std::string action(std::int32_t id) {
    switch (random_.below(4)) {
      case 0:
        return timer_action(id, random_.one_in(9) ? at_us(-5) : around_now());
      case 1:
        return send_action(id, "instance-" + std::to_string(random_.below(created_ + 5)));
      default:
        return task_action(id, text());
    }
  }

  Random random_;
  std::int64_t now_ = 1'000'000;
  std::uint64_t created_ = 0;
};

}  // namespace ingot::partition
