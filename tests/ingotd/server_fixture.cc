#include "tests/ingotd/server_fixture.h"

#include <chrono>

namespace ingot::server::testing {
namespace {

constexpr auto kLong = std::chrono::seconds(60);

// All events that the orchestrator has seen.
std::vector<const ::HistoryEvent*> events_of(const ::OrchestratorRequest& request) {
  std::vector<const ::HistoryEvent*> events;
  for (const auto& event : request.pastevents()) events.push_back(&event);
  for (const auto& event : request.newevents()) events.push_back(&event);
  return events;
}

}  // namespace

Call::Call(const std::string& hub, const std::string& token) {
  if (!hub.empty()) context_.AddMetadata("taskhub", hub);
  if (!token.empty()) context_.AddMetadata("authorization", "Bearer " + token);
  context_.set_deadline(std::chrono::system_clock::now() + kLong);
}

std::unique_ptr<Call> Call::endless(const std::string& hub) {
  auto call = std::make_unique<Call>(hub);
  call->context_.set_deadline(std::chrono::system_clock::time_point::max());
  return call;
}

bool eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + kLong;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

// --- orchestrators
// --------------------------------------------------------------------------------

void add_completion(::OrchestratorResponse& response, int id, const std::string& result,
                    ::OrchestrationStatus status) {
  ::OrchestratorAction* action = response.add_actions();
  action->set_id(id);
  action->mutable_completeorchestration()->set_orchestrationstatus(status);
  action->mutable_completeorchestration()->mutable_result()->set_value(result);
}

void hello_sequence(const ::OrchestratorRequest& request, ::OrchestratorResponse& response) {
  static constexpr const char* kCities[] = {"Tokyo", "Seattle", "London"};
  std::string text;
  int done = 0;
  for (const ::HistoryEvent* event : events_of(request)) {
    if (!event->has_taskcompleted()) continue;
    text += (done++ == 0 ? "" : " ") + event->taskcompleted().result().value();
  }
  if (done == 3) return add_completion(response, 3, text);
  ::OrchestratorAction* action = response.add_actions();
  action->set_id(done);
  action->mutable_scheduletask()->set_name("hello");
  action->mutable_scheduletask()->mutable_input()->set_value(kCities[done]);
}

void echo(const ::OrchestratorRequest& request, ::OrchestratorResponse& response) {
  for (const ::HistoryEvent* event : events_of(request)) {
    if (event->has_executionstarted()) {
      return add_completion(response, 0, event->executionstarted().input().value());
    }
  }
}

void wait_for_go(const ::OrchestratorRequest& request, ::OrchestratorResponse& response) {
  for (const ::HistoryEvent* event : events_of(request)) {
    if (event->has_executionterminated()) {
      return add_completion(response, 0, event->executionterminated().input().value(),
                            ::ORCHESTRATION_STATUS_TERMINATED);
    }
    if (event->has_eventraised() && event->eventraised().name() == "go") {
      return add_completion(response, 0, event->eventraised().input().value());
    }
  }
}

// --- TestWorker
// -----------------------------------------------------------------------------------

void TestWorker::start() {
  call_ = Call::endless(hub_);
  thread_ = std::thread([this] { run(); });
}

void TestWorker::stop() {
  if (!thread_.joinable()) return;
  (*call_)->TryCancel();
  thread_.join();
}

grpc::Status TestWorker::wait_for_end() {
  if (thread_.joinable()) thread_.join();
  return end_;
}

void TestWorker::run() {
  const auto stream = stub_.GetWorkItems(*call_, request);
  ::WorkItem item;
  while (stream->Read(&item)) {
    if (item.has_healthping()) {
      ++pings_;
      continue;
    }
    ++items_;
    if (!before || before(item)) work(item);
  }
  end_ = stream->Finish();
}

void TestWorker::expect_ok(const grpc::Status& status) const {
  EXPECT_TRUE(lenient || status.ok()) << status.error_code() << ": " << status.error_message();
}

void TestWorker::read_history(::OrchestratorRequest& item) {
  EXPECT_EQ(item.pastevents_size(), 0);
  ++streamed_;
  ::StreamInstanceHistoryRequest history;
  history.set_instanceid(item.instanceid());
  history.set_forworkitemprocessing(true);
  Call call(hub_);
  const auto stream = stub_.StreamInstanceHistory(call, history);
  ::HistoryChunk chunk;
  while (stream->Read(&chunk)) {
    for (const auto& event : chunk.events()) *item.add_pastevents() = event;
  }
  expect_ok(stream->Finish());
}

void TestWorker::work(const ::WorkItem& item) {
  ::CompleteTaskResponse ignored;
  if (item.has_orchestratorrequest()) {
    ::OrchestratorRequest work = item.orchestratorrequest();
    if (work.requireshistorystreaming()) read_history(work);
    std::string name;
    for (const ::HistoryEvent* event : events_of(work)) {
      if (event->has_executionstarted()) name = event->executionstarted().name();
    }
    ::OrchestratorResponse response;
    response.set_instanceid(work.instanceid());
    response.set_completiontoken(item.completiontoken());
    if (orchestrators.contains(name)) orchestrators[name](work, response);
    expect_ok(stub_.CompleteOrchestratorTask(Call(hub_), response, &ignored));
  } else if (item.has_activityrequest()) {
    ::ActivityResponse response;
    response.set_instanceid(item.activityrequest().orchestrationinstance().instanceid());
    response.set_taskid(item.activityrequest().taskid());
    response.set_completiontoken(item.completiontoken());
    response.mutable_result()->set_value(
        activities.at(item.activityrequest().name())(item.activityrequest()));
    expect_ok(stub_.CompleteActivityTask(Call(hub_), response, &ignored));
  } else if (item.has_entityrequestv2()) {
    ::EntityBatchResult result;
    result.set_completiontoken(item.completiontoken());
    const std::string& id = item.entityrequestv2().instanceid();
    entities.at(id.substr(1, id.find('@', 1) - 1))(item.entityrequestv2(), result);
    expect_ok(stub_.CompleteEntityTask(Call(hub_), result, &ignored));
  }
}

// --- ServerFixture
// --------------------------------------------------------------------------------

ServerFixture::ServerFixture() {
  config.data = directory_.path() + "/hubs";
  config.listen = "127.0.0.1:0";
  config.http.clear();
  config.create_hubs = true;
  config.drain_timeout = std::chrono::seconds(10);
  config.log_level = "error";
  config.hub.partitions = 2;
  config.hub.shards = 2;
  config.hub.segment_bytes = 1ULL << 20;
  config.hub.foreign_work = true;
}

ServerFixture::~ServerFixture() { stop(); }

void ServerFixture::start() {
  Result<std::unique_ptr<Server>> started = Server::start(config);
  ASSERT_TRUE(started.ok()) << started.status().to_string();
  server = *std::move(started);
  stub = connect();
}

void ServerFixture::stop() {
  stub.reset();
  server.reset();
}

std::shared_ptr<grpc::Channel> ServerFixture::channel() const {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  // Each has a connection of its own.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(server->grpc()->port()),
                                   grpc::InsecureChannelCredentials(), arguments);
}

std::unique_ptr<Stub> ServerFixture::connect() const {
  return ::TaskHubSidecarService::NewStub(channel());
}

std::unique_ptr<TestWorker> ServerFixture::make_worker() {
  google::protobuf::Empty empty;
  EXPECT_CODE(stub->Hello(Call(hub), empty, &empty), OK);
  auto worker = std::make_unique<TestWorker>(*stub, hub);
  worker->orchestrators["hello_sequence"] = hello_sequence;
  worker->orchestrators["echo"] = echo;
  worker->orchestrators["wait_for_go"] = wait_for_go;
  worker->activities["hello"] = [](const ::ActivityRequest& request) {
    return "Hello " + request.input().value() + "!";
  };
  return worker;
}

std::string ServerFixture::start_instance(const std::string& name, const std::string& input,
                                          const std::string& id) {
  ::CreateInstanceRequest request;
  request.set_name(name);
  request.set_instanceid(id);
  request.mutable_input()->set_value(input);
  ::CreateInstanceResponse response;
  EXPECT_CODE(stub->StartInstance(Call(hub), request, &response), OK);
  return response.instanceid();
}

::OrchestrationState ServerFixture::wait_for_completion(const std::string& id) {
  ::GetInstanceRequest request;
  request.set_instanceid(id);
  request.set_getinputsandoutputs(true);
  ::GetInstanceResponse response;
  EXPECT_CODE(stub->WaitForInstanceCompletion(Call(hub), request, &response), OK);
  EXPECT_TRUE(response.exists());
  return response.orchestrationstate();
}

::OrchestrationState ServerFixture::state_of(const std::string& id) {
  ::GetInstanceRequest request;
  request.set_instanceid(id);
  request.set_getinputsandoutputs(true);
  ::GetInstanceResponse response;
  EXPECT_CODE(stub->GetInstance(Call(hub), request, &response), OK);
  return response.orchestrationstate();
}

}  // namespace ingot::server::testing
