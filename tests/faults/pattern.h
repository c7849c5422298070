#pragma once

// Bytes that can be told from zeros, from each other's and from those of another place.

#include "core/aligned_buffer.h"

namespace ingot::faults {

inline AlignedBuffer pattern(std::size_t size, char first) {
  AlignedBuffer bytes;
  bytes.resize(size);
  for (std::size_t i = 0; i < size; ++i) bytes.data()[i] = static_cast<char>(first + i % 251);
  return bytes;
}

}  // namespace ingot::faults
