#include "core/history_codec.h"

#include <cstring>

namespace ingot {
namespace {

// The mask's bits, in the order of the fields behind it. Part of the format.
enum Field : std::uint32_t {
  kEventId = 1U << 0,
  kName = 1U << 1,
  kData = 1U << 2,
  kScheduledId = 1U << 3,
  kFireAt = 1U << 4,
  kInstanceId = 1U << 5,
  kExecutionId = 1U << 6,
  kStatus = 1U << 7,
  kRecurse = 1U << 8,
  kFailure = 1U << 9,
  kParent = 1U << 10,
  kVersion = 1U << 11,
  kTraceParent = 1U << 12,
  kTags = 1U << 13,
  kLockSet = 1U << 14,
  kRequestId = 1U << 15,
  kKnownFields = (1U << 16) - 1,
};

std::uint32_t mask_of(const HistoryEventView& e) {
  std::uint32_t mask = 0;
  if (e.event_id != -1) mask |= kEventId;
  if (!e.name.empty()) mask |= kName;
  if (e.has_data) mask |= kData;
  if (e.scheduled_id != -1) mask |= kScheduledId;
  if (e.has_fire_at) mask |= kFireAt;
  if (!e.instance_id.empty()) mask |= kInstanceId;
  if (!e.execution_id.empty()) mask |= kExecutionId;
  if (e.status != RuntimeStatus::pending) mask |= kStatus;
  if (e.recurse) mask |= kRecurse;
  if (!e.failure.empty()) mask |= kFailure;
  if (!e.parent.empty()) mask |= kParent;
  if (!e.version.empty()) mask |= kVersion;
  if (!e.trace_parent.empty()) mask |= kTraceParent;
  if (!e.tags.empty()) mask |= kTags;
  if (!e.lock_set.empty()) mask |= kLockSet;
  if (!e.request_id.empty()) mask |= kRequestId;
  return mask;
}

// Writes into bytes that are there already; see kNumbersBytesMax.
class Writer {
 public:
  explicit Writer(char* at) : at_(at) {}
  [[nodiscard]] char* at() const { return at_; }
  void u8(std::uint8_t value) { *at_++ = static_cast<char>(value); }
  void varint(std::uint64_t value) { at_ = write_varint(at_, value); }
  void zigzag(std::int64_t value) { varint(fold_zigzag(value)); }
  void fixed64(std::uint64_t value) {
    std::memcpy(at_, &value, sizeof value);
    at_ += sizeof value;
  }
  void bytes(std::string_view bytes) {
    varint(bytes.size());
    if (!bytes.empty()) std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }

 private:
  char* at_;
};

// No more than twenty numbers and lengths, of kVarintBytesMax bytes each, and the texts.
constexpr std::size_t kNumbersBytesMax = 20 * kVarintBytesMax;
constexpr std::size_t kSmallEventBytes = 512;
std::size_t texts_bytes(const HistoryEventView& e) {
  return e.name.size() + e.data.size() + e.instance_id.size() + e.failure.size() + e.parent.size() +
         e.version.size() + e.trace_parent.size() + e.tags.size() + e.lock_set.size() +
         e.request_id.size();
}

char* encode_body(const HistoryEventView& e, char* at) {
  const std::uint32_t mask = mask_of(e);
  Writer out(at);
  out.u8(static_cast<std::uint8_t>(e.kind));
  out.varint(mask);
  out.zigzag(e.timestamp.time_since_epoch().count());
  if ((mask & kEventId) != 0) out.zigzag(e.event_id);
  if ((mask & kName) != 0) out.bytes(e.name);
  if ((mask & kData) != 0) out.bytes(e.data);
  if ((mask & kScheduledId) != 0) out.zigzag(e.scheduled_id);
  if ((mask & kFireAt) != 0) out.zigzag(e.fire_at.time_since_epoch().count());
  if ((mask & kInstanceId) != 0) out.bytes(e.instance_id);
  if ((mask & kExecutionId) != 0) {
    out.fixed64(e.execution_id.high);
    out.fixed64(e.execution_id.low);
  }
  if ((mask & kStatus) != 0) out.u8(static_cast<std::uint8_t>(e.status));
  if ((mask & kFailure) != 0) out.bytes(e.failure);
  if ((mask & kParent) != 0) out.bytes(e.parent);
  if ((mask & kVersion) != 0) out.bytes(e.version);
  if ((mask & kTraceParent) != 0) out.bytes(e.trace_parent);
  if ((mask & kTags) != 0) out.bytes(e.tags);
  if ((mask & kLockSet) != 0) out.bytes(e.lock_set);
  if ((mask & kRequestId) != 0) out.bytes(e.request_id);
  return out.at();
}

// Writes the event at `at`, where there is room for it, and gives its size. The length goes in
// front last: when the guess of how many bytes it takes was wrong, the body is moved.
std::size_t encode_event_at(const HistoryEventView& event, std::size_t texts, char* at) {
  const std::size_t guess = texts < 100 ? 1 : 2;
  const auto bytes = static_cast<std::size_t>(encode_body(event, at + guess) - (at + guess));
  if (bytes < 0x80 && guess == 1) [[likely]] {
    *at = static_cast<char>(bytes);
    return 1 + bytes;
  }
  char length[kVarintBytesMax];
  const auto length_bytes = static_cast<std::size_t>(write_varint(length, bytes) - length);
  if (length_bytes != guess) std::memmove(at + length_bytes, at + guess, bytes);
  std::memcpy(at, length, length_bytes);
  return length_bytes + bytes;
}

std::int32_t read_id(Reader& reader) {
  const std::int64_t id = reader.zigzag();
  if (id < INT32_MIN || id > INT32_MAX) reader.fail();
  return static_cast<std::int32_t>(id);
}

// Calls `use(id)` for each id, whose bytes must ascend; false if the bytes are no lock set.
template <typename Use>
bool read_lock_set(std::string_view bytes, const Use& use) {
  Reader reader(bytes);
  std::uint64_t left = reader.varint();
  if (left == 0) return false;
  std::string_view last;
  for (; left != 0; --left) {
    const std::string_view id = reader.bytes();
    if (id <= last) return false;  // where the bytes end, the id is empty
    use(id);
    last = id;
  }
  return reader.finished();
}

bool lock_set_is_valid(std::string_view bytes) {
  return read_lock_set(bytes, [](std::string_view) {});
}

bool tags_are_valid(std::string_view tags) {
  Reader reader(tags);
  for (std::uint64_t left = reader.varint(); left != 0 && reader.ok(); --left) {
    static_cast<void>(reader.bytes());
    static_cast<void>(reader.bytes());
  }
  return reader.finished();
}

bool nested_parts_are_valid(const HistoryEventView& e) {
  return (e.failure.empty() || decode_failure(e.failure)) &&
         (e.parent.empty() || decode_parent(e.parent)) &&
         (e.tags.empty() || tags_are_valid(e.tags)) &&
         (e.lock_set.empty() || lock_set_is_valid(e.lock_set));
}

}  // namespace

void encode_event(const HistoryEventView& event, std::string& out) {
  const std::size_t texts = texts_bytes(event);
  const std::size_t bytes_max = kNumbersBytesMax + texts;
  // Appending once is cheaper than making room in the string, which would fill it with zeros.
  if (bytes_max <= kSmallEventBytes) [[likely]] {
    char event_bytes[kSmallEventBytes];
    out.append(event_bytes, encode_event_at(event, texts, event_bytes));
    return;
  }
  const std::size_t start = out.size();
  out.resize(start + bytes_max);
  out.resize(start + encode_event_at(event, texts, out.data() + start));
}

void encode_event(const HistoryEvent& event, std::string& out) {
  std::string failure;
  std::string parent;
  std::string tags;
  std::string lock_set;
  HistoryEventView view;
  view.kind = event.kind;
  view.event_id = event.event_id;
  view.timestamp = event.timestamp;
  view.name = event.name;
  view.has_data = event.data.has_value();
  if (event.data) view.data = *event.data;
  view.scheduled_id = event.scheduled_id;
  view.has_fire_at = event.fire_at.has_value();
  if (event.fire_at) view.fire_at = *event.fire_at;
  view.instance_id = event.instance_id;
  view.execution_id = event.execution_id;
  view.status = event.status;
  view.recurse = event.recurse;
  if (event.failure) encode_failure(*event.failure, failure);
  if (event.parent) encode_parent(*event.parent, parent);
  encode_tags(event.tags, tags);
  encode_lock_set(event.lock_set, lock_set);
  view.failure = failure;
  view.parent = parent;
  view.version = event.version;
  view.trace_parent = event.trace_parent;
  view.tags = tags;
  view.lock_set = lock_set;
  view.request_id = event.request_id;
  encode_event(view, out);
}

HistoryEventView decode_trusted_event(Reader& reader) {
  HistoryEventView e;
  Reader body(reader.bytes());
  const std::uint8_t kind = body.u8();
  const std::uint64_t mask = body.varint();
  if (kind == 0 || kind > kHistoryEventKindMax || mask > kKnownFields) {
    reader.fail();
    return e;
  }
  e.kind = static_cast<HistoryEventKind>(kind);
  e.timestamp = Timestamp(Duration(body.zigzag()));
  if ((mask & kEventId) != 0) e.event_id = read_id(body);
  if ((mask & kName) != 0) e.name = body.bytes();
  e.has_data = (mask & kData) != 0;
  if (e.has_data) e.data = body.bytes();
  if ((mask & kScheduledId) != 0) e.scheduled_id = read_id(body);
  e.has_fire_at = (mask & kFireAt) != 0;
  if (e.has_fire_at) e.fire_at = Timestamp(Duration(body.zigzag()));
  if ((mask & kInstanceId) != 0) e.instance_id = body.bytes();
  if ((mask & kExecutionId) != 0) {
    e.execution_id.high = body.fixed64();
    e.execution_id.low = body.fixed64();
  }
  if ((mask & kStatus) != 0) {
    const std::uint8_t status = body.u8();
    if (status > kRuntimeStatusMax) body.fail();
    e.status = static_cast<RuntimeStatus>(status);
  }
  e.recurse = (mask & kRecurse) != 0;
  if ((mask & kFailure) != 0) e.failure = body.bytes();
  if ((mask & kParent) != 0) e.parent = body.bytes();
  if ((mask & kVersion) != 0) e.version = body.bytes();
  if ((mask & kTraceParent) != 0) e.trace_parent = body.bytes();
  if ((mask & kTags) != 0) e.tags = body.bytes();
  if ((mask & kLockSet) != 0) e.lock_set = body.bytes();
  if ((mask & kRequestId) != 0) e.request_id = body.bytes();
  if (!body.finished()) reader.fail();
  return e;
}

HistoryEventView decode_event(Reader& reader) {
  const HistoryEventView event = decode_trusted_event(reader);
  if (reader.ok() && !nested_parts_are_valid(event)) reader.fail();
  return event;
}

HistoryEvent to_event(const HistoryEventView& view) {
  HistoryEvent event;
  event.kind = view.kind;
  event.event_id = view.event_id;
  event.timestamp = view.timestamp;
  event.name = view.name;
  if (view.has_data) event.data = std::string(view.data);
  event.scheduled_id = view.scheduled_id;
  if (view.has_fire_at) event.fire_at = view.fire_at;
  event.instance_id = view.instance_id;
  event.execution_id = view.execution_id;
  event.status = view.status;
  event.recurse = view.recurse;
  if (!view.failure.empty()) event.failure = decode_failure(view.failure);
  if (!view.parent.empty()) event.parent = decode_parent(view.parent);
  event.version = view.version;
  event.trace_parent = view.trace_parent;
  if (!view.tags.empty()) event.tags = decode_tags(view.tags).value_or(Tags{});
  if (!view.lock_set.empty()) {
    event.lock_set = decode_lock_set(view.lock_set).value_or(std::vector<std::string>{});
  }
  event.request_id = view.request_id;
  return event;
}

Result<std::vector<HistoryEvent>> decode_history(std::string_view bytes) {
  std::vector<HistoryEvent> events;
  Reader reader(bytes);
  while (reader.more()) {
    const HistoryEventView view = decode_event(reader);
    if (!reader.ok()) {
      return Status(StatusCode::corrupt,
                    "history event " + std::to_string(events.size()) + " can't be decoded");
    }
    events.push_back(to_event(view));
  }
  return events;
}

// The bits of a failure's flags; behind them stand the texts that they announce.
constexpr std::uint8_t kNonRetriable = 1U << 0;
constexpr std::uint8_t kStackTrace = 1U << 1;
constexpr std::uint8_t kProperties = 1U << 2;

// failure := varint depth, then from the outermost: bytes type, bytes message, u8 flags,
//            [bytes stack trace], [bytes properties]
void encode_failure(const FailureDetails& failure, std::string& out) {
  std::size_t depth = 1;
  for (const FailureDetails* f = &failure; !f->inner.empty() && depth <= kInnerFailuresMax;
       f = &f->inner.front()) {
    ++depth;
  }
  put_varint(out, depth);
  const FailureDetails* f = &failure;
  for (std::size_t i = 0; i < depth; ++i) {
    put_bytes(out, f->type);
    put_bytes(out, f->message);
    put_u8(out, static_cast<std::uint8_t>((f->non_retriable ? kNonRetriable : 0) |
                                          (f->stack_trace.empty() ? 0 : kStackTrace) |
                                          (f->properties.empty() ? 0 : kProperties)));
    if (!f->stack_trace.empty()) put_bytes(out, f->stack_trace);
    if (!f->properties.empty()) put_bytes(out, f->properties);
    if (i + 1 < depth) f = &f->inner.front();
  }
}

std::optional<FailureDetails> decode_failure(std::string_view bytes) {
  Reader reader(bytes);
  const std::uint64_t depth = reader.varint();
  if (depth == 0 || depth > kInnerFailuresMax + 1) return std::nullopt;
  FailureDetails failure;
  FailureDetails* f = &failure;
  for (std::uint64_t i = 0; i < depth; ++i) {
    if (i != 0) f = &f->inner.emplace_back();
    f->type = reader.bytes();
    f->message = reader.bytes();
    const std::uint8_t flags = reader.u8();
    if (flags > (kNonRetriable | kStackTrace | kProperties)) return std::nullopt;
    f->non_retriable = (flags & kNonRetriable) != 0;
    if ((flags & kStackTrace) != 0) f->stack_trace = reader.bytes();
    if ((flags & kProperties) != 0) f->properties = reader.bytes();
  }
  if (!reader.finished()) return std::nullopt;
  return failure;
}

void encode_parent(const ParentInfo& parent, std::string& out) {
  put_bytes(out, parent.name);
  put_bytes(out, parent.instance_id);
  put_fixed64(out, parent.execution_id.high);
  put_fixed64(out, parent.execution_id.low);
  put_zigzag(out, parent.scheduled_id);
}

std::optional<ParentInfo> decode_parent(std::string_view bytes) {
  Reader reader(bytes);
  ParentInfo parent;
  parent.name = reader.bytes();
  parent.instance_id = reader.bytes();
  parent.execution_id.high = reader.fixed64();
  parent.execution_id.low = reader.fixed64();
  parent.scheduled_id = read_id(reader);
  if (!reader.finished()) return std::nullopt;
  return parent;
}

// tags := varint count, then count times: bytes key, bytes value
void encode_tags(const Tags& tags, std::string& out) {
  if (tags.empty()) return;
  put_varint(out, tags.size());
  for (const auto& [key, value] : tags) {
    put_bytes(out, key);
    put_bytes(out, value);
  }
}

std::optional<Tags> decode_tags(std::string_view bytes) {
  Tags tags;
  if (bytes.empty()) return tags;
  Reader reader(bytes);
  for (std::uint64_t left = reader.varint(); left != 0 && reader.ok(); --left) {
    std::string key(reader.bytes());
    tags.emplace_back(std::move(key), reader.bytes());
  }
  if (!reader.finished()) return std::nullopt;
  return tags;
}

// lock set := varint count, then count times: bytes id
void encode_lock_set(const std::vector<std::string>& ids, std::string& out) {
  if (ids.empty()) return;
  put_varint(out, ids.size());
  for (const std::string& id : ids) put_bytes(out, id);
}

std::optional<std::vector<std::string>> decode_lock_set(std::string_view bytes) {
  std::vector<std::string> ids;
  if (bytes.empty()) return ids;
  if (!read_lock_set(bytes, [&](std::string_view id) { ids.emplace_back(id); })) {
    return std::nullopt;
  }
  return ids;
}

}  // namespace ingot
