#pragma once

// ServiceCore: what the calls of the gRPC service share.

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "tools/ingotd/access_control.h"
#include "tools/ingotd/config.h"
#include "tools/ingotd/endpoint.h"
#include "tools/ingotd/executor.h"
#include "tools/ingotd/grpc/completion_token.h"
#include "tools/ingotd/hubs.h"

namespace ingot::server {

class WorkerStream;
class InstanceWait;

// The calls of one sort that are under way; any thread.
template <typename T>
class LiveCalls {
 public:
  void add(const std::shared_ptr<T>& call) {
    const std::lock_guard lock(mutex_);
    calls_.emplace(call.get(), call);
  }
  void remove(const T& call) {
    const std::lock_guard lock(mutex_);
    calls_.erase(&call);
  }
  [[nodiscard]] std::vector<std::shared_ptr<T>> all() const {
    std::vector<std::shared_ptr<T>> live;
    const std::lock_guard lock(mutex_);
    for (const auto& [at, call] : calls_) {
      if (auto one = call.lock()) live.push_back(std::move(one));
    }
    return live;
  }
  [[nodiscard]] std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return calls_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::map<const T*, std::weak_ptr<T>> calls_;
};

struct ServiceCore {
  ServiceCore(const ServerConfig& its_config, Hubs& its_hubs, ServerFigures& its_figures,
              AccessControl its_access, std::uint64_t secret)
      : config(its_config),
        hubs(its_hubs),
        figures(its_figures),
        access(std::move(its_access)),
        tokens(secret),
        answers("answers", 2, 0),
        slow("slow-calls", its_config.slow_threads, its_config.slow_queue_max) {}

  const ServerConfig& config;
  Hubs& hubs;
  ServerFigures& figures;
  const AccessControl access;
  const TokenMaker tokens;
  LiveCalls<WorkerStream> streams;
  LiveCalls<InstanceWait> waits;
  std::atomic<bool> draining{false};
  Executor answers;
  Executor slow;
};

}  // namespace ingot::server
