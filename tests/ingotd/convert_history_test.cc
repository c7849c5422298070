#include "tools/ingotd/grpc/convert_history.h"

#include <gtest/gtest.h>

#include "tools/ingotd/grpc/convert_actions.h"
#include "tools/ingotd/grpc/convert_legacy.h"

namespace ingot::server {
namespace {

using Kind = HistoryEventKind;

constexpr Timestamp kNow{Duration(1'700'000'000'123'456)};

HistoryEvent event_of(Kind kind) {
  HistoryEvent event;
  event.kind = kind;
  event.timestamp = kNow;
  return event;
}

HistoryEvent started() {
  HistoryEvent event = event_of(Kind::execution_started);
  event.name = "main";
  event.instance_id = "i";
  event.execution_id = {1, 2};
  return event;
}

::HistoryEvent written(const HistoryEvent& event) {
  ::HistoryEvent out;
  HistoryWriter().write(event, &out);
  return out;
}

TEST(ConvertHistoryTest, EveryKindIsWrittenWithItsTime) {
  for (std::uint8_t i = 1; i <= kHistoryEventKindMax; ++i) {
    HistoryEvent event = event_of(static_cast<Kind>(i));
    event.fire_at = kNow;
    const ::HistoryEvent out = written(event);
    EXPECT_NE(out.eventType_case(), ::HistoryEvent::EVENTTYPE_NOT_SET) << to_string(event.kind);
    EXPECT_EQ(out.timestamp().seconds(), 1'700'000'000) << to_string(event.kind);
    EXPECT_EQ(out.timestamp().nanos(), 123'456'000);
    EXPECT_EQ(out.eventid(), -1);
    ::HistoryEvent parsed;
    EXPECT_TRUE(parsed.ParseFromString(out.SerializeAsString()));
  }
}

TEST(ConvertHistoryTest, TheSpanOfAnOrchestrationComesBackWithItsHistory) {
  ::OrchestratorResponse response;
  response.mutable_orchestrationtracecontext()->mutable_spanid()->set_value("b7ad6b7169203331");
  response.mutable_orchestrationtracecontext()->mutable_spanstarttime()->set_seconds(1'700'000'000);
  response.mutable_orchestrationtracecontext()->mutable_spanstarttime()->set_nanos(123'456'789);
  const Result<OrchestrationOutcome> outcome = read_outcome(response);
  ASSERT_TRUE(outcome.ok()) << outcome.status().to_string();
  ASSERT_EQ(outcome->actions.size(), 1U);
  EXPECT_EQ(outcome->actions[0].kind, Kind::orchestrator_started);

  OrchestrationWorkItem item;
  item.history = {event_of(Kind::orchestrator_started), started(), outcome->actions[0]};
  item.new_events = {event_of(Kind::orchestrator_started)};
  for (const bool past_events : {true, false}) {
    ::OrchestratorRequest request;
    write_orchestration(item, past_events, &request);
    EXPECT_EQ(request.orchestrationtracecontext().SerializeAsString(),
              response.orchestrationtracecontext().SerializeAsString());
  }
  // Without the time, and without any.
  response.mutable_orchestrationtracecontext()->clear_spanstarttime();
  item.history.back() = read_outcome(response)->actions[0];
  ::OrchestratorRequest request;
  write_orchestration(item, true, &request);
  EXPECT_EQ(request.orchestrationtracecontext().spanid().value(), "b7ad6b7169203331");
  EXPECT_FALSE(request.orchestrationtracecontext().has_spanstarttime());
  for (const std::string& odd : {std::string("two\nlines"), std::string(257, 'x')}) {
    response.mutable_orchestrationtracecontext()->mutable_spanid()->set_value(odd);
    EXPECT_TRUE(read_outcome(response)->actions.empty()) << odd;
  }
  item.history.pop_back();
  request.Clear();
  write_orchestration(item, true, &request);
  EXPECT_FALSE(request.has_orchestrationtracecontext());
}

TEST(ConvertHistoryTest, TimersAlwaysSayWhen) {
  EXPECT_TRUE(written(event_of(Kind::timer_created)).timercreated().has_fireat());
  HistoryEvent fired = event_of(Kind::timer_fired);
  fired.scheduled_id = 4;
  EXPECT_EQ(written(fired).timerfired().timerid(), 4);
  EXPECT_EQ(written(fired).timerfired().fireat().seconds(), 1'700'000'000);
}

TEST(ConvertHistoryTest, AbsentAndEmptyDataDiffer) {
  HistoryEvent event = event_of(Kind::task_completed);
  EXPECT_FALSE(written(event).taskcompleted().has_result());
  event.data = "";
  EXPECT_TRUE(written(event).taskcompleted().has_result());
}

TEST(ConvertHistoryTest, AStartSaysWhereItComesFrom) {
  HistoryEvent event = started();
  event.version = "1.5";
  event.data = "in";
  event.tags = {{"a", "b"}};
  event.trace_parent = "parent\nstate";
  event.fire_at = kNow;
  event.parent = ParentInfo{"boss", "p", {3, 4}, 7};
  const ::ExecutionStartedEvent out = written(event).executionstarted();
  EXPECT_EQ(out.name(), "main");
  EXPECT_EQ(out.version().value(), "1.5");
  EXPECT_EQ(out.orchestrationinstance().instanceid(), "i");
  EXPECT_EQ(out.orchestrationinstance().executionid().value(), to_string(ExecutionId{1, 2}));
  EXPECT_EQ(out.parentinstance().taskscheduledid(), 7);
  EXPECT_EQ(out.parentinstance().name().value(), "boss");
  EXPECT_EQ(out.parentinstance().orchestrationinstance().instanceid(), "p");
  EXPECT_EQ(out.parenttracecontext().tracestate().value(), "state");
  EXPECT_EQ(out.tags().at("a"), "b");
  EXPECT_TRUE(out.has_scheduledstarttimestamp());
  EXPECT_FALSE(written(started()).executionstarted().has_version());
  EXPECT_FALSE(written(started()).executionstarted().has_parentinstance());
}

TEST(ConvertHistoryTest, AnswersOfEntitiesGoByTheAskersIds) {
  HistoryWriter writer;
  ::HistoryEvent out;
  writer.write(started(), &out);
  HistoryEvent call = event_of(Kind::entity_operation_called);
  call.event_id = 5;
  call.instance_id = "@counter@a";
  call.name = "get";
  call.request_id = "the caller's";
  ::HistoryEvent called;
  writer.write(call, &called);
  EXPECT_EQ(called.eventid(), 5);
  EXPECT_EQ(called.entityoperationcalled().requestid(), "the caller's");
  EXPECT_EQ(called.entityoperationcalled().targetinstanceid().value(), "@counter@a");
  HistoryEvent answer = event_of(Kind::entity_operation_failed);
  answer.scheduled_id = 5;
  answer.failure = FailureDetails{"Type", "why", false, {}};
  ::HistoryEvent answered;
  writer.write(answer, &answered);
  EXPECT_EQ(answered.entityoperationfailed().requestid(), "the caller's");
  EXPECT_EQ(answered.entityoperationfailed().failuredetails().errormessage(), "why");
}

// The same, for what our own runtime has asked: it gives no request ids.
TEST(ConvertHistoryTest, LocksOfOurOwnHaveOneIdThroughout) {
  HistoryWriter writer;
  ::HistoryEvent out;
  writer.write(started(), &out);
  HistoryEvent request = event_of(Kind::entity_lock_requested);
  request.event_id = 2;
  request.lock_set = {"@a@1", "@b@2"};
  ::HistoryEvent requested;
  writer.write(request, &requested);
  const std::string id = requested.entitylockrequested().criticalsectionid();
  EXPECT_EQ(id.size(), 36U);
  EXPECT_EQ(requested.entitylockrequested().lockset_size(), 2);
  HistoryEvent grant = event_of(Kind::entity_lock_granted);
  grant.scheduled_id = 2;
  ::HistoryEvent granted;
  writer.write(grant, &granted);
  EXPECT_EQ(granted.entitylockgranted().criticalsectionid(), id);
  HistoryEvent unlock = event_of(Kind::entity_unlock_sent);
  unlock.event_id = 3;
  unlock.scheduled_id = 2;
  unlock.instance_id = "@a@1";
  ::HistoryEvent unlocked;
  writer.write(unlock, &unlocked);
  EXPECT_EQ(unlocked.entityunlocksent().criticalsectionid(), id);
  EXPECT_EQ(unlocked.entityunlocksent().targetinstanceid().value(), "@a@1");
}

TEST(ConvertHistoryTest, AWorkItemHasItsPartsAndCanLeaveTheHistoryOut) {
  OrchestrationWorkItem item;
  item.instance_id = "i";
  item.execution_id = {1, 2};
  HistoryEvent call = event_of(Kind::entity_operation_called);
  call.event_id = 1;
  call.request_id = "asked before";
  item.history = {event_of(Kind::orchestrator_started), started(), call};
  HistoryEvent answer = event_of(Kind::entity_operation_completed);
  answer.scheduled_id = 1;
  item.new_events = {event_of(Kind::orchestrator_started), answer};
  for (const bool whole : {true, false}) {
    ::OrchestratorRequest request;
    write_orchestration(item, whole, &request);
    EXPECT_EQ(request.instanceid(), "i");
    EXPECT_EQ(request.executionid().value(), to_string(ExecutionId{1, 2}));
    EXPECT_EQ(request.pastevents_size(), whole ? 3 : 0);
    EXPECT_EQ(request.requireshistorystreaming(), !whole);
    ASSERT_EQ(request.newevents_size(), 2);
    EXPECT_TRUE(request.newevents(0).has_orchestratorstarted());
    EXPECT_EQ(request.newevents(1).entityoperationcompleted().requestid(), "asked before");
    EXPECT_TRUE(request.entityparameters().has_entitymessagereorderwindow());
  }
}

TEST(ConvertHistoryTest, AnActivityHasItsParts) {
  ActivityWorkItem item;
  item.instance_id = "i";
  item.execution_id = {1, 2};
  item.task_id = 6;
  item.name = "work";
  item.version = "2";
  item.trace_parent = "trace";
  item.tags = {{"k", "v"}};
  ::ActivityRequest request;
  write_activity(item, &request);
  EXPECT_EQ(request.name(), "work");
  EXPECT_EQ(request.taskid(), 6);
  EXPECT_EQ(request.version().value(), "2");
  EXPECT_EQ(request.parenttracecontext().traceparent(), "trace");
  EXPECT_EQ(request.tags().at("k"), "v");
  EXPECT_EQ(request.orchestrationinstance().instanceid(), "i");
  EXPECT_FALSE(request.has_input());
}

// Reads what an older SDK sends, and writes its history back.
class LegacyMessages : public ::testing::Test {
 protected:
  Result<HistoryEvent> read(const std::string& name, const std::string& data,
                            const std::string& target = "@Counter@a") {
    ::OrchestratorResponse response;
    ::OrchestratorAction* action = response.add_actions();
    action->set_id(4);
    action->mutable_sendevent()->mutable_instance()->set_instanceid(target);
    action->mutable_sendevent()->set_name(name);
    action->mutable_sendevent()->mutable_data()->set_value(data);
    Result<OrchestrationOutcome> outcome = read_outcome(response);
    if (!outcome.ok()) return outcome.status();
    return outcome->actions.at(0);
  }
};

TEST_F(LegacyMessages, AreOperationsSignalsLocksAndReleases) {
  HistoryEvent event =
      *read("op", R"({"op":"add","id":"11112222-0000-4000-8000-000000000000","input":"1"})");
  EXPECT_EQ(event.kind, Kind::entity_operation_called);
  EXPECT_EQ(event.event_id, 4);
  EXPECT_EQ(event.name, "add");
  EXPECT_EQ(event.data, "1");
  EXPECT_EQ(event.instance_id, "@counter@a");
  EXPECT_EQ(event.request_id, "11112222-0000-4000-8000-000000000000");
  event = *read("op@2026-01-31T23:59:59.1234567Z", R"({"op":"add","id":"x","signal":true})");
  EXPECT_EQ(event.kind, Kind::entity_operation_signaled);
  EXPECT_EQ(event.fire_at, Timestamp(Duration(1'769'903'999'123'456)));
  event = *read("op@2026-02-01T01:59:59+02:00", R"({"op":"add","id":"x","signal":true})");
  EXPECT_EQ(event.fire_at, Timestamp(Duration(1'769'903'999'000'000)));
  event = *read("op", R"({"op":null,"id":"s","lockset":[{"name":"b","key":"2"},
                         {"name":"A","key":"1"},{"name":"b","key":"2"}]})");
  EXPECT_EQ(event.kind, Kind::entity_lock_requested);
  EXPECT_EQ(event.lock_set, (std::vector<std::string>{"@a@1", "@b@2"}));
  event = *read("release", R"({"parent":"i","id":"s"})");
  EXPECT_EQ(event.kind, Kind::entity_unlock_sent);
  EXPECT_EQ(event.request_id, "s");
}

TEST_F(LegacyMessages, OtherEventsStayWhatTheyAre) {
  EXPECT_EQ(read("op", "no json")->kind, Kind::event_sent);
  EXPECT_EQ(read("op", R"({"op":"add"})")->kind, Kind::event_sent);
  EXPECT_EQ(read("op", R"({"op":"add","id":"x"})", "orchestration")->kind, Kind::event_sent);
  EXPECT_EQ(read("open", R"({"op":"add","id":"x"})")->kind, Kind::event_sent);
}

TEST_F(LegacyMessages, WithoutSenseAreRefused) {
  for (const char* data :
       {R"({"id":"x"})", R"({"op":"add","id":"x","signal":true})",
        R"({"id":"x","lockset":[{"name":"a"}]})", R"({"id":"x","lockset":[1]})"}) {
    const Status refused = read("op@yesterday", data).status();
    EXPECT_EQ(refused.code(), StatusCode::invalid_argument) << data;
    EXPECT_NE(refused.message().find("action 4 (sendEvent)"), std::string::npos)
        << refused.message();
  }
}

TEST_F(LegacyMessages, AreWrittenAsTheyCame) {
  HistoryWriter writer;
  ::HistoryEvent out;
  writer.write(started(), &out);
  writer.write(*read("op", R"({"op":"get","id":"request"})"), &out);
  EXPECT_EQ(out.eventid(), 4);
  EXPECT_EQ(out.eventsent().name(), "op");
  EXPECT_EQ(out.eventsent().instanceid(), "@counter@a");
  EXPECT_NE(out.eventsent().input().value().find(R"("parent":"i")"), std::string::npos);
  HistoryEvent answer = event_of(Kind::entity_operation_completed);
  answer.scheduled_id = 4;
  answer.data = "7";
  writer.write(answer, &out);
  EXPECT_EQ(out.eventraised().name(), "request");
  EXPECT_EQ(out.eventraised().input().value(), R"({"result":"7"})");
  answer.kind = Kind::entity_operation_failed;
  answer.failure = FailureDetails{"Type", "why", false, {}};
  writer.write(answer, &out);
  EXPECT_NE(out.eventraised().input().value().find(R"("exceptionType":"Type")"), std::string::npos);
}

TEST_F(LegacyMessages, ScheduledSignalsAndLocksAreWrittenAsTheyCame) {
  HistoryWriter writer;
  ::HistoryEvent out;
  writer.write(started(), &out);
  writer.write(*read("op@2026-01-31T23:59:59.1234560Z", R"({"op":"a","id":"x","signal":true})"),
               &out);
  EXPECT_EQ(out.eventsent().name(), "op@2026-01-31T23:59:59.1234560Z");
  writer.write(*read("op", R"({"id":"s","lockset":[{"name":"a","key":"1"}]})"), &out);
  EXPECT_EQ(out.eventsent().name(), "op");
  EXPECT_EQ(out.eventsent().instanceid(), "@a@1");
  HistoryEvent grant = event_of(Kind::entity_lock_granted);
  grant.scheduled_id = 4;
  writer.write(grant, &out);
  EXPECT_EQ(out.eventraised().name(), "s");
  EXPECT_EQ(out.eventraised().input().value(), R"({"result":"Lock Acquisition Completed"})");
  writer.write(*read("release", R"({"parent":"i","id":"s"})"), &out);
  EXPECT_EQ(out.eventsent().name(), "release");
}

}  // namespace
}  // namespace ingot::server
