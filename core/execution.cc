#include "core/execution.h"

#include "core/execution_core.h"

namespace ingot {

Execution::Execution(const OrchestratorFn& orchestrator)
    : core_(std::make_unique<model::ExecutionCore>(orchestrator)) {}
Execution::~Execution() = default;
Execution::Execution(Execution&&) noexcept = default;
Execution& Execution::operator=(Execution&&) noexcept = default;

void Execution::replay(std::string_view history) { core_->replay(history); }

StepResult Execution::step(std::string_view new_events, std::string& actions) {
  return core_->step(new_events, actions);
}

std::size_t Execution::memory_bytes() const { return sizeof *this + core_->memory_bytes(); }

}  // namespace ingot
