#include "partition/shard/recorder.h"

#include "commit-log/frame.h"
#include "core/fact_codec.h"
#include "partition/apply/apply.h"
#include "partition/shard/replay_checker.h"

namespace ingot::partition {

Recorder::Recorder(log::CommitLog& log, PartitionState& state, EffectDispatcher& dispatcher,
                   std::uint64_t fact_bytes, bool check_replay)
    : log_(log),
      state_(state),
      dispatcher_(dispatcher),
      fact_bytes_(fact_bytes),
      check_replay_(check_replay) {}

bool Recorder::record(const FactBody& body) {
  if (!failure_.ok()) return false;
  const Fact fact{now_, body};
  bytes_.clear();
  encode_fact(fact, bytes_);
  if (bytes_.size() > log::kFactBytesMax) {
    fail(Status(StatusCode::internal, "a fact of " + std::to_string(bytes_.size()) + " bytes"));
    return false;
  }
  std::string replayed;
  if (check_replay_) {
    Result<std::string> copy = apply_to_decoded_copy(state_, bytes_);
    if (!copy.ok()) {
      fail(copy.status());
      return false;
    }
    replayed = *std::move(copy);
  }
  const Position position = log_.append(bytes_);
  effects_.clear();
  if (const Status applied = apply(state_, position, fact, effects_); !applied.ok()) {
    // Our own fact can't be applied: a defect. It must not reach the disk.
    fail(Status(StatusCode::internal, applied.message()));
    return false;
  }
  if (check_replay_ && state_.snapshot() != replayed) {
    fail(Status(StatusCode::internal, "replay checker: fact " + std::to_string(position.value) +
                                          " (" + std::string(fact_name(fact)) +
                                          ") gives another state after decoding"));
    return false;
  }
  for (const Effect& effect : effects_) dispatcher_.perform(effect);
  return true;
}

}  // namespace ingot::partition
