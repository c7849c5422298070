#include "partition/state/row.h"

#include <ingot/entity_id.h>

#include <algorithm>
#include <functional>

#include "core/assert.h"
#include "core/fact.h"
#include "core/history_codec.h"

namespace ingot::partition {
namespace {

constexpr std::uint8_t kRowVersion = 3;

enum Flag : std::uint8_t {
  kStartScheduled = 1,
  kCustomStatus = 2,
  kHasParent = 4,
  kEntity = 8,
  kLocks = 16,
  kFlagsMax = 31
};

Status corrupt_row(std::string_view what) {
  return Status(StatusCode::corrupt, "instance row: " + std::string(what));
}

Timestamp read_time(Reader& reader) { return Timestamp(Duration(reader.zigzag())); }

void put_time(std::string& out, Timestamp time) {
  put_zigzag(out, time.time_since_epoch().count());
}

// What is read of a row. A view needs no more than places in its bytes.
struct Parsed {
  RowView view;
  // --- only of a whole instance ---
  std::uint8_t flags = 0;
  std::uint32_t generation = 0;
  std::uint32_t rewinds = 0;
  std::int32_t next_action_id = 0;
  std::uint32_t inbox_count = 0;
  PendingTasks tasks;
  PendingTasks awaited;
  std::vector<PendingTimer> timers;
  std::unique_ptr<HeldLocks> locks;
  std::unique_ptr<Entity> entity;
};

void put_entity(std::string& out, const Entity& entity) {
  put_u8(out, entity.state ? 1 : 0);
  if (entity.state) put_bytes(out, *entity.state);
  put_bytes(out, entity.lock.owner);
  put_fixed64(out, entity.lock.execution_id.high);
  put_fixed64(out, entity.lock.execution_id.low);
  put_zigzag(out, entity.lock.event_id);
  put_varint(out, entity.waiting_count);
  put_bytes(out, entity.waiting);
  put_varint(out, entity.scheduled.events().size());
  for (const auto& [timer_id, event] : entity.scheduled.events()) {
    put_zigzag(out, timer_id);
    put_bytes(out, event);
  }
}

std::int32_t read_id(Reader& r) {
  const std::int64_t id = r.zigzag();
  if (id < -1 || id > INT32_MAX) r.fail();
  return static_cast<std::int32_t>(id);
}

// `entity` is made of it unless it is null.
void read_entity(Reader& r, RowView& view, Entity* entity) {
  const std::uint8_t has_state = r.u8();
  if (has_state > 1) r.fail();
  view.has_entity_state = has_state == 1;
  if (view.has_entity_state) view.entity_state = r.bytes();
  view.lock_owner = r.bytes();
  view.lock_execution_id.high = r.fixed64();
  view.lock_execution_id.low = r.fixed64();
  view.lock_event_id = read_id(r);
  view.queued_operations = r.varint32();
  const std::string_view waiting = r.bytes();
  if (entity != nullptr) {
    if (view.has_entity_state) entity->state = std::string(view.entity_state);
    entity->lock.owner = view.lock_owner;
    entity->lock.execution_id = view.lock_execution_id;
    entity->lock.event_id = view.lock_event_id;
    entity->waiting_count = view.queued_operations;
    entity->waiting = waiting;
  }
  std::uint64_t left = r.varint();
  if (left > r.remaining()) r.fail();
  for (; left != 0 && r.ok(); --left) {
    const std::int32_t id = read_id(r);
    const std::string_view signal = r.bytes();
    ++view.scheduled_signals;
    if (entity != nullptr && !entity->scheduled.add(id, signal)) r.fail();
  }
}

void put_locks(std::string& out, const HeldLocks& locks) {
  put_zigzag(out, locks.event_id);
  put_u8(out, locks.again ? 2 : locks.granted ? 1 : 0);
  put_varint(out, locks.entities.size());
  for (const std::string& id : locks.entities) put_bytes(out, id);
}

// `locks` is made of it unless it is null.
void read_locks(Reader& r, HeldLocks* locks) {
  const std::int32_t event_id = read_id(r);
  const std::uint8_t granted = r.u8();
  if (granted > 2) r.fail();
  if (locks != nullptr) {
    locks->event_id = event_id;
    locks->granted = granted == 1;
    locks->again = granted == 2;
  }
  std::uint64_t left = r.varint();
  if (left > r.remaining() || left == 0) r.fail();
  for (; left != 0 && r.ok(); --left) {
    const std::string_view id = r.bytes();
    if (locks != nullptr) locks->entities.emplace_back(id);
  }
}

void read_timers(Reader& r, std::vector<PendingTimer>* timers) {
  std::uint64_t left = r.varint();
  if (left > r.remaining()) r.fail();
  for (; left != 0 && r.ok(); --left) {
    const std::int64_t id = r.zigzag();
    if (id < kScheduledStartTimer || id > INT32_MAX) r.fail();
    const Timestamp fire_at = read_time(r);
    if (timers != nullptr) timers->push_back({static_cast<std::int32_t>(id), fire_at});
  }
}

void read_tasks(Reader& r, PendingTasks* tasks) {
  if (tasks != nullptr) {
    tasks->decode(r);
  } else {
    PendingTasks::skip(r);
  }
}

// With `whole`, all of it; else what a view has.
Status parse(std::string_view bytes, bool whole, Parsed& p) {
  Reader r(bytes);
  const std::uint8_t version = r.u8();
  if (r.ok() && version != kRowVersion) {
    return corrupt_row("version " + std::to_string(version) + "; this build reads version " +
                       std::to_string(kRowVersion));
  }
  p.view.sequence = SequenceNumber(r.varint());
  p.view.id = r.bytes();
  p.view.execution_id.high = r.fixed64();
  p.view.execution_id.low = r.fixed64();
  p.generation = r.varint32();
  p.rewinds = r.varint32();
  const std::uint8_t status = r.u8();
  p.flags = r.u8();
  p.view.created_at = read_time(r);
  p.view.updated_at = read_time(r);
  const std::uint32_t next_action_id = r.varint32();
  read_tasks(r, whole ? &p.tasks : nullptr);
  read_timers(r, whole ? &p.timers : nullptr);
  read_tasks(r, whole ? &p.awaited : nullptr);
  p.view.has_custom_status = (p.flags & kCustomStatus) != 0;
  if (p.view.has_custom_status) p.view.custom_status = r.bytes();
  if ((p.flags & kLocks) != 0) {
    if (whole) p.locks = std::make_unique<HeldLocks>();
    read_locks(r, p.locks.get());
  }
  p.view.is_entity = (p.flags & kEntity) != 0;
  if (p.view.is_entity) {
    if (whole) p.entity = std::make_unique<Entity>();
    read_entity(r, p.view, p.entity.get());
  }
  p.inbox_count = r.varint32();
  p.view.inbox = r.bytes();
  p.view.history = r.bytes();
  if (!r.finished()) return corrupt_row("wrong length");
  if (status > kRuntimeStatusMax || p.flags > kFlagsMax ||
      next_action_id > PendingTasks::kIdMax + 1U) {
    return corrupt_row("a field is out of its range");
  }
  if (!validate_instance_id(p.view.id).ok()) return corrupt_row("invalid instance id");
  if (p.view.is_entity) p.view.queued_operations += p.inbox_count;
  p.view.status = static_cast<RuntimeStatus>(status);
  p.next_action_id = static_cast<std::int32_t>(next_action_id);
  return {};
}

using Kind = HistoryEventKind;

bool is_any(Kind /*kind*/) { return true; }
bool is_signal(Kind kind) { return kind == Kind::entity_operation_signaled; }
bool is_operation(Kind kind) { return is_signal(kind) || kind == Kind::entity_operation_called; }
bool may_wait(Kind kind) { return is_operation(kind) || kind == Kind::entity_lock_requested; }

Status check_events(std::string_view bytes, std::optional<std::uint32_t> count,
                    bool (*may_be)(Kind), std::string_view what) {
  Reader reader(bytes);
  std::uint32_t events = 0;
  while (reader.more()) {
    if (!may_be(decode_event(reader).kind)) reader.fail();
    ++events;
  }
  if (!reader.ok() || (count && events != *count)) return corrupt_row(what);
  return {};
}

// An entity carries out what is in its inbox, and what waits when its turn comes.
Status check_entity(const Entity& entity, const std::vector<PendingTimer>& timers) {
  std::vector<std::int32_t> timer_ids;
  timer_ids.reserve(timers.size());
  for (const PendingTimer& timer : timers) timer_ids.push_back(timer.id);
  std::sort(timer_ids.begin(), timer_ids.end());
  const ScheduledSignals::Events& scheduled = entity.scheduled.events();
  if (!std::equal(timer_ids.begin(), timer_ids.end(), scheduled.begin(), scheduled.end(),
                  [](std::int32_t id, const auto& signal) { return id == signal.first; })) {
    return corrupt_row("timers that are not those of its scheduled signals");
  }
  if (Status s = check_events(entity.waiting, entity.waiting_count, may_wait,
                              "operations can't be decoded");
      !s.ok()) {
    return s;
  }
  for (const auto& [timer_id, event] : entity.scheduled.events()) {
    if (Status s = check_events(event, 1, is_signal, "a scheduled signal can't be decoded");
        !s.ok()) {
      return s;
    }
  }
  return {};
}

// They travel as a lock set, from entity to entity.
bool is_lock_set(const std::vector<std::string>& ids) {
  return std::all_of(ids.begin(), ids.end(), is_entity_id) &&
         std::adjacent_find(ids.begin(), ids.end(), std::greater_equal<>()) == ids.end();
}

// Walks events without decoding them: the first of `kind` among the first `limit`, or the last one
// of all when `last`.
std::optional<HistoryEventView> find_event(std::string_view events, HistoryEventKind kind,
                                           std::size_t limit, bool last) {
  std::string_view found;
  Reader reader(events);
  for (std::size_t i = 0; i < limit && reader.more(); ++i) {
    const char* start = reader.at();
    const std::string_view body = reader.bytes();
    if (body.empty()) return std::nullopt;
    if (static_cast<std::uint8_t>(body.front()) != static_cast<std::uint8_t>(kind)) continue;
    found = {start, static_cast<std::size_t>(reader.at() - start)};
    if (!last) break;
  }
  if (found.empty()) return std::nullopt;
  Reader event(found);
  const HistoryEventView view = decode_event(event);
  if (!event.finished()) return std::nullopt;
  return view;
}

// The ExecutionStarted event: one of the first two of the history, or the first one to be consumed.
std::optional<HistoryEventView> find_started(std::string_view history, std::string_view inbox) {
  const bool fresh = history.empty();
  return find_event(fresh ? inbox : history, HistoryEventKind::execution_started, fresh ? 1 : 2,
                    false);
}

Result<std::unique_ptr<Instance>> decode_instance(std::string_view bytes, bool terminal) {
  Parsed p;
  if (Status status = parse(bytes, true, p); !status.ok()) return status;
  if (is_terminal(p.view.status) != terminal) {
    return corrupt_row(terminal ? "a record without a terminal status"
                                : "a live row with a terminal status");
  }
  if (p.view.sequence.value == 0) return corrupt_row("no sequence number");
  if (is_entity_id(p.view.id) != p.view.is_entity) {
    return corrupt_row("an entity without an entity's id, or the reverse");
  }
  if (Status s = check_events(p.view.inbox, p.inbox_count, p.entity ? is_operation : is_any,
                              "inbox can't be decoded");
      !s.ok()) {
    return s;
  }
  if (Status s = check_events(p.view.history, std::nullopt, is_any, "history can't be decoded");
      !s.ok()) {
    return s;
  }
  if (p.locks && !is_lock_set(p.locks->entities))
    return corrupt_row("locks of what can't be locked");
  if (p.entity) {
    if (!p.view.history.empty()) return corrupt_row("an entity with a history");
    if (Status s = check_entity(*p.entity, p.timers); !s.ok()) return s;
  } else if (!find_started(p.view.history, p.view.inbox)) {
    return corrupt_row("no ExecutionStarted event");
  }
  bool ids_are_known = true;
  p.tasks.for_each([&](std::int32_t id) { ids_are_known &= id < p.next_action_id; });
  p.awaited.for_each([&](std::int32_t id) { ids_are_known &= id < p.next_action_id; });
  if (!ids_are_known) return corrupt_row("it waits for an action that was never taken");
  auto instance = std::make_unique<Instance>();
  instance->sequence = p.view.sequence;
  instance->id = p.view.id;
  instance->execution_id = p.view.execution_id;
  instance->generation = p.generation;
  instance->rewinds = p.rewinds;
  instance->status = p.view.status;
  instance->created_at = p.view.created_at;
  instance->updated_at = p.view.updated_at;
  instance->history = p.view.history;
  instance->inbox = p.view.inbox;
  instance->inbox_count = p.inbox_count;
  instance->start_scheduled = (p.flags & kStartScheduled) != 0;
  instance->next_action_id = p.next_action_id;
  instance->tasks = std::move(p.tasks);
  instance->awaited = std::move(p.awaited);
  instance->timers = std::move(p.timers);
  instance->has_parent = (p.flags & kHasParent) != 0;
  instance->control_in_inbox = true;  // it may be: the next step looks
  instance->locks = std::move(p.locks);
  instance->entity = std::move(p.entity);
  if (p.view.has_custom_status) {
    instance->custom_status = std::make_unique<std::string>(p.view.custom_status);
  }
  return instance;
}

}  // namespace

void encode_row(const Instance& instance, std::string& out) {
  out.reserve(out.size() + 96 + instance.id.size() + instance.inbox.size() +
              instance.history.size());
  put_u8(out, kRowVersion);
  put_varint(out, instance.sequence.value);
  put_bytes(out, instance.id);
  put_fixed64(out, instance.execution_id.high);
  put_fixed64(out, instance.execution_id.low);
  put_varint(out, instance.generation);
  put_varint(out, instance.rewinds);
  put_u8(out, static_cast<std::uint8_t>(instance.status));
  put_u8(out, static_cast<std::uint8_t>((instance.start_scheduled ? kStartScheduled : 0) |
                                        (instance.custom_status ? kCustomStatus : 0) |
                                        (instance.has_parent ? kHasParent : 0) |
                                        (instance.entity ? kEntity : 0) |
                                        (instance.locks ? kLocks : 0)));
  put_time(out, instance.created_at);
  put_time(out, instance.updated_at);
  put_varint(out, static_cast<std::uint64_t>(instance.next_action_id));
  instance.tasks.encode(out);
  put_varint(out, instance.timers.size());
  for (const PendingTimer& timer : instance.timers) {
    put_zigzag(out, timer.id);
    put_time(out, timer.fire_at);
  }
  instance.awaited.encode(out);
  if (instance.custom_status) put_bytes(out, *instance.custom_status);
  if (instance.locks) put_locks(out, *instance.locks);
  if (instance.entity) put_entity(out, *instance.entity);
  put_varint(out, instance.inbox_count);
  put_bytes(out, instance.inbox);
  put_bytes(out, instance.history);
}

Result<std::unique_ptr<Instance>> decode_row(std::string_view bytes) {
  return decode_instance(bytes, false);
}

Result<std::unique_ptr<Instance>> decode_record(std::string_view bytes) {
  return decode_instance(bytes, true);
}

Result<RowView> view_row(std::string_view bytes) {
  Parsed p;
  if (Status status = parse(bytes, false, p); !status.ok()) return status;
  return p.view;
}

RowView view_row(const Instance& instance) {
  RowView view;
  view.sequence = instance.sequence;
  view.id = instance.id;
  view.execution_id = instance.execution_id;
  view.status = instance.status;
  view.created_at = instance.created_at;
  view.updated_at = instance.updated_at;
  view.has_custom_status = instance.custom_status != nullptr;
  if (instance.custom_status) view.custom_status = *instance.custom_status;
  view.history = instance.history;
  view.inbox = instance.inbox;
  view.is_entity = instance.entity != nullptr;
  if (!instance.entity) return view;
  view.has_entity_state = instance.entity->state.has_value();
  if (instance.entity->state) view.entity_state = *instance.entity->state;
  view.lock_owner = instance.entity->lock.owner;
  view.lock_execution_id = instance.entity->lock.execution_id;
  view.lock_event_id = instance.entity->lock.event_id;
  view.scheduled_signals = instance.entity->scheduled.events().size();
  view.queued_operations = instance.inbox_count + instance.entity->waiting_count;
  return view;
}

Result<InstanceState> to_instance_state(const RowView& row, bool with_payloads) {
  const std::optional<HistoryEventView> started = started_event(row);
  if (!started) return corrupt_row("no ExecutionStarted event");
  InstanceState state;
  state.instance_id = row.id;
  state.execution_id = row.execution_id;
  state.name = started->name;
  state.version = started->version;
  state.trace_parent = started->trace_parent;
  if (!started->tags.empty()) state.tags = decode_tags(started->tags).value_or(Tags{});
  if (started->has_fire_at) state.scheduled_start = started->fire_at;
  if (!started->parent.empty()) {
    if (auto parent = decode_parent(started->parent)) {
      state.parent_instance_id = std::move(parent->instance_id);
    }
  }
  state.status = row.status;
  state.created_at = row.created_at;
  state.last_updated_at = row.updated_at;
  if (is_terminal(row.status)) state.completed_at = row.updated_at;
  if (!with_payloads) return state;
  if (started->has_data) state.input = std::string(started->data);
  if (row.has_custom_status) state.custom_status = std::string(row.custom_status);
  if (is_terminal(row.status)) {
    const auto completed = completed_event(row);
    if (!completed) return corrupt_row("no ExecutionCompleted event");
    if (completed->has_data) state.output = std::string(completed->data);
    if (!completed->failure.empty()) state.failure = decode_failure(completed->failure);
  }
  return state;
}

EntityState to_entity_state(const RowView& row, bool include_state) {
  EntityState state;
  if (Result<EntityId> id = parse_entity_id(row.id); id.ok()) state.id = *std::move(id);
  state.has_state = row.has_entity_state;
  if (include_state && row.has_entity_state) state.state = std::string(row.entity_state);
  state.locked_by = row.lock_owner;
  state.queued_operations = row.queued_operations;
  state.created_at = row.created_at;
  state.last_updated_at = row.updated_at;
  return state;
}

std::optional<HistoryEventView> started_event(const RowView& row) {
  return find_started(row.history, row.inbox);
}

std::optional<HistoryEventView> completed_event(const RowView& row) {
  return find_event(row.history, HistoryEventKind::execution_completed, SIZE_MAX, true);
}

HistoryEventView started_event(const Instance& instance) {
  const auto started = find_started(instance.history, instance.inbox);
  INGOT_ASSERT(started.has_value(), instance.sequence.value);
  return *started;
}

std::string_view orchestrator_name(const Instance& instance) {
  return started_event(instance).name;
}

}  // namespace ingot::partition
