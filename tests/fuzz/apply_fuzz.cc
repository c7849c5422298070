// Facts from a log whose checksums are right: each is applied or refused as corrupt, never a crash;
// and the state that they give survives its own encoding.

#include "core/codec.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/state_bytes.h"

namespace ingot::fuzz {
namespace {

using partition::Instance;
using partition::PartitionState;

constexpr std::size_t kFactsMax = 200;

void check_state(const PartitionState& state) {
  state.instances.for_each([](const Instance& instance) {
    std::string bytes;
    partition::encode_row(instance, bytes);
    const Result<std::unique_ptr<Instance>> again = partition::decode_row(bytes);
    FUZZ_CHECK(again.ok());
    std::string copied;
    partition::encode_row(**again, copied);
    FUZZ_CHECK(copied == bytes);
  });
  std::string tables;
  state.encode_tables(tables);
  PartitionState again(kPartition, kPartitions);
  FUZZ_CHECK(again.decode_tables(tables).ok());
}

}  // namespace

// The input: facts, each with its length in front.
void run(std::string_view input) {
  PartitionState state(kPartition, kPartitions);
  Effects effects;
  Reader reader(input);
  for (std::size_t i = 0; i < kFactsMax && reader.more(); ++i) {
    const std::string_view bytes = reader.bytes();
    const Result<Fact> fact = decode_fact(bytes);
    if (!fact.ok()) break;
    effects.clear();
    const Status applied = partition::apply(state, state.applied.plus(1), *fact, effects);
    if (!applied.ok()) {
      FUZZ_CHECK(applied.code() == StatusCode::corrupt);
      return;  // the opening has failed: nobody looks at this state
    }
  }
  check_state(state);
}

std::vector<std::string> seeds() {
  std::vector<std::string> all;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    std::string program;
    run_program(seed, 20 + seed * 4, [&](const PartitionState& /*state*/, const std::string& fact) {
      put_bytes(program, fact);
    });
    all.push_back(program);
  }
  return all;
}

}  // namespace ingot::fuzz
