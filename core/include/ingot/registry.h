#pragma once

// The orchestrators, activities and entities that a program offers, by name.

#include <ingot/entity_context.h>
#include <ingot/orchestration_context.h>
#include <ingot/status.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace ingot {

// What an activity sees of its call; valid until it returns.
struct ActivityContext {
  std::string_view name;
  std::string_view instance_id;
  std::int32_t task_id = -1;  // with the instance's execution, the same for every delivery
  std::string_view input;
};

// Gives the result, or throws to fail. It may run more than once for one call (after a crash), and
// on several threads at once.
using ActivityFn = std::function<std::string(const ActivityContext&)>;

struct ActivityOptions {
  bool run_inline = false;  // run on the shard's thread: it must not block
};

struct Activity {
  ActivityFn function;
  ActivityOptions options;
};

// Filled before a hub is opened with it, read only from then on (by any thread).
class Registry {
 public:
  // `invalid_argument` for a bad name or an empty function, `already_exists` for a name in use.
  Status add_orchestrator(std::string name, OrchestratorFn function);
  Status add_activity(std::string name, ActivityFn function, ActivityOptions options = {});
  // The same; names of entities have no '@', and their case is of no account.
  Status add_entity(std::string_view name, EntityFn function);

  // Null when there is none. The pointers stay valid as long as the registry.
  [[nodiscard]] const OrchestratorFn* find_orchestrator(std::string_view name) const;
  [[nodiscard]] const Activity* find_activity(std::string_view name) const;
  [[nodiscard]] const EntityFn* find_entity(std::string_view name) const;

  // In the order of their bytes.
  [[nodiscard]] std::vector<std::string> orchestrator_names() const;
  [[nodiscard]] std::vector<std::string> activity_names() const;
  [[nodiscard]] std::vector<std::string> entity_names() const;  // in lower case

 private:
  struct NameHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const noexcept;
  };
  template <typename Value>
  using ByName = std::unordered_map<std::string, Value, NameHash, std::equal_to<>>;

  ByName<OrchestratorFn> orchestrators_;
  ByName<Activity> activities_;
  ByName<EntityFn> entities_;
};

}  // namespace ingot
