#pragma once

// The lock on entities that an execution has asked for or holds, and what it forbids meanwhile. The
// rules keep locks free of deadlock: under one, an execution waits for nothing but its own
// entities.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ingot::model {

struct CriticalSection {
  // abandoned: its Future was dropped before the grant, which gives it back at once. It forbids
  // nothing but another one.
  enum class Stage : std::uint8_t { requested, held, abandoned };
  struct Entity {
    std::string id;
    std::int32_t open_call = -1;  // the action id of the call that has no answer yet
  };

  Stage stage = Stage::requested;
  std::int32_t request_id = -1;  // the action id of EntityLockRequested
  std::vector<Entity> entities;  // in the order of their ids

  // The one of the lock, or null.
  [[nodiscard]] Entity* find(std::string_view id);
  // These throw std::logic_error when the thing is not allowed now.
  void check_call(std::string_view entity_id);
  void check_signal(std::string_view entity_id);
  void check_child() const;
  [[noreturn]] void refuse_second() const;
  // The entity call with that action id was answered.
  void call_answered(std::int32_t action_id);
  [[nodiscard]] std::size_t memory_bytes() const;
};

}  // namespace ingot::model
