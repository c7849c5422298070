#pragma once

// Inbox: the only way into a shard, from any thread: a lock-free queue of requests, each for one of
// the shard's partitions.
//
// Invariants:
//   - each partition admits at most `requests_max` client requests that have not been handled;
//     requests from inside (results, messages, loads) are bounded where they come from and always
//     taken;
//   - after close() nothing is admitted, and everything that was admitted is still delivered, so
//     that each request can be answered.

#include <ingot/status.h>

#include <atomic>
#include <boost/lockfree/queue.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "core/recycled.h"
#include "partition/requests/request.h"

namespace ingot::partition {

class Inbox {
 public:
  struct Entry : Recycled<Entry> {
    Entry(std::uint32_t to, bool counted, Request&& taken)
        : slot(to), admitted(counted), request(std::move(taken)) {}

    std::uint32_t slot;  // of the partition in its shard
    bool admitted;       // counted against the limit
    Request request;
  };

  // `wake` ends the shard's sleep; any thread may call it.
  Inbox(std::uint32_t partitions, std::uint32_t requests_max, std::function<void()> wake);
  ~Inbox();
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  // A client's request: `overloaded` or `cancelled` when it is not taken, and then `request` is as
  // it was.
  Status offer(std::uint32_t slot, Request&& request);
  // A request from inside.
  void push(std::uint32_t slot, Request&& request);

  // The shard thread takes the next entry, or null.
  [[nodiscard]] std::unique_ptr<Entry> pop();
  // The shard thread has handled an admitted request.
  void handled(std::uint32_t slot) { admitted_[slot].count.fetch_sub(1); }

  // Client requests of a partition that wait or are handled, and how many were refused because
  // there were too many; from any thread.
  [[nodiscard]] std::uint32_t admitted(std::uint32_t slot) const {
    return admitted_[slot].count.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t overloads(std::uint32_t slot) const {
    return admitted_[slot].overloads.load(std::memory_order_relaxed);
  }

  void close() { closed_.store(true); }
  // True when no client request is being admitted or waits: only after close().
  [[nodiscard]] bool drained() const;

 private:
  struct alignas(64) Admitted {
    std::atomic<std::uint32_t> count{0};
    std::atomic<std::uint64_t> overloads{0};
  };

  const std::uint32_t requests_max_;
  const std::function<void()> wake_;
  std::atomic<bool> closed_{false};
  std::vector<Admitted> admitted_;
  boost::lockfree::queue<Entry*> entries_;
};

}  // namespace ingot::partition
