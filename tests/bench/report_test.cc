#include "bench/report.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/temp_directory.h"

namespace ingot::bench {
namespace {

using Json = nlohmann::json;

Report sample() {
  Report report;
  report.workload = "hello";
  report.seconds = 2;
  report.completed = 1000;
  report.history_events = 10'000;
  for (std::uint64_t us = 1; us <= 1000; ++us) report.latency_ns.record(us * 1000);
  report.durability = "as promised";
  report.io_backend = "uring";
  report.log = {4'000'000, 100};
  report.checkpoints = {3, 5000, 12.5, 40};
  report.device = {90, 2e9, true};
  report.cpu_seconds = 1.5;
  report.max_rss_bytes = 1 << 20;
  report.verified_outputs = 1010;
  report.extra.emplace_back("activities_per_s", 1500);
  return report;
}

TEST(Report, JsonHasEveryKeyWithItsValue) {
  BenchOptions options;
  options.random_ids = true;
  const Json json = Json::parse(to_json(sample(), options));
  EXPECT_EQ(json["workload"], "hello");
  EXPECT_EQ(json["options"]["id_order"], "random");
  EXPECT_EQ(json["options"]["length"], 3);
  EXPECT_EQ(json["seconds"], 2.0);
  EXPECT_EQ(json["completed"], 1000);
  EXPECT_EQ(json["orchestrations_per_s"], 500.0);
  EXPECT_EQ(json["events_per_s"], 5000.0);
  EXPECT_NEAR(json["latency_us"]["p50"].get<double>(), 500, 5);
  EXPECT_NEAR(json["latency_us"]["p90"].get<double>(), 900, 9);
  EXPECT_NEAR(json["latency_us"]["p99"].get<double>(), 990, 10);
  EXPECT_NEAR(json["latency_us"]["p999"].get<double>(), 999, 10);
  EXPECT_EQ(json["latency_us"]["max"], 1000.0);
  EXPECT_EQ(json["durability"], "as promised");
  EXPECT_EQ(json["io_backend"], "uring");
  EXPECT_EQ(json["log"]["bytes"], 4'000'000);
  EXPECT_EQ(json["log"]["writes"], 100);
  EXPECT_EQ(json["log"]["bytes_per_s"], 2e6);
  EXPECT_EQ(json["checkpoints"]["count"], 3);
  EXPECT_EQ(json["checkpoints"]["rows"], 5000);
  EXPECT_EQ(json["checkpoints"]["stall_us_p999"], 12.5);
  EXPECT_EQ(json["device"]["write_4k_us_p50"], 90.0);
  EXPECT_EQ(json["device"]["write_1m_bytes_per_s"], 2e9);
  EXPECT_EQ(json["cpu_seconds"], 1.5);
  EXPECT_EQ(json["max_rss_bytes"], 1 << 20);
  EXPECT_EQ(json["errors"], 0);
  EXPECT_EQ(json["verified"], true);
  EXPECT_EQ(json["activities_per_s"], 1500.0);
  EXPECT_FALSE(json.contains("recovery"));
}

TEST(Report, RecoveryIsReportedWhenThereWasOne) {
  Report report = sample();
  report.recovery = RecoveryFigures{3'000'000, 256 << 20, 1.5};
  const Json json = Json::parse(to_json(report, {}));
  EXPECT_EQ(json["recovery"]["facts"], 3'000'000);
  EXPECT_EQ(json["recovery"]["bytes"], 256 << 20);
  EXPECT_EQ(json["recovery"]["seconds"], 1.5);
  EXPECT_EQ(json["recovery"]["facts_per_s"], 2e6);
  EXPECT_NE(to_table(report).find("2,000,000 facts/s"), std::string::npos);
}

TEST(Report, AnErrorOrNoOutputIsNotVerified) {
  Report report = sample();
  report.add_error("the first");
  report.add_error("the second");
  EXPECT_FALSE(report.verified());
  const Json json = Json::parse(to_json(report, {}));
  EXPECT_EQ(json["verified"], false);
  EXPECT_EQ(json["errors"], 2);
  EXPECT_EQ(json["first_error"], "the first");
  EXPECT_NE(to_table(report).find("the first"), std::string::npos);

  Report nothing;
  EXPECT_FALSE(nothing.verified());
  EXPECT_EQ(Json::parse(to_json(nothing, {}))["orchestrations_per_s"], 0.0);
}

TEST(Report, OtherUnitsAreNotCountedAsOrchestrations) {
  Report report = sample();
  report.unit = "facts";
  const Json json = Json::parse(to_json(report, {}));
  EXPECT_EQ(json["orchestrations_per_s"], 0);
  EXPECT_EQ(json["facts_per_s"], 500.0);
}

TEST(Report, TextThatIsNoUtf8IsStillJson) {
  Report report = sample();
  report.add_error("bytes \xff\xfe");
  EXPECT_TRUE(Json::accept(to_json(report, {})));
}

TEST(Report, JsonGoesToTheFile) {
  const sim::TempDirectory directory;
  BenchOptions options;
  options.json = directory.path() + "/report.json";
  ASSERT_TRUE(publish(sample(), options).ok());
  std::ifstream file(options.json);
  EXPECT_EQ(Json::parse(file)["completed"], 1000);
  options.json = directory.path() + "/no/folder.json";
  EXPECT_EQ(publish(sample(), options).code(), StatusCode::io_error);
}

}  // namespace
}  // namespace ingot::bench
