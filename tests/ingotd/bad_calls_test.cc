// What clients must not do: each has its status and a text that helps, and the server lives on.

#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/ingotd/server_fixture.h"
#include "tools/ingotd/access_control.h"

namespace ingot::server::testing {
namespace {

class BadCalls : public ServerFixture {
 protected:
  void expect_alive() {
    google::protobuf::Empty empty;
    EXPECT_CODE(stub->Hello(Call(hub, token_), empty, &empty), OK);
  }
  std::string write_file(const std::string& name, const std::string& text) {
    const std::string path = files_.path() + "/" + name;
    std::ofstream(path) << text;
    EXPECT_EQ(chmod(path.c_str(), 0600), 0);
    return path;
  }
  // The status of a call whose request is `bytes`.
  grpc::Status call_with_bytes(const std::string& method, const std::string& bytes) {
    grpc::GenericStub generic(channel());
    grpc::CompletionQueue queue;
    Call call(hub);
    const grpc::Slice slice(bytes);
    const grpc::ByteBuffer request(&slice, 1);
    const auto reader =
        generic.PrepareUnaryCall(call, "/TaskHubSidecarService/" + method, request, &queue);
    reader->StartCall();
    grpc::ByteBuffer response;
    grpc::Status status;
    reader->Finish(&response, &status, this);
    void* tag = nullptr;
    bool ok = false;
    EXPECT_TRUE(queue.Next(&tag, &ok));
    return status;
  }

  sim::TempDirectory files_;
  std::string token_;
};

TEST_F(BadCalls, AHubThatIsNotThereIsNotFound) {
  config.create_hubs = false;
  ASSERT_NO_FATAL_FAILURE(start());
  google::protobuf::Empty empty;
  const grpc::Status status = stub->Hello(Call("unknown"), empty, &empty);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_NE(status.error_message().find("'unknown'"), std::string::npos) << status.error_message();
  Call call("unknown");
  const auto stream = stub->GetWorkItems(call, ::GetWorkItemsRequest());
  ::WorkItem item;
  EXPECT_FALSE(stream->Read(&item));
  EXPECT_CODE(stream->Finish(), NOT_FOUND);
}

TEST_F(BadCalls, AHubNameIsNoPath) {
  ASSERT_NO_FATAL_FAILURE(start());
  google::protobuf::Empty empty;
  for (const std::string& name :
       std::vector<std::string>{"../x", "a/b", ".", "1a", "a_b", std::string(64, 'a')}) {
    EXPECT_CODE(stub->Hello(Call(name), empty, &empty), INVALID_ARGUMENT);
  }
  EXPECT_CODE(stub->Hello(Call(std::string(63, 'a')), empty, &empty), OK);
}

TEST_F(BadCalls, BytesThatAreNoMessageAreRefused) {
  ASSERT_NO_FATAL_FAILURE(start());
  // A tag that is none, a field that is cut off, and a text that is not UTF-8.
  for (const std::string& bytes : {std::string("\xFF\xFF\xFF\xFF garbage"), std::string("\x0A\x7F"),
                                   std::string("\x0A\x01\xFF")}) {
    for (const char* method : {"StartInstance", "CompleteOrchestratorTask", "CompleteActivityTask",
                               "QueryInstances", "StreamInstanceHistory", "SignalEntity"}) {
      // gRPC itself answers: no call of ours has begun.
      EXPECT_CODE(call_with_bytes(method, bytes), UNIMPLEMENTED);
    }
  }
  // Varints that never end: GetWorkItems has no text to begin with.
  EXPECT_CODE(call_with_bytes("GetWorkItems", std::string(20, '\xFF')), UNIMPLEMENTED);
  EXPECT_CODE(call_with_bytes("NoSuchCall", ""), UNIMPLEMENTED);
  EXPECT_EQ(server->figures().worker_streams.load(), 0U);
  expect_alive();
}

TEST_F(BadCalls, TooMuchIsRefused) {
  config.message_bytes_max = 4 << 20;
  config.hub.payload_bytes_max = 1 << 20;
  ASSERT_NO_FATAL_FAILURE(start());
  ::CreateInstanceRequest request;
  request.set_name("echo");
  ::CreateInstanceResponse response;
  request.mutable_input()->set_value(std::string(5 << 20, 'x'));
  EXPECT_CODE(stub->StartInstance(Call(hub), request, &response), RESOURCE_EXHAUSTED);
  request.mutable_input()->set_value(std::string(2 << 20, 'x'));
  const grpc::Status status = stub->StartInstance(Call(hub), request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_NE(status.error_message().find("limit"), std::string::npos) << status.error_message();
  const std::string id = start_instance("wait_for_go");
  ::RaiseEventRequest raise;
  ::RaiseEventResponse raised;
  raise.set_instanceid(id);
  raise.set_name("go");
  raise.mutable_input()->set_value(std::string(2 << 20, 'x'));
  EXPECT_CODE(stub->RaiseEvent(Call(hub), raise, &raised), INVALID_ARGUMENT);
  ::SignalEntityRequest signal;
  ::SignalEntityResponse signaled;
  signal.set_instanceid("@counter@a");
  signal.set_name("add");
  signal.mutable_input()->set_value(std::string(2 << 20, 'x'));
  EXPECT_CODE(stub->SignalEntity(Call(hub), signal, &signaled), INVALID_ARGUMENT);
  ::TerminateRequest terminate;
  ::TerminateResponse terminated;
  terminate.set_instanceid(id);
  terminate.mutable_output()->set_value(std::string(2 << 20, 'x'));
  EXPECT_CODE(stub->TerminateInstance(Call(hub), terminate, &terminated), INVALID_ARGUMENT);
  EXPECT_EQ(state_of(id).orchestrationstatus(), ::ORCHESTRATION_STATUS_PENDING);
  expect_alive();
}

// What a worker gives back is answered, too: nothing may wait for ever for an item that can't end.
TEST_F(BadCalls, WorkersThatGiveTooMuchEndTheirItems) {
  config.message_bytes_max = 8 << 20;
  config.hub.payload_bytes_max = 1 << 20;
  ASSERT_NO_FATAL_FAILURE(start());
  const std::string much(2 << 20, 'x');
  const auto worker = make_worker();
  worker->lenient = true;
  worker->activities["hello"] = [&](const ::ActivityRequest&) { return much; };
  worker->orchestrators["hello_sequence"] = [](const ::OrchestratorRequest& request,
                                               ::OrchestratorResponse& response) {
    for (const ::HistoryEvent& event : request.newevents()) {
      if (!event.has_taskfailed()) continue;
      return add_completion(response, 1, event.taskfailed().failuredetails().errortype());
    }
    hello_sequence(request, response);
  };
  worker->orchestrators["echo"] = [&](const ::OrchestratorRequest&,
                                      ::OrchestratorResponse& response) {
    add_completion(response, 0, much);
  };
  // The first batch gives back too much of a state, later ones a small one.
  std::atomic<int> batches{0};
  worker->entities["store"] = [&](const ::EntityRequest& request, ::EntityBatchResult& result) {
    const bool first = batches.fetch_add(1) == 0;
    result.mutable_entitystate()->set_value(first ? much : "small");
    for (int i = 0; i < request.operationrequests_size(); ++i) {
      result.add_results()->mutable_success()->mutable_result()->set_value("1");
    }
  };
  worker->start();
  EXPECT_EQ(wait_for_completion(start_instance("hello_sequence")).output().value(),
            "PayloadTooLarge");
  EXPECT_EQ(wait_for_completion(start_instance("echo")).failuredetails().errortype(),
            "InvalidCompletion");

  ::SignalEntityRequest signal;
  ::SignalEntityResponse signaled;
  signal.set_instanceid("@store@a");
  signal.set_name("put");
  ASSERT_OK(stub->SignalEntity(Call(hub), signal, &signaled));
  ASSERT_TRUE(eventually([&] { return batches.load() == 1; }));
  ASSERT_OK(stub->SignalEntity(Call(hub), signal, &signaled));
  EXPECT_TRUE(eventually([&] {
    ::GetEntityRequest get;
    get.set_instanceid("@store@a");
    get.set_includestate(true);
    ::GetEntityResponse got;
    EXPECT_CODE(stub->GetEntity(Call(hub), get, &got), OK);
    return got.entity().serializedstate().value() == "small";
  }));
}

TEST_F(BadCalls, InstanceIdsAndNamesAreChecked) {
  ASSERT_NO_FATAL_FAILURE(start());
  ::CreateInstanceRequest request;
  ::CreateInstanceResponse response;
  EXPECT_CODE(stub->StartInstance(Call(hub), request, &response), INVALID_ARGUMENT);
  request.set_name("echo");
  request.set_instanceid(std::string(257, 'x'));
  EXPECT_CODE(stub->StartInstance(Call(hub), request, &response), INVALID_ARGUMENT);
  request.set_instanceid("a\nb");
  EXPECT_CODE(stub->StartInstance(Call(hub), request, &response), INVALID_ARGUMENT);
  request.set_instanceid("@entity@key");
  EXPECT_CODE(stub->StartInstance(Call(hub), request, &response), INVALID_ARGUMENT);
}

TEST_F(BadCalls, ATokenOfAnotherItemIsRefusedAndAnUnknownOneIgnored) {
  ASSERT_NO_FATAL_FAILURE(start());
  const auto worker = make_worker();
  std::mutex mutex;
  std::map<std::string, std::string> tokens;
  worker->before = [&](const ::WorkItem& item) {
    const std::lock_guard lock(mutex);
    tokens[item.orchestratorrequest().instanceid()] = item.completiontoken();
    return false;
  };
  worker->start();
  start_instance("echo", "", "a");
  start_instance("echo", "", "b");
  ASSERT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return tokens.size() == 2;
  }));
  ::OrchestratorResponse response;
  ::CompleteTaskResponse ignored;
  add_completion(response, 0, "wrong");
  response.set_instanceid("a");
  response.set_completiontoken(tokens["b"]);
  EXPECT_CODE(stub->CompleteOrchestratorTask(Call(hub), response, &ignored), INVALID_ARGUMENT);
  std::string forged = tokens["a"];
  forged.back() = forged.back() == '0' ? '1' : '0';
  for (const std::string& token : {forged, std::string("nonsense")}) {
    response.set_completiontoken(token);
    EXPECT_CODE(stub->CompleteOrchestratorTask(Call(hub), response, &ignored), OK);
  }
  EXPECT_NE(state_of("a").orchestrationstatus(), ::ORCHESTRATION_STATUS_COMPLETED);
  // Without a token the instance is enough.
  response.clear_completiontoken();
  response.mutable_actions(0)->mutable_completeorchestration()->mutable_result()->set_value(
      "right");
  EXPECT_CODE(stub->CompleteOrchestratorTask(Call(hub), response, &ignored), OK);
  EXPECT_EQ(wait_for_completion("a").output().value(), "right");
  response.clear_instanceid();
  EXPECT_CODE(stub->CompleteOrchestratorTask(Call(hub), response, &ignored), INVALID_ARGUMENT);

  // What has been purged is completed in vain, and nothing comes of it.
  ::PurgeInstancesRequest purge;
  ::PurgeInstancesResponse purged;
  purge.set_instanceid("a");
  ASSERT_OK(stub->PurgeInstances(Call(hub), purge, &purged));
  EXPECT_EQ(purged.deletedinstancecount(), 1);
  response.set_instanceid("a");
  response.set_completiontoken(tokens["a"]);
  EXPECT_CODE(stub->CompleteOrchestratorTask(Call(hub), response, &ignored), OK);
  EXPECT_TRUE(state_of("a").instanceid().empty());
}

TEST_F(BadCalls, ATokenOfAnotherKindOfItemDoesNothing) {
  ASSERT_NO_FATAL_FAILURE(start());
  const auto worker = make_worker();
  std::mutex mutex;
  std::map<std::string, ::WorkItem> items;  // by what they are
  worker->entities["counter"] = [](const ::EntityRequest&, ::EntityBatchResult&) {};
  worker->before = [&](const ::WorkItem& item) {
    const std::lock_guard lock(mutex);
    if (item.has_activityrequest()) items[item.activityrequest().input().value()] = item;
    if (item.has_entityrequestv2()) items["entity"] = item;
    return item.has_orchestratorrequest();
  };
  worker->orchestrators["two"] = [](const ::OrchestratorRequest& request,
                                    ::OrchestratorResponse& response) {
    int done = 0;
    std::string text;
    for (const auto* events : {&request.pastevents(), &request.newevents()}) {
      for (const ::HistoryEvent& event : *events) {
        if (event.has_taskcompleted()) text += event.taskcompleted().result().value(), ++done;
      }
    }
    if (done == 2) return add_completion(response, 2, text);
    for (int i = 0; done == 0 && i < 2; ++i) {
      ::OrchestratorAction* action = response.add_actions();
      action->set_id(i);
      action->mutable_scheduletask()->set_name("hello");
      action->mutable_scheduletask()->mutable_input()->set_value(std::to_string(i));
    }
  };
  worker->start();
  const std::string id = start_instance("two");
  ::SignalEntityRequest signal;
  ::SignalEntityResponse signaled;
  signal.set_instanceid("@counter@a");
  signal.set_name("add");
  ASSERT_OK(stub->SignalEntity(Call(hub), signal, &signaled));
  ASSERT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return items.size() == 3;
  }));
  ::CompleteTaskResponse ignored;
  ::ActivityResponse activity;
  activity.set_instanceid(id);
  activity.set_taskid(0);
  activity.mutable_result()->set_value("wrong");
  // Of the other activity, of an entity.
  for (const char* other : {"1", "entity"}) {
    activity.set_completiontoken(items[other].completiontoken());
    EXPECT_CODE(stub->CompleteActivityTask(Call(hub), activity, &ignored), INVALID_ARGUMENT);
  }
  // What says nothing of the instance: the token's item is of another kind, so nothing is done.
  ::EntityBatchResult batch;
  batch.set_completiontoken(items["0"].completiontoken());
  EXPECT_CODE(stub->CompleteEntityTask(Call(hub), batch, &ignored), OK);
  ::OrchestratorResponse step;
  step.set_instanceid(id);
  step.set_completiontoken(items["0"].completiontoken());
  add_completion(step, 5, "wrong");
  EXPECT_CODE(stub->CompleteOrchestratorTask(Call(hub), step, &ignored), OK);
  // More results than operations end the batch, not the entity.
  batch.set_completiontoken(items["entity"].completiontoken());
  for (int i = 0; i < 3; ++i) batch.add_results()->mutable_success();
  EXPECT_CODE(stub->CompleteEntityTask(Call(hub), batch, &ignored), INVALID_ARGUMENT);

  for (const char* right : {"0", "1"}) {
    activity.set_taskid(items[right].activityrequest().taskid());
    activity.set_completiontoken(items[right].completiontoken());
    activity.mutable_result()->set_value(right);
    EXPECT_CODE(stub->CompleteActivityTask(Call(hub), activity, &ignored), OK);
  }
  EXPECT_EQ(wait_for_completion(id).output().value(), "01");
}

TEST_F(BadCalls, WhatIsLeftOfAPurgedInstanceTouchesNoLaterOne) {
  ASSERT_NO_FATAL_FAILURE(start());
  const auto worker = make_worker();
  std::mutex mutex;
  std::vector<::WorkItem> kept;
  worker->before = [&](const ::WorkItem& item) {
    if (!item.has_activityrequest()) return true;
    const std::lock_guard lock(mutex);
    kept.push_back(item);
    return false;
  };
  worker->orchestrators["hello_sequence"] = [](const ::OrchestratorRequest& request,
                                               ::OrchestratorResponse& response) {
    for (const ::HistoryEvent& event : request.newevents()) {
      if (event.has_executionterminated()) return wait_for_go(request, response);
    }
    hello_sequence(request, response);
  };
  worker->start();
  const auto has_kept = [&](std::size_t count) {
    return eventually([&] {
      const std::lock_guard lock(mutex);
      return kept.size() == count;
    });
  };
  start_instance("hello_sequence", "", "again");
  ASSERT_TRUE(has_kept(1));
  ::TerminateRequest terminate;
  ::TerminateResponse terminated;
  terminate.set_instanceid("again");
  ASSERT_OK(stub->TerminateInstance(Call(hub), terminate, &terminated));
  EXPECT_EQ(wait_for_completion("again").orchestrationstatus(), ::ORCHESTRATION_STATUS_TERMINATED);
  ::PurgeInstancesRequest purge;
  ::PurgeInstancesResponse purged;
  purge.set_instanceid("again");
  ASSERT_OK(stub->PurgeInstances(Call(hub), purge, &purged));
  ASSERT_EQ(purged.deletedinstancecount(), 1);
  start_instance("hello_sequence", "", "again");
  ASSERT_TRUE(has_kept(2));

  ::ActivityResponse late;
  ::CompleteTaskResponse ignored;
  late.set_instanceid("again");
  late.set_taskid(kept[0].activityrequest().taskid());
  late.set_completiontoken(kept[0].completiontoken());
  late.mutable_result()->set_value("late");
  EXPECT_CODE(stub->CompleteActivityTask(Call(hub), late, &ignored), OK);
  for (int step = 1; step <= 3; ++step) {
    ASSERT_TRUE(has_kept(static_cast<std::size_t>(step) + 1));
    ::ActivityResponse right = late;
    right.set_taskid(kept[static_cast<std::size_t>(step)].activityrequest().taskid());
    right.set_completiontoken(kept[static_cast<std::size_t>(step)].completiontoken());
    right.mutable_result()->set_value(std::to_string(step));
    EXPECT_CODE(stub->CompleteActivityTask(Call(hub), right, &ignored), OK);
  }
  EXPECT_EQ(wait_for_completion("again").output().value(), "1 2 3");
}

TEST_F(BadCalls, ACompletionThatMakesNoSenseFailsTheInstance) {
  ASSERT_NO_FATAL_FAILURE(start());
  const auto worker = make_worker();
  worker->before = [&](const ::WorkItem& item) {
    ::OrchestratorResponse response;
    response.set_instanceid(item.orchestratorrequest().instanceid());
    response.set_completiontoken(item.completiontoken());
    add_completion(response, 0, "1");
    add_completion(response, 1, "2");
    ::CompleteTaskResponse ignored;
    EXPECT_CODE(stub->CompleteOrchestratorTask(Call(hub), response, &ignored), INVALID_ARGUMENT);
    return false;
  };
  worker->start();
  const ::OrchestrationState state = wait_for_completion(start_instance("echo"));
  EXPECT_EQ(state.orchestrationstatus(), ::ORCHESTRATION_STATUS_FAILED);
  EXPECT_EQ(state.failuredetails().errortype(), "InvalidCompletion");
}

TEST_F(BadCalls, WithoutItsTokenNoOneIsServed) {
  token_ = "a token of some length";
  config.token_file = write_file("tokens", "# who may call\n" + token_ + "\n");
  ASSERT_NO_FATAL_FAILURE(start());
  google::protobuf::Empty empty;
  EXPECT_CODE(stub->Hello(Call(hub), empty, &empty), UNAUTHENTICATED);
  EXPECT_CODE(stub->Hello(Call(hub, "a token of other length"), empty, &empty), UNAUTHENTICATED);
  EXPECT_CODE(stub->Hello(Call(hub, token_ + "x"), empty, &empty), UNAUTHENTICATED);
  expect_alive();
  Call call(hub);
  const auto stream = stub->GetWorkItems(call, ::GetWorkItemsRequest());
  ::WorkItem item;
  EXPECT_FALSE(stream->Read(&item));
  EXPECT_CODE(stream->Finish(), UNAUTHENTICATED);
  ::GetInstanceRequest get;
  ::GetInstanceResponse got;
  EXPECT_CODE(stub->WaitForInstanceStart(Call(hub), get, &got), UNAUTHENTICATED);
}

TEST_F(BadCalls, TooManyStreamsAndWaitsAreRefused) {
  config.streams_max = 1;
  config.waits_max = 1;
  ASSERT_NO_FATAL_FAILURE(start());
  const auto worker = make_worker();
  worker->start();
  ASSERT_TRUE(eventually([&] { return server->figures().worker_streams.load() == 1; }));
  Call call(hub);
  const auto stream = stub->GetWorkItems(call, ::GetWorkItemsRequest());
  ::WorkItem item;
  EXPECT_FALSE(stream->Read(&item));
  EXPECT_CODE(stream->Finish(), RESOURCE_EXHAUSTED);

  const std::string id = start_instance("wait_for_go");
  ::GetInstanceRequest request;
  request.set_instanceid(id);
  ::GetInstanceResponse response;
  Call waiting(hub);
  std::thread client([&] {
    ::GetInstanceResponse ignored;
    EXPECT_CODE(stub->WaitForInstanceCompletion(waiting, request, &ignored), CANCELLED);
  });
  EXPECT_TRUE(eventually([&] { return server->figures().clients_waiting.load() == 1; }));
  EXPECT_CODE(stub->WaitForInstanceCompletion(Call(hub), request, &response), RESOURCE_EXHAUSTED);
  waiting->TryCancel();
  client.join();
}

TEST(Configuration, AnAddressBeyondTheMachineNeedsTlsAndAuthentication) {
  ServerConfig config;
  config.data = "somewhere";
  EXPECT_TRUE(validate(config).ok());
  for (const char* address :
       {"0.0.0.0:4001", "[::]:4001", "10.0.0.1:1", "example.org:1", "127.evil.example:1"}) {
    ServerConfig open = config;
    open.listen = address;
    EXPECT_EQ(validate(open).code(), StatusCode::invalid_argument) << address;
    open.tls_certificate = open.tls_key = "file";
    EXPECT_EQ(validate(open).code(), StatusCode::invalid_argument) << address;
    open.token_file = "file";
    EXPECT_TRUE(validate(open).ok()) << address;
    open = config;
    open.http = address;
    EXPECT_EQ(validate(open).code(), StatusCode::invalid_argument) << address;
    open.insecure = true;
    EXPECT_TRUE(validate(open).ok()) << address;
  }
  for (const char* address :
       {"127.0.0.1:1", "127.1.2.3:1", "[::1]:1", "localhost:1", "unix:/a/b"}) {
    EXPECT_TRUE(is_local_address(address)) << address;
  }
}

TEST(Configuration, ATokenFileThatOthersCanReadIsRefused) {
  const sim::TempDirectory directory;
  const std::string path = directory.path() + "/tokens";
  std::ofstream(path) << "a token of some length\n";
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  EXPECT_EQ(AccessControl::from_file(path).status().code(), StatusCode::invalid_argument);
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  const Result<AccessControl> access = AccessControl::from_file(path);
  ASSERT_TRUE(access.ok()) << access.status().to_string();
  EXPECT_TRUE(access->admits("Bearer a token of some length"));
  EXPECT_TRUE(access->admits("bearer a token of some length"));
  for (const char* wrong : {"", "Bearer", "Bearer ", "Basic a token of some length",
                            "Bearer a token of some lengt", "Bearer a token of some length "}) {
    EXPECT_FALSE(access->admits(wrong)) << wrong;
  }
  EXPECT_EQ(AccessControl::from_file(path + "x").status().code(), StatusCode::io_error);
}

}  // namespace
}  // namespace ingot::server::testing
