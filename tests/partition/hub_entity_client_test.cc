// What clients ask of entities: signals, states, queries, clean-up.

#include <algorithm>

#include "tests/support/hub_fixture.h"

namespace ingot::testing {
namespace {

using std::chrono::milliseconds;

class HubEntityClient : public HubFixture {
 protected:
  HubEntityClient() {
    options.partitions = 3;
    must(registry.add_entity("counter", [](EntityContext& context) -> std::string {
      long value = std::stol(std::string(context.state().value_or("0")));
      if (context.operation() == "add") {
        value += std::stol(std::string(context.input()));
        context.set_state(std::to_string(value));
      } else if (context.operation() == "delete") {
        context.delete_state();
      }
      return std::to_string(value);
    }));
  }

  void signal(const EntityId& id, std::string_view operation, std::string_view input = {},
              SignalOptions with = {}) {
    must(client().signal_entity(id, operation, input, std::move(with)));
  }
  static SignalOptions as_request(std::uint64_t request_id) {
    SignalOptions with;
    with.request_id = request_id;
    return with;
  }
  static SignalOptions due(Timestamp at) {
    SignalOptions with;
    with.at = at;
    return with;
  }
  std::string state_of(const EntityId& id) {
    const Result<EntityState> state = client().get_entity(id);
    if (!state.ok()) return std::string(to_string(state.status().code()));
    return state->state.value_or("(none)");
  }
  bool becomes(const EntityId& id, const std::string& state) {
    return eventually([&] { return state_of(id) == state; });
  }
  std::vector<std::string> ids_of(EntityQuery query) {
    std::vector<std::string> ids;
    do {
      const Result<EntityPage> page = client().query_entities(query);
      EXPECT_TRUE(page.ok()) << page.status().to_string();
      if (!page.ok()) break;
      for (const EntityState& state : page->entities) ids.push_back(to_string(state.id));
      query.continuation_token = page->continuation_token;
    } while (!query.continuation_token.empty());
    EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
    return ids;
  }
};

TEST_F(HubEntityClient, ASignalMakesAnEntity) {
  open();
  const EntityId id("Counter", "x");
  EXPECT_EQ(state_of(id), "not_found");
  for (int i = 1; i <= 10; ++i) signal(id, "add", std::to_string(i));
  EXPECT_TRUE(becomes(id, "55"));
  for (int round = 0; round < 2; ++round) {
    reopen();
    EXPECT_EQ(state_of(id), "55");
    must(hub().checkpoint());
  }
  signal(id, "add", "1");
  EXPECT_TRUE(becomes(id, "56"));
  const Result<EntityState> state = client().get_entity(id, false);
  ASSERT_TRUE(state.ok());
  EXPECT_TRUE(state->has_state);
  EXPECT_FALSE(state->state.has_value());
  EXPECT_EQ(state->id, id);
  EXPECT_EQ(state->queued_operations, 0U);
  EXPECT_EQ(state->locked_by, "");
  EXPECT_LE(state->created_at, state->last_updated_at);
  const Result<InstancePage> page = client().query_instances({});
  ASSERT_TRUE(page.ok());
  EXPECT_TRUE(page->instances.empty());
  const Result<InstanceCounts> counts = client().count_instances();
  ASSERT_TRUE(counts.ok());
  EXPECT_EQ(counts->entities, 1U);
}

TEST_F(HubEntityClient, ASignalThatComesTwiceCountsOnce) {
  open();
  const EntityId id("counter", "x");
  for (int round = 0; round < 3; ++round) {
    signal(id, "add", "1", as_request(77));
    signal(id, "add", "10", as_request(78));
    if (round == 1) must(hub().checkpoint());
    reopen();
  }
  EXPECT_TRUE(becomes(id, "11"));
  signal(id, "add", "100", as_request(79));
  EXPECT_TRUE(becomes(id, "111"));
}

TEST_F(HubEntityClient, AScheduledSignalWaits) {
  open();
  const EntityId id("counter", "x");
  signal(id, "add", "1", due(wall_clock() + std::chrono::hours(1)));
  signal(id, "add", "10", due(wall_clock() - std::chrono::hours(1)));
  EXPECT_TRUE(becomes(id, "10"));
  reopen();
  signal(id, "add", "100", due(wall_clock() + milliseconds(50)));
  EXPECT_TRUE(becomes(id, "110"));
}

TEST_F(HubEntityClient, EntitiesAreQueried) {
  must(registry.add_entity("other", [](EntityContext&) -> std::string { return ""; }));
  open();
  std::vector<std::string> expected;
  for (int i = 0; i < 40; ++i) {
    const EntityId id("counter", (i < 20 ? "a" : "b") + std::to_string(100 + i));
    signal(id, "add", "1");
    expected.push_back(to_string(id));
  }
  for (int i = 0; i < 5; ++i) signal(EntityId("other", std::to_string(i)), "nothing");
  for (const std::string& id : expected) ASSERT_TRUE(becomes(*parse_entity_id(id), "1"));
  for (int round = 0; round < 3; ++round) {
    EntityQuery query;
    query.page_size = 7;
    EXPECT_EQ(ids_of(query), expected);
    query.include_transient = true;
    EXPECT_EQ(ids_of(query).size(), 45U);
    query.prefix = "@counter@b";
    EXPECT_EQ(ids_of(query), std::vector<std::string>(expected.begin() + 20, expected.end()));
    query.prefix = "Counter@a1";
    EXPECT_EQ(ids_of(query), std::vector<std::string>(expected.begin(), expected.begin() + 20));
    query.prefix = "counter@";
    query.updated_to = wall_clock() - std::chrono::hours(1);
    EXPECT_TRUE(ids_of(query).empty());
    if (round == 0) must(hub().checkpoint());
    reopen();
  }
  EntityQuery bad;
  bad.page_size = 0;
  EXPECT_EQ(client().query_entities(bad).status().code(), StatusCode::invalid_argument);
  bad.page_size = 1;
  bad.continuation_token = "?";
  EXPECT_EQ(client().query_entities(bad).status().code(), StatusCode::invalid_argument);
}

TEST_F(HubEntityClient, EmptyEntitiesAreRemoved) {
  open();
  for (int i = 0; i < 30; ++i) {
    const EntityId id("counter", std::to_string(i));
    signal(id, "add", "1");
    if (i % 3 == 0) signal(id, "delete");
  }
  EntityQuery all;
  all.include_transient = true;
  EntityQuery with_state;
  ASSERT_TRUE(eventually([&] { return ids_of(with_state).size() == 20; }));
  const EntityId later("counter", "0");
  signal(later, "add", "5", due(wall_clock() + std::chrono::hours(1)));
  must(hub().checkpoint());
  Result<EntityCleanup> done = client().clean_entity_storage(false, true);
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(done->empty_entities_removed, 0U);
  done = client().clean_entity_storage();
  ASSERT_TRUE(done.ok()) << done.status().to_string();
  EXPECT_EQ(done->empty_entities_removed, 9U);  // one has a signal to come
  EXPECT_EQ(done->orphaned_locks_released, 0U);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(ids_of(all).size(), 21U);
    EXPECT_EQ(state_of(EntityId("counter", "3")), "not_found");
    reopen();
  }
  signal(EntityId("counter", "3"), "add", "2");
  EXPECT_TRUE(becomes(EntityId("counter", "3"), "2"));
}

TEST_F(HubEntityClient, OnlyLocksOfWhoLivesAreKept) {
  add_orchestrator("locks", [](OrchestrationContext& context) -> Task<std::string> {
    const EntityId id("counter", "x");
    EntityLock lock = co_await context.lock_entities(id);
    context.set_custom_status("locked");
    std::string text = co_await context.wait_for_event("go");
    lock.release();
    co_return text;
  });
  open();
  const EntityId id("counter", "x");
  start("locks", "", "owner");
  ASSERT_TRUE(eventually([&] {
    const Result<EntityState> state = client().get_entity(id);
    return state.ok() && state->locked_by == "owner";
  }));
  signal(id, "add", "1");
  const Result<EntityCleanup> done = client().clean_entity_storage();
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(done->orphaned_locks_released, 0U);
  EXPECT_EQ(state_of(id), "(none)");
  reopen();
  raise("owner", "go", "!");
  expect_output(finish("owner"), "!");
  EXPECT_TRUE(becomes(id, "1"));
}

TEST_F(HubEntityClient, WrongIdsAreRefused) {
  open();
  for (const EntityId& id : {EntityId("", "x"), EntityId("a@b", "x"),
                             EntityId("a", std::string(300, 'x')), EntityId("a", "\n")}) {
    EXPECT_EQ(client().signal_entity(id, "add").code(), StatusCode::invalid_argument);
    EXPECT_EQ(client().get_entity(id).status().code(), StatusCode::invalid_argument);
  }
  EXPECT_EQ(client().signal_entity(EntityId("a", "b"), "").code(), StatusCode::invalid_argument);
}

}  // namespace
}  // namespace ingot::testing
