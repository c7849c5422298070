#include <ingot/registry.h>

#include <algorithm>

#include "core/hash.h"
#include "core/try.h"

namespace ingot {
namespace {

template <typename Map, typename Value>
Status add(Map& map, std::string_view what, std::string name, Value value, bool callable) {
  INGOT_TRY(validate_name(what, name));
  if (!callable) {
    return Status(StatusCode::invalid_argument,
                  "the " + std::string(what) + " \"" + name + "\" has no function");
  }
  const auto [at, added] = map.try_emplace(std::move(name), std::move(value));
  if (!added) {
    return Status(StatusCode::already_exists,
                  "the " + std::string(what) + " \"" + at->first + "\" is registered already");
  }
  return {};
}

template <typename Map>
std::vector<std::string> sorted_names(const Map& map) {
  std::vector<std::string> names;
  names.reserve(map.size());
  for (const auto& [name, value] : map) names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

template <typename Map>
auto find(const Map& map, std::string_view name) {
  const auto at = map.find(name);
  return at == map.end() ? nullptr : &at->second;
}

}  // namespace

std::size_t Registry::NameHash::operator()(std::string_view name) const noexcept {
  return static_cast<std::size_t>(hash64(name));
}

Status Registry::add_orchestrator(std::string name, OrchestratorFn function) {
  const bool callable = static_cast<bool>(function);
  return add(orchestrators_, "orchestrator", std::move(name), std::move(function), callable);
}

Status Registry::add_activity(std::string name, ActivityFn function, ActivityOptions options) {
  const bool callable = static_cast<bool>(function);
  return add(activities_, "activity", std::move(name), Activity{std::move(function), options},
             callable);
}

const OrchestratorFn* Registry::find_orchestrator(std::string_view name) const {
  return find(orchestrators_, name);
}

const Activity* Registry::find_activity(std::string_view name) const {
  return find(activities_, name);
}

Status Registry::add_entity(std::string_view name, EntityFn function) {
  if (name.find('@') != std::string_view::npos) {
    return Status(StatusCode::invalid_argument,
                  "the name of the entity \"" + std::string(name) + "\" has an '@'");
  }
  const bool callable = static_cast<bool>(function);
  return add(entities_, "entity", EntityId(name, {}).name, std::move(function), callable);
}

// Most names are in lower case as they come.
const EntityFn* Registry::find_entity(std::string_view name) const {
  if (const EntityFn* function = find(entities_, name); function != nullptr) return function;
  return find(entities_, EntityId(name, {}).name);
}

std::vector<std::string> Registry::orchestrator_names() const {
  return sorted_names(orchestrators_);
}

std::vector<std::string> Registry::activity_names() const { return sorted_names(activities_); }
std::vector<std::string> Registry::entity_names() const { return sorted_names(entities_); }

}  // namespace ingot
