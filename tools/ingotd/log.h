#pragma once

// The server's log: lines of a message and named values, as text or as JSON, on standard error.
//
// Values may be anything that clients send: control characters are escaped in both formats, so that
// no one can forge a line.

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace ingot::server {

using LogField = std::pair<std::string_view, std::string>;

// Sets the level ("trace" ... "off") and format ("text", "json"); before any thread logs.
void start_log(const std::string& level, const std::string& format);

void log_debug(std::string_view message, std::initializer_list<LogField> fields = {});
void log_info(std::string_view message, std::initializer_list<LogField> fields = {});
void log_warning(std::string_view message, std::initializer_list<LogField> fields = {});
void log_error(std::string_view message, std::initializer_list<LogField> fields = {});

// One line without its time and level, for tests.
[[nodiscard]] std::string format_log(std::string_view message,
                                     std::initializer_list<LogField> fields, bool json);

}  // namespace ingot::server
