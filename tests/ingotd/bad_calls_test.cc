// What clients must not do: each has its status and a text that helps, and the server lives on.

#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/ingotd/server_fixture.h"
#include "tools/ingotd/access.h"

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
  for (const char* method : {"StartInstance", "CompleteOrchestratorTask", "QueryInstances"}) {
    const grpc::Status status = call_with_bytes(method, "\xFF\xFF\xFF\xFF garbage");
    EXPECT_FALSE(status.ok()) << method;
  }
  EXPECT_CODE(call_with_bytes("NoSuchCall", ""), UNIMPLEMENTED);
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
  expect_alive();
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
