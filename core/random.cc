#include "core/random.h"

#include <random>

namespace ingot {

std::uint64_t entropy64() {
  std::random_device device;
  return static_cast<std::uint64_t>(device()) << 32 | device();
}

}  // namespace ingot
