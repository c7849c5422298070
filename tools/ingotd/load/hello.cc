#include "tools/ingotd/load/hello.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "bench/interrupt.h"
#include "bench/report.h"
#include "tools/ingotd/load/bare_calls.h"
#include "tools/ingotd/load/target.h"

namespace ingot::server {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  TargetOptions target;
  std::uint32_t concurrency = 256;
  std::uint32_t length = 3;
  double seconds = 10;
  double warmup = 1;
  std::string json;
};

std::string input_of(std::uint32_t step) { return "city" + std::to_string(step); }

std::string expected_output(std::uint32_t length) {
  std::string text;
  for (std::uint32_t i = 0; i < length; ++i) text += "Hello " + input_of(i) + "!";
  return text;
}

// What all calls share. The counters belong to the measured time.
class Load {
 public:
  Load(const Options& options, const Target& target)
      : options_(options), target_(target), expected_(expected_output(options.length)) {}

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] bool stopping() const { return stopping_.load(std::memory_order_relaxed); }
  void stop() { stopping_.store(true); }
  void measure(bool on) { measuring_.store(on); }

  [[nodiscard]] std::unique_ptr<grpc::ClientContext> context() const { return target_.context(); }

  void finished(const ::OrchestrationState& state, Clock::duration latency) {
    const bool right = state.orchestrationstatus() == ::ORCHESTRATION_STATUS_COMPLETED &&
                       state.output().value() == expected_;
    const std::lock_guard lock(mutex_);
    if (!right) {
      report.add_error("'" + state.instanceid() + "' ended with '" + state.output().value() + "'");
      return;
    }
    ++report.verified_outputs;
    if (!measuring_.load(std::memory_order_relaxed)) return;
    ++report.completed;
    report.latency_ns.record(static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(latency).count()));
  }
  void failed(const std::string& what, const grpc::Status& status) {
    const std::lock_guard lock(mutex_);
    report.add_error(describe(what, status));
  }

  void unfinished(std::size_t calls) {
    const std::lock_guard lock(mutex_);
    report.add_error(std::to_string(calls) + " calls did not end within a minute");
  }

  [[nodiscard]] bench::Report take_report() {
    const std::lock_guard lock(mutex_);
    return report;
  }

  // One that has to end before the load does.
  void enter() {
    const std::lock_guard lock(mutex_);
    ++live_;
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    if (--live_ == 0) ended_.notify_all();
  }
  [[nodiscard]] std::size_t live() {
    const std::lock_guard lock(mutex_);
    return live_;
  }
  bool wait_for_end(Clock::duration patience) {
    std::unique_lock lock(mutex_);
    return ended_.wait_for(lock, patience, [this] { return live_ == 0; });
  }

  bench::Report report;

 private:
  const Options options_;
  const Target& target_;
  const std::string expected_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> measuring_{false};
  std::mutex mutex_;
  std::condition_variable ended_;
  std::size_t live_ = 0;
};

// Starts an instance and waits for it, again and again.
class Slot {
 public:
  Slot(Load& load, Stub& stub) : load_(load), stub_(stub) {
    start_.set_name("grpc_hello");
    wait_.set_getinputsandoutputs(true);
  }
  void begin() {
    load_.enter();
    next();
  }

 private:
  void next() {
    if (load_.stopping()) return load_.leave();
    since_ = Clock::now();
    context_ = load_.context();
    stub_.async()->StartInstance(context_.get(), &start_, &started_,
                                 [this](const grpc::Status& status) { wait(status); });
  }
  void wait(const grpc::Status& status) {
    if (!status.ok()) {
      load_.failed("StartInstance", status);
      return load_.leave();
    }
    wait_.set_instanceid(started_.instanceid());
    context_ = load_.context();
    stub_.async()->WaitForInstanceCompletion(context_.get(), &wait_, &state_,
                                             [this](const grpc::Status& ended) { check(ended); });
  }
  void check(const grpc::Status& status) {
    if (!status.ok()) {
      load_.failed("WaitForInstanceCompletion", status);
      return load_.leave();
    }
    load_.finished(state_.orchestrationstate(), Clock::now() - since_);
    next();
  }

  Load& load_;
  Stub& stub_;
  Clock::time_point since_;
  std::unique_ptr<grpc::ClientContext> context_;
  ::CreateInstanceRequest start_;
  ::CreateInstanceResponse started_;
  ::GetInstanceRequest wait_;
  ::GetInstanceResponse state_;
};

// The worker: a stream of items, each done where it is read.
class Worker final : public grpc::ClientReadReactor<::WorkItem> {
 public:
  Worker(Load& load, Stub& stub) : load_(load), stub_(stub) {}

  void begin() {
    context_ = load_.context();
    request_.set_maxconcurrentorchestrationworkitems(static_cast<int>(load_.options().concurrency));
    request_.set_maxconcurrentactivityworkitems(static_cast<int>(load_.options().concurrency));
    stub_.async()->GetWorkItems(context_.get(), &request_, this);
    load_.enter();
    StartRead(&item_);
    StartCall();
  }
  void cancel() { context_->TryCancel(); }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    if (item_.has_orchestratorrequest()) {
      orchestrate();
    } else if (item_.has_activityrequest()) {
      act();
    }
    StartRead(&item_);
  }
  void OnDone(const grpc::Status& status) override {
    if (!load_.stopping()) load_.failed("GetWorkItems", status);
    load_.leave();
  }

 private:
  template <typename Response>
  struct Completion {
    std::unique_ptr<grpc::ClientContext> context;
    Response response;
    ::CompleteTaskResponse done;
  };

  void orchestrate() {
    auto* completion = new Completion<::OrchestratorResponse>{load_.context(), {}, {}};
    const ::OrchestratorRequest& work = item_.orchestratorrequest();
    completion->response.set_instanceid(work.instanceid());
    completion->response.set_completiontoken(item_.completiontoken());
    ::OrchestratorAction* action = completion->response.add_actions();
    std::string text;
    std::uint32_t done = 0;
    for (const auto* events : {&work.pastevents(), &work.newevents()}) {
      for (const ::HistoryEvent& event : *events) {
        if (!event.has_taskcompleted()) continue;
        text += event.taskcompleted().result().value();
        ++done;
      }
    }
    action->set_id(static_cast<int>(done));
    if (done < load_.options().length) {
      action->mutable_scheduletask()->set_name("hello");
      action->mutable_scheduletask()->mutable_input()->set_value(input_of(done));
    } else {
      auto* complete = action->mutable_completeorchestration();
      complete->set_orchestrationstatus(::ORCHESTRATION_STATUS_COMPLETED);
      complete->mutable_result()->set_value(text);
    }
    load_.enter();
    stub_.async()->CompleteOrchestratorTask(
        completion->context.get(), &completion->response, &completion->done,
        [this, completion](const grpc::Status& status) { completed(completion, status); });
  }

  void act() {
    auto* completion = new Completion<::ActivityResponse>{load_.context(), {}, {}};
    const ::ActivityRequest& work = item_.activityrequest();
    completion->response.set_instanceid(work.orchestrationinstance().instanceid());
    completion->response.set_taskid(work.taskid());
    completion->response.set_completiontoken(item_.completiontoken());
    completion->response.mutable_result()->set_value("Hello " + work.input().value() + "!");
    load_.enter();
    stub_.async()->CompleteActivityTask(
        completion->context.get(), &completion->response, &completion->done,
        [this, completion](const grpc::Status& status) { completed(completion, status); });
  }

  template <typename Response>
  void completed(Completion<Response>* completion, const grpc::Status& status) {
    if (!status.ok() && !load_.stopping()) load_.failed("a completion", status);
    delete completion;
    load_.leave();
  }

  Load& load_;
  Stub& stub_;
  std::unique_ptr<grpc::ClientContext> context_;
  ::GetWorkItemsRequest request_;
  ::WorkItem item_;
};

// Of this process.
ProcessFigures own_figures() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return {seconds(usage.ru_utime) + seconds(usage.ru_stime),
          static_cast<std::uint64_t>(usage.ru_maxrss) * 1024};
}

int run(const Options& options) {
  bench::catch_interrupts();
  Target target(options.target);
  if (const Status status = target.open(); !status.ok()) {
    fmt::print(stderr, "ingot-grpc-load: {}\n", status.to_string());
    return 2;
  }
  const auto bare =
      measure_bare_calls(target, options.concurrency, std::min(1.0, options.seconds / 4));
  if (!bare.ok()) {
    fmt::print(stderr, "ingot-grpc-load: {}\n", bare.status().to_string());
    return 2;
  }
  Load load(options, target);
  std::vector<std::unique_ptr<Worker>> workers;
  for (const auto& stub : target.stubs()) {
    workers.push_back(std::make_unique<Worker>(load, *stub));
    workers.back()->begin();
  }
  std::vector<std::unique_ptr<Slot>> slots;
  for (std::uint32_t i = 0; i < options.concurrency; ++i) {
    slots.push_back(std::make_unique<Slot>(load, target.stub(i)));
    slots.back()->begin();
  }
  bench::sleep_unless_interrupted(options.warmup);
  const auto begin = Clock::now();
  const double cpu = own_figures().cpu_seconds;
  const auto server_before = read_process(options.target.server_pid);
  load.measure(true);
  bench::sleep_unless_interrupted(options.seconds);
  load.measure(false);
  const auto server_after = read_process(options.target.server_pid);
  bench::Report& report = load.report;
  report.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  report.cpu_seconds = own_figures().cpu_seconds - cpu;
  report.max_rss_bytes = own_figures().resident_bytes;
  // Its start, its end, and what became of each step and activity.
  const std::uint32_t calls_each = 2 * options.length + 3;
  report.extra.emplace_back("calls_per_s",
                            static_cast<double>(report.completed) * calls_each / report.seconds);
  report.extra.emplace_back("bare_calls_per_s", *bare);
  if (server_before && server_after) {
    report.extra.emplace_back("server_cpu_s",
                              server_after->cpu_seconds - server_before->cpu_seconds);
    report.extra.emplace_back("server_rss_mib",
                              static_cast<double>(server_after->resident_bytes) / (1 << 20));
  }
  // The instances that run are done to their ends; then the streams are cancelled.
  load.stop();
  const auto patience = Clock::now() + std::chrono::minutes(1);
  while (!load.wait_for_end(std::chrono::milliseconds(200)) && Clock::now() < patience) {
    if (load.live() <= workers.size()) {
      for (const auto& worker : workers) worker->cancel();
    }
  }
  const std::size_t live = load.live();
  if (live != 0) load.unfinished(live);
  report.workload = "grpc-hello";
  bench::BenchOptions published;
  published.workload = report.workload;
  published.concurrency = options.concurrency;
  published.seconds = options.seconds;
  published.length = options.length;
  published.json = options.json;
  int exit_code = 0;
  {
    // A copy: calls that did not end may still add to it.
    const bench::Report figures = load.take_report();
    const Status status = bench::publish(figures, published);
    if (!status.ok()) fmt::print(stderr, "ingot-grpc-load: {}\n", status.to_string());
    exit_code = !status.ok() ? 2 : figures.verified() ? 0 : 1;
  }
  std::fflush(stdout);
  // What such calls come back to must not be destroyed.
  if (live != 0) std::_Exit(exit_code);
  return exit_code;
}

}  // namespace

void add_hello_command(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "hello", "Chains of activities, as the client and the worker (`ingot bench grpc-hello`).");
  add_target_options(*command, options->target);
  command->add_option("--concurrency", options->concurrency, "Instances in flight")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command->add_option("--length", options->length, "Activities in a row")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  command->add_option("--seconds", options->seconds, "Measured time")
      ->check(CLI::Range(0.01, 1e6))
      ->capture_default_str();
  command->add_option("--warmup", options->warmup, "Seconds before it")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  command->add_option("--json", options->json, "Write the figures as JSON to this file, or -");
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace ingot::server
