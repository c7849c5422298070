#pragma once

// How every fallible call of Ingot answers: a Status, or a Result<T> that holds a value or a
// Status.
//
// Nothing is thrown across the API. A Status names what failed and where in its message; its code
// says what the caller has to do about it. A success costs no allocation.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace ingot {

// What happened, and the duty of the one who gets it.
enum class StatusCode : std::uint8_t {
  ok = 0,
  invalid_argument,     // The request can never succeed as it is: correct it.
  not_found,            // The named thing does not exist.
  already_exists,       // The named thing exists: choose another name, or use what is there.
  failed_precondition,  // The thing's state forbids the operation: change the state first.
  overloaded,           // A bounded queue is full and nothing was taken: slow down, then retry.
  timed_out,            // The wait ended; what was asked for may still happen.
  cancelled,            // The caller or a closing hub ended it; nothing was taken.
  unknown,              // The outcome is not known (a write failed): look it up after recovery.
  unavailable,          // The partition or hub is stopped: reopen the hub.
  unsupported,          // This build, kernel or format version can't do it.
  busy,                 // Another process or object owns the resource: the message says who.
  corrupt,              // Bytes on disk or from a peer are not what was written: keep the files.
  io_error,             // The operating system refused an operation.
  disk_full,            // No space is left: free some, then retry.
  internal,             // A defect of Ingot.
};

// The code's name, e.g. "not_found". A view of static storage.
[[nodiscard]] std::string_view to_string(StatusCode code);

class [[nodiscard]] Status {
 public:
  // Success.
  Status() = default;
  // A failure. `code` is not ok; `message` names the thing and the place.
  Status(StatusCode code, std::string message);

  Status(const Status& other);
  Status& operator=(const Status& other);
  Status(Status&&) noexcept = default;
  Status& operator=(Status&&) noexcept = default;
  ~Status() = default;

  [[nodiscard]] bool ok() const { return failure_ == nullptr; }
  [[nodiscard]] StatusCode code() const { return failure_ ? failure_->code : StatusCode::ok; }
  // Empty on success.
  [[nodiscard]] const std::string& message() const;
  // "ok", or "<code>: <message>".
  [[nodiscard]] std::string to_string() const;

  // The same failure with `where` and a colon in front of its message; success stays success.
  [[nodiscard]] Status with_context(std::string_view where) const;

 private:
  struct Failure {
    StatusCode code;
    std::string message;
  };
  std::unique_ptr<Failure> failure_;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}            // NOLINT(google-explicit-constructor)
  Result(Status failure) : status_(std::move(failure)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const { return value_.has_value(); }
  [[nodiscard]] const Status& status() const { return status_; }
  [[nodiscard]] Status take_status() { return std::move(status_); }

  // The value; only when ok().
  [[nodiscard]] T& value() & { return *value_; }
  [[nodiscard]] const T& value() const& { return *value_; }
  [[nodiscard]] T&& value() && { return *std::move(value_); }
  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T&& operator*() && { return *std::move(value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace ingot
