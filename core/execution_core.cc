// The way of an event: process() -> feed() -> one of the handlers -> resolve() -> run().
// What code and history disagree on is the business of replay_check.cc, futures of futures.cc.

#include "core/execution_core.h"

#include <algorithm>
#include <utility>

#include "core/activity_runner.h"

namespace ingot::model {
namespace {

constexpr std::size_t kFirstActions = 8;

}  // namespace

ExecutionCore::ExecutionCore(const OrchestratorFn& orchestrator) : orchestrator_(orchestrator) {
  actions_.reserve(kFirstActions);
}

ExecutionCore::~ExecutionCore() { destroy_coroutines(); }

void ExecutionCore::replay(std::string_view history) {
  const std::size_t frames_before = thread_frame_bytes();
  replaying_ = true;
  out_ = &recorded_;
  process(history);
  check_all_actions_seen();
  out_ = nullptr;
  replaying_ = false;
  custom_status_.reset();
  frame_bytes_ += thread_frame_bytes() - frames_before;
}

StepResult ExecutionCore::step(std::string_view new_events, std::string& actions) {
  StepResult result;
  if (!finished_) {
    const std::size_t frames_before = thread_frame_bytes();
    const std::size_t actions_start = actions.size();
    const std::int32_t first_id = disagreement_.empty() ? next_action_id() : history_next_id_;
    out_ = &actions;
    process(new_events);
    if (!disagreement_.empty()) {
      actions.resize(actions_start);
      finish_disagreed(first_id);
    }
    out_ = nullptr;
    result.custom_status = std::exchange(custom_status_, std::nullopt);
    result.carry_over = std::exchange(carry_over_, std::string());
    frame_bytes_ += thread_frame_bytes() - frames_before;
  }
  result.finished = finished_;
  return result;
}

void ExecutionCore::process(std::string_view events) {
  Reader reader(events);
  while (reader.more()) {
    const char* start = reader.at();
    const HistoryEventView event = decode_trusted_event(reader);
    if (!reader.ok()) return disagree("an event of the history can't be decoded");
    if (event.event_id >= 0) {
      check_action(event);
      continue;
    }
    if (event.kind == HistoryEventKind::orchestrator_started) {
      check_all_actions_seen();
      now_ = event.timestamp;
    } else if (disagreement_.empty()) {
      feed(event, std::string_view(start, static_cast<std::size_t>(reader.at() - start)));
    }
  }
}

void ExecutionCore::feed(const HistoryEventView& event, std::string_view bytes) {
  using Kind = HistoryEventKind;
  if (finished_) {
    const bool to_instance = event.kind == Kind::execution_terminated ||
                             event.kind == Kind::execution_suspended ||
                             event.kind == Kind::execution_resumed;
    const bool kept = event.kind == Kind::event_raised && keep_events_;
    if (continued_ && (to_instance || kept)) carry_over_.append(bytes);
    return;
  }
  switch (event.kind) {
    case Kind::execution_terminated:
      return terminate(event);
    case Kind::execution_suspended:
      suspended_ = true;
      return;
    case Kind::execution_resumed:
      return resume_suspended();
    default:
      break;
  }
  if (suspended_) {
    deferred_.append(bytes);
    return;
  }
  switch (event.kind) {
    case Kind::execution_started:
      return begin(bytes);
    case Kind::task_completed:
      return complete_action(event, Kind::task_scheduled, FutureStatus::completed, event.data);
    case Kind::task_failed:
      return complete_action(event, Kind::task_scheduled, FutureStatus::failed, event.failure);
    case Kind::sub_orchestration_completed:
      return complete_action(event, Kind::sub_orchestration_created, FutureStatus::completed,
                             event.data);
    case Kind::sub_orchestration_failed:
      return complete_action(event, Kind::sub_orchestration_created, FutureStatus::failed,
                             event.failure);
    case Kind::timer_fired:
      return complete_action(event, Kind::timer_created, FutureStatus::completed, {});
    case Kind::event_raised:
      return raise(event, bytes);
    case Kind::entity_operation_completed:
      return answer_entity_call(event, FutureStatus::completed, event.data);
    case Kind::entity_operation_failed:
      return answer_entity_call(event, FutureStatus::failed, event.failure);
    case Kind::entity_lock_granted:
      return grant_lock(event);
    default:
      return;  // of no meaning to an orchestrator
  }
}

void ExecutionCore::begin(std::string_view bytes) {
  if (begun_) return;
  begun_ = true;
  started_bytes_ = bytes;
  Reader reader(started_bytes_);
  started_ = decode_trusted_event(reader);
  try {
    root_ = orchestrator_(context_);
    if (!root_.handle_) throw_misuse("the orchestrator's function returned no Task");
  } catch (...) {
    return finish_failed(describe_current_exception());
  }
  root_.handle_.promise().core = this;
  make_ready(root_.handle_);
  run();
}

void ExecutionCore::complete_action(const HistoryEventView& event, HistoryEventKind kind,
                                    FutureStatus status, std::string_view value) {
  const auto index = static_cast<std::size_t>(event.scheduled_id);
  if (event.scheduled_id < 0 || index >= actions_.size() || actions_[index].kind != kind) {
    return disagree_on_completion(event);
  }
  Action& action = actions_[index];
  if (action.resolved) return;
  action.resolved = true;
  FutureState* future = std::exchange(action.future, nullptr);
  if (future == nullptr) return;
  if (future->waits_for_event) {
    std::erase(event_waits_, future);
    future->waits_for_event = false;
    status = FutureStatus::timed_out;
  }
  resolve(*future, status, value);
  run();
}

void ExecutionCore::raise(const HistoryEventView& event, std::string_view bytes) {
  const auto wait = std::find_if(event_waits_.begin(), event_waits_.end(),
                                 [&](const FutureState* f) { return f->value == event.name; });
  if (wait == event_waits_.end()) {
    buffered_.push_back({std::string(bytes)});
    text_bytes_ += bytes.size();
    return;
  }
  FutureState& future = **wait;
  forget_wait(future);
  resolve(future, FutureStatus::completed, event.data);
  run();
}

void ExecutionCore::resume_suspended() {
  suspended_ = false;
  const std::string events = std::exchange(deferred_, std::string());
  Reader reader(events);
  while (reader.more() && disagreement_.empty()) {
    const char* start = reader.at();
    const HistoryEventView event = decode_trusted_event(reader);
    feed(event, std::string_view(start, static_cast<std::size_t>(reader.at() - start)));
  }
}

void ExecutionCore::make_ready(std::coroutine_handle<> coroutine) {
  if (next_ready_) {
    ready_.push_back(coroutine);
  } else {
    next_ready_ = coroutine;
  }
}

void ExecutionCore::run() {
  while (next_ready_) {
    const std::coroutine_handle<> coroutine = next_ready_;
    if (ready_head_ < ready_.size()) {
      next_ready_ = ready_[ready_head_++];
    } else {
      next_ready_ = nullptr;
      ready_.clear();
      ready_head_ = 0;
    }
    coroutine.resume();
    // Their frames were in use until now.
    drop_finished_tasks();
  }
  if (!finished_ && root_.handle_ && root_.handle_.done()) finish();
}

void ExecutionCore::finish() {
  auto& promise = root_.handle_.promise();
  if (promise.exception) {
    try {
      std::rethrow_exception(promise.exception);
    } catch (...) {
      return finish_failed(describe_current_exception());
    }
  }
  HistoryEventView action;
  action.has_data = true;
  if (continues_) {
    action.kind = HistoryEventKind::continue_as_new;
    action.data = next_input_;
    continued_ = true;
    for (std::size_t i = buffered_head_; keep_events_ && i < buffered_.size(); ++i) {
      carry_over_ += buffered_[i];
    }
  } else {
    action.kind = HistoryEventKind::execution_completed;
    action.status = RuntimeStatus::completed;
    action.data = *promise.value;
  }
  record(action);
  finished_ = true;
  destroy_coroutines();
}

void ExecutionCore::finish_failed(const FailureDetails& failure) {
  std::string encoded;
  encode_failure(failure, encoded);
  HistoryEventView action;
  action.kind = HistoryEventKind::execution_completed;
  action.status = RuntimeStatus::failed;
  action.failure = encoded;
  record(action);
  finished_ = true;
  destroy_coroutines();
}

void ExecutionCore::terminate(const HistoryEventView& event) {
  HistoryEventView action;
  action.kind = HistoryEventKind::execution_completed;
  action.status = RuntimeStatus::terminated;
  action.data = event.data;
  action.has_data = event.has_data;
  record(action);
  finished_ = true;
  destroy_coroutines();
}

void ExecutionCore::destroy_coroutines() noexcept {
  closing_ = true;
  next_ready_ = nullptr;
  ready_.clear();
  ready_head_ = 0;
  for (std::size_t i = tasks_.size(); i-- > 0;) {
    if (tasks_[i] == nullptr) continue;
    std::exchange(tasks_[i]->task, nullptr).destroy();
    drop_reference(*tasks_[i]);
  }
  tasks_.clear();
  root_ = Task<std::string>();
  drop_finished_tasks();
}

void ExecutionCore::drop_finished_tasks() noexcept {
  for (std::size_t i = 0; i < finished_tasks_.size(); ++i) drop_reference(*finished_tasks_[i]);
  finished_tasks_.clear();
}

void ExecutionCore::record(HistoryEventView& action) {
  if (closing_) return;
  if (out_ == nullptr) throw_misuse("an orchestration context was used outside a step");
  action.event_id = next_action_id();
  action.timestamp = now_;
  encode_event(action, *out_);
  actions_.push_back({nullptr, action.kind, false});
}

void ExecutionCore::set_custom_status(std::string_view status) {
  if (!closing_) custom_status_.emplace(status);
}

void ExecutionCore::continue_as_new(std::string_view input, bool keep_events) {
  continues_ = true;
  keep_events_ = keep_events;
  next_input_ = input;
}

std::size_t ExecutionCore::memory_bytes() const {
  std::size_t bytes = sizeof *this + frame_bytes_ + text_bytes_ + started_bytes_.capacity();
  bytes += actions_.capacity() * sizeof(Action) + recorded_.capacity() + deferred_.capacity();
  bytes += buffered_.capacity() * sizeof(std::string) + next_input_.capacity();
  bytes += (event_waits_.capacity() + tasks_.capacity() + ready_.capacity()) * sizeof(void*);
  if (critical_section_) bytes += critical_section_->memory_bytes();
  return bytes + more_bytes_;
}

}  // namespace ingot::model
