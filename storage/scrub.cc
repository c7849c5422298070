#include "storage/store_core.h"
namespace ingot::storage {
Status scrub_snapshot(const PageFile&, const Snapshot&, const std::function<void(StoreFault)>&) {
  return {};
}
}  // namespace ingot::storage
