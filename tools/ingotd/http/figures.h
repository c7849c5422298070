#pragma once

// FigureCollector: the figures of all hubs, taken by a thread of its own.
//
// Taking them asks every shard and waits for its answer. Should one never answer, whoever asked is
// told so after a time, and only this one thread hangs, not one for each request.

#include <ingot/task_hub.h>

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace ingot::server {

// A hub that is open, for as long as the pointer is held: it may be closed meanwhile (its calls
// then give `cancelled`).
struct OpenHub {
  std::string name;
  std::shared_ptr<TaskHub> hub;
};

// What the HTTP side needs of the server's hubs. Any thread.
class HubSource {
 public:
  virtual ~HubSource() = default;
  // not_found, or why it could not be opened.
  [[nodiscard]] virtual Result<OpenHub> find(std::string_view name) const = 0;
  [[nodiscard]] virtual std::vector<OpenHub> all() const = 0;
  // Those that could not be opened, and why.
  [[nodiscard]] virtual std::vector<std::pair<std::string, Status>> failures() const = 0;
};

struct HubFigures {
  std::string name;
  HubMetrics metrics;
  Result<InstanceCounts> counts = InstanceCounts();
};

struct ServerSnapshot {
  std::vector<HubFigures> hubs;
  std::vector<std::pair<std::string, Status>> failures;
};

class FigureCollector {
 public:
  explicit FigureCollector(const HubSource& hubs) : hubs_(hubs) {}
  ~FigureCollector() { stop(); }

  // Figures taken after this call; timed_out when a hub does not answer.
  [[nodiscard]] Result<std::shared_ptr<const ServerSnapshot>> take(Duration timeout);
  // Callers are told `cancelled`. Returns when the thread has ended.
  void stop();

 private:
  void run();

  const HubSource& hubs_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t asked_ = 0;  // rounds that were asked for
  std::uint64_t taken_ = 0;  // the latest one that is answered
  std::shared_ptr<const ServerSnapshot> latest_;
  bool stopping_ = false;
  std::thread thread_;  // started by the first who asks
};

}  // namespace ingot::server
