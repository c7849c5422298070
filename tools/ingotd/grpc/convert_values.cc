#include "tools/ingotd/grpc/convert_values.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <cstdio>
#include <limits>

#include "core/hash.h"

namespace ingot::server {
namespace {

constexpr std::int64_t kMicros = 1'000'000;
// The bounds of google.protobuf.Timestamp: the years 1 to 9999.
constexpr std::int64_t kSecondsMin = -62'135'596'800;
constexpr std::int64_t kSecondsMax = 253'402'300'799;

// The last message is read, the number of what it is in is `depth`.
void read_failure_into(const ::TaskFailureDetails& from, std::size_t depth, FailureDetails& to) {
  to.type = from.errortype();
  to.message = from.errormessage();
  to.non_retriable = from.isnonretriable();
  to.stack_trace = text_or_empty(from.has_stacktrace(), from.stacktrace());
  if (from.properties_size() != 0) {
    ::TaskFailureDetails properties;
    *properties.mutable_properties() = from.properties();
    // Equal properties, equal bytes.
    google::protobuf::io::StringOutputStream bytes(&to.properties);
    google::protobuf::io::CodedOutputStream out(&bytes);
    out.SetSerializationDeterministic(true);
    properties.SerializeToCodedStream(&out);
  }
  if (from.has_innerfailure() && depth < kInnerFailuresMax) {
    read_failure_into(from.innerfailure(), depth + 1, to.inner.emplace_back());
  }
}

// Bytes of the well-formed UTF-8 sequence at `at`, or 0.
std::size_t sequence_bytes(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t count = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4) return 0;
  for (std::size_t i = 1; i < count; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const unsigned second = byte(1);
  if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
      (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) {
    return 0;
  }
  return count;
}

}  // namespace

Timestamp read_time(const google::protobuf::Timestamp& time) {
  const std::int64_t seconds = std::clamp(time.seconds(), kSecondsMin, kSecondsMax);
  const std::int64_t nanos = std::clamp<std::int64_t>(time.nanos(), 0, 999'999'999);
  return Timestamp(Duration(seconds * kMicros + nanos / 1000));
}

void write_time(Timestamp time, google::protobuf::Timestamp* out) {
  const std::int64_t micros = time.time_since_epoch().count();
  std::int64_t seconds = micros / kMicros;
  std::int64_t rest = micros % kMicros;
  if (rest < 0) {
    rest += kMicros;
    --seconds;
  }
  out->set_seconds(std::clamp(seconds, kSecondsMin, kSecondsMax));
  out->set_nanos(static_cast<std::int32_t>(rest * 1000));
}

Duration read_duration(const google::protobuf::Duration& duration) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max() / kMicros - 1;
  const std::int64_t seconds = std::clamp(duration.seconds(), -kMax, kMax);
  const std::int64_t nanos = std::clamp<std::int64_t>(duration.nanos(), -999'999'999, 999'999'999);
  return Duration(seconds * kMicros + nanos / 1000);
}

::OrchestrationStatus write_status(RuntimeStatus status) {
  switch (status) {
    case RuntimeStatus::pending:
      return ::ORCHESTRATION_STATUS_PENDING;
    case RuntimeStatus::running:
      return ::ORCHESTRATION_STATUS_RUNNING;
    case RuntimeStatus::completed:
      return ::ORCHESTRATION_STATUS_COMPLETED;
    case RuntimeStatus::failed:
      return ::ORCHESTRATION_STATUS_FAILED;
    case RuntimeStatus::terminated:
      return ::ORCHESTRATION_STATUS_TERMINATED;
    case RuntimeStatus::suspended:
      return ::ORCHESTRATION_STATUS_SUSPENDED;
    case RuntimeStatus::continued_as_new:
      return ::ORCHESTRATION_STATUS_CONTINUED_AS_NEW;
  }
  return ::ORCHESTRATION_STATUS_RUNNING;
}

Result<RuntimeStatus> read_status(std::string_view field, int status) {
  switch (status) {
    case ::ORCHESTRATION_STATUS_RUNNING:
      return RuntimeStatus::running;
    case ::ORCHESTRATION_STATUS_COMPLETED:
      return RuntimeStatus::completed;
    case ::ORCHESTRATION_STATUS_CONTINUED_AS_NEW:
    case ::ORCHESTRATION_STATUS_CANCELED:
      return RuntimeStatus::continued_as_new;
    case ::ORCHESTRATION_STATUS_FAILED:
      return RuntimeStatus::failed;
    case ::ORCHESTRATION_STATUS_TERMINATED:
      return RuntimeStatus::terminated;
    case ::ORCHESTRATION_STATUS_PENDING:
      return RuntimeStatus::pending;
    case ::ORCHESTRATION_STATUS_SUSPENDED:
      return RuntimeStatus::suspended;
    default:
      return Status(StatusCode::invalid_argument,
                    std::string(field) + ": " + std::to_string(status) +
                        " is no orchestration status that this server knows");
  }
}

Result<std::vector<RuntimeStatus>> read_statuses(
    std::string_view field, const google::protobuf::RepeatedField<int>& statuses) {
  std::vector<RuntimeStatus> result;
  for (const int number : statuses) {
    const Result<RuntimeStatus> status = read_status(field, number);
    if (!status.ok()) return status.status();
    if (std::find(result.begin(), result.end(), *status) == result.end()) {
      result.push_back(*status);
    }
  }
  return result;
}

FailureDetails read_failure(const ::TaskFailureDetails& failure) {
  FailureDetails result;
  read_failure_into(failure, 0, result);
  return result;
}

void write_failure(const FailureDetails& failure, ::TaskFailureDetails* out) {
  if (!failure.properties.empty()) {
    ::TaskFailureDetails properties;
    // Foreign bytes: whatever else they hold is not ours to send.
    if (properties.ParseFromString(failure.properties)) {
      *out->mutable_properties() = properties.properties();
    }
  }
  out->set_errortype(wire_text(failure.type));
  out->set_errormessage(wire_text(failure.message));
  out->set_isnonretriable(failure.non_retriable);
  if (!failure.stack_trace.empty()) {
    out->mutable_stacktrace()->set_value(wire_text(failure.stack_trace));
  }
  if (!failure.inner.empty()) write_failure(failure.inner.front(), out->mutable_innerfailure());
}

std::string read_trace(const ::TraceContext& trace) {
  std::string result = trace.traceparent();
  if (!result.empty() && !trace.tracestate().value().empty()) {
    result.append("\n").append(trace.tracestate().value());
  }
  return result;
}

void write_trace(std::string_view trace_parent, ::TraceContext* out) {
  const std::size_t end = trace_parent.find('\n');
  const std::string_view parent = trace_parent.substr(0, end);
  out->set_traceparent(wire_text(parent));
  // version-trace-span-flags; the span by itself is what older SDKs read.
  if (parent.size() == 55) out->set_spanid(wire_text(parent.substr(36, 16)));
  if (end != std::string_view::npos) {
    out->mutable_tracestate()->set_value(wire_text(trace_parent.substr(end + 1)));
  }
}

TagList read_tags(const TagMap& tags) {
  TagList result(tags.begin(), tags.end());
  std::sort(result.begin(), result.end());
  return result;
}

void write_tags(const TagList& tags, TagMap* out) {
  for (const auto& [name, value] : tags) (*out)[wire_text(name)] = wire_text(value);
}

std::string wire_text(std::string_view text) {
  std::string result(text);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t bytes = sequence_bytes(text, at);
    if (bytes == 0) result[at] = '?';
    at += std::max<std::size_t>(bytes, 1);
  }
  return result;
}

std::string make_request_id(ExecutionId execution, std::int32_t action) {
  const std::string seed = to_string(execution) + ":" + std::to_string(action);
  const std::uint64_t high = hash64(seed, 1);
  const std::uint64_t low = hash64(seed, 2);
  char text[40];
  std::snprintf(text, sizeof text, "%08x-%04x-%04x-%04x-%012llx", static_cast<unsigned>(high >> 32),
                static_cast<unsigned>(high >> 16 & 0xFFFF),
                static_cast<unsigned>((high & 0x0FFF) | 0x8000),  // version 8: of our own making
                static_cast<unsigned>((low >> 48 & 0x3FFF) | 0x8000),
                static_cast<unsigned long long>(low & 0xFFFFFFFFFFFF));
  return text;
}

}  // namespace ingot::server
