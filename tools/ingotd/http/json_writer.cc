#include "tools/ingotd/http/json_writer.h"

#include <fmt/core.h>

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "tools/ingotd/http/message.h"
#include "tools/iso_time.h"

namespace ingot::server {
namespace {

// Takes any JSON within the depth; builds nothing.
class DepthCheck final : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return ++depth_ <= kJsonDepthMax; }
  bool end_object() override { return --depth_, true; }
  bool start_array(std::size_t) override { return ++depth_ <= kJsonDepthMax; }
  bool end_array() override { return --depth_, true; }
  bool key(string_t&) override { return true; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override {
    return false;
  }

 private:
  std::size_t depth_ = 0;
};

// The text as a JSON string; empty when it is not UTF-8.
std::string quoted(std::string_view text) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::type_error&) {
    return {};
  }
}

std::string base64(std::string_view bytes) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t word = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      word = (word << 8) | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      out += k <= count ? kDigits[(word >> (18 - 6 * k)) & 63] : '=';
    }
  }
  return out;
}

}  // namespace

JsonWriter& JsonWriter::open(char mark) {
  separate();
  text_ += mark;
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::close(char mark) {
  text_ += mark;
  first_ = false;
  return *this;
}

void JsonWriter::separate() {
  if (!first_ && !after_key_) text_ += ',';
  first_ = false;
  after_key_ = false;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  value(name);
  text_ += ':';
  after_key_ = true;
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  separate();
  text_ += json;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  std::string json = quoted(text);
  if (json.empty()) {
    json = nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
  return raw(json);
}

JsonWriter& JsonWriter::value(double number) {
  return std::isfinite(number) ? raw(fmt::format("{}", number)) : null();
}

JsonWriter& JsonWriter::value(Timestamp time) { return value(tools::format_time(time)); }

JsonWriter& JsonWriter::payload(std::string_view bytes, PayloadForm form) {
  if (form == PayloadForm::json && is_json(bytes)) return raw(bytes);
  const std::string json = quoted(bytes);
  if (!json.empty()) return raw(json);
  return begin_object().member("base64", std::string_view(base64(bytes))).end_object();
}

bool is_json(std::string_view text) {
  // The parser would skip a byte order mark, which has no place within a text.
  if (text.starts_with('\xEF')) return false;
  DepthCheck check;
  return nlohmann::json::sax_parse(text.begin(), text.end(), &check);
}

HttpResponse error_response(int status, std::string_view code, std::string_view message) {
  JsonWriter json;
  json.begin_object().key("error").begin_object();
  json.member("code", code).member("message", message);
  json.end_object().end_object();
  return json_response(status, json.take());
}

HttpResponse overload_response(std::string_view why) {
  HttpResponse response =
      error_response(503, "overloaded", std::string(why) + "; nothing was done: try again");
  response.fields.emplace_back("Retry-After", "1");
  return response;
}

HttpResponse json_response(int status, std::string body) {
  return {status, std::string(kJsonType), std::move(body), {}};
}

}  // namespace ingot::server
