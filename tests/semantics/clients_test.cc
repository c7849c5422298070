// What clients are told: what is missing, what must not be done, waits that are given up, and the
// bounds of queries.

#include "tests/semantics/stage.h"

namespace ingot::semantics {
namespace {

using std::chrono::milliseconds;

Task<std::string> waits(OrchestrationContext& context) {
  std::string text = co_await context.wait_for_event("go");
  co_return text;
}

Task<std::string> ends(OrchestrationContext& context) {
  const std::string input(context.input());
  if (input == "fail") throw std::runtime_error("asked to fail");
  if (input == "child") {
    std::string text = co_await context.call_sub_orchestration("ends", "x", "/the child");
    co_return text;
  }
  co_return input;
}

// What each call about an instance answers with.
std::vector<StatusCode> answers_about(Stage& stage, const std::string& id) {
  std::vector<StatusCode> codes;
  const auto ask = [&](auto call) {
    auto answer = stage.ask(call);
    if constexpr (std::is_same_v<decltype(answer), Status>) {
      codes.push_back(answer.code());
    } else {
      codes.push_back(answer.status().code());
    }
  };
  ask([&](Client& with) { return with.get_instance(id); });
  ask([&](Client& with) { return with.get_history(id); });
  ask([&](Client& with) { return with.wait_for_start(id, std::chrono::seconds(60)); });
  ask([&](Client& with) { return with.wait_for_completion(id, std::chrono::seconds(60)); });
  codes.push_back(stage.try_raise(id, "go").code());
  codes.push_back(stage.suspend(id).code());
  codes.push_back(stage.resume(id).code());
  codes.push_back(stage.terminate(id).code());
  codes.push_back(stage.terminate(id, "all of it", true).code());
  codes.push_back(stage.restart(id).status().code());
  codes.push_back(stage.restart(id, true).status().code());
  codes.push_back(stage.rewind(id).code());
  return codes;
}

SCENARIO(Clients, AreToldWhatIsMissing) {
  stage.add("ends", ends);
  stage.open();
  for (const StatusCode code : answers_about(stage, "nobody")) {
    EXPECT_EQ(code, StatusCode::not_found);
  }
  EXPECT_EQ(stage.purge("nobody").value(), 0U);
  EXPECT_EQ(stage.purge("nobody", true).value(), 0U);
  stage.start("ends", "x", "gone");
  stage.expect("gone", "x");
  EXPECT_EQ(stage.purge("gone").value(), 1U);
  for (const StatusCode code : answers_about(stage, "gone")) {
    EXPECT_EQ(code, StatusCode::not_found);
  }
}

SCENARIO(Clients, AreToldOfWrongIds) {
  stage.add("ends", ends);
  stage.open();
  const std::string long_id(257, 'x');
  for (const std::string& id : {std::string(), std::string("\x01"), std::string("a\nb"), long_id,
                                std::string("\xFF"), std::string("@counter@x")}) {
    for (const StatusCode code : answers_about(stage, id)) {
      EXPECT_EQ(code, StatusCode::invalid_argument) << id;
    }
    EXPECT_EQ(stage.purge(id).status().code(), StatusCode::invalid_argument) << id;
    if (id.empty()) continue;  // one is made
    StartOptions start;
    start.instance_id = id;
    EXPECT_EQ(stage.try_start("ends", start).status().code(), StatusCode::invalid_argument) << id;
  }
  for (const EntityId& id : {EntityId("", "x"), EntityId("a@b", "x"), EntityId("a", long_id)}) {
    const auto signal = [&](Client& with) { return with.signal_entity(id, "add"); };
    EXPECT_EQ(stage.ask(signal).code(), StatusCode::invalid_argument) << to_string(id);
    const auto get = [&](Client& with) { return with.get_entity(id); };
    EXPECT_EQ(stage.ask(get).status().code(), StatusCode::invalid_argument) << to_string(id);
  }
}

SCENARIO(Clients, AreToldWhatAPolicyContradicts) {
  stage.add("ends", ends);
  stage.open();
  using enum RuntimeStatus;
  const auto start = [&](std::vector<RuntimeStatus> replace) {
    StartOptions options;
    options.instance_id = "one";
    options.input = "x";
    options.replace = std::move(replace);
    return stage.try_start("ends", options).status().code();
  };
  for (const RuntimeStatus live : {pending, running, suspended}) {
    EXPECT_EQ(start({live}), StatusCode::invalid_argument) << to_string(live);
    EXPECT_EQ(start({live, completed, failed}), StatusCode::invalid_argument) << to_string(live);
  }
  EXPECT_EQ(stage.get("one").status().code(), StatusCode::not_found);
  EXPECT_EQ(start({pending, running, suspended, terminated}), StatusCode::ok);
  stage.expect("one", "x");
  EXPECT_EQ(start({pending, running, suspended, terminated}), StatusCode::already_exists);
  stage.expect("one", "x");
}

SCENARIO(Clients, AreToldWhatMustHaveEndedOrFailed) {
  stage.add("ends", ends);
  stage.add("waits", waits);
  stage.open();
  StartOptions later;
  later.instance_id = "pending";
  later.scheduled_start = stage.now() + std::chrono::hours(24 * 365);
  EXPECT_TRUE(stage.try_start("ends", later).ok());
  stage.start("waits", "", "running");
  stage.start("waits", "", "suspended");
  stage.wait_for_start("running");
  stage.wait_for_start("suspended");
  EXPECT_TRUE(stage.suspend("suspended").ok());
  for (const char* id : {"pending", "running", "suspended"}) {
    EXPECT_EQ(stage.purge(id).status().code(), StatusCode::failed_precondition) << id;
    EXPECT_EQ(stage.purge(id, true).status().code(), StatusCode::failed_precondition) << id;
    EXPECT_EQ(stage.restart(id).status().code(), StatusCode::failed_precondition) << id;
    EXPECT_EQ(stage.rewind(id).code(), StatusCode::failed_precondition) << id;
    EXPECT_TRUE(stage.terminate(id).ok()) << id;
    stage.expect_status(id, RuntimeStatus::terminated);
    EXPECT_EQ(stage.rewind(id).code(), StatusCode::failed_precondition) << id;
  }
  stage.start("ends", "x", "completed");
  stage.expect("completed", "x");
  EXPECT_EQ(stage.rewind("completed").code(), StatusCode::failed_precondition);
  // What has ended takes no message.
  for (const char* id : {"pending", "completed"}) {
    EXPECT_EQ(stage.try_raise(id, "go").code(), StatusCode::failed_precondition) << id;
    EXPECT_EQ(stage.suspend(id).code(), StatusCode::failed_precondition) << id;
    EXPECT_EQ(stage.resume(id).code(), StatusCode::failed_precondition) << id;
    EXPECT_EQ(stage.terminate(id).code(), StatusCode::failed_precondition) << id;
  }
}

SCENARIO(Clients, WaitsEndWhenTheCallerLeaves) {
  stage.add("waits", waits);
  stage.open();
  const std::string id = stage.start("waits");
  stage.wait_for_start(id);
  const auto told = std::make_shared<std::atomic<int>>(0);
  const auto code = std::make_shared<std::atomic<StatusCode>>(StatusCode::ok);
  const Status left = stage.ask([&](Client& with) {
    const std::uint64_t wait =
        with.wait_for_completion_async(id, [told, code](const Result<InstanceState>& state) {
          *code = state.status().code();
          ++*told;
        });
    with.cancel_wait(id, wait);
    return Status();
  });
  EXPECT_TRUE(left.ok());
  EXPECT_TRUE(stage.until([&] { return *told != 0; }));
  // A power loss ends it as well.
  if (stage.simulated() == nullptr) {
    EXPECT_EQ(code->load(), StatusCode::timed_out);
  }
  stage.raise(id, "go", "on");
  stage.expect(id, "on");
  EXPECT_EQ(*told, 1);
}

// --- bounds -----------------------------------------------------------------------------------

std::vector<std::string> ids_of(Stage& stage, InstanceQuery query) {
  std::vector<std::string> ids;
  do {
    const Result<InstancePage> page =
        stage.ask([&](Client& with) { return with.query_instances(query); });
    EXPECT_TRUE(page.ok()) << page.status().to_string();
    if (!page.ok()) break;
    for (const InstanceState& state : page->instances) ids.push_back(state.instance_id);
    query.continuation_token = page->continuation_token;
  } while (!query.continuation_token.empty());
  return ids;
}

SCENARIO(Clients, TimesOfAQueryBeginWithTheFirstAndEndBeforeTheLast) {
  stage.add("ends", ends);
  stage.open();
  stage.start("ends", "x", "a");
  stage.expect("a", "x");
  stage.let_pass(milliseconds(5));
  stage.start("ends", "x", "b");
  stage.expect("b", "x");
  const InstanceState a = *stage.get("a");
  const InstanceState b = *stage.get("b");
  const std::vector<std::string> only_a{"a"};
  const std::vector<std::string> both{"a", "b"};
  InstanceQuery created;
  created.created_from = a.created_at;
  created.created_to = b.created_at;
  EXPECT_EQ(ids_of(stage, created), only_a);
  created.created_to = b.created_at + Duration(1);
  EXPECT_EQ(ids_of(stage, created), both);
  InstanceQuery completed;
  completed.completed_from = a.completed_at;
  completed.completed_to = b.completed_at;
  EXPECT_EQ(ids_of(stage, completed), only_a);
  completed.completed_to = *b.completed_at + Duration(1);
  EXPECT_EQ(ids_of(stage, completed), both);
  completed.completed_from = *b.completed_at + Duration(1);
  EXPECT_TRUE(ids_of(stage, completed).empty());
}

SCENARIO(Clients, PayloadsAreLeftOutIfTheyAreNotWanted) {
  stage.add("says", [](OrchestrationContext& context) -> Task<std::string> {
    context.set_custom_status("said");
    std::string input(context.input());
    if (input == "fail") throw std::runtime_error("failed");
    co_return input;
  });
  stage.open();
  stage.start("says", "x", "a");
  stage.start("says", "fail", "b");
  stage.expect("a", "x");
  stage.expect_status("b", RuntimeStatus::failed);
  for (const bool wanted : {true, false}) {
    InstanceQuery query;
    query.with_payloads = wanted;
    query.page_size = 2;
    const Result<InstancePage> page =
        stage.ask([&](Client& with) { return with.query_instances(query); });
    ASSERT_TRUE(page.ok()) << page.status().to_string();
    ASSERT_EQ(page->instances.size(), 2U);
    EXPECT_TRUE(page->continuation_token.empty()) << "the last page has a token";
    const Result<InstanceState> one =
        stage.ask([&](Client& with) { return with.get_instance("a", wanted); });
    ASSERT_TRUE(one.ok()) << one.status().to_string();
    for (const InstanceState& state : {page->instances[0], page->instances[1], *one}) {
      EXPECT_EQ(state.input.has_value(), wanted) << state.instance_id;
      EXPECT_EQ(state.custom_status.has_value(), wanted) << state.instance_id;
      EXPECT_EQ(state.output.has_value(), wanted && state.instance_id == "a");
      EXPECT_EQ(state.failure.has_value(), wanted && state.instance_id == "b");
      EXPECT_TRUE(is_terminal(state.status));
    }
  }
}

SCENARIO(Clients, PurgeAPeriodOrWithTheChildren) {
  stage.add("ends", ends);
  stage.open();
  stage.start("ends", "x", "old");
  stage.expect("old", "x");
  stage.let_pass(milliseconds(5));
  const Timestamp middle = stage.now();
  stage.let_pass(milliseconds(5));
  stage.start("ends", "x", "new");
  stage.start("ends", "child", "parent");
  stage.expect("new", "x");
  stage.expect("parent", "x");
  const auto purge = [&](const PurgeFilter& filter) {
    const Result<PurgeResult> purged = stage.ask(
        [&](Client& with) { return with.purge_instances(filter, std::chrono::seconds(60)); });
    EXPECT_TRUE(purged.ok() && purged->complete) << purged.status().to_string();
  };
  PurgeFilter period;
  period.completed_to = middle;
  purge(period);
  EXPECT_EQ(ids_of(stage, {}), (std::vector<std::string>{"/the child", "new", "parent"}));
  PurgeFilter tree;
  tree.prefix = "parent";
  tree.recursive = true;
  purge(tree);
  EXPECT_EQ(ids_of(stage, {}), std::vector<std::string>{"new"});
  PurgeFilter none;
  none.statuses = {RuntimeStatus::running};
  purge(none);
  EXPECT_EQ(ids_of(stage, {}), std::vector<std::string>{"new"});
}

}  // namespace
}  // namespace ingot::semantics
