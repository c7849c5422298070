#include "tools/ingotd/grpc/grpc_status.h"

namespace ingot::server {
namespace {

grpc::StatusCode code_of(StatusCode code) {
  switch (code) {
    case StatusCode::ok:
      return grpc::StatusCode::OK;
    case StatusCode::invalid_argument:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case StatusCode::not_found:
      return grpc::StatusCode::NOT_FOUND;
    case StatusCode::already_exists:
      return grpc::StatusCode::ALREADY_EXISTS;
    case StatusCode::failed_precondition:
    case StatusCode::busy:
      return grpc::StatusCode::FAILED_PRECONDITION;
    case StatusCode::overloaded:
    case StatusCode::disk_full:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case StatusCode::timed_out:
      return grpc::StatusCode::DEADLINE_EXCEEDED;
    case StatusCode::cancelled:
    case StatusCode::unavailable:
      return grpc::StatusCode::UNAVAILABLE;
    case StatusCode::unsupported:
      return grpc::StatusCode::UNIMPLEMENTED;
    case StatusCode::corrupt:
      return grpc::StatusCode::DATA_LOSS;
    case StatusCode::unknown:
      return grpc::StatusCode::UNKNOWN;
    case StatusCode::io_error:
    case StatusCode::internal:
      return grpc::StatusCode::INTERNAL;
  }
  return grpc::StatusCode::INTERNAL;
}

}  // namespace

grpc::Status to_grpc(const Status& status) {
  if (status.ok()) return grpc::Status::OK;
  // It travels in a header, of which clients take 8 KiB.
  constexpr std::size_t kTextMax = 2048;
  std::string text = status.message();
  if (text.size() > kTextMax) {
    std::size_t end = kTextMax;
    while (end != 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    text.resize(end);
    text += "...";
  }
  return {code_of(status.code()), std::move(text)};
}

}  // namespace ingot::server
