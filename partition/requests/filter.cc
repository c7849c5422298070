#include "partition/requests/filter.h"

#include <algorithm>

namespace ingot::partition {
namespace {

template <typename Range, typename Value>
bool contains(const Range& range, const Value& value) {
  return std::find(range.begin(), range.end(), value) != range.end();
}

}  // namespace

bool matches(const InstanceFilter& filter, const RowView& row) {
  if (row.is_entity || !row.id.starts_with(filter.prefix)) return false;
  if (!filter.statuses.empty() && !contains(filter.statuses, row.status)) return false;
  if (filter.created_from && row.created_at < *filter.created_from) return false;
  if (filter.created_to && row.created_at >= *filter.created_to) return false;
  if (filter.completed_from || filter.completed_to) {
    if (!is_terminal(row.status)) return false;
    if (filter.completed_from && row.updated_at < *filter.completed_from) return false;
    if (filter.completed_to && row.updated_at >= *filter.completed_to) return false;
  }
  if (filter.names.empty()) return true;
  const auto started = started_event(row);
  return started && contains(filter.names, started->name);
}

bool is_selective(const InstanceFilter& filter) {
  return !filter.statuses.empty() || !filter.names.empty() || filter.created_from ||
         filter.created_to || filter.completed_from || filter.completed_to;
}

bool wants_live_only(const InstanceFilter& filter) {
  return !filter.statuses.empty() &&
         std::none_of(filter.statuses.begin(), filter.statuses.end(), is_terminal);
}

}  // namespace ingot::partition
