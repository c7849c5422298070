// manage: what it costs to look after a hub that holds many finished instances: pages by prefix, in
// the order of completion, counts; then their purge beside a load of `hello`, held against the same
// load alone.

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "bench/fixed_scenario.h"
#include "bench/op_loop.h"
#include "bench/progress.h"
#include "bench/session.h"
#include "bench/workload.h"
#include "core/random.h"
#include "core/try.h"

namespace ingot::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::uint64_t kGroups = 1000;  // of ids with one prefix
constexpr std::uint64_t kQuestionsMax = 2000;
constexpr std::uint32_t kPage = 100;
constexpr std::string_view kPrefix = "stored-";

double seconds_since(SteadyClock::time_point begin) {
  return std::chrono::duration<double>(SteadyClock::now() - begin).count();
}

class Manage {
 public:
  Manage(const BenchOptions& options, Session& session, Report& report)
      : options_(options),
        session_(session),
        client_(session.client()),
        report_(report),
        scenario_(hello_scenario(options.length)) {}

  Status store_all() {
    Progress progress("manage");
    const std::string output = hello_output(1);
    OpLoop loop(options_.concurrency, options_.count,
                [&, this](std::uint64_t number, const OpLoop::DoneFn& done) {
                  StartOptions start;
                  start.instance_id = id_of(number);
                  start.input = "1";
                  client_.run_async(
                      "hello", std::move(start),
                      [done](const Result<std::string>& id) {
                        if (!id.ok()) done(id.status());
                      },
                      [done, &output](const Result<InstanceState>& state) {
                        if (!state.ok()) return done(state.status());
                        std::string wrong = verify(*state, output);
                        if (wrong.empty()) return done({});
                        done(Status(StatusCode::internal, std::move(wrong)));
                      });
                });
    INGOT_TRY(loop.run(SteadyClock::time_point::max(), [&](std::uint64_t done) {
      progress.draw(static_cast<double>(done) / static_cast<double>(options_.count),
                    with_commas(done) + " stored");
    }));
    report_.verified_outputs += loop.issued();
    return session_.hub().checkpoint();
  }

  Status ask() {
    INGOT_TRY(measure("query_page", [this](Random& random) -> Status {
      InstanceQuery query;
      const std::uint64_t group = random.below(groups());
      query.prefix = fmt::format("{}{:03}-", kPrefix, group);
      query.page_size = kPage;
      INGOT_ASSIGN(const InstancePage page, client_.query_instances(query));
      if (page.instances.size() != std::min<std::uint64_t>(kPage, group_size())) {
        report_.add_error(
            fmt::format("a page of '{}' has {}", query.prefix, page.instances.size()));
      }
      return {};
    }));
    INGOT_TRY(measure("list_page", [this](Random&) -> Status {
      InstanceIdQuery query;
      query.page_size = kPage;
      query.continuation_token = list_token_;
      INGOT_ASSIGN(const InstanceIdPage page, client_.list_instance_ids(query));
      list_token_ = page.continuation_token;
      return {};
    }));
    return measure("count", [this](Random&) -> Status {
      INGOT_ASSIGN(const InstanceCounts counts, client_.count_instances());
      if (counts[RuntimeStatus::completed] != options_.count) {
        report_.add_error(fmt::format("{} are counted", counts[RuntimeStatus::completed]));
      }
      return {};
    });
  }

  // `hello` alone, then beside the purge of all that was stored.
  void purge_beside_load() {
    Report alone;
    run_hello(alone);
    if (alone.errors != 0) report_.add_error(alone.first_error);
    PurgeFilter filter;
    filter.prefix = kPrefix;
    Result<PurgeResult> purged = Status(StatusCode::internal, "not purged");
    double purge_seconds = 0;
    const auto begin = SteadyClock::now();
    std::thread purger([&] {
      purged = client_.purge_instances(filter, std::chrono::hours(1));
      purge_seconds = seconds_since(begin);
    });
    run_hello(report_);
    const double load_seconds = seconds_since(begin);
    purger.join();
    if (!purged.ok()) return report_.add_error(purged.status().to_string());
    if (purged->purged != options_.count || !purged->complete) {
      report_.add_error(fmt::format("{} of {} were purged", purged->purged, options_.count));
    }
    const double beside = static_cast<double>(report_.completed) / report_.seconds;
    const double before = static_cast<double>(alone.completed) / alone_seconds_;
    report_.extra.emplace_back("hello_alone_per_s", before);
    report_.extra.emplace_back("hello_beside_purge_share", beside / before);
    report_.extra.emplace_back("purge_seconds", purge_seconds);
    report_.extra.emplace_back("purged_per_s", static_cast<double>(options_.count) / purge_seconds);
    // Below 1 the load outlasted the purge, and its share flatters.
    report_.extra.emplace_back("purge_over_load_time", purge_seconds / load_seconds);
  }

 private:
  [[nodiscard]] std::uint64_t groups() const { return std::min(kGroups, options_.count); }
  [[nodiscard]] std::uint64_t group_size() const { return options_.count / groups(); }

  // Groups one after the other, or in turn, so that a group's instances lie far from each other.
  [[nodiscard]] std::string id_of(std::uint64_t number) const {
    const std::uint64_t group =
        options_.random_ids ? number % groups() : std::min(number / group_size(), groups() - 1);
    return fmt::format("{}{:03}-{:010}", kPrefix, group, number);
  }

  template <typename Ask>
  Status measure(const std::string& name, Ask&& ask) {
    Random random(1);
    Histogram latency_ns;
    const std::uint64_t questions =
        std::clamp<std::uint64_t>(options_.count / 500, 20, kQuestionsMax);
    for (std::uint64_t i = 0; i < questions; ++i) {
      const auto begin = SteadyClock::now();
      INGOT_TRY(ask(random));
      latency_ns.record(static_cast<std::uint64_t>(
          std::chrono::duration_cast<std::chrono::nanoseconds>(SteadyClock::now() - begin)
              .count()));
    }
    const auto us = [&](double q) { return static_cast<double>(latency_ns.quantile(q)) / 1000; };
    report_.extra.emplace_back(name + "_us_p50", us(0.5));
    report_.extra.emplace_back(name + "_us_p99", us(0.99));
    return {};
  }

  void run_hello(Report& report) {
    loads_.push_back(std::make_unique<Load>(options_, session_, scenario_, nullptr, report));
    loads_.back()->run();
    loads_.back()->collect();
    alone_seconds_ = alone_seconds_ == 0 ? report_.seconds : alone_seconds_;
  }

  const BenchOptions& options_;
  Session& session_;
  Client& client_;
  Report& report_;
  FixedScenario scenario_;
  std::string list_token_;
  double alone_seconds_ = 0;
  std::vector<std::unique_ptr<Load>> loads_;
};

Status run(const BenchOptions& options, Report& report) {
  INGOT_ASSIGN(const std::unique_ptr<Session> session,
               Session::open(options, hub_options(options), report));
  Manage manage(options, *session, report);
  INGOT_TRY(manage.store_all());
  INGOT_TRY(manage.ask());
  manage.purge_beside_load();
  session->close();
  return {};
}

}  // namespace

Workload manage_workload() {
  return {
      "manage", "Queries and counts over many finished instances, and their purge beside a load.",
      kTakesHub | kTakesConcurrency | kTakesSeconds | kTakesIdOrder | kTakesLength | kTakesCount,
      [](BenchOptions& options) { options.count = 1'000'000; }, run};
}

}  // namespace ingot::bench
