#pragma once

// What an orchestrator holds while entities are locked for it.

#include <cstdint>
#include <utility>

namespace ingot {

namespace model {
class ExecutionCore;
struct FutureState;
}  // namespace model

// The result of OrchestrationContext::lock_entities(). An execution has one lock at a time. It ends
// with release(), with this object, or with the execution, whichever comes first.
//
//   {
//     const ingot::EntityLock lock = co_await context.lock_entities(from, to);
//     ...
//   }  // released
//
// Used on the execution's thread, inside its coroutines; not after them.
class [[nodiscard]] EntityLock {
 public:
  EntityLock() = default;  // of nothing
  EntityLock(EntityLock&& other) noexcept
      : core_(std::exchange(other.core_, nullptr)), request_id_(other.request_id_) {}
  EntityLock& operator=(EntityLock&& other) noexcept;
  EntityLock(const EntityLock&) = delete;
  EntityLock& operator=(const EntityLock&) = delete;
  ~EntityLock() { release(); }

  // Unlocks the entities, one by one in the order of their ids; later than what was asked of them
  // under the lock. Nothing, when it is not held. An orchestrator that is at its `co_return` need
  // not say so: the end of the execution unlocks everything.
  void release() noexcept;
  [[nodiscard]] bool held() const;

  // For the model.
  static EntityLock of(model::FutureState& state);

 private:
  model::ExecutionCore* core_ = nullptr;
  std::int32_t request_id_ = -1;
};

}  // namespace ingot
