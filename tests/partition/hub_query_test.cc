// query_instances() against a model that knows every instance.

#include <algorithm>
#include <array>
#include <iostream>
#include <map>
#include <mutex>
#include <set>

#include "core/random.h"
#include "tests/support/hub_fixture.h"

namespace ingot::testing {
namespace {

using Model = std::map<std::string, InstanceState>;

class HubQuery : public HubFixture {
 protected:
  HubQuery() {
    options.partitions = 3;
    add_orchestrator("ends", [](OrchestrationContext& context) -> Task<std::string> {
      if (context.input() == "fail") throw std::runtime_error("as told");
      std::string text(context.input());
      co_return text;
    });
    add_orchestrator("waits", [](OrchestrationContext& context) -> Task<std::string> {
      context.set_custom_status("waiting");
      std::string text = co_await context.wait_for_event("go");
      co_return text;
    });
  }

  // All pages of a query.
  std::vector<InstanceState> all_of(InstanceQuery query) {
    std::vector<InstanceState> found;
    for (int pages = 0; pages < 2000; ++pages) {
      const Result<InstancePage> page = client().query_instances(query);
      EXPECT_TRUE(page.ok()) << page.status().to_string();
      if (!page.ok()) return found;
      EXPECT_LE(page->instances.size(), query.page_size);
      const bool last = page->continuation_token.empty();
      EXPECT_TRUE(last || page->instances.size() == query.page_size);
      found.insert(found.end(), page->instances.begin(), page->instances.end());
      if (last) return found;
      query.continuation_token = page->continuation_token;
    }
    ADD_FAILURE() << "the pages do not end";
    return found;
  }

  static std::vector<std::string> expected(const Model& model, const InstanceQuery& query) {
    std::vector<std::string> ids;
    for (const auto& [id, state] : model) {
      if (id.rfind(query.prefix, 0) != 0) continue;
      const auto& statuses = query.statuses;
      if (!statuses.empty() &&
          std::find(statuses.begin(), statuses.end(), state.status) == statuses.end()) {
        continue;
      }
      if (query.created_from && state.created_at < *query.created_from) continue;
      if (query.created_to && state.created_at >= *query.created_to) continue;
      if (query.completed_from || query.completed_to) {
        if (!state.completed_at) continue;
        if (query.completed_from && *state.completed_at < *query.completed_from) continue;
        if (query.completed_to && *state.completed_at >= *query.completed_to) continue;
      }
      const auto& names = query.names;
      if (!names.empty() && std::find(names.begin(), names.end(), state.name) == names.end()) {
        continue;
      }
      ids.push_back(id);
    }
    if (query.descending) std::reverse(ids.begin(), ids.end());
    return ids;
  }

  void compare(const Model& model, const InstanceQuery& query) {
    const std::vector<InstanceState> found = all_of(query);
    std::vector<std::string> ids;
    for (const InstanceState& state : found) ids.push_back(state.instance_id);
    ASSERT_EQ(ids, expected(model, query)) << "prefix '" << query.prefix << "'";
    for (const InstanceState& state : found) {
      const InstanceState& known = model.at(state.instance_id);
      EXPECT_EQ(state.status, known.status);
      EXPECT_EQ(state.name, known.name);
      EXPECT_EQ(state.created_at, known.created_at);
      EXPECT_EQ(state.completed_at, known.completed_at);
      if (query.with_payloads) {
        EXPECT_EQ(state.input, known.input);
        EXPECT_EQ(state.output, known.output);
        EXPECT_EQ(state.custom_status, known.custom_status);
        EXPECT_EQ(state.failure, known.failure);
      } else {
        EXPECT_FALSE(state.input || state.output || state.custom_status || state.failure);
      }
    }
  }

  void compare_many(const Model& model, Random& random) {
    constexpr std::array<std::uint32_t, 5> kPageSizes = {1, 2, 7, 100, 1000};
    constexpr std::array<RuntimeStatus, 5> kStatuses = {
        RuntimeStatus::pending, RuntimeStatus::running, RuntimeStatus::completed,
        RuntimeStatus::failed, RuntimeStatus::terminated};
    std::vector<std::string> ids;
    for (const auto& [id, state] : model) ids.push_back(id);
    for (int n = 0; n < 12; ++n) {
      InstanceQuery query;
      query.page_size = kPageSizes.at(random.below(kPageSizes.size()));
      query.with_payloads = random.one_in(2);
      const std::string& some = ids[random.below(ids.size())];
      if (!random.one_in(3)) query.prefix = some.substr(0, random.below(some.size() + 1));
      if (random.one_in(10)) query.prefix += "!";
      for (const RuntimeStatus status : kStatuses) {
        if (random.one_in(4)) query.statuses.push_back(status);
      }
      if (random.one_in(4)) query.statuses = {RuntimeStatus::running, RuntimeStatus::pending};
      if (random.one_in(4)) query.created_from = model.at(ids[random.below(ids.size())]).created_at;
      if (random.one_in(4)) query.created_to = model.at(ids[random.below(ids.size())]).created_at;
      const auto some_end = [&] { return model.at(ids[random.below(ids.size())]).completed_at; };
      if (random.one_in(8)) query.completed_from = some_end();
      if (random.one_in(8)) query.completed_to = some_end();
      if (random.one_in(5)) query.names = {"waits", "none"};
      query.descending = random.one_in(2);
      ASSERT_NO_FATAL_FAILURE(compare(model, query));
    }
  }

  // Creates an instance that gets into one of the statuses and stays there.
  void add_instance(Model& model, const std::string& id, Random& random) {
    StartOptions start_options;
    start_options.instance_id = id;
    const std::uint64_t kind = random.below(5);
    const bool ends = kind < 2;
    start_options.input = kind == 0 ? "fail" : "input of " + id;
    if (kind == 2) start_options.scheduled_start = wall_clock() + std::chrono::hours(1);
    const Result<std::string> started =
        client().schedule_new_orchestration(ends ? "ends" : "waits", start_options);
    ASSERT_TRUE(started.ok()) << started.status().to_string();
    if (kind > 2) {
      ASSERT_TRUE(client().wait_for_start(id, kLong).ok());
    }
    if (kind == 3) must(client().terminate(id, "as told"));
    if (ends || kind == 3) finish(id);
    remember(model, id);
  }
  void remember(Model& model, const std::string& id) {
    const Result<InstanceState> state = client().get_instance(id);
    ASSERT_TRUE(state.ok()) << state.status().to_string();
    model[id] = *state;
  }
};

TEST_F(HubQuery, FindsWhatAModelFinds) {
  const std::uint64_t seed = entropy64();
  std::cout << "seed " << seed << std::endl;
  Random random(seed);
  open();
  Model model;
  const auto grow = [&](int count) {
    static const std::array<std::string, 6> kLetters = {"a", "b", "-", "/", "Z", "é"};
    for (int n = 0; n < count; ++n) {
      std::string id;
      for (std::uint64_t length = 1 + random.below(5); length != 0; --length) {
        id += kLetters.at(random.below(kLetters.size()));
      }
      if (model.count(id) == 0) {
        ASSERT_NO_FATAL_FAILURE(add_instance(model, id, random));
      }
    }
  };
  const auto end_some = [&] {
    for (auto& [id, state] : model) {
      if (state.status != RuntimeStatus::running || !random.one_in(3)) continue;
      raise(id, "go", "gone");
      finish(id);
      remember(model, id);
    }
  };
  // Ids that the store has as finished are gone, or live again.
  const auto purge_some = [&] {
    std::vector<std::string> finished;
    for (const auto& [id, state] : model) {
      if (is_terminal(state.status) && random.one_in(4)) finished.push_back(id);
    }
    for (const std::string& id : finished) {
      ASSERT_TRUE(client().purge_instance(id).ok());
      model.erase(id);
      if (random.one_in(2)) {
        ASSERT_NO_FATAL_FAILURE(add_instance(model, id, random));
      }
    }
  };
  grow(80);
  compare_many(model, random);
  ASSERT_TRUE(hub().checkpoint().ok());
  compare_many(model, random);
  // Memory is now newer than the store in parts.
  end_some();
  purge_some();
  grow(40);
  compare_many(model, random);
  reopen();
  compare_many(model, random);
  ASSERT_TRUE(hub().checkpoint().ok());
  reopen();
  compare_many(model, random);
}

// More instances than one scan of the store reads, and filters that let few through.
TEST_F(HubQuery, FiltersAcrossManyRows) {
  open();
  constexpr int kInstances = 3600;
  std::atomic<int> left{kInstances};
  for (int i = 0; i < kInstances; ++i) {
    StartOptions start_options;
    start_options.instance_id = "i" + std::to_string(100'000 + i);
    start_options.input = i % 1000 == 999 ? "fail" : "";
    client().run_async(
        "ends", std::move(start_options), [](const Result<std::string>&) {},
        [&](const Result<InstanceState>&) { --left; });
  }
  ASSERT_TRUE(eventually([&] { return left.load() == 0; })) << left.load();
  for (int round = 0; round < 2; ++round) {
    InstanceQuery query;
    query.statuses = {RuntimeStatus::failed};
    query.page_size = 2;
    const std::vector<InstanceState> failed = all_of(query);
    ASSERT_EQ(failed.size(), 3U);
    EXPECT_EQ(failed[0].instance_id, "i100999");
    EXPECT_EQ(failed[2].instance_id, "i102999");
    query.statuses = {RuntimeStatus::running};
    EXPECT_TRUE(all_of(query).empty());
    query.statuses.clear();
    query.prefix = "i10";
    query.page_size = 1000;
    EXPECT_EQ(all_of(query).size(), static_cast<std::size_t>(kInstances));
    ASSERT_TRUE(hub().checkpoint().ok());
  }
}

// All pages of the ids by completion, against the times that the instances tell.
TEST_F(HubQuery, ListsIdsInTheOrderOfCompletion) {
  const std::uint64_t seed = entropy64();
  std::cout << "seed " << seed << std::endl;
  Random random(seed);
  options.checkpoint_facts = 1000;
  open();
  constexpr int kInstances = 400;
  std::vector<std::pair<Timestamp, std::string>> model;
  std::set<std::string> failed;
  const auto run_some = [&](const std::string& prefix) {
    std::mutex mutex;
    std::atomic<int> left{kInstances};
    for (int i = 0; i < kInstances; ++i) {
      StartOptions start_options;
      start_options.instance_id =
          prefix + std::to_string(random.below(1'000'000'000)) + "-" + std::to_string(i);
      start_options.input = i % 3 == 0 ? "fail" : "";
      client().run_async(
          "ends", std::move(start_options), [](const Result<std::string>&) {},
          [&](const Result<InstanceState>& state) {
            {
              const std::lock_guard lock(mutex);
              if (state.ok()) model.emplace_back(*state->completed_at, state->instance_id);
              if (state.ok() && state->failure) failed.insert(state->instance_id);
            }
            --left;
          });
    }
    ASSERT_TRUE(eventually([&] { return left.load() == 0; })) << left.load();
  };
  const auto check = [&](InstanceIdQuery query) {
    std::vector<std::string> expected;
    for (const auto& [time, id] : model) {
      if (query.completed_from && time < *query.completed_from) continue;
      if (query.completed_to && time >= *query.completed_to) continue;
      if (!query.statuses.empty() &&
          failed.contains(id) != (query.statuses[0] == RuntimeStatus::failed)) {
        continue;
      }
      expected.push_back(id);
    }
    std::vector<std::string> ids;
    do {
      const Result<InstanceIdPage> page = client().list_instance_ids(query);
      ASSERT_TRUE(page.ok()) << page.status().to_string();
      ASSERT_LE(page->ids.size(), query.page_size);
      ids.insert(ids.end(), page->ids.begin(), page->ids.end());
      ASSERT_LE(ids.size(), model.size());
      query.continuation_token = page->continuation_token;
    } while (!query.continuation_token.empty());
    ASSERT_EQ(ids, expected);
  };
  for (int round = 0; round < 3; ++round) {
    ASSERT_NO_FATAL_FAILURE(run_some(std::string(1, static_cast<char>('c' - round))));
    start("waits", "", "w" + std::to_string(round));
    std::sort(model.begin(), model.end());
    InstanceIdQuery query;
    query.page_size = 20 + static_cast<std::uint32_t>(random.below(981));
    check(query);
    query.page_size = 100;
    query.completed_from = model[random.below(model.size())].first;
    check(query);
    query.completed_to = model[random.below(model.size())].first;
    check(query);
    query = {};
    query.page_size = 77;
    query.statuses = {random.one_in(2) ? RuntimeStatus::failed : RuntimeStatus::completed};
    check(query);
    if (round == 1) reopen();
  }
}

TEST_F(HubQuery, AnEmptyHubHasOneEmptyPage) {
  open();
  const Result<InstancePage> page = client().query_instances({});
  ASSERT_TRUE(page.ok());
  EXPECT_TRUE(page->instances.empty());
  EXPECT_TRUE(page->continuation_token.empty());
  const Result<InstanceIdPage> ids = client().list_instance_ids({});
  ASSERT_TRUE(ids.ok());
  EXPECT_TRUE(ids->ids.empty());
  EXPECT_TRUE(ids->continuation_token.empty());
}

TEST_F(HubQuery, RefusesBadTokensAndSizes) {
  open();
  start("waits", "", "a");
  const auto code_of = [&](const InstanceQuery& query) {
    return client().query_instances(query).status().code();
  };
  for (const std::string& token :
       {std::string("x"), std::string("1"), std::string("2a"), std::string("1\n"),
        std::string("\0a", 2), "1" + std::string(257, 'x'), std::string("1\xFF")}) {
    InstanceQuery query;
    query.continuation_token = token;
    EXPECT_EQ(code_of(query), StatusCode::invalid_argument) << token;
  }
  for (const std::uint32_t size : {0U, 1001U, UINT32_MAX}) {
    InstanceQuery query;
    query.page_size = size;
    EXPECT_EQ(code_of(query), StatusCode::invalid_argument) << size;
  }
  InstanceQuery query;
  query.prefix = std::string(257, 'a');
  EXPECT_EQ(code_of(query), StatusCode::invalid_argument);

  finish(start("ends", "", "b"));
  finish(start("ends", "", "c"));
  InstanceIdQuery ids;
  ids.page_size = 0;
  EXPECT_EQ(client().list_instance_ids(ids).status().code(), StatusCode::invalid_argument);
  ids.page_size = 1;
  ids.statuses = {RuntimeStatus::running};
  EXPECT_EQ(client().list_instance_ids(ids).status().code(), StatusCode::invalid_argument);
  ids.statuses.clear();
  const Result<InstanceIdPage> page = client().list_instance_ids(ids);
  ASSERT_TRUE(page.ok());
  ASSERT_FALSE(page->continuation_token.empty());
  for (std::size_t cut = 1; cut < page->continuation_token.size(); ++cut) {
    ids.continuation_token = page->continuation_token.substr(0, cut);
    EXPECT_EQ(client().list_instance_ids(ids).status().code(), StatusCode::invalid_argument) << cut;
  }
}

}  // namespace
}  // namespace ingot::testing
