#pragma once

// The status of a call as gRPC says it.
//
//   invalid_argument    INVALID_ARGUMENT     overloaded, disk_full   RESOURCE_EXHAUSTED
//   not_found           NOT_FOUND            timed_out               DEADLINE_EXCEEDED
//   already_exists      ALREADY_EXISTS       cancelled, unavailable  UNAVAILABLE
//   failed_precondition, busy                FAILED_PRECONDITION
//   unknown             UNKNOWN              unsupported             UNIMPLEMENTED
//   corrupt             DATA_LOSS            io_error, internal      INTERNAL
//
// UNAVAILABLE says that a retry is right: the server stops, and another one will answer.

#include <grpcpp/support/status.h>
#include <ingot/status.h>

namespace ingot::server {

[[nodiscard]] grpc::Status to_grpc(const Status& status);

}  // namespace ingot::server
