#include "core/fact_codec.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/random.h"

namespace ingot {
namespace {

std::string random_text(Random& random) {
  std::string text(random.below(200), '\0');
  for (char& c : text) c = static_cast<char>(random.next());
  return text;
}

// Numbers of every length.
std::uint64_t number(Random& random) { return random.next() >> random.below(64); }
std::uint32_t number32(Random& random) {
  return static_cast<std::uint32_t>(random.next()) >> random.below(32);
}

RuntimeStatus random_status(Random& random) {
  return static_cast<RuntimeStatus>(random.below(kRuntimeStatusMax + 1));
}

// Its texts lie in `texts`.
Fact random_fact(Random& random, std::vector<std::string>& texts) {
  texts.assign(2, {});
  for (std::string& text : texts) text = random_text(random);
  const SequenceNumber sequence(number(random));
  Fact fact;
  fact.at = Timestamp(Duration(static_cast<std::int64_t>(number(random) >> 1)));
  switch (random.below(std::variant_size_v<FactBody>)) {
    case 0:
      fact.body = InstanceCreated{random.next(), std::nullopt, {}, texts[0]};
      if (random.one_in(2)) {
        auto& created = std::get<InstanceCreated>(fact.body);
        created.replaced = random_status(random);
        if (!is_terminal(*created.replaced)) created.replaced_sequence = sequence;
      }
      break;
    case 1:
      fact.body = MessageDelivered{sequence, random.next(), texts[0]};
      break;
    case 2:
      fact.body = ActivityCompleted{sequence, number32(random), texts[0]};
      break;
    case 3:
      fact.body = TimerFired{sequence, number32(random),
                             static_cast<std::int32_t>(number32(random) >> 1) - 1};
      break;
    case 4: {
      StepCompleted step{sequence, number32(random), number32(random), random.one_in(2), {}, {}, {},
                         {}};
      if (step.has_custom_status) step.custom_status = texts[1];
      step.actions = texts[0];
      if (random.one_in(2)) {
        step.next_execution_id = {random.next(), random.next() | 1};
        step.carry_over = texts[1];
      }
      fact.body = step;
      break;
    }
    case 5:
      fact.body = PeerMessageReceived{PartitionId(number32(random)), number(random), sequence,
                                      std::nullopt, texts[0]};
      if (random.one_in(2)) {
        std::get<PeerMessageReceived>(fact.body).replaced = random_status(random);
      }
      break;
    case 6:
      fact.body = EntityCreated{texts[0]};
      break;
    case 7: {
      EntityStepCompleted step{
          sequence, number32(random), static_cast<StateChange>(random.below(3)), {}, texts[0]};
      if (step.change == StateChange::set) step.entity_state = texts[1];
      fact.body = step;
      break;
    }
    case 8:
      fact.body = InstancePurged{random.next(), texts[0], random_status(random), sequence};
      break;
    case 9:
      fact.body = InstanceRewound{random.next(), sequence, texts[0]};
      break;
    case 10:
      fact.body = ChildAnswered{PartitionId(number32(random)), number(random), texts[0], texts[1]};
      break;
    default:
      fact.body = OutboxConfirmed{PartitionId(number32(random)), number(random)};
  }
  return fact;
}

std::string encoded(const Fact& fact) {
  std::string bytes;
  encode_fact(fact, bytes);
  return bytes;
}

std::string status_text(std::optional<RuntimeStatus> status) {
  return status ? std::string(to_string(*status)) : "-";
}

// All fields in one text, so that facts can be compared.
struct Described {
  std::string operator()(const InstanceCreated& f) const {
    return std::to_string(f.request_id) + "," + status_text(f.replaced) + "," +
           std::to_string(f.replaced_sequence.value) + "," + std::string(f.started);
  }
  std::string operator()(const MessageDelivered& f) const {
    return std::to_string(f.sequence.value) + "," + std::to_string(f.request_id) + "," +
           std::string(f.event);
  }
  std::string operator()(const ActivityCompleted& f) const {
    return std::to_string(f.sequence.value) + "," + std::to_string(f.generation) + "," +
           std::string(f.event);
  }
  std::string operator()(const TimerFired& f) const {
    return std::to_string(f.sequence.value) + "," + std::to_string(f.generation) + "," +
           std::to_string(f.timer_id);
  }
  std::string operator()(const StepCompleted& f) const {
    return std::to_string(f.sequence.value) + "," + std::to_string(f.generation) + "," +
           std::to_string(f.consumed) + "," + std::to_string(f.has_custom_status) + "," +
           std::string(f.custom_status) + "," + std::string(f.actions) + "," +
           to_string(f.next_execution_id) + "," + std::string(f.carry_over);
  }
  std::string operator()(const PeerMessageReceived& f) const {
    return std::to_string(f.origin.value) + "," + std::to_string(f.channel_position) + "," +
           std::to_string(f.target.value) + "," + status_text(f.replaced) + "," +
           std::string(f.event);
  }
  std::string operator()(const OutboxConfirmed& f) const {
    return std::to_string(f.destination.value) + "," + std::to_string(f.channel_position);
  }
  std::string operator()(const EntityCreated& f) const { return std::string(f.id); }
  std::string operator()(const EntityStepCompleted& f) const {
    return std::to_string(f.sequence.value) + "," + std::to_string(f.consumed) + "," +
           std::to_string(static_cast<int>(f.change)) + "," + std::string(f.entity_state) + "," +
           std::string(f.actions);
  }
  std::string operator()(const InstancePurged& f) const {
    return std::to_string(f.request_id) + "," + std::string(f.id) + "," + status_text(f.status) +
           "," + std::to_string(f.sequence.value);
  }
  std::string operator()(const InstanceRewound& f) const {
    return std::to_string(f.request_id) + "," + std::to_string(f.old.value) + "," +
           std::string(f.row);
  }
  std::string operator()(const ChildAnswered& f) const {
    return std::to_string(f.origin.value) + "," + std::to_string(f.channel_position) + "," +
           std::string(f.parent) + "," + std::string(f.answer);
  }
};

std::string described(const Fact& fact) {
  return std::string(fact_name(fact)) + "@" + std::to_string(fact.at.time_since_epoch().count()) +
         ":" + std::visit(Described{}, fact.body);
}

TEST(FactCodecTest, AnyFactComesBack) {
  const std::uint64_t seed = 21;
  Random random(seed);
  std::vector<std::string> texts;
  for (int i = 0; i < 1500; ++i) {
    const Fact fact = random_fact(random, texts);
    const std::string bytes = encoded(fact);
    const Result<Fact> decoded = decode_fact(bytes);
    ASSERT_TRUE(decoded.ok()) << "seed " << seed << ", fact " << i;
    ASSERT_EQ(described(*decoded), described(fact)) << "seed " << seed << ", fact " << i;
    ASSERT_EQ(encoded(*decoded), bytes);
  }
}

TEST(FactCodecTest, EveryTruncationIsCorrupt) {
  const std::uint64_t seed = 22;
  Random random(seed);
  std::vector<std::string> texts;
  for (int i = 0; i < 50; ++i) {
    const std::string bytes = encoded(random_fact(random, texts));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const Result<Fact> decoded = decode_fact(std::string_view(bytes).substr(0, size));
      ASSERT_EQ(decoded.status().code(), StatusCode::corrupt) << "seed " << seed << ", fact " << i;
    }
    ASSERT_EQ(decode_fact(bytes + '\0').status().code(), StatusCode::corrupt);
  }
}

TEST(FactCodecTest, FlippedBytesGiveAnotherFactOrCorrupt) {
  const std::uint64_t seed = 23;
  Random random(seed);
  std::vector<std::string> texts;
  for (int i = 0; i < 80; ++i) {
    const std::string bytes = encoded(random_fact(random, texts));
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      std::string bad = bytes;
      bad[at] ^= static_cast<char>(1 + random.below(255));
      const Result<Fact> decoded = decode_fact(bad);
      if (!decoded.ok()) {
        ASSERT_EQ(decoded.status().code(), StatusCode::corrupt);
        continue;
      }
      // What was accepted is a fact like any other.
      const std::string again = encoded(*decoded);
      const Result<Fact> once_more = decode_fact(again);
      ASSERT_TRUE(once_more.ok()) << "seed " << seed << ", fact " << i << ", byte " << at;
      ASSERT_EQ(described(*once_more), described(*decoded));
    }
  }
}

TEST(FactCodecTest, UnknownKindsAreNamed) {
  for (const char kind : {'\0', '\x0D', '\xFF'}) {
    const Result<Fact> decoded = decode_fact(std::string(1, kind) + "12345678");
    ASSERT_EQ(decoded.status().code(), StatusCode::corrupt);
    EXPECT_NE(decoded.status().message().find("kind"), std::string::npos);
  }
}

// The bytes are a format: this is what they have always been.
TEST(FactCodecTest, TheBytesAreThoseOfTheFormat) {
  EXPECT_EQ(encoded({Timestamp(Duration(300)), TimerFired{SequenceNumber(5), 1, -1}}),
            std::string("\x04\xAC\x02\x05\x01\x01", 6));
  StepCompleted step{SequenceNumber(5), 0, 2, true, "st", "act", {}, {}};
  EXPECT_EQ(encoded({Timestamp(Duration(1)), step}),
            std::string("\x05\x01\x05\x00\x02\x01\x02st\x03"
                        "act",
                        13));
  EXPECT_EQ(encoded({Timestamp(), OutboxConfirmed{PartitionId(3), 128}}),
            std::string("\x07\x00\x03\x80\x01", 5));
  EXPECT_EQ(encoded({Timestamp(), InstanceCreated{1, std::nullopt, {}, "ev"}}),
            std::string("\x01\x00\x01\x00\x02"
                        "ev",
                        7));
  EXPECT_EQ(
      encoded({Timestamp(), InstanceCreated{1, RuntimeStatus::running, SequenceNumber(9), "ev"}}),
      std::string("\x01\x00\x01\x02\x09\x02"
                  "ev",
                  8));
}

}  // namespace
}  // namespace ingot
