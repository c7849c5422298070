#include "tools/ingotd/grpc/convert_values.h"

#include <gtest/gtest.h>

#include <limits>

#include "core/random.h"

namespace ingot::server {
namespace {

Timestamp back(Timestamp time) {
  google::protobuf::Timestamp proto;
  write_time(time, &proto);
  EXPECT_GE(proto.nanos(), 0);
  EXPECT_LT(proto.nanos(), 1'000'000'000);
  return read_time(proto);
}

TEST(ConvertValuesTest, TimesComeBackToTheMicrosecond) {
  Random random(3);
  for (int i = 0; i < 1000; ++i) {
    const auto seconds = static_cast<std::int64_t>(random.below(300'000'000'000)) - 50'000'000'000;
    const Timestamp time(Duration(std::min(seconds, std::int64_t{253'402'300'799}) * 1'000'000 +
                                  static_cast<std::int64_t>(random.below(1'000'000))));
    ASSERT_EQ(back(time), time) << time.time_since_epoch().count();
  }
  EXPECT_EQ(back(Timestamp(Duration(-1))), Timestamp(Duration(-1)));
}

TEST(ConvertValuesTest, TimesOutOfTheWorldBecomeTheNearest) {
  google::protobuf::Timestamp proto;
  proto.set_seconds(std::numeric_limits<std::int64_t>::max());
  proto.set_nanos(-5);
  EXPECT_EQ(read_time(proto), Timestamp(Duration(253'402'300'799'000'000)));
  proto.set_seconds(std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(read_time(proto), Timestamp(Duration(-62'135'596'800'000'000)));
  google::protobuf::Duration duration;
  duration.set_seconds(std::numeric_limits<std::int64_t>::max());
  EXPECT_GT(read_duration(duration), Duration::zero());
  duration.set_seconds(90);
  duration.set_nanos(5000);
  EXPECT_EQ(read_duration(duration), Duration(90'000'005));
}

TEST(ConvertValuesTest, EveryStatusComesBack) {
  for (std::uint8_t i = 0; i <= kRuntimeStatusMax; ++i) {
    const auto status = static_cast<RuntimeStatus>(i);
    const Result<RuntimeStatus> read = read_status("status", write_status(status));
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(*read, status);
  }
  EXPECT_EQ(*read_status("status", ::ORCHESTRATION_STATUS_CANCELED),
            RuntimeStatus::continued_as_new);
}

TEST(ConvertValuesTest, AnUnknownStatusIsNamed) {
  const Status refused = read_status("query: runtimeStatus", 99).status();
  EXPECT_EQ(refused.code(), StatusCode::invalid_argument);
  EXPECT_NE(refused.message().find("query: runtimeStatus: 99"), std::string::npos)
      << refused.message();
  google::protobuf::RepeatedField<int> many;
  many.Add(::ORCHESTRATION_STATUS_FAILED);
  many.Add(::ORCHESTRATION_STATUS_FAILED);
  EXPECT_EQ(read_statuses("s", many)->size(), 1U);
  many.Add(-1);
  EXPECT_FALSE(read_statuses("s", many).ok());
}

TEST(ConvertValuesTest, FailuresComeBackWhole) {
  ::TaskFailureDetails proto;
  proto.set_errortype("Outer");
  proto.set_errormessage("went wrong");
  proto.set_isnonretriable(true);
  proto.mutable_stacktrace()->set_value("at main");
  (*proto.mutable_properties())["code"].set_number_value(42);
  (*proto.mutable_properties())["list"].mutable_list_value()->add_values()->set_bool_value(true);
  proto.mutable_innerfailure()->set_errortype("Inner");
  proto.mutable_innerfailure()->mutable_innerfailure()->set_errortype("Innermost");
  const FailureDetails failure = read_failure(proto);
  EXPECT_EQ(failure.type, "Outer");
  EXPECT_EQ(failure.stack_trace, "at main");
  EXPECT_TRUE(failure.non_retriable);
  ASSERT_EQ(failure.inner.size(), 1U);
  EXPECT_EQ(failure.inner[0].inner.at(0).type, "Innermost");
  ::TaskFailureDetails again;
  write_failure(failure, &again);
  EXPECT_EQ(again.properties().at("code").number_value(), 42);
  EXPECT_TRUE(again.properties().at("list").list_value().values(0).bool_value());
  EXPECT_EQ(again.innerfailure().innerfailure().errortype(), "Innermost");
  EXPECT_EQ(read_failure(again), failure);
}

TEST(ConvertValuesTest, FailuresNestNoDeeperThanTheEngineAllows) {
  ::TaskFailureDetails proto;
  ::TaskFailureDetails* last = &proto;
  for (int i = 0; i < 60; ++i) last = last->mutable_innerfailure();
  std::size_t depth = 0;
  const FailureDetails failure = read_failure(proto);
  for (const FailureDetails* f = &failure; !f->inner.empty(); f = &f->inner.front()) ++depth;
  EXPECT_EQ(depth, kInnerFailuresMax);
}

TEST(ConvertValuesTest, TraceContextsKeepTheirState) {
  ::TraceContext proto;
  proto.set_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  EXPECT_EQ(read_trace(proto), proto.traceparent());
  proto.mutable_tracestate()->set_value("vendor=1");
  ::TraceContext again;
  write_trace(read_trace(proto), &again);
  EXPECT_EQ(again.traceparent(), proto.traceparent());
  EXPECT_EQ(again.tracestate().value(), "vendor=1");
  EXPECT_EQ(again.spanid(), "b7ad6b7169203331");
}

TEST(ConvertValuesTest, TagsAreInTheOrderOfTheirNames) {
  TagMap map;
  for (const char* name : {"z", "a", "m"}) map[name] = "1";
  const TagList tags = read_tags(map);
  EXPECT_EQ(tags, (TagList{{"a", "1"}, {"m", "1"}, {"z", "1"}}));
  TagMap again;
  write_tags(tags, &again);
  EXPECT_EQ(read_tags(again), tags);
}

TEST(ConvertValuesTest, WhatIsNotUtf8NeverReachesTheWire) {
  EXPECT_EQ(wire_text("plain, grün, 日本, 😀"), "plain, grün, 日本, 😀");
  EXPECT_EQ(wire_text("a\xFF"
                      "b\xC3"),
            "a?b?");
  EXPECT_EQ(wire_text("\xED\xA0\x80"), "???");  // a surrogate
  Random random(5);
  for (int i = 0; i < 500; ++i) {
    std::string text(random.below(40), '\0');
    for (char& c : text) c = static_cast<char>(random.next());
    google::protobuf::StringValue value;
    value.set_value(wire_text(text));
    google::protobuf::StringValue read;
    // Parsing proto3 strings refuses what is not UTF-8.
    ASSERT_TRUE(read.ParseFromString(value.SerializeAsString())) << i;
  }
}

TEST(ConvertValuesTest, MadeRequestIdsAreGuidsAndStable) {
  const std::string id = make_request_id({1, 2}, 3);
  ASSERT_EQ(id.size(), 36U);
  for (const std::size_t at : {8U, 13U, 18U, 23U}) EXPECT_EQ(id[at], '-');
  EXPECT_EQ(id, make_request_id({1, 2}, 3));
  EXPECT_NE(id, make_request_id({1, 2}, 4));
  EXPECT_NE(id, make_request_id({1, 3}, 3));
}

}  // namespace
}  // namespace ingot::server
