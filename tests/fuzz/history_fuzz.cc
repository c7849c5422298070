// History events: whatever is read, is written and read again with the same meaning.

#include "core/history_codec.h"
#include "tests/fuzz/fuzz.h"
#include "tests/partition/event_bytes.h"

namespace ingot::fuzz {
namespace {

std::string encode(const std::vector<HistoryEvent>& events) {
  std::string bytes;
  for (const HistoryEvent& event : events) encode_event(event, bytes);
  return bytes;
}

// The parts that lie encoded in an event, each read by itself.
void check_parts(std::string_view input) {
  std::string bytes;
  if (const auto failure = decode_failure(input)) {
    encode_failure(*failure, bytes);
    FUZZ_CHECK(decode_failure(bytes) == failure);
  }
  bytes.clear();
  if (const auto parent = decode_parent(input)) {
    encode_parent(*parent, bytes);
    FUZZ_CHECK(decode_parent(bytes) == parent);
  }
  bytes.clear();
  if (const auto tags = decode_tags(input)) {
    encode_tags(*tags, bytes);
    FUZZ_CHECK(decode_tags(bytes) == tags);
  }
  bytes.clear();
  if (const auto lock_set = decode_lock_set(input)) {
    encode_lock_set(*lock_set, bytes);
    FUZZ_CHECK(decode_lock_set(bytes) == lock_set);
  }
}

}  // namespace

void run(std::string_view input) {
  check_parts(input);
  const Result<std::vector<HistoryEvent>> events = decode_history(input);
  if (!events.ok()) {
    FUZZ_CHECK(events.status().code() == StatusCode::corrupt);
    return;
  }
  const std::string bytes = encode(*events);
  const Result<std::vector<HistoryEvent>> again = decode_history(bytes);
  FUZZ_CHECK(again.ok() && *again == *events);
  FUZZ_CHECK(encode(*again) == bytes);
  // What was checked once may be read without checks, and the views say the same as the copies.
  Reader reader(bytes);
  for (const HistoryEvent& event : *events) {
    const HistoryEventView view = decode_trusted_event(reader);
    FUZZ_CHECK(reader.ok() && to_event(view) == event);
    std::string copy;
    encode_event(view, copy);
    Reader copied(copy);
    FUZZ_CHECK(to_event(decode_event(copied)) == event && copied.finished());
  }
  FUZZ_CHECK(reader.finished());
}

std::vector<std::string> seeds() {
  using namespace partition;
  const std::string failure = [] {
    HistoryEvent event;
    event.kind = HistoryEventKind::task_failed;
    event.scheduled_id = 3;
    event.failure = FailureDetails{"T", "m", true, {FailureDetails{"inner", "cause", false, {}}}};
    event.tags = {{"key", "value"}, {"", ""}};
    event.version = "1";
    event.trace_parent = "00-1-2-3";
    return bytes_of(event);
  }();
  return {started_event("a") + raised_event("e"),
          scheduled_started_event("b", at_us(1000)) + terminated_event(),
          failure,
          task_completed_event(7) + timer_action(2, at_us(-5)) + continue_action(9),
          child_started_event("c", {1, 2}, "p") + complete_action(1),
          lock_action(1, {"@e@1", "@e@2"}) +
              entity_message(HistoryEventKind::entity_lock_requested, "x", {1, 2}, 4, {"@e@1"})};
}

}  // namespace ingot::fuzz
