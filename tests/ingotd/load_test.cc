// The load client as a program, on a server of this process: what it holds is really there, and
// what it reports is right. Counts only: how fast it is, is for people to measure.

#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/ingotd/server_fixture.h"

namespace ingot::server::testing {
namespace {

class LoadClient : public ServerFixture {
 protected:
  void begin(std::vector<std::string> arguments) {
    const std::string address = "127.0.0.1:" + std::to_string(server->grpc()->port());
    arguments.insert(arguments.end(), {"--address", address, "--json", json_, "--server-pid",
                                       std::to_string(getpid())});
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    ASSERT_EQ(posix_spawn(&pid_, argv.front(), nullptr, nullptr, argv.data(), environ), 0);
  }
  // The exit code, or minus the signal that ended it.
  int wait() {
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  }
  nlohmann::json figures() const {
    std::ifstream file(json_);
    return nlohmann::json::parse(file, nullptr, false);
  }
  ~LoadClient() override {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    wait();
  }

  sim::TempDirectory files_;
  const std::string json_ = files_.path() + "/figures.json";
  pid_t pid_ = -1;
};

TEST_F(LoadClient, IdleStreamsAndWaitingClientsAreHeldAndAnswered) {
  config.hub.payload_bytes_max = 1 << 20;
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_NO_FATAL_FAILURE(begin({INGOT_GRPC_LOAD, "idle", "--streams", "50", "--waiters", "500",
                                 "--connections", "20", "--instances", "7", "--seconds", "3600"}));
  EXPECT_TRUE(eventually([&] {
    return server->figures().worker_streams.load() == 50 &&
           server->figures().clients_waiting.load() == 500;
  })) << server->figures().worker_streams.load()
      << " streams, " << server->figures().clients_waiting.load() << " clients";
  EXPECT_EQ(server->figures().bytes_queued.load(), 0U);
  // A worker of its own is served meanwhile.
  const auto worker = make_worker();
  worker->request.mutable_workitemfilters()->add_orchestrations()->set_name("echo");
  worker->start();
  EXPECT_EQ(wait_for_completion(start_instance("echo", "x")).output().value(), "x");
  worker->stop();
  ASSERT_EQ(kill(pid_, SIGINT), 0);  // enough
  EXPECT_EQ(wait(), 0);
  const nlohmann::json report = figures();
  EXPECT_EQ(report["streams"], 50);
  EXPECT_EQ(report["waiters"], 500);
  EXPECT_EQ(report["answered"], 500);
  EXPECT_GT(report["server_rss_mib"], 0);
  EXPECT_TRUE(eventually([&] {
    return server->figures().worker_streams.load() == 0 &&
           server->figures().clients_waiting.load() == 0;
  }));
}

TEST_F(LoadClient, TheToolStartsItAndItVerifiesWhatItCounts) {
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_NO_FATAL_FAILURE(begin({INGOT_TOOL, "bench", "grpc-hello", "--concurrency", "8",
                                 "--seconds", "0.5", "--warmup", "0"}));
  EXPECT_EQ(wait(), 0);
  const nlohmann::json report = figures();
  EXPECT_EQ(report["workload"], "grpc-hello");
  EXPECT_EQ(report["verified"], true);
  EXPECT_GE(report["verified_outputs"], 1);
  EXPECT_GT(report["server_rss_mib"], 0);
}

TEST_F(LoadClient, AServerThatIsNotThereIsNamed) {
  ASSERT_NO_FATAL_FAILURE(start());
  server->stop();
  ASSERT_NO_FATAL_FAILURE(begin({INGOT_GRPC_LOAD, "hello"}));
  EXPECT_EQ(wait(), 2);
}

}  // namespace
}  // namespace ingot::server::testing
