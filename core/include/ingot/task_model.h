#pragma once

// The machinery beneath Task<T> and Future<T>; see <ingot/task.h>. Not for use by programs.

#include <ingot/failure.h>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace ingot {

template <typename T>
class Task;

namespace model {

class ExecutionCore;

// A coroutine that waits. It lives in an awaiter, hence in that coroutine's frame, and is trivially
// destructible: compilers have mistaken the lifetimes of awaiters that are not.
struct Waiter {
  std::coroutine_handle<> coroutine;
  bool queued = false;
};

enum class FutureStatus : std::uint8_t { pending, completed, failed, timed_out };

// Pooled in its ExecutionCore and counted by reference.
struct FutureState {
  // Written out, or g++ would clear it with `rep stos`.
  FutureState() {}  // NOLINT(modernize-use-equals-default)

  ExecutionCore* core = nullptr;
  Waiter* waiter = nullptr;
  std::coroutine_handle<> task;  // of a started Task: its promise holds the result
  FutureState* next = nullptr;   // in the pool's free list
  std::string value;             // result, encoded failure, or the name of the awaited event
  std::size_t charged_bytes = 0;
  std::uint32_t references = 0;
  std::int32_t action_id = -1;  // the action that resolves it; of a started Task, its ordinal
  FutureStatus status = FutureStatus::pending;
  bool waits_for_event = false;
  bool holds_lock = false;  // an EntityLock that was granted and not yet taken
};

void release(FutureState& state) noexcept;
[[noreturn]] void throw_failure(const FutureState& state);
[[noreturn]] void throw_misuse(const char* what);

// The intrusive pointer to a FutureState.
class FutureRef {
 public:
  FutureRef() = default;
  explicit FutureRef(FutureState* state) : state_(state) {
    if (state_ != nullptr) ++state_->references;
  }
  FutureRef(FutureRef&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  FutureRef& operator=(FutureRef&& other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  FutureRef(const FutureRef&) = delete;
  FutureRef& operator=(const FutureRef&) = delete;
  ~FutureRef() {
    if (state_ != nullptr && --state_->references == 0) release(*state_);
  }
  [[nodiscard]] FutureState* get() const { return state_; }

 private:
  FutureState* state_ = nullptr;
};

// Waits until `state` is no longer pending; gives and throws nothing.
struct SettledAwaiter : Waiter {
  explicit SettledAwaiter(FutureState* s) : state(s) {}
  [[nodiscard]] bool await_ready() const {
    if (state == nullptr) throw_misuse("an empty Future was awaited");
    if (state->status != FutureStatus::pending) return true;
    if (state->waiter != nullptr) throw_misuse("two coroutines await one Future");
    return false;
  }
  void await_suspend(std::coroutine_handle<> h) noexcept {
    coroutine = h;
    state->waiter = this;
  }
  void await_resume() const noexcept {}

  FutureState* state;
};

class PromiseBase;
// Called at a coroutine's end: wakes whoever waits for it.
void task_finished(PromiseBase& promise) noexcept;

struct FinalAwaiter {
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <typename Promise>
  void await_suspend(std::coroutine_handle<Promise> h) const noexcept {
    task_finished(h.promise());
  }
  void await_resume() const noexcept {}
};

class PromiseBase {
 public:
  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
  [[nodiscard]] FinalAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { exception = std::current_exception(); }

  // Frames are counted, for Execution::memory_bytes().
  static void* operator new(std::size_t bytes);
  static void operator delete(void* frame, std::size_t bytes) noexcept;

  ExecutionCore* core = nullptr;
  std::coroutine_handle<> continuation;  // the coroutine that awaits this one
  FutureState* started = nullptr;        // of a Task that was started on its own
  std::exception_ptr exception;
};

template <typename T>
class TaskPromise final : public PromiseBase {
 public:
  Task<T> get_return_object();
  template <typename U>
  requires std::is_convertible_v<U&&, T>
  void return_value(U&& result) { value.emplace(std::forward<U>(result)); }
  [[nodiscard]] T take() {
    if (exception) std::rethrow_exception(exception);
    return std::move(*value);
  }
  [[nodiscard]] T copy() const {
    if (exception) std::rethrow_exception(exception);
    return *value;
  }

  std::optional<T> value;
};

template <>
class TaskPromise<void> final : public PromiseBase {
 public:
  Task<void> get_return_object();
  void return_void() const noexcept {}
  void take() const { copy(); }
  void copy() const {
    if (exception) std::rethrow_exception(exception);
  }
};

// The result of a settled future, or its failure as an exception.
template <typename T, bool kMove>
T result_of(FutureState& state) {
  if (state.task) {
    auto& promise =
        std::coroutine_handle<TaskPromise<T>>::from_address(state.task.address()).promise();
    if constexpr (kMove || !(std::is_void_v<T> || std::is_copy_constructible_v<T>)) {
      return promise.take();
    } else {
      return promise.copy();
    }
  }
  if (state.status == FutureStatus::failed) throw_failure(state);
  if constexpr (std::is_same_v<T, std::optional<std::string>>) {
    if (state.status == FutureStatus::timed_out) return std::nullopt;
  }
  if constexpr (requires { T::of(state); }) {
    return T::of(state);
  } else if constexpr (std::is_constructible_v<T, std::string>) {
    if constexpr (kMove) {
      return T(std::move(state.value));
    } else {
      return T(state.value);
    }
  } else if constexpr (!std::is_void_v<T>) {
    throw_misuse("a Future of this type can only come from a started Task");
  }
}

template <typename T, bool kMove>
struct FutureAwaiter : SettledAwaiter {
  using SettledAwaiter::SettledAwaiter;
  T await_resume() const { return result_of<T, kMove>(*state); }
};

template <typename T>
struct TaskAwaiter {
  [[nodiscard]] bool await_ready() const {
    if (!task || task.done()) throw_misuse("an empty or finished Task was awaited");
    return false;
  }
  // Runs the task to its first wait. No symmetric transfer: it is a tail call only when the
  // compiler optimises, and a loop of awaits must not grow the stack in any build.
  template <typename Promise>
  bool await_suspend(std::coroutine_handle<Promise> h) const {
    static_assert(std::is_base_of_v<PromiseBase, Promise>, "a Task is awaited by Tasks only");
    task.promise().core = h.promise().core;
    task.resume();
    if (task.done()) return false;
    task.promise().continuation = h;
    return true;
  }
  T await_resume() const { return task.promise().take(); }

  std::coroutine_handle<TaskPromise<T>> task;
};

}  // namespace model
}  // namespace ingot
