// idle: the CPU that an open hub uses while no one asks it for anything.

#include <thread>

#include "bench/session.h"
#include "bench/workload.h"
#include "core/try.h"

namespace ingot::bench {
namespace {

Status run(const BenchOptions& options, Report& report) {
  INGOT_ASSIGN(const std::unique_ptr<Session> session,
               Session::open(options, hub_options(options), report));
  // One instance, so that the hub is not only idle but idle again.
  StartOptions start;
  start.input = "1";
  Client& client = session->client();
  INGOT_ASSIGN(const std::string id, client.schedule_new_orchestration("hello", start));
  INGOT_ASSIGN(const InstanceState state, client.wait_for_completion(id, std::chrono::seconds(60)));
  if (state.status == RuntimeStatus::completed) {
    ++report.verified_outputs;
  } else {
    report.add_error("instance " + id + " did not complete");
  }
  std::this_thread::sleep_for(std::chrono::duration<double>(options.warmup));
  session->begin();
  std::this_thread::sleep_for(std::chrono::duration<double>(options.seconds));
  session->end();
  session->close();
  report.extra.emplace_back("cpu_percent_of_a_core", 100 * report.cpu_seconds / report.seconds);
  return {};
}

}  // namespace

Workload idle_workload() {
  return {"idle", "The CPU that an open hub uses while no one asks it for anything.",
          kTakesHub | kTakesSeconds, [](BenchOptions&) {}, run};
}

}  // namespace ingot::bench
