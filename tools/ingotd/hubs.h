#pragma once

// Hubs: the task hubs of one data folder, by name.
//
// Each hub is a sub-folder of its name, [A-Za-z][A-Za-z0-9-]{0,62}. All that are there are opened
// when the server starts, because timers and messages must go on without a client. One that can't
// be opened does not keep the others from working: who asks for it is told why.

#include <ingot/task_hub.h>

#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "tools/ingotd/config.h"
#include "tools/ingotd/outstanding.h"

namespace ingot::server {

// `invalid_argument` unless the name follows the rule.
[[nodiscard]] Status validate_hub_name(std::string_view name);

// A hub that is open. Whoever uses it holds the pointer: it may be closed at any time (its calls
// then give `cancelled`), but is not gone before.
struct Hub {
  Hub(std::string its_name, std::unique_ptr<TaskHub> opened)
      : name(std::move(its_name)), hub(std::move(opened)) {}

  const std::string name;
  const std::unique_ptr<TaskHub> hub;
  Outstanding outstanding;

  [[nodiscard]] Client& client() const { return hub->client(); }
  [[nodiscard]] WorkItems& work_items() const { return hub->work_items(); }
};
using HubPtr = std::shared_ptr<Hub>;

class Hubs {
 public:
  // Makes the data folder, locks nothing, opens all hubs in it. io_error when the folder can't be
  // read; a hub that can't be opened is kept with its failure.
  static Result<std::unique_ptr<Hubs>> open(const ServerConfig& config);
  ~Hubs();  // as close()

  // Never blocks for long: the hub if it is open, the failure that keeps it closed, or not_found.
  [[nodiscard]] Result<HubPtr> find(std::string_view name) const;
  // The same, but opens or creates the hub when the configuration allows that. Blocks on the disk.
  [[nodiscard]] Result<HubPtr> find_or_create(std::string_view name);
  // Creates it whatever the configuration says; already_exists. With `recreate` an old one is
  // removed first.
  Status create(std::string_view name, bool recreate);
  // Closes the hub and removes its folder; not_found.
  Status remove(std::string_view name);

  // Those that are open, by name.
  [[nodiscard]] std::vector<HubPtr> all() const;
  // Those that could not be opened, and why.
  [[nodiscard]] std::vector<std::pair<std::string, Status>> failures() const;
  [[nodiscard]] const std::string& default_name() const { return config_.default_hub; }

  // Takes a checkpoint of each and closes it; returns the first failure. No hub opens afterwards.
  Status close();

 private:
  struct Entry {
    HubPtr hub;      // null when it could not be opened
    Status failure;  // why
  };

  explicit Hubs(const ServerConfig& config) : config_(config) {}
  Status open_existing();
  Result<HubPtr> open_hub(const std::string& name, OpenMode mode);
  Status remove_locked(const std::string& name);

  const ServerConfig config_;
  std::mutex change_mutex_;  // one hub is opened or removed at a time
  mutable std::shared_mutex mutex_;
  std::map<std::string, Entry, std::less<>> hubs_;
  bool closed_ = false;
};

}  // namespace ingot::server
