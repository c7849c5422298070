#include "tests/semantics/comparison.h"

namespace ingot::semantics {
namespace {

StatusCode code_of(Model::Answer answer) {
  switch (answer) {
    case Model::Answer::ok:
      return StatusCode::ok;
    case Model::Answer::not_found:
      return StatusCode::not_found;
    case Model::Answer::already_exists:
      return StatusCode::already_exists;
    case Model::Answer::failed_precondition:
      return StatusCode::failed_precondition;
  }
  return StatusCode::internal;
}

std::string not_equal(const char* what, std::string_view is, std::string_view expected) {
  return std::string(what) + " is '" + std::string(is) + "', not '" + std::string(expected) + "'";
}

}  // namespace

StatusCode carry_out(Model& model, const ClientOp& op) {
  switch (op.kind) {
    case ClientKind::create:
    case ClientKind::create_later:
      return code_of(model.create(op.id, op.script, false));
    case ClientKind::replace:
      return code_of(model.create(op.id, op.script, true));
    case ClientKind::raise:
      return code_of(model.raise(op.id, op.name, op.data));
    case ClientKind::terminate:
      return code_of(model.terminate(op.id, "reason", false));
    case ClientKind::terminate_all:
      return code_of(model.terminate(op.id, "reason", true));
    case ClientKind::restart:
      return code_of(model.restart(op.id));
    case ClientKind::rewind:
      return code_of(model.rewind(op.id));
    case ClientKind::purge:
      return code_of(model.purge(op.id));
    case ClientKind::wait_start:
    case ClientKind::look:
    case ClientKind::read_history:
      return code_of(model.look(op.id));
    case ClientKind::signal:
    case ClientKind::signal_later:
      return code_of(model.signal_sum(op.id, std::stol(op.data)));
    case ClientKind::open_gate:
      model.gates[op.name] = true;
      return StatusCode::ok;
    default:
      return StatusCode::ok;
  }
}

bool is_expected(const ClientOp& op, StatusCode answer, StatusCode expected) {
  if (answer == expected) return true;
  const bool either = op.kind == ClientKind::raise || op.kind == ClientKind::suspend ||
                      op.kind == ClientKind::resume;
  return either && (answer == StatusCode::ok || answer == StatusCode::failed_precondition);
}

bool is_lost(StatusCode code) {
  return code == StatusCode::unknown || code == StatusCode::unavailable ||
         code == StatusCode::cancelled;
}

std::string difference(const Model::Instance& expected, const InstanceState& state) {
  if (state.status != expected.status) {
    return not_equal("the status", to_string(state.status), to_string(expected.status)) +
           (state.failure ? ": " + state.failure->message : "");
  }
  if (expected.status == RuntimeStatus::failed) {
    if (!state.failure) return {};
    const bool by_type = expected.failure == "ingot::TaskFailedError";
    const std::string& is = by_type ? state.failure->type : state.failure->message;
    if (is != expected.failure) {
      return not_equal("the failure", is, expected.failure) + ": " + state.failure->message;
    }
  } else if (state.output.value_or("(none)") != expected.out) {
    return not_equal("the output", state.output.value_or("(none)"), expected.out);
  }
  if (state.custom_status != expected.custom_status) {
    return not_equal("the custom status", state.custom_status.value_or("(none)"),
                     expected.custom_status.value_or("(none)"));
  }
  return {};
}

}  // namespace ingot::semantics
