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
      "create",  "replace", "raise", "suspend",   "resume",   "terminate", "terminate_all",
      "restart", "rewind",  "purge", "open_gate", "wait_end", "wait_hang"};
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

}  // namespace ingot::semantics
