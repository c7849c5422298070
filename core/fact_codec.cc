#include "core/fact_codec.h"

#include <array>

#include "core/codec.h"

namespace ingot {
namespace {

enum StepFlag : std::uint8_t { kStepStatus = 1, kStepContinues = 2, kStepFlagsMax = 3 };

// 0, or the status and 1.
void put_replaced(std::string& out, std::optional<RuntimeStatus> status) {
  put_u8(out, status ? static_cast<std::uint8_t>(*status) + 1 : 0);
}

void put_timer_id(std::string& out, std::int32_t id) { put_zigzag(out, id); }

struct Encoder {
  std::string& out;

  void operator()(const InstanceCreated& f) const {
    put_varint(out, f.request_id);
    put_replaced(out, f.replaced);
    if (f.replaced && !is_terminal(*f.replaced)) put_varint(out, f.replaced_sequence.value);
    put_bytes(out, f.started);
  }
  void operator()(const MessageDelivered& f) const {
    put_varint(out, f.sequence.value);
    put_varint(out, f.request_id);
    put_bytes(out, f.event);
  }
  void operator()(const ActivityCompleted& f) const {
    put_varint(out, f.sequence.value);
    put_varint(out, f.generation);
    put_bytes(out, f.event);
  }
  void operator()(const TimerFired& f) const {
    put_varint(out, f.sequence.value);
    put_varint(out, f.generation);
    put_timer_id(out, f.timer_id);
  }
  void operator()(const StepCompleted& f) const {
    put_varint(out, f.sequence.value);
    put_varint(out, f.generation);
    put_varint(out, f.consumed);
    const bool continues = !f.next_execution_id.empty();
    put_u8(out, static_cast<std::uint8_t>((f.has_custom_status ? kStepStatus : 0) |
                                          (continues ? kStepContinues : 0)));
    if (f.has_custom_status) put_bytes(out, f.custom_status);
    put_bytes(out, f.actions);
    if (!continues) return;
    put_fixed64(out, f.next_execution_id.high);
    put_fixed64(out, f.next_execution_id.low);
    put_bytes(out, f.carry_over);
  }
  void operator()(const PeerMessageReceived& f) const {
    put_varint(out, f.origin.value);
    put_varint(out, f.channel_position);
    put_varint(out, f.target.value);
    put_replaced(out, f.replaced);
    put_bytes(out, f.event);
  }
  void operator()(const OutboxConfirmed& f) const {
    put_varint(out, f.destination.value);
    put_varint(out, f.channel_position);
  }
  void operator()(const EntityCreated& f) const { put_bytes(out, f.id); }
  void operator()(const EntityStepCompleted& f) const {
    put_varint(out, f.sequence.value);
    put_varint(out, f.consumed);
    put_u8(out, static_cast<std::uint8_t>(f.change));
    if (f.change == StateChange::set) put_bytes(out, f.entity_state);
    put_bytes(out, f.actions);
  }
  void operator()(const InstancePurged& f) const {
    put_varint(out, f.request_id);
    put_bytes(out, f.id);
    put_u8(out, static_cast<std::uint8_t>(f.status));
    put_varint(out, f.sequence.value);
  }
  void operator()(const InstanceRewound& f) const {
    put_varint(out, f.request_id);
    put_varint(out, f.old.value);
    put_bytes(out, f.row);
  }
  void operator()(const ChildAnswered& f) const {
    put_varint(out, f.origin.value);
    put_varint(out, f.channel_position);
    put_bytes(out, f.parent);
    put_bytes(out, f.answer);
  }
};

std::optional<RuntimeStatus> read_replaced(Reader& r) {
  const std::uint8_t value = r.u8();
  if (value > kRuntimeStatusMax + 1) r.fail();
  if (value == 0 || !r.ok()) return std::nullopt;
  return static_cast<RuntimeStatus>(value - 1);
}

template <std::size_t Kind>
FactBody decode_body(Reader& r);

template <>
FactBody decode_body<0>(Reader& r) {
  InstanceCreated f;
  f.request_id = r.varint();
  f.replaced = read_replaced(r);
  if (f.replaced && !is_terminal(*f.replaced)) f.replaced_sequence = SequenceNumber(r.varint());
  f.started = r.bytes();
  return f;
}
template <>
FactBody decode_body<1>(Reader& r) {
  MessageDelivered f;
  f.sequence = SequenceNumber(r.varint());
  f.request_id = r.varint();
  f.event = r.bytes();
  return f;
}
template <>
FactBody decode_body<2>(Reader& r) {
  ActivityCompleted f;
  f.sequence = SequenceNumber(r.varint());
  f.generation = r.varint32();
  f.event = r.bytes();
  return f;
}
template <>
FactBody decode_body<3>(Reader& r) {
  TimerFired f;
  f.sequence = SequenceNumber(r.varint());
  f.generation = r.varint32();
  const std::int64_t id = r.zigzag();
  if (id < kScheduledStartTimer || id > INT32_MAX) r.fail();
  f.timer_id = static_cast<std::int32_t>(id);
  return f;
}
template <>
FactBody decode_body<4>(Reader& r) {
  StepCompleted f;
  f.sequence = SequenceNumber(r.varint());
  f.generation = r.varint32();
  f.consumed = r.varint32();
  const std::uint8_t flags = r.u8();
  if (flags > kStepFlagsMax) r.fail();
  f.has_custom_status = (flags & kStepStatus) != 0;
  if (f.has_custom_status) f.custom_status = r.bytes();
  f.actions = r.bytes();
  if ((flags & kStepContinues) != 0) {
    f.next_execution_id.high = r.fixed64();
    f.next_execution_id.low = r.fixed64();
    f.carry_over = r.bytes();
    if (f.next_execution_id.empty()) r.fail();
  }
  return f;
}
template <>
FactBody decode_body<5>(Reader& r) {
  PeerMessageReceived f;
  f.origin = PartitionId(r.varint32());
  f.channel_position = r.varint();
  f.target = SequenceNumber(r.varint());
  f.replaced = read_replaced(r);
  f.event = r.bytes();
  return f;
}
template <>
FactBody decode_body<6>(Reader& r) {
  OutboxConfirmed f;
  f.destination = PartitionId(r.varint32());
  f.channel_position = r.varint();
  return f;
}
template <>
FactBody decode_body<7>(Reader& r) {
  return EntityCreated{r.bytes()};
}
template <>
FactBody decode_body<8>(Reader& r) {
  EntityStepCompleted f;
  f.sequence = SequenceNumber(r.varint());
  f.consumed = r.varint32();
  const std::uint8_t change = r.u8();
  if (change > static_cast<std::uint8_t>(StateChange::deleted)) r.fail();
  f.change = static_cast<StateChange>(change);
  if (f.change == StateChange::set) f.entity_state = r.bytes();
  f.actions = r.bytes();
  return f;
}
template <>
FactBody decode_body<9>(Reader& r) {
  InstancePurged f;
  f.request_id = r.varint();
  f.id = r.bytes();
  const std::uint8_t status = r.u8();
  if (status > kRuntimeStatusMax) r.fail();
  f.status = static_cast<RuntimeStatus>(status);
  f.sequence = SequenceNumber(r.varint());
  return f;
}
template <>
FactBody decode_body<10>(Reader& r) {
  InstanceRewound f;
  f.request_id = r.varint();
  f.old = SequenceNumber(r.varint());
  f.row = r.bytes();
  return f;
}
template <>
FactBody decode_body<11>(Reader& r) {
  ChildAnswered f;
  f.origin = PartitionId(r.varint32());
  f.channel_position = r.varint();
  f.parent = r.bytes();
  f.answer = r.bytes();
  return f;
}

using BodyDecoder = FactBody (*)(Reader&);
constexpr std::array<BodyDecoder, std::variant_size_v<FactBody>> kDecoders = {
    decode_body<0>, decode_body<1>, decode_body<2>,  decode_body<3>,
    decode_body<4>, decode_body<5>, decode_body<6>,  decode_body<7>,
    decode_body<8>, decode_body<9>, decode_body<10>, decode_body<11>};
constexpr std::array<std::string_view, std::variant_size_v<FactBody>> kNames = {
    "InstanceCreated",     "MessageDelivered",    "ActivityCompleted", "TimerFired",
    "StepCompleted",       "PeerMessageReceived", "OutboxConfirmed",   "EntityCreated",
    "EntityStepCompleted", "InstancePurged",      "InstanceRewound",   "ChildAnswered"};

}  // namespace

void encode_fact(const Fact& fact, std::string& out) {
  put_u8(out, static_cast<std::uint8_t>(fact.body.index() + 1));
  put_varint(out, static_cast<std::uint64_t>(fact.at.time_since_epoch().count()));
  std::visit(Encoder{out}, fact.body);
}

Result<Fact> decode_fact(std::string_view bytes) {
  Reader reader(bytes);
  const std::size_t kind = reader.u8();
  if (kind == 0 || kind > kDecoders.size()) {
    return Status(StatusCode::corrupt, "fact kind " + std::to_string(kind) + " is not known");
  }
  Fact fact;
  fact.at = Timestamp(Duration(static_cast<std::int64_t>(reader.varint())));
  fact.body = kDecoders[kind - 1](reader);
  if (!reader.finished()) {
    return Status(StatusCode::corrupt,
                  "a " + std::string(kNames[kind - 1]) + " fact can't be decoded");
  }
  return fact;
}

std::string_view fact_name(const Fact& fact) { return kNames[fact.body.index()]; }

}  // namespace ingot
