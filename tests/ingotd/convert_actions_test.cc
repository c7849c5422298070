#include "tools/ingotd/grpc/convert_actions.h"

#include <gtest/gtest.h>

#include "tools/ingotd/grpc/convert_values.h"

namespace ingot::server {
namespace {

using Kind = HistoryEventKind;

class ConvertActions : public ::testing::Test {
 protected:
  ::OrchestratorAction& add(int id) {
    ::OrchestratorAction* action = response_.add_actions();
    action->set_id(id);
    return *action;
  }
  OrchestrationOutcome read() {
    Result<OrchestrationOutcome> outcome = read_outcome(response_);
    EXPECT_TRUE(outcome.ok()) << outcome.status().to_string();
    return outcome.ok() ? *std::move(outcome) : OrchestrationOutcome{};
  }
  // The message with which it is refused.
  std::string refusal() {
    const Status status = read_outcome(response_).status();
    EXPECT_EQ(status.code(), StatusCode::invalid_argument);
    response_.Clear();
    return status.message();
  }

  ::OrchestratorResponse response_;
};

TEST_F(ConvertActions, CallsKeepAllTheirParts) {
  ::ScheduleTaskAction& task = *add(0).mutable_scheduletask();
  task.set_name("work");
  task.mutable_version()->set_value("2");
  task.mutable_input()->set_value("");
  (*task.mutable_tags())["k"] = "v";
  task.mutable_parenttracecontext()->set_traceparent("trace");
  ::CreateSubOrchestrationAction& child = *add(1).mutable_createsuborchestration();
  child.set_name("child");
  child.set_instanceid("c");
  const OrchestrationOutcome outcome = read();
  ASSERT_EQ(outcome.actions.size(), 2U);
  const HistoryEvent& scheduled = outcome.actions[0];
  EXPECT_EQ(scheduled.kind, Kind::task_scheduled);
  EXPECT_EQ(scheduled.name, "work");
  EXPECT_EQ(scheduled.version, "2");
  EXPECT_EQ(scheduled.data, "");
  EXPECT_EQ(scheduled.tags, (TagList{{"k", "v"}}));
  EXPECT_EQ(scheduled.trace_parent, "trace");
  EXPECT_EQ(outcome.actions[1].kind, Kind::sub_orchestration_created);
  EXPECT_EQ(outcome.actions[1].instance_id, "c");
  EXPECT_FALSE(outcome.actions[1].data.has_value());
}

TEST_F(ConvertActions, TimersEventsAndTerminations) {
  add(0).mutable_createtimer()->mutable_fireat()->set_seconds(5);
  ::SendEventAction& event = *add(1).mutable_sendevent();
  event.mutable_instance()->set_instanceid("other");
  event.set_name("ping");
  event.mutable_data()->set_value("1");
  ::TerminateOrchestrationAction& terminate = *add(2).mutable_terminateorchestration();
  terminate.set_instanceid("victim");
  terminate.mutable_reason()->set_value("enough");
  terminate.set_recurse(true);
  const OrchestrationOutcome outcome = read();
  EXPECT_EQ(outcome.actions.at(0).fire_at, Timestamp(Duration(5'000'000)));
  EXPECT_EQ(outcome.actions.at(1).kind, Kind::event_sent);
  EXPECT_EQ(outcome.actions.at(1).instance_id, "other");
  EXPECT_EQ(outcome.actions.at(1).data, "1");
  EXPECT_EQ(outcome.actions.at(2).kind, Kind::execution_terminated);
  EXPECT_EQ(outcome.actions.at(2).data, "enough");
  EXPECT_TRUE(outcome.actions.at(2).recurse);
}

TEST_F(ConvertActions, EntityMessagesAreForTheirEntitiesInOneSpelling) {
  ::EntityOperationCalledEvent& call =
      *add(0).mutable_sendentitymessage()->mutable_entityoperationcalled();
  call.set_requestid("r");
  call.set_operation("get");
  call.mutable_targetinstanceid()->set_value("@Counter@Key");
  ::EntityOperationSignaledEvent& signal =
      *add(1).mutable_sendentitymessage()->mutable_entityoperationsignaled();
  signal.mutable_targetinstanceid()->set_value("@counter@k");
  signal.set_operation("add");
  signal.mutable_scheduledtime()->set_seconds(9);
  ::EntityLockRequestedEvent& lock =
      *add(2).mutable_sendentitymessage()->mutable_entitylockrequested();
  lock.set_criticalsectionid("s");
  for (const char* id : {"@b@1", "@A@1", "@b@1"}) lock.add_lockset(id);
  ::EntityUnlockSentEvent& unlock = *add(3).mutable_sendentitymessage()->mutable_entityunlocksent();
  unlock.set_criticalsectionid("s");
  unlock.mutable_targetinstanceid()->set_value("@a@1");
  const OrchestrationOutcome outcome = read();
  EXPECT_EQ(outcome.actions.at(0).instance_id, "@counter@Key");
  EXPECT_EQ(outcome.actions.at(0).request_id, "r");
  EXPECT_EQ(outcome.actions.at(1).fire_at, Timestamp(Duration(9'000'000)));
  EXPECT_EQ(outcome.actions.at(2).lock_set, (std::vector<std::string>{"@a@1", "@b@1"}));
  EXPECT_EQ(outcome.actions.at(2).request_id, "s");
  EXPECT_EQ(outcome.actions.at(3).instance_id, "@a@1");
}

TEST_F(ConvertActions, ACompletionIsLastWhateverItsId) {
  ::CompleteOrchestrationAction& complete = *add(-1).mutable_completeorchestration();
  complete.set_orchestrationstatus(::ORCHESTRATION_STATUS_FAILED);
  complete.mutable_failuredetails()->set_errormessage("why");
  add(7).mutable_scheduletask()->set_name("b");
  add(3).mutable_scheduletask()->set_name("a");
  const OrchestrationOutcome outcome = read();
  ASSERT_EQ(outcome.actions.size(), 3U);
  EXPECT_EQ(outcome.actions[0].event_id, 3);
  EXPECT_EQ(outcome.actions[1].event_id, 7);
  EXPECT_EQ(outcome.actions[2].kind, Kind::execution_completed);
  EXPECT_EQ(outcome.actions[2].status, RuntimeStatus::failed);
  EXPECT_EQ(outcome.actions[2].failure->message, "why");
}

TEST_F(ConvertActions, AFailureAlwaysHasDetails) {
  ::CompleteOrchestrationAction& complete = *add(1).mutable_completeorchestration();
  complete.set_orchestrationstatus(::ORCHESTRATION_STATUS_FAILED);
  complete.mutable_details()->set_value("said in words");
  EXPECT_EQ(read().actions.at(0).failure->message, "said in words");
  complete.set_orchestrationstatus(::ORCHESTRATION_STATUS_CANCELED);
  EXPECT_EQ(read().actions.at(0).status, RuntimeStatus::terminated);
}

TEST_F(ConvertActions, ContinuingAsNewCarriesEventsVersionAndTags) {
  ::CompleteOrchestrationAction& complete = *add(1).mutable_completeorchestration();
  complete.set_orchestrationstatus(::ORCHESTRATION_STATUS_CONTINUED_AS_NEW);
  complete.mutable_result()->set_value("next");
  complete.mutable_newversion()->set_value("3");
  (*complete.mutable_tags())["t"] = "1";
  ::HistoryEvent& carried = *complete.add_carryoverevents();
  carried.mutable_eventraised()->set_name("late");
  carried.mutable_eventraised()->mutable_input()->set_value("x");
  const OrchestrationOutcome outcome = read();
  EXPECT_EQ(outcome.actions.at(0).kind, Kind::continue_as_new);
  EXPECT_EQ(outcome.actions.at(0).data, "next");
  EXPECT_EQ(outcome.actions.at(0).version, "3");
  EXPECT_EQ(outcome.actions.at(0).tags, (TagList{{"t", "1"}}));
  ASSERT_EQ(outcome.carry_over.size(), 1U);
  EXPECT_EQ(outcome.carry_over[0].name, "late");
  EXPECT_EQ(outcome.carry_over[0].data, "x");
}

TEST_F(ConvertActions, StatusAndProgressAreRead) {
  EXPECT_FALSE(read().custom_status.has_value());
  response_.mutable_customstatus()->set_value("");
  EXPECT_EQ(read().custom_status, "");
  EXPECT_GT(read().messages_max, 1'000'000U);
  response_.mutable_numeventsprocessed()->set_value(3);
  EXPECT_EQ(read().messages_max, 2U);
  response_.mutable_numeventsprocessed()->set_value(-3);
  EXPECT_EQ(read().messages_max, 1U);
}

TEST_F(ConvertActions, WhatMakesNoSenseIsRefusedByName) {
  add(9);
  EXPECT_NE(refusal().find("action 9 (of unknown type)"), std::string::npos);
  add(9).mutable_sendentitymessage();
  EXPECT_NE(refusal().find("action 9 (sendEntityMessage)"), std::string::npos);
  add(9).mutable_createtimer();
  EXPECT_NE(refusal().find("createTimer): it has no fireAt"), std::string::npos);
  add(9).mutable_rewindorchestration();
  EXPECT_NE(refusal().find("rewindOrchestration"), std::string::npos);
  add(9).mutable_completeorchestration()->set_orchestrationstatus(
      static_cast<::OrchestrationStatus>(77));
  EXPECT_NE(refusal().find("orchestrationStatus: 77"), std::string::npos);
  add(9).mutable_completeorchestration();  // Running
  EXPECT_NE(refusal().find("does not complete as Running"), std::string::npos);
  add(9).mutable_sendentitymessage()->mutable_entityoperationcalled();
  EXPECT_NE(refusal().find("targetInstanceId"), std::string::npos);
  add(9).mutable_sendentitymessage()->mutable_entitylockrequested()->add_lockset("no entity");
  EXPECT_NE(refusal().find("lockSet"), std::string::npos);
  ::CompleteOrchestrationAction& complete = *add(9).mutable_completeorchestration();
  complete.set_orchestrationstatus(::ORCHESTRATION_STATUS_CONTINUED_AS_NEW);
  complete.add_carryoverevents()->mutable_taskcompleted();
  EXPECT_NE(refusal().find("can't be carried over"), std::string::npos);
}

}  // namespace
}  // namespace ingot::server
