#pragma once

// JsonWriter: writes JSON into a string, front to back.
//
// Payloads are others' bytes. What is JSON is put in as it is, never parsed and printed again: no
// digit of a number is lost, and no depth of nesting can exhaust a stack. What is text becomes a
// string, and what is not even UTF-8 an object {"base64": "..."}.

#include <ingot/time.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace ingot::server {

// How payloads are given.
enum class PayloadForm : std::uint8_t {
  json,  // JSON where it is JSON, else a string
  text,  // always a string: what was stored, byte by byte
};

class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }

  JsonWriter& key(std::string_view name);
  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(bool truth) { return raw(truth ? "true" : "false"); }
  JsonWriter& value(std::int32_t number) { return raw(std::to_string(number)); }
  JsonWriter& value(std::uint32_t number) { return raw(std::to_string(number)); }
  JsonWriter& value(std::int64_t number) { return raw(std::to_string(number)); }
  JsonWriter& value(std::uint64_t number) { return raw(std::to_string(number)); }
  JsonWriter& value(double number);
  JsonWriter& value(Timestamp time);
  JsonWriter& null() { return raw("null"); }
  // `json` is a whole JSON value.
  JsonWriter& raw(std::string_view json);
  JsonWriter& payload(std::string_view bytes, PayloadForm form);

  template <typename T>
  JsonWriter& member(std::string_view name, const T& what) {
    return key(name).value(what);
  }

  [[nodiscard]] std::size_t size() const { return text_.size(); }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  JsonWriter& open(char mark);
  JsonWriter& close(char mark);
  void separate();

  std::string text_;
  bool first_ = true;       // in the innermost object or array
  bool after_key_ = false;  // a value follows its key
};

// Whether the text is one JSON value that any reader takes: valid UTF-8, numbers within a double's
// range, nested at most kJsonDepthMax deep.
[[nodiscard]] bool is_json(std::string_view text);
inline constexpr std::size_t kJsonDepthMax = 128;

}  // namespace ingot::server
