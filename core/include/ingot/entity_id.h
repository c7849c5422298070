#pragma once

// The name of an entity: which kind of entity, and which one of it.
//
// As an instance id it reads "@name@key". Names are lower-case, so that "Counter" and "counter" are
// one kind; keys are taken as they are and may contain '@', or be empty. Entities and
// orchestrations share the instance ids of a hub: what is_entity_id() accepts is never an
// orchestration's.

#include <ingot/status.h>

#include <compare>
#include <string>
#include <string_view>

namespace ingot {

struct EntityId {
  EntityId() = default;
  // Lower-cases the name (ASCII); checks nothing.
  EntityId(std::string_view entity_name, std::string_view entity_key);

  std::string name;
  std::string key;

  auto operator<=>(const EntityId&) const = default;
};

// "@name@key", the id of the entity's instance.
[[nodiscard]] std::string to_string(const EntityId& id);
// The reverse. `invalid_argument` for what is not of that form: the name is not empty and has no
// '@', and the whole is what validate_instance_id() accepts. The name may be in upper case;
// to_string() of the result is the one spelling that instances go by.
[[nodiscard]] Result<EntityId> parse_entity_id(std::string_view text);
// True for what parse_entity_id() takes. Allocates nothing for texts that do not begin with '@'.
[[nodiscard]] bool is_entity_id(std::string_view text);
// `invalid_argument` for a name or key that parse_entity_id() could not give.
[[nodiscard]] Status validate_entity_id(const EntityId& id);

}  // namespace ingot
