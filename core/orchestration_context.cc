#include <ingot/orchestration_context.h>

#include <algorithm>
#include <string>

#include "core/execution_core.h"
#include "core/hash.h"

namespace ingot {
namespace {

using Kind = HistoryEventKind;

// A time further off than any clock goes is cut off, not wrapped.
Timestamp later(Timestamp now, Duration delay) {
  constexpr Timestamp kLatest{Duration{INT64_MAX}};
  return delay > kLatest - std::max(now, Timestamp{}) ? kLatest : now + delay;
}

HistoryEventView call_action(Kind kind, std::string_view name, std::string_view input) {
  HistoryEventView action;
  action.kind = kind;
  action.name = name;
  action.data = input;
  action.has_data = true;
  return action;
}

// A call with everything it needs to be made again.
struct Call {
  Kind kind;
  std::string name;
  std::string input;
  std::string instance_id;
};

Future<std::string> begin_call(OrchestrationContext& context, const Call& call) {
  if (call.kind == Kind::task_scheduled) return context.call_activity(call.name, call.input);
  return context.call_sub_orchestration(call.name, call.input, call.instance_id);
}

// The parameters are copies: the coroutine outlives the call that makes it.
Task<std::string> call_with_retries(OrchestrationContext& context, Call call, RetryPolicy policy) {
  constexpr double kIntervalMaxUs = 1e17;  // some 3,000 years
  const Timestamp first_attempt = context.current_time();
  double interval_us = std::max(0.0, static_cast<double>(policy.first_interval.count()));
  for (std::int32_t attempt = 1;; ++attempt) {
    Future<std::string> future = begin_call(context, call);
    co_await future.settled();
    model::FutureState& state = *future.state();
    if (state.status != model::FutureStatus::failed || attempt >= policy.attempts_max) {
      co_return model::result_of<std::string, true>(state);
    }
    const FailureDetails failure = decode_failure(state.value).value_or(FailureDetails{});
    if (policy.interval_max > Duration(0)) {
      interval_us = std::min(interval_us, static_cast<double>(policy.interval_max.count()));
    }
    interval_us = std::min(interval_us, kIntervalMaxUs);
    const Timestamp next =
        later(context.current_time(), Duration(static_cast<std::int64_t>(interval_us)));
    const bool too_late =
        policy.total_timeout > Duration(0) && next >= later(first_attempt, policy.total_timeout);
    if (failure.non_retriable || too_late || (policy.retry_if && !policy.retry_if(failure))) {
      model::throw_failure(state);
    }
    co_await context.create_timer(next);
    interval_us *= std::max(1.0, policy.backoff_coefficient);
  }
}

}  // namespace

std::string_view OrchestrationContext::name() const { return core_.started().name; }
std::string_view OrchestrationContext::version() const { return core_.started().version; }
std::string_view OrchestrationContext::instance_id() const { return core_.started().instance_id; }
std::string_view OrchestrationContext::input() const { return core_.started().data; }
ExecutionId OrchestrationContext::execution_id() const { return core_.started().execution_id; }
Timestamp OrchestrationContext::current_time() const { return core_.now(); }
bool OrchestrationContext::is_replaying() const { return core_.replaying(); }

std::string OrchestrationContext::new_guid() {
  std::string seed;
  put_fixed64(seed, execution_id().high);
  put_fixed64(seed, execution_id().low);
  put_fixed64(seed, core_.next_guid());
  ExecutionId bits{hash64(seed, 1), hash64(seed, 2)};
  bits.high = (bits.high & ~0xF000ULL) | 0x8000ULL;      // version 8
  bits.low = (bits.low & ~(3ULL << 62)) | (2ULL << 62);  // the variant of RFC 9562
  std::string text = to_string(bits);
  for (const std::size_t at : {8U, 13U, 18U, 23U}) text.insert(at, 1, '-');
  return text;
}

void OrchestrationContext::set_custom_status(std::string_view status) {
  core_.set_custom_status(status);
}

Future<std::string> OrchestrationContext::call_activity(std::string_view name,
                                                        std::string_view input) {
  HistoryEventView action = call_action(Kind::task_scheduled, name, input);
  return Future<std::string>(core_.record_call(action));
}

Future<std::string> OrchestrationContext::call_activity(std::string_view name,
                                                        std::string_view input,
                                                        const RetryPolicy& policy) {
  Call call{Kind::task_scheduled, std::string(name), std::string(input), {}};
  return start(call_with_retries(*this, std::move(call), policy));
}

Future<std::string> OrchestrationContext::call_sub_orchestration(std::string_view name,
                                                                 std::string_view input,
                                                                 std::string_view instance_id) {
  HistoryEventView action = call_action(Kind::sub_orchestration_created, name, input);
  const std::string derived = instance_id.empty() ? derive_child_id() : std::string();
  action.instance_id = instance_id.empty() ? std::string_view(derived) : instance_id;
  return Future<std::string>(core_.record_call(action));
}

Future<std::string> OrchestrationContext::call_sub_orchestration(std::string_view name,
                                                                 std::string_view input,
                                                                 std::string_view instance_id,
                                                                 const RetryPolicy& policy) {
  Call call{Kind::sub_orchestration_created, std::string(name), std::string(input),
            instance_id.empty() ? derive_child_id() : std::string(instance_id)};
  return start(call_with_retries(*this, std::move(call), policy));
}

std::string OrchestrationContext::derive_child_id() const {
  return to_string(execution_id()) + ":" + std::to_string(core_.next_action_id());
}

Future<void> OrchestrationContext::create_timer(Timestamp fire_at) {
  HistoryEventView action;
  action.kind = Kind::timer_created;
  action.fire_at = fire_at;
  action.has_fire_at = true;
  return Future<void>(core_.record_call(action));
}

Future<void> OrchestrationContext::create_timer(Duration delay) {
  return create_timer(later(current_time(), delay));
}

Future<std::string> OrchestrationContext::wait_for_event(std::string_view name) {
  return Future<std::string>(core_.wait_for_event(name, std::nullopt));
}

Future<std::optional<std::string>> OrchestrationContext::wait_for_event(std::string_view name,
                                                                        Duration timeout) {
  return Future<std::optional<std::string>>(
      core_.wait_for_event(name, later(current_time(), timeout)));
}

void OrchestrationContext::send_event(std::string_view instance_id, std::string_view name,
                                      std::string_view data) {
  HistoryEventView action = call_action(Kind::event_sent, name, data);
  action.instance_id = instance_id;
  core_.record(action);
}

void OrchestrationContext::continue_as_new(std::string_view input, bool keep_events) {
  core_.continue_as_new(input, keep_events);
}

model::FutureState* OrchestrationContext::start_task(std::coroutine_handle<> task,
                                                     model::PromiseBase& promise) {
  return core_.start(task, promise);
}

}  // namespace ingot
