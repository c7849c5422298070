#pragma once

// What the routes of instances share: filters and options in the query, counts.

#include <ingot/instance.h>

#include <vector>

#include "tools/ingotd/http/json_writer.h"
#include "tools/ingotd/http/route.h"

namespace ingot::server {

inline constexpr const char* kContinuationField = "x-ms-continuation-token";

// invalid_argument names the parameter.
[[nodiscard]] Status read_instance_filter(const Target& target, InstanceFilter& filter);
[[nodiscard]] Result<PayloadForm> read_payload_form(const Target& target);
[[nodiscard]] Result<std::vector<RuntimeStatus>> read_statuses(const Target& target,
                                                               std::string_view name);
// From the header, or the parameter "continuationToken".
[[nodiscard]] std::string read_continuation_token(const Call& call);
// The members of an object.
void write_counts(JsonWriter& json, const InstanceCounts& counts);

[[nodiscard]] std::vector<RouteParameter> instance_filter_parameters();

}  // namespace ingot::server
