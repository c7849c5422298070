#pragma once

// What an orchestrator decided: the protocol's actions as the events that they become.
//
// `requiresHistory`, chunks and tokens are the service's business: the response that is read here
// is whole. Actions are put in the order of their ids, completions last. Ids may be taken again by
// an SDK whose retries do so; the engine says when that is wrong.

#include <ingot/status.h>
#include <ingot/work_items.h>
#include <orchestrator_service.pb.h>

namespace ingot::server {

// invalid_argument names the action and what is wrong with it. A `rewindOrchestration` is refused:
// this server rewinds instances itself, and never asks a worker for it.
[[nodiscard]] Result<OrchestrationOutcome> read_outcome(const ::OrchestratorResponse& response);

// The id of an entity in its one spelling; invalid_argument for anything else. `field` names it.
[[nodiscard]] Result<std::string> read_entity_id(std::string_view field, std::string_view id);

}  // namespace ingot::server
