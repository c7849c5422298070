// Starting orchestrations, waiting for them, messages to them.

#include "partition/hub/hub_client.h"

#include <utility>

#include "core/history_codec.h"
#include "core/try.h"
#include "partition/hub/ask.h"

namespace ingot::partition {
namespace {

// The statuses as bits.
Result<std::uint8_t> replaceable(const std::vector<RuntimeStatus>& statuses) {
  std::uint8_t bits = 0;
  bool live = false;
  bool terminated = false;
  for (const RuntimeStatus status : statuses) {
    if (static_cast<std::uint8_t>(status) > kRuntimeStatusMax) {
      return Status(StatusCode::invalid_argument, "StartOptions::replace names no such status");
    }
    bits = static_cast<std::uint8_t>(bits | 1U << static_cast<unsigned>(status));
    terminated |= status == RuntimeStatus::terminated;
    live |= !is_terminal(status) && status != RuntimeStatus::continued_as_new;
  }
  if (live && !terminated) {
    return Status(StatusCode::invalid_argument,
                  "a live instance is terminated before it is replaced: StartOptions::replace "
                  "must name Terminated too");
  }
  return bits;
}

Status check_tags(const StartOptions& options) {
  for (const auto& [name, value] : options.tags) {
    if (name.empty()) return Status(StatusCode::invalid_argument, "a tag has no name");
  }
  return {};
}

}  // namespace

Status HubClient::refuse_on_shard_thread() {
  if (!Shard::on_shard_thread()) return {};
  return Status(StatusCode::failed_precondition,
                "a blocking call from a callback would stop the shard that has to answer it");
}

Status HubClient::check_payload(std::string_view what, std::size_t bytes) const {
  const std::uint64_t limit = environment_.options.payload_bytes_max;
  if (bytes <= limit) return {};
  return Status(StatusCode::invalid_argument, std::string(what) + " has " + std::to_string(bytes) +
                                                  " bytes; the limit is " + std::to_string(limit));
}

Status HubClient::check_orchestration_id(std::string_view id) {
  INGOT_TRY(validate_instance_id(id));
  if (!is_entity_id(id)) return {};
  return Status(StatusCode::invalid_argument,
                "'" + std::string(id) + "' is the id of an entity, not of an orchestration");
}

Result<StartRequest> HubClient::make_start(std::string_view orchestrator, StartOptions options) {
  StartRequest request;
  if (!options.instance_id.empty()) {
    request.instance_id = std::move(options.instance_id);
  } else if (options.request_id != 0) {
    request.instance_id = InstanceIdMaker::of_request(options.request_id);
  } else {
    request.instance_id = ids_.make();
  }
  INGOT_TRY(check_orchestration_id(request.instance_id));
  INGOT_TRY(validate_name("orchestrator", orchestrator));
  INGOT_TRY(check_tags(options));
  INGOT_ASSIGN(request.replace, replaceable(options.replace));
  encode_tags(options.tags, request.tags);
  INGOT_TRY(check_payload("the input", options.input.size()));
  INGOT_TRY(
      check_payload("the version, the tags or the trace context",
                    options.version.size() + request.tags.size() + options.trace_parent.size()));
  if (!environment_.options.foreign_work &&
      environment_.registry.find_orchestrator(orchestrator) == nullptr) {
    return Status(StatusCode::not_found,
                  "no orchestrator '" + std::string(orchestrator) + "' is registered");
  }
  request.id_hash = hash64(request.instance_id);
  request.orchestrator = orchestrator;
  request.input = std::move(options.input);
  request.has_input = options.has_input;
  if (options.scheduled_start != Timestamp()) request.scheduled_start = options.scheduled_start;
  request.version = std::move(options.version);
  request.trace_parent = std::move(options.trace_parent);
  request.request_id = options.request_id;
  return request;
}

void HubClient::run_async(std::string_view orchestrator, StartOptions options, StartedFn started,
                          StateFn completed) {
  Result<StartRequest> request = make_start(orchestrator, std::move(options));
  if (!request.ok()) return started(request.take_status());
  request->started = std::move(started);
  request->completed = std::move(completed);
  const PartitionId partition = router_.of_hash(request->id_hash);
  router_.offer_or_refuse(partition, *std::move(request));
}

void HubClient::schedule_new_orchestration_async(std::string_view orchestrator,
                                                 StartOptions options, StartedFn started) {
  run_async(orchestrator, std::move(options), std::move(started), nullptr);
}

Result<std::string> HubClient::schedule_new_orchestration(std::string_view orchestrator,
                                                          StartOptions options) {
  INGOT_TRY(refuse_on_shard_thread());
  const auto answer = std::make_shared<Rendezvous<Result<std::string>>>();
  run_async(
      orchestrator, std::move(options),
      [answer](Result<std::string> id) { answer->give(std::move(id)); }, nullptr);
  return answer->take();
}

Result<InstanceState> HubClient::wait(std::string_view instance_id, WaitFor wait_for,
                                      Duration timeout) {
  INGOT_TRY(refuse_on_shard_thread());
  INGOT_TRY(check_orchestration_id(instance_id));
  const auto answer = std::make_shared<Rendezvous<Result<InstanceState>>>();
  auto request = named<ObserveRequest>(instance_id);
  request.wait_for = wait_for;
  request.wait_id = next_wait_id_.fetch_add(1, std::memory_order_relaxed);
  request.done = [answer](Result<InstanceState> state) { answer->give(std::move(state)); };
  CancelWaitRequest cancel{request.instance_id, request.id_hash, request.wait_id};
  const PartitionId partition = router_.of_hash(request.id_hash);
  INGOT_TRY(router_.offer(partition, std::move(request)));
  if (auto state = answer->take_for(timeout)) return *std::move(state);
  // The waiter is taken back; if even that is not taken, it ends with the instance or the hub.
  static_cast<void>(router_.offer(partition, std::move(cancel)));
  return Status(StatusCode::timed_out, "instance '" + std::string(instance_id) + "' has not " +
                                           (wait_for == WaitFor::start ? "started" : "ended") +
                                           " in time");
}

Result<InstanceState> HubClient::wait_for_start(std::string_view instance_id, Duration timeout) {
  return wait(instance_id, WaitFor::start, timeout);
}

Result<InstanceState> HubClient::wait_for_completion(std::string_view instance_id,
                                                     Duration timeout) {
  return wait(instance_id, WaitFor::completion, timeout);
}

void HubClient::wait_for_completion_async(std::string_view instance_id, StateFn completed) {
  if (Status valid = check_orchestration_id(instance_id); !valid.ok()) {
    return completed(std::move(valid));
  }
  auto request = named<ObserveRequest>(instance_id);
  request.wait_for = WaitFor::completion;
  request.done = std::move(completed);
  const PartitionId partition = router_.of_hash(request.id_hash);
  router_.offer_or_refuse(partition, std::move(request));
}

Result<InstanceState> HubClient::get_instance(std::string_view instance_id, bool with_payloads) {
  INGOT_TRY(refuse_on_shard_thread());
  INGOT_TRY(check_orchestration_id(instance_id));
  auto request = named<ObserveRequest>(instance_id);
  request.with_payloads = with_payloads;
  return ask<Result<InstanceState>>(router_, std::move(request));
}

Result<std::vector<HistoryEvent>> HubClient::get_history(std::string_view instance_id) {
  INGOT_TRY(refuse_on_shard_thread());
  INGOT_TRY(check_orchestration_id(instance_id));
  return ask<Result<std::vector<HistoryEvent>>>(router_, named<HistoryRequest>(instance_id));
}

void HubClient::raise_event_async(std::string_view instance_id, std::string_view event_name,
                                  std::string_view data, DoneFn done, std::uint64_t request_id) {
  Status valid = check_orchestration_id(instance_id);
  if (valid.ok()) valid = validate_name("event", event_name);
  if (valid.ok()) valid = check_payload("the event's data", data.size());
  if (!valid.ok()) return done(std::move(valid));
  auto request = named<DeliverRequest>(instance_id);
  request.name = event_name;
  request.data = data;
  request.request_id = request_id;
  request.done = std::move(done);
  const PartitionId partition = router_.of_hash(request.id_hash);
  router_.offer_or_refuse(partition, std::move(request));
}

Status HubClient::raise_event(std::string_view instance_id, std::string_view event_name,
                              std::string_view data, std::uint64_t request_id) {
  INGOT_TRY(refuse_on_shard_thread());
  const auto answer = std::make_shared<Rendezvous<Status>>();
  raise_event_async(
      instance_id, event_name, data, [answer](Status status) { answer->give(std::move(status)); },
      request_id);
  return answer->take();
}

Status HubClient::control(std::string_view instance_id, HistoryEventKind kind,
                          std::string_view reason, bool recurse, std::uint64_t request_id) {
  INGOT_TRY(refuse_on_shard_thread());
  INGOT_TRY(check_orchestration_id(instance_id));
  INGOT_TRY(check_payload("the reason", reason.size()));
  auto request = named<DeliverRequest>(instance_id);
  request.kind = kind;
  request.data = reason;
  request.recurse = recurse;
  request.request_id = request_id;
  return ask<Status>(router_, std::move(request));
}

Status HubClient::suspend(std::string_view instance_id, std::string_view reason,
                          std::uint64_t request_id) {
  return control(instance_id, HistoryEventKind::execution_suspended, reason, false, request_id);
}

Status HubClient::resume(std::string_view instance_id, std::string_view reason,
                         std::uint64_t request_id) {
  return control(instance_id, HistoryEventKind::execution_resumed, reason, false, request_id);
}

Status HubClient::terminate(std::string_view instance_id, std::string_view reason, bool recurse,
                            std::uint64_t request_id) {
  return control(instance_id, HistoryEventKind::execution_terminated, reason, recurse, request_id);
}

Result<std::string> HubClient::restart(std::string_view instance_id, bool with_new_id,
                                       std::uint64_t request_id) {
  INGOT_TRY(refuse_on_shard_thread());
  INGOT_TRY(check_orchestration_id(instance_id));
  if (!with_new_id) {
    auto request = named<RestartRequest>(instance_id);
    request.request_id = request_id;
    return ask<Result<std::string>>(router_, std::move(request));
  }
  INGOT_ASSIGN(InstanceState old, get_instance(instance_id, true));
  StartOptions options;
  options.has_input = old.input.has_value();
  options.input = std::move(old.input).value_or(std::string());
  options.version = std::move(old.version);
  options.tags = std::move(old.tags);
  options.trace_parent = std::move(old.trace_parent);
  options.request_id = request_id;
  return schedule_new_orchestration(old.name, std::move(options));
}

Status HubClient::rewind(std::string_view instance_id, std::string_view reason,
                         std::uint64_t request_id) {
  INGOT_TRY(refuse_on_shard_thread());
  INGOT_TRY(check_orchestration_id(instance_id));
  INGOT_TRY(check_payload("the reason", reason.size()));
  auto request = named<RewindRequest>(instance_id);
  request.reason = reason;
  request.request_id = request_id;
  return ask<Status>(router_, std::move(request));
}

}  // namespace ingot::partition
