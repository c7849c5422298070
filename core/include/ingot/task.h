#pragma once

// Task<T>, the coroutine type of orchestrators and of their helpers, and Future<T>, the result to
// be of an activity, timer, event or child.
//
// A Task is lazy: it runs from the `co_await` on it, up to its first wait, like a function call.
// A Future is a handle on something that was already asked for; dropping it forgets the result,
// not the action. Everything belongs to one execution and is used on its thread only, inside its
// coroutines only; a Future must not outlive them.
//
// Awaiting: `co_await future` copies the result and may be repeated; `co_await std::move(future)`
// and `co_await` on a temporary move it out. Only one coroutine at a time may wait for a future:
// the second gets std::logic_error, and so does one that awaits an empty Future or Task.
//
// What is in `ingot::model` is not for use by programs.

#include <ingot/task_model.h>

#include <coroutine>
#include <utility>

namespace ingot {

template <typename T>
class [[nodiscard]] Task {
 public:
  using promise_type = model::TaskPromise<T>;

  Task() = default;
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  model::TaskAwaiter<T> operator co_await() && noexcept { return {handle_}; }

 private:
  friend promise_type;
  friend class model::ExecutionCore;
  friend class OrchestrationContext;
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> take_handle() { return std::exchange(handle_, nullptr); }

  std::coroutine_handle<promise_type> handle_;
};

template <typename T>
class [[nodiscard]] Future {
 public:
  Future() = default;  // Empty: must not be awaited.

  // True when awaiting it won't wait.
  [[nodiscard]] bool done() const {
    return state_.get() != nullptr && state_.get()->status != model::FutureStatus::pending;
  }
  // Awaitable: waits until done(), and neither throws the failure nor takes the result.
  [[nodiscard]] model::SettledAwaiter settled() const {
    return model::SettledAwaiter(state_.get());
  }

  model::FutureAwaiter<T, false> operator co_await() const& noexcept {
    return model::FutureAwaiter<T, false>(state_.get());
  }
  model::FutureAwaiter<T, true> operator co_await() && noexcept {
    return model::FutureAwaiter<T, true>(state_.get());
  }

  // For the model.
  explicit Future(model::FutureState* state) : state_(state) {}
  [[nodiscard]] model::FutureState* state() const { return state_.get(); }

 private:
  model::FutureRef state_;
};

namespace model {

template <typename T>
Task<T> TaskPromise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<TaskPromise<T>>::from_promise(*this));
}

inline Task<void> TaskPromise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<TaskPromise<void>>::from_promise(*this));
}

}  // namespace model
}  // namespace ingot
