// Streams of work items: filters, limits, redelivery, chunks, pings, drain.

#include <gtest/gtest.h>

#include <set>

#include "tests/ingotd/server_fixture.h"

namespace ingot::server::testing {
namespace {

class WorkerStreams : public ServerFixture {
 protected:
  void start_server() {
    ASSERT_NO_FATAL_FAILURE(start());
    google::protobuf::Empty empty;
    ASSERT_OK(stub->Hello(Call(hub), empty, &empty));
  }
  // Keeps the first item that comes, undone.
  std::unique_ptr<TestWorker> keeper(::WorkItem& kept) {
    auto worker = make_worker();
    worker->request.set_maxconcurrentorchestrationworkitems(1);
    worker->request.set_maxconcurrentactivityworkitems(1);
    worker->before = [this, &kept](const ::WorkItem& item) {
      const std::lock_guard lock(mutex_);
      kept = item;
      ++kept_;
      return false;
    };
    return worker;
  }
  bool has_kept(int count = 1) {
    return eventually([&] {
      const std::lock_guard lock(mutex_);
      return kept_ >= count;
    });
  }
  grpc::Status complete(const ::WorkItem& item, const std::string& output) {
    ::OrchestratorResponse response;
    response.set_instanceid(item.orchestratorrequest().instanceid());
    response.set_completiontoken(item.completiontoken());
    add_completion(response, 0, output);
    ::CompleteTaskResponse ignored;
    return stub->CompleteOrchestratorTask(Call(hub), response, &ignored);
  }

  std::mutex mutex_;
  int kept_ = 0;
};

TEST_F(WorkerStreams, AClosedStreamGivesItsItemsToOthers) {
  start_server();
  ::WorkItem kept;
  const auto first = keeper(kept);
  first->start();
  const std::string id = start_instance("echo", "x");
  ASSERT_TRUE(has_kept());
  const auto second = make_worker();
  second->start();
  first->stop();
  EXPECT_EQ(wait_for_completion(id).output().value(), "x");
  // Its token is stale by now.
  EXPECT_CODE(complete(kept, "late"), OK);
  EXPECT_EQ(state_of(id).output().value(), "x");
}

TEST_F(WorkerStreams, ATokenCountsUntilTheItemIsSentAgain) {
  start_server();
  ::WorkItem kept;
  const auto worker = keeper(kept);
  worker->start();
  const std::string id = start_instance("echo", "x");
  ASSERT_TRUE(has_kept());
  worker->stop();
  EXPECT_TRUE(eventually([&] { return server->figures().worker_streams.load() == 0; }));
  EXPECT_CODE(complete(kept, "still mine"), OK);
  EXPECT_EQ(wait_for_completion(id).output().value(), "still mine");
}

TEST_F(WorkerStreams, NoMoreItemsThanTheWorkerAskedFor) {
  start_server();
  ::WorkItem kept;
  const auto worker = keeper(kept);
  worker->request.set_maxconcurrentorchestrationworkitems(2);
  worker->start();
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(start_instance("echo", std::to_string(i)));
  ASSERT_TRUE(has_kept(2));
  // One is done, so one more comes.
  EXPECT_EQ(worker->items(), 2);
  EXPECT_CODE(complete(kept, "done"), OK);
  ASSERT_TRUE(has_kept(3));
  EXPECT_EQ(worker->items(), 3);
  // The others are free for a second worker.
  const auto other = make_worker();
  other->start();
  EXPECT_TRUE(eventually([&] { return other->items() == 2; }));
}

TEST_F(WorkerStreams, AnAbandonedItemComesAgain) {
  start_server();
  const auto worker = make_worker();
  std::atomic<int> abandoned{0};
  worker->before = [&](const ::WorkItem& item) {
    if (abandoned.fetch_add(1) != 0) return true;
    ::AbandonOrchestrationTaskRequest request;
    request.set_completiontoken(item.completiontoken());
    ::AbandonOrchestrationTaskResponse response;
    EXPECT_CODE(stub->AbandonTaskOrchestratorWorkItem(Call(hub), request, &response), OK);
    return false;
  };
  worker->start();
  EXPECT_EQ(wait_for_completion(start_instance("echo", "x")).output().value(), "x");
  EXPECT_EQ(worker->items(), 2);
}

// A worker that does not answer in time has its room back with the next lock of the item.
TEST_F(WorkerStreams, AStaleItemTakesNoRoom) {
  config.hub.work_item_timeout = std::chrono::milliseconds(100);
  start_server();
  ::WorkItem kept;
  const auto worker = keeper(kept);
  worker->request.set_maxconcurrentorchestrationworkitems(2);
  worker->start();
  start_instance("echo", "x");
  EXPECT_TRUE(has_kept(4));
}

// Not every worker tries again when the server is overloaded or its disk is full.
TEST_F(WorkerStreams, AnItemWhoseCompletionIsRefusedComesAgain) {
  config.ping_interval = std::chrono::milliseconds(50);
  start_server();
  ::WorkItem kept;
  const auto worker = keeper(kept);
  worker->start();
  const std::string id = start_instance("echo", "x");
  ASSERT_TRUE(has_kept());
  const auto opened = server->hubs().find(hub);
  ASSERT_TRUE(opened.ok());
  const OutstandingPtr item = (*opened)->outstanding.find(id, -1);
  ASSERT_NE(item, nullptr);
  EXPECT_TRUE((*opened)->outstanding.refuse(item->token));
  ASSERT_TRUE(has_kept(2));
  EXPECT_EQ(server->figures().items_returned.load(), 1U);
  const std::lock_guard lock(mutex_);
  EXPECT_CODE(complete(kept, "again"), OK);
  EXPECT_EQ(wait_for_completion(id).output().value(), "again");
}

TEST_F(WorkerStreams, WorkersGetWhatTheirFiltersName) {
  start_server();
  const auto echoes = make_worker();
  echoes->request.mutable_workitemfilters()->add_orchestrations()->set_name("echo");
  echoes->start();
  const auto hellos = make_worker();
  hellos->request.mutable_workitemfilters()->add_orchestrations()->set_name("hello_sequence");
  hellos->start();
  // Activities are in no filter: they wait.
  const std::string hello = start_instance("hello_sequence");
  for (int i = 0; i < 10; ++i) wait_for_completion(start_instance("echo"));
  EXPECT_TRUE(eventually([&] { return hellos->items() == 1; }));
  EXPECT_EQ(echoes->items(), 10);
  const auto activities = make_worker();
  activities->request.mutable_workitemfilters()->add_activities()->set_name("hello");
  activities->start();
  EXPECT_EQ(wait_for_completion(hello).output().value(), kHelloOutput);
  EXPECT_EQ(activities->items(), 3);
  EXPECT_EQ(echoes->items(), 10);
}

TEST_F(WorkerStreams, AnActivityWithoutAVersionGoesWithItsOrchestration) {
  start_server();
  const auto make = [this](const std::string& version) {
    auto worker = make_worker();
    ::WorkItemFilters* filters = worker->request.mutable_workitemfilters();
    ::OrchestrationFilter* orchestration = filters->add_orchestrations();
    orchestration->set_name("hello_sequence");
    orchestration->add_versions(version);
    ::ActivityFilter* activity = filters->add_activities();
    activity->set_name("hello");
    activity->add_versions(version);
    worker->start();
    return worker;
  };
  const auto old = make("1.0");
  const auto present = make("2.0");
  ::CreateInstanceRequest request;
  request.set_name("hello_sequence");
  ::CreateInstanceResponse response;
  // Neither worker asked for what has no version.
  request.set_instanceid("none");
  ASSERT_OK(stub->StartInstance(Call(hub), request, &response));
  request.mutable_version()->set_value("3.0");
  request.set_instanceid("other");
  ASSERT_OK(stub->StartInstance(Call(hub), request, &response));
  request.mutable_version()->set_value("2.0");
  request.set_instanceid("present");
  ASSERT_OK(stub->StartInstance(Call(hub), request, &response));
  EXPECT_EQ(wait_for_completion("present").output().value(), kHelloOutput);
  EXPECT_EQ(present->items(), 4 + 3);
  EXPECT_EQ(old->items(), 0);
  for (const char* id : {"none", "other"}) {
    EXPECT_EQ(state_of(id).orchestrationstatus(), ::ORCHESTRATION_STATUS_PENDING) << id;
  }
  // One without a filter is given all of it.
  const auto any = make_worker();
  any->start();
  EXPECT_EQ(wait_for_completion("none").output().value(), kHelloOutput);
  EXPECT_EQ(wait_for_completion("other").output().value(), kHelloOutput);
  EXPECT_EQ(any->items(), 2 * (4 + 3));
}

TEST_F(WorkerStreams, AWorkerThatDoesNotReadStallsNoOne) {
  config.stream_queue_bytes_max = 64 << 10;
  start_server();
  // A stream that is never read, with room for everything.
  ::GetWorkItemsRequest request;
  request.set_maxconcurrentorchestrationworkitems(100'000);
  const auto call = Call::endless(hub);
  const auto lazy = connect();
  const auto stream = lazy->GetWorkItems(*call, request);
  EXPECT_TRUE(eventually([&] { return server->figures().worker_streams.load() == 1; }));
  const auto worker = make_worker();
  worker->start();
  EXPECT_TRUE(eventually([&] { return server->figures().worker_streams.load() == 2; }));
  std::vector<std::string> ids;
  const std::string input(32 << 10, 'x');
  for (int i = 0; i < 60; ++i) ids.push_back(start_instance("echo", input));
  // What the lazy one has been given stays with it; all the rest gets done.
  EXPECT_TRUE(eventually([&] { return worker->items() >= 10; }));
  EXPECT_LT(server->figures().bytes_queued.load(), 4U << 20);
  (*call)->TryCancel();
  EXPECT_TRUE(eventually([&] { return server->figures().worker_streams.load() == 1; }));
  for (const std::string& id : ids) {
    ASSERT_EQ(wait_for_completion(id).output().value().size(), input.size());
  }
}

TEST_F(WorkerStreams, ACompletionMayComeInChunks) {
  start_server();
  const auto worker = make_worker();
  worker->orchestrators["fan"] = [this](const ::OrchestratorRequest& request,
                                        ::OrchestratorResponse& response) {
    int done = 0;
    for (const auto* events : {&request.pastevents(), &request.newevents()}) {
      for (const auto& event : *events) done += event.has_taskcompleted() ? 1 : 0;
    }
    if (done == 4) return add_completion(response, 4, "4");
    if (done != 0) return;
    ::CompleteTaskResponse ignored;
    for (int chunk = 0; chunk < 4; ++chunk) {
      ::OrchestratorResponse part;
      part.set_instanceid(response.instanceid());
      part.set_completiontoken(response.completiontoken());
      part.set_ispartial(true);
      part.mutable_chunkindex()->set_value(chunk);
      ::OrchestratorAction* action = part.add_actions();
      action->set_id(chunk);
      action->mutable_scheduletask()->set_name("hello");
      if (chunk == 2) {
        // Out of order: refused, and nothing is lost.
        part.mutable_chunkindex()->set_value(3);
        EXPECT_CODE(stub->CompleteOrchestratorTask(Call(hub), part, &ignored), INVALID_ARGUMENT);
        part.mutable_chunkindex()->set_value(2);
      }
      if (chunk < 3) {
        EXPECT_CODE(stub->CompleteOrchestratorTask(Call(hub), part, &ignored), OK);
      } else {
        response = part;
        response.set_ispartial(false);
      }
    }
  };
  worker->start();
  EXPECT_EQ(wait_for_completion(start_instance("fan")).output().value(), "4");
}

// The worker would send the same again, so it is no use to keep the item for it.
TEST_F(WorkerStreams, ACompletionInMoreChunksThanAreTakenFailsTheOrchestration) {
  config.chunk_bytes_max = 64 << 10;
  start_server();
  ::WorkItem item;
  const auto worker = keeper(item);
  worker->start();
  const std::string id = start_instance("large");
  ASSERT_TRUE(has_kept());
  ::OrchestratorResponse part;
  part.set_instanceid(id);
  part.set_completiontoken(item.completiontoken());
  part.set_ispartial(true);
  part.mutable_chunkindex()->set_value(0);
  part.mutable_customstatus()->set_value(std::string(40 << 10, 'x'));
  ::CompleteTaskResponse ignored;
  EXPECT_CODE(stub->CompleteOrchestratorTask(Call(hub), part, &ignored), OK);
  part.mutable_chunkindex()->set_value(1);
  EXPECT_CODE(stub->CompleteOrchestratorTask(Call(hub), part, &ignored), INVALID_ARGUMENT);
  const ::OrchestrationState state = wait_for_completion(id);
  EXPECT_EQ(state.orchestrationstatus(), ::ORCHESTRATION_STATUS_FAILED);
  EXPECT_NE(state.failuredetails().errormessage().find("65536 bytes (chunk-bytes-max)"),
            std::string::npos)
      << state.ShortDebugString();
}

// The span that the first step's worker opened is told to the workers of all later ones.
TEST_F(WorkerStreams, ASpanIsCarriedFromStepToStep) {
  start_server();
  std::mutex mutex;
  std::vector<std::string> told;
  const auto worker = make_worker();
  worker->orchestrators["hello_sequence"] = [&](const ::OrchestratorRequest& request,
                                                ::OrchestratorResponse& response) {
    const std::lock_guard lock(mutex);
    told.push_back(request.orchestrationtracecontext().spanid().value());
    hello_sequence(request, response);
    // Not every step says it again.
    if (told.size() != 1) return;
    response.mutable_orchestrationtracecontext()->mutable_spanid()->set_value("span");
  };
  worker->start();
  EXPECT_EQ(wait_for_completion(start_instance("hello_sequence")).output().value(), kHelloOutput);
  const std::lock_guard lock(mutex);
  EXPECT_EQ(told, (std::vector<std::string>{"", "span", "span", "span"}));
}

TEST_F(WorkerStreams, ALongHistoryIsStreamedToThoseWhoCan) {
  config.work_item_bytes_max = 1000;
  start_server();
  const auto worker = make_worker();
  worker->request.add_capabilities(::WORKER_CAPABILITY_HISTORY_STREAMING);
  worker->start();
  const ::OrchestrationState state =
      wait_for_completion(start_instance("hello_sequence", std::string(2000, 'x')));
  EXPECT_EQ(state.output().value(), kHelloOutput);
  EXPECT_EQ(worker->streamed(), 3);
}

TEST_F(WorkerStreams, ASilentStreamIsPinged) {
  config.ping_interval = std::chrono::milliseconds(50);
  start_server();
  const auto worker = make_worker();
  worker->start();
  EXPECT_TRUE(eventually([&] { return worker->pings() >= 3; }));
}

TEST_F(WorkerStreams, DrainingLetsWorkersFinishAndEndsTheirStreamsWithOk) {
  start_server();
  ::WorkItem kept;
  const auto worker = keeper(kept);
  worker->start();
  const std::string id = start_instance("echo", "x", "before");
  ASSERT_TRUE(has_kept());
  grpc::Status waiting;
  std::thread client([&] {
    ::GetInstanceRequest request;
    request.set_instanceid(start_instance("wait_for_go"));
    ::GetInstanceResponse response;
    waiting = stub->WaitForInstanceCompletion(Call(hub), request, &response);
  });
  EXPECT_TRUE(eventually([&] { return server->figures().clients_waiting.load() == 1; }));
  Status drained;
  std::thread drain([&] { drained = server->drain(); });
  EXPECT_TRUE(eventually([&] { return server->figures().draining.load(); }));
  EXPECT_CODE(complete(kept, "in time"), OK);
  drain.join();
  client.join();
  EXPECT_TRUE(drained.ok()) << drained.to_string();
  EXPECT_CODE(worker->wait_for_end(), OK);
  EXPECT_EQ(waiting.error_code(), grpc::StatusCode::UNAVAILABLE) << waiting.error_message();
  stop();
  // All of it is there when the server starts again.
  ASSERT_NO_FATAL_FAILURE(start());
  EXPECT_EQ(state_of(id).output().value(), "in time");
}

TEST_F(WorkerStreams, ADeletedHubEndsItsStreams) {
  hub = "short-lived";
  start_server();
  const auto worker = make_worker();
  worker->start();
  EXPECT_TRUE(eventually([&] { return server->figures().worker_streams.load() == 1; }));
  ::DeleteTaskHubRequest request;
  ::DeleteTaskHubResponse response;
  ASSERT_OK(stub->DeleteTaskHub(Call(hub), request, &response));
  EXPECT_CODE(worker->wait_for_end(), UNAVAILABLE);
}

}  // namespace
}  // namespace ingot::server::testing
