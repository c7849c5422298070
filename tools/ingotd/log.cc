#include "tools/ingotd/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

namespace ingot::server {
namespace {

bool json_lines = false;

std::string json_quoted(std::string_view text) {
  return nlohmann::json(std::string(text))
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void log(spdlog::level::level_enum level, std::string_view message,
         std::initializer_list<LogField> fields) {
  spdlog::logger* logger = spdlog::default_logger_raw();
  if (!logger->should_log(level)) return;
  logger->log(level, "{}", format_log(message, fields, json_lines));
}

}  // namespace

std::string format_log(std::string_view message, std::initializer_list<LogField> fields,
                       bool json) {
  std::string line = json ? "\"message\":" + json_quoted(message) : std::string(message);
  for (const auto& [name, value] : fields) {
    line += json ? "," + json_quoted(name) + ":" : " " + std::string(name) + "=";
    line += json_quoted(value);
  }
  return line;
}

void start_log(const std::string& level, const std::string& format) {
  json_lines = format == "json";
  const auto logger =
      std::make_shared<spdlog::logger>("ingotd", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern(json_lines ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})"
                                 : "%Y-%m-%dT%H:%M:%S.%eZ %-7l %v",
                      spdlog::pattern_time_type::utc);
  logger->set_level(spdlog::level::from_str(level));
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(logger);
}

void log_debug(std::string_view message, std::initializer_list<LogField> fields) {
  log(spdlog::level::debug, message, fields);
}
void log_info(std::string_view message, std::initializer_list<LogField> fields) {
  log(spdlog::level::info, message, fields);
}
void log_warning(std::string_view message, std::initializer_list<LogField> fields) {
  log(spdlog::level::warn, message, fields);
}
void log_error(std::string_view message, std::initializer_list<LogField> fields) {
  log(spdlog::level::err, message, fields);
}

}  // namespace ingot::server
