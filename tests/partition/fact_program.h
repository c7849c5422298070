#pragma once

// FactProgram: a random, valid sequence of facts, each chosen by what the state allows: what a
// partition could have recorded, late and repeated completions included.

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/hash.h"
#include "core/random.h"
#include "partition/state/partition_state.h"
#include "partition/state/row.h"
#include "tests/partition/entity_facts.h"
#include "tests/partition/event_bytes.h"
#include "tests/partition/step_facts.h"

namespace ingot::partition {

class FactProgram {
 public:
  explicit FactProgram(std::uint64_t seed) : random_(seed) {}

  // The next fact for `state`, encoded.
  std::string next(const PartitionState& state) {
    look(state);
    now_ += static_cast<std::int64_t>(random_.below(1000));
    std::vector<const Instance*> live;
    state.instances.for_each([&](const Instance& instance) { live.push_back(&instance); });
    std::sort(live.begin(), live.end(),
              [](const Instance* a, const Instance* b) { return a->sequence < b->sequence; });
    if (live.empty() || (live.size() < 20 && random_.one_in(6))) return create(state);
    const Instance& instance = *live[random_.below(live.size())];
    if (instance.entity != nullptr) return put(entities_.next(state, instance, now_));
    switch (random_.below(14)) {
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
        return complete_activity(state, instance);
      case 9:
        return reply(state, instance);
      case 10:
        return forget(state);
      default:
        return step(instance);
    }
  }

 private:
  // What the program knows of an id: alive, wherever it lies, or how it ended.
  struct Known {
    std::optional<RuntimeStatus> ended;
    SequenceNumber sequence;
  };

  // Learns what the last fact did.
  void look(const PartitionState& state) {
    for (auto& [id, known] : known_) {
      const std::uint64_t id_hash = hash64(id);
      const Instance* live = state.instances.find(id_hash, id);
      if (live != nullptr) {
        known = {std::nullopt, live->sequence};
        continue;
      }
      const FinishedRecord record = state.finished.find(id_hash, id);
      if (!record.row.empty()) known.ended = view_row(record.row)->status;
    }
  }

  std::string text() {
    return std::string(random_.below(40), static_cast<char>('a' + random_.below(26)));
  }
  std::string put(const FactBody& body) { return bytes_of(Fact{at_us(now_), body}); }
  Timestamp around_now() {
    return at_us(now_ + static_cast<std::int64_t>(random_.below(4000)) - 1000);
  }

  std::string create(const PartitionState& state) {
    if (random_.one_in(4)) {
      const std::string entity = entities_.any_id();
      // An entity that has left memory exists as well.
      if (!entity_exists(state, entity)) {
        entities_created_.insert(entity);
        return put(EntityCreated{entity});
      }
    }
    std::string id = "instance-" + std::to_string(created_ + 1);
    std::optional<RuntimeStatus> replaced;
    SequenceNumber replaced_sequence;
    if (!known_.empty() && random_.one_in(4)) {
      const auto old =
          std::next(known_.begin(), static_cast<std::ptrdiff_t>(random_.below(known_.size())));
      id = old->first;
      if (old->second.ended) {
        replaced = old->second.ended;
      } else if (const Instance* live = state.instances.find(hash64(id), id)) {
        replaced = live->status;
        replaced_sequence = live->sequence;
      } else {
        return put(OutboxConfirmed{});  // alive, but not here
      }
    } else {
      ++created_;
    }
    known_[id] = {};
    if (replaced_sequence.value == 0 && random_.one_in(3)) {
      const PartitionId origin(static_cast<std::uint32_t>(random_.below(state.partition_count)));
      const std::string child = child_started_event(id, {random_.next(), 1}, "instance-1");
      return put(PeerMessageReceived{origin, state.dedup.last(origin) + 1, {}, replaced, child});
    }
    const std::string event =
        random_.one_in(4) ? scheduled_started_event(id, around_now()) : started_event(id, "o");
    return put(InstanceCreated{random_.below(4), replaced, replaced_sequence, event});
  }

  bool entity_exists(const PartitionState& state, const std::string& id) {
    if (!entities_created_.contains(id)) return false;
    if (!state.finished.find(hash64(id), id).purged()) return true;
    return state.instances.find(hash64(id), id) != nullptr;
  }

  // Purges a finished instance.
  std::string forget(const PartitionState& state) {
    if (!random_.one_in(4)) return confirm(state);
    for (const auto& [id, known] : known_) {
      if (!known.ended || random_.one_in(3)) continue;
      const std::string purged = id;
      const RuntimeStatus status = *known.ended;
      known_.erase(purged);
      return put(InstancePurged{random_.below(4), purged, status, {}});
    }
    return confirm(state);
  }

  // To what the instance has asked for, or to what it has not.
  std::string reply(const PartitionState& state, const Instance& instance) {
    std::int32_t id = static_cast<std::int32_t>(random_.below(20));
    instance.awaited.for_each([&](std::int32_t awaited) {
      if (random_.one_in(2)) id = awaited;
    });
    using Kind = HistoryEventKind;
    static constexpr Kind kKinds[] = {Kind::sub_orchestration_completed,
                                      Kind::entity_operation_completed, Kind::entity_lock_granted};
    const Kind kind = kKinds[random_.below(3)];
    const ExecutionId execution = random_.one_in(5) ? ExecutionId{9, 9} : instance.execution_id;
    const PartitionId origin(static_cast<std::uint32_t>(random_.below(state.partition_count)));
    const std::string event = reply_event(kind, execution, id);
    return put(PeerMessageReceived{origin, state.dedup.last(origin) + 1, instance.sequence,
                                   std::nullopt, event});
  }

  std::string deliver(const Instance& instance) {
    std::string event = raised_event("e", text());
    if (random_.one_in(4)) {
      static constexpr HistoryEventKind kKinds[] = {HistoryEventKind::execution_terminated,
                                                    HistoryEventKind::execution_suspended,
                                                    HistoryEventKind::execution_resumed};
      event = control_event(kKinds[random_.below(3)], random_.one_in(2));
    }
    return put(MessageDelivered{instance.sequence, random_.below(4), event});
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
    return create(state);
  }

  // Facts that come too late: of ended instances, of tasks and timers that are not pending.
  std::string late(const PartitionState& state) {
    const SequenceNumber any(1 + random_.below(state.last_sequence.value));
    if (!state.detached.empty() && random_.one_in(2)) {
      const auto chosen =
          std::next(state.detached.all().begin(),
                    static_cast<std::ptrdiff_t>(random_.below(state.detached.size())));
      const TaskKey key = chosen->first;
      const std::string event = task_completed_event(key.task_id);
      return put(ActivityCompleted{key.sequence, key.generation, event});
    }
    const auto id = static_cast<std::int32_t>(random_.below(50));
    if (random_.one_in(2)) return put(TimerFired{any, 0, 100 + id});
    const std::string event = task_completed_event(id);
    return put(ActivityCompleted{any, random_.one_in(4) ? 1U : 0U, event});
  }

  std::string fire(const PartitionState& state) {
    if (state.agenda.empty()) return create(state);
    const TimerKey& next = state.agenda.next();
    now_ = std::max(now_, next.fire_at.time_since_epoch().count());
    return put(TimerFired{next.sequence, next.generation, next.timer_id});
  }

  std::string complete_activity(const PartitionState& /*state*/, const Instance& instance) {
    std::vector<std::int32_t> pending;
    instance.tasks.for_each([&](std::int32_t id) { pending.push_back(id); });
    if (pending.empty()) return step(instance);
    const std::string event = task_completed_event(pending[random_.below(pending.size())], text());
    return put(ActivityCompleted{instance.sequence, instance.generation, event});
  }

  std::string step(const Instance& instance) {
    if (instance.inbox_count == 0 || instance.start_scheduled) return deliver(instance);
    return put(steps_.next(instance, created_, now_));
  }

  Random random_;
  std::int64_t now_ = 1'000'000;
  std::uint64_t created_ = 0;
  EntityFacts entities_{random_};
  StepFacts steps_{random_, entities_};
  std::map<std::string, Known> known_;  // orchestrations
  std::set<std::string> entities_created_;
};

}  // namespace ingot::partition
