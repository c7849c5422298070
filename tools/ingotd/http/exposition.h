#pragma once

// Exposition: writes metrics in the text format of Prometheus (version 0.0.4).
//
// The engine keeps its counters itself; they are read when a scrape asks, so there is no registry.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace ingot::server {

class Exposition {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  static constexpr const char* kContentType = "text/plain; version=0.0.4; charset=utf-8";

  // Begins a metric; its samples follow. `type` is counter, gauge or histogram.
  void metric(std::string_view name, std::string_view type, std::string_view help);
  // A sample of the metric that was begun last; `suffix` as in "_bucket".
  void sample(Labels labels, double value, std::string_view suffix = {});
  void sample(Labels labels, std::uint64_t value, std::string_view suffix = {});

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void begin_sample(Labels labels, std::string_view suffix);

  std::string text_;
  std::string name_;
};

}  // namespace ingot::server
