#pragma once

// Which rows a client's filter lets through.

#include <ingot/instance.h>

#include "partition/state/row.h"

namespace ingot::partition {

// Never for an entity.
[[nodiscard]] bool matches(const InstanceFilter& filter, const RowView& row);
// True when the filter asks for more than a prefix.
[[nodiscard]] bool is_selective(const InstanceFilter& filter);
// True when no finished instance can match.
[[nodiscard]] bool wants_live_only(const InstanceFilter& filter);

}  // namespace ingot::partition
