#include <ingot/history_event.h>

namespace ingot {

std::string_view to_string(HistoryEventKind kind) {
  switch (kind) {
    case HistoryEventKind::execution_started:
      return "ExecutionStarted";
    case HistoryEventKind::execution_completed:
      return "ExecutionCompleted";
    case HistoryEventKind::execution_terminated:
      return "ExecutionTerminated";
    case HistoryEventKind::task_scheduled:
      return "TaskScheduled";
    case HistoryEventKind::task_completed:
      return "TaskCompleted";
    case HistoryEventKind::task_failed:
      return "TaskFailed";
    case HistoryEventKind::sub_orchestration_created:
      return "SubOrchestrationInstanceCreated";
    case HistoryEventKind::sub_orchestration_completed:
      return "SubOrchestrationInstanceCompleted";
    case HistoryEventKind::sub_orchestration_failed:
      return "SubOrchestrationInstanceFailed";
    case HistoryEventKind::timer_created:
      return "TimerCreated";
    case HistoryEventKind::timer_fired:
      return "TimerFired";
    case HistoryEventKind::orchestrator_started:
      return "OrchestratorStarted";
    case HistoryEventKind::event_sent:
      return "EventSent";
    case HistoryEventKind::event_raised:
      return "EventRaised";
    case HistoryEventKind::continue_as_new:
      return "ContinueAsNew";
    case HistoryEventKind::execution_suspended:
      return "ExecutionSuspended";
    case HistoryEventKind::execution_resumed:
      return "ExecutionResumed";
    case HistoryEventKind::entity_operation_signaled:
      return "EntityOperationSignaled";
    case HistoryEventKind::entity_operation_called:
      return "EntityOperationCalled";
    case HistoryEventKind::entity_operation_completed:
      return "EntityOperationCompleted";
    case HistoryEventKind::entity_operation_failed:
      return "EntityOperationFailed";
    case HistoryEventKind::entity_lock_requested:
      return "EntityLockRequested";
    case HistoryEventKind::entity_lock_granted:
      return "EntityLockGranted";
    case HistoryEventKind::entity_unlock_sent:
      return "EntityUnlockSent";
    case HistoryEventKind::execution_rewound:
      return "ExecutionRewound";
  }
  return "Unnamed";
}

std::string_view to_string(RuntimeStatus status) {
  switch (status) {
    case RuntimeStatus::pending:
      return "Pending";
    case RuntimeStatus::running:
      return "Running";
    case RuntimeStatus::completed:
      return "Completed";
    case RuntimeStatus::failed:
      return "Failed";
    case RuntimeStatus::terminated:
      return "Terminated";
    case RuntimeStatus::suspended:
      return "Suspended";
    case RuntimeStatus::continued_as_new:
      return "ContinuedAsNew";
  }
  return "Unnamed";
}

std::optional<RuntimeStatus> parse_runtime_status(std::string_view text) {
  for (std::uint8_t i = 0; i <= kRuntimeStatusMax; ++i) {
    const auto status = static_cast<RuntimeStatus>(i);
    if (text == to_string(status)) return status;
  }
  return std::nullopt;
}

}  // namespace ingot
