#pragma once

// ServerFixture: a real server on a port of its own, called over real channels; TestWorker: a
// worker that is one GetWorkItems call and a thread.
//
// Waits are long and end on a condition: no result depends on the speed of the machine.

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <orchestrator_service.grpc.pb.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/temp_directory.h"
#include "tools/ingotd/server.h"

namespace ingot::server::testing {

using Stub = ::TaskHubSidecarService::Stub;

// A call's context: its hub, its deadline, and a token if there is one.
class Call {
 public:
  explicit Call(const std::string& hub = {}, const std::string& token = {});
  // One that lasts until it is cancelled.
  static std::unique_ptr<Call> endless(const std::string& hub);
  operator grpc::ClientContext*() { return &context_; }  // NOLINT(google-explicit-constructor)
  grpc::ClientContext* operator->() { return &context_; }

 private:
  grpc::ClientContext context_;
};

// True as soon as `condition` is; false when it has not come true for a long time.
bool eventually(const std::function<bool()>& condition);

// Runs orchestrators, activities and entities of a test: functions by name.
class TestWorker {
 public:
  using Orchestrator = std::function<void(const ::OrchestratorRequest&, ::OrchestratorResponse&)>;
  using Activity = std::function<std::string(const ::ActivityRequest&)>;
  using Entity = std::function<void(const ::EntityRequest&, ::EntityBatchResult&)>;

  TestWorker(Stub& stub, std::string hub) : stub_(stub), hub_(std::move(hub)) {}
  ~TestWorker() { stop(); }

  std::map<std::string, Orchestrator> orchestrators;
  std::map<std::string, Activity> activities;
  std::map<std::string, Entity> entities;
  ::GetWorkItemsRequest request;
  bool lenient = false;  // the server may be killed: completions that fail are no fault
  // Called with each item before it is done; false leaves it undone.
  std::function<bool(const ::WorkItem&)> before;

  void start();
  // Cancels the stream and waits for its end.
  void stop();
  // Waits for the end that the server makes.
  grpc::Status wait_for_end();
  [[nodiscard]] int items() const { return items_.load(); }
  [[nodiscard]] int pings() const { return pings_.load(); }
  // Histories that it has asked for, because the item did not hold them.
  [[nodiscard]] int streamed() const { return streamed_.load(); }

 private:
  void run();
  void work(const ::WorkItem& item);
  void read_history(::OrchestratorRequest& item);
  void expect_ok(const grpc::Status& status) const;

  Stub& stub_;
  const std::string hub_;
  std::unique_ptr<Call> call_;
  std::atomic<int> items_{0};
  std::atomic<int> pings_{0};
  std::atomic<int> streamed_{0};
  grpc::Status end_;
  std::thread thread_;
};

// The three cities: activities "hello" one after the other, and their results as the output.
void hello_sequence(const ::OrchestratorRequest& request, ::OrchestratorResponse& response);
// Ends at once, with its input as its output.
void echo(const ::OrchestratorRequest& request, ::OrchestratorResponse& response);
// Waits for the event "go", whose data is its output; takes suspension and termination.
void wait_for_go(const ::OrchestratorRequest& request, ::OrchestratorResponse& response);
void add_completion(::OrchestratorResponse& response, int id, const std::string& result,
                    ::OrchestrationStatus status = ::ORCHESTRATION_STATUS_COMPLETED);
inline constexpr const char* kHelloOutput = "Hello Tokyo! Hello Seattle! Hello London!";

class ServerFixture : public ::testing::Test {
 protected:
  ServerFixture();
  ~ServerFixture() override;

  // Starts the server with `config`.
  void start();
  void stop();
  [[nodiscard]] std::shared_ptr<grpc::Channel> channel() const;
  [[nodiscard]] std::unique_ptr<Stub> connect() const;
  // A worker that knows "hello_sequence", "echo" and "wait_for_go".
  [[nodiscard]] std::unique_ptr<TestWorker> make_worker();

  // Starts an instance; its id.
  std::string start_instance(const std::string& name, const std::string& input = {},
                             const std::string& id = {});
  ::OrchestrationState wait_for_completion(const std::string& id);
  ::OrchestrationState state_of(const std::string& id);

  ServerConfig config;
  std::unique_ptr<Server> server;
  std::unique_ptr<Stub> stub;
  std::string hub = "default";

 private:
  sim::TempDirectory directory_;
};

#define EXPECT_CODE(call, expected)                                                         \
  do {                                                                                      \
    const grpc::Status status_ = call;                                                      \
    EXPECT_EQ(status_.error_code(), grpc::StatusCode::expected) << status_.error_message(); \
  } while (false)

#define ASSERT_OK(call)                                                                   \
  do {                                                                                    \
    const grpc::Status status_ = call;                                                    \
    ASSERT_TRUE(status_.ok()) << status_.error_code() << ": " << status_.error_message(); \
  } while (false)

}  // namespace ingot::server::testing
