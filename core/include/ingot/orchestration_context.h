#pragma once

// What an orchestrator sees of its execution.
//
// An orchestrator is a coroutine that is run again from the start, over its history, whenever it is
// not in memory. It must therefore do the same each time: time from current_time(), ids from
// new_guid(), everything else through activities. It must not block: it runs on a shard's thread.
//
//   ingot::Task<std::string> hello(ingot::OrchestrationContext& context) {
//     std::string text = co_await context.call_activity("hello", "Tokyo");
//     text += co_await context.call_activity("hello", "London");
//     co_return text;
//   }
//
// Texts are given as views and encoded before the call returns, so no temporary has to live across
// a wait. core/README.md lists what g++ 12 gets wrong in `co_await` expressions.

#include <ingot/call_options.h>
#include <ingot/entity_id.h>
#include <ingot/entity_lock.h>
#include <ingot/task.h>
#include <ingot/time.h>

#include <array>
#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace ingot {

class OrchestrationContext {
 public:
  // The model makes contexts; programs get them.
  explicit OrchestrationContext(model::ExecutionCore& core) : core_(core) {}
  OrchestrationContext(const OrchestrationContext&) = delete;
  OrchestrationContext& operator=(const OrchestrationContext&) = delete;

  // Views that live as long as the execution.
  [[nodiscard]] std::string_view name() const;
  [[nodiscard]] std::string_view version() const;
  [[nodiscard]] std::string_view instance_id() const;
  [[nodiscard]] std::string_view input() const;
  [[nodiscard]] ExecutionId execution_id() const;
  [[nodiscard]] std::string_view trace_parent() const;
  // The orchestration that waits for this one; nothing if none does.
  [[nodiscard]] std::optional<ParentInfo> parent() const;
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> tags() const;
  // The time of the current step, the same in a replay.
  [[nodiscard]] Timestamp current_time() const;
  // True while the past is run again; for logging only.
  [[nodiscard]] bool is_replaying() const;
  // A UUID (version 8) made of the execution id and a counter, the same in a replay.
  [[nodiscard]] std::string new_guid();
  // What queries see as the instance's custom status, from the end of this step on.
  void set_custom_status(std::string_view status);

  // The activity's result; TaskFailedError if it failed (with a policy: for the last time).
  Future<std::string> call_activity(std::string_view name, std::string_view input = {});
  Future<std::string> call_activity(std::string_view name, std::string_view input,
                                    const RetryPolicy& policy);
  Future<std::string> call_activity(std::string_view name, std::string_view input,
                                    const ActivityCallOptions& options);
  // The child's output; TaskFailedError if it failed or was terminated. An empty id is derived
  // from this execution's. A retry uses the same id. std::logic_error while entities are locked.
  Future<std::string> call_sub_orchestration(std::string_view name, std::string_view input = {},
                                             std::string_view instance_id = {});
  Future<std::string> call_sub_orchestration(std::string_view name, std::string_view input,
                                             std::string_view instance_id,
                                             const RetryPolicy& policy);
  Future<std::string> call_sub_orchestration(std::string_view name, std::string_view input,
                                             const SubOrchestrationOptions& options);
  // A time in the past fires at once.
  Future<void> create_timer(Timestamp fire_at);
  Future<void> create_timer(Duration delay);
  // The data of the next event of that very name. Events that come before they are awaited are
  // kept, and given out in the order of their arrival. Waits of one name are served in order; a
  // wait whose Future is dropped takes no event.
  Future<std::string> wait_for_event(std::string_view name);
  // The same; nothing when `timeout` passes first.
  Future<std::optional<std::string>> wait_for_event(std::string_view name, Duration timeout);
  // Raises an event in another instance, in order; lost if that does not exist or has ended.
  void send_event(std::string_view instance_id, std::string_view name, std::string_view data = {});

  // What the entity's operation gave; TaskFailedError if it failed. Operations that one
  // orchestration asks of one entity run in the order of the calls. A malformed id is
  // std::invalid_argument, here and below.
  Future<std::string> call_entity(const EntityId& entity, std::string_view operation,
                                  std::string_view input = {});
  // Asks for an operation and waits for no answer. With `at`, it waits in the entity until then.
  void signal_entity(const EntityId& entity, std::string_view operation,
                     std::string_view input = {}, std::optional<Timestamp> at = {});
  // The lock on all of `entities`, which no other orchestration uses until it is released; see
  // EntityLock. It is taken in the order of the ids' texts, and an id that is given twice counts
  // once. While it is held or asked for, these are std::logic_error, at the call: to lock again, to
  // call a sub-orchestration, to signal an entity of the lock, to call one that is not, and to call
  // one of them while an earlier call to it has no answer (or the lock itself has none). A request
  // whose Future is dropped gives its lock back by itself; only to lock again has to wait for that.
  Future<EntityLock> lock_entities(const std::vector<EntityId>& entities);
  template <std::same_as<EntityId>... More>
  Future<EntityLock> lock_entities(const EntityId& first, const More&... more);

  // Makes the end of this orchestrator the start of a new execution with that input and no
  // history. Call it, then co_return; what is returned is ignored, an exception is not. Events not
  // consumed go over to the new execution, unless `keep_events` is false.
  void continue_as_new(std::string_view input, bool keep_events = true);

  // Runs `task` beside the caller, now up to its first wait. It needs no await: it goes on until
  // it or the orchestrator ends. What it refers to must live that long.
  template <typename T>
  Future<T> start(Task<T> task);

  // All results, in the order of the futures. Waits for all, then throws the first failure.
  template <typename T>
  auto when_all(std::vector<Future<T>> futures);
  template <typename... Ts>
  auto when_all(Future<Ts>... futures);  // a tuple; std::monostate stands for void
  // The index of the first that is done (the lowest, if several are); takes no result. What is not
  // awaited any more stays as it is: timers are not cancelled.
  template <typename T>
  Task<std::size_t> when_any(const std::vector<Future<T>>& futures);
  template <typename... Ts>
  Task<std::size_t> when_any(const Future<Ts>&... futures);

 private:
  [[nodiscard]] std::string derive_child_id() const;
  model::FutureState* start_task(std::coroutine_handle<> task, model::PromiseBase& promise);

  model::ExecutionCore& core_;
};

using OrchestratorFn = std::function<Task<std::string>(OrchestrationContext&)>;

namespace model {

template <typename T>
using NonVoid = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

template <typename T>
NonVoid<T> take_settled(const Future<T>& future) {
  if constexpr (std::is_void_v<T>) {
    result_of<void, true>(*future.state());
    return {};
  } else {
    return result_of<T, true>(*future.state());
  }
}

template <typename T>
Task<std::vector<T>> all_of(std::vector<Future<T>> futures) {
  for (const Future<T>& future : futures) co_await future.settled();
  std::vector<T> results;
  results.reserve(futures.size());
  for (const Future<T>& future : futures) results.push_back(take_settled(future));
  co_return results;
}

inline Task<void> all_of(std::vector<Future<void>> futures) {
  for (const Future<void>& future : futures) co_await future.settled();
  for (const Future<void>& future : futures) take_settled(future);
}

template <typename... Ts>
Task<std::tuple<NonVoid<Ts>...>> all_of(std::tuple<Future<Ts>...> futures) {
  const auto states = std::apply(
      [](auto&... f) { return std::array<FutureState*, sizeof...(Ts)>{f.state()...}; }, futures);
  for (FutureState* state : states) co_await SettledAwaiter(state);
  co_return std::apply([](auto&... f) { return std::tuple<NonVoid<Ts>...>{take_settled(f)...}; },
                       futures);
}

Task<std::size_t> any_of(std::vector<FutureRef> futures);

}  // namespace model

template <typename T>
Future<T> OrchestrationContext::start(Task<T> task) {
  if (!task.handle_) model::throw_misuse("an empty Task was started");
  const auto handle = task.take_handle();
  return Future<T>(start_task(handle, handle.promise()));
}

template <std::same_as<EntityId>... More>
Future<EntityLock> OrchestrationContext::lock_entities(const EntityId& first, const More&... more) {
  return lock_entities(std::vector<EntityId>{first, more...});
}

template <typename T>
auto OrchestrationContext::when_all(std::vector<Future<T>> futures) {
  return model::all_of(std::move(futures));
}

template <typename... Ts>
auto OrchestrationContext::when_all(Future<Ts>... futures) {
  return model::all_of(std::tuple<Future<Ts>...>(std::move(futures)...));
}

template <typename T>
Task<std::size_t> OrchestrationContext::when_any(const std::vector<Future<T>>& futures) {
  std::vector<model::FutureRef> states;
  states.reserve(futures.size());
  for (const Future<T>& future : futures) states.emplace_back(future.state());
  return model::any_of(std::move(states));
}

template <typename... Ts>
Task<std::size_t> OrchestrationContext::when_any(const Future<Ts>&... futures) {
  std::vector<model::FutureRef> states;
  states.reserve(sizeof...(Ts));
  (states.emplace_back(futures.state()), ...);
  return model::any_of(std::move(states));
}

}  // namespace ingot
