#include "partition/hub/work_exchange.h"

#include <algorithm>
#include <utility>

#include "core/assert.h"

namespace ingot::partition {
namespace {

constexpr std::array kKinds = {WorkKind::orchestration, WorkKind::entity, WorkKind::activity};

// Names have no control characters, so the zero byte ends them.
std::string key_of(const std::string& name, const std::string& version) {
  std::string key = name;
  key += '\0';
  key += version;
  return key;
}

// The keys of the rings that the name stands in: one without a version takes all.
std::vector<std::string> ring_keys(const WorkName& name) {
  if (name.versions.empty()) return {name.name};
  std::vector<std::string> keys;
  for (const std::string& version : name.versions) keys.push_back(key_of(name.name, version));
  return keys;
}

template <typename Ring>
void erase_member(Ring& ring, const SubscriptionPtr& subscription) {
  const auto found = std::find(ring.members.begin(), ring.members.end(), subscription);
  if (found == ring.members.end()) return;
  const auto place = static_cast<std::size_t>(found - ring.members.begin());
  ring.members.erase(found);
  if (place < ring.next) --ring.next;
  if (ring.next >= ring.members.size()) ring.next = 0;
}

}  // namespace

const std::optional<std::vector<WorkName>>& Subscription::names(WorkKind kind) const {
  switch (kind) {
    case WorkKind::orchestration:
      return filter.orchestrations;
    case WorkKind::entity:
      return filter.entities;
    case WorkKind::activity:
      break;
  }
  return filter.activities;
}

WorkExchange::WorkExchange(const std::array<std::uint32_t, kWorkKinds>& max, Give give)
    : give_(std::move(give)) {
  for (std::size_t kind = 0; kind < kWorkKinds; ++kind) queues_[kind].given_max = max[kind];
}

void WorkExchange::add(const SubscriptionPtr& subscription) {
  subscriptions_.emplace(subscription->id, subscription);
  for (const WorkKind kind : kKinds) {
    const auto& names = subscription->names(kind);
    if (!names) {
      queue(kind).any.members.push_back(subscription);
    } else {
      for (const WorkName& name : *names) {
        for (const std::string& key : ring_keys(name)) {
          std::vector<SubscriptionPtr>& members = queue(kind).named[key].members;
          // A filter may name the same thing twice.
          if (members.empty() || members.back() != subscription) members.push_back(subscription);
        }
      }
    }
  }
  for (const WorkKind kind : kKinds) serve(subscription, kind);
}

SubscriptionPtr WorkExchange::remove(SubscriptionId id) {
  const auto found = subscriptions_.find(id);
  if (found == subscriptions_.end()) return nullptr;
  const SubscriptionPtr subscription = found->second;
  subscriptions_.erase(found);
  subscription->open = false;
  for (const WorkKind kind : kKinds) {
    const auto& names = subscription->names(kind);
    if (!names) {
      erase_member(queue(kind).any, subscription);
      continue;
    }
    for (const WorkName& name : *names) {
      for (const std::string& key : ring_keys(name)) {
        const auto ring = queue(kind).named.find(key);
        if (ring == queue(kind).named.end()) continue;
        erase_member(ring->second, subscription);
        if (ring->second.members.empty()) queue(kind).named.erase(ring);
      }
    }
  }
  return subscription;
}

bool WorkExchange::reserve(Subscription& subscription, WorkKind kind) {
  bool& ready = subscription.ready[static_cast<std::size_t>(kind)];
  ready = ready && subscription.receiver->reserve(kind);
  return ready;
}

SubscriptionPtr WorkExchange::take_turn(Ring& ring, WorkKind kind) {
  for (std::size_t tried = 0; tried < ring.members.size(); ++tried) {
    const SubscriptionPtr& member = ring.members[ring.next];
    ring.next = ring.next + 1 == ring.members.size() ? 0 : ring.next + 1;
    if (reserve(*member, kind)) return member;
  }
  return nullptr;
}

SubscriptionPtr WorkExchange::find_receiver(Queue& queue, WorkKind kind, const WorkOffer& offer) {
  // Those that ask for the name go first: others find more to do.
  if (!queue.named.empty()) {
    for (const std::string& key : {key_of(offer.name, offer.version), offer.name}) {
      const auto ring = queue.named.find(key);
      if (ring == queue.named.end()) continue;
      if (SubscriptionPtr found = take_turn(ring->second, kind)) return found;
    }
  }
  return take_turn(queue.any, kind);
}

void WorkExchange::offer(WorkKind kind, WorkOffer offered) {
  Queue& waiting = queue(kind);
  if (waiting.given < waiting.given_max) {
    if (const SubscriptionPtr receiver = find_receiver(waiting, kind, offered)) {
      ++waiting.given;
      give_(kind, std::move(offered), receiver);
      return;
    }
  }
  put(waiting, std::move(offered));
}

void WorkExchange::put(Queue& queue, WorkOffer offered) {
  const auto at = queue.offers.try_emplace(key_of(offered.name, offered.version)).first;
  const std::uint64_t ordinal = ++queue.ordinals;
  if (at->second.empty()) queue.oldest.emplace(ordinal, at);
  at->second.push_back({ordinal, std::move(offered)});
}

WorkOffer WorkExchange::pop(Queue& queue, Offers::iterator from) {
  Waiting first = std::move(from->second.front());
  from->second.pop_front();
  queue.oldest.erase(first.ordinal);
  if (from->second.empty()) {
    queue.offers.erase(from);
  } else {
    queue.oldest.emplace(from->second.front().ordinal, from);
  }
  return std::move(first.offer);
}

WorkExchange::Offers::iterator WorkExchange::find_offers(Queue& queue,
                                                         const Subscription& subscription,
                                                         WorkKind kind) {
  const auto& names = subscription.names(kind);
  if (!names) return queue.oldest.begin()->second;
  auto best = queue.offers.end();
  const auto consider = [&](Offers::iterator found) {
    if (best == queue.offers.end() ||
        found->second.front().ordinal < best->second.front().ordinal) {
      best = found;
    }
  };
  for (const WorkName& name : *names) {
    if (name.versions.empty()) {
      const std::string prefix = key_of(name.name, {});
      for (auto found = queue.offers.lower_bound(prefix);
           found != queue.offers.end() && found->first.starts_with(prefix); ++found) {
        consider(found);
      }
    }
    for (const std::string& version : name.versions) {
      const auto found = queue.offers.find(key_of(name.name, version));
      if (found != queue.offers.end()) consider(found);
    }
  }
  return best;
}

void WorkExchange::serve(const SubscriptionPtr& subscription, WorkKind kind) {
  Queue& waiting = queue(kind);
  while (subscription->open && !waiting.offers.empty() && waiting.given < waiting.given_max) {
    const auto offers = find_offers(waiting, *subscription, kind);
    if (offers == waiting.offers.end() || !reserve(*subscription, kind)) return;
    WorkOffer next = pop(waiting, offers);
    ++waiting.given;
    give_(kind, std::move(next), subscription);
  }
}

void WorkExchange::ready(SubscriptionId id) {
  const auto found = subscriptions_.find(id);
  if (found == subscriptions_.end()) return;
  const SubscriptionPtr subscription = found->second;
  subscription->ready = {true, true, true};
  for (const WorkKind kind : kKinds) serve(subscription, kind);
}

void WorkExchange::released(WorkKind kind) {
  Queue& released = queue(kind);
  INGOT_ASSERT(released.given != 0);
  if (released.given-- != released.given_max || released.offers.empty()) return;
  // The limit kept offers waiting: whoever is ready may have the oldest one.
  for (const auto& [ordinal, offers] : released.oldest) {
    const SubscriptionPtr receiver = find_receiver(released, kind, offers->second.front().offer);
    if (receiver == nullptr) continue;
    WorkOffer next = pop(released, offers);
    ++released.given;
    give_(kind, std::move(next), receiver);
    return;
  }
}

std::vector<SubscriptionPtr> WorkExchange::clear() {
  std::vector<SubscriptionPtr> all;
  for (const auto& [id, subscription] : subscriptions_) all.push_back(subscription);
  for (const SubscriptionPtr& subscription : all) remove(subscription->id);
  return all;
}

}  // namespace ingot::partition
