#include "tests/sim/check_timers.h"

#include <algorithm>

namespace ingot::sim {
namespace {

constexpr const char* kProperty = "(f) timers";

std::string name(std::int32_t timer_id) { return "timer " + std::to_string(timer_id); }

}  // namespace

void TimerChecker::before(const DurableFact& fact) {
  const auto* fired = std::get_if<TimerFired>(&fact.fact.body);
  if (fired == nullptr) return;
  const partition::Instance* instance = fact.state.instances.find(fired->sequence);
  if (instance == nullptr || instance->generation != fired->generation) {
    findings_.violated(kProperty, fact.partition, {},
                       name(fired->timer_id) + " of sequence " +
                           std::to_string(fired->sequence.value) +
                           " fired for an execution that has ended");
    return;
  }
  const auto timer =
      std::find_if(instance->timers.begin(), instance->timers.end(),
                   [&](const partition::PendingTimer& t) { return t.id == fired->timer_id; });
  if (timer == instance->timers.end()) {
    findings_.violated(kProperty, fact.partition, instance->id,
                       name(fired->timer_id) + " fired, and is not pending");
  } else if (fact.fact.at < timer->fire_at) {
    findings_.violated(kProperty, fact.partition, instance->id,
                       name(fired->timer_id) + " fired " +
                           std::to_string((timer->fire_at - fact.fact.at).count()) + " us early");
  }
}

void TimerChecker::ended(const partition::PartitionState& state, Timestamp now) {
  if (state.agenda.empty() || state.agenda.next().fire_at > now) return;
  const partition::TimerKey& due = state.agenda.next();
  findings_.violated(kProperty, state.partition, id_of(state, due.sequence),
                     name(due.timer_id) + " was due, and has not fired");
}

}  // namespace ingot::sim
