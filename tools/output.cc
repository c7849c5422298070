#include "tools/output.h"

#include <fmt/core.h>

#include <chrono>
#include <cstdio>

namespace ingot::tools {
namespace {

// The length of the valid UTF-8 sequence at the front of `text`; 0 when there is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // Overlong forms, surrogates and what lies past the last code point.
  const unsigned char second = byte(1);
  if (lead == 0xE0 && second < 0xA0) return 0;
  if (lead == 0xED && second > 0x9F) return 0;
  if (lead == 0xF0 && second < 0x90) return 0;
  if (lead == 0xF4 && second > 0x8F) return 0;
  return length;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

// C0, DEL and the C1 controls (U+0080 to U+009F) can steer a terminal.
bool is_control(std::string_view sequence) {
  const auto lead = static_cast<unsigned char>(sequence[0]);
  if (sequence.size() == 1) return lead < 0x20 || lead == 0x7F;
  return sequence.size() == 2 && lead == 0xC2 && static_cast<unsigned char>(sequence[1]) < 0xA0;
}

void put_payload(Json& json, const char* key, const std::optional<std::string>& payload) {
  if (payload) json[key] = json_text(*payload);
}

std::string in_quotes(std::string_view text) { return '"' + printable(text, 120) + '"'; }

// What the `data` of a kind is.
const char* data_name(HistoryEventKind kind) {
  switch (kind) {
    case HistoryEventKind::execution_started:
    case HistoryEventKind::task_scheduled:
    case HistoryEventKind::sub_orchestration_created:
    case HistoryEventKind::continue_as_new:
      return "input";
    case HistoryEventKind::task_completed:
    case HistoryEventKind::sub_orchestration_completed:
      return "result";
    case HistoryEventKind::execution_completed:
      return "output";
    case HistoryEventKind::execution_terminated:
    case HistoryEventKind::execution_suspended:
    case HistoryEventKind::execution_resumed:
      return "reason";
    default:
      return "data";
  }
}

}  // namespace

int report_failure(const Status& status) {
  fmt::print(stderr, "ingot: {}\n", printable(status.to_string(), 4096));
  return kExitFailed;
}

std::string format_bytes(std::uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string printable(std::string_view text, std::size_t bytes_max) {
  std::string out;
  std::size_t done = 0;
  while (done < text.size()) {
    const std::string_view rest = text.substr(done);
    const std::size_t length = utf8_length(rest);
    if (done + (length == 0 ? 1 : length) > bytes_max) return out + "...";
    if (length == 0) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(rest[0]));
      done += 1;
      continue;
    }
    const std::string_view sequence = rest.substr(0, length);
    if (is_control(sequence)) {
      for (const char c : sequence) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += sequence;
    }
    done += length;
  }
  return out;
}

Json json_text(std::string_view text) {
  if (is_utf8(text)) return std::string(text);
  std::string hex;
  for (const char c : text) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return Json{{"hex", hex}};
}

Json json_of(const FailureDetails& failure) {
  Json json = {{"type", json_text(failure.type)}, {"message", json_text(failure.message)}};
  if (failure.non_retriable) json["non_retriable"] = true;
  if (!failure.inner.empty()) json["inner"] = json_of(failure.inner.front());
  return json;
}

Json json_of(const InstanceState& state) {
  Json json = {{"instance_id", json_text(state.instance_id)},
               {"execution_id", to_string(state.execution_id)},
               {"name", json_text(state.name)},
               {"status", to_string(state.status)},
               {"created_at", format_time(state.created_at)},
               {"last_updated_at", format_time(state.last_updated_at)}};
  if (state.completed_at) json["completed_at"] = format_time(*state.completed_at);
  put_payload(json, "input", state.input);
  put_payload(json, "output", state.output);
  put_payload(json, "custom_status", state.custom_status);
  if (state.failure) json["failure"] = json_of(*state.failure);
  return json;
}

Json json_of(const EntityState& state) {
  Json json;
  json["id"] = json_text(to_string(state.id));
  json["created_at"] = format_time(state.created_at);
  json["last_updated_at"] = format_time(state.last_updated_at);
  json["queued_operations"] = state.queued_operations;
  if (!state.locked_by.empty()) json["locked_by"] = json_text(state.locked_by);
  if (state.state) json["state"] = json_text(*state.state);
  return json;
}

Json json_of(const HistoryEvent& event) {
  Json json = {{"kind", to_string(event.kind)}, {"timestamp", format_time(event.timestamp)}};
  if (event.event_id >= 0) json["event_id"] = event.event_id;
  if (event.scheduled_id >= 0) json["scheduled_id"] = event.scheduled_id;
  if (!event.name.empty()) json["name"] = json_text(event.name);
  if (!event.instance_id.empty()) json["instance_id"] = json_text(event.instance_id);
  if (!event.execution_id.empty()) json["execution_id"] = to_string(event.execution_id);
  put_payload(json, data_name(event.kind), event.data);
  if (event.fire_at) json["fire_at"] = format_time(*event.fire_at);
  if (event.kind == HistoryEventKind::execution_completed) json["status"] = to_string(event.status);
  if (event.recurse) json["recurse"] = true;
  if (event.failure) json["failure"] = json_of(*event.failure);
  if (event.parent) {
    json["parent"] = {{"name", json_text(event.parent->name)},
                      {"instance_id", json_text(event.parent->instance_id)},
                      {"execution_id", to_string(event.parent->execution_id)},
                      {"scheduled_id", event.parent->scheduled_id}};
  }
  if (!event.version.empty()) json["version"] = json_text(event.version);
  if (!event.trace_parent.empty()) json["trace_parent"] = json_text(event.trace_parent);
  if (!event.tags.empty()) {
    Json tags = Json::array();
    for (const auto& [key, value] : event.tags) {
      tags.push_back({{"key", json_text(key)}, {"value", json_text(value)}});
    }
    json["tags"] = std::move(tags);
  }
  return json;
}

std::string describe(const HistoryEvent& event) {
  std::string text;
  const auto add = [&](const std::string& part) {
    if (!text.empty()) text += ' ';
    text += part;
  };
  if (event.event_id >= 0) add(fmt::format("#{}", event.event_id));
  if (event.scheduled_id >= 0) add(fmt::format("of #{}", event.scheduled_id));
  if (!event.name.empty()) add(printable(event.name));
  if (!event.instance_id.empty()) add(fmt::format("instance {}", printable(event.instance_id)));
  if (event.kind == HistoryEventKind::execution_completed)
    add(std::string(to_string(event.status)));
  if (event.fire_at) add(fmt::format("at {}", format_time(*event.fire_at)));
  if (event.data) add(fmt::format("{} {}", data_name(event.kind), in_quotes(*event.data)));
  if (event.failure) {
    add(fmt::format("failure {}: {}", printable(event.failure->type),
                    in_quotes(event.failure->message)));
  }
  return text;
}

JsonArray::JsonArray() { std::fputs("[", stdout); }

JsonArray::~JsonArray() { std::fputs(empty_ ? "]\n" : "\n]\n", stdout); }

void JsonArray::add(const Json& element) {
  fmt::print("{}\n{}", empty_ ? "" : ",", element.dump());
  empty_ = false;
}

}  // namespace ingot::tools
