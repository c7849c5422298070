// Every call of the service, made by a client and answered with the help of a worker.

#include <gtest/gtest.h>

#include <set>

#include "tests/ingotd/server_fixture.h"

namespace ingot::server::testing {
namespace {

class Calls : public ServerFixture {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(start());
    worker_ = make_worker();
    worker_->start();
  }
  void TearDown() override {
    worker_.reset();
    stop();
  }
  grpc::Status raise(const std::string& id, const std::string& name, const std::string& data) {
    ::RaiseEventRequest request;
    request.set_instanceid(id);
    request.set_name(name);
    request.mutable_input()->set_value(data);
    ::RaiseEventResponse response;
    return stub->RaiseEvent(Call(hub), request, &response);
  }
  std::vector<::HistoryEvent> history(const std::string& id) {
    ::StreamInstanceHistoryRequest request;
    request.set_instanceid(id);
    Call call(hub);
    const auto stream = stub->StreamInstanceHistory(call, request);
    std::vector<::HistoryEvent> events;
    ::HistoryChunk chunk;
    while (stream->Read(&chunk)) {
      for (const auto& event : chunk.events()) events.push_back(event);
    }
    EXPECT_CODE(stream->Finish(), OK);
    return events;
  }

  std::unique_ptr<TestWorker> worker_;
};

TEST_F(Calls, ASequenceOfActivitiesEndsWithItsOutput) {
  const std::string id = start_instance("hello_sequence", "", "one");
  EXPECT_EQ(id, "one");
  const ::OrchestrationState state = wait_for_completion(id);
  EXPECT_EQ(state.orchestrationstatus(), ::ORCHESTRATION_STATUS_COMPLETED);
  EXPECT_EQ(state.output().value(), kHelloOutput);
  EXPECT_EQ(state.name(), "hello_sequence");
  EXPECT_TRUE(state.has_createdtimestamp() && state.has_lastupdatedtimestamp());
  const auto events = history(id);
  ASSERT_FALSE(events.empty());
  EXPECT_TRUE(events.front().has_orchestratorstarted());
  EXPECT_TRUE(events.back().has_executioncompleted());
  for (const auto& event : events) EXPECT_TRUE(event.has_timestamp());
}

TEST_F(Calls, AnInstanceThatIsMissingIsNoError) {
  ::GetInstanceRequest request;
  request.set_instanceid("none");
  for (const auto call :
       {&Stub::GetInstance, &Stub::WaitForInstanceStart, &Stub::WaitForInstanceCompletion}) {
    ::GetInstanceResponse response;
    response.set_exists(true);
    ASSERT_OK((stub.get()->*call)(Call(hub), request, &response));
    EXPECT_FALSE(response.exists());
  }
}

TEST_F(Calls, AnIdIsTakenOnceUnlessItMayBeReplaced) {
  wait_for_completion(start_instance("echo", "1", "id"));
  ::CreateInstanceRequest request;
  request.set_name("echo");
  request.set_instanceid("id");
  request.mutable_input()->set_value("2");
  ::CreateInstanceResponse response;
  EXPECT_CODE(stub->StartInstance(Call(hub), request, &response), ALREADY_EXISTS);
  request.mutable_orchestrationidreusepolicy()->add_replaceablestatus(
      ::ORCHESTRATION_STATUS_COMPLETED);
  ASSERT_OK(stub->StartInstance(Call(hub), request, &response));
  EXPECT_EQ(wait_for_completion("id").output().value(), "2");
}

TEST_F(Calls, EventsSuspensionAndTerminationReachTheInstance) {
  const std::string id = start_instance("wait_for_go");
  ::GetInstanceRequest get;
  get.set_instanceid(id);
  ::GetInstanceResponse got;
  ASSERT_OK(stub->WaitForInstanceStart(Call(hub), get, &got));
  EXPECT_EQ(got.orchestrationstate().orchestrationstatus(), ::ORCHESTRATION_STATUS_RUNNING);

  ::SuspendRequest suspend;
  suspend.set_instanceid(id);
  ::SuspendResponse suspended;
  ASSERT_OK(stub->SuspendInstance(Call(hub), suspend, &suspended));
  EXPECT_TRUE(eventually(
      [&] { return state_of(id).orchestrationstatus() == ::ORCHESTRATION_STATUS_SUSPENDED; }));
  ::ResumeRequest resume;
  resume.set_instanceid(id);
  ::ResumeResponse resumed;
  ASSERT_OK(stub->ResumeInstance(Call(hub), resume, &resumed));
  ASSERT_OK(raise(id, "go", "\"now\""));
  EXPECT_EQ(wait_for_completion(id).output().value(), "\"now\"");

  // What has ended drops it; what never was is not found.
  EXPECT_CODE(raise(id, "go", ""), OK);
  EXPECT_CODE(raise("none", "go", ""), NOT_FOUND);

  const std::string other = start_instance("wait_for_go");
  ::TerminateRequest terminate;
  terminate.set_instanceid(other);
  terminate.mutable_output()->set_value("\"enough\"");
  ::TerminateResponse terminated;
  ASSERT_OK(stub->TerminateInstance(Call(hub), terminate, &terminated));
  const ::OrchestrationState state = wait_for_completion(other);
  EXPECT_EQ(state.orchestrationstatus(), ::ORCHESTRATION_STATUS_TERMINATED);
  EXPECT_EQ(state.output().value(), "\"enough\"");
}

TEST_F(Calls, ManyAreTerminatedAtOnce) {
  const std::string id = start_instance("wait_for_go");
  ::SkipGracefulOrchestrationTerminationsRequest request;
  request.mutable_instancebatch()->add_instanceids(id);
  request.mutable_instancebatch()->add_instanceids("none");
  ::SkipGracefulOrchestrationTerminationsResponse response;
  ASSERT_OK(stub->SkipGracefulOrchestrationTerminations(Call(hub), request, &response));
  ASSERT_EQ(response.unterminatedinstanceids_size(), 1);
  EXPECT_EQ(response.unterminatedinstanceids(0), "none");
  EXPECT_EQ(wait_for_completion(id).orchestrationstatus(), ::ORCHESTRATION_STATUS_TERMINATED);
}

TEST_F(Calls, InstancesAreListedInPagesAndPurged) {
  std::set<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    ids.insert(start_instance("echo", std::to_string(i), "q" + std::to_string(i)));
  }
  for (const std::string& id : ids) wait_for_completion(id);
  std::set<std::string> found;
  ::QueryInstancesRequest query;
  query.mutable_query()->mutable_instanceidprefix()->set_value("q");
  query.mutable_query()->set_maxinstancecount(2);
  query.mutable_query()->set_fetchinputsandoutputs(true);
  for (int pages = 1;; ++pages) {
    ::QueryInstancesResponse page;
    ASSERT_OK(stub->QueryInstances(Call(hub), query, &page));
    EXPECT_LE(page.orchestrationstate_size(), 2);
    for (const auto& state : page.orchestrationstate()) {
      found.insert(state.instanceid());
      EXPECT_EQ(state.input().value(), state.output().value());
    }
    if (!page.has_continuationtoken()) {
      EXPECT_EQ(pages, 3);
      break;
    }
    *query.mutable_query()->mutable_continuationtoken() = page.continuationtoken();
  }
  EXPECT_EQ(found, ids);

  ::ListInstanceIdsRequest list;
  ::ListInstanceIdsResponse listed;
  ASSERT_OK(stub->ListInstanceIds(Call(hub), list, &listed));
  EXPECT_EQ(listed.instanceids_size(), 5);

  ::PurgeInstancesRequest purge;
  ::PurgeInstancesResponse purged;
  purge.set_instanceid("q0");
  ASSERT_OK(stub->PurgeInstances(Call(hub), purge, &purged));
  EXPECT_EQ(purged.deletedinstancecount(), 1);
  purge.mutable_purgeinstancefilter()->add_runtimestatus(::ORCHESTRATION_STATUS_COMPLETED);
  ASSERT_OK(stub->PurgeInstances(Call(hub), purge, &purged));
  EXPECT_EQ(purged.deletedinstancecount(), 4);
  EXPECT_TRUE(purged.iscomplete().value());
  purge.Clear();
  EXPECT_CODE(stub->PurgeInstances(Call(hub), purge, &purged), INVALID_ARGUMENT);
}

TEST_F(Calls, WhatHasEndedIsRestartedAndWhatHasFailedRewound) {
  wait_for_completion(start_instance("echo", "again", "r"));
  ::RestartInstanceRequest restart;
  restart.set_instanceid("r");
  restart.set_restartwithnewinstanceid(true);
  ::RestartInstanceResponse restarted;
  ASSERT_OK(stub->RestartInstance(Call(hub), restart, &restarted));
  EXPECT_NE(restarted.instanceid(), "r");
  EXPECT_EQ(wait_for_completion(restarted.instanceid()).output().value(), "again");
  restart.set_instanceid("none");
  EXPECT_CODE(stub->RestartInstance(Call(hub), restart, &restarted), NOT_FOUND);

  ::RewindInstanceRequest rewind;
  ::RewindInstanceResponse rewound;
  rewind.set_instanceid("none");
  EXPECT_CODE(stub->RewindInstance(Call(hub), rewind, &rewound), NOT_FOUND);
  rewind.set_instanceid("r");
  EXPECT_CODE(stub->RewindInstance(Call(hub), rewind, &rewound), FAILED_PRECONDITION);
}

TEST_F(Calls, EntitiesTakeSignalsAndShowTheirState) {
  worker_->stop();
  worker_ = make_worker();
  worker_->entities["counter"] = [](const ::EntityRequest& request, ::EntityBatchResult& result) {
    int value = request.has_entitystate() ? std::stoi(request.entitystate().value()) : 0;
    for (const auto& operation : request.operationrequests()) {
      value += std::stoi(operation.entityoperationsignaled().input().value());
      result.add_results()->mutable_success();
    }
    result.mutable_entitystate()->set_value(std::to_string(value));
  };
  worker_->start();
  ::SignalEntityRequest signal;
  signal.set_instanceid("@counter@a");
  signal.set_name("add");
  ::SignalEntityResponse signaled;
  for (const char* input : {"1", "2", "3"}) {
    signal.mutable_input()->set_value(input);
    ASSERT_OK(stub->SignalEntity(Call(hub), signal, &signaled));
  }
  ::GetEntityRequest get;
  get.set_instanceid("@counter@a");
  get.set_includestate(true);
  ::GetEntityResponse entity;
  EXPECT_TRUE(eventually([&] {
    EXPECT_CODE(stub->GetEntity(Call(hub), get, &entity), OK);
    return entity.entity().serializedstate().value() == "6";
  }));
  ::QueryEntitiesRequest query;
  query.mutable_query()->set_includestate(true);
  ::QueryEntitiesResponse page;
  ASSERT_OK(stub->QueryEntities(Call(hub), query, &page));
  ASSERT_EQ(page.entities_size(), 1);
  EXPECT_EQ(page.entities(0).instanceid(), "@counter@a");
  ::CleanEntityStorageRequest clean;
  clean.set_removeemptyentities(true);
  ::CleanEntityStorageResponse cleaned;
  ASSERT_OK(stub->CleanEntityStorage(Call(hub), clean, &cleaned));
  EXPECT_EQ(cleaned.emptyentitiesremoved(), 0);
  signal.set_instanceid("counter");
  EXPECT_CODE(stub->SignalEntity(Call(hub), signal, &signaled), INVALID_ARGUMENT);
}

TEST_F(Calls, HubsAreMadeAndDeleted) {
  ::CreateTaskHubRequest create;
  ::CreateTaskHubResponse created;
  ASSERT_OK(stub->CreateTaskHub(Call("other"), create, &created));
  EXPECT_CODE(stub->CreateTaskHub(Call("other"), create, &created), ALREADY_EXISTS);
  create.set_recreateifexists(true);
  ASSERT_OK(stub->CreateTaskHub(Call("other"), create, &created));
  ::DeleteTaskHubRequest remove;
  ::DeleteTaskHubResponse removed;
  ASSERT_OK(stub->DeleteTaskHub(Call("other"), remove, &removed));
  EXPECT_CODE(stub->DeleteTaskHub(Call("other"), remove, &removed), NOT_FOUND);
  // The others go on.
  EXPECT_EQ(wait_for_completion(start_instance("echo", "x")).output().value(), "x");
}

TEST_F(Calls, AWaitEndsWhenItsClientLeaves) {
  const std::string id = start_instance("wait_for_go");
  ::GetInstanceRequest request;
  request.set_instanceid(id);
  ::GetInstanceResponse response;
  Call call(hub);
  std::thread client(
      [&] { EXPECT_CODE(stub->WaitForInstanceCompletion(call, request, &response), CANCELLED); });
  EXPECT_TRUE(eventually([&] { return server->figures().clients_waiting.load() == 1; }));
  call->TryCancel();
  client.join();
  EXPECT_TRUE(eventually([&] { return server->figures().clients_waiting.load() == 0; }));
}

}  // namespace
}  // namespace ingot::server::testing
