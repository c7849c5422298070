#include "tools/ingotd/load/idle.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "bench/interrupt.h"
#include "tools/ingotd/load/target.h"

namespace ingot::server {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kName = "grpc_idle";
constexpr const char* kOutput = "waited";
constexpr auto kPatience = std::chrono::minutes(5);

struct Options {
  TargetOptions target;
  std::uint32_t streams = 1000;
  std::uint32_t waiters = 10'000;
  std::uint32_t instances = 100;
  double seconds = 10;
  std::string json;
};

// How many of something are there, and what went wrong with them.
class Count {
 public:
  void add(int change) {
    const std::lock_guard lock(mutex_);
    value_ += change;
    changed_.notify_all();
  }
  void fail(const std::string& what) {
    const std::lock_guard lock(mutex_);
    if (errors_++ == 0) first_error_ = what;
    changed_.notify_all();
  }
  // False when it fails or takes too long.
  bool wait_for(std::int64_t value) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kPatience, [&] { return value_ == value || errors_ != 0; });
    return value_ == value && errors_ == 0;
  }
  [[nodiscard]] std::int64_t value() {
    const std::lock_guard lock(mutex_);
    return value_;
  }
  [[nodiscard]] std::string first_error() {
    const std::lock_guard lock(mutex_);
    return first_error_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::int64_t value_ = 0;
  std::uint64_t errors_ = 0;
  std::string first_error_;
};

// A worker's stream. An idle one asks for what nobody starts; one that works ends the instances.
class Stream final : public grpc::ClientReadReactor<::WorkItem> {
 public:
  // `open` counts the streams that the server has answered, `live` all that still calls back.
  Stream(const Target& target, Stub& stub, Count& open, Count& live, bool works)
      : target_(target),
        stub_(stub),
        open_(open),
        live_(live),
        works_(works),
        context_(target.context()) {
    request_.mutable_workitemfilters()->add_orchestrations()->set_name(
        works ? kName : std::string(kName) + "_never");
  }
  void begin() {
    live_.add(1);
    stub_.async()->GetWorkItems(context_.get(), &request_, this);
    StartRead(&item_);
    StartCall();
  }
  void cancel() {
    cancelled_.store(true);
    context_->TryCancel();
  }
  // Health pings that have come.
  [[nodiscard]] std::uint64_t pings() const { return pings_.load(); }

  void OnReadInitialMetadataDone(bool ok) override {
    if (ok) open_.add(1);
  }
  void OnReadDone(bool ok) override {
    if (!ok) return;
    if (item_.has_healthping()) ++pings_;
    if (item_.has_orchestratorrequest()) {
      if (works_) {
        complete();
      } else {
        open_.fail("a worker was given what it did not ask for");
      }
    }
    StartRead(&item_);
  }
  void OnDone(const grpc::Status& status) override {
    if (!cancelled_.load()) open_.fail(describe("GetWorkItems", status));
    live_.add(-1);
  }

 private:
  void complete() {
    struct Completion {
      std::unique_ptr<grpc::ClientContext> context;
      ::OrchestratorResponse response;
      ::CompleteTaskResponse done;
    };
    auto* completion = new Completion{target_.context(), {}, {}};
    completion->response.set_instanceid(item_.orchestratorrequest().instanceid());
    completion->response.set_completiontoken(item_.completiontoken());
    auto* end = completion->response.add_actions()->mutable_completeorchestration();
    end->set_orchestrationstatus(::ORCHESTRATION_STATUS_COMPLETED);
    end->mutable_result()->set_value(kOutput);
    live_.add(1);
    stub_.async()->CompleteOrchestratorTask(
        completion->context.get(), &completion->response, &completion->done,
        [this, completion](const grpc::Status& status) {
          if (!status.ok()) open_.fail(describe("CompleteOrchestratorTask", status));
          delete completion;
          live_.add(-1);
        });
  }

  const Target& target_;
  Stub& stub_;
  Count& open_;
  Count& live_;
  const bool works_;
  const std::unique_ptr<grpc::ClientContext> context_;
  std::atomic<bool> cancelled_{false};
  std::atomic<std::uint64_t> pings_{0};
  ::GetWorkItemsRequest request_;
  ::WorkItem item_;
};

// A client that waits for an instance's end.
struct Waiter {
  std::unique_ptr<grpc::ClientContext> context;
  ::GetInstanceRequest request;
  ::GetInstanceResponse response;
};

class Idle {
 public:
  Idle(const Options& options, const Target& target) : options_(options), target_(target) {}

  int run() {
    const auto before = read_process(options_.target.server_pid);
    const bool held = open_streams() && start_instances() && begin_waits() && hold(before);
    const bool right = held && answer_all();
    close_streams();
    if (!right) return fail();
    return publish();
  }

 private:
  bool open_streams() {
    for (std::uint32_t i = 0; i < options_.streams; ++i) {
      streams_.push_back(std::make_unique<Stream>(target_, target_.stub(i), open_, live_, false));
      streams_.back()->begin();
    }
    return open_.wait_for(options_.streams);
  }
  bool start_instances() {
    for (std::uint32_t i = 0; i < options_.instances; ++i) {
      ::CreateInstanceRequest request;
      request.set_name(kName);
      ::CreateInstanceResponse response;
      const grpc::Status status =
          target_.stub(i).StartInstance(target_.context().get(), request, &response);
      if (!status.ok()) {
        waiting_.fail(describe("StartInstance", status));
        return false;
      }
      ids_.push_back(response.instanceid());
    }
    return true;
  }
  bool begin_waits() {
    waiters_.resize(options_.waiters);
    for (std::uint32_t i = 0; i < options_.waiters; ++i) {
      Waiter& waiter = waiters_[i];
      waiter.context = target_.context();
      waiter.request.set_instanceid(ids_[i % ids_.size()]);
      waiter.request.set_getinputsandoutputs(true);
      waiting_.add(1);
      target_.stub(i).async()->WaitForInstanceCompletion(
          waiter.context.get(), &waiter.request, &waiter.response,
          [this, &waiter](const grpc::Status& status) { ended(waiter, status); });
    }
    return true;
  }
  void ended(const Waiter& waiter, const grpc::Status& status) {
    if (!status.ok()) {
      waiting_.fail(describe("WaitForInstanceCompletion", status));
    } else if (holding_.load()) {
      waiting_.fail("a wait ended before its instance");
    } else if (waiter.response.orchestrationstate().output().value() == kOutput) {
      answered_.fetch_add(1);
    }
    waiting_.add(-1);
  }
  bool hold(const std::optional<ProcessFigures>& before) {
    // Until the server is done with the coming of so many.
    bench::sleep_unless_interrupted(std::min(options_.seconds, 2.0));
    const auto begin = Clock::now();
    const auto first = read_process(options_.target.server_pid);
    bench::sleep_unless_interrupted(options_.seconds);
    const auto last = read_process(options_.target.server_pid);
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    report_ = {{"workload", "grpc-idle"},
               {"connections", options_.target.connections},
               {"streams", open_.value()},
               {"waiters", waiting_.value()},
               {"seconds", seconds}};
    if (before && first && last) {
      report_["server_rss_mib_before"] = mebibytes(before->resident_bytes);
      report_["server_rss_mib"] = mebibytes(last->resident_bytes);
      report_["server_cpu_percent"] = 100 * (last->cpu_seconds - first->cpu_seconds) / seconds;
    }
    return open_.value() == options_.streams && waiting_.value() == options_.waiters;
  }
  bool answer_all() {
    holding_.store(false);
    worker_ = std::make_unique<Stream>(target_, target_.stub(0), working_, live_, true);
    worker_->begin();
    return waiting_.wait_for(0) && answered_.load() == options_.waiters &&
           working_.first_error().empty();
  }
  void close_streams() {
    for (const auto& stream : streams_) stream->cancel();
    if (worker_) worker_->cancel();
    for (Waiter& waiter : waiters_) {
      if (waiter.context) waiter.context->TryCancel();
    }
    // What is still called back must find all of this.
    const auto until = Clock::now() + kPatience;
    while ((live_.value() != 0 || waiting_.value() != 0) && Clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  int fail() {
    for (Count* count : {&open_, &waiting_, &working_}) {
      if (!count->first_error().empty()) {
        fmt::print(stderr, "ingot-grpc-load: {}\n", count->first_error());
        return 1;
      }
    }
    fmt::print(stderr, "ingot-grpc-load: {} of {} clients were answered rightly\n",
               answered_.load(), options_.waiters);
    return 1;
  }
  int publish() {
    std::uint64_t pings = 0;
    for (const auto& stream : streams_) pings += stream->pings();
    report_["pings"] = pings;
    report_["answered"] = answered_.load();
    for (const auto& [name, value] : report_.items()) {
      fmt::print(options_.json == "-" ? stderr : stdout, "  {:<22} {}\n", name, value.dump());
    }
    if (options_.json.empty()) return 0;
    std::FILE* out = options_.json == "-" ? stdout : std::fopen(options_.json.c_str(), "w");
    if (out == nullptr) {
      fmt::print(stderr, "ingot-grpc-load: {}: it can't be written\n", options_.json);
      return 2;
    }
    fmt::print(out, "{}\n", report_.dump(2));
    const bool written = (out == stdout ? std::fflush(out) : std::fclose(out)) == 0;
    return written ? 0 : 2;
  }

  static double mebibytes(std::uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

  const Options options_;
  const Target& target_;
  Count open_;     // streams that idle
  Count working_;  // the stream that does not
  Count live_;
  Count waiting_;  // clients
  std::atomic<bool> holding_{true};
  std::atomic<std::uint64_t> answered_{0};
  std::vector<std::unique_ptr<Stream>> streams_;
  std::unique_ptr<Stream> worker_;
  std::vector<std::string> ids_;
  std::vector<Waiter> waiters_;
  nlohmann::ordered_json report_;
};

int run(const Options& options) {
  bench::catch_interrupts();
  Target target(options.target);
  if (const Status status = target.open(); !status.ok()) {
    fmt::print(stderr, "ingot-grpc-load: {}\n", status.to_string());
    return 2;
  }
  return Idle(options, target).run();
}

}  // namespace

void add_idle_command(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<Options>();
  options->target.connections = 100;
  CLI::App* command =
      app.add_subcommand("idle", "Workers without work, and clients that wait for long.");
  add_target_options(*command, options->target);
  command->add_option("--streams", options->streams, "Workers")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command->add_option("--waiters", options->waiters, "Clients")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command->add_option("--instances", options->instances, "Instances that are waited for")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command->add_option("--seconds", options->seconds, "For how long (SIGINT ends it earlier)")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  command->add_option("--json", options->json, "Write the figures as JSON to this file, or -");
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace ingot::server
