// The program `ingotd`: how it starts and stops, and that SIGKILL in the middle of a load loses
// nothing that was acknowledged.

#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <set>

#include "tests/ingotd/server_fixture.h"

namespace ingot::server::testing {
namespace {

// One run of the program.
class Process {
 public:
  explicit Process(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), INGOTD);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    EXPECT_EQ(posix_spawn(&pid_, argv.front(), nullptr, nullptr, argv.data(), environ), 0);
  }
  ~Process() {
    if (pid_ > 0) kill_and_wait(SIGKILL);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void signal(int number) const { ::kill(pid_, number); }
  // The exit code, or minus the signal that ended it.
  int wait() {
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  }
  int kill_and_wait(int number) {
    signal(number);
    return wait();
  }

 private:
  pid_t pid_ = -1;
};

class Program : public ::testing::Test {
 protected:
  std::string socket() const { return "unix:" + directory_.path() + "/s"; }
  std::vector<std::string> arguments() const {
    return {"--data",       directory_.path() + "/hubs",
            "--listen",     socket(),
            "--http",       "",
            "--partitions", "2",
            "--log-level",  "error",
            "--create-hubs"};
  }
  // A connection to a server that runs.
  std::unique_ptr<Stub> connect() {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
    auto stub = ::TaskHubSidecarService::NewStub(
        grpc::CreateCustomChannel(socket(), grpc::InsecureChannelCredentials(), arguments));
    google::protobuf::Empty empty;
    EXPECT_TRUE(eventually([&] {
      Call call;
      call->set_wait_for_ready(true);
      return stub->Hello(call, empty, &empty).ok();
    }));
    return stub;
  }
  static std::unique_ptr<TestWorker> work(Stub& stub) {
    auto worker = std::make_unique<TestWorker>(stub, "");
    worker->lenient = true;
    worker->orchestrators["hello_sequence"] = hello_sequence;
    worker->activities["hello"] = [](const ::ActivityRequest& request) {
      return "Hello " + request.input().value() + "!";
    };
    worker->start();
    return worker;
  }

  sim::TempDirectory directory_;
};

TEST_F(Program, SaysWhatIsWrongWithItsOptions) {
  EXPECT_EQ(Process({"--no-such-option"}).wait(), 2);
  EXPECT_EQ(
      Process({"--data", directory_.path(), "--listen", "0.0.0.0:0", "--log-level", "off"}).wait(),
      2);
  EXPECT_EQ(Process({"--version"}).wait(), 0);
}

TEST_F(Program, TakesItsOptionsFromAFile) {
  const std::string path = directory_.path() + "/ingotd.conf";
  std::ofstream(path) << "data = \"" << directory_.path() << "/hubs\"\n"
                      << "listen = \"" << socket() << "\"\nhttp = \"\"\ncreate-hubs = true\n"
                      << "partitions = 1\nping-interval = 5\nlog-level = \"error\"\n";
  Process server({"--config", path});
  connect();
  EXPECT_EQ(server.kill_and_wait(SIGTERM), 0);
  std::ofstream(path, std::ios::app) << "no-such-option = 1\n";
  EXPECT_EQ(Process({"--config", path}).wait(), 2);
}

TEST_F(Program, TheSecondSignalEndsItAtOnce) {
  Process server(arguments());
  const auto stub = connect();
  // A worker that keeps an item makes draining wait.
  TestWorker worker(*stub, "");
  worker.before = [](const ::WorkItem&) { return false; };
  worker.start();
  ::CreateInstanceRequest request;
  request.set_name("kept");
  ::CreateInstanceResponse response;
  ASSERT_OK(stub->StartInstance(Call(), request, &response));
  ASSERT_TRUE(eventually([&] { return worker.items() == 1; }));
  server.signal(SIGTERM);
  // Until the first one is taken, a second one is the same one.
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  server.signal(SIGTERM);
  const int ended = server.wait();
  EXPECT_TRUE(ended == 3 || ended == 0) << ended;
}

TEST_F(Program, SigkillUnderLoadLosesNothingThatWasAcknowledged) {
  std::mutex mutex;
  std::set<std::string> acknowledged;
  std::set<std::string> all;
  for (int run = 0; run < 3; ++run) {
    Process server(arguments());
    const auto stub = connect();
    const auto worker = work(*stub);
    std::atomic<bool> stop{false};
    std::vector<std::thread> clients;
    for (int c = 0; c < 4; ++c) {
      clients.emplace_back([&, c] {
        for (int i = 0; !stop.load(); ++i) {
          ::CreateInstanceRequest request;
          request.set_name("hello_sequence");
          request.set_instanceid(std::to_string(run) + "-" + std::to_string(c) + "-" +
                                 std::to_string(i));
          {
            const std::lock_guard lock(mutex);
            all.insert(request.instanceid());
          }
          ::CreateInstanceResponse response;
          if (!stub->StartInstance(Call(), request, &response).ok()) return;
          const std::lock_guard lock(mutex);
          acknowledged.insert(response.instanceid());
        }
      });
    }
    const std::size_t enough = acknowledged.size() + 50;
    EXPECT_TRUE(eventually([&] {
      const std::lock_guard lock(mutex);
      return acknowledged.size() >= enough;
    }));
    EXPECT_EQ(server.kill_and_wait(SIGKILL), -SIGKILL);
    stop.store(true);
    for (std::thread& client : clients) client.join();
  }
  Process server(arguments());
  const auto stub = connect();
  const auto worker = work(*stub);
  for (const std::string& id : all) {
    ::GetInstanceRequest request;
    request.set_instanceid(id);
    request.set_getinputsandoutputs(true);
    ::GetInstanceResponse response;
    ASSERT_OK(stub->WaitForInstanceCompletion(Call(), request, &response));
    // What was not acknowledged is there wholly or not at all.
    if (!response.exists() && !acknowledged.contains(id)) continue;
    ASSERT_TRUE(response.exists()) << id << " was acknowledged and is lost";
    EXPECT_EQ(response.orchestrationstate().output().value(), kHelloOutput) << id;
  }
  EXPECT_EQ(server.kill_and_wait(SIGTERM), 0);
}

}  // namespace
}  // namespace ingot::server::testing
