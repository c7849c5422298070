#pragma once

// The files of tools/ingotd/dashboard, as the build put them into the program.

#include <string_view>
#include <vector>

namespace ingot::server {

struct DashboardFile {
  std::string_view name;  // "app.js"
  const char* content_type;
  std::string_view bytes;
};

[[nodiscard]] const std::vector<DashboardFile>& dashboard_files();

}  // namespace ingot::server
