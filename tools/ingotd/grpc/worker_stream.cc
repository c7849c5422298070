#include "tools/ingotd/grpc/worker_stream.h"

#include <algorithm>
#include <vector>

#include "tools/ingotd/grpc/convert_entities.h"
#include "tools/ingotd/grpc/convert_history.h"
#include "tools/ingotd/log.h"

namespace ingot::server {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kHeldMax = 100'000;

std::size_t index(WorkKind kind) { return static_cast<std::size_t>(kind); }

std::uint32_t limit(std::int32_t asked, std::uint32_t usual) {
  return asked <= 0 ? usual : std::min(static_cast<std::uint32_t>(asked), kHeldMax);
}

bool has(const ::GetWorkItemsRequest& request, ::WorkerCapability capability) {
  const auto& all = request.capabilities();
  return std::find(all.begin(), all.end(), capability) != all.end();
}

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

template <typename Filter>
WorkName work_name(const Filter& filter) {
  return {filter.name(), {filter.versions().begin(), filter.versions().end()}};
}

WorkFilter read_filter(const ::GetWorkItemsRequest& request) {
  WorkFilter filter;
  if (!request.has_workitemfilters()) return filter;
  const ::WorkItemFilters& wanted = request.workitemfilters();
  filter.orchestrations.emplace();
  for (const auto& one : wanted.orchestrations()) filter.orchestrations->push_back(work_name(one));
  filter.activities.emplace();
  for (const auto& one : wanted.activities()) filter.activities->push_back(work_name(one));
  filter.entities.emplace();
  for (const auto& one : wanted.entities()) {
    filter.entities->push_back({lower_case(one.name()), {}});
  }
  return filter;
}

std::uint64_t item_key(const WorkItemToken& token) {
  return token.lock * 64 + token.partition;  // a hub has at most 64 partitions
}

}  // namespace

grpc::ServerWriteReactor<::WorkItem>* WorkerStream::start(ServiceCore& core, HubPtr hub,
                                                          const ::GetWorkItemsRequest& request,
                                                          bool older_entity_requests) {
  const auto stream =
      std::make_shared<WorkerStream>(core, std::move(hub), request, older_entity_requests);
  stream->self_ = stream;
  core.streams.add(stream);
  core.figures.worker_streams.fetch_add(1);
  // The worker sees that it is connected before there is any work.
  stream->StartSendInitialMetadata();
  const SubscriptionId id = stream->hub_->work_items().subscribe(stream, read_filter(request));
  {
    const std::lock_guard lock(stream->mutex_);
    stream->subscription_ = id;
  }
  // Whatever was refused or ended while the number was not known.
  stream->tell_if_room();
  bool ended = false;
  {
    const std::lock_guard lock(stream->mutex_);
    ended = stream->ending_;
  }
  if (ended) stream->quiesce();
  return stream.get();
}

WorkerStream::WorkerStream(ServiceCore& core, HubPtr hub, const ::GetWorkItemsRequest& request,
                           bool older_entity_requests)
    : core_(core),
      hub_(std::move(hub)),
      older_entity_requests_(older_entity_requests),
      can_stream_history_(has(request, ::WORKER_CAPABILITY_HISTORY_STREAMING)),
      held_max_{
          limit(request.maxconcurrentorchestrationworkitems(), core.config.worker_orchestrations),
          limit(request.maxconcurrententityworkitems(), core.config.worker_entities),
          limit(request.maxconcurrentactivityworkitems(), core.config.worker_activities)},
      last_write_(Clock::now()) {
  static_assert(static_cast<int>(WorkKind::entity) == 1 &&
                static_cast<int>(WorkKind::activity) == 2);
}

// --- from the hub -------------------------------------------------------------------------------

bool WorkerStream::reserve(WorkKind kind) {
  const std::lock_guard lock(mutex_);
  if (ending_ || held_[index(kind)] >= held_max_[index(kind)] ||
      queue_bytes_ > core_.config.stream_queue_bytes_max) {
    refused_ = true;
    return false;
  }
  ++held_[index(kind)];
  return true;
}

void WorkerStream::unreserve(WorkKind kind) {
  const std::lock_guard lock(mutex_);
  --held_[index(kind)];
}

OutstandingPtr WorkerStream::note(const WorkItemToken& token, WorkKind kind,
                                  const std::string& instance_id) {
  auto item = std::make_shared<OutstandingItem>();
  item->token = token;
  item->kind = kind;
  item->instance_id = instance_id;
  item->owner = weak_from_this();
  return item;
}

void WorkerStream::take(OrchestrationWorkItem item) {
  core_.answers.post([stream = shared_from_this(), item = std::move(item)] {
    auto message = std::make_unique<::WorkItem>();
    ::OrchestratorRequest* request = message->mutable_orchestratorrequest();
    write_orchestration(item, true, request);
    if (stream->can_stream_history_ &&
        request->ByteSizeLong() > stream->core_.config.work_item_bytes_max) {
      request->Clear();
      write_orchestration(item, false, request);
    }
    stream->enqueue(stream->note(item.token, WorkKind::orchestration, item.instance_id),
                    std::move(message));
  });
}

void WorkerStream::take(EntityWorkItem item) {
  core_.answers.post([stream = shared_from_this(), item = std::move(item)]() mutable {
    auto message = std::make_unique<::WorkItem>();
    if (stream->older_entity_requests_) {
      write_entity(item, message->mutable_entityrequest());
    } else {
      write_entity(item, message->mutable_entityrequestv2());
    }
    OutstandingPtr noted = stream->note(item.token, WorkKind::entity, item.instance_id);
    // With its state, which a batch that fails as a whole leaves as it is.
    noted->entity = std::make_shared<const EntityWorkItem>(std::move(item));
    stream->enqueue(std::move(noted), std::move(message));
  });
}

void WorkerStream::take(ActivityWorkItem item) {
  core_.answers.post([stream = shared_from_this(), item = std::move(item)] {
    auto message = std::make_unique<::WorkItem>();
    write_activity(item, message->mutable_activityrequest());
    stream->enqueue(stream->note(item.token, WorkKind::activity, item.instance_id),
                    std::move(message));
  });
}

void WorkerStream::enqueue(OutstandingPtr item, std::unique_ptr<::WorkItem> message) {
  const WorkItemToken token = item->token;
  const WorkKind kind = item->kind;
  message->set_completiontoken(core_.tokens.make(token, item->instance_id));
  const std::size_t bytes = message->ByteSizeLong();
  bool held = false;
  {
    // Before anyone can settle it.
    const std::lock_guard lock(mutex_);
    held = !ending_;
    if (held) {
      items_.emplace(item_key(token), Held{token, kind});
    } else {
      --held_[index(kind)];
    }
  }
  hub_->outstanding.add(std::move(item));
  if (held) {
    const std::lock_guard lock(mutex_);
    // Whoever has ended the stream meanwhile has given it back.
    if (!ending_) {
      queue_.push_back({std::move(message), bytes});
      queue_bytes_ += bytes;
      core_.figures.bytes_queued.fetch_add(bytes);
      write_next();
    }
    return;
  }
  hub_->outstanding.returned(token);
  hub_->work_items().return_item(token);
}

void WorkerStream::closed() { end({grpc::StatusCode::UNAVAILABLE, "the task hub is closed"}); }

void WorkerStream::settled(const WorkItemToken& token, WorkKind kind) {
  {
    const std::lock_guard lock(mutex_);
    if (items_.erase(item_key(token)) == 0) return;
    --held_[index(kind)];
  }
  core_.figures.items_completed.fetch_add(1);
  tell_if_room();
}

void WorkerStream::refused(const WorkItemToken& token) {
  const std::lock_guard lock(mutex_);
  const auto held = items_.find(item_key(token));
  if (held != items_.end()) held->second.refused = true;
}

void WorkerStream::give_back_refused() {
  std::vector<WorkItemToken> tokens;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(items_, [&](const auto& entry) {
      const Held& held = entry.second;
      if (!held.refused) return false;
      tokens.push_back(held.token);
      --held_[index(held.kind)];
      return true;
    });
  }
  for (const WorkItemToken& token : tokens) {
    hub_->outstanding.returned(token);
    hub_->work_items().return_item(token);
  }
  core_.figures.items_returned.fetch_add(tokens.size());
  if (!tokens.empty()) tell_if_room();
}

void WorkerStream::tell_if_room() {
  SubscriptionId id = 0;
  {
    const std::lock_guard lock(mutex_);
    if (!refused_ || ending_ || subscription_ == 0 ||
        queue_bytes_ > core_.config.stream_queue_bytes_max) {
      return;
    }
    refused_ = false;
    id = subscription_;
  }
  hub_->work_items().ready(id);
}

// --- writing ------------------------------------------------------------------------------------

void WorkerStream::write_next() {
  if (writing_.message != nullptr || queue_.empty() || finished_) return;
  writing_ = std::move(queue_.front());
  queue_.pop_front();
  last_write_ = Clock::now();
  grpc::WriteOptions options;
  // What follows at once goes out with it.
  if (!queue_.empty()) options.set_buffer_hint();
  StartWrite(writing_.message.get(), options);
}

void WorkerStream::OnWriteDone(bool ok) {
  {
    const std::lock_guard lock(mutex_);
    queue_bytes_ -= writing_.bytes;
    core_.figures.bytes_queued.fetch_sub(writing_.bytes);
    if (ok && writing_.bytes != 0) core_.figures.items_sent.fetch_add(1);
    writing_ = {};
    if (!ending_ && ok) {
      write_next();
    } else if (ending_) {
      finish_if_idle();
    }
  }
  if (!ok) return end({grpc::StatusCode::CANCELLED, "the worker has left"});
  tell_if_room();
}

void WorkerStream::ping_unless_sent_since(Clock::time_point then) {
  const std::lock_guard lock(mutex_);
  if (ending_ || writing_.message != nullptr || last_write_ > then) return;
  auto ping = std::make_unique<::WorkItem>();
  ping->mutable_healthping();
  queue_.push_back({std::move(ping), 0});
  write_next();
}

// --- the end ------------------------------------------------------------------------------------

void WorkerStream::quiesce() {
  SubscriptionId id = 0;
  {
    const std::lock_guard lock(mutex_);
    id = subscription_;
  }
  if (id != 0) hub_->work_items().unsubscribe(id);
}

bool WorkerStream::is_idle() {
  const std::lock_guard lock(mutex_);
  return held_ == std::array<std::uint32_t, 3>{};
}

void WorkerStream::finish_if_idle() {
  if (writing_.message != nullptr || finished_) return;
  finished_ = true;
  Finish(status_);
}

void WorkerStream::end(const grpc::Status& status) {
  // Finishing may be the end of the last reference but this one.
  const auto keep = shared_from_this();
  std::unordered_map<std::uint64_t, Held> unfinished;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(ending_, true)) return;
    status_ = status;
    for (const Waiting& waiting : queue_) {
      queue_bytes_ -= waiting.bytes;
      core_.figures.bytes_queued.fetch_sub(waiting.bytes);
    }
    queue_.clear();
    unfinished.swap(items_);
    for (const auto& [key, item] : unfinished) --held_[index(item.kind)];
  }
  quiesce();
  for (const auto& [key, item] : unfinished) {
    hub_->outstanding.returned(item.token);
    hub_->work_items().return_item(item.token);
  }
  core_.figures.items_returned.fetch_add(unfinished.size());
  if (!unfinished.empty()) {
    log_debug("items of a worker go back",
              {{"hub", hub_->name}, {"items", std::to_string(unfinished.size())}});
  }
  const std::lock_guard lock(mutex_);
  finish_if_idle();
}

void WorkerStream::OnCancel() { end({grpc::StatusCode::CANCELLED, "the worker has left"}); }

void WorkerStream::OnDone() {
  core_.figures.worker_streams.fetch_sub(1);
  core_.streams.remove(*this);
  const auto last = std::move(self_);
}

}  // namespace ingot::server
