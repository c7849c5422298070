#pragma once

// The engine's side of random programs: orchestrators, activities and entities that run scripts.

#include <ingot/registry.h>

#include <map>
#include <string>

#include "tests/semantics/script.h"

namespace ingot::semantics {

// The outside world: gates that let an activity succeed. Shared by all incarnations of a hub.
using Gates = std::map<std::string, bool>;

// Registers "script" and what it needs, all or by kind. `gates` outlives the registry.
void register_programs(Registry& registry, const Gates& gates);
void register_orchestrators(Registry& registry);
void register_activities(Registry& registry, const Gates& gates);
void register_entities(Registry& registry);

}  // namespace ingot::semantics
