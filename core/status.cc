#include <ingot/status.h>

namespace ingot {

std::string_view to_string(StatusCode code) {
  switch (code) {
    case StatusCode::ok:
      return "ok";
    case StatusCode::invalid_argument:
      return "invalid_argument";
    case StatusCode::not_found:
      return "not_found";
    case StatusCode::already_exists:
      return "already_exists";
    case StatusCode::failed_precondition:
      return "failed_precondition";
    case StatusCode::overloaded:
      return "overloaded";
    case StatusCode::timed_out:
      return "timed_out";
    case StatusCode::cancelled:
      return "cancelled";
    case StatusCode::unknown:
      return "unknown";
    case StatusCode::unavailable:
      return "unavailable";
    case StatusCode::unsupported:
      return "unsupported";
    case StatusCode::busy:
      return "busy";
    case StatusCode::corrupt:
      return "corrupt";
    case StatusCode::io_error:
      return "io_error";
    case StatusCode::disk_full:
      return "disk_full";
    case StatusCode::internal:
      return "internal";
  }
  return "unnamed";
}

Status::Status(StatusCode code, std::string message)
    : failure_(std::make_unique<Failure>(Failure{code, std::move(message)})) {}

Status::Status(const Status& other)
    : failure_(other.failure_ ? std::make_unique<Failure>(*other.failure_) : nullptr) {}

Status& Status::operator=(const Status& other) {
  if (this != &other) {
    failure_ = other.failure_ ? std::make_unique<Failure>(*other.failure_) : nullptr;
  }
  return *this;
}

const std::string& Status::message() const {
  static const std::string empty;
  return failure_ ? failure_->message : empty;
}

std::string Status::to_string() const {
  if (ok()) return "ok";
  return std::string(ingot::to_string(failure_->code)) + ": " + failure_->message;
}

Status Status::with_context(std::string_view where) const {
  if (ok()) return {};
  return Status(failure_->code, std::string(where) + ": " + failure_->message);
}

}  // namespace ingot
