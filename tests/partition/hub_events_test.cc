// External events, and events between instances: kept until awaited, in order, exactly once.

#include <map>
#include <sstream>

#include "tests/support/hub_fixture.h"

namespace ingot::testing {
namespace {

using Kind = HistoryEventKind;

// Collects the data of `count` "value" events, then waits for "end". Input: "<count>".
Task<std::string> collect(OrchestrationContext& context) {
  const int count = std::stoi(std::string(context.input()));
  std::string text;
  for (int i = 0; i < count; ++i) {
    text += co_await context.wait_for_event("value");
    text += ' ';
  }
  context.set_custom_status("has all");
  co_await context.wait_for_event("end");
  co_return text;
}

// On each of three "go" events, sends `count` numbered events to each receiver, all in one step.
// Input: "<count> <receiver> <receiver> ...".
Task<std::string> spread(OrchestrationContext& context) {
  std::istringstream words{std::string(context.input())};
  int count = 0;
  words >> count;
  std::vector<std::string> receivers;
  for (std::string word; words >> word;) receivers.push_back(word);
  int next = 0;
  for (int round = 0; round < 3; ++round) {
    co_await context.wait_for_event("go");
    for (int i = 0; i < count; ++i, ++next) {
      const std::string data = std::string(context.instance_id()) + ":" + std::to_string(next);
      for (const std::string& receiver : receivers) context.send_event(receiver, "value", data);
    }
  }
  co_return std::to_string(next);
}

class HubEvents : public HubFixture, public ::testing::WithParamInterface<LogIo> {
 protected:
  HubEvents() {
    add_orchestrator("collect", collect);
    add_orchestrator("spread", spread);
    options.partitions = 3;
    options.io = GetParam();
  }

  void SetUp() override {
    Result<std::unique_ptr<TaskHub>> probe = TaskHub::open(path(), registry, options);
    if (probe.status().code() == StatusCode::unsupported) GTEST_SKIP() << probe.status().message();
  }

  void wait_for_custom_status(const std::string& id, const std::string& expected) {
    EXPECT_TRUE(eventually([&] {
      const Result<InstanceState> state = client().get_instance(id);
      return state.ok() && state->custom_status == expected;
    })) << id;
  }
};

TEST_P(HubEvents, AreKeptUntilTheyAreAwaitedInOrderByName) {
  add_orchestrator("late", [](OrchestrationContext& context) -> Task<std::string> {
    co_await context.wait_for_event("start");
    std::string text;
    for (int i = 0; i < 4; ++i) text += co_await context.wait_for_event("b");
    for (int i = 0; i < 4; ++i) text += co_await context.wait_for_event("a");
    co_return text;
  });
  open();
  const std::string id = start("late");
  for (int i = 0; i < 4; ++i) {
    raise(id, "a", std::to_string(i));
    raise(id, "b", std::to_string(i + 4));
    raise(id, "A", "another name");
    if (i == 1) reopen();
  }
  raise(id, "start");
  expect_output(finish(id), "45670123");
}

TEST_P(HubEvents, FromOneClientArriveInTheirOrder) {
  open();
  const std::string id = start("collect", "300");
  std::string expected;
  for (int i = 0; i < 300; ++i) {
    client().raise_event_async(id, "value", std::to_string(i),
                               [](const Status& status) { EXPECT_TRUE(status.ok()); });
    expected += std::to_string(i) + ' ';
  }
  raise(id, "end");
  expect_output(finish(id), expected);
}

TEST_P(HubEvents, DataMayBeEmptyOrBinary) {
  open();
  const std::string id = start("collect", "2");
  const std::string binary("\0\xFF\n\x80", 4);
  raise(id, "value", "");
  raise(id, "value", binary);
  raise(id, "end");
  expect_output(finish(id), " " + binary + " ");
}

TEST_P(HubEvents, ToTheMissingAndTheEndedAreRefused) {
  open();
  EXPECT_EQ(client().raise_event("nobody", "value", "x").code(), StatusCode::not_found);
  const std::string id = start("collect", "0", "ended");
  raise(id, "end");
  finish(id);
  const Status refused = client().raise_event(id, "value", "x");
  EXPECT_EQ(refused.code(), StatusCode::failed_precondition);
  EXPECT_NE(refused.message().find("ended"), std::string::npos);
  ASSERT_TRUE(hub().checkpoint().ok());
  reopen();
  EXPECT_EQ(client().raise_event(id, "value", "x").code(), StatusCode::failed_precondition);
  EXPECT_EQ(client().raise_event("nobody", "value", "x").code(), StatusCode::not_found);
}

TEST_P(HubEvents, SentToTheMissingAndTheEndedAreDropped) {
  open();
  raise(start("collect", "0", "ended"), "end");
  finish("ended");
  start("collect", "3", "alive");
  const std::string sender = start("spread", "1 nobody ended alive");
  for (int round = 0; round < 3; ++round) raise(sender, "go");
  expect_output(finish(sender), "3");
  const std::vector<HistoryEvent> sent = history(sender);
  EXPECT_EQ(count_kind(sent, Kind::event_sent), 9U);
  raise("alive", "end");
  // The client's "end" does not wait for the events that are still on their way.
  expect_output(finish("alive"), sender + ":0 " + sender + ":1 " + sender + ":2 ");
  EXPECT_EQ(finish("ended").status, RuntimeStatus::completed);
  EXPECT_EQ(client().get_instance("nobody").status().code(), StatusCode::not_found);
}

// Senders and receivers in all partitions; the hub is closed while messages are on their way.
TEST_P(HubEvents, BetweenInstancesArriveOnceAndInOrder) {
  constexpr int kSenders = 6;
  constexpr int kReceivers = 6;
  constexpr int kCount = 10;
  open();
  std::string input = std::to_string(kCount);
  std::vector<std::string> receivers;
  for (int r = 0; r < kReceivers; ++r) {
    receivers.push_back(
        start("collect", std::to_string(kSenders * kCount * 3), "receiver-" + std::to_string(r)));
    input += " " + receivers.back();
  }
  std::vector<std::string> senders;
  for (int s = 0; s < kSenders; ++s) {
    senders.push_back(start("spread", input, "sender-" + std::to_string(s)));
  }
  for (int round = 0; round < 3; ++round) {
    for (const std::string& sender : senders) raise(sender, "go");
    if (round == 1) {
      ASSERT_TRUE(hub().checkpoint().ok());
    }
    ASSERT_NO_FATAL_FAILURE(reopen());
  }
  for (const std::string& sender : senders) expect_output(finish(sender), "30");
  for (const std::string& receiver : receivers) wait_for_custom_status(receiver, "has all");
  // What was sent twice would come before "end".
  reopen();
  for (const std::string& receiver : receivers) {
    raise(receiver, "end");
    const InstanceState state = finish(receiver);
    EXPECT_EQ(state.status, RuntimeStatus::completed);
    std::map<std::string, int> next;
    std::istringstream words(state.output.value_or(""));
    int values = 0;
    for (std::string word; words >> word; ++values) {
      const std::size_t colon = word.find(':');
      ASSERT_NE(colon, std::string::npos);
      EXPECT_EQ(word.substr(colon + 1), std::to_string(next[word.substr(0, colon)]++)) << word;
    }
    EXPECT_EQ(values, kSenders * kCount * 3);
    EXPECT_EQ(next.size(), static_cast<std::size_t>(kSenders));
    EXPECT_EQ(count_kind(history(receiver), Kind::event_raised),
              static_cast<std::size_t>(kSenders * kCount * 3 + 1));
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, HubEvents, ::testing::Values(LogIo::uring, LogIo::pwritev2),
                         [](const auto& io) {
                           return io.param == LogIo::uring ? std::string("Uring")
                                                           : std::string("Pwritev2");
                         });

// One that has ended and lies in the store only must not hold up what comes behind it.
TEST_P(HubEvents, AnEventForOneThatHasEndedHoldsUpNoOther) {
  add_orchestrator("ends", [](OrchestrationContext&) -> Task<std::string> { co_return "ended"; });
  add_orchestrator("waits", [](OrchestrationContext& context) -> Task<std::string> {
    std::string data = co_await context.wait_for_event("go");
    co_return data;
  });
  add_orchestrator("sends", [](OrchestrationContext& context) -> Task<std::string> {
    context.send_event("ended", "go", "lost");
    context.send_event("never", "go", "lost");
    context.send_event(context.input(), "go", "taken");
    co_return "sent";
  });
  open();
  start("ends", "", "ended");
  expect_output(finish("ended"), "ended");
  must(hub().checkpoint());
  // Some of them within the partition of the one that has ended.
  for (int i = 0; i < 12; ++i) {
    const std::string id = start("waits", "");
    expect_output(run("sends", id), "sent");
    expect_output(finish(id), "taken");
  }
}

}  // namespace
}  // namespace ingot::testing
