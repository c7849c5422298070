#include "partition/checkpoint/checkpointer.h"

#include <utility>

#include "core/out_of_memory.h"
#include "core/planted_bug.h"

namespace ingot::partition {
namespace {

// Copies in one turn: about 30 us of rows of 500 bytes.
constexpr std::size_t kSlice = 64;
// Between checkpoints that only memory asks for, so that they don't follow each other for nothing.
constexpr Duration kHurryPause = std::chrono::milliseconds(50);
constexpr Duration kDiskFullRetry = std::chrono::milliseconds(200);

}  // namespace

bool Checkpointer::due(Duration monotonic, bool hurry) const {
  const std::uint64_t facts = state_.applied.value - cut_position_.value;
  if (facts == 0) return false;
  if (hurry && monotonic - last_done_ >= kHurryPause) return true;
  if (!waiting_.empty() || facts >= environment_.options.checkpoint_facts) return true;
  const std::uint64_t bytes = log_.counters().payload_bytes - cut_payload_bytes_;
  if (bytes >= environment_.options.checkpoint_log_bytes) return true;
  return monotonic - last_busy_ >= environment_.options.checkpoint_idle;
}

Duration Checkpointer::next_deadline(bool hurry) const {
  if (cut_ != nullptr) {
    if (writing_) return Duration::max();
    if (!copied_) return Duration(0);
    // The write that it waits for ends the sleep.
    return log_.durable_position() >= cut_->position() ? retry_at_ : Duration::max();
  }
  if (state_.applied == cut_position_) return Duration::max();
  return hurry ? last_done_ + kHurryPause : last_busy_ + environment_.options.checkpoint_idle;
}

bool Checkpointer::behind() const {
  return tail_bytes() > environment_.options.log_bytes_max && !INGOT_PLANTED(kUnboundedLog);
}

void Checkpointer::turn(Duration monotonic, bool hurry) {
  if (state_.applied != last_position_) {
    last_position_ = state_.applied;
    last_busy_ = monotonic;
  }
  if (writing_ || (cut_ == nullptr && !due(monotonic, hurry))) return;
  const Duration before = environment_.clock.monotonic();
  if (cut_ == nullptr) start_cut();
  advance(monotonic);
  const Duration spent = environment_.clock.monotonic() - before;
  stalls_.record(static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(spent).count()));
}

void Checkpointer::start_cut() {
  cut_ = std::make_unique<Cut>(state_);
  copied_ = false;
  retry_at_ = Duration(0);
  if (INGOT_PLANTED(kTrimAtCut)) static_cast<void>(log_.trim(state_.applied));
  cut_position_ = state_.applied;
  cut_payload_bytes_ = log_.counters().payload_bytes;
}

void Checkpointer::advance(Duration monotonic) {
  if (!copied_) copied_ = cut_->copy_some(kSlice);
  const Position durable =
      INGOT_PLANTED(kCheckpointUndurable) ? log_.appended_position() : log_.durable_position();
  if (copied_ && durable >= cut_->position() && monotonic >= retry_at_) submit();
}

void Checkpointer::submit() {
  writing_ = true;
  environment_.checkpoint_jobs.submit([cut = cut_.get(), &store = store_, &post = environment_.post,
                                       id = state_.partition] {
    post.push(id, CheckpointDone{with_memory("a checkpoint", [&] { return cut->write(store); })});
  });
}

void Checkpointer::take(CheckpointRequest& request) {
  if (store_.position() >= state_.applied) {
    request.done(Status{});
    return;
  }
  waiting_.push_back({state_.applied, std::move(request.done)});
}

Status Checkpointer::take(const CheckpointDone& done, Duration monotonic) {
  writing_ = false;
  if (!done.status.ok()) {
    if (done.status.code() != StatusCode::disk_full) return done.status;
    retry_at_ = monotonic + kDiskFullRetry;
    for (const Waiting& waiting : std::exchange(waiting_, {})) waiting.done(done.status);
    return {};
  }
  last_done_ = monotonic;
  ++checkpoints_;
  rows_ += cut_->rows();
  committed_payload_bytes_ = cut_payload_bytes_;
  residency_.committed(cut_->epoch());
  const Position position = cut_->position();
  // Freeing thousands of rows would stall the shard.
  environment_.checkpoint_jobs.submit(
      [cut = std::shared_ptr<Cut>(std::move(cut_)),
       records = std::shared_ptr<FinishedRecords>(state_.finished.release())] {});
  std::erase_if(waiting_, [&](const Waiting& waiting) {
    if (waiting.position > position) return false;
    waiting.done(Status{});
    return true;
  });
  return log_.trim(position);
}

void Checkpointer::refuse_waiting(const Status& why) {
  for (const Waiting& waiting : std::exchange(waiting_, {})) waiting.done(why);
}

}  // namespace ingot::partition
