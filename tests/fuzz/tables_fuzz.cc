// The small tables of a partition in a checkpoint, and the keys of timers and unfinished work.

#include "partition/checkpoint/cut.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/state_bytes.h"

namespace ingot::fuzz {
namespace {

using partition::PartitionState;

std::string encode(const PartitionState& state) {
  std::string bytes;
  state.encode_tables(bytes);
  return bytes;
}

void check_keys(std::string_view input) {
  if (const auto timer = partition::decode_timer_key(input); timer.ok()) {
    FUZZ_CHECK(partition::encode_timer_key(*timer) == input);
  }
  if (const auto work = partition::decode_work_key(input); work.ok()) {
    FUZZ_CHECK(partition::encode_work_key(*work) == input);
  }
}

}  // namespace

void run(std::string_view input) {
  check_keys(input);
  PartitionState state(kPartition, kPartitions);
  if (const Status status = state.decode_tables(input); !status.ok()) {
    FUZZ_CHECK(status.code() == StatusCode::corrupt || status.code() == StatusCode::unsupported);
    return;
  }
  const std::string bytes = encode(state);
  PartitionState again(kPartition, kPartitions);
  FUZZ_CHECK(again.decode_tables(bytes).ok() && encode(again) == bytes);
  FUZZ_CHECK(again.counters == state.counters && again.applied == state.applied);
}

std::vector<std::string> seeds() {
  std::vector<std::string> all = {
      partition::encode_work_key(SequenceNumber(5)),
      partition::encode_timer_key({Timestamp(Duration(9)), SequenceNumber(3), -1, 2})};
  run_program(5, 300, [&](const PartitionState& state, const std::string& /*fact*/) {
    if (state.applied.value % 60 == 1) all.push_back(encode(state));
  });
  return all;
}

}  // namespace ingot::fuzz
