#include "tools/ingotd/grpc/convert_span.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <system_error>

#include "tools/ingotd/grpc/convert_values.h"

namespace ingot::server {
namespace {

constexpr std::size_t kSpanIdMax = 256;

// The text up to the next line feed, which is taken away with it.
std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

template <typename Number>
bool read_number(std::string_view text, Number& out) {
  const char* end = text.data() + text.size();
  return std::from_chars(text.data(), end, out) == std::from_chars_result{end, std::errc()};
}

}  // namespace

std::string read_span(const ::OrchestrationTraceContext& span) {
  std::string id = span.spanid().value();
  // It is one short line; what a worker else makes of it is not worth an orchestration's failure.
  if (id.empty() || id.size() > kSpanIdMax || id.find('\n') != std::string::npos) return {};
  if (!span.has_spanstarttime()) return id;
  return id + '\n' + std::to_string(span.spanstarttime().seconds()) + '\n' +
         std::to_string(span.spanstarttime().nanos());
}

void write_span(std::string_view kept, ::OrchestrationTraceContext* out) {
  out->mutable_spanid()->set_value(wire_text(take_line(kept)));
  std::int64_t seconds = 0;
  std::int32_t nanos = 0;
  if (!read_number(take_line(kept), seconds) || !read_number(kept, nanos)) return;
  out->mutable_spanstarttime()->set_seconds(seconds);
  out->mutable_spanstarttime()->set_nanos(nanos);
}

}  // namespace ingot::server
