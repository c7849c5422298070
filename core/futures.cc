// Futures of an execution: their pool, how they are made, resolved and dropped.

#include <algorithm>
#include <new>
#include <stdexcept>
#include <utility>

#include "core/execution_core.h"

namespace ingot::model {
namespace {

// Bytes of the coroutine frames that this thread made, less those it ended; wraps.
constinit thread_local std::size_t frame_bytes = 0;

constexpr std::size_t kChunkFuturesMax = 256;

// Wakes at the first of several futures.
struct AnyAwaiter : Waiter {
  explicit AnyAwaiter(const std::vector<FutureRef>& f) : futures(f) {}
  [[nodiscard]] bool await_ready() const {
    bool ready = false;
    for (const FutureRef& future : futures) ready |= SettledAwaiter(future.get()).await_ready();
    return ready;
  }
  void await_suspend(std::coroutine_handle<> h) noexcept {
    coroutine = h;
    for (const FutureRef& future : futures) future.get()->waiter = this;
  }
  [[nodiscard]] std::size_t await_resume() const noexcept {
    std::size_t first = futures.size();
    for (std::size_t i = futures.size(); i-- > 0;) {
      FutureState& state = *futures[i].get();
      if (state.waiter == this) state.waiter = nullptr;
      if (state.status != FutureStatus::pending) first = i;
    }
    return first;
  }

  const std::vector<FutureRef>& futures;
};

}  // namespace

std::size_t thread_frame_bytes() noexcept { return frame_bytes; }

void* PromiseBase::operator new(std::size_t bytes) {
  void* frame = ::operator new(bytes);
  frame_bytes += bytes;
  return frame;
}

void PromiseBase::operator delete(void* frame, std::size_t bytes) noexcept {
  frame_bytes -= bytes;
  ::operator delete(frame, bytes);
}

void task_finished(PromiseBase& promise) noexcept {
  if (promise.continuation) {
    promise.core->make_ready(promise.continuation);
  } else if (promise.started != nullptr) {
    promise.core->task_finished(*promise.started);
  }
}

void release(FutureState& state) noexcept { state.core->release(state); }

void throw_failure(const FutureState& state) {
  throw TaskFailedError(state.action_id, decode_failure(state.value).value_or(FailureDetails{}));
}

void throw_misuse(const char* what) { throw std::logic_error(what); }

Task<std::size_t> any_of(std::vector<FutureRef> futures) {
  if (futures.empty()) throw_misuse("when_any of no futures would wait for ever");
  co_return co_await AnyAwaiter(futures);
}

FutureState* ExecutionCore::make_future() {
  FutureState* state = free_futures_;
  if (state != nullptr) {
    free_futures_ = state->next;
  } else if (first_used_ < kFirstFutures) {
    state = &first_futures_[first_used_++];
  } else {
    const std::size_t count = std::min(kChunkFuturesMax, kFirstFutures << more_futures_.size());
    more_futures_.push_back(std::make_unique<FutureState[]>(count));
    more_bytes_ += count * sizeof(FutureState);
    FutureState* chunk = more_futures_.back().get();
    for (std::size_t i = count; i-- > 1;) {
      chunk[i].next = free_futures_;
      free_futures_ = &chunk[i];
    }
    state = chunk;
  }
  state->core = this;
  return state;
}

FutureState* ExecutionCore::record_call(HistoryEventView& action) {
  if (closing_) return nullptr;
  record(action);
  FutureState* state = make_future();
  state->action_id = action.event_id;
  actions_.back().future = state;
  return state;
}

FutureState* ExecutionCore::wait_for_event(std::string_view name,
                                           std::optional<Timestamp> deadline) {
  if (closing_) return nullptr;
  for (std::size_t i = buffered_head_; i < buffered_.size(); ++i) {
    if (buffered_[i].empty()) continue;
    Reader reader(buffered_[i]);
    const HistoryEventView event = decode_trusted_event(reader);
    if (event.name != name) continue;
    FutureState* state = make_future();
    resolve(*state, FutureStatus::completed, event.data);
    text_bytes_ -= buffered_[i].size();
    std::string().swap(buffered_[i]);
    while (buffered_head_ < buffered_.size() && buffered_[buffered_head_].empty()) ++buffered_head_;
    if (buffered_head_ == buffered_.size()) {
      buffered_.clear();
      buffered_head_ = 0;
    }
    return state;
  }
  FutureState* state = nullptr;
  if (deadline) {
    HistoryEventView timer;
    timer.kind = HistoryEventKind::timer_created;
    timer.fire_at = *deadline;
    timer.has_fire_at = true;
    state = record_call(timer);
  } else {
    state = make_future();
  }
  state->value = name;
  state->waits_for_event = true;
  event_waits_.push_back(state);
  return state;
}

FutureState* ExecutionCore::start(std::coroutine_handle<> task, PromiseBase& promise) {
  if (closing_) {
    task.destroy();
    return nullptr;
  }
  FutureState* state = make_future();
  state->task = task;
  state->references = 1;  // the running task's own
  state->action_id = static_cast<std::int32_t>(tasks_.size());
  tasks_.push_back(state);
  promise.core = this;
  promise.started = state;
  task.resume();
  return state;
}

void ExecutionCore::task_finished(FutureState& state) {
  tasks_[static_cast<std::size_t>(state.action_id)] = nullptr;
  while (!tasks_.empty() && tasks_.back() == nullptr) tasks_.pop_back();
  finished_tasks_.push_back(&state);
  state.status = FutureStatus::completed;
  wake(state);
}

void ExecutionCore::resolve(FutureState& state, FutureStatus status, std::string_view value) {
  state.status = status;
  state.value = value;
  state.charged_bytes = value.size();
  text_bytes_ += value.size();
  wake(state);
}

void ExecutionCore::wake(FutureState& state) {
  Waiter* waiter = std::exchange(state.waiter, nullptr);
  if (waiter == nullptr || waiter->queued) return;
  waiter->queued = true;
  make_ready(waiter->coroutine);
}

void ExecutionCore::drop_reference(FutureState& state) noexcept {
  if (--state.references == 0) release(state);
}

// Detaches a future that is still pending from what would resolve it.
void ExecutionCore::forget_wait(FutureState& state) noexcept {
  if (state.waits_for_event) {
    std::erase(event_waits_, &state);
    state.waits_for_event = false;
  }
  if (state.action_id < 0) return;
  actions_[static_cast<std::size_t>(state.action_id)].future = nullptr;
  if (critical_section_) abandon_lock_request(state.action_id);
}

void ExecutionCore::release(FutureState& state) noexcept {
  if (state.task) {
    std::exchange(state.task, nullptr).destroy();
  } else if (state.status == FutureStatus::pending && !closing_) {
    forget_wait(state);
  } else if (state.holds_lock) {
    release_lock(state.action_id);
  }
  text_bytes_ -= state.charged_bytes;
  std::string().swap(state.value);
  state.charged_bytes = 0;
  state.waiter = nullptr;
  state.action_id = -1;
  state.status = FutureStatus::pending;
  state.waits_for_event = false;
  state.holds_lock = false;
  state.next = free_futures_;
  free_futures_ = &state;
}

}  // namespace ingot::model
