#include <ingot/task_hub.h>

#include <iostream>

// An orchestrator: runs again from the start after a crash, over what has happened already.
ingot::Task<std::string> hello_cities(ingot::OrchestrationContext& context) {
  std::string text = co_await context.call_activity("hello", "Tokyo");
  text += ' ';
  text += co_await context.call_activity("hello", "London");
  co_return text;
}

// An activity: does the work that touches the world, at least once.
std::string hello(const ingot::ActivityContext& call) {
  return "Hello " + std::string(call.input) + "!";
}

int fail(const ingot::Status& status) {
  std::cerr << status.to_string() << '\n';
  return 1;
}

int main(int argc, char** argv) {
  ingot::Registry registry;
  if (auto added = registry.add_orchestrator("hello_cities", hello_cities); !added.ok()) {
    return fail(added);
  }
  if (auto added = registry.add_activity("hello", hello); !added.ok()) return fail(added);

  auto hub = ingot::TaskHub::open(argc > 1 ? argv[1] : "my-hub", registry);
  if (!hub.ok()) return fail(hub.status());

  ingot::Client& client = (*hub)->client();
  auto id = client.schedule_new_orchestration("hello_cities");
  if (!id.ok()) return fail(id.status());
  // From here on it survives a crash: the next open() goes on with it.

  auto state = client.wait_for_completion(*id, std::chrono::minutes(1));
  if (!state.ok()) return fail(state.status());
  std::cout << to_string(state->status) << ": " << state->output.value_or("") << '\n';
  return 0;
}
