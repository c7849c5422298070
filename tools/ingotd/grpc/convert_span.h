#pragma once

// OrchestrationTraceContext: the span that a worker opened for an orchestration. It travels back to
// whoever replays the orchestration, so that all its steps count as one span. The engine keeps it
// with the OrchestratorStarted event of the step, where a trace_parent is:
//
//   span id, line feed, seconds, line feed, nanoseconds      (its start; without one: the id only)

#include <orchestrator_service.pb.h>

#include <string>
#include <string_view>

namespace ingot::server {

[[nodiscard]] std::string read_span(const ::OrchestrationTraceContext& span);
void write_span(std::string_view kept, ::OrchestrationTraceContext* out);

}  // namespace ingot::server
