#include "partition/requests/retention.h"

#include <algorithm>

#include "core/planted_bug.h"

namespace ingot::partition {
namespace {

// At most so many in one run, and so long between runs: 20,000 a second and partition.
constexpr std::size_t kPurgedMax = 200;
constexpr Duration kPause = std::chrono::milliseconds(10);
constexpr Duration kWaitMax = std::chrono::seconds(60);

}  // namespace

Duration Retention::next_deadline() const {
  if (environment_.options.retention == Duration(0) || progress_->running) return Duration::max();
  return progress_->next_at;
}

void Retention::turn(Duration monotonic) {
  if (environment_.options.retention == Duration(0) || monotonic < next_deadline()) return;
  progress_->running = true;
  progress_->wait = std::min(environment_.options.retention, kWaitMax);
  purged_ = 0;
  CompletionRequest request;
  request.from = from_;
  request.take = [this](const RowView& row, storage::RecordCursor resume) -> Result<bool> {
    from_ = resume;
    // The sum of a time and a retention of centuries would overflow.
    const Duration age = std::max(Duration(recorder_.now() - row.updated_at), Duration(0));
    const Duration left = environment_.options.retention - age;
    if (left > Duration(0) && !INGOT_PLANTED(kRetainNothing)) {
      progress_->wait = std::min(left, kWaitMax);
      return false;
    }
    if (purged_ == kPurgedMax) {
      progress_->wait = kPause;
      return false;
    }
    if (!scan_.purge(row)) return recorder_.failure();
    ++purged_;
    return true;
  };
  request.done = [progress = progress_, &clock = environment_.clock](const Status& status) {
    // A full disk, or the end of the partition: there is time.
    if (!status.ok()) progress->wait = std::chrono::seconds(1);
    progress->running = false;
    progress->next_at = clock.monotonic() + std::max(progress->wait, kPause);
  };
  scan_.start_purge(std::move(request));
}

}  // namespace ingot::partition
