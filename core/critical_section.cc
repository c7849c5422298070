// Calls of entities and locks on them: what an execution may ask for, and what it records for it.

#include "core/critical_section.h"

#include <ingot/entity_lock.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <utility>

#include "core/execution_core.h"
#include "core/signal_action.h"

namespace ingot {
namespace model {
namespace {

[[noreturn]] void refuse(std::string_view entity_id, std::string_view why) {
  std::string text = "the entity ";
  throw std::logic_error(text.append(entity_id).append(" can't be ").append(why));
}

}  // namespace

CriticalSection::Entity* CriticalSection::find(std::string_view id) {
  const auto at = std::find_if(entities.begin(), entities.end(),
                               [&](const Entity& entity) { return entity.id == id; });
  return at == entities.end() ? nullptr : &*at;
}

void CriticalSection::check_call(std::string_view entity_id) {
  if (stage == Stage::abandoned) return;
  const Entity* entity = find(entity_id);
  if (entity == nullptr) refuse(entity_id, "called while a lock is held that does not include it");
  if (stage == Stage::requested) refuse(entity_id, "called before the lock on it is granted");
  if (entity->open_call >= 0) {
    refuse(entity_id, "called under a lock while an earlier call to it has no answer");
  }
}

void CriticalSection::check_signal(std::string_view entity_id) {
  if (stage == Stage::abandoned || find(entity_id) == nullptr) return;
  refuse(entity_id, "signalled by the orchestration that locks it: call it");
}

void CriticalSection::check_child() const {
  if (stage == Stage::abandoned) return;
  throw std::logic_error("a sub-orchestration can't be called while entities are locked");
}

void CriticalSection::refuse_second() const {
  throw std::logic_error(stage == Stage::abandoned
                             ? "entities can't be locked before an earlier request, whose Future "
                               "was dropped, is granted and given back"
                             : "entities can't be locked while another lock is held or asked for");
}

void CriticalSection::call_answered(std::int32_t action_id) {
  for (Entity& entity : entities) {
    if (entity.open_call == action_id) entity.open_call = -1;
  }
}

std::size_t CriticalSection::memory_bytes() const {
  std::size_t bytes = sizeof *this + entities.capacity() * sizeof(Entity);
  for (const Entity& entity : entities) bytes += entity.id.capacity();
  return bytes;
}

FutureState* ExecutionCore::call_entity(std::string_view entity_id, std::string_view operation,
                                        std::string_view input) {
  if (closing_) return nullptr;
  if (critical_section_) critical_section_->check_call(entity_id);
  HistoryEventView action;
  action.kind = HistoryEventKind::entity_operation_called;
  action.instance_id = entity_id;
  action.name = operation;
  action.data = input;
  action.has_data = true;
  action.trace_parent = started_.trace_parent;
  FutureState* future = record_call(action);
  if (critical_section_) {
    CriticalSection::Entity* locked = critical_section_->find(entity_id);
    if (locked != nullptr) locked->open_call = action.event_id;
  }
  return future;
}

void ExecutionCore::signal_entity(std::string_view entity_id, std::string_view operation,
                                  std::string_view input, std::optional<Timestamp> at) {
  if (closing_) return;
  if (critical_section_) critical_section_->check_signal(entity_id);
  HistoryEventView action = signal_action(entity_id, operation, input, at);
  action.trace_parent = started_.trace_parent;
  record(action);
}

FutureState* ExecutionCore::lock_entities(const std::vector<std::string>& sorted_ids) {
  if (closing_) return nullptr;
  if (critical_section_) critical_section_->refuse_second();
  std::string lock_set;
  encode_lock_set(sorted_ids, lock_set);
  HistoryEventView action;
  action.kind = HistoryEventKind::entity_lock_requested;
  action.lock_set = lock_set;
  FutureState* future = record_call(action);
  critical_section_ = std::make_unique<CriticalSection>();
  critical_section_->request_id = action.event_id;
  for (const std::string& id : sorted_ids) critical_section_->entities.push_back({id, -1});
  return future;
}

void ExecutionCore::check_may_call_child() const {
  if (critical_section_ && !closing_) critical_section_->check_child();
}

bool ExecutionCore::holds_lock(std::int32_t request_id) const {
  return critical_section_ && critical_section_->request_id == request_id &&
         critical_section_->stage == CriticalSection::Stage::held;
}

void ExecutionCore::grant_lock(const HistoryEventView& event) {
  if (critical_section_ && critical_section_->request_id == event.scheduled_id) {
    Action& action = actions_[static_cast<std::size_t>(event.scheduled_id)];
    const bool first = !action.resolved;
    if (first && action.future == nullptr) {
      action.resolved = true;
      critical_section_->stage = CriticalSection::Stage::held;
      return release_lock(event.scheduled_id);
    }
    if (first) {
      critical_section_->stage = CriticalSection::Stage::held;
      action.future->holds_lock = true;
    }
  }
  complete_action(event, HistoryEventKind::entity_lock_requested, FutureStatus::completed, {});
}

void ExecutionCore::answer_entity_call(const HistoryEventView& event, FutureStatus status,
                                       std::string_view value) {
  if (critical_section_) critical_section_->call_answered(event.scheduled_id);
  complete_action(event, HistoryEventKind::entity_operation_called, status, value);
}

void ExecutionCore::abandon_lock_request(std::int32_t request_id) noexcept {
  if (critical_section_ && critical_section_->request_id == request_id) {
    critical_section_->stage = CriticalSection::Stage::abandoned;
  }
}

void ExecutionCore::release_lock(std::int32_t request_id) {
  // Nothing is said of an end to come: the orchestrator has returned, its variables are going.
  const bool ending =
      closing_ || out_ == nullptr || (root_.handle_ && root_.handle_.promise().value.has_value());
  if (ending || !holds_lock(request_id)) return;
  const std::unique_ptr<CriticalSection> section = std::move(critical_section_);
  for (const CriticalSection::Entity& entity : section->entities) {
    HistoryEventView action;
    action.kind = HistoryEventKind::entity_unlock_sent;
    action.instance_id = entity.id;
    action.scheduled_id = request_id;
    record(action);
  }
}

}  // namespace model

EntityLock& EntityLock::operator=(EntityLock&& other) noexcept {
  if (this == &other) return *this;
  release();
  core_ = std::exchange(other.core_, nullptr);
  request_id_ = other.request_id_;
  return *this;
}

void EntityLock::release() noexcept {
  if (core_ != nullptr) std::exchange(core_, nullptr)->release_lock(request_id_);
}

bool EntityLock::held() const { return core_ != nullptr && core_->holds_lock(request_id_); }

EntityLock EntityLock::of(model::FutureState& state) {
  state.holds_lock = false;
  EntityLock lock;
  lock.core_ = state.core;
  lock.request_id_ = state.action_id;
  return lock;
}

}  // namespace ingot
