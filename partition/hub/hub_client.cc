#include "partition/hub/hub_client.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/try.h"
#include "partition/hub/rendezvous.h"

namespace ingot::partition {
namespace {

// The first byte of a continuation token: its version.
constexpr char kTokenVersion = '1';

Status refuse_on_shard_thread() {
  if (!Shard::on_shard_thread()) return {};
  return Status(StatusCode::failed_precondition,
                "a blocking call from a callback would stop the shard that has to answer it");
}

}  // namespace

Status HubClient::check_payload(std::string_view what, std::size_t bytes) const {
  const std::uint64_t limit = environment_.options.payload_bytes_max;
  if (bytes <= limit) return {};
  return Status(StatusCode::invalid_argument, std::string(what) + " has " + std::to_string(bytes) +
                                                  " bytes; the limit is " + std::to_string(limit));
}

void HubClient::run_async(std::string_view orchestrator, StartOptions options, StartedFn started,
                          StateFn completed) {
  StartRequest request;
  request.instance_id = options.instance_id.empty() ? ids_.make() : std::move(options.instance_id);
  if (Status valid = validate_instance_id(request.instance_id); !valid.ok()) {
    return started(std::move(valid));
  }
  if (Status valid = validate_name("orchestrator", orchestrator); !valid.ok()) {
    return started(std::move(valid));
  }
  if (Status valid = check_payload("the input", options.input.size()); !valid.ok()) {
    return started(std::move(valid));
  }
  if (!environment_.options.foreign_work &&
      environment_.registry.find_orchestrator(orchestrator) == nullptr) {
    return started(Status(StatusCode::not_found,
                          "no orchestrator '" + std::string(orchestrator) + "' is registered"));
  }
  request.id_hash = hash64(request.instance_id);
  request.orchestrator = orchestrator;
  request.input = std::move(options.input);
  request.has_input = options.has_input;
  request.scheduled_start = options.scheduled_start;
  request.request_id = next_request_id_.fetch_add(1, std::memory_order_relaxed);
  request.started = std::move(started);
  request.completed = std::move(completed);
  const PartitionId partition = router_.of_hash(request.id_hash);
  router_.offer_or_refuse(partition, std::move(request));
}

void HubClient::schedule_new_orchestration_async(std::string_view orchestrator,
                                                 StartOptions options, StartedFn started) {
  run_async(orchestrator, std::move(options), std::move(started), nullptr);
}

Result<std::string> HubClient::schedule_new_orchestration(std::string_view orchestrator,
                                                          StartOptions options) {
  INGOT_TRY(refuse_on_shard_thread());
  const auto answer = std::make_shared<Rendezvous<Result<std::string>>>();
  run_async(
      orchestrator, std::move(options),
      [answer](Result<std::string> id) { answer->give(std::move(id)); }, nullptr);
  return answer->take();
}

Result<InstanceState> HubClient::wait(std::string_view instance_id, WaitFor wait_for,
                                      Duration timeout) {
  INGOT_TRY(refuse_on_shard_thread());
  INGOT_TRY(validate_instance_id(instance_id));
  const auto answer = std::make_shared<Rendezvous<Result<InstanceState>>>();
  ObserveRequest request;
  request.instance_id = instance_id;
  request.id_hash = hash64(instance_id);
  request.wait_for = wait_for;
  request.wait_id = next_request_id_.fetch_add(1, std::memory_order_relaxed);
  request.done = [answer](Result<InstanceState> state) { answer->give(std::move(state)); };
  CancelWaitRequest cancel{request.instance_id, request.id_hash, request.wait_id};
  const PartitionId partition = router_.of_hash(request.id_hash);
  INGOT_TRY(router_.offer(partition, std::move(request)));
  if (auto state = answer->take_for(timeout)) return *std::move(state);
  // The waiter is taken back; if even that is not taken, it ends with the instance or the hub.
  static_cast<void>(router_.offer(partition, std::move(cancel)));
  return Status(StatusCode::timed_out, "instance '" + std::string(instance_id) + "' has not " +
                                           (wait_for == WaitFor::start ? "started" : "ended") +
                                           " in time");
}

Result<InstanceState> HubClient::wait_for_start(std::string_view instance_id, Duration timeout) {
  return wait(instance_id, WaitFor::start, timeout);
}

Result<InstanceState> HubClient::wait_for_completion(std::string_view instance_id,
                                                     Duration timeout) {
  return wait(instance_id, WaitFor::completion, timeout);
}

void HubClient::wait_for_completion_async(std::string_view instance_id, StateFn completed) {
  if (Status valid = validate_instance_id(instance_id); !valid.ok()) {
    return completed(std::move(valid));
  }
  ObserveRequest request;
  request.instance_id = instance_id;
  request.id_hash = hash64(instance_id);
  request.wait_for = WaitFor::completion;
  request.done = std::move(completed);
  const PartitionId partition = router_.of_hash(request.id_hash);
  router_.offer_or_refuse(partition, std::move(request));
}

Result<InstanceState> HubClient::get_instance(std::string_view instance_id, bool with_payloads) {
  INGOT_TRY(refuse_on_shard_thread());
  INGOT_TRY(validate_instance_id(instance_id));
  const auto answer = std::make_shared<Rendezvous<Result<InstanceState>>>();
  ObserveRequest request;
  request.instance_id = instance_id;
  request.id_hash = hash64(instance_id);
  request.with_payloads = with_payloads;
  request.done = [answer](Result<InstanceState> state) { answer->give(std::move(state)); };
  INGOT_TRY(router_.offer(router_.of_hash(request.id_hash), std::move(request)));
  return answer->take();
}

void HubClient::raise_event_async(std::string_view instance_id, std::string_view event_name,
                                  std::string_view data, DoneFn done,
                                  std::uint64_t /*request_id*/) {
  Status valid = validate_instance_id(instance_id);
  if (valid.ok()) valid = validate_name("event", event_name);
  if (valid.ok()) valid = check_payload("the event's data", data.size());
  if (!valid.ok()) return done(std::move(valid));
  DeliverRequest request;
  request.instance_id = instance_id;
  request.id_hash = hash64(instance_id);
  request.name = event_name;
  request.data = data;
  request.request_id = next_request_id_.fetch_add(1, std::memory_order_relaxed);
  request.done = std::move(done);
  const PartitionId partition = router_.of_hash(request.id_hash);
  router_.offer_or_refuse(partition, std::move(request));
}

Status HubClient::raise_event(std::string_view instance_id, std::string_view event_name,
                              std::string_view data, std::uint64_t request_id) {
  INGOT_TRY(refuse_on_shard_thread());
  const auto answer = std::make_shared<Rendezvous<Status>>();
  raise_event_async(
      instance_id, event_name, data, [answer](Status status) { answer->give(std::move(status)); },
      request_id);
  return answer->take();
}

Status HubClient::terminate(std::string_view instance_id, std::string_view reason, bool /*recurse*/,
                            std::uint64_t /*request_id*/) {
  INGOT_TRY(refuse_on_shard_thread());
  INGOT_TRY(validate_instance_id(instance_id));
  INGOT_TRY(check_payload("the reason", reason.size()));
  const auto answer = std::make_shared<Rendezvous<Status>>();
  DeliverRequest request;
  request.instance_id = instance_id;
  request.id_hash = hash64(instance_id);
  request.kind = HistoryEventKind::execution_terminated;
  request.data = reason;
  request.request_id = next_request_id_.fetch_add(1, std::memory_order_relaxed);
  request.done = [answer](Status status) { answer->give(std::move(status)); };
  INGOT_TRY(router_.offer(router_.of_hash(request.id_hash), std::move(request)));
  return answer->take();
}

Result<std::vector<HistoryEvent>> HubClient::get_history(std::string_view instance_id) {
  INGOT_TRY(refuse_on_shard_thread());
  INGOT_TRY(validate_instance_id(instance_id));
  const auto answer = std::make_shared<Rendezvous<Result<std::vector<HistoryEvent>>>>();
  HistoryRequest request;
  request.instance_id = instance_id;
  request.id_hash = hash64(instance_id);
  request.done = [answer](Result<std::vector<HistoryEvent>> history) {
    answer->give(std::move(history));
  };
  INGOT_TRY(router_.offer(router_.of_hash(request.id_hash), std::move(request)));
  return answer->take();
}

Result<InstancePage> HubClient::query_instances(const InstanceQuery& query) {
  INGOT_TRY(refuse_on_shard_thread());
  if (query.page_size == 0 || query.page_size > 1000) {
    return Status(StatusCode::invalid_argument, "page_size is 1 to 1,000");
  }
  if (query.prefix.size() > kInstanceIdBytesMax) {
    return Status(StatusCode::invalid_argument, "the prefix is longer than an instance id");
  }
  std::string after;
  if (!query.continuation_token.empty()) {
    after = query.continuation_token.substr(1);
    if (query.continuation_token.front() != kTokenVersion || !validate_instance_id(after).ok()) {
      return Status(StatusCode::invalid_argument, "the continuation token is not one of ours");
    }
  }
  // Each partition gives its smallest ids; the smallest of all of them are the page.
  using Answer = Rendezvous<Result<std::vector<InstanceState>>>;
  std::vector<std::shared_ptr<Answer>> answers;
  for (std::uint32_t p = 0; p < router_.partitions(); ++p) {
    answers.push_back(std::make_shared<Answer>());
    QueryRequest request;
    request.query = query;
    request.query.page_size = query.page_size + 1;  // one more tells whether a page follows
    request.after = after;
    request.done = [answer = answers.back()](Result<std::vector<InstanceState>> found) {
      answer->give(std::move(found));
    };
    if (Status taken = router_.offer(PartitionId(p), std::move(request)); !taken.ok()) {
      answers.back()->give(std::move(taken));
    }
  }
  InstancePage page;
  Status failure;
  for (const auto& answer : answers) {
    Result<std::vector<InstanceState>> found = answer->take();
    if (!found.ok()) {
      failure = found.take_status();
      continue;
    }
    std::move(found->begin(), found->end(), std::back_inserter(page.instances));
  }
  INGOT_TRY(std::move(failure));
  std::sort(
      page.instances.begin(), page.instances.end(),
      [](const InstanceState& a, const InstanceState& b) { return a.instance_id < b.instance_id; });
  if (page.instances.size() > query.page_size) {
    page.instances.resize(query.page_size);
    page.continuation_token = kTokenVersion + page.instances.back().instance_id;
  }
  return page;
}

}  // namespace ingot::partition
