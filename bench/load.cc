#include "bench/load.h"

#include <algorithm>
#include <array>

#include "bench/interrupt.h"
#include "bench/progress.h"
#include "bench/resume.h"
#include "core/try.h"

namespace ingot::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr auto kSampleInterval = std::chrono::milliseconds(100);
constexpr auto kRetryDelay = std::chrono::milliseconds(1);
constexpr auto kDrainTimeMax = std::chrono::seconds(120);
constexpr double kEdgeSeconds = 10;

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(
      std::chrono::nanoseconds(SteadyClock::now().time_since_epoch()).count());
}

SteadyClock::duration duration_of(double seconds) {
  return std::chrono::duration_cast<SteadyClock::duration>(std::chrono::duration<double>(seconds));
}

// One writer: no need for the cost of an atomic increment.
void increment(std::atomic<std::uint64_t>& counter) {
  counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

// 128 random bits in hexadecimal.
std::string random_id(Random& random) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string id(32, '0');
  for (std::size_t half = 0; half < 2; ++half) {
    std::uint64_t bits = random.next();
    for (std::size_t i = 0; i < 16; ++i, bits >>= 4) id[half * 16 + i] = kDigits[bits & 15];
  }
  return id;
}

std::uint64_t next_load_id() {
  static std::atomic<std::uint64_t> last = 0;
  return ++last;
}

}  // namespace

struct alignas(64) Load::PerThread {
  std::atomic<std::uint64_t> completed = 0;  // verified, in any phase
  std::atomic<std::uint64_t> measured = 0;   // of these, in the measured time
  Histogram latency_ns;                      // of the measured ones
  Random random{entropy64()};
  Ledger::Buffer* ledger = nullptr;
};

Load::Load(const BenchOptions& options, Session& session, Scenario& scenario, Ledger* ledger,
           Report& report)
    : options_(options),
      session_(session),
      client_(session.client()),
      scenario_(scenario),
      ledger_(ledger),
      report_(report),
      id_(next_load_id()),
      lanes_(options.concurrency) {
  for (std::uint32_t i = 0; i < lanes_.size(); ++i) {
    lanes_[i].load = this;
    lanes_[i].index = i;
  }
}

Load::~Load() = default;

void Load::run() {
  Progress progress(options_.workload);
  active_ = static_cast<std::uint32_t>(lanes_.size());
  for (Lane& lane : lanes_) start(lane, now_ns());

  run_until(SteadyClock::now() + duration_of(options_.warmup), progress);
  session_.begin();
  phase_ = Phase::measured;
  samples_.push_back({});
  run_until(SteadyClock::now() + duration_of(options_.seconds), progress);
  phase_ = Phase::stopping;
  session_.end();
  drain();
}

// Ends early when no lane is left, or when the user asks for it.
void Load::run_until(SteadyClock::time_point end, Progress& progress) {
  const auto begin = SteadyClock::now();
  const std::uint64_t completed_before = completed_so_far();
  std::uint64_t completed_last = completed_before;
  auto last = begin;
  while (active_.load() != 0 && !interrupted()) {
    retry(std::min(end, last + kSampleInterval));
    const auto now = SteadyClock::now();
    if (now >= last + kSampleInterval || now >= end) {
      const std::uint64_t completed = completed_so_far();
      const double seconds = std::chrono::duration<double>(now - begin).count();
      if (phase() == Phase::measured) samples_.push_back({seconds, completed - completed_before});
      const double rate = static_cast<double>(completed - completed_last) /
                          std::max(1e-9, std::chrono::duration<double>(now - last).count());
      progress.draw(seconds / std::chrono::duration<double>(end - begin).count(),
                    (phase() == Phase::warmup ? "warm-up " : "") +
                        with_commas(static_cast<std::uint64_t>(rate)) + "/s");
      completed_last = completed;
      last = now;
    }
    if (now >= end) break;
  }
}

void Load::drain() {
  const auto end = SteadyClock::now() + kDrainTimeMax;
  while (active_.load() != 0) {
    if (SteadyClock::now() >= end) {
      fail(Status(StatusCode::timed_out,
                  std::to_string(active_.load()) + " instances did not finish after the end"));
      return;
    }
    retry(SteadyClock::now() + std::chrono::milliseconds(10));
  }
}

// Waits until `until` or the last lane's end, and starts lanes again that met an overload.
void Load::retry(SteadyClock::time_point until) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, until, [this] { return !overloaded_.empty() || active_.load() == 0; });
  if (overloaded_.empty()) return;
  lock.unlock();
  std::this_thread::sleep_for(kRetryDelay);
  lock.lock();
  retrying_.swap(overloaded_);
  overloads_ += retrying_.size();
  lock.unlock();
  for (Lane* lane : retrying_) {
    if (phase() == Phase::stopping) {
      retire();
    } else {
      start(*lane, now_ns());
    }
  }
  retrying_.clear();
}

void Load::start(Lane& lane, std::uint64_t now) {
  lane.start_ns = now;
  StartOptions options;
  if (options_.random_ids) options.instance_id = random_id(per_thread().random);
  scenario_.prepare(lane, options);
  client_.run_async(
      scenario_.orchestrator(lane), std::move(options),
      [&lane](Result<std::string> id) { lane.load->on_started(lane, id); },
      [&lane](Result<InstanceState> state) { lane.load->on_completed(lane, state); });
}

void Load::on_started(Lane& lane, const Result<std::string>& id) {
  if (id.ok()) {
    if (ledger_ != nullptr) per_thread().ledger->started(*id);
  } else if (id.status().code() == StatusCode::overloaded ||
             (options_.wait_for_space && id.status().code() == StatusCode::disk_full)) {
    const std::scoped_lock lock(mutex_);
    overloaded_.push_back(&lane);
    if (overloaded_.size() == 1) changed_.notify_one();
  } else {
    fail(id.status().with_context("starting an instance"));
    retire();
  }
}

void Load::on_completed(Lane& lane, const Result<InstanceState>& result) {
  const std::uint64_t now = now_ns();
  if (!result.ok()) {
    fail(result.status().with_context("waiting for an instance"));
    retire();
    return;
  }
  PerThread& thread = per_thread();
  if (std::string wrong = scenario_.verify(lane, *result); !wrong.empty()) {
    fail(Status(StatusCode::internal, std::move(wrong)));
  } else {
    if (ledger_ != nullptr) thread.ledger->completed(result->instance_id, *result->output);
    increment(thread.completed);
    if (phase() == Phase::measured) {
      increment(thread.measured);
      thread.latency_ns.record(now - lane.start_ns);
    }
  }
  ++lane.serial;
  if (phase() == Phase::stopping) {
    retire();
  } else {
    start(lane, now);
  }
}

void Load::retire() {
  if (active_.fetch_sub(1) != 1) return;
  const std::scoped_lock lock(mutex_);
  changed_.notify_one();
}

void Load::fail(const Status& status) {
  const std::scoped_lock lock(mutex_);
  if (errors_++ == 0) first_error_ = status.to_string();
}

Load::PerThread& Load::per_thread() {
  thread_local std::uint64_t owner = 0;
  thread_local PerThread* mine = nullptr;
  if (owner != id_) {
    auto fresh = std::make_unique<PerThread>();
    if (ledger_ != nullptr) fresh->ledger = &ledger_->add_buffer();
    mine = fresh.get();
    owner = id_;
    const std::scoped_lock lock(mutex_);
    threads_.push_back(std::move(fresh));
  }
  return *mine;
}

std::uint64_t Load::completed_so_far() {
  const std::scoped_lock lock(mutex_);
  std::uint64_t sum = 0;
  for (const auto& thread : threads_) sum += thread->completed.load(std::memory_order_relaxed);
  return sum;
}

// Instances completed per second between two times of the measured part.
double Load::rate_between(double from, double to) const {
  const auto completed_at = [this](double seconds) {
    const auto after =
        std::lower_bound(samples_.begin(), samples_.end(), seconds,
                         [](const Sample& sample, double s) { return sample.seconds < s; });
    if (after == samples_.begin()) return 0.0;
    if (after == samples_.end()) return static_cast<double>(samples_.back().completed);
    const Sample& b = *after;
    const Sample& a = *(after - 1);
    const double share = (seconds - a.seconds) / (b.seconds - a.seconds);
    return static_cast<double>(a.completed) +
           share * static_cast<double>(b.completed - a.completed);
  };
  return to > from ? (completed_at(to) - completed_at(from)) / (to - from) : 0;
}

void Load::collect() {
  const std::scoped_lock lock(mutex_);
  for (const auto& thread : threads_) {
    report_.completed += thread->measured.load();
    report_.verified_outputs += thread->completed.load();
    report_.latency_ns.merge(thread->latency_ns);
  }
  if (errors_ != 0) {
    report_.add_error(first_error_);
    report_.errors += errors_ - 1;
  }
  const double total = samples_.empty() ? 0 : samples_.back().seconds;
  if (total > 0) {
    report_.extra.emplace_back("first_third_per_s", rate_between(0, total / 3));
    report_.extra.emplace_back("last_third_per_s", rate_between(total * 2 / 3, total));
  }
  if (total >= 2 * kEdgeSeconds) {
    report_.extra.emplace_back("first_10s_per_s", rate_between(0, kEdgeSeconds));
    report_.extra.emplace_back("last_10s_per_s", rate_between(total - kEdgeSeconds, total));
  }
  report_.extra.emplace_back("overloaded", static_cast<double>(overloads_));
}

Result<std::unique_ptr<Ledger>> open_ledger(const BenchOptions& options) {
  if (options.ledger.empty()) return std::unique_ptr<Ledger>();
  return Ledger::open(options.ledger);
}

Status run_load(const BenchOptions& options, Scenario& scenario, Report& report) {
  INGOT_ASSIGN(const std::unique_ptr<Ledger> ledger, open_ledger(options));
  INGOT_ASSIGN(const std::unique_ptr<Session> session,
               Session::open(options, hub_options(options), report));
  Load load(options, *session, scenario, ledger.get(), report);
  if (options.resume) finish_running(*session, ledger.get(), report);
  scenario.begin(*session);
  load.run();
  if (const Status status = scenario.finish(*session, report); !status.ok()) {
    report.add_error("checking the end: " + status.to_string());
  }
  session->close();
  load.collect();
  if (report.verified_outputs == 0) report.add_error("no instance has completed");
  if (ledger != nullptr) INGOT_TRY(ledger->close());
  return {};
}

}  // namespace ingot::bench
