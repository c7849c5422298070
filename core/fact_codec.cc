#include "core/fact_codec.h"

#include <array>

#include "core/codec.h"

namespace ingot {
namespace {

void put_timer_id(std::string& out, std::int32_t id) { put_zigzag(out, id); }

struct Encoder {
  std::string& out;

  void operator()(const InstanceCreated& f) const {
    put_fixed64(out, f.request_id);
    put_bytes(out, f.started);
  }
  void operator()(const MessageDelivered& f) const {
    put_varint(out, f.sequence.value);
    put_fixed64(out, f.request_id);
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
    put_u8(out, f.has_custom_status ? 1 : 0);
    if (f.has_custom_status) put_bytes(out, f.custom_status);
    put_bytes(out, f.actions);
  }
  void operator()(const PeerMessageReceived& f) const {
    put_varint(out, f.origin.value);
    put_varint(out, f.channel_position);
    put_varint(out, f.target.value);
    put_bytes(out, f.event);
  }
  void operator()(const OutboxConfirmed& f) const {
    put_varint(out, f.destination.value);
    put_varint(out, f.channel_position);
  }
};

template <std::size_t Kind>
FactBody decode_body(Reader& r);

template <>
FactBody decode_body<0>(Reader& r) {
  InstanceCreated f;
  f.request_id = r.fixed64();
  f.started = r.bytes();
  return f;
}
template <>
FactBody decode_body<1>(Reader& r) {
  MessageDelivered f;
  f.sequence = SequenceNumber(r.varint());
  f.request_id = r.fixed64();
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
  const std::uint8_t flag = r.u8();
  if (flag > 1) r.fail();
  f.has_custom_status = flag == 1;
  if (f.has_custom_status) f.custom_status = r.bytes();
  f.actions = r.bytes();
  return f;
}
template <>
FactBody decode_body<5>(Reader& r) {
  PeerMessageReceived f;
  f.origin = PartitionId(r.varint32());
  f.channel_position = r.varint();
  f.target = SequenceNumber(r.varint());
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

using BodyDecoder = FactBody (*)(Reader&);
constexpr std::array<BodyDecoder, std::variant_size_v<FactBody>> kDecoders = {
    decode_body<0>, decode_body<1>, decode_body<2>, decode_body<3>,
    decode_body<4>, decode_body<5>, decode_body<6>};
constexpr std::array<std::string_view, std::variant_size_v<FactBody>> kNames = {
    "InstanceCreated", "MessageDelivered",    "ActivityCompleted", "TimerFired",
    "StepCompleted",   "PeerMessageReceived", "OutboxConfirmed"};

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
