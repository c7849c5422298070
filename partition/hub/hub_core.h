#pragma once

// HubCore: the composition root. The only place where concrete clocks, I/O, stores, threads and
// randomness are named and wired together.

#include <ingot/task_hub.h>

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "partition/hub/background.h"
#include "partition/hub/hub_client.h"
#include "partition/hub/hub_directory.h"
#include "partition/hub/hub_work_items.h"
#include "partition/hub/router.h"
#include "partition/work/activity_pool.h"

namespace ingot::partition {

class HubCore final : public TaskHub {
 public:
  [[nodiscard]] static Result<std::unique_ptr<HubCore>> open(const std::string& path,
                                                             const Registry& registry,
                                                             const HubOptions& options);
  ~HubCore() override;

  Client& client() override { return client_; }
  WorkItems& work_items() override { return work_items_; }
  Status checkpoint() override;
  Status close() override;
  HubMetrics metrics() override;

 private:
  HubCore(HubDirectory directory, const Registry& registry, const HubOptions& options);
  Status start();
  HubMetrics measure();  // metrics(), while the hub is open and there is memory

  const HubOptions options_;
  const Registry registry_;
  const SystemClock clock_;
  HubDirectory directory_;  // locked as long as anything below exists
  std::vector<std::unique_ptr<Shard>> shards_;
  Router router_;
  Background checkpoint_jobs_;
  Background load_jobs_;
  ActivityPool activities_;
  HubWorkItems work_items_;
  Environment environment_;
  HubClient client_;

  // Never held while waiting for a shard or for the pool.
  std::mutex mutex_;
  std::condition_variable changed_;
  bool closing_ = false;
  bool closed_ = false;
  std::uint32_t asking_ = 0;  // calls of metrics(), which need the shards
};

// `invalid_argument` names the option that is out of its bounds.
[[nodiscard]] Status validate(const HubOptions& options);

}  // namespace ingot::partition
