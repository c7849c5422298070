#include <gtest/gtest.h>
#include <ingot/registry.h>

#include <stdexcept>

#include "core/activity_runner.h"

namespace ingot {
namespace {

Task<std::string> nothing(OrchestrationContext&) { co_return ""; }
std::string echo(const ActivityContext& context) { return std::string(context.input); }

TEST(RegistryTest, FindsWhatWasAdded) {
  Registry registry;
  ASSERT_TRUE(registry.add_orchestrator("flow", nothing).ok());
  ASSERT_TRUE(registry.add_activity("echo", echo).ok());
  ActivityOptions options;
  options.run_inline = true;
  ASSERT_TRUE(registry.add_activity("flow", echo, options).ok());  // kinds have their own names
  const Activity* activity = registry.find_activity(std::string_view("echo!").substr(0, 4));
  ASSERT_NE(activity, nullptr);
  EXPECT_FALSE(activity->options.run_inline);
  EXPECT_TRUE(registry.find_activity("flow")->options.run_inline);
  EXPECT_NE(registry.find_orchestrator("flow"), nullptr);
  EXPECT_EQ(registry.find_orchestrator("echo"), nullptr);
  EXPECT_EQ(registry.find_activity("Echo"), nullptr);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(registry.add_activity("more" + std::to_string(i), echo).ok());
  }
  EXPECT_EQ(registry.find_activity("echo"), activity);
}

TEST(RegistryTest, RefusesBadAndUsedNames) {
  Registry registry;
  EXPECT_TRUE(registry.add_activity("a", echo).ok());
  EXPECT_EQ(registry.add_activity("a", echo).code(), StatusCode::already_exists);
  EXPECT_EQ(registry.add_activity("", echo).code(), StatusCode::invalid_argument);
  EXPECT_EQ(registry.add_activity("b", nullptr).code(), StatusCode::invalid_argument);
  EXPECT_EQ(registry.add_orchestrator("\n", nothing).code(), StatusCode::invalid_argument);
  EXPECT_EQ(registry.add_orchestrator("b", nullptr).code(), StatusCode::invalid_argument);
  EXPECT_TRUE(registry.add_orchestrator("b", nothing).ok());
  EXPECT_EQ(registry.add_orchestrator("b", nothing).code(), StatusCode::already_exists);
}

TEST(RegistryTest, NamesAreSorted) {
  Registry registry;
  for (const char* name : {"c", "a", "b"}) {
    ASSERT_TRUE(registry.add_activity(name, echo).ok());
    ASSERT_TRUE(registry.add_orchestrator(name, nothing).ok());
  }
  EXPECT_EQ(registry.activity_names(), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(registry.orchestrator_names(), registry.activity_names());
}

struct MyError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

ActivityOutcome run(ActivityFn function) {
  ActivityContext context;
  context.name = "n";
  context.input = "in";
  return run_activity(Activity{std::move(function), {}}, context);
}

TEST(ActivityRunnerTest, GivesTheResult) {
  const ActivityOutcome outcome = run(echo);
  EXPECT_TRUE(outcome.ok);
  EXPECT_EQ(outcome.result, "in");
}

TEST(ActivityRunnerTest, WhatIsThrownBecomesTheFailure) {
  const auto failure = [](ActivityFn function) {
    const ActivityOutcome outcome = run(std::move(function));
    EXPECT_FALSE(outcome.ok);
    return outcome.failure;
  };
  const FailureDetails mine =
      failure([](const ActivityContext&) -> std::string { throw MyError("why"); });
  EXPECT_EQ(mine.type, "ingot::(anonymous namespace)::MyError");
  EXPECT_EQ(mine.message, "why");
  EXPECT_FALSE(mine.non_retriable);
  EXPECT_EQ(failure([](const ActivityContext&) -> std::string { throw 42; }).type, "int");
  const FailureDetails chosen{"Chosen", "by me", true, {}};
  EXPECT_EQ(failure([&](const ActivityContext&) -> std::string { throw TaskFailedError(chosen); }),
            chosen);
  EXPECT_EQ(failure([](const ActivityContext&) -> std::string {
              throw TaskFailedError("Chosen", "by me", true);
            }),
            chosen);
}

TEST(RegistryTest, NamesOfEntitiesHaveNoCaseAndNoAtSign) {
  const EntityFn function = [](EntityContext&) -> std::string { return "called"; };
  Registry registry;
  EXPECT_TRUE(registry.add_entity("Counter", function).ok());
  EXPECT_TRUE(registry.add_entity("account", function).ok());
  EXPECT_EQ(registry.add_entity("COUNTER", function).code(), StatusCode::already_exists);
  EXPECT_EQ(registry.add_entity("a@b", function).code(), StatusCode::invalid_argument);
  EXPECT_EQ(registry.add_entity("", function).code(), StatusCode::invalid_argument);
  EXPECT_EQ(registry.add_entity("empty", nullptr).code(), StatusCode::invalid_argument);
  EXPECT_NE(registry.find_entity("counter"), nullptr);
  EXPECT_EQ(registry.find_entity("counTer"), registry.find_entity("counter"));
  EXPECT_EQ(registry.find_entity("other"), nullptr);
  EXPECT_EQ(registry.entity_names(), (std::vector<std::string>{"account", "counter"}));
}

}  // namespace
}  // namespace ingot
