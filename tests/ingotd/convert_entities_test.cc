#include "tools/ingotd/grpc/convert_entities.h"

#include <gtest/gtest.h>

namespace ingot::server {
namespace {

using Kind = HistoryEventKind;

EntityWorkItem item_of_two() {
  EntityWorkItem item;
  item.instance_id = "@counter@a";
  item.state = "5";
  HistoryEvent signal;
  signal.kind = Kind::entity_operation_signaled;
  signal.name = "add";
  signal.data = "1";
  HistoryEvent call;
  call.kind = Kind::entity_operation_called;
  call.name = "get";
  call.instance_id = "caller";
  call.execution_id = {1, 2};
  call.scheduled_id = 7;
  call.request_id = "11112222-0000-4000-8000-000000000000";
  item.operations = {signal, call};
  return item;
}

TEST(ConvertEntitiesTest, TheNewerFormCarriesTheOperationsAsEvents) {
  ::EntityRequest request;
  write_entity(item_of_two(), &request);
  EXPECT_EQ(request.instanceid(), "@counter@a");
  EXPECT_EQ(request.entitystate().value(), "5");
  ASSERT_EQ(request.operationrequests_size(), 2);
  EXPECT_EQ(request.operationrequests(0).entityoperationsignaled().operation(), "add");
  EXPECT_EQ(request.operationrequests(0).entityoperationsignaled().requestid().size(), 36U);
  EXPECT_TRUE(request.operationrequests(0).has_timestamp());
  const ::EntityOperationCalledEvent& call = request.operationrequests(1).entityoperationcalled();
  EXPECT_EQ(call.requestid(), "11112222-0000-4000-8000-000000000000");
  EXPECT_EQ(call.parentinstanceid().value(), "caller");
  EXPECT_EQ(call.parentexecutionid().value(), to_string(ExecutionId{1, 2}));
  EXPECT_FALSE(call.has_input());
}

TEST(ConvertEntitiesTest, TheOlderFormCarriesTheSame) {
  EntityWorkItem item = item_of_two();
  item.state.reset();
  ::EntityBatchRequest request;
  write_entity(item, &request);
  EXPECT_FALSE(request.has_entitystate());
  ASSERT_EQ(request.operations_size(), 2);
  EXPECT_EQ(request.operations(0).input().value(), "1");
  EXPECT_EQ(request.operations(1).requestid(), "11112222-0000-4000-8000-000000000000");
}

TEST(ConvertEntitiesTest, CallersGetTheirAnswersAndSignalsNone) {
  ::EntityBatchResult result;
  result.mutable_entitystate()->set_value("6");
  result.add_results()->mutable_success();
  result.add_results()->mutable_success()->mutable_result()->set_value("6");
  ::SendSignalAction& signal = *result.add_actions()->mutable_sendsignal();
  signal.set_instanceid("@Log@x");
  signal.set_name("write");
  ::StartNewOrchestrationAction& start = *result.add_actions()->mutable_startneworchestration();
  start.set_name("flow");
  start.mutable_scheduledtime()->set_seconds(9);
  const Result<EntityOutcome> outcome = read_entity_result(result, item_of_two());
  ASSERT_TRUE(outcome.ok()) << outcome.status().to_string();
  EXPECT_EQ(outcome->state, "6");
  EXPECT_EQ(outcome->operations_max, 2U);
  ASSERT_EQ(outcome->actions.size(), 3U);
  EXPECT_EQ(outcome->actions[0].kind, Kind::entity_operation_completed);
  EXPECT_EQ(outcome->actions[0].instance_id, "caller");
  EXPECT_EQ(outcome->actions[0].execution_id, (ExecutionId{1, 2}));
  EXPECT_EQ(outcome->actions[0].scheduled_id, 7);
  EXPECT_EQ(outcome->actions[0].data, "6");
  EXPECT_EQ(outcome->actions[1].kind, Kind::entity_operation_signaled);
  EXPECT_EQ(outcome->actions[1].instance_id, "@log@x");
  EXPECT_EQ(outcome->actions[2].kind, Kind::execution_started);
  EXPECT_FALSE(outcome->actions[2].instance_id.empty());
  EXPECT_EQ(outcome->actions[2].fire_at, Timestamp(Duration(9'000'000)));
}

TEST(ConvertEntitiesTest, FewerResultsLeaveTheRestForLater) {
  ::EntityBatchResult result;
  result.add_results()->mutable_success();
  const Result<EntityOutcome> outcome = read_entity_result(result, item_of_two());
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->operations_max, 1U);
  EXPECT_TRUE(outcome->actions.empty());
  EXPECT_FALSE(outcome->state.has_value());  // deleted
}

TEST(ConvertEntitiesTest, ABatchThatFailedFailsItsOperationsAndKeepsTheState) {
  ::EntityBatchResult result;
  result.mutable_failuredetails()->set_errortype("Broken");
  const Result<EntityOutcome> outcome = read_entity_result(result, item_of_two());
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->state, "5");
  ASSERT_EQ(outcome->actions.size(), 1U);
  EXPECT_EQ(outcome->actions[0].kind, Kind::entity_operation_failed);
  EXPECT_EQ(outcome->actions[0].failure->type, "Broken");
  EXPECT_GT(outcome->operations_max, 2U);
}

TEST(ConvertEntitiesTest, WhatMakesNoSenseIsRefusedByName) {
  const auto refusal = [](const ::EntityBatchResult& result) {
    const Status status = read_entity_result(result, item_of_two()).status();
    EXPECT_EQ(status.code(), StatusCode::invalid_argument);
    return status.message();
  };
  ::EntityBatchResult result;
  for (int i = 0; i < 3; ++i) result.add_results()->mutable_success();
  EXPECT_NE(refusal(result).find("3 results for 2 operations"), std::string::npos);
  result.Clear();
  result.add_results()->mutable_success();
  result.add_results();
  EXPECT_NE(refusal(result).find("result 1"), std::string::npos);
  result.Clear();
  result.add_actions()->set_id(4);
  EXPECT_NE(refusal(result).find("action 4"), std::string::npos);
  result.mutable_actions(0)->mutable_sendsignal()->set_instanceid("none");
  EXPECT_NE(refusal(result).find("sendSignal: instanceId"), std::string::npos);
}

TEST(ConvertEntitiesTest, ClientsQueryAndSeeEntities) {
  ::EntityQuery query;
  EXPECT_EQ(read_entity_query(query).page_size, 100U);
  query.mutable_instanceidstartswith()->set_value("@counter@");
  query.mutable_pagesize()->set_value(5000);
  query.set_includetransient(true);
  query.mutable_lastmodifiedto()->set_seconds(9);
  const EntityQuery read = read_entity_query(query);
  EXPECT_EQ(read.prefix, "@counter@");
  EXPECT_EQ(read.page_size, 1000U);
  EXPECT_TRUE(read.include_transient);
  EXPECT_FALSE(read.include_state);
  EXPECT_EQ(read.updated_to, Timestamp(Duration(9'000'000)));
  EntityState state;
  state.id = EntityId("counter", "a");
  state.locked_by = "owner";
  state.queued_operations = 3;
  ::EntityMetadata metadata;
  write_entity_state(state, &metadata);
  EXPECT_EQ(metadata.instanceid(), "@counter@a");
  EXPECT_EQ(metadata.lockedby().value(), "owner");
  EXPECT_EQ(metadata.backlogqueuesize(), 3);
  EXPECT_TRUE(metadata.has_lastmodifiedtime());
  EXPECT_FALSE(metadata.has_serializedstate());
}

TEST(ConvertEntitiesTest, AnEntitysIdHasItsBound) {
  ::SignalEntityRequest request;
  request.set_instanceid("@Counter@" + std::string(91, 'k'));
  ASSERT_TRUE(read_signal_target(request).ok());
  EXPECT_EQ(read_signal_target(request)->name, "counter");
  request.set_instanceid("@Counter@" + std::string(92, 'k'));
  const Status refused = read_signal_target(request).status();
  EXPECT_EQ(refused.code(), StatusCode::invalid_argument);
  EXPECT_NE(refused.message().find("length is 101"), std::string::npos) << refused.message();
  request.set_instanceid("no entity");
  EXPECT_EQ(read_signal_target(request).status().code(), StatusCode::invalid_argument);
}

TEST(ConvertEntitiesTest, ARepeatedSignalIsTheSameRequest) {
  ::SignalEntityRequest request;
  EXPECT_EQ(read_signal(request).request_id, 0U);
  request.set_requestid("guid");
  request.mutable_scheduledtime()->set_seconds(4);
  EXPECT_NE(read_signal(request).request_id, 0U);
  EXPECT_EQ(read_signal(request).request_id, read_signal(request).request_id);
  EXPECT_EQ(read_signal(request).at, Timestamp(Duration(4'000'000)));
}

}  // namespace
}  // namespace ingot::server
