#pragma once

// What the clients of random programs do, as requests to a partition.

#include <ingot/client.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "partition/requests/request.h"
#include "tests/semantics/generator.h"

namespace ingot::semantics {

// What one client waits for.
struct Attempt {
  std::uint32_t answers = 0;
  StatusCode code = StatusCode::ok;
  std::optional<InstanceState> state;  // of a wait
  std::string id;                      // of what was started
  std::function<void()> heard;         // called with each answer; may be empty

  void answer(StatusCode with) {
    ++answers;
    code = with;
    if (heard) heard();
  }
};

// e.g. "raise"
[[nodiscard]] std::string_view name_of(ClientKind kind);

// The request that does `op`; its answer goes to `attempt`. Not for open_gate, nor for what only
// whole programs have.
[[nodiscard]] partition::Request make_request(const ClientOp& op, std::uint64_t request_id,
                                              const std::shared_ptr<Attempt>& attempt);

// What only whole programs have, by the client's own calls.
void call_client(Client& client, const ClientOp& op, Timestamp now, std::uint64_t request_id,
                 const std::shared_ptr<Attempt>& attempt);

}  // namespace ingot::semantics
