#pragma once

// What the model says of a client's operation and of an instance, compared with what the engine
// says.

#include <ingot/instance.h>
#include <ingot/status.h>

#include <string>

#include "tests/semantics/generator.h"
#include "tests/semantics/model.h"

namespace ingot::semantics {

// Does `op` in the model; the answer that its client gets. What only waits is ok.
StatusCode carry_out(Model& model, const ClientOp& op);

// Whether `answer` may be the engine's when the model's is `expected`: an instance may have ended
// by itself before a message came.
[[nodiscard]] bool is_expected(const ClientOp& op, StatusCode answer, StatusCode expected);

// The outcome is not known, so the client asks again with the same request id.
[[nodiscard]] bool is_lost(StatusCode code);

// Empty when both say the same of an instance that has come to rest.
[[nodiscard]] std::string difference(const Model::Instance& expected, const InstanceState& state);

}  // namespace ingot::semantics
