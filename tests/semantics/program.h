#pragma once

// The engine's side of random programs: orchestrators, activities and entities that run scripts.

#include <ingot/registry.h>

#include <map>
#include <set>
#include <string>

#include "tests/semantics/script.h"

namespace ingot::semantics {

// The outside world: gates that let an activity succeed. Shared by all incarnations of a hub.
using Gates = std::map<std::string, bool>;
// And what activities have left there that no one waited for.
using Notes = std::set<std::string>;

// Registers "script" and what it needs, all or by kind. `gates` and `notes`, which may be null,
// outlive the registry.
void register_programs(Registry& registry, const Gates& gates, Notes* notes = nullptr);
void register_orchestrators(Registry& registry);
void register_activities(Registry& registry, const Gates& gates, Notes* notes = nullptr);
void register_entities(Registry& registry);

}  // namespace ingot::semantics
