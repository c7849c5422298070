#pragma once

// How the commands print: times, texts that may hold anything, JSON, failures.
//
// Ids and payloads are data of others: what goes to a terminal never holds control characters, and
// what goes to JSON is valid UTF-8.

#include <ingot/history_event.h>
#include <ingot/ids.h>
#include <ingot/instance.h>
#include <ingot/status.h>
#include <ingot/time.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "tools/iso_time.h"

namespace ingot::tools {

using Json = nlohmann::ordered_json;

inline constexpr int kExitDone = 0;
inline constexpr int kExitFaults = 1;  // the command ran and found faults
inline constexpr int kExitFailed = 2;  // the command could not be done, or was not understood

// Prints "ingot: <code>: <message>" to standard error; gives kExitFailed.
int report_failure(const Status& status);

// "12.3 MiB".
[[nodiscard]] std::string format_bytes(std::uint64_t bytes);
// `text` for a terminal: control characters and bytes that are not UTF-8 as \xNN, and no more than
// `bytes_max` bytes of it (then "..." follows).
[[nodiscard]] std::string printable(std::string_view text, std::size_t bytes_max = 1024);

// A JSON string; {"hex": "..."} when `text` is not UTF-8.
[[nodiscard]] Json json_text(std::string_view text);
[[nodiscard]] Json json_of(const InstanceState& state);
[[nodiscard]] Json json_of(const EntityState& state);
[[nodiscard]] Json json_of(const HistoryEvent& event);
[[nodiscard]] Json json_of(const FailureDetails& failure);

// What an event says beside its kind and time, e.g. `#0 hello input "Tokyo"`, for a terminal.
[[nodiscard]] std::string describe(const HistoryEvent& event);

// Writes a JSON array element by element, so that a long answer is never held in memory.
class JsonArray {
 public:
  JsonArray();
  ~JsonArray();
  JsonArray(const JsonArray&) = delete;
  JsonArray& operator=(const JsonArray&) = delete;
  void add(const Json& element);

 private:
  bool empty_ = true;
};

}  // namespace ingot::tools
