#include "tools/fact_output.h"

#include <fmt/core.h>

#include "core/fact_codec.h"
#include "core/history_codec.h"
#include "core/try.h"

namespace ingot::tools {
namespace {

// A fact with its events decoded.
struct DecodedFact {
  Fact fact;
  std::vector<HistoryEvent> events;
};

Result<std::vector<HistoryEvent>> decode_one_event(std::string_view bytes) {
  INGOT_ASSIGN(auto events, decode_history(bytes));
  if (events.size() != 1) {
    return Status(StatusCode::corrupt,
                  fmt::format("the fact holds {} events instead of one", events.size()));
  }
  return events;
}

struct EventsOf {
  using Events = Result<std::vector<HistoryEvent>>;
  Events operator()(const InstanceCreated& fact) const { return decode_one_event(fact.started); }
  Events operator()(const MessageDelivered& fact) const { return decode_one_event(fact.event); }
  Events operator()(const ActivityCompleted& fact) const { return decode_one_event(fact.event); }
  Events operator()(const TimerFired& /*fact*/) const { return std::vector<HistoryEvent>{}; }
  Events operator()(const StepCompleted& fact) const { return decode_history(fact.actions); }
  Events operator()(const PeerMessageReceived& fact) const { return decode_one_event(fact.event); }
  Events operator()(const OutboxConfirmed& /*fact*/) const { return std::vector<HistoryEvent>{}; }
  Events operator()(const EntityCreated& /*fact*/) const { return std::vector<HistoryEvent>{}; }
  Events operator()(const EntityStepCompleted& fact) const { return decode_history(fact.actions); }
  Events operator()(const InstancePurged& /*fact*/) const { return std::vector<HistoryEvent>{}; }
  Events operator()(const InstanceRewound& /*fact*/) const { return std::vector<HistoryEvent>{}; }
  Events operator()(const ChildAnswered& fact) const { return decode_one_event(fact.answer); }
};

Result<DecodedFact> decode(std::string_view bytes) {
  DecodedFact decoded;
  INGOT_ASSIGN(decoded.fact, decode_fact(bytes));
  INGOT_ASSIGN(decoded.events, std::visit(EventsOf{}, decoded.fact.body));
  return decoded;
}

struct PutFields {
  Json& json;

  void operator()(const InstanceCreated& fact) const {
    json["request_id"] = fact.request_id;
    if (fact.replaced) json["replaced"] = to_string(*fact.replaced);
  }
  void operator()(const MessageDelivered& fact) const {
    json["sequence"] = fact.sequence.value;
    json["request_id"] = fact.request_id;
  }
  void operator()(const ActivityCompleted& fact) const {
    json["sequence"] = fact.sequence.value;
    json["generation"] = fact.generation;
  }
  void operator()(const TimerFired& fact) const {
    json["sequence"] = fact.sequence.value;
    json["generation"] = fact.generation;
    json["timer_id"] = fact.timer_id;
  }
  void operator()(const StepCompleted& fact) const {
    json["sequence"] = fact.sequence.value;
    json["generation"] = fact.generation;
    json["consumed"] = fact.consumed;
    if (fact.has_custom_status) json["custom_status"] = json_text(fact.custom_status);
    if (fact.next_execution_id.empty()) return;
    json["next_execution_id"] = to_string(fact.next_execution_id);
    json["carry_over_bytes"] = fact.carry_over.size();
  }
  void operator()(const PeerMessageReceived& fact) const {
    json["origin"] = fact.origin.value;
    json["channel_position"] = fact.channel_position;
    json["target"] = fact.target.value;
  }
  void operator()(const OutboxConfirmed& fact) const {
    json["destination"] = fact.destination.value;
    json["channel_position"] = fact.channel_position;
  }
  void operator()(const EntityCreated& fact) const { json["id"] = json_text(fact.id); }
  void operator()(const EntityStepCompleted& fact) const {
    json["sequence"] = fact.sequence.value;
    json["consumed"] = fact.consumed;
    if (fact.change == StateChange::set) json["state_bytes"] = fact.entity_state.size();
    if (fact.change == StateChange::deleted) json["deleted"] = true;
  }
  void operator()(const InstancePurged& fact) const {
    json["request_id"] = fact.request_id;
    json["id"] = json_text(fact.id);
    json["status"] = to_string(fact.status);
    if (fact.sequence.value != 0) json["sequence"] = fact.sequence.value;
  }
  void operator()(const InstanceRewound& fact) const {
    json["request_id"] = fact.request_id;
    json["old"] = fact.old.value;
    json["row_bytes"] = fact.row.size();
  }
  void operator()(const ChildAnswered& fact) const {
    json["origin"] = fact.origin.value;
    json["channel_position"] = fact.channel_position;
    json["parent"] = json_text(fact.parent);
  }
};

}  // namespace

Result<Json> fact_to_json(Position position, std::string_view bytes) {
  INGOT_ASSIGN(const DecodedFact decoded, decode(bytes));
  Json json = {{"position", position.value},
               {"at", format_time(decoded.fact.at)},
               {"fact", fact_name(decoded.fact)}};
  std::visit(PutFields{json}, decoded.fact.body);
  if (!decoded.events.empty()) {
    Json events = Json::array();
    for (const HistoryEvent& event : decoded.events) events.push_back(json_of(event));
    json["events"] = std::move(events);
  }
  return json;
}

Result<std::string> fact_to_line(Position position, std::string_view bytes) {
  INGOT_ASSIGN(const DecodedFact decoded, decode(bytes));
  std::string line = fmt::format("{:>10} {} {:<19}", position.value, format_time(decoded.fact.at),
                                 fact_name(decoded.fact));
  Json fields = Json::object();
  std::visit(PutFields{fields}, decoded.fact.body);
  for (const auto& [name, value] : fields.items()) {
    line += fmt::format(
        " {} {}", name,
        value.is_string() ? '"' + printable(value.get<std::string>(), 60) + '"' : value.dump());
  }
  const char* separator = ": ";
  for (const HistoryEvent& event : decoded.events) {
    line += fmt::format("{}{} {}", separator, to_string(event.kind), describe(event));
    separator = "; ";
  }
  return line;
}

Status check_fact(std::string_view bytes) { return decode(bytes).take_status(); }

}  // namespace ingot::tools
