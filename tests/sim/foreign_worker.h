#pragma once

// ForeignWorker: a foreign runtime at the side of a simulated hub. It locks what the hub offers,
// runs the same programs, and completes in any order. It is not to be relied on: it gives items
// back, forgets them, completes them twice, and comes back late with tokens that have ended. What
// it gives with such a token holds kStaleMark (check_fences.h).

#include <ingot/registry.h>

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "core/random.h"
#include "partition/requests/request.h"
#include "tests/sim/media.h"
#include "tests/support/sim_hub.h"

namespace ingot::sim {

class ForeignWorker final : public partition::WorkBoard {
 public:
  // `registry` has what the hub's has not. It and `media` outlive the worker.
  ForeignWorker(const Registry& registry, Media& media, std::uint64_t seed, Findings& findings)
      : registry_(registry), media_(media), random_(seed), findings_(findings) {}

  // The hub whose board this is; outlives the last turn.
  void attach(SimHub& hub) { hub_ = &hub; }
  // Locks, works, completes some. True when there was anything to do.
  bool turn();
  // The hub has crashed: its offers are void, and so are all tokens.
  void crashed();
  // From now on it only does what it should.
  void behave() { behaves_ = true; }

  void offer(WorkKind kind, partition::WorkOffer offered) override;
  void released(WorkKind kind) override;

  [[nodiscard]] std::uint64_t completed() const { return completed_; }
  [[nodiscard]] std::uint64_t stale() const { return stale_count_; }
  // Of every token that it was given.
  [[nodiscard]] std::uint64_t hash() const { return hash_; }

 private:
  using Item = std::variant<OrchestrationWorkItem, EntityWorkItem, ActivityWorkItem>;
  struct Offer {
    WorkKind kind = WorkKind::activity;
    PartitionId partition;
    SequenceNumber sequence;
    std::int32_t task_id = -1;
  };
  // The end of a token: who holds it knows that it is worth nothing now.
  struct Stale {
    WorkKind kind = WorkKind::activity;
    WorkItemToken token;
    ExecutionId execution;  // of an activity
  };

  void lock(const Offer& offer);
  template <typename Found>
  void locked(const Result<Found>& item);
  void work_on(Item item);
  void complete(const OrchestrationWorkItem& item);
  void complete(const EntityWorkItem& item);
  void complete(const ActivityWorkItem& item);
  void complete_stale(const Stale& stale);
  void abandon(const Item& item);
  template <typename R>
  void send(const WorkItemToken& token, WorkKind kind, R request);
  void ended(WorkKind kind, const WorkItemToken& token);

  const Registry& registry_;
  Media& media_;
  Random random_;
  Findings& findings_;
  SimHub* hub_ = nullptr;
  bool behaves_ = false;
  std::vector<Offer> offers_;
  std::vector<Item> held_;
  std::vector<Stale> forgotten_;  // not completed, and not known to have ended
  std::vector<Stale> stale_;
  std::uint64_t completed_ = 0;
  std::uint64_t stale_count_ = 0;
  std::uint64_t hash_ = 0;
};

}  // namespace ingot::sim
