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

Result<StartRequest> HubClient::make_start(std::string_view orchestrator, StartOptions&& options) {
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
  Result<StartRequest> request =
      or_overloaded([&] { return make_start(orchestrator, std::move(options)); });
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
  return wait_for_answer<Result<std::string>>([&](StartedFn started) {
    run_async(orchestrator, std::move(options), std::move(started), nullptr);
  });
}

std::uint64_t HubClient::wait_async(std::string_view instance_id, WaitFor wait_for,
                                    bool with_payloads, StateFn done) {
  const std::uint64_t wait = next_wait_id_.fetch_add(1, std::memory_order_relaxed);
  send(std::move(done), [&]() -> Result<ObserveRequest> {
    INGOT_TRY(check_orchestration_id(instance_id));
    auto request = named<ObserveRequest>(instance_id);
    request.wait_for = wait_for;
    request.with_payloads = with_payloads;
    request.wait_id = wait;
    return request;
  });
  return wait;
}

void HubClient::cancel_wait(std::string_view instance_id, std::uint64_t wait) {
  const std::uint64_t id_hash = hash64(instance_id);
  // If even that is not taken, the wait ends with the instance or the hub.
  static_cast<void>(or_overloaded([&] {
    return router_.offer(router_.of_hash(id_hash),
                         CancelWaitRequest{std::string(instance_id), id_hash, wait});
  }));
}

Result<InstanceState> HubClient::wait(std::string_view instance_id, WaitFor wait_for,
                                      Duration timeout) {
  return blocking_call([&]() -> Result<InstanceState> {
    const auto answer = std::make_shared<Rendezvous<Result<InstanceState>>>();
    const std::uint64_t wait =
        wait_async(instance_id, wait_for, true,
                   [answer](Result<InstanceState> state) { answer->give(std::move(state)); });
    if (auto state = answer->take_for(timeout)) return *std::move(state);
    cancel_wait(instance_id, wait);
    return Status(StatusCode::timed_out, "instance '" + std::string(instance_id) + "' has not " +
                                             (wait_for == WaitFor::start ? "started" : "ended") +
                                             " in time");
  });
}

Result<InstanceState> HubClient::wait_for_start(std::string_view instance_id, Duration timeout) {
  return wait(instance_id, WaitFor::start, timeout);
}

Result<InstanceState> HubClient::wait_for_completion(std::string_view instance_id,
                                                     Duration timeout) {
  return wait(instance_id, WaitFor::completion, timeout);
}

std::uint64_t HubClient::wait_for_start_async(std::string_view instance_id, StateFn started,
                                              bool with_payloads) {
  return wait_async(instance_id, WaitFor::start, with_payloads, std::move(started));
}

std::uint64_t HubClient::wait_for_completion_async(std::string_view instance_id, StateFn completed,
                                                   bool with_payloads) {
  return wait_async(instance_id, WaitFor::completion, with_payloads, std::move(completed));
}

void HubClient::get_instance_async(std::string_view instance_id, bool with_payloads, StateFn done) {
  wait_async(instance_id, WaitFor::nothing, with_payloads, std::move(done));
}

Result<InstanceState> HubClient::get_instance(std::string_view instance_id, bool with_payloads) {
  return wait_for_answer<Result<InstanceState>>(
      [&](StateFn done) { get_instance_async(instance_id, with_payloads, std::move(done)); });
}

void HubClient::get_history_async(std::string_view instance_id, HistoryFn done) {
  send(std::move(done), [&]() -> Result<HistoryRequest> {
    INGOT_TRY(check_orchestration_id(instance_id));
    return named<HistoryRequest>(instance_id);
  });
}

Result<std::vector<HistoryEvent>> HubClient::get_history(std::string_view instance_id) {
  return wait_for_answer<Result<std::vector<HistoryEvent>>>(
      [&](HistoryFn done) { get_history_async(instance_id, std::move(done)); });
}

void HubClient::raise_event_async(std::string_view instance_id, std::string_view event_name,
                                  std::string_view data, DoneFn done, std::uint64_t request_id) {
  send(std::move(done), [&]() -> Result<DeliverRequest> {
    INGOT_TRY(check_orchestration_id(instance_id));
    INGOT_TRY(validate_name("event", event_name));
    INGOT_TRY(check_payload("the event's data", data.size()));
    auto request = named<DeliverRequest>(instance_id);
    request.name = event_name;
    request.data = data;
    request.request_id = request_id;
    return request;
  });
}

Status HubClient::raise_event(std::string_view instance_id, std::string_view event_name,
                              std::string_view data, std::uint64_t request_id) {
  return wait_for_answer<Status>([&](DoneFn done) {
    raise_event_async(instance_id, event_name, data, std::move(done), request_id);
  });
}

void HubClient::control_async(std::string_view instance_id, HistoryEventKind kind,
                              std::string_view reason, bool recurse, DoneFn done,
                              std::uint64_t request_id) {
  send(std::move(done), [&]() -> Result<DeliverRequest> {
    INGOT_TRY(check_orchestration_id(instance_id));
    INGOT_TRY(check_payload("the reason", reason.size()));
    auto request = named<DeliverRequest>(instance_id);
    request.kind = kind;
    request.data = reason;
    request.recurse = recurse;
    request.request_id = request_id;
    return request;
  });
}

void HubClient::suspend_async(std::string_view instance_id, std::string_view reason, DoneFn done,
                              std::uint64_t request_id) {
  control_async(instance_id, HistoryEventKind::execution_suspended, reason, false, std::move(done),
                request_id);
}

void HubClient::resume_async(std::string_view instance_id, std::string_view reason, DoneFn done,
                             std::uint64_t request_id) {
  control_async(instance_id, HistoryEventKind::execution_resumed, reason, false, std::move(done),
                request_id);
}

void HubClient::terminate_async(std::string_view instance_id, std::string_view reason, bool recurse,
                                DoneFn done, std::uint64_t request_id) {
  control_async(instance_id, HistoryEventKind::execution_terminated, reason, recurse,
                std::move(done), request_id);
}

Status HubClient::suspend(std::string_view instance_id, std::string_view reason,
                          std::uint64_t request_id) {
  return wait_for_answer<Status>(
      [&](DoneFn done) { suspend_async(instance_id, reason, std::move(done), request_id); });
}

Status HubClient::resume(std::string_view instance_id, std::string_view reason,
                         std::uint64_t request_id) {
  return wait_for_answer<Status>(
      [&](DoneFn done) { resume_async(instance_id, reason, std::move(done), request_id); });
}

Status HubClient::terminate(std::string_view instance_id, std::string_view reason, bool recurse,
                            std::uint64_t request_id) {
  return wait_for_answer<Status>([&](DoneFn done) {
    terminate_async(instance_id, reason, recurse, std::move(done), request_id);
  });
}

void HubClient::restart_async(std::string_view instance_id, bool with_new_id, StartedFn done,
                              std::uint64_t request_id) {
  if (!with_new_id) {
    return send(std::move(done), [&]() -> Result<RestartRequest> {
      INGOT_TRY(check_orchestration_id(instance_id));
      auto request = named<RestartRequest>(instance_id);
      request.request_id = request_id;
      return request;
    });
  }
  // `done` is copied: it is still here when there is no memory for what calls it.
  Result<StateFn> start_another = or_overloaded([&]() -> Result<StateFn> {
    return StateFn([this, request_id, done](Result<InstanceState> old) {
      if (!old.ok()) return done(old.take_status());
      StartOptions options;
      options.has_input = old->input.has_value();
      options.input = std::move(old->input).value_or(std::string());
      options.version = std::move(old->version);
      options.tags = std::move(old->tags);
      options.trace_parent = std::move(old->trace_parent);
      options.request_id = request_id;
      schedule_new_orchestration_async(old->name, std::move(options), done);
    });
  });
  if (!start_another.ok()) return done(start_another.take_status());
  get_instance_async(instance_id, true, *std::move(start_another));
}

Result<std::string> HubClient::restart(std::string_view instance_id, bool with_new_id,
                                       std::uint64_t request_id) {
  return wait_for_answer<Result<std::string>>([&](StartedFn done) {
    restart_async(instance_id, with_new_id, std::move(done), request_id);
  });
}

void HubClient::rewind_async(std::string_view instance_id, std::string_view reason, DoneFn done,
                             std::uint64_t request_id) {
  send(std::move(done), [&]() -> Result<RewindRequest> {
    INGOT_TRY(check_orchestration_id(instance_id));
    INGOT_TRY(check_payload("the reason", reason.size()));
    auto request = named<RewindRequest>(instance_id);
    request.reason = reason;
    request.request_id = request_id;
    return request;
  });
}

Status HubClient::rewind(std::string_view instance_id, std::string_view reason,
                         std::uint64_t request_id) {
  return wait_for_answer<Status>(
      [&](DoneFn done) { rewind_async(instance_id, reason, std::move(done), request_id); });
}

}  // namespace ingot::partition
