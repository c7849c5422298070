#pragma once

// Workload: the clients of a run. Each does one program after the other: random scripts with all
// that clients do to them (tests/semantics/generator.h), streams of events, entities that are
// signalled. Programs interleave as the seed has it. Each call has a request id and is repeated
// with it until its outcome is known; now and then a call that was acknowledged is repeated as
// well, and must change nothing.
//
// Every answer is compared with the model's, and told to the checkers.

#include <memory>
#include <string>
#include <vector>

#include "core/random.h"
#include "tests/semantics/client_requests.h"
#include "tests/semantics/model.h"
#include "tests/sim/media.h"
#include "tests/support/sim_hub.h"

namespace ingot::sim {

struct WorkloadPlan {
  std::uint64_t operations = 2000;  // that clients do in all, at least
  std::uint32_t clients = 48;       // at a time
};

// One thing that a client does.
struct Call {
  enum class Kind : std::uint8_t { op, signal, history, repeat };
  Kind kind = Kind::op;
  semantics::ClientOp op;  // signal: `id` is an entity's key, `data` what is added
};

class Workload {
 public:
  // `gates` are those of the hub's registry. All of it outlives the workload's use.
  Workload(SimHub& hub, Media& media, semantics::Gates& gates, std::uint64_t seed,
           const WorkloadPlan& plan, Findings& findings);

  // Clients take their answers, and some call. True when any got on.
  bool turn();
  [[nodiscard]] bool done() const;
  // Operations done so far: calls with a known outcome.
  [[nodiscard]] std::uint64_t operations() const { return operations_; }
  [[nodiscard]] std::uint64_t repeated() const { return repeated_; }
  // After a crash: everyone who waited must have been told.
  void check_answered();
  // At the end: what became of every instance and entity of the model.
  void compare();
  // Who is not done, and with what.
  [[nodiscard]] std::string unfinished() const;
  // Of every answer, in order.
  [[nodiscard]] std::uint64_t hash() const { return hash_; }

 private:
  struct Client {
    std::vector<Call> calls;
    std::size_t at = 0;
    std::uint64_t request_id = 0;
    std::shared_ptr<semantics::Attempt> attempt;
    // The last call that changed something, acknowledged with ok; request 0: none.
    Call last;
    std::uint64_t last_request = 0;
    [[nodiscard]] bool done() const { return at == calls.size(); }
  };

  std::vector<Call> make_program();
  void issue(Client& client);
  void take_answer(Client& client);
  // At the very moment of the answer: what the checkers have to know. `request_id` is that of a
  // change, else 0.
  void hear(PartitionId partition, const std::string& id, std::uint64_t request_id,
            const semantics::Attempt& attempt);
  void take_wait(const Call& call, const semantics::Attempt& attempt);
  [[nodiscard]] bool agrees(const Call& call, StatusCode code);
  [[nodiscard]] PartitionId partition_of(const Call& call) const;
  void wrong(const Call& call, std::string text);

  SimHub& hub_;
  Media& media_;
  semantics::Gates& gates_;
  Random random_;
  const WorkloadPlan plan_;
  Findings& findings_;
  semantics::Model model_;
  std::vector<Client> clients_;
  std::vector<std::shared_ptr<semantics::Attempt>> open_;  // not known to be answered
  std::uint64_t programs_ = 0;
  std::uint64_t planned_ = 0;
  std::uint64_t operations_ = 0;
  std::uint64_t repeated_ = 0;
  std::uint64_t last_request_ = 0;
  std::uint64_t hash_ = 0;
};

}  // namespace ingot::sim
