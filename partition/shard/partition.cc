#include "partition/shard/partition.h"

#include <algorithm>
#include <utility>

#include "core/planted_bug.h"
#include "partition/work/work_slice.h"

namespace ingot::partition {
namespace {

// How long the log has to be idle before a watermark frame covers its last batch.
constexpr Duration kWatermarkDelay = std::chrono::milliseconds(5);
constexpr Duration kDiskRetry = std::chrono::milliseconds(100);
// Due timers whose instances are being loaded are looked at again each turn: up to this many.
constexpr std::size_t kTimerLoadsMax = 1024;
// Timers fired in one turn, so that a flood of them leaves room for other work.
constexpr std::size_t kTimersPerTurn = 4096;
constexpr std::size_t kEvictionsPerTurn = 256;
constexpr Duration kTimerLookMax = std::chrono::hours(1);

// Names, ids and times beside a payload.
constexpr std::uint64_t kFactOverhead = 64 << 10;

// A single fact seldom exceeds a payload. Segments that are small beside payloads can't provide for
// the largest.
std::uint64_t usual_fact_bytes(const HubOptions& options) {
  return std::min(options.payload_bytes_max + kFactOverhead, options.segment_bytes / 2);
}

Status closed() { return Status(StatusCode::cancelled, "the task hub is closed"); }

}  // namespace

Partition::Partition(const Environment& environment, Recovered recovered, std::uint32_t slot,
                     std::uint64_t memory_bytes, std::uint64_t seed, Inbox& inbox)
    : environment_(environment),
      slot_(slot),
      memory_bytes_(memory_bytes),
      inbox_(inbox),
      recovery_(recovered.figures),
      store_(std::move(recovered.store)),
      state_(std::move(recovered.state)),
      log_(std::move(recovered.log)),
      counters_at_open_(state_->counters),
      position_at_open_(state_->applied),
      recorder_(*log_, *state_, *this, usual_fact_bytes(environment.options),
                environment.options.replay_checker),
      residency_(environment, *state_, *store_, sessions_),
      waiters_(*state_, recorder_, gate_, sessions_),
      intake_(environment, *state_, recorder_, gate_, residency_, waiters_, seed),
      rows_(environment, *state_, *store_, recorder_, gate_, residency_, checkpointer_),
      completions_(environment, *state_, *store_, recorder_, gate_, residency_),
      retention_(environment, recorder_, completions_),
      runner_(environment, recorder_, sessions_, ~seed),
      entities_(environment, recorder_),
      foreign_(environment, *state_, recorder_, gate_, sessions_, seed + 1),
      activities_(environment, *state_, recorder_, foreign_),
      peers_(environment, *state_, recorder_, gate_, residency_),
      checkpointer_(environment, *state_, *log_, *store_, residency_) {
  start_unfinished();
}

// The last part of recovery: what was due when the log ended.
void Partition::start_unfinished() {
  state_->instances.for_each([&](const Instance& instance) {
    if (INGOT_PLANTED(kLoseWorkAtOpen)) return;
    if (instance.inbox_count != 0 && !instance.blocked()) enqueue_step(instance.sequence);
    activities_.enqueue_pending(instance);
  });
  activities_.enqueue_detached();
  std::sort(steps_.begin(), steps_.end());
  peers_.resend_all();
}

// --- requests ---------------------------------------------------------------------------------

// Gives each kind of request to its part. False: the request waits for its instance to be loaded.
struct Partition::Taker {
  Partition& p;

  bool operator()(StartRequest& r) const { return p.intake_.take(r); }
  bool operator()(DeliverRequest& r) const { return p.intake_.take(r); }
  bool operator()(SignalRequest& r) const { return p.intake_.take(r); }
  bool operator()(RestartRequest& r) const { return p.intake_.take(r); }
  bool operator()(RewindRequest& r) const { return p.intake_.take(r); }
  bool operator()(PurgeRequest& r) const { return p.intake_.take(r); }
  bool operator()(ObserveRequest& r) const { return p.intake_.take(r); }
  bool operator()(CancelWaitRequest& r) const { return p.intake_.take(r); }
  bool operator()(HistoryRequest& r) const { return p.intake_.take(r); }
  bool operator()(EntityRequest& r) const { return p.intake_.take(r); }
  bool operator()(CleanEntityRequest& r) const { return p.intake_.take(r); }
  bool operator()(CountRequest& r) const { return p.intake_.take(r); }
  bool operator()(ScanRequest& r) const { return p.rows_.take(r), true; }
  bool operator()(RowsScanned& r) const { return p.rows_.take(r), true; }
  bool operator()(CompletionRequest& r) const { return p.completions_.take(r), true; }
  bool operator()(PurgeManyRequest& r) const { return p.completions_.take(r), true; }
  bool operator()(RecordsScanned& r) const { return p.completions_.take(r), true; }
  bool operator()(CheckpointRequest& r) const {
    if (p.closing_) return r.done(closed()), true;
    return p.checkpointer_.take(r), true;
  }
  bool operator()(MetricsRequest& r) const { return r.done(p.metrics()), true; }
  bool operator()(LockOrchestrationRequest& r) const {
    return p.foreign_.take(r, p.monotonic_), true;
  }
  bool operator()(LockEntityRequest& r) const { return p.foreign_.take(r, p.monotonic_), true; }
  bool operator()(CompleteEntityRequest& r) const { return p.foreign_.take(r), true; }
  bool operator()(LockActivityRequest& r) const { return p.foreign_.take(r, p.monotonic_), true; }
  bool operator()(CompleteOrchestrationRequest& r) const { return p.foreign_.take(r), true; }
  bool operator()(CompleteActivityRequest& r) const { return p.foreign_.take(r), true; }
  bool operator()(AbandonRequest& r) const { return p.foreign_.take(r), true; }
  bool operator()(ActivityResults& r) const { return p.take_results(r), true; }
  bool operator()(PeerMessages& r) const { return p.peers_.take(r), true; }
  bool operator()(PeerConfirmation& r) const { return p.peers_.take(r), true; }
  bool operator()(CheckpointDone& r) const {
    if (const Status done = p.checkpointer_.take(r, p.monotonic_); !done.ok()) p.stop(done);
    p.rows_.committed();
    return true;
  }
  bool operator()(LoadDone& r) const {
    std::vector<std::unique_ptr<Inbox::Entry>> waiting;
    if (const Status loaded = p.residency_.take(r, waiting); !loaded.ok()) p.stop(loaded);
    p.redispatch(waiting);
    if (!p.stopped_) p.peers_.resume();
    p.residency_.forget_loaded();
    return true;
  }
};

namespace {

// What names an instance by id, and so can wait for its load.
struct LoadKey {
  std::uint64_t id_hash = 0;
  std::string_view id;
};
template <typename R>
LoadKey load_key(const R& request) {
  if constexpr (requires { request.instance_id; }) {
    return {request.id_hash, request.instance_id};
  } else {
    return {};
  }
}

template <typename R, typename... Kinds>
concept OneOf = (std::is_same_v<R, Kinds> || ...);

// Adds to what the partition has to keep. Everything else may be what frees some, so it never
// waits.
bool needs_memory(const Request& request) {
  return std::visit(
      []<typename R>(const R& /*request*/) {
        return OneOf<R, StartRequest, DeliverRequest, SignalRequest, RestartRequest, RewindRequest>;
      },
      request);
}

// Adds facts to the log, so it waits for room there. Messages of peers do so in their channels.
bool needs_room(const Request& request) {
  return std::visit(
      []<typename R>([[maybe_unused]] const R& asked) {
        if constexpr (std::is_same_v<R, RecordsScanned>) return asked.progress->writes;
        return !OneOf<R, ObserveRequest, CancelWaitRequest, HistoryRequest, EntityRequest,
                      CountRequest, ScanRequest, RowsScanned, CompletionRequest, PurgeManyRequest,
                      CheckpointRequest, CheckpointDone, MetricsRequest, LockOrchestrationRequest,
                      LockEntityRequest, LockActivityRequest, AbandonRequest, LoadDone,
                      PeerMessages>;
      },
      request);
}

// Comes from the hub itself: it is never refused.
bool is_inner(const Request& request) {
  return std::holds_alternative<ActivityResults>(request) ||
         std::holds_alternative<PeerConfirmation>(request);
}

}  // namespace

void Partition::take(std::unique_ptr<Inbox::Entry> entry) {
  if (needs_memory(entry->request) && !stopped_ && !INGOT_PLANTED(kHoldNothingBack)) {
    if (memory_stuck_ && !closing_) {
      ++memory_refusals_;
      refuse(entry->request,
             Status(StatusCode::overloaded, "the memory of partition " +
                                                std::to_string(state_->partition.value) +
                                                " is used up by what can't be evicted"));
      finish(std::move(entry));
      return;
    }
    if (!held_.empty() || !can_take()) {
      held_.push_back(std::move(entry));
      return;
    }
  }
  // A new orchestration runs at once, while all of it is in the processor's caches. What comes for
  // others waits for the turn: one step takes all that has come for it.
  const bool starts = std::holds_alternative<StartRequest>(entry->request);
  const std::size_t waiting = steps_.size();
  dispatch(std::move(entry));
  if (starts) run_local_work(waiting);
}

void Partition::dispatch(std::unique_ptr<Inbox::Entry> entry) {
  if (stopped_ && !std::holds_alternative<MetricsRequest>(entry->request)) {
    refuse(entry->request,
           Status(StatusCode::unavailable, "partition " + std::to_string(state_->partition.value) +
                                               " has stopped: " + recorder_.failure().to_string()));
    finish(std::move(entry));
    return;
  }
  if (needs_room(entry->request) && !recorder_.has_room()) {
    if (!disk_full_ || is_inner(entry->request)) {
      held_work_.push_back(std::move(entry));
      return;
    }
    refuse(entry->request,
           Status(StatusCode::disk_full, "no space is left for the log of partition " +
                                             std::to_string(state_->partition.value)));
    finish(std::move(entry));
    return;
  }
  if (std::visit(Taker{*this}, entry->request)) {
    finish(std::move(entry));
    return;
  }
  if (closing_) {
    refuse(entry->request, closed());
    finish(std::move(entry));
    return;
  }
  const LoadKey key =
      std::visit([](const auto& request) { return load_key(request); }, entry->request);
  const std::string id(key.id);
  residency_.load(key.id_hash, id, std::move(entry));
}

void Partition::finish(std::unique_ptr<Inbox::Entry> entry) {
  if (entry->admitted) inbox_.handled(slot_);
  if (!recorder_.failure().ok()) stop(recorder_.failure());
}

// Goes on with what waited for a load. What can't go on yet comes before all that is held.
void Partition::redispatch(std::vector<std::unique_ptr<Inbox::Entry>>& loaded) {
  std::vector<std::unique_ptr<Inbox::Entry>> kept;
  for (auto& entry : loaded) {
    if (needs_memory(entry->request) && !stopped_ && !disk_full_ && !recorder_.has_room()) {
      kept.push_back(std::move(entry));
    } else {
      dispatch(std::move(entry));
    }
  }
  held_.insert(held_.begin(), std::make_move_iterator(kept.begin()),
               std::make_move_iterator(kept.end()));
}

void Partition::take_results(ActivityResults& results) {
  std::uint64_t bytes = 0;
  for (const ActivityResult& result : results.results) bytes += result.event.size();
  if (bytes <= recorder_.fact_bytes()) {
    activities_.take(results);
    return;
  }
  // Each is a fact, and room was found for one.
  ActivityResults one;
  for (auto result = results.results.begin(); result != results.results.end(); ++result) {
    if (!recorder_.has_room()) {
      ActivityResults rest;
      rest.results.assign(std::make_move_iterator(result),
                          std::make_move_iterator(results.results.end()));
      held_work_.push_front(std::make_unique<Inbox::Entry>(slot_, false, std::move(rest)));
      return;
    }
    one.results.assign(1, std::move(*result));
    activities_.take(one);
  }
}

bool Partition::can_take() {
  if (disk_full_) return true;  // what needs room is refused
  if (!recorder_.has_room()) return false;
  if (closing_) return true;  // the inbox is closed: what is left was admitted before
  if (log_->batch_bytes() >= environment_.options.batch_bytes_max) return false;
  return !memory_short_ && !checkpointer_.behind();
}

bool Partition::take_held() {
  bool any = false;
  while (!held_work_.empty() && (stopped_ || recorder_.has_room())) {
    std::unique_ptr<Inbox::Entry> entry = std::move(held_work_.front());
    held_work_.pop_front();
    dispatch(std::move(entry));
    any = true;
  }
  while (!held_.empty() && (stopped_ || can_take())) {
    std::unique_ptr<Inbox::Entry> entry = std::move(held_.front());
    held_.pop_front();
    dispatch(std::move(entry));
    any = true;
  }
  return any;
}

// Once a turn, before anything else: between turns room is only used up.
void Partition::find_room() {
  if (stopped_) return;
  const bool had_room = recorder_.has_room();
  recorder_.renew_room();
  if (!recorder_.found_room() && monotonic_ >= room_retry_at_) {
    // The first answer may be that of an attempt long ago.
    const bool again = room_retry_at_ != Duration(0);
    room_retry_at_ = monotonic_ + kDiskRetry;
    const Status made = log_->make_room();
    if (!log_->failure().ok()) return stop(log_->failure());
    recorder_.renew_room();
    if (!recorder_.found_room() && again && made.code() == StatusCode::disk_full) {
      disk_full_ = true;
      for (auto& entry : std::exchange(held_work_, {})) dispatch(std::move(entry));
    }
  }
  if (!recorder_.found_room()) return;
  disk_full_ = false;
  room_retry_at_ = Duration(0);
  if (!had_room) peers_.resume();
}

// --- effects ----------------------------------------------------------------------------------

void Partition::perform(const Effect& effect) {
  const bool later = environment_.options.persist_steps_first;
  if (const auto* step = std::get_if<StepReady>(&effect)) {
    if (!later) return enqueue_step(step->sequence);
    gate_.hold(recorder_.position(), [this, sequence = step->sequence](const Status& status) {
      if (status.ok()) enqueue_step(sequence);
    });
  } else if (const auto* activity = std::get_if<ActivityScheduled>(&effect)) {
    if (!later) return activities_.enqueue(*activity);
    gate_.hold(recorder_.position(), [this, scheduled = *activity](const Status& status) {
      if (status.ok()) activities_.enqueue(scheduled);
    });
  } else if (const auto* started = std::get_if<InstanceStarted>(&effect)) {
    waiters_.started(started->sequence);
  } else if (const auto* finished = std::get_if<InstanceFinished>(&effect)) {
    const std::unique_ptr<Session> session = sessions_.remove(finished->sequence);
    if (session != nullptr) {
      foreign_.forget(*session);
      waiters_.finished(*session, finished->record);
    }
  } else if (const auto* message = std::get_if<MessageQueued>(&effect)) {
    peers_.queued(message->destination, message->channel_position);
  }
}

void Partition::enqueue_step(SequenceNumber sequence) {
  Session& session = sessions_.get(sequence);
  if (std::exchange(session.queued, true)) return;
  steps_.push_back(sequence);
}

// --- the turn ---------------------------------------------------------------------------------

void Partition::set_time(Timestamp now, Duration monotonic) {
  monotonic_ = monotonic;
  recorder_.set_now(now);
}

bool Partition::turn(Timestamp now, Duration monotonic) {
  set_time(now, monotonic);
  find_room();
  bool busy = take_held();
  if (stopped_) return busy;
  if (!closing_) {
    busy |= fire_timers(recorder_.now());
    busy |= run_local_work(0);
    foreign_deadline_ = foreign_.expire(monotonic);
    sessions_.drop_idle(recorder_.now() - environment_.options.extended_session_idle_timeout,
                        kEvictionsPerTurn);
  }
  activities_.submit();
  if (!recorder_.failure().ok()) {
    stop(recorder_.failure());
    return true;
  }
  busy |= flush(monotonic);
  if (stopped_) return true;
  // What waits for a position that is durable already: no write may come to release it.
  if (gate_.size() != 0) busy |= gate_.release(log_->durable_position()) != 0;
  peers_.send();
  busy |= keep_memory();
  if (!closing_) retention_.turn(monotonic);
  if (!closing_) checkpointer_.turn(monotonic, memory_short_);
  return busy;
}

bool Partition::fire_timers(Timestamp now) {
  std::size_t fired = 0;
  std::size_t loading = 0;
  const std::set<TimerKey>& timers = state_->agenda.timers();
  for (auto next = timers.begin(); next != timers.end() && next->fire_at <= now;) {
    const TimerKey key = *next;
    ++next;  // firing removes the timer
    if (state_->instances.find(key.sequence) == nullptr) {
      residency_.load(key.sequence);
      if (++loading == kTimerLoadsMax) break;
      continue;
    }
    if (!recorder_.has_room()) break;
    if (!recorder_.record(TimerFired{key.sequence, key.generation, key.timer_id})) break;
    if (timers.contains(key)) {  // it would be due for ever
      stop(Status(StatusCode::corrupt, "timer " + std::to_string(key.timer_id) + " of instance " +
                                           std::to_string(key.sequence.value) +
                                           " is due, and the instance does not wait for it"));
      return true;
    }
    if (++fired == kTimersPerTurn) break;
  }
  return fired != 0;
}

// Runs what is queued, but for the oldest `waiting` steps.
bool Partition::run_local_work(std::size_t waiting) {
  if (stopped_ || closing_) return false;
  bool any = false;
  WorkSlice slice(environment_.clock);
  while (recorder_.failure().ok() && !slice.over() &&
         (steps_.size() > waiting || !activities_.empty() || (waiting == 0 && peers_.has_own()))) {
    if (log_->batch_bytes() >= environment_.options.batch_bytes_max) break;
    if (!recorder_.has_room()) break;
    any = true;
    if (!activities_.empty()) {
      activities_.start_next();
      continue;
    }
    if (steps_.empty()) {
      peers_.take_own();
      continue;
    }
    const SequenceNumber sequence = waiting == 0 ? steps_.front() : steps_.back();
    waiting == 0 ? steps_.pop_front() : steps_.pop_back();
    Session* session = sessions_.find(sequence);
    Instance* instance = state_->instances.find(sequence);
    if (session == nullptr) continue;
    session->queued = false;
    if (instance == nullptr || instance->inbox_count == 0 || instance->blocked()) continue;
    if (session->foreign != nullptr && session->foreign->lock.held()) continue;
    if (instance->entity != nullptr) {
      // Nothing is kept for an entity between batches.
      if (session->waiters.empty() && session->foreign == nullptr) {
        sessions_.remove(sequence).reset();
      }
      if (!entities_.step(*instance)) foreign_.offer_entity(*instance);
    } else if (!runner_.step(*instance, *session) && environment_.options.foreign_work) {
      foreign_.offer_orchestration(*instance, *session);
    }
  }
  return any;
}

bool Partition::flush(Duration monotonic) {
  if (log_->write_in_flight()) return false;
  if (log_->batch_bytes() == 0) {
    if (log_->needs_watermark() && (closing_ || monotonic - last_write_at_ >= kWatermarkDelay)) {
      if (const Status status = log_->write_watermark(slot_); !status.ok()) stop(status);
      return true;
    }
    return false;
  }
  if (stuck_ && monotonic < flush_retry_at_) return false;
  const Status status = log_->flush(slot_);
  stuck_ = status.code() == StatusCode::disk_full;
  if (stuck_) {
    disk_full_ = true;
    checkpointer_.refuse_waiting(status);  // one would wait for what can't be written
    flush_retry_at_ = monotonic + kDiskRetry;
    return false;
  }
  if (!status.ok()) stop(status);
  return true;
}

void Partition::on_write(const Status& status) {
  const Status taken = log_->on_write(status);
  if (stopped_) return;
  if (!taken.ok()) {
    stop(taken);
    return;
  }
  last_write_at_ = monotonic_;
  gate_.release(INGOT_PLANTED(kAnswerEarly) ? log_->appended_position() : log_->durable_position());
}

bool Partition::keep_memory() {
  const std::uint64_t held = residency_.memory_bytes();
  const bool was_short = memory_short_;
  if (held <= memory_bytes_ * 3 / 4 || INGOT_PLANTED(kEvictNothing)) {
    memory_short_ = false;
    memory_stuck_ = false;
    return was_short;  // what was held can be taken
  }
  const bool evicted = residency_.evict(memory_bytes_ * 3 / 4, kEvictionsPerTurn);
  // Over three quarters a checkpoint makes instances evictable; at the budget requests wait for it.
  const std::uint64_t left = residency_.memory_bytes();
  if (!evicted && !closing_) checkpointer_.turn(monotonic_, true);
  memory_short_ = left > memory_bytes_ && checkpointer_.can_help();
  memory_stuck_ = left > memory_bytes_ * 2 && !checkpointer_.can_help();
  return evicted || (was_short && !memory_short_);
}

Duration Partition::next_deadline(Timestamp now, Duration monotonic) const {
  if (stopped_) return Duration::max();
  Duration next = checkpointer_.next_deadline(memory_short_);
  next = std::min({next, foreign_deadline_, retention_.next_deadline()});
  if (!recorder_.found_room()) {
    next = std::min(next, room_retry_at_);  // nothing fires until then
  } else if (!state_->agenda.empty() && residency_.loads() == 0) {
    const Timestamp fire_at = state_->agenda.next().fire_at;
    // A far time is looked at again in between: the sum must not overflow.
    const Duration ahead = std::clamp<Duration>(fire_at - now, Duration(0), kTimerLookMax);
    next = std::min(next, monotonic + ahead);
  }
  if (const std::optional<Timestamp> oldest = sessions_.oldest_step()) {
    const Timestamp idle = *oldest + environment_.options.extended_session_idle_timeout;
    next =
        std::min(next, monotonic + std::clamp<Duration>(idle - now, Duration(1000), kTimerLookMax));
  }
  if (!log_->write_in_flight()) {
    if (log_->batch_bytes() != 0) next = std::min(next, stuck_ ? flush_retry_at_ : Duration(0));
    // A watermark is written only when nothing else waits.
    if (log_->batch_bytes() == 0 && log_->needs_watermark()) {
      next = std::min(next, last_write_at_ + kWatermarkDelay);
    }
  }
  return next;
}

// --- the end ----------------------------------------------------------------------------------

void Partition::stop(const Status& why) {
  if (std::exchange(stopped_, true)) return;
  recorder_.fail(why);
  const Status unavailable(
      StatusCode::unavailable,
      "partition " + std::to_string(state_->partition.value) + " has stopped: " + why.to_string());
  gate_.fail(Status(StatusCode::unknown,
                    "partition " + std::to_string(state_->partition.value) +
                        " stopped before the outcome was durable: " + why.to_string()));
  foreign_.release_all();
  waiters_.refuse_all(unavailable);
  refuse_loads(unavailable);
  checkpointer_.refuse_waiting(unavailable);
}

void Partition::close() {
  closing_ = true;
  refuse_loads(closed());
  checkpointer_.refuse_waiting(closed());
}

void Partition::refuse_loads(const Status& why) {
  for (const auto& entry : residency_.take_waiting()) {
    refuse(entry->request, why);
    if (entry->admitted) inbox_.handled(slot_);
  }
}

void Partition::refuse_waits() { waiters_.refuse_all(closed()); }

void Partition::end_waits() {
  // What a full disk has kept from being taken, and from being written.
  for (const auto& entry : std::exchange(held_work_, {})) {
    refuse(entry->request, closed());
    if (entry->admitted) inbox_.handled(slot_);
  }
  gate_.fail(Status(StatusCode::unknown, "the task hub was closed before the outcome was durable"));
  waiters_.refuse_all(closed());
}

bool Partition::settled() const {
  if (stopped_) return !log_->write_in_flight() || !log_->failure().ok();
  if (!held_.empty() || log_->write_in_flight()) return false;
  // What the hub itself has to add is done again after the next opening.
  if (!held_work_.empty() && !disk_full_) return false;
  return stuck_ || (log_->batch_bytes() == 0 && !log_->needs_watermark());
}

}  // namespace ingot::partition
