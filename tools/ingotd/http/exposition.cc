#include "tools/ingotd/http/exposition.h"

#include <fmt/core.h>

#include <cmath>

namespace ingot::server {

void Exposition::metric(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void Exposition::begin_sample(Labels labels, std::string_view suffix) {
  text_ += name_;
  text_ += suffix;
  if (labels.size() == 0) return;
  char mark = '{';
  for (const auto& [name, value] : labels) {
    text_ += mark;
    text_ += name;
    text_ += "=\"";
    for (const char c : value) {
      if (c == '\\' || c == '"') text_ += '\\';
      if (c == '\n') {
        text_ += "\\n";
      } else {
        text_ += c;
      }
    }
    text_ += '"';
    mark = ',';
  }
  text_ += '}';
}

void Exposition::sample(Labels labels, double value, std::string_view suffix) {
  begin_sample(labels, suffix);
  text_ += std::isfinite(value) ? fmt::format(" {}\n", value) : " NaN\n";
}

void Exposition::sample(Labels labels, std::uint64_t value, std::string_view suffix) {
  begin_sample(labels, suffix);
  text_ += fmt::format(" {}\n", value);
}

}  // namespace ingot::server
