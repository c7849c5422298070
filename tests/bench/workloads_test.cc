// Every workload, run small, as a user runs it.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/ledger.h"
#include "tests/tools/tool_runner.h"

namespace ingot::bench {
namespace {

using Json = nlohmann::json;
using Arguments = std::vector<std::string>;

const Arguments kSmallHub = {"--partitions", "2", "--shards", "2", "--segment-mib", "1"};
// Each lane of a load gets through once, however short the run; the figures mean nothing then. The
// device is probed for a part of the run's time.
const Arguments kShort = {"--seconds", "0.05", "--warmup", "0.01"};
// For what compares rates, or counts only what happens in its time.
const Arguments kLonger = {"--seconds", "0.2", "--warmup", "0.01"};

Arguments operator+(Arguments a, const Arguments& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

class WorkloadsTest : public tools::ToolTest {
 protected:
  // Runs `ingot bench <arguments> --json FILE`, expects success, and gives the JSON.
  Json bench(const Arguments& arguments) const {
    const std::string file = (folder() / "report.json").string();
    const tools::ToolResult result =
        run(Arguments{"bench"} + arguments + Arguments{"--json", file});
    EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
    Json json = Json::parse(tools::read_file(file), nullptr, false);
    EXPECT_FALSE(json.is_discarded()) << result.out << result.err;
    if (!json.is_object()) return Json::object();
    EXPECT_EQ(json.value("errors", -1), 0) << json.dump(2);
    EXPECT_EQ(json.value("workload", ""), arguments.front());
    return json;
  }

  // The same for a workload that completes instances.
  Json bench_verified(const Arguments& arguments) const {
    Json json = bench(arguments);
    EXPECT_EQ(json.value("verified", false), true) << json.dump(2);
    EXPECT_GT(json.value("verified_outputs", 0), 0);
    EXPECT_TRUE(json["io_backend"] == "uring" || json["io_backend"] == "pwritev2");
    EXPECT_GT(json["device"].value("write_4k_us_p50", 0.0), 0);
    EXPECT_GT(json.value("max_rss_bytes", 0), 0);
    return json;
  }
};

TEST_F(WorkloadsTest, Hello) {
  const Json json = bench_verified(Arguments{"hello", "--concurrency", "20"} + kSmallHub + kShort);
  EXPECT_TRUE(json.contains("events_per_s"));
  EXPECT_TRUE(json["log"].contains("bytes_per_s"));
  EXPECT_TRUE(json["checkpoints"].contains("stall_us_p999"));
}

TEST_F(WorkloadsTest, HelloInEachMode) {
  const Arguments hello =
      Arguments{"hello", "--concurrency", "20", "--length", "7"} + kSmallHub + kShort;
  bench_verified(hello + Arguments{"--id-order", "random", "--activity-mode", "pool"});
  bench_verified(hello + Arguments{"--persist-first", "--io", "pwritev2", "--checkpoint-mib", "1",
                                   "--checkpoint-facts", "1000"});
}

TEST_F(WorkloadsTest, HelloGoesOnInItsHub) {
  const std::string ledger = (folder() / "ledger").string();
  const Arguments hub = {"--dir", hub_path(), "--ledger", ledger};
  bench_verified(Arguments{"hello", "--concurrency", "20"} + kSmallHub + kShort + hub);
  const Json again =
      bench_verified(Arguments{"hello", "--resume", "--concurrency", "20"} + kShort + hub);
  EXPECT_TRUE(again.contains("resumed"));
  const Json check = bench(Arguments{"check"} + hub);
  EXPECT_EQ(check["ledger_started"], check["ledger_completed"]);
  EXPECT_EQ(check["ledger_started"], check["verified_outputs"]);

  // A hub is not overwritten, and a promise that was not kept is found.
  EXPECT_EQ(run(Arguments{"bench", "hello"} + kShort + hub).exit_code, 1);
  tools::write_file(ledger, tools::read_file(ledger) + "S not-there\n");
  const tools::ToolResult result = run(Arguments{"bench", "check"} + hub);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.err.find("instance not-there (started) is missing"), std::string::npos)
      << result.err;
}

TEST_F(WorkloadsTest, Fanout) {
  const Json json = bench_verified(Arguments{"fanout", "--width", "50", "--concurrency", "4"} +
                                   kSmallHub + kShort);
  EXPECT_TRUE(json.contains("activities_per_s"));
}

TEST_F(WorkloadsTest, Events) {
  bench_verified(Arguments{"events", "--count", "200", "--concurrency", "10"} + kSmallHub + kShort);
}

TEST_F(WorkloadsTest, Timers) {
  bench_verified(Arguments{"timers", "--delay-ms", "5", "--concurrency", "10"} + kSmallHub +
                 kShort);
}

TEST_F(WorkloadsTest, Payload) {
  bench_verified(Arguments{"payload", "--bytes", "30000", "--concurrency", "4"} + kSmallHub +
                 kShort);
}

TEST_F(WorkloadsTest, RawLog) {
  for (const char* io : {"uring", "pwritev2"}) {
    const Arguments arguments = Arguments{"raw-log", "--io", io} + kSmallHub + kLonger;
    const std::string name = io;
    if (name == "uring" && run(Arguments{"bench"} + arguments).exit_code != 0) continue;  // refused
    EXPECT_EQ(bench_verified(arguments)["io_backend"], name);
  }
}

TEST_F(WorkloadsTest, Waiting) {
  const Json json =
      bench_verified(Arguments{"waiting", "--count", "500", "--concurrency", "50"} + kSmallHub);
  EXPECT_EQ(json["instances_live"], 500);
}

TEST_F(WorkloadsTest, Idle) {
  const Json json = bench_verified(Arguments{"idle"} + kSmallHub + kShort);
  EXPECT_TRUE(json.contains("cpu_percent_of_a_core"));
}

TEST_F(WorkloadsTest, SubOrchestrations) {
  const Json json = bench_verified(Arguments{"suborch", "--width", "10", "--concurrency", "4"} +
                                   kSmallHub + kShort);
  EXPECT_TRUE(json.contains("children_per_s"));
}

TEST_F(WorkloadsTest, Chain) {
  const Json json = bench_verified(Arguments{"chain", "--length", "10", "--concurrency", "4"} +
                                   kSmallHub + kShort);
  EXPECT_TRUE(json.contains("executions_per_s"));
}

TEST_F(WorkloadsTest, Bank) {
  const Json json = bench_verified(Arguments{"bank", "--accounts", "7", "--concurrency", "10"} +
                                   kSmallHub + kShort);
  EXPECT_TRUE(json.contains("transfers_per_s"));
  EXPECT_EQ(json["sum_of_balances"], 7'000'000);
}

TEST_F(WorkloadsTest, Counter) {
  const Json one = bench_verified(Arguments{"counter", "--concurrency", "20"} + kSmallHub + kShort);
  EXPECT_TRUE(one.contains("signals_per_s"));
  EXPECT_EQ(one["verified_outputs"], 1);
  const Json many = bench_verified(Arguments{"counter", "--concurrency", "20", "--entities", "30"} +
                                   kSmallHub + kShort);
  EXPECT_EQ(many["verified_outputs"], 30);
}

TEST_F(WorkloadsTest, WordCount) {
  const Json json = bench_verified(Arguments{"wordcount", "--words", "50", "--concurrency", "2"} +
                                   kSmallHub + kShort);
  EXPECT_TRUE(json.contains("words_per_s"));
}

TEST_F(WorkloadsTest, Collision) {
  const Json json = bench_verified(
      Arguments{"collision", "--count", "2500", "--concurrency", "2", "--activity-mode", "pool"} +
      kSmallHub + kShort);
  EXPECT_TRUE(json.contains("hashes_per_s"));
}

TEST_F(WorkloadsTest, Mixed) {
  bench_verified(Arguments{"mixed", "--concurrency", "30"} + kSmallHub + kShort);
  const Json json =
      bench_verified(Arguments{"mixed", "--mix", "hello=1,bank=1,chain=0", "--concurrency", "10"} +
                     kSmallHub + kShort);
  EXPECT_TRUE(json.contains("hello_outputs"));
  EXPECT_TRUE(json.contains("bank_outputs"));
  EXPECT_FALSE(json.contains("chain_outputs"));
}

TEST_F(WorkloadsTest, Recover) {
  const Json json =
      bench_verified(Arguments{"recover", "--mib", "2", "--concurrency", "50"} + kSmallHub);
  EXPECT_GT(json["recovery"].value("facts", 0), 0);
  EXPECT_GT(json["recovery"].value("bytes", 0), 0);
  EXPECT_GT(json.value("ledger_completed", 0), 0);
}

TEST_F(WorkloadsTest, MixedGoesOnInItsHub) {
  const Arguments hub = {"--dir", hub_path(), "--ledger", (folder() / "ledger").string()};
  const Arguments mixed = Arguments{"mixed", "--concurrency", "20", "--accounts", "20"} + kShort;
  bench_verified(mixed + hub + kSmallHub);
  bench_verified(mixed + hub + Arguments{"--resume", "--shards", "2"});
  const Json check = bench(Arguments{"check"} + hub);
  EXPECT_EQ(check["ledger_started"], check["ledger_completed"]);
  EXPECT_EQ(check["hub_running"], 0);
  EXPECT_EQ(check["histories"], check["hub_instances"]);
  EXPECT_GE(check["entities"], 20);
}

// Killed at least twice, and everything is checked at the end.
TEST_F(WorkloadsTest, Soak) {
  const Json json = bench(Arguments{"soak", "--seconds", "3", "--kill-every", "1", "--accounts",
                                    "20", "--concurrency", "20", "--checkpoint-facts", "1000"} +
                          kSmallHub);
  EXPECT_GE(json.value("kills", 0), 2);
  EXPECT_GT(json.value("ledger_completed", 0), 0);
  EXPECT_GT(json.value("histories", 0), 0);
  EXPECT_GT(json.value("entities", 0), 0);
  EXPECT_EQ(json["errors"], 0);
}

TEST_F(WorkloadsTest, BadArgumentsAreRefused) {
  EXPECT_NE(run({"bench"}).exit_code, 0);
  EXPECT_NE(run({"bench", "nonsense"}).exit_code, 0);
  EXPECT_NE(run({"bench", "hello", "--id-order", "none"}).exit_code, 0);
  EXPECT_NE(run({"bench", "hello", "--concurrency", "0"}).exit_code, 0);
  EXPECT_NE(run({"bench", "hello", "--resume"}).exit_code, 0);
  EXPECT_NE(run({"bench", "check"}).exit_code, 0);
  EXPECT_NE(run({"bench", "bank", "--accounts", "1"}).exit_code, 0);
  EXPECT_NE(run({"bench", "mixed", "--mix", "hello=1,none=2"}).exit_code, 0);
  EXPECT_NE(run({"bench", "hello", "--dir", "/proc/none", "--seconds", "0.1"}).exit_code, 0);
}

TEST_F(WorkloadsTest, Manage) {
  for (const char* order : {"time", "random"}) {
    const Json json = bench_verified(
        Arguments{"manage", "--count", "3000", "--id-order", order, "--concurrency", "50"} +
        kSmallHub + kLonger);
    EXPECT_GT(json.value("query_page_us_p50", 0.0), 0) << json.dump(2);
    EXPECT_GT(json.value("purged_per_s", 0.0), 0) << json.dump(2);
  }
}

}  // namespace
}  // namespace ingot::bench
