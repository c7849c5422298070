#pragma once

// HubLife: two short lives of a real hub in which something fails, and the proof afterwards, with
// nothing failing, that it kept every promise.
//
// The lives do all that writes: they make a hub, run orchestrations in both partitions with
// activities, sub-orchestrations, events and an entity, take checkpoints, fill more than a segment,
// purge, close, recover and go on. Each answer of the hub is remembered. Nothing is asserted while
// things fail, except that each call is answered: a call that is not ends the test by its time
// limit.

#include <ingot/task_hub.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ingot::faults {

class HubLife {
 public:
  // The hub is made in `folder`/hub.
  HubLife(const std::string& folder, LogIo io);
  ~HubLife();
  HubLife(const HubLife&) = delete;
  HubLife& operator=(const HubLife&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  // From now on each question and each answer is a line of the file as well, so that another
  // process can check() what this one was told before it died.
  void write_to(const std::string& file);
  // What such a file says. What was asked last and has no answer is of unknown outcome.
  void recall(const std::string& file);

  // Called just before and just after each opening.
  void around_opening(std::function<void()> before, std::function<void()> after);

  // Opens the hub and closes it again. As each opening: one that fails must give back its threads,
  // descriptors and mappings, else there is a problem.
  Status open_and_close();
  void first_life();
  void second_life();
  // A third one, which asks for more and more room until somebody is told of a failure: it needs
  // what the lives before only prepared. Not needed when failures() has something already.
  void ask_for_more();
  // Opens the hub once more and compares it with what was promised. Adds to problems().
  void check();

  // What a call was answered, other than success, or why a partition stopped.
  [[nodiscard]] const std::vector<Status>& failures() const { return failures_; }
  // What must not be.
  [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }
  // Failed openings.
  [[nodiscard]] std::uint64_t refused_openings() const { return refused_openings_; }
  [[nodiscard]] bool partition_stopped() const { return partition_stopped_; }
  [[nodiscard]] std::uint64_t promises() const;

 private:
  struct Promise {
    std::string id;
    std::string orchestrator;
    std::string input;
    StatusCode started = StatusCode::internal;  // internal: not asked
    StatusCode raised = StatusCode::internal;
    StatusCode purged = StatusCode::internal;
    bool completed = false;  // was seen
  };

  bool open();
  Result<std::unique_ptr<TaskHub>> try_to_open();
  void close();
  void start(const std::string& orchestrator, const std::string& id);
  void raise(const std::string& id);
  void signal(int times);
  void wait_for(const std::string& id);
  void ask_for_room();
  void purge(const std::string& id);
  void checkpoint();
  void read_all();
  // Enters that something is asked, or what was answered.
  void enter(char what, const std::string& id, StatusCode code);
  void apply(char what, const std::string& id, StatusCode code);
  // Keeps a failure; true when there is one.
  bool note(const Status& status);
  bool impaired();
  Promise& promise(const std::string& id);
  void check_one(const Promise& promise);
  void problem(std::string what) { problems_.push_back(std::move(what)); }

  const std::string path_;
  HubOptions options_;
  Registry registry_;
  std::unique_ptr<TaskHub> hub_;
  std::vector<Promise> promises_;
  std::uint64_t signals_known_ = 0;     // acknowledged
  std::uint64_t signals_possible_ = 0;  // these and those of unknown outcome
  std::vector<Status> failures_;
  std::vector<std::string> problems_;
  std::uint64_t refused_openings_ = 0;
  bool partition_stopped_ = false;
  std::function<void()> before_opening_;
  std::function<void()> after_opening_;
  int file_ = -1;  // write_to()'s
  int asked_for_room_ = 0;
  bool gave_up_ = false;  // a wait has met its limit: later ones are short
};

}  // namespace ingot::faults
