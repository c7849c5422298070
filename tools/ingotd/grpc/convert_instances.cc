#include "tools/ingotd/grpc/convert_instances.h"

#include <algorithm>
#include <utility>

#include "core/try.h"
#include "tools/ingotd/grpc/convert_values.h"

namespace ingot::server {
namespace {

constexpr std::int32_t kPageMax = 1000;

void read_page_size(std::int32_t asked, std::uint32_t& size) {
  if (asked > 0) size = static_cast<std::uint32_t>(std::min(asked, kPageMax));
}

}  // namespace

Result<StartOptions> read_start(const ::CreateInstanceRequest& request) {
  StartOptions options;
  options.instance_id = request.instanceid();
  options.has_input = request.has_input();
  options.input = text_or_empty(request.has_input(), request.input());
  // SDKs write zero for "now".
  const google::protobuf::Timestamp& start = request.scheduledstarttimestamp();
  if (start.seconds() != 0 || start.nanos() != 0) options.scheduled_start = read_time(start);
  options.version = text_or_empty(request.has_version(), request.version());
  options.tags = read_tags(request.tags());
  if (request.has_parenttracecontext()) {
    options.trace_parent = read_trace(request.parenttracecontext());
  }
  INGOT_ASSIGN(options.replace,
               read_statuses("orchestrationIdReusePolicy: replaceableStatus",
                             request.orchestrationidreusepolicy().replaceablestatus()));
  // What no instance ever is needs no word.
  std::erase(options.replace, RuntimeStatus::continued_as_new);
  const auto replaces = [&](RuntimeStatus status) {
    return std::find(options.replace.begin(), options.replace.end(), status) !=
           options.replace.end();
  };
  if (!replaces(RuntimeStatus::terminated) &&
      (replaces(RuntimeStatus::pending) || replaces(RuntimeStatus::running) ||
       replaces(RuntimeStatus::suspended))) {
    // SDKs show and compare the beginning of this text.
    return Status(
        StatusCode::invalid_argument,
        "Invalid reusable statuses: cannot exclude 'Terminated' while also allowing reuse "
        "of running instances, which are terminated first");
  }
  return options;
}

void write_state(const InstanceState& state, bool payloads, ::OrchestrationState* out) {
  out->set_instanceid(state.instance_id);
  out->set_name(state.name);
  if (!state.version.empty()) out->mutable_version()->set_value(wire_text(state.version));
  out->set_orchestrationstatus(write_status(state.status));
  if (state.scheduled_start) {
    write_time(*state.scheduled_start, out->mutable_scheduledstarttimestamp());
  }
  write_time(state.created_at, out->mutable_createdtimestamp());
  write_time(state.last_updated_at, out->mutable_lastupdatedtimestamp());
  if (state.completed_at) write_time(*state.completed_at, out->mutable_completedtimestamp());
  out->mutable_executionid()->set_value(to_string(state.execution_id));
  if (state.parent_instance_id) {
    out->mutable_parentinstanceid()->set_value(*state.parent_instance_id);
  }
  write_tags(state.tags, out->mutable_tags());
  if (!payloads) return;
  if (state.input) out->mutable_input()->set_value(wire_text(*state.input));
  if (state.output) out->mutable_output()->set_value(wire_text(*state.output));
  if (state.custom_status) out->mutable_customstatus()->set_value(wire_text(*state.custom_status));
  if (state.failure) write_failure(*state.failure, out->mutable_failuredetails());
}

Result<InstanceQuery> read_query(const ::InstanceQuery& query) {
  InstanceQuery result;
  INGOT_ASSIGN(result.statuses, read_statuses("query: runtimeStatus", query.runtimestatus()));
  if (query.has_createdtimefrom()) result.created_from = read_time(query.createdtimefrom());
  if (query.has_createdtimeto()) result.created_to = read_time(query.createdtimeto());
  result.prefix = query.instanceidprefix().value();
  result.with_payloads = query.fetchinputsandoutputs();
  read_page_size(query.maxinstancecount(), result.page_size);
  result.continuation_token = query.continuationtoken().value();
  return result;
}

Result<std::optional<InstanceIdQuery>> read_query(const ::ListInstanceIdsRequest& request) {
  InstanceIdQuery result;
  INGOT_ASSIGN(result.statuses, read_statuses("runtimeStatus", request.runtimestatus()));
  const bool any = result.statuses.empty();
  std::erase_if(result.statuses, [](RuntimeStatus status) { return !is_terminal(status); });
  if (!any && result.statuses.empty()) return std::optional<InstanceIdQuery>();
  if (request.has_completedtimefrom()) {
    result.completed_from = read_time(request.completedtimefrom());
  }
  if (request.has_completedtimeto()) result.completed_to = read_time(request.completedtimeto());
  read_page_size(request.pagesize(), result.page_size);
  result.continuation_token = request.lastinstancekey().value();
  return std::optional<InstanceIdQuery>(std::move(result));
}

Result<Purge> read_purge(const ::PurgeInstancesRequest& request) {
  const ::PurgeInstanceFilter& filter = request.purgeinstancefilter();
  Purge result;
  INGOT_ASSIGN(result.filter.statuses,
               read_statuses("purgeInstanceFilter: runtimeStatus", filter.runtimestatus()));
  if (filter.has_createdtimefrom())
    result.filter.created_from = read_time(filter.createdtimefrom());
  if (filter.has_createdtimeto()) result.filter.created_to = read_time(filter.createdtimeto());
  result.filter.recursive = request.recursive();
  if (filter.has_timeout()) result.timeout = read_duration(filter.timeout());
  return result;
}

}  // namespace ingot::server
