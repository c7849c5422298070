#include "core/planted_bug.h"

#ifdef INGOT_PLANTED_BUGS

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace ingot {
namespace {

PlantedBug find_planted_bug() {
  const char* const text = std::getenv("INGOT_PLANTED_BUG");
  if (text == nullptr) return PlantedBug::kNone;
  const std::string_view wanted = text;
#define INGOT_PLANTED_IS(name, what) \
  if (wanted == #name) return PlantedBug::name;
  INGOT_PLANTED_BUGS_LIST(INGOT_PLANTED_IS)
#undef INGOT_PLANTED_IS
  std::fprintf(stderr, "INGOT_PLANTED_BUG: there is no bug %s\n", text);
  std::abort();
}

}  // namespace

PlantedBug planted_bug() {
  static const PlantedBug bug = find_planted_bug();
  return bug;
}

}  // namespace ingot

#endif
