// Forgetting finished instances: one, trees of them, many, and by age.

#include <algorithm>

#include "tests/support/hub_fixture.h"

namespace ingot::testing {
namespace {

using std::chrono::milliseconds;

class HubPurge : public HubFixture {
 protected:
  HubPurge() {
    options.partitions = 3;
    add_orchestrator("ends", [](OrchestrationContext& context) -> Task<std::string> {
      if (context.input() == "fail") throw std::runtime_error("as told");
      std::string text(context.input());
      co_return text;
    });
    add_orchestrator("waits", [](OrchestrationContext& context) -> Task<std::string> {
      std::string text = co_await context.wait_for_event("go");
      co_return text;
    });
    // Ids of children are those of the parent and a letter.
    add_orchestrator("tree", [](OrchestrationContext& context) -> Task<std::string> {
      const std::string id(context.instance_id());
      std::string depth(context.input());
      if (depth.empty()) co_return "";
      depth.pop_back();
      std::vector<Future<std::string>> children;
      children.push_back(context.call_sub_orchestration("tree", depth, id + "a"));
      children.push_back(context.call_sub_orchestration("tree", depth, id + "b"));
      co_await context.when_all(std::move(children));
      co_return "";
    });
  }

  std::uint64_t purge(std::string_view id, bool recursive = false, std::uint64_t request_id = 0) {
    const Result<std::uint64_t> purged = client().purge_instance(id, recursive, request_id);
    EXPECT_TRUE(purged.ok()) << purged.status().to_string();
    return purged.ok() ? *purged : UINT64_MAX;
  }
  std::uint64_t purge_all(const PurgeFilter& filter) {
    const Result<PurgeResult> result = client().purge_instances(filter, kLong);
    EXPECT_TRUE(result.ok()) << result.status().to_string();
    if (!result.ok()) return UINT64_MAX;
    EXPECT_TRUE(result->complete);
    return result->purged;
  }
  bool exists(std::string_view id) {
    const Result<InstanceState> state = client().get_instance(id);
    EXPECT_TRUE(state.ok() || state.status().code() == StatusCode::not_found);
    return state.ok();
  }
  std::vector<std::string> all_ids() {
    InstanceQuery query;
    query.page_size = 1000;
    std::vector<std::string> ids;
    do {
      const Result<InstancePage> page = client().query_instances(query);
      EXPECT_TRUE(page.ok()) << page.status().to_string();
      if (!page.ok()) break;
      for (const InstanceState& state : page->instances) ids.push_back(state.instance_id);
      query.continuation_token = page->continuation_token;
    } while (!query.continuation_token.empty());
    return ids;
  }
  // `count` finished instances: "<prefix>0" ...
  void make(const std::string& prefix, int count, const std::string& input = {}) {
    std::atomic<int> left{count};
    for (int i = 0; i < count; ++i) {
      StartOptions with;
      with.instance_id = prefix + std::to_string(i);
      with.input = input;
      client().run_async(
          "ends", std::move(with), [](const Result<std::string>&) {},
          [&](const Result<InstanceState>&) { --left; });
    }
    ASSERT_TRUE(eventually([&] { return left.load() == 0; }));
  }
};

TEST_F(HubPurge, OneIsForgotten) {
  open();
  make("i", 3);
  start("waits", "", "w");
  EXPECT_EQ(purge("nobody"), 0U);
  EXPECT_EQ(client().purge_instance("w").status().code(), StatusCode::failed_precondition);
  EXPECT_EQ(purge("i0", false, 5), 1U);
  must(hub().checkpoint());
  EXPECT_EQ(purge("i1"), 1U);
  EXPECT_EQ(purge("i1"), 0U);
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(purge("i0", false, 5), 1U);  // was carried out
    EXPECT_FALSE(exists("i0"));
    EXPECT_FALSE(exists("i1"));
    EXPECT_TRUE(exists("i2"));
    EXPECT_EQ(all_ids(), (std::vector<std::string>{"i2", "w"}));
    if (round == 0) must(hub().checkpoint());
    reopen();
  }
  // The id is free.
  expect_output(finish(start("ends", "again", "i0")), "again");
  reopen();
  expect_output(finish("i0"), "again");
}

TEST_F(HubPurge, ATreeGoesAsAWhole) {
  open();
  start("tree", "xxx", "p");
  finish("p");
  finish(start("ends", "", "other"));
  EXPECT_EQ(all_ids().size(), 16U);
  EXPECT_EQ(purge("paa"), 1U);  // without its children
  // What a failure in the middle leaves can be purged again.
  EXPECT_EQ(purge("pab", true), 3U);
  reopen();
  EXPECT_EQ(purge("p", true), 9U);
  std::vector<std::string> left = all_ids();
  EXPECT_EQ(left, (std::vector<std::string>{"other", "paaa", "paab"}));
  EXPECT_EQ(purge("p", true), 0U);
}

TEST_F(HubPurge, OnlyChildrenGoWithTheirParent) {
  add_orchestrator("sender", [](OrchestrationContext& context) -> Task<std::string> {
    // Started and not waited for: it lives on.
    Future<std::string> child = context.call_sub_orchestration("waits", "", "living");
    std::string text = co_await context.call_sub_orchestration("ends", "", "replaced");
    co_return text;
  });
  open();
  start("sender", "", "p");
  finish("p");
  StartOptions with;
  with.instance_id = "replaced";
  with.replace = {RuntimeStatus::completed};
  ASSERT_TRUE(client().schedule_new_orchestration("ends", with).ok());
  finish("replaced");
  ASSERT_TRUE(eventually([&] { return exists("living"); }));
  EXPECT_EQ(purge("p", true), 1U);
  EXPECT_TRUE(exists("replaced"));
  raise("living", "go");
  finish("living");
}

TEST_F(HubPurge, ManyAreForgotten) {
  open();
  make("old", 400);
  must(hub().checkpoint());
  make("bad", 100, "fail");
  make("new", 400);
  start("waits", "", "w");
  PurgeFilter filter;
  filter.statuses = {RuntimeStatus::failed, RuntimeStatus::running};
  EXPECT_EQ(purge_all(filter), 100U);
  filter.statuses.clear();
  filter.prefix = "old1";
  EXPECT_EQ(purge_all(filter), 111U);
  filter.prefix.clear();
  filter.names = {"waits", "others"};
  EXPECT_EQ(purge_all(filter), 0U);
  must(hub().checkpoint());
  EXPECT_EQ(all_ids().size(), 400U - 111U + 400U + 1U);
  filter.names = {"ends"};
  EXPECT_EQ(purge_all(filter), 400U - 111U + 400U);
  EXPECT_EQ(all_ids(), std::vector<std::string>{"w"});
  reopen();
  EXPECT_EQ(purge_all({}), 0U);
  EXPECT_EQ(all_ids(), std::vector<std::string>{"w"});
  const Result<InstanceCounts> counts = client().count_instances();
  ASSERT_TRUE(counts.ok());
  EXPECT_EQ((*counts)[RuntimeStatus::completed], 0U);
  EXPECT_EQ((*counts)[RuntimeStatus::failed], 0U);
  EXPECT_EQ((*counts)[RuntimeStatus::running], 1U);
}

TEST_F(HubPurge, ManyAreForgottenByTheTimeOfTheirCompletion) {
  open();
  make("a", 50);
  const Result<InstanceState> last = client().get_instance("a49");
  ASSERT_TRUE(last.ok());
  std::this_thread::sleep_for(milliseconds(2));
  const Timestamp between = wall_clock();
  std::this_thread::sleep_for(milliseconds(2));
  make("b", 50);
  PurgeFilter filter;
  filter.completed_from = between;
  filter.completed_to = between;
  EXPECT_EQ(purge_all(filter), 0U);
  filter.completed_from.reset();
  EXPECT_EQ(purge_all(filter), 50U);
  EXPECT_EQ(all_ids().size(), 50U);
  EXPECT_TRUE(exists("b0"));
}

TEST_F(HubPurge, TreesAreForgottenByFilter) {
  open();
  for (const std::string id : {"p", "q", "r"}) start("tree", "xx", id);
  for (const std::string id : {"p", "q", "r"}) finish(id);
  PurgeFilter filter;
  filter.recursive = true;
  filter.prefix = "p";
  EXPECT_EQ(purge_all(filter), 7U);
  EXPECT_EQ(all_ids().size(), 14U);
  filter.prefix.clear();
  EXPECT_EQ(purge_all(filter), 14U);
  EXPECT_TRUE(all_ids().empty());
}

TEST_F(HubPurge, ATimeOutEndsItEarly) {
  open();
  make("i", 500);
  const Result<PurgeResult> result = client().purge_instances({}, milliseconds(0));
  ASSERT_TRUE(result.ok());
  const std::uint64_t left = all_ids().size();
  EXPECT_EQ(result->purged + left, 500U);
  EXPECT_EQ(purge_all({}), left);
}

// Purging, checkpoints and new instances at once, then a look at what is left.
TEST_F(HubPurge, ItGoesOnBesideOtherWork) {
  options.checkpoint_facts = 1000;
  open();
  make("old", 1500);
  std::atomic<bool> stop{false};
  std::thread worker([&] {
    for (int i = 0; !stop.load(); ++i) {
      StartOptions with;
      with.instance_id = "new" + std::to_string(i);
      const auto id = client().schedule_new_orchestration("ends", with);
      ASSERT_TRUE(id.ok()) << id.status().to_string();
    }
  });
  PurgeFilter filter;
  filter.prefix = "old";
  EXPECT_EQ(purge_all(filter), 1500U);
  stop = true;
  worker.join();
  reopen();
  const std::vector<std::string> left = all_ids();
  EXPECT_TRUE(std::all_of(left.begin(), left.end(),
                          [](const std::string& id) { return id.starts_with("new"); }));
}

TEST_F(HubPurge, OldOnesAreForgottenByThemselves) {
  options.retention = milliseconds(200);
  open();
  make("i", 300);
  start("waits", "", "w");
  EXPECT_TRUE(eventually([&] { return all_ids().size() == 1; })) << all_ids().size();
  must(hub().checkpoint());
  make("j", 10);
  reopen();
  EXPECT_TRUE(eventually([&] { return all_ids().size() == 1; })) << all_ids().size();
  EXPECT_TRUE(exists("w"));
  options.retention = milliseconds(-1);
  close();
  EXPECT_EQ(open_failure().code(), StatusCode::invalid_argument);
  options.retention = Duration(0);
  open();
}

}  // namespace
}  // namespace ingot::testing
