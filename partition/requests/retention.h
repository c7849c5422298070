#pragma once

// Retention: forgets finished instances once they are older than HubOptions::retention, the oldest
// first, at a bounded rate. It remembers where the oldest one is, so that nothing is looked at
// twice for nothing.

#include "partition/requests/completion_scan.h"

namespace ingot::partition {

class Retention {
 public:
  Retention(const Environment& environment, Recorder& recorder, CompletionScan& scan)
      : environment_(environment), recorder_(recorder), scan_(scan) {}

  // Starts to purge when that is due.
  void turn(Duration monotonic);
  // When turn() has to be called at the latest, in monotonic time.
  [[nodiscard]] Duration next_deadline() const;

 private:
  const Environment& environment_;
  Recorder& recorder_;
  CompletionScan& scan_;
  // Shared with the run that goes on: its end may come when the partition is gone.
  struct Progress {
    bool running = false;
    Duration next_at{0};
    Duration wait{0};  // after the run
  };
  const std::shared_ptr<Progress> progress_ = std::make_shared<Progress>();
  storage::RecordCursor from_;
  std::size_t purged_ = 0;  // in this run
};

}  // namespace ingot::partition
