#include "partition/state/row.h"

#include "core/fact.h"
#include "core/history_codec.h"

namespace ingot::partition {
namespace {

constexpr std::uint8_t kRowVersion = 1;

enum Flag : std::uint8_t { kStartScheduled = 1, kCustomStatus = 2, kFlagsMax = 3 };

Status corrupt_row(std::string_view what) {
  return Status(StatusCode::corrupt, "instance row: " + std::string(what));
}

Timestamp read_time(Reader& reader) { return Timestamp(Duration(reader.zigzag())); }

void put_time(std::string& out, Timestamp time) {
  put_zigzag(out, time.time_since_epoch().count());
}

// Walks the fields that every reader of a row passes.
struct Parsed {
  RowView view;
  std::uint8_t flags = 0;
  std::uint32_t generation = 0;
  std::int32_t next_action_id = 0;
  std::uint32_t inbox_count = 0;
  PendingTasks tasks;
  std::vector<PendingTimer> timers;
};

Status parse(std::string_view bytes, Parsed& p) {
  Reader r(bytes);
  if (r.u8() != kRowVersion) return corrupt_row("unknown version");
  p.view.sequence = SequenceNumber(r.varint());
  p.view.id = r.bytes();
  p.view.execution_id.high = r.fixed64();
  p.view.execution_id.low = r.fixed64();
  p.generation = r.varint32();
  const std::uint8_t status = r.u8();
  p.flags = r.u8();
  p.view.created_at = read_time(r);
  p.view.updated_at = read_time(r);
  const std::uint32_t next_action_id = r.varint32();
  p.tasks.decode(r);
  std::uint64_t timers = r.varint();
  if (timers > r.remaining()) r.fail();
  for (; timers != 0 && r.ok(); --timers) {
    const std::int64_t id = r.zigzag();
    if (id < kScheduledStartTimer || id > INT32_MAX) r.fail();
    p.timers.push_back({static_cast<std::int32_t>(id), read_time(r)});
  }
  p.view.has_custom_status = (p.flags & kCustomStatus) != 0;
  if (p.view.has_custom_status) p.view.custom_status = r.bytes();
  p.inbox_count = r.varint32();
  p.view.inbox = r.bytes();
  p.view.history = r.bytes();
  if (!r.finished()) return corrupt_row("wrong length");
  if (status > kRuntimeStatusMax || p.flags > kFlagsMax ||
      next_action_id > PendingTasks::kIdMax + 1U) {
    return corrupt_row("a field is out of its range");
  }
  if (!validate_instance_id(p.view.id).ok()) return corrupt_row("invalid instance id");
  p.view.status = static_cast<RuntimeStatus>(status);
  p.next_action_id = static_cast<std::int32_t>(next_action_id);
  return {};
}

Status check_events(std::string_view bytes, std::optional<std::uint32_t> count,
                    std::string_view what) {
  Reader reader(bytes);
  std::uint32_t events = 0;
  while (reader.more()) {
    static_cast<void>(decode_event(reader));
    ++events;
  }
  if (!reader.ok() || (count && events != *count)) return corrupt_row(what);
  return {};
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
  if (found.empty() || !reader.ok()) return std::nullopt;
  Reader event(found);
  const HistoryEventView view = decode_event(event);
  if (!event.finished()) return std::nullopt;
  return view;
}

// The ExecutionStarted event of `events`, if one of the first two is.
std::optional<HistoryEventView> find_started(std::string_view events) {
  return find_event(events, HistoryEventKind::execution_started, 2, false);
}

std::optional<HistoryEventView> find_completed(std::string_view history) {
  return find_event(history, HistoryEventKind::execution_completed, SIZE_MAX, true);
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
  put_u8(out, static_cast<std::uint8_t>(instance.status));
  put_u8(out, static_cast<std::uint8_t>((instance.start_scheduled ? kStartScheduled : 0) |
                                        (instance.custom_status ? kCustomStatus : 0)));
  put_time(out, instance.created_at);
  put_time(out, instance.updated_at);
  put_varint(out, static_cast<std::uint64_t>(instance.next_action_id));
  instance.tasks.encode(out);
  put_varint(out, instance.timers.size());
  for (const PendingTimer& timer : instance.timers) {
    put_zigzag(out, timer.id);
    put_time(out, timer.fire_at);
  }
  if (instance.custom_status) put_bytes(out, *instance.custom_status);
  put_varint(out, instance.inbox_count);
  put_bytes(out, instance.inbox);
  put_bytes(out, instance.history);
}

Result<std::unique_ptr<Instance>> decode_row(std::string_view bytes) {
  Parsed p;
  if (Status status = parse(bytes, p); !status.ok()) return status;
  if (is_terminal(p.view.status)) return corrupt_row("a live row with a terminal status");
  if (p.view.sequence.value == 0) return corrupt_row("no sequence number");
  if (Status s = check_events(p.view.inbox, p.inbox_count, "inbox can't be decoded"); !s.ok()) {
    return s;
  }
  if (Status s = check_events(p.view.history, std::nullopt, "history can't be decoded"); !s.ok()) {
    return s;
  }
  if (!find_started(p.view.history.empty() ? p.view.inbox : p.view.history)) {
    return corrupt_row("no ExecutionStarted event");
  }
  bool tasks_are_known = true;
  p.tasks.for_each([&](std::int32_t id) { tasks_are_known &= id < p.next_action_id; });
  if (!tasks_are_known) return corrupt_row("a pending activity that was never scheduled");
  auto instance = std::make_unique<Instance>();
  instance->sequence = p.view.sequence;
  instance->id = p.view.id;
  instance->execution_id = p.view.execution_id;
  instance->generation = p.generation;
  instance->status = p.view.status;
  instance->created_at = p.view.created_at;
  instance->updated_at = p.view.updated_at;
  instance->history = p.view.history;
  instance->inbox = p.view.inbox;
  instance->inbox_count = p.inbox_count;
  instance->start_scheduled = (p.flags & kStartScheduled) != 0;
  instance->next_action_id = p.next_action_id;
  instance->tasks = std::move(p.tasks);
  instance->timers = std::move(p.timers);
  if (p.view.has_custom_status) {
    instance->custom_status = std::make_unique<std::string>(p.view.custom_status);
  }
  return instance;
}

Result<RowView> view_row(std::string_view bytes) {
  Parsed p;
  if (Status status = parse(bytes, p); !status.ok()) return status;
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
  return view;
}

Result<InstanceState> to_instance_state(const RowView& row, bool with_payloads) {
  const auto started = find_started(row.history.empty() ? row.inbox : row.history);
  if (!started) return corrupt_row("no ExecutionStarted event");
  InstanceState state;
  state.instance_id = row.id;
  state.execution_id = row.execution_id;
  state.name = started->name;
  state.status = row.status;
  state.created_at = row.created_at;
  state.last_updated_at = row.updated_at;
  if (is_terminal(row.status)) state.completed_at = row.updated_at;
  if (!with_payloads) return state;
  if (started->has_data) state.input = std::string(started->data);
  if (row.has_custom_status) state.custom_status = std::string(row.custom_status);
  if (is_terminal(row.status)) {
    const auto completed = find_completed(row.history);
    if (!completed) return corrupt_row("no ExecutionCompleted event");
    if (completed->has_data) state.output = std::string(completed->data);
    if (!completed->failure.empty()) state.failure = decode_failure(completed->failure);
  }
  return state;
}

std::string_view orchestrator_name(const Instance& instance) {
  const auto started = find_started(instance.history.empty() ? instance.inbox : instance.history);
  return started ? started->name : std::string_view{};
}

}  // namespace ingot::partition
