// What clients ask of single orchestrations: starts with policies, requests that come twice,
// suspension, restart.

#include "tests/support/hub_fixture.h"

namespace ingot::testing {
namespace {

class HubClientTest : public HubFixture {
 protected:
  HubClientTest() {
    options.partitions = 3;
    add_orchestrator("echo", [](OrchestrationContext& context) -> Task<std::string> {
      std::string text(context.input());
      co_return text;
    });
    add_orchestrator("waits", [](OrchestrationContext& context) -> Task<std::string> {
      std::string text = co_await context.wait_for_event("go");
      text += co_await context.wait_for_event("go");
      co_return text;
    });
    add_orchestrator("fails", [](OrchestrationContext& context) -> Task<std::string> {
      if (context.input() != "never") throw std::runtime_error("as told");
      co_return "";
    });
  }

  Result<std::string> start_with(std::string_view name, StartOptions with) {
    return client().schedule_new_orchestration(name, std::move(with));
  }
  StatusCode start_code(std::string_view name, StartOptions with) {
    return start_with(name, std::move(with)).status().code();
  }
  RuntimeStatus status_of(std::string_view id) {
    const Result<InstanceState> state = client().get_instance(id);
    EXPECT_TRUE(state.ok()) << state.status().to_string();
    return state.ok() ? state->status : RuntimeStatus::pending;
  }
};

TEST_F(HubClientTest, AStartCarriesWhatItIsGiven) {
  open();
  StartOptions with;
  with.instance_id = "i";
  with.input = "in";
  with.version = "1.2";
  with.tags = {{"team", "blue"}, {"cost", ""}};
  with.trace_parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  with.scheduled_start = Timestamp();  // now
  ASSERT_TRUE(start_with("echo", with).ok());
  for (int round = 0; round < 2; ++round) {
    const InstanceState state = finish("i");
    expect_output(state, "in");
    EXPECT_EQ(state.version, "1.2");
    EXPECT_EQ(state.tags, with.tags);
    EXPECT_EQ(state.trace_parent, with.trace_parent);
    EXPECT_FALSE(state.scheduled_start.has_value());
    EXPECT_FALSE(state.parent_instance_id.has_value());
    reopen();
  }
}

TEST_F(HubClientTest, AnIdIsReusedAsThePolicySays) {
  open();
  StartOptions with;
  with.instance_id = "i";
  with.input = "1";
  ASSERT_TRUE(start_with("echo", with).ok());
  finish("i");
  EXPECT_EQ(start_code("echo", with), StatusCode::already_exists);
  with.replace = {RuntimeStatus::failed, RuntimeStatus::terminated};
  EXPECT_EQ(start_code("echo", with), StatusCode::already_exists);
  with.replace = {RuntimeStatus::completed};
  with.input = "2";
  ASSERT_TRUE(start_with("waits", with).ok());
  EXPECT_EQ(start_code("echo", with), StatusCode::already_exists);

  // A live one is terminated; those who wait for it hear of that.
  with.replace = {RuntimeStatus::pending, RuntimeStatus::running};
  EXPECT_EQ(start_code("echo", with), StatusCode::invalid_argument);
  with.replace.push_back(RuntimeStatus::terminated);
  std::atomic<int> ended{0};
  client().wait_for_completion_async("i", [&](const Result<InstanceState>& state) {
    ended = state.ok() && state->status == RuntimeStatus::terminated ? 1 : 2;
  });
  with.input = "3";
  ASSERT_TRUE(start_with("echo", with).ok());
  ASSERT_TRUE(eventually([&] { return ended.load() != 0; }));
  EXPECT_EQ(ended.load(), 1);
  expect_output(finish("i"), "3");
  reopen();
  expect_output(finish("i"), "3");
  const Result<InstanceCounts> counts = client().count_instances();
  ASSERT_TRUE(counts.ok());
  EXPECT_EQ((*counts)[RuntimeStatus::completed], 1U);
  EXPECT_EQ((*counts)[RuntimeStatus::terminated], 0U);
}

TEST_F(HubClientTest, ARequestThatComesTwiceIsCarriedOutOnce) {
  open();
  StartOptions with;
  with.instance_id = "i";
  with.request_id = 7;
  ASSERT_TRUE(start_with("waits", with).ok());
  must(client().raise_event("i", "go", "a", 8));
  for (int round = 0; round < 3; ++round) {
    const Result<std::string> again = start_with("waits", with);
    ASSERT_TRUE(again.ok()) << again.status().to_string();
    EXPECT_EQ(*again, "i");
    must(client().raise_event("i", "go", "a", 8));
    if (round == 0) must(hub().checkpoint());
    reopen();
  }
  with.request_id = 9;
  EXPECT_EQ(start_code("waits", with), StatusCode::already_exists);
  with.request_id = 7;
  must(client().raise_event("i", "go", "b", 10));
  expect_output(finish("i"), "ab");
  // Done is done, also when the instance could not take it any more.
  must(client().raise_event("i", "go", "b", 10));
  EXPECT_EQ(client().raise_event("i", "go", "b", 11).code(), StatusCode::failed_precondition);
  with.replace = {RuntimeStatus::completed};
  ASSERT_TRUE(start_with("waits", with).ok());
  EXPECT_EQ(status_of("i"), RuntimeStatus::completed);
}

TEST_F(HubClientTest, ARequestIdStandsForAnInstanceId) {
  open();
  StartOptions with;
  with.input = "x";
  with.request_id = 4711;
  const Result<std::string> id = start_with("echo", with);
  ASSERT_TRUE(id.ok());
  finish(*id);
  reopen();
  const Result<std::string> again = start_with("echo", with);
  ASSERT_TRUE(again.ok()) << again.status().to_string();
  EXPECT_EQ(*again, *id);
  with.request_id = 4712;
  const Result<std::string> other = start_with("echo", with);
  ASSERT_TRUE(other.ok());
  EXPECT_NE(*other, *id);
  std::atomic<bool> completed{false};
  client().run_async(
      "echo", with, [](const Result<std::string>&) {},
      [&](const Result<InstanceState>& state) { completed = state.ok(); });
  EXPECT_TRUE(eventually([&] { return completed.load(); }));
}

TEST_F(HubClientTest, ASuspendedInstanceWaits) {
  open();
  start("waits", "", "i");
  ASSERT_TRUE(client().wait_for_start("i", kLong).ok());
  must(client().suspend("i", "hold on", 1));
  ASSERT_TRUE(eventually([&] { return status_of("i") == RuntimeStatus::suspended; }));
  raise("i", "go", "a");
  raise("i", "go", "b");
  reopen();
  EXPECT_EQ(status_of("i"), RuntimeStatus::suspended);
  EXPECT_EQ(client().wait_for_completion("i", std::chrono::milliseconds(20)).status().code(),
            StatusCode::timed_out);
  must(client().resume("i", "go on"));
  expect_output(finish("i"), "ab");
  EXPECT_EQ(client().suspend("i", "").code(), StatusCode::failed_precondition);
  EXPECT_EQ(client().resume("nobody", "").code(), StatusCode::not_found);
  must(client().suspend("i", "hold on", 1));  // was carried out

  start("waits", "", "j");
  must(client().suspend("j", ""));
  must(client().terminate("j", "enough"));
  EXPECT_EQ(finish("j").status, RuntimeStatus::terminated);
}

TEST_F(HubClientTest, WhatHasEndedIsRestarted) {
  open();
  StartOptions with;
  with.instance_id = "i";
  with.input = "in";
  with.version = "v";
  with.tags = {{"a", "b"}};
  ASSERT_TRUE(start_with("echo", with).ok());
  const InstanceState first = finish("i");
  EXPECT_EQ(client().restart("nobody").status().code(), StatusCode::not_found);
  EXPECT_EQ(client().restart("nobody", true).status().code(), StatusCode::not_found);
  for (int round = 0; round < 2; ++round) {
    const Result<std::string> same = client().restart("i", false, 5);
    ASSERT_TRUE(same.ok()) << same.status().to_string();
    EXPECT_EQ(*same, "i");
    const InstanceState second = finish("i");
    expect_output(second, "in");
    EXPECT_NE(second.execution_id, first.execution_id);
    EXPECT_EQ(second.version, "v");
    EXPECT_EQ(second.tags, with.tags);
    reopen();
  }
  const Result<std::string> fresh = client().restart("i", true, 6);
  ASSERT_TRUE(fresh.ok());
  EXPECT_NE(*fresh, "i");
  expect_output(finish(*fresh), "in");
  const Result<std::string> again = client().restart("i", true, 6);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(*again, *fresh);

  start("waits", "", "w");
  EXPECT_EQ(client().restart("w").status().code(), StatusCode::failed_precondition);
  EXPECT_TRUE(client().restart("w", true).ok());
  const Result<InstanceCounts> counts = client().count_instances();
  ASSERT_TRUE(counts.ok());
  EXPECT_EQ((*counts)[RuntimeStatus::completed], 2U);
}

TEST_F(HubClientTest, TerminationReachesTheChildrenIfAsked) {
  add_orchestrator("parent", [](OrchestrationContext& context) -> Task<std::string> {
    std::string child = "child of " + std::string(context.input());
    std::string text = co_await context.call_sub_orchestration("waits", "", child);
    co_return text;
  });
  open();
  for (const std::string id : {"p", "q"}) {
    start("parent", id, id);
    ASSERT_TRUE(eventually([&] { return client().get_instance("child of " + id).ok(); }));
    const Result<InstanceState> child = client().get_instance("child of " + id);
    ASSERT_TRUE(child.ok());
    EXPECT_EQ(child->parent_instance_id.value_or(""), id);
    must(client().terminate(id, "enough", id == "p"));
    EXPECT_EQ(finish(id).status, RuntimeStatus::terminated);
  }
  EXPECT_EQ(finish("child of p").status, RuntimeStatus::terminated);
  raise("child of q", "go", "a");
  raise("child of q", "go", "b");
  expect_output(finish("child of q"), "ab");
}

TEST_F(HubClientTest, AnEntityIsNoOrchestration) {
  open();
  const std::string id = "@counter@x";
  StartOptions with;
  with.instance_id = id;
  EXPECT_EQ(start_code("echo", with), StatusCode::invalid_argument);
  EXPECT_EQ(client().raise_event(id, "go", "").code(), StatusCode::invalid_argument);
  EXPECT_EQ(client().terminate(id, "").code(), StatusCode::invalid_argument);
  EXPECT_EQ(client().suspend(id, "").code(), StatusCode::invalid_argument);
  EXPECT_EQ(client().rewind(id, "").code(), StatusCode::invalid_argument);
  EXPECT_EQ(client().restart(id).status().code(), StatusCode::invalid_argument);
  EXPECT_EQ(client().purge_instance(id).status().code(), StatusCode::invalid_argument);
  EXPECT_EQ(client().get_instance(id).status().code(), StatusCode::invalid_argument);
  EXPECT_EQ(client().get_history(id).status().code(), StatusCode::invalid_argument);
  // An '@' alone makes no entity.
  expect_output(finish(start("echo", "x", "@not an entity")), "x");
}

TEST_F(HubClientTest, InstancesAreCountedByStatus) {
  open();
  for (int i = 0; i < 20; ++i) finish(start("echo"));
  for (int i = 0; i < 5; ++i) finish(start("fails"));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client().wait_for_start(start("waits"), kLong).ok());
  }
  for (int round = 0; round < 3; ++round) {
    const Result<InstanceCounts> counts = client().count_instances();
    ASSERT_TRUE(counts.ok());
    EXPECT_EQ((*counts)[RuntimeStatus::completed], 20U);
    EXPECT_EQ((*counts)[RuntimeStatus::failed], 5U);
    EXPECT_EQ((*counts)[RuntimeStatus::running], 3U);
    EXPECT_EQ((*counts)[RuntimeStatus::pending], 0U);
    EXPECT_EQ(counts->entities, 0U);
    if (round == 0) must(hub().checkpoint());
    reopen();
  }
}

}  // namespace
}  // namespace ingot::testing
