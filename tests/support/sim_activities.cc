#include "tests/support/sim_activities.h"

#include <utility>

#include "core/activity_runner.h"
#include "partition/work/activity_dispatch.h"

namespace ingot::sim {

using namespace partition;  // NOLINT(google-build-using-namespace)

void SimActivities::submit(std::vector<ActivityJob>& jobs) {
  for (ActivityJob& job : jobs) {
    if (watch_ != nullptr) watch_->on_activity(job);
    jobs_.push_back(std::move(job));
  }
  jobs.clear();
}

bool SimActivities::run(bool all) {
  if (jobs_.empty()) return false;
  if (!all && !random_.one_in(plan_.lateness)) return true;
  std::size_t count = all ? jobs_.size() : 1 + random_.below(jobs_.size());
  for (; count != 0; --count) run_one();
  return true;
}

// Any of them: many threads.
void SimActivities::run_one() {
  std::swap(jobs_[random_.below(jobs_.size())], jobs_.back());
  ActivityJob job = std::move(jobs_.back());
  jobs_.pop_back();
  const ActivityContext context{job.name, job.instance_id, job.task_id, job.input};
  const ActivityOutcome outcome = run_activity(*job.activity, context);
  ActivityResults results;
  ActivityResult& result = results.results.emplace_back();
  result.sequence = job.sequence;
  result.generation = job.generation;
  encode_outcome(outcome, job.task_id, clock_.now(), payload_bytes_max_, result.event);
  post_.push(job.partition, std::move(results));
  if (plan_.repeats != 0 && random_.one_in(plan_.repeats)) jobs_.push_back(std::move(job));
}

}  // namespace ingot::sim
