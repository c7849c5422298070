#include "tests/semantics/client_requests.h"

#include "core/hash.h"
#include "tests/semantics/script.h"

namespace ingot::semantics {

using namespace partition;  // NOLINT(google-build-using-namespace)

namespace {

template <typename R>
R addressed(const ClientOp& op) {
  R request;
  request.instance_id = op.id;
  request.id_hash = hash64(op.id);
  return request;
}

}  // namespace

std::string_view name_of(ClientKind kind) {
  static constexpr std::string_view kNames[] = {
      "create",     "replace",       "raise",        "suspend",      "resume",
      "terminate",  "terminate_all", "restart",      "rewind",       "purge",
      "open_gate",  "wait_end",      "wait_hang",    "create_later", "restart_new",
      "wait_start", "look",          "read_history", "signal",       "signal_later"};
  return kNames[static_cast<std::size_t>(kind)];
}

Request make_request(const ClientOp& op, std::uint64_t request_id,
                     const std::shared_ptr<Attempt>& attempt) {
  const auto done = [attempt](const Status& status) { attempt->answer(status.code()); };
  const auto done_with = [attempt](const auto& result) { attempt->answer(result.status().code()); };
  switch (op.kind) {
    case ClientKind::create:
    case ClientKind::replace: {
      auto request = addressed<StartRequest>(op);
      request.orchestrator = "script";
      encode_script(op.script, request.input);
      request.has_input = true;
      if (op.kind == ClientKind::replace) request.replace = 0xFF;
      request.request_id = request_id;
      request.started = done_with;
      return request;
    }
    case ClientKind::restart: {
      auto request = addressed<RestartRequest>(op);
      request.request_id = request_id;
      request.done = done_with;
      return request;
    }
    case ClientKind::rewind: {
      auto request = addressed<RewindRequest>(op);
      request.reason = "again";
      request.request_id = request_id;
      request.done = done;
      return request;
    }
    case ClientKind::purge: {
      auto request = addressed<PurgeRequest>(op);
      request.request_id = request_id;
      request.done = done_with;
      return request;
    }
    case ClientKind::wait_end:
    case ClientKind::wait_hang: {
      auto request = addressed<ObserveRequest>(op);
      request.wait_for = op.kind == ClientKind::wait_end ? WaitFor::completion : WaitFor::nothing;
      request.done = [attempt](const Result<InstanceState>& state) {
        if (state.ok()) attempt->state = *state;
        attempt->answer(state.status().code());
      };
      return request;
    }
    default: {
      auto request = addressed<DeliverRequest>(op);
      request.request_id = request_id;
      request.name = op.name;
      request.data = op.data;
      request.done = done;
      if (op.kind == ClientKind::suspend) request.kind = HistoryEventKind::execution_suspended;
      if (op.kind == ClientKind::resume) request.kind = HistoryEventKind::execution_resumed;
      if (op.kind == ClientKind::terminate || op.kind == ClientKind::terminate_all) {
        request.kind = HistoryEventKind::execution_terminated;
        request.data = "reason";
        request.recurse = op.kind == ClientKind::terminate_all;
      }
      return request;
    }
  }
}

void call_client(Client& client, const ClientOp& op, Timestamp now, std::uint64_t request_id,
                 const std::shared_ptr<Attempt>& attempt) {
  const auto started = [attempt](const Result<std::string>& id) {
    if (id.ok()) attempt->id = *id;
    attempt->answer(id.status().code());
  };
  const auto observed = [attempt](const Result<InstanceState>& state) {
    if (state.ok()) attempt->state = *state;
    attempt->answer(state.status().code());
  };
  switch (op.kind) {
    case ClientKind::create_later: {
      StartOptions options;
      options.instance_id = op.id;
      encode_script(op.script, options.input);
      options.scheduled_start = now + std::chrono::milliseconds(std::stol(op.data));
      options.request_id = request_id;
      return client.schedule_new_orchestration_async("script", std::move(options), started);
    }
    case ClientKind::restart_new:
      return client.restart_async(op.id, true, started, request_id);
    case ClientKind::wait_start:
      static_cast<void>(client.wait_for_start_async(op.id, observed));
      return;
    case ClientKind::look:
      return client.get_instance_async(op.id, false, observed);
    case ClientKind::read_history:
      return client.get_history_async(op.id,
                                      [attempt](const Result<std::vector<HistoryEvent>>& events) {
                                        attempt->answer(events.status().code());
                                      });
    default: {  // signal, signal_later
      SignalOptions options;
      options.request_id = request_id;
      if (op.kind == ClientKind::signal_later) {
        options.at = now + std::chrono::milliseconds(std::stol(op.data) % 50);
      }
      client.signal_entity_async(
          EntityId("sum", op.id), "add", op.data, std::move(options),
          [attempt](const Status& status) { attempt->answer(status.code()); });
    }
  }
}

}  // namespace ingot::semantics
