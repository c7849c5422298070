// Rows of live instances and records of finished ones, as a checkpoint holds them.

#include "partition/requests/rewind.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/state_bytes.h"

namespace ingot::fuzz {
namespace {

using partition::Instance;
using partition::RowView;

std::string encode(const Instance& instance) {
  std::string bytes;
  partition::encode_row(instance, bytes);
  return bytes;
}

void check_same(const RowView& a, const RowView& b) {
  FUZZ_CHECK(a.sequence == b.sequence && a.id == b.id && a.execution_id == b.execution_id);
  FUZZ_CHECK(a.status == b.status && a.created_at == b.created_at);
  FUZZ_CHECK(a.updated_at == b.updated_at && a.has_custom_status == b.has_custom_status);
  FUZZ_CHECK(a.custom_status == b.custom_status && a.history == b.history && a.inbox == b.inbox);
  FUZZ_CHECK(a.is_entity == b.is_entity && a.has_entity_state == b.has_entity_state);
  FUZZ_CHECK(a.entity_state == b.entity_state && a.lock_owner == b.lock_owner);
  FUZZ_CHECK(a.scheduled_signals == b.scheduled_signals);
  FUZZ_CHECK(a.queued_operations == b.queued_operations);
}

template <typename Decode>
void check_instance(std::string_view input, const Decode& decode) {
  const Result<std::unique_ptr<Instance>> instance = decode(input);
  if (!instance.ok()) {
    FUZZ_CHECK(instance.status().code() == StatusCode::corrupt);
    return;
  }
  const std::string bytes = encode(**instance);
  const Result<std::unique_ptr<Instance>> again = decode(bytes);
  FUZZ_CHECK(again.ok() && encode(**again) == bytes);
  const Result<RowView> view = partition::view_row(input);
  FUZZ_CHECK(view.ok());
  check_same(*view, partition::view_row(**instance));
  if ((*instance)->entity) {
    static_cast<void>(partition::to_entity_state(*view, true));
  } else {
    const Result<InstanceState> state = partition::to_instance_state(*view, true);
    FUZZ_CHECK(!state.ok() || state->instance_id == (*instance)->id);
  }
}

}  // namespace

void run(std::string_view input) {
  check_instance(input, partition::decode_row);
  check_instance(input, partition::decode_record);
  const Result<partition::RewoundRow> rewound =
      partition::rewound_row(input, SequenceNumber(7), Timestamp(Duration(5)), "reason");
  if (!rewound.ok()) return;
  const Result<std::unique_ptr<Instance>> alive = partition::decode_row(rewound->row);
  FUZZ_CHECK(alive.ok() && (*alive)->sequence == SequenceNumber(7));
  FUZZ_CHECK((*alive)->status == RuntimeStatus::running && (*alive)->inbox_count != 0);
}

std::vector<std::string> seeds() {
  std::vector<std::string> rows;
  run_program(3, 400, [&](const partition::PartitionState& state, const std::string& /*fact*/) {
    if (state.applied.value % 40 != 0) return;
    state.instances.for_each([&](const Instance& instance) {
      if (rows.size() < 60) rows.push_back(encode(instance));
    });
    state.finished.current().for_each([&](const partition::FinishedRecord& record) {
      if (!record.purged() && rows.size() < 90) rows.emplace_back(record.row);
    });
  });
  return rows;
}

}  // namespace ingot::fuzz
