#include "tools/ingotd/http/instance_filters.h"

#include "core/try.h"

namespace ingot::server {

Result<std::vector<RuntimeStatus>> read_statuses(const Target& target, std::string_view name) {
  std::vector<RuntimeStatus> statuses;
  for (const std::string& text : target.list(name)) {
    const auto status = parse_runtime_status(text);
    if (!status) {
      return Status(StatusCode::invalid_argument,
                    "the parameter " + std::string(name) + " names '" + text.substr(0, 100) +
                        "'; expected are Pending, Running, Completed, Failed, Terminated, "
                        "Suspended, ContinuedAsNew");
    }
    statuses.push_back(*status);
  }
  return statuses;
}

Status read_instance_filter(const Target& target, InstanceFilter& filter) {
  filter.prefix = std::string(target.parameter("instanceIdPrefix").value_or(""));
  INGOT_ASSIGN(filter.statuses, read_statuses(target, "runtimeStatus"));
  filter.names = target.list("name");
  INGOT_ASSIGN(filter.created_from, target.time("createdTimeFrom"));
  INGOT_ASSIGN(filter.created_to, target.time("createdTimeTo"));
  INGOT_ASSIGN(filter.completed_from, target.time("completedTimeFrom"));
  INGOT_ASSIGN(filter.completed_to, target.time("completedTimeTo"));
  return {};
}

Result<PayloadForm> read_payload_form(const Target& target) {
  const std::string_view form = target.parameter("payloads").value_or("json");
  if (form == "json") return PayloadForm::json;
  if (form == "text") return PayloadForm::text;
  return Status(StatusCode::invalid_argument, "the parameter payloads is json or text");
}

std::string read_continuation_token(const Call& call) {
  std::string_view token = call.request.field(kContinuationField);
  if (token.empty()) return std::string(call.target.parameter("continuationToken").value_or(""));
  // It was escaped for the header; a parameter has been decoded already.
  const Result<Target> decoded = parse_target("/?t=" + std::string(token));
  return decoded.ok() ? std::string(decoded->parameter("t").value_or("")) : std::string(token);
}

void write_counts(JsonWriter& json, const InstanceCounts& counts) {
  json.key("instances").begin_object();
  for (std::uint8_t i = 0; i <= kRuntimeStatusMax; ++i) {
    const auto status = static_cast<RuntimeStatus>(i);
    // Never seen from outside.
    if (status != RuntimeStatus::continued_as_new) json.member(to_string(status), counts[status]);
  }
  json.end_object();
  json.member("entities", counts.entities);
}

}  // namespace ingot::server
