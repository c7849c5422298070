#pragma once

// What this process has open, by its folders in /proc.

#include <cstddef>
#include <filesystem>
#include <iterator>
#include <string>

namespace ingot::faults {

inline std::size_t entries_of(const std::string& folder) {
  const std::filesystem::directory_iterator all(folder);
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

inline std::size_t open_descriptors() { return entries_of("/proc/self/fd"); }

}  // namespace ingot::faults
