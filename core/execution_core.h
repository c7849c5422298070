#pragma once

// The machine inside an Execution: feeds events to the coroutines and records their actions.
//
// Invariants:
//   - one coroutine runs at a time. Each event resolves at most one future; whoever waits for it is
//     queued, and the queue is run dry, first in first out, before the next event is looked at.
//   - actions_[id] is the action with that id; an id is given when an action is recorded.
//   - in a replay the recorded actions go to recorded_, where the history's own are checked against
//     them in order; otherwise they go to the caller's buffer. Nothing else differs.
//   - coroutine frames end before anything they can refer to: first the started tasks, newest
//   first,
//     then the orchestrator. From then on the context records nothing.

#include <array>
#include <coroutine>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/critical_section.h"
#include "core/execution.h"
#include "core/history_codec.h"
#include "core/recycled.h"

namespace ingot::model {

// Bytes of the coroutine frames that this thread made, less those it ended; wraps.
[[nodiscard]] std::size_t thread_frame_bytes() noexcept;

class ExecutionCore : public Recycled<ExecutionCore> {
 public:
  explicit ExecutionCore(const OrchestratorFn& orchestrator);
  ExecutionCore(const ExecutionCore&) = delete;
  ExecutionCore& operator=(const ExecutionCore&) = delete;
  ~ExecutionCore();

  void replay(std::string_view history);
  StepResult step(std::string_view new_events, std::string& actions);
  [[nodiscard]] std::size_t memory_bytes() const;

  // For the context, from within a coroutine.

  [[nodiscard]] const HistoryEventView& started() const { return started_; }
  [[nodiscard]] Timestamp now() const { return now_; }
  [[nodiscard]] bool replaying() const { return replaying_; }
  [[nodiscard]] std::uint64_t next_guid() { return guids_++; }
  // The id that the next recorded action gets.
  [[nodiscard]] std::int32_t next_action_id() const {
    return static_cast<std::int32_t>(actions_.size());
  }
  void set_custom_status(std::string_view status);
  // Fills in id and time, and records the action.
  void record(HistoryEventView& action);
  // The same for an action that is answered; null when the frames are being destroyed.
  FutureState* record_call(HistoryEventView& action);
  FutureState* wait_for_event(std::string_view name, std::optional<Timestamp> deadline);
  FutureState* start(std::coroutine_handle<> task, PromiseBase& promise);
  void continue_as_new(std::string_view input, bool keep_events);
  // Entities; in critical_section.cc. What a lock does not allow throws std::logic_error.
  FutureState* call_entity(std::string_view entity_id, std::string_view operation,
                           std::string_view input);
  void signal_entity(std::string_view entity_id, std::string_view operation, std::string_view input,
                     std::optional<Timestamp> at);
  FutureState* lock_entities(const std::vector<std::string>& sorted_ids);
  void check_may_call_child() const;
  [[nodiscard]] bool holds_lock(std::int32_t request_id) const;
  void release_lock(std::int32_t request_id);

  // For futures and coroutines.

  void make_ready(std::coroutine_handle<> coroutine);
  void task_finished(FutureState& state);
  void release(FutureState& state) noexcept;

 private:
  struct Action {
    FutureState* future = nullptr;  // null once it is resolved or dropped
    HistoryEventKind kind{};
    bool resolved = false;
  };
  void process(std::string_view events);
  void feed(const HistoryEventView& event, std::string_view bytes);
  void begin(std::string_view bytes);
  void raise(const HistoryEventView& event, std::string_view bytes);
  void terminate(const HistoryEventView& event);
  void complete_action(const HistoryEventView& event, HistoryEventKind kind, FutureStatus status,
                       std::string_view value);
  void answer_entity_call(const HistoryEventView& event, FutureStatus status,
                          std::string_view value);
  void grant_lock(const HistoryEventView& event);
  void abandon_lock_request(std::int32_t request_id) noexcept;
  void resume_suspended();

  void check_action(const HistoryEventView& event);
  void check_all_actions_seen();
  void disagree_on_completion(const HistoryEventView& event);
  void disagree(std::string message);
  void finish_disagreed(std::int32_t id);

  void resolve(FutureState& state, FutureStatus status, std::string_view value);
  void wake(FutureState& state);
  void run();
  void finish();
  void finish_failed(const FailureDetails& failure);
  void drop_finished_tasks() noexcept;
  void destroy_coroutines() noexcept;

  FutureState* make_future();
  void drop_reference(FutureState& state) noexcept;
  void forget_wait(FutureState& state) noexcept;

  const OrchestratorFn& orchestrator_;
  OrchestrationContext context_{*this};

  std::string started_bytes_;
  HistoryEventView started_;  // views into started_bytes_
  Timestamp now_;
  std::uint64_t guids_ = 0;
  bool begun_ = false;
  bool replaying_ = false;
  bool suspended_ = false;
  bool finished_ = false;
  bool closing_ = false;    // the coroutines are being destroyed, or are gone
  bool continues_ = false;  // continue_as_new() was called
  bool continued_ = false;  // ContinueAsNew was recorded
  bool keep_events_ = true;

  Task<std::string> root_;
  std::coroutine_handle<> next_ready_;  // the queue's front; the rest is in ready_
  std::vector<std::coroutine_handle<>> ready_;
  std::size_t ready_head_ = 0;

  std::vector<Action> actions_;
  std::string* out_ = nullptr;
  std::string recorded_;  // in a replay: actions not yet seen in the history
  std::size_t recorded_head_ = 0;
  std::int32_t history_next_id_ = 0;
  std::string disagreement_;  // what code and history disagree on; empty: nothing

  std::unique_ptr<CriticalSection> critical_section_;  // null: no lock is held or asked for

  std::vector<FutureState*> event_waits_;  // in the order of the calls
  std::vector<std::string> buffered_;      // encoded, in the order of arrival; empty once taken
  std::size_t buffered_head_ = 0;
  std::string deferred_;  // events that came while suspended
  std::string next_input_;
  std::string carry_over_;
  std::optional<std::string> custom_status_;

  std::vector<FutureState*> tasks_;           // started and not ended; null where ended
  std::vector<FutureState*> finished_tasks_;  // ended in the resumption that is under way

  static constexpr std::size_t kFirstFutures = 4;
  std::array<FutureState, kFirstFutures> first_futures_;
  std::size_t first_used_ = 0;
  std::vector<std::unique_ptr<FutureState[]>> more_futures_;
  FutureState* free_futures_ = nullptr;

  std::size_t frame_bytes_ = 0;
  std::size_t text_bytes_ = 0;
  std::size_t more_bytes_ = 0;
};

}  // namespace ingot::model
