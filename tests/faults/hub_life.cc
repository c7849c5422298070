#include "tests/faults/hub_life.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>
#include <utility>

#include "core/random.h"
#include "tests/faults/process.h"

namespace ingot::faults {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kLargeBytes = 100'000;
// How long something may take that nothing stands in the way of.
constexpr auto kLongWait = std::chrono::seconds(60);
// How long to wait for what a failure may have made impossible.
constexpr auto kShortWait = std::chrono::milliseconds(300);
constexpr auto kLook = std::chrono::milliseconds(20);
// How long something takes before it looks as if a full disk kept it waiting.
constexpr auto kSlow = std::chrono::seconds(2);
constexpr auto kMoment = std::chrono::seconds(5);
// Of 8 large instances: each writes more than a segment of both partitions.
constexpr int kRoundsOfMore = 6;

const EntityId kCounter("counter", "one");

std::string large(std::uint64_t seed) {
  Random random(seed);
  std::string text(kLargeBytes, '\0');
  for (std::size_t i = 0; i + 8 <= text.size(); i += 8) {
    const std::uint64_t bits = random.next();
    std::memcpy(text.data() + i, &bits, 8);
  }
  return text;
}

// Code of orchestrators and activities that got no memory has failed like any other code that
// throws.
bool for_memory(const FailureDetails& failure) {
  if (failure.type.find("bad_alloc") != std::string::npos ||
      failure.message.find("bad_alloc") != std::string::npos) {
    return true;
  }
  for (const FailureDetails& inner : failure.inner) {
    if (for_memory(inner)) return true;
  }
  return false;
}

bool for_memory(const InstanceState& state) {
  return state.status == RuntimeStatus::failed && state.failure && for_memory(*state.failure);
}

Task<std::string> echo(OrchestrationContext& context) {
  std::string text = co_await context.call_activity("copy", context.input());
  co_return text;
}

Task<std::string> parent(OrchestrationContext& context) {
  std::string joined;
  for (int i = 0; i < 4; ++i) {
    joined += co_await context.call_sub_orchestration("echo", context.input());
  }
  co_await context.create_timer(std::chrono::milliseconds(1));
  co_return joined;
}

Task<std::string> waits(OrchestrationContext& context) {
  std::string text = co_await context.wait_for_event("go");
  co_return text;
}

std::string counter(EntityContext& context) {
  const long value = std::stol(std::string(context.state().value_or("0"))) + 1;
  context.set_state(std::to_string(value));
  return {};
}

// All is told by the id.
std::string input_of(const std::string& id) {
  if (id.starts_with("waits")) return {};
  return id.starts_with("large") ? large(static_cast<std::uint64_t>(id.back())) : "input of " + id;
}
std::string orchestrator_of(const std::string& id) {
  if (id.starts_with("waits")) return "waits";
  return id.starts_with("parent") ? "parent" : "echo";
}

// What the process has of the system's.
struct Held {
  std::size_t descriptors = 0;
  std::size_t threads = 0;
  std::size_t mappings = 0;  // of files of the hub, and rings

  [[nodiscard]] bool within(const Held& other) const {
    return descriptors <= other.descriptors && threads <= other.threads &&
           mappings <= other.mappings;
  }
  [[nodiscard]] std::string text() const {
    return std::to_string(descriptors) + " descriptors, " + std::to_string(threads) + " threads, " +
           std::to_string(mappings) + " mappings";
  }
};

Held held_by_process(const std::string& hub) {
  Held held{open_descriptors(), entries_of("/proc/self/task"), 0};
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find(hub) != std::string::npos || line.find("io_uring") != std::string::npos) {
      ++held.mappings;
    }
  }
  return held;
}

std::string output_of(const std::string& orchestrator, const std::string& input) {
  if (orchestrator == "waits") return "gone";
  if (orchestrator == "echo") return input;
  return input + input + input + input;
}

}  // namespace

HubLife::HubLife(const std::string& folder, LogIo io) : path_(folder + "/hub") {
  options_.partitions = 2;
  options_.shards = 1;
  options_.activity_threads = 1;
  options_.io = io;
  options_.segment_bytes = 1ULL << 20;
  options_.checkpoint_idle = std::chrono::hours(1);
  const auto must = [this](const Status& status) {
    if (!status.ok()) problem("registering: " + status.to_string());
  };
  must(registry_.add_orchestrator("echo", echo));
  must(registry_.add_orchestrator("parent", parent));
  must(registry_.add_orchestrator("waits", waits));
  must(registry_.add_entity("counter", counter));
  must(registry_.add_activity("copy",
                              [](const ActivityContext& call) { return std::string(call.input); },
                              {.run_inline = false}));
}

HubLife::~HubLife() {
  if (file_ >= 0) ::close(file_);
}

void HubLife::first_life() {
  if (!open()) return;
  for (int i = 0; i < 4; ++i) {
    start("echo", "echo-" + std::to_string(i));
  }
  start("parent", "parent-0");
  start("waits", "waits-0");
  start("waits", "waits-1");
  start("waits", "waits-2");
  signal(3);
  for (int i = 0; i < 4; ++i) wait_for("echo-" + std::to_string(i));
  wait_for("parent-0");
  checkpoint();
  raise("waits-0");
  for (int i = 0; i < 8; ++i) start("echo", "large-" + std::to_string(i));
  for (int i = 0; i < 8; ++i) wait_for("large-" + std::to_string(i));
  wait_for("waits-0");
  purge("echo-0");
  checkpoint();
  start("echo", "late");
  signal(2);
  read_all();
  close();
}

void HubLife::second_life() {
  if (!open()) return;
  read_all();
  raise("waits-1");
  start("parent", "parent-1");
  start("echo", "echo-9");
  signal(2);
  wait_for("late");
  wait_for("waits-1");
  wait_for("parent-1");
  wait_for("echo-9");
  purge("echo-1");
  checkpoint();
  read_all();
  close();
}

void HubLife::ask_for_more() {
  if (!failures_.empty() || !open()) return;
  for (int round = 0; round < kRoundsOfMore && failures_.empty(); ++round) {
    const std::string prefix = "large-more-" + std::to_string(round) + "-";
    for (int i = 0; i < 8; ++i) start("echo", prefix + std::to_string(i));
    for (int i = 0; i < 8; ++i) wait_for(prefix + std::to_string(i));
    checkpoint();
  }
  close();
}

std::uint64_t HubLife::promises() const {
  std::uint64_t count = signals_known_;
  for (const Promise& promise : promises_) {
    count += (promise.started == StatusCode::ok ? 1U : 0U) +
             (promise.raised == StatusCode::ok ? 1U : 0U) +
             (promise.purged == StatusCode::ok ? 1U : 0U) + (promise.completed ? 1U : 0U);
  }
  return count;
}

void HubLife::around_opening(std::function<void()> before, std::function<void()> after) {
  before_opening_ = std::move(before);
  after_opening_ = std::move(after);
}

Result<std::unique_ptr<TaskHub>> HubLife::try_to_open() {
  const Held before = held_by_process(path_);
  if (before_opening_) before_opening_();
  Result<std::unique_ptr<TaskHub>> opened = TaskHub::open(path_, registry_, options_);
  if (after_opening_) after_opening_();
  if (!opened.ok()) {
    // A thread that has been joined may be listed for a moment.
    const auto end = SteadyClock::now() + kMoment;
    Held after = held_by_process(path_);
    while (!after.within(before) && SteadyClock::now() < end) {
      std::this_thread::sleep_for(kLook);
      after = held_by_process(path_);
    }
    if (!after.within(before)) {
      problem("a failed opening leaves " + after.text() + "; before it: " + before.text());
    }
  }
  return opened;
}

Status HubLife::open_and_close() {
  Result<std::unique_ptr<TaskHub>> opened = try_to_open();
  if (!opened.ok()) return opened.take_status();
  return (*opened)->close();
}

bool HubLife::open() {
  Result<std::unique_ptr<TaskHub>> opened = try_to_open();
  // What fails once is out of the way now.
  if (note(opened.status())) {
    ++refused_openings_;
    opened = try_to_open();
  }
  if (note(opened.status())) {
    ++refused_openings_;
    return false;
  }
  hub_ = *std::move(opened);
  return true;
}

void HubLife::close() {
  if (impaired()) partition_stopped_ = true;
  note(hub_->close());
  hub_.reset();
}

bool HubLife::note(const Status& status) {
  if (status.ok()) return false;
  failures_.push_back(status);
  return true;
}

bool HubLife::impaired() {
  bool stopped = false;
  for (const PartitionMetrics& partition : hub_->metrics().partitions) {
    stopped |= note(partition.failure);
  }
  return stopped;
}

HubLife::Promise& HubLife::promise(const std::string& id) {
  for (Promise& promise : promises_) {
    if (promise.id == id) return promise;
  }
  promises_.emplace_back();
  promises_.back().id = id;
  promises_.back().orchestrator = orchestrator_of(id);
  promises_.back().input = input_of(id);
  return promises_.back();
}

void HubLife::start(const std::string& orchestrator, const std::string& id) {
  StartOptions options;
  options.instance_id = id;
  options.input = input_of(id);
  enter('S', id, StatusCode::unknown);
  const Result<std::string> started =
      hub_->client().schedule_new_orchestration(orchestrator, std::move(options));
  enter('S', id, started.status().code());
  note(started.status());
}

void HubLife::raise(const std::string& id) {
  enter('R', id, StatusCode::unknown);
  const Status raised = hub_->client().raise_event(id, "go", "gone");
  enter('R', id, raised.code());
  note(raised);
}

void HubLife::signal(int times) {
  for (int i = 0; i < times; ++i) {
    enter('E', "-", StatusCode::unknown);
    const Status sent = hub_->client().signal_entity(kCounter, "add");
    enter('E', "-", sent.code());
    note(sent);
  }
}

void HubLife::purge(const std::string& id) {
  enter('P', id, StatusCode::unknown);
  const Result<std::uint64_t> purged = hub_->client().purge_instance(id);
  enter('P', id, purged.status().code());
  note(purged.status());
}

void HubLife::enter(char what, const std::string& id, StatusCode code) {
  apply(what, id, code);
  if (file_ < 0) return;
  const std::string line =
      std::string(1, what) + " " + id + " " + std::to_string(static_cast<int>(code)) + "\n";
  if (::write(file_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    problem("the promises can't be written down");
  }
}

void HubLife::apply(char what, const std::string& id, StatusCode code) {
  if (what == 'E') {
    // Asked first, then answered.
    if (code == StatusCode::unknown) ++signals_possible_;
    if (code == StatusCode::ok) ++signals_known_;
    return;
  }
  Promise& made = promise(id);
  if (what == 'S') made.started = code;
  if (what == 'R') made.raised = code;
  if (what == 'P') made.purged = code;
  if (what == 'C') made.completed = true;
}

void HubLife::write_to(const std::string& file) {
  file_ = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file_ < 0) problem("the promises can't be written down");
}

void HubLife::recall(const std::string& file) {
  std::ifstream lines(file);
  char what = 0;
  std::string id;
  int code = 0;
  while (lines >> what >> id >> code) apply(what, id, static_cast<StatusCode>(code));
}

void HubLife::checkpoint() { note(hub_->checkpoint()); }

// What was begun waits while the disk is full, and nobody is told, because it will go on. Who asks
// for something new has to be told.
void HubLife::ask_for_room() {
  // After a few of these both partitions were asked.
  start("echo", "room-" + std::to_string(asked_for_room_++));
}

// Waits only as long as it may still end.
void HubLife::wait_for(const std::string& id) {
  const auto begin = SteadyClock::now();
  auto next_question = begin + kSlow;
  Promise& waited = promise(id);
  if (waited.started != StatusCode::ok) return;
  for (;;) {
    const Result<InstanceState> state = hub_->client().wait_for_completion(id, kLook);
    if (state.ok()) {
      if (for_memory(*state)) {
        note(Status(StatusCode::io_error, id + " failed: out of memory"));
        return;
      }
      enter('C', id, StatusCode::ok);
      if (state->output.value_or("(none)") != output_of(waited.orchestrator, waited.input)) {
        problem(id + " ended with a wrong output");
      }
      return;
    }
    if (state.status().code() != StatusCode::timed_out) {
      note(state.status());
      return;
    }
    const auto spent = SteadyClock::now() - begin;
    if (spent > kLongWait) return problem("waiting for " + id + " takes too long");
    // A stopped partition, or a full disk, may keep others waiting as well.
    if (!failures_.empty() && (gave_up_ || spent > kShortWait)) {
      gave_up_ = true;
      return;
    }
    if (failures_.empty()) impaired();
    if (failures_.empty() && SteadyClock::now() > next_question) {
      ask_for_room();
      next_question = SteadyClock::now() + kSlow;
    }
  }
}

void HubLife::read_all() {
  for (const Promise& made : promises_) {
    if (made.started != StatusCode::ok || made.purged != StatusCode::internal) continue;
    const Result<InstanceState> state = hub_->client().get_instance(made.id);
    if (!state.ok()) {
      note(state.status());
      if (state.status().code() == StatusCode::not_found) problem(made.id + " is not found");
    }
  }
  InstanceQuery query;
  query.page_size = 4;
  do {
    Result<InstancePage> page = hub_->client().query_instances(query);
    if (note(page.status())) break;
    query.continuation_token = std::move(page->continuation_token);
  } while (!query.continuation_token.empty());
  note(hub_->client().get_history("parent-0").status());
}

void HubLife::check() {
  hub_.reset();
  options_.partitions = 2;
  Result<std::unique_ptr<TaskHub>> opened = TaskHub::open(path_, registry_, options_);
  if (!opened.ok()) return problem("afterwards opening fails: " + opened.status().to_string());
  hub_ = *std::move(opened);
  Client& client = hub_->client();
  for (const Promise& made : promises_) check_one(made);

  std::map<std::string, int> listed;
  InstanceQuery query;
  query.page_size = 7;
  do {
    Result<InstancePage> page = client.query_instances(query);
    if (!page.ok()) return problem("afterwards querying fails: " + page.status().to_string());
    for (const InstanceState& state : page->instances) ++listed[state.instance_id];
    query.continuation_token = std::move(page->continuation_token);
  } while (!query.continuation_token.empty());
  for (const Promise& made : promises_) {
    const int expected = made.purged == StatusCode::ok ? 0 : 1;
    if (made.started != StatusCode::ok) continue;
    if (made.purged != StatusCode::ok && made.purged != StatusCode::internal) continue;
    if (listed[made.id] != expected) {
      problem(made.id + " is listed " + std::to_string(listed[made.id]) + " times");
    }
  }

  const auto end = SteadyClock::now() + kLongWait;
  std::uint64_t count = 0;
  do {
    const Result<EntityState> entity = client.get_entity(kCounter);
    if (entity.ok()) count = std::stoull(entity->state.value_or("0"));
  } while (count < signals_known_ && SteadyClock::now() < end);
  if (count < signals_known_ || count > signals_possible_) {
    problem("the entity has " + std::to_string(count) + " of " + std::to_string(signals_known_) +
            " to " + std::to_string(signals_possible_) + " signals");
  }
  if (const Status done = hub_->checkpoint(); !done.ok()) {
    problem("afterwards a checkpoint fails: " + done.to_string());
  }
  for (const PartitionMetrics& partition : hub_->metrics().partitions) {
    if (!partition.failure.ok()) problem("afterwards: " + partition.failure.to_string());
  }
  if (const Status closed = hub_->close(); !closed.ok()) problem(closed.to_string());
  hub_.reset();
}

void HubLife::check_one(const Promise& made) {
  Client& client = hub_->client();
  const Result<InstanceState> found = client.get_instance(made.id);
  if (made.purged == StatusCode::ok) {
    if (found.status().code() != StatusCode::not_found)
      problem(made.id + " was purged and is there");
    return;
  }
  if (made.started != StatusCode::ok) {
    const bool untaken = made.started == StatusCode::disk_full ||
                         made.started == StatusCode::overloaded ||
                         made.started == StatusCode::cancelled;
    if (untaken && found.status().code() != StatusCode::not_found) {
      problem(made.id + " was refused and is there");
    }
    return;
  }
  if (!found.ok()) {
    // A purge of unknown outcome may have happened.
    const bool excused =
        made.purged != StatusCode::internal && found.status().code() == StatusCode::not_found;
    if (!excused) problem(made.id + " is lost: " + found.status().to_string());
    return;
  }
  if (found->input != made.input) problem(made.id + " has another input");
  if (!made.completed && for_memory(*found)) return;
  if (made.completed && found->status != RuntimeStatus::completed) {
    problem(made.id + " was completed and is " + std::string(to_string(found->status)));
  }
  if (made.orchestrator == "waits" && made.raised != StatusCode::ok && !made.completed) {
    if (found->status == RuntimeStatus::completed) {
      if (made.raised == StatusCode::internal) problem(made.id + " had no event and is completed");
      return;
    }
    if (const Status raised = client.raise_event(made.id, "go", "gone"); !raised.ok()) {
      return problem("afterwards raising an event fails: " + raised.to_string());
    }
  }
  const Result<InstanceState> ended = client.wait_for_completion(made.id, kLongWait);
  if (!ended.ok()) return problem(made.id + " does not end: " + ended.status().to_string());
  if (!made.completed && for_memory(*ended)) return;
  if (ended->output.value_or("(none)") != output_of(made.orchestrator, made.input)) {
    problem(made.id + " has a wrong output");
  }
}

}  // namespace ingot::faults
