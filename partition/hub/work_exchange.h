#pragma once

// WorkExchange: brings offers of work and those who receive it together.
//
// Invariants:
//   - while a receiver is ready, no offer waits that it takes, but for the limits;
//   - receivers of the same work get it in turn, the oldest first;
//   - at most `max` items of a kind are given at a time.
//
// Not thread-safe: its owner locks.

#include <ingot/work_items.h>

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "partition/shard/environment.h"

namespace ingot::partition {

inline constexpr std::size_t kWorkKinds = 3;

struct Subscription {
  SubscriptionId id = 0;
  std::shared_ptr<WorkReceiver> receiver;
  WorkFilter filter;
  bool open = true;
  // By kind; false: it has refused one since it was ready().
  std::array<bool, kWorkKinds> ready = {true, true, true};

  [[nodiscard]] const std::optional<std::vector<WorkName>>& names(WorkKind kind) const;
};
using SubscriptionPtr = std::shared_ptr<Subscription>;

class WorkExchange {
 public:
  // `give` is called for each offer whose receiver has reserved room. It must not come back.
  using Give = std::function<void(WorkKind, WorkOffer, const SubscriptionPtr&)>;
  // `max`: items of each kind that are given at a time.
  WorkExchange(const std::array<std::uint32_t, kWorkKinds>& max, Give give);

  void add(const SubscriptionPtr& subscription);
  // Null when it is not there.
  SubscriptionPtr remove(SubscriptionId id);
  // It asks the receiver again.
  void ready(SubscriptionId id);
  void offer(WorkKind kind, WorkOffer offered);
  // One that was given has been completed or is free again.
  void released(WorkKind kind);
  // Takes everything out.
  [[nodiscard]] std::vector<SubscriptionPtr> clear();

 private:
  // Receivers of the same work; the next one in turn is at `next`.
  struct Ring {
    std::vector<SubscriptionPtr> members;
    std::size_t next = 0;
  };
  struct Waiting {
    std::uint64_t ordinal = 0;  // of its coming
    WorkOffer offer;
  };
  using Offers = std::map<std::string, std::deque<Waiting>>;
  // Work of one kind. Keys are a name, a zero byte, and a version or nothing for any.
  struct Queue {
    Offers offers;                                     // none is empty
    std::map<std::uint64_t, Offers::iterator> oldest;  // by the ordinal of the first of each
    std::uint64_t ordinals = 0;
    Ring any;
    std::map<std::string, Ring> named;
    std::uint32_t given = 0;
    std::uint32_t given_max = 0;
  };

  [[nodiscard]] Queue& queue(WorkKind kind) { return queues_[static_cast<std::size_t>(kind)]; }
  // One in turn that has reserved room, or null.
  SubscriptionPtr take_turn(Ring& ring, WorkKind kind);
  SubscriptionPtr find_receiver(Queue& queue, WorkKind kind, const WorkOffer& offer);
  // Gives what waits to the subscription, as long as it takes it.
  void serve(const SubscriptionPtr& subscription, WorkKind kind);
  // Where the oldest offer is that the subscription takes, or the end.
  static Offers::iterator find_offers(Queue& queue, const Subscription& subscription,
                                      WorkKind kind);
  static void put(Queue& queue, WorkOffer offered);
  static WorkOffer pop(Queue& queue, Offers::iterator from);
  static bool reserve(Subscription& subscription, WorkKind kind);

  const Give give_;
  std::array<Queue, kWorkKinds> queues_;
  std::map<SubscriptionId, SubscriptionPtr> subscriptions_;
};

}  // namespace ingot::partition
