#include "tools/output.h"

#include <gtest/gtest.h>

namespace ingot::tools {
namespace {

using std::chrono::microseconds;

TEST(FormatTime, IsIsoWithMicroseconds) {
  EXPECT_EQ(format_time(Timestamp(microseconds(0))), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(format_time(Timestamp(microseconds(1'700'000'000'000'001))),
            "2023-11-14T22:13:20.000001Z");
  EXPECT_EQ(format_time(Timestamp(microseconds(-1))), "1969-12-31T23:59:59.999999Z");
}

TEST(FormatBytes, TakesTheLargestUnitThatFits) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1536), "1.5 KiB");
  EXPECT_EQ(format_bytes(64ULL << 20), "64.0 MiB");
}

TEST(Printable, NeverSteersATerminal) {
  EXPECT_EQ(printable("plain \xc3\xa9"), "plain \xc3\xa9");
  EXPECT_EQ(printable("\x1b[2J\n\x7f"), "\\x1b[2J\\x0a\\x7f");
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b");
}

TEST(Printable, ShowsBytesThatAreNotUtf8) {
  EXPECT_EQ(printable("a\xff"), "a\\xff");
  EXPECT_EQ(printable("\xc3"), "\\xc3");
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");
  EXPECT_EQ(printable("\xf0\x82\x82\xac"), "\\xf0\\x82\\x82\\xac");
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
}

TEST(Printable, IsCutAtAWholeCharacter) {
  EXPECT_EQ(printable("abcdef", 3), "abc...");
  EXPECT_EQ(printable("ab\xc3\xa9", 3), "ab...");
  EXPECT_EQ(printable("abc", 3), "abc");
}

TEST(JsonText, KeepsEveryByte) {
  EXPECT_EQ(json_text("a\"b\n").dump(), R"("a\"b\n")");
  EXPECT_EQ(json_text("\xff\x01").dump(), R"({"hex":"ff01"})");
}

TEST(JsonOfEvent, NamesThePayloadByItsKind) {
  HistoryEvent event;
  event.kind = HistoryEventKind::task_scheduled;
  event.event_id = 3;
  event.name = "hello";
  event.data = "Tokyo";
  EXPECT_EQ(json_of(event).dump(),
            R"({"kind":"TaskScheduled","timestamp":"1970-01-01T00:00:00.000000Z",)"
            R"("event_id":3,"name":"hello","input":"Tokyo"})");
  EXPECT_EQ(describe(event), "#3 hello input \"Tokyo\"");
}

TEST(JsonOfInstance, LeavesOutWhatIsAbsent) {
  InstanceState state;
  state.instance_id = "i";
  state.name = "hello";
  state.status = RuntimeStatus::failed;
  state.failure = FailureDetails{"type", "message", true, {}};
  const Json json = json_of(state);
  EXPECT_EQ(json["status"], "Failed");
  EXPECT_FALSE(json.contains("output"));
  EXPECT_FALSE(json.contains("completed_at"));
  EXPECT_EQ(json["failure"].dump(), R"({"type":"type","message":"message","non_retriable":true})");
}

}  // namespace
}  // namespace ingot::tools
