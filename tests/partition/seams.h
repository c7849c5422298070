#pragma once

// Seams: the environment of one part of a partition, as a test sees it. It keeps jobs, and what
// comes back from them, until the test wants them; activities and foreign work go nowhere.

#include <functional>
#include <utility>
#include <variant>
#include <vector>

#include "partition/shard/environment.h"

namespace ingot::partition {

// `Answer` is the kind of request that the part's jobs send.
template <typename Answer>
class Seams final : public PartitionPost,
                    public BackgroundJobs,
                    public ActivityExecutor,
                    public WorkBoard {
 public:
  void push(PartitionId /*destination*/, Request&& request) override {
    answers.push_back(std::get<Answer>(std::move(request)));
  }
  void submit(std::function<void()> job) override { jobs.push_back(std::move(job)); }
  void submit(std::vector<ActivityJob>& gathered) override { gathered.clear(); }
  void offer(WorkKind /*kind*/, WorkOffer /*offered*/) override {}
  void released(WorkKind /*kind*/) override {}

  void run_jobs() {
    for (const auto& job : std::exchange(jobs, {})) job();
  }

  std::vector<std::function<void()>> jobs;
  std::vector<Answer> answers;
};

}  // namespace ingot::partition
