#pragma once

// The engine's side of random programs: orchestrators, activities and entities that run scripts.

#include <ingot/registry.h>

#include <map>
#include <string>

#include "tests/semantics/script.h"

namespace ingot::semantics {

// The outside world: gates that let an activity succeed. Shared by all incarnations of a hub.
using Gates = std::map<std::string, bool>;

// Registers "script" and what it needs. `gates` outlives the registry.
void register_programs(Registry& registry, const Gates& gates);

}  // namespace ingot::semantics
