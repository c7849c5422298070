#pragma once

// The bank: transfers between accounts that are entities, each under a lock on both of them.
//
// Invariants, all of them checked:
//   - a transfer takes from one account what it gives to the other, and nobody comes between its
//     reading and its updates;
//   - an account that has too little keeps what it has, and so does the other one;
//   - at the end all accounts together have what they had at the beginning.

#include <atomic>

#include "bench/load.h"

namespace ingot::bench {

// The orchestrator "transfer": input "<from> <to> <amount>", the accounts by their keys. Locks
// both, reads both, changes both, unlocks both; output "<from before> <to before> <from after> <to
// after>".
Status add_bank(Registry& registry);

// Empty when the output of a "transfer" is what its input gives for some balances, else what is
// wrong.
[[nodiscard]] std::string verify_transfer(const InstanceState& state);

class BankScenario final : public Scenario {
 public:
  // `accounts` is at least 2.
  explicit BankScenario(std::uint64_t accounts) : accounts_(accounts) {}

  void begin(Session& session) override;
  std::string_view orchestrator(const Lane&) const override { return "transfer"; }
  // The two accounts are in different partitions, if the hub has more than one.
  void prepare(Lane& lane, StartOptions& start) override;
  std::string verify(const Lane& lane, const InstanceState& state) override;
  // Adds all balances up.
  Status finish(Session& session, Report& report) override;

  struct Transfer {
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    std::int64_t amount = 0;
  };

 private:
  [[nodiscard]] Transfer transfer_of(const Lane& lane) const;

  const std::uint64_t accounts_;
  std::vector<std::uint32_t> partitions_;  // of each account
  std::atomic<std::uint64_t> refused_ = 0;
};

}  // namespace ingot::bench
