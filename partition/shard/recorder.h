#pragma once

// Recorder: the one place where a fact comes into being. It stamps the time, encodes the fact into
// the log's batch and applies it, in that order; the effects go to the dispatcher.
//
// Invariants:
//   - what is applied is in the log's batch, at the same position;
//   - times of facts never go back;
//   - whoever asks has_room() before each fact never makes the log wait for disk space;
//   - after the first failure nothing is recorded any more.

#include <string>

#include "commit-log/commit_log.h"
#include "core/effect.h"
#include "core/fact.h"
#include "partition/state/partition_state.h"

namespace ingot::partition {

// Performs effects. Must not record facts itself: it queues.
class EffectDispatcher {
 public:
  virtual ~EffectDispatcher() = default;
  virtual void perform(const Effect& effect) = 0;
};

class Recorder {
 public:
  // With `check_replay`, each fact is also applied to a decoded copy (replay_checker.h).
  // Facts of up to `fact_bytes` are provided for in has_room(); larger ones are rare.
  Recorder(log::CommitLog& log, PartitionState& state, EffectDispatcher& dispatcher,
           std::uint64_t fact_bytes, bool check_replay);

  // The time of the facts that follow.
  void set_now(Timestamp now) {
    if (now > now_) now_ = now;
  }
  [[nodiscard]] Timestamp now() const { return now_; }

  // Room in the log for one more fact. Once there is none, that stays so until renew_room(): what
  // is held back keeps its order then.
  [[nodiscard]] bool has_room() { return room_ = room_ && log_.has_room(fact_bytes_); }
  void renew_room() { room_ = log_.has_room(fact_bytes_); }
  // As has_room() was found last.
  [[nodiscard]] bool found_room() const { return room_; }
  [[nodiscard]] std::uint64_t fact_bytes() const { return fact_bytes_; }

  // False when the partition has failed; the fact did not happen then.
  bool record(const FactBody& body);

  // Of the last recorded fact.
  [[nodiscard]] Position position() const { return state_.applied; }
  [[nodiscard]] const Status& failure() const { return failure_; }
  void fail(const Status& why) {
    if (failure_.ok()) failure_ = why;
  }

 private:
  log::CommitLog& log_;
  PartitionState& state_;
  EffectDispatcher& dispatcher_;
  const std::uint64_t fact_bytes_;
  const bool check_replay_;
  bool room_ = true;
  Timestamp now_;
  Status failure_;
  std::string bytes_;
  Effects effects_;
};

}  // namespace ingot::partition
