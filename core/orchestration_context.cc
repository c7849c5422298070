#include <ingot/orchestration_context.h>

#include <algorithm>
#include <stdexcept>
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
  std::string version;
  std::string tags;  // encoded
};

std::string encoded_tags(const Tags& tags) {
  std::string bytes;
  encode_tags(tags, bytes);
  return bytes;
}

Future<std::string> begin_call(model::ExecutionCore& core, const Call& call) {
  if (call.kind == Kind::sub_orchestration_created) core.check_may_call_child();
  HistoryEventView action = call_action(call.kind, call.name, call.input);
  action.instance_id = call.instance_id;
  action.version = call.version;
  action.tags = call.tags;
  action.trace_parent = core.started().trace_parent;
  return Future<std::string>(core.record_call(action));
}

std::string text_of(const EntityId& entity) {
  if (const Status status = validate_entity_id(entity); !status.ok()) {
    throw std::invalid_argument(status.message());
  }
  return to_string(entity);
}

// The parameters are copies: the coroutine outlives the call that makes it.
Task<std::string> call_with_retries(OrchestrationContext& context, model::ExecutionCore& core,
                                    Call call, RetryPolicy policy) {
  constexpr double kIntervalMaxUs = 1e17;  // some 3,000 years
  const Timestamp first_attempt = context.current_time();
  double interval_us = std::max(0.0, static_cast<double>(policy.first_interval.count()));
  for (std::int32_t attempt = 1;; ++attempt) {
    Future<std::string> future = begin_call(core, call);
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
std::string_view OrchestrationContext::trace_parent() const { return core_.started().trace_parent; }

std::optional<ParentInfo> OrchestrationContext::parent() const {
  const std::string_view parent = core_.started().parent;
  return parent.empty() ? std::nullopt : decode_parent(parent);
}

std::vector<std::pair<std::string, std::string>> OrchestrationContext::tags() const {
  return decode_tags(core_.started().tags).value_or(Tags{});
}

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
  action.trace_parent = core_.started().trace_parent;
  return Future<std::string>(core_.record_call(action));
}

Future<std::string> OrchestrationContext::call_activity(std::string_view name,
                                                        std::string_view input,
                                                        const RetryPolicy& policy) {
  Call call{Kind::task_scheduled, std::string(name), std::string(input), {}, {}, {}};
  return start(call_with_retries(*this, core_, std::move(call), policy));
}

Future<std::string> OrchestrationContext::call_activity(std::string_view name,
                                                        std::string_view input,
                                                        const ActivityCallOptions& options) {
  Call call{Kind::task_scheduled, std::string(name),         std::string(input), {},
            options.version,      encoded_tags(options.tags)};
  if (!options.retry) return begin_call(core_, call);
  return start(call_with_retries(*this, core_, std::move(call), *options.retry));
}

Future<std::string> OrchestrationContext::call_sub_orchestration(std::string_view name,
                                                                 std::string_view input,
                                                                 std::string_view instance_id) {
  core_.check_may_call_child();
  HistoryEventView action = call_action(Kind::sub_orchestration_created, name, input);
  const std::string derived = instance_id.empty() ? derive_child_id() : std::string();
  action.instance_id = instance_id.empty() ? std::string_view(derived) : instance_id;
  action.trace_parent = core_.started().trace_parent;
  return Future<std::string>(core_.record_call(action));
}

Future<std::string> OrchestrationContext::call_sub_orchestration(std::string_view name,
                                                                 std::string_view input,
                                                                 std::string_view instance_id,
                                                                 const RetryPolicy& policy) {
  SubOrchestrationOptions options;
  options.instance_id = instance_id;
  options.retry = policy;
  return call_sub_orchestration(name, input, options);
}

Future<std::string> OrchestrationContext::call_sub_orchestration(
    std::string_view name, std::string_view input, const SubOrchestrationOptions& options) {
  core_.check_may_call_child();
  Call call{Kind::sub_orchestration_created,
            std::string(name),
            std::string(input),
            options.instance_id,
            options.version,
            encoded_tags(options.tags)};
  if (call.instance_id.empty()) call.instance_id = derive_child_id();
  if (!options.retry) return begin_call(core_, call);
  return start(call_with_retries(*this, core_, std::move(call), *options.retry));
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

Future<std::string> OrchestrationContext::call_entity(const EntityId& entity,
                                                      std::string_view operation,
                                                      std::string_view input) {
  return Future<std::string>(core_.call_entity(text_of(entity), operation, input));
}

void OrchestrationContext::signal_entity(const EntityId& entity, std::string_view operation,
                                         std::string_view input, std::optional<Timestamp> at) {
  core_.signal_entity(text_of(entity), operation, input, at);
}

Future<EntityLock> OrchestrationContext::lock_entities(const std::vector<EntityId>& entities) {
  if (entities.empty()) throw std::invalid_argument("a lock on no entities was asked for");
  std::vector<std::string> ids;
  ids.reserve(entities.size());
  for (const EntityId& entity : entities) ids.push_back(text_of(entity));
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return Future<EntityLock>(core_.lock_entities(ids));
}

void OrchestrationContext::continue_as_new(std::string_view input, bool keep_events) {
  core_.continue_as_new(input, keep_events);
}

model::FutureState* OrchestrationContext::start_task(std::coroutine_handle<> task,
                                                     model::PromiseBase& promise) {
  return core_.start(task, promise);
}

}  // namespace ingot
