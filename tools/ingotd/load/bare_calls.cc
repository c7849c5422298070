#include "tools/ingotd/load/bare_calls.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>

namespace ingot::server {
namespace {

using Clock = std::chrono::steady_clock;

// The lanes' common state. All of it under the mutex: a call costs a hundred times as much.
struct Calls {
  std::mutex mutex;
  std::condition_variable ended;
  Clock::time_point until;
  std::uint64_t done = 0;
  std::size_t live = 0;
  std::string failure;
};

// Makes one call after the other.
class Lane {
 public:
  Lane(Calls& calls, const Target& target, Stub& stub)
      : calls_(calls), target_(target), stub_(stub) {}

  void next() {
    context_ = target_.context();
    stub_.async()->Hello(context_.get(), &empty_, &answer_,
                         [this](const grpc::Status& status) { finished(status); });
  }

 private:
  void finished(const grpc::Status& status) {
    {
      const std::lock_guard lock(calls_.mutex);
      if (!status.ok()) calls_.failure = status.error_message();
      const bool in_time = Clock::now() < calls_.until;
      if (in_time) ++calls_.done;
      if (!in_time || !calls_.failure.empty()) {
        if (--calls_.live == 0) calls_.ended.notify_all();
        return;
      }
    }
    next();
  }

  Calls& calls_;
  const Target& target_;
  Stub& stub_;
  std::unique_ptr<grpc::ClientContext> context_;
  google::protobuf::Empty empty_;
  google::protobuf::Empty answer_;
};

}  // namespace

Result<double> measure_bare_calls(const Target& target, std::uint32_t concurrency, double seconds) {
  Calls calls;
  calls.live = concurrency;
  calls.until = Clock::now() +
                std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  std::vector<std::unique_ptr<Lane>> lanes;
  for (std::uint32_t i = 0; i < concurrency; ++i) {
    lanes.push_back(std::make_unique<Lane>(calls, target, target.stub(i)));
  }
  for (const auto& lane : lanes) lane->next();
  std::unique_lock lock(calls.mutex);
  calls.ended.wait(lock, [&] { return calls.live == 0; });
  if (!calls.failure.empty()) return Status(StatusCode::unavailable, "Hello: " + calls.failure);
  return static_cast<double>(calls.done) / seconds;
}

}  // namespace ingot::server
