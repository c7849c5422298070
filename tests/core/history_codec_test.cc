#include "core/history_codec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/random.h"

namespace ingot {
namespace {

std::string random_text(Random& random) {
  static constexpr std::uint64_t kSizes[] = {0, 1, 15, 16, 127, 128, 300};
  std::string text(kSizes[random.below(7)], '\0');
  for (char& c : text) c = static_cast<char>(random.next());
  return text;
}

FailureDetails random_failure(Random& random, std::size_t depth) {
  FailureDetails failure{random_text(random), random_text(random), random.one_in(2), {}};
  if (random.one_in(2)) failure.stack_trace = random_text(random);
  if (random.one_in(2)) failure.properties = random_text(random);
  if (depth > 1) failure.inner.push_back(random_failure(random, depth - 1));
  return failure;
}

HistoryEvent random_event(Random& random) {
  HistoryEvent event;
  event.kind = static_cast<HistoryEventKind>(1 + random.below(kHistoryEventKindMax));
  const auto some = [&] { return random.one_in(2); };
  event.timestamp = Timestamp(Duration(static_cast<std::int64_t>(random.next())));
  if (some()) event.event_id = static_cast<std::int32_t>(random.next());
  if (some()) event.name = random_text(random);
  if (some()) event.data = random_text(random);
  if (some()) event.scheduled_id = static_cast<std::int32_t>(random.next());
  if (some()) event.fire_at = Timestamp(Duration(static_cast<std::int64_t>(random.next())));
  if (some()) event.instance_id = random_text(random);
  if (some()) event.execution_id = {random.next(), random.next()};
  if (some()) event.status = static_cast<RuntimeStatus>(random.below(kRuntimeStatusMax + 1));
  event.recurse = some();
  if (some()) event.failure = random_failure(random, 1 + random.below(kInnerFailuresMax + 1));
  if (some())
    event.parent =
        ParentInfo{random_text(random), random_text(random), {random.next(), random.next()}, -3};
  if (some()) event.version = random_text(random);
  if (some()) event.trace_parent = random_text(random);
  for (std::uint64_t n = random.below(4); n != 0; --n) {
    event.tags.emplace_back(random_text(random), random_text(random));
  }
  for (std::uint64_t n = random.below(4); n != 0; --n) {
    std::string id = "@" + random_text(random);
    event.lock_set.push_back(std::move(id));
  }
  std::sort(event.lock_set.begin(), event.lock_set.end());
  event.lock_set.erase(std::unique(event.lock_set.begin(), event.lock_set.end()),
                       event.lock_set.end());
  if (some()) event.request_id = random_text(random);
  return event;
}

TEST(HistoryCodecTest, AnyEventComesBack) {
  const std::uint64_t seed = 11;
  Random random(seed);
  std::string bytes;
  std::vector<HistoryEvent> events;
  for (int i = 0; i < 3000; ++i) {
    events.push_back(random_event(random));
    const std::size_t start = bytes.size();
    encode_event(events.back(), bytes);
    Reader reader(std::string_view(bytes).substr(start));
    const HistoryEventView view = decode_event(reader);
    ASSERT_TRUE(reader.finished()) << "seed " << seed << ", event " << i;
    ASSERT_EQ(to_event(view), events.back()) << "seed " << seed << ", event " << i;
    // A view encodes to the same bytes.
    std::string again;
    encode_event(view, again);
    ASSERT_EQ(again, bytes.substr(start));
  }
  const auto decoded = decode_history(bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status().to_string();
  EXPECT_EQ(*decoded, events);
}

TEST(HistoryCodecTest, TheBytesAreThoseOfTheFormat) {
  HistoryEvent event;
  event.kind = HistoryEventKind::task_scheduled;
  event.event_id = 3;
  event.timestamp = Timestamp(Duration(64));
  event.name = "hello";
  event.data = "";
  std::string bytes;
  encode_event(event, bytes);
  // length, kind, mask (bits 0, 1 and 2), timestamp, event id, name, data
  EXPECT_EQ(bytes, std::string("\x0C\x04\x07\x80\x01\x06\x05hello\x00", 13));
}

TEST(HistoryCodecTest, AbsentAndEmptyDataDiffer) {
  for (const std::optional<std::string>& data :
       {std::optional<std::string>(), std::optional<std::string>("")}) {
    HistoryEvent event;
    event.data = data;
    std::string bytes;
    encode_event(event, bytes);
    Reader reader(bytes);
    EXPECT_EQ(to_event(decode_event(reader)).data, data);
  }
}

TEST(HistoryCodecTest, LengthsAroundTheOneByteLimitAreRight) {
  for (std::size_t size = 100; size < 140; ++size) {
    HistoryEvent event;
    event.data = std::string(size, 'd');
    std::string bytes = "before";
    encode_event(event, bytes);
    bytes += "after";
    Reader reader(std::string_view(bytes).substr(6));
    EXPECT_EQ(to_event(decode_event(reader)), event);
    EXPECT_EQ(reader.remaining(), 5U);
  }
}

TEST(HistoryCodecTest, EveryTruncationIsRefused) {
  Random random(3);
  for (int i = 0; i < 20; ++i) {
    std::string bytes;
    encode_event(random_event(random), bytes);
    for (std::size_t size = 1; size < bytes.size(); ++size) {
      Reader reader(std::string_view(bytes).substr(0, size));
      static_cast<void>(decode_event(reader));
      ASSERT_FALSE(reader.ok());
    }
  }
}

TEST(HistoryCodecTest, UnknownKindsFieldsAndStatusesAreRefused) {
  const auto accepts = [](std::string body) {
    std::string bytes;
    put_bytes(bytes, body);
    Reader reader(bytes);
    static_cast<void>(decode_event(reader));
    return reader.finished();
  };
  using namespace std::string_literals;
  EXPECT_TRUE(accepts("\x0C\x00\x00"s));
  EXPECT_FALSE(accepts(""s));
  EXPECT_FALSE(accepts("\x00\x00\x00"s)) << "kind 0";
  EXPECT_FALSE(accepts("\x1A\x00\x00"s)) << "kind 26";
  EXPECT_FALSE(accepts("\x0C\x80\x80\x02\x00"s)) << "mask bit 15";
  EXPECT_FALSE(accepts("\x0C\x00\x00\x00"s)) << "bytes behind the last field";
  EXPECT_TRUE(accepts("\x0C\x80\x01\x00\x06"s)) << "status 6";
  EXPECT_FALSE(accepts("\x0C\x80\x01\x00\x07"s)) << "status 7";
  EXPECT_FALSE(accepts("\x0C\x01\x00\xFF\xFF\xFF\xFF\xFF\x01"s)) << "an id beyond 32 bits";
  EXPECT_FALSE(accepts("\x0C\x80\x04\x00\x01\x00"s)) << "a failure of depth 0";
  EXPECT_FALSE(accepts("\x0C\x80\x08\x00\x02\x00\x00"s)) << "a parent cut short";
  EXPECT_FALSE(accepts("\x0C\x80\x40\x00\x01\x05"s)) << "five tags in no bytes";
}

TEST(HistoryCodecTest, ALockSetIsNotEmptyAndInOrderAndHasNoIdTwice) {
  const auto accepts = [](const std::vector<std::string>& ids) {
    std::string list;
    put_varint(list, ids.size());
    for (const std::string& id : ids) put_bytes(list, id);
    HistoryEventView event;
    event.kind = HistoryEventKind::entity_lock_requested;
    event.lock_set = list;
    std::string bytes;
    encode_event(event, bytes);
    Reader reader(bytes);
    const HistoryEventView view = decode_event(reader);
    if (!reader.finished()) return false;
    EXPECT_EQ(to_event(view).lock_set, ids);
    return true;
  };
  EXPECT_TRUE(accepts({"@a@1"}));
  EXPECT_TRUE(accepts({"@a@1", "@a@10", "@a@2", "@b@0"}));
  EXPECT_FALSE(accepts({}));
  EXPECT_FALSE(accepts({"@a@2", "@a@1"}));
  EXPECT_FALSE(accepts({"@a@1", "@a@1"}));
  EXPECT_FALSE(accepts({"", "@a@1"}));
  EXPECT_EQ(decode_lock_set("\x01\x02@"), std::nullopt);
  EXPECT_TRUE(decode_lock_set({})->empty());
}

TEST(HistoryCodecTest, AnyDamageIsRefusedOrGivesAnEvent) {
  const std::uint64_t seed = 12;
  Random random(seed);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes;
    encode_event(random_event(random), bytes);
    for (std::uint64_t flips = 1 + random.below(4); flips != 0; --flips) {
      bytes[random.below(bytes.size())] = static_cast<char>(random.next());
    }
    const std::vector<char> exact(bytes.begin(), bytes.end());
    Reader reader(std::string_view(exact.data(), exact.size()));
    const HistoryEventView view = decode_event(reader);
    if (!reader.ok()) continue;
    // What is accepted can be used: it comes back from its own encoding.
    const HistoryEvent event = to_event(view);
    std::string again;
    encode_event(event, again);
    Reader second(again);
    ASSERT_EQ(to_event(decode_event(second)), event) << "seed " << seed;
    ASSERT_TRUE(second.finished());
  }
}

TEST(HistoryCodecTest, ACorruptHistoryNamesTheEvent) {
  std::string bytes;
  encode_event(HistoryEvent{}, bytes);
  encode_event(HistoryEvent{}, bytes);
  bytes += '\x7F';
  const auto events = decode_history(bytes);
  EXPECT_EQ(events.status().code(), StatusCode::corrupt);
  EXPECT_NE(events.status().message().find("event 2"), std::string::npos);
}

TEST(HistoryCodecTest, FailuresNestToTheirBound) {
  FailureDetails failure{"type", "message", true, {}};
  for (std::size_t i = 0; i < kInnerFailuresMax + 10; ++i) {
    FailureDetails outer{"outer", std::to_string(i), false, {}};
    outer.inner.push_back(std::move(failure));
    failure = std::move(outer);
  }
  std::string bytes;
  encode_failure(failure, bytes);
  const auto decoded = decode_failure(bytes);
  ASSERT_TRUE(decoded.has_value());
  std::size_t depth = 0;
  for (const FailureDetails* f = &*decoded; !f->inner.empty(); f = &f->inner.front()) ++depth;
  EXPECT_EQ(depth, kInnerFailuresMax);
  EXPECT_EQ(decoded->message, failure.message);
}

TEST(HistoryEventTest, NamesAreDurableTasks) {
  EXPECT_EQ(to_string(HistoryEventKind::sub_orchestration_created),
            "SubOrchestrationInstanceCreated");
  EXPECT_EQ(to_string(HistoryEventKind::execution_rewound), "ExecutionRewound");
  for (std::uint8_t kind = 1; kind <= kHistoryEventKindMax; ++kind) {
    EXPECT_NE(to_string(static_cast<HistoryEventKind>(kind)), "Unnamed");
  }
  for (std::uint8_t status = 0; status <= kRuntimeStatusMax; ++status) {
    const auto value = static_cast<RuntimeStatus>(status);
    EXPECT_EQ(parse_runtime_status(to_string(value)), value);
  }
  EXPECT_EQ(parse_runtime_status("running"), std::nullopt);
}

TEST(HistoryCodecTest, TagsThatAreCutOffAreNone) {
  EXPECT_EQ(decode_tags(""), Tags{});
  const Tags tags = {{"a", "1"}, {"b", ""}};
  std::string bytes;
  encode_tags(tags, bytes);
  EXPECT_EQ(decode_tags(bytes), tags);
  EXPECT_EQ(decode_tags(bytes + 'x'), std::nullopt);
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    EXPECT_EQ(decode_tags(std::string_view(bytes).substr(0, size)), std::nullopt) << size;
  }
}

}  // namespace
}  // namespace ingot
