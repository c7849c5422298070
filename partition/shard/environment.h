#pragma once

// What a partition is given by the composition root: seams and services, none of them its own.

#include <ingot/hub_options.h>
#include <ingot/ids.h>
#include <ingot/registry.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "partition/requests/request.h"

namespace ingot::partition {

// Reaches the inbox of any partition of the hub. The in-process transport; another one could carry
// PeerMessages and PeerConfirmations between machines.
class PartitionPost {
 public:
  virtual ~PartitionPost() = default;
  virtual void push(PartitionId destination, Request&& request) = 0;
};

// Runs jobs on threads of its own.
class BackgroundJobs {
 public:
  virtual ~BackgroundJobs() = default;
  virtual void submit(std::function<void()> job) = 0;
};

// An activity for the pool: everything is copied, because the instance may be gone when it runs.
struct ActivityJob {
  PartitionId partition;
  SequenceNumber sequence;
  std::uint32_t generation = 0;
  std::int32_t task_id = 0;
  const Activity* activity = nullptr;
  std::string name;
  std::string instance_id;
  std::string input;
};

class ActivityExecutor {
 public:
  virtual ~ActivityExecutor() = default;
  // Takes all of `jobs` and leaves it empty. Results come back as ActivityResults.
  virtual void submit(std::vector<ActivityJob>& jobs) = 0;
};

// Where work was when it was offered: locking asks the partition whether it still is.
struct WorkOffer {
  PartitionId partition;
  SequenceNumber sequence;
  std::int32_t task_id = -1;  // of an activity
  std::string name;           // of the orchestrator, entity or activity
  std::string version;
};

// Where foreign workers look for work.
class WorkBoard {
 public:
  virtual ~WorkBoard() = default;
  virtual void offer(WorkKind kind, WorkOffer offered) = 0;
  // A locked item has been completed, given back, or taken away.
  virtual void released(WorkKind kind) = 0;
};

struct Environment {
  const HubOptions& options;
  const Registry& registry;
  const Clock& clock;
  PartitionPost& post;
  BackgroundJobs& checkpoint_jobs;
  BackgroundJobs& load_jobs;
  ActivityExecutor& activities;
  WorkBoard& board;
};

}  // namespace ingot::partition
