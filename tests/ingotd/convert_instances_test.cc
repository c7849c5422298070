#include "tools/ingotd/grpc/convert_instances.h"

#include <gtest/gtest.h>

#include "tools/ingotd/grpc/convert_values.h"

namespace ingot::server {
namespace {

TEST(ConvertInstancesTest, AStartKeepsAllItsParts) {
  ::CreateInstanceRequest request;
  request.set_instanceid("i");
  EXPECT_FALSE(read_start(request)->has_input);
  EXPECT_FALSE(read_start(request)->scheduled_start.has_value());
  request.mutable_scheduledstarttimestamp();
  EXPECT_FALSE(read_start(request)->scheduled_start.has_value());
  request.mutable_input()->set_value("");
  request.mutable_version()->set_value("1");
  request.mutable_scheduledstarttimestamp()->set_seconds(3);
  (*request.mutable_tags())["k"] = "v";
  request.mutable_parenttracecontext()->set_traceparent("trace");
  const Result<StartOptions> options = read_start(request);
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->instance_id, "i");
  EXPECT_TRUE(options->has_input);
  EXPECT_EQ(options->version, "1");
  EXPECT_EQ(options->scheduled_start, Timestamp(Duration(3'000'000)));
  EXPECT_EQ(options->tags, (TagList{{"k", "v"}}));
  EXPECT_EQ(options->trace_parent, "trace");
  EXPECT_TRUE(options->replace.empty());
}

TEST(ConvertInstancesTest, AReusePolicyNamesWhatMayBeReplaced) {
  ::CreateInstanceRequest request;
  ::OrchestrationIdReusePolicy& policy = *request.mutable_orchestrationidreusepolicy();
  policy.add_replaceablestatus(::ORCHESTRATION_STATUS_COMPLETED);
  policy.add_replaceablestatus(::ORCHESTRATION_STATUS_CANCELED);
  EXPECT_EQ(read_start(request)->replace, (std::vector<RuntimeStatus>{RuntimeStatus::completed}));
  policy.add_replaceablestatus(::ORCHESTRATION_STATUS_SUSPENDED);
  EXPECT_EQ(read_start(request).status().code(), StatusCode::invalid_argument);
  policy.add_replaceablestatus(::ORCHESTRATION_STATUS_TERMINATED);
  EXPECT_EQ(read_start(request)->replace.size(), 3U);
  policy.add_replaceablestatus(static_cast<::OrchestrationStatus>(55));
  const Status refused = read_start(request).status();
  EXPECT_EQ(refused.code(), StatusCode::invalid_argument);
  EXPECT_NE(refused.message().find("replaceableStatus: 55"), std::string::npos);
}

TEST(ConvertInstancesTest, AStateIsWrittenWithOrWithoutPayloads) {
  InstanceState state;
  state.instance_id = "i";
  state.execution_id = {1, 2};
  state.name = "main";
  state.status = RuntimeStatus::failed;
  state.created_at = Timestamp(Duration(5));
  state.completed_at = Timestamp(Duration(6));
  state.parent_instance_id = "p";
  state.tags = {{"k", "v"}};
  state.input = "";
  state.output = "out";
  state.failure = FailureDetails{"Type", "why", false, {}};
  ::OrchestrationState whole;
  write_state(state, true, &whole);
  EXPECT_EQ(whole.instanceid(), "i");
  EXPECT_EQ(whole.orchestrationstatus(), ::ORCHESTRATION_STATUS_FAILED);
  EXPECT_EQ(whole.executionid().value(), to_string(ExecutionId{1, 2}));
  EXPECT_TRUE(whole.has_createdtimestamp());
  EXPECT_TRUE(whole.has_lastupdatedtimestamp());
  EXPECT_TRUE(whole.has_completedtimestamp());
  EXPECT_FALSE(whole.has_scheduledstarttimestamp());
  EXPECT_EQ(whole.parentinstanceid().value(), "p");
  EXPECT_TRUE(whole.has_input());
  EXPECT_EQ(whole.output().value(), "out");
  EXPECT_FALSE(whole.has_customstatus());
  EXPECT_EQ(whole.failuredetails().errormessage(), "why");
  ::OrchestrationState short_one;
  write_state(state, false, &short_one);
  EXPECT_FALSE(short_one.has_input() || short_one.has_output() || short_one.has_failuredetails());
  EXPECT_EQ(short_one.tags().at("k"), "v");
}

TEST(ConvertInstancesTest, QueriesAreReadWithTheirBounds) {
  ::InstanceQuery query;
  EXPECT_EQ(read_query(query)->page_size, 100U);
  query.set_maxinstancecount(2'000'000);
  query.add_runtimestatus(::ORCHESTRATION_STATUS_SUSPENDED);
  query.mutable_instanceidprefix()->set_value("a-");
  query.mutable_continuationtoken()->set_value("t");
  query.mutable_createdtimefrom()->set_seconds(1);
  query.mutable_createdtimeto()->set_seconds(2);
  query.set_fetchinputsandoutputs(true);
  const Result<InstanceQuery> read = read_query(query);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->page_size, 1000U);
  EXPECT_EQ(read->statuses, (std::vector<RuntimeStatus>{RuntimeStatus::suspended}));
  EXPECT_EQ(read->prefix, "a-");
  EXPECT_EQ(read->continuation_token, "t");
  EXPECT_EQ(read->created_from, Timestamp(Duration(1'000'000)));
  EXPECT_EQ(read->created_to, Timestamp(Duration(2'000'000)));
  EXPECT_TRUE(read->with_payloads);
  query.add_runtimestatus(static_cast<::OrchestrationStatus>(8));
  EXPECT_EQ(read_query(query).status().code(), StatusCode::invalid_argument);
}

TEST(ConvertInstancesTest, OnlyWhatHasEndedIsListed) {
  ::ListInstanceIdsRequest request;
  ASSERT_TRUE(read_query(request)->has_value());
  request.add_runtimestatus(::ORCHESTRATION_STATUS_RUNNING);
  EXPECT_FALSE(read_query(request)->has_value());
  request.add_runtimestatus(::ORCHESTRATION_STATUS_COMPLETED);
  request.set_pagesize(7);
  request.mutable_lastinstancekey()->set_value("k");
  const auto read = read_query(request);
  ASSERT_TRUE(read.ok() && read->has_value());
  EXPECT_EQ((*read)->statuses, (std::vector<RuntimeStatus>{RuntimeStatus::completed}));
  EXPECT_EQ((*read)->page_size, 7U);
  EXPECT_EQ((*read)->continuation_token, "k");
}

TEST(ConvertInstancesTest, APurgeKeepsItsFilterAndTime) {
  ::PurgeInstancesRequest request;
  request.set_recursive(true);
  ::PurgeInstanceFilter& filter = *request.mutable_purgeinstancefilter();
  filter.mutable_createdtimeto()->set_seconds(2);
  filter.add_runtimestatus(::ORCHESTRATION_STATUS_TERMINATED);
  EXPECT_FALSE(read_purge(request)->timeout.has_value());
  filter.mutable_timeout()->set_seconds(30);
  const Result<Purge> purge = read_purge(request);
  ASSERT_TRUE(purge.ok());
  EXPECT_TRUE(purge->filter.recursive);
  EXPECT_EQ(purge->filter.created_to, Timestamp(Duration(2'000'000)));
  EXPECT_EQ(purge->timeout, Duration(30'000'000));
}

}  // namespace
}  // namespace ingot::server
