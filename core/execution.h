#pragma once

// One execution of an orchestrator: history in, actions out. No I/O, no clock, no randomness: the
// same events give the same actions, whether they come step by step or by replay.
//
// An execution is a handful of coroutine frames and a table of its actions. It may be dropped at
// any time between steps, and made again by replaying the committed history.

#include <ingot/orchestration_context.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace ingot {

struct StepResult {
  bool finished = false;                     // an ExecutionCompleted or ContinueAsNew was produced
  std::optional<std::string> custom_status;  // set in this step
  // After a ContinueAsNew: the messages that the new execution gets behind its ExecutionStarted, as
  // encoded events (EventRaised not consumed; terminate, suspend and resume that came too late).
  std::string carry_over;
};

// The type of the failure of an execution whose code and history disagree.
inline constexpr std::string_view kNonDeterministicOrchestration = "NonDeterministicOrchestration";

// Used by one thread at a time.
class Execution {
 public:
  // `orchestrator` outlives the execution.
  explicit Execution(const OrchestratorFn& orchestrator);
  ~Execution();
  Execution(Execution&&) noexcept;
  Execution& operator=(Execution&&) noexcept;

  // Runs committed, encoded events: whole steps from the first, each its OrchestratorStarted, its
  // messages and its actions. What the code produces is compared with the actions; where they
  // disagree, the next step ends the execution as failed. At most once, before any step.
  void replay(std::string_view history);

  // Runs a step. `new_events` are encoded: OrchestratorStarted, whose timestamp is the step's
  // time, then the messages. Appends the step's actions to `actions`, each encoded as the event
  // that it becomes, with that timestamp and the action's id: 0, 1, 2 ... over the execution. A
  // step of a finished execution does nothing and says `finished`.
  StepResult step(std::string_view new_events, std::string& actions);

  // An estimate of what it holds, the coroutine frames included. Cheap.
  [[nodiscard]] std::size_t memory_bytes() const;

 private:
  std::unique_ptr<model::ExecutionCore> core_;
};

}  // namespace ingot
