// The hubs of a data folder: what may be removed.

#include "tools/ingotd/hubs.h"

#include <gtest/gtest.h>
#include <ingot/registry.h>
#include <ingot/task_hub.h>

#include <filesystem>

#include "tests/support/temp_directory.h"

namespace ingot::server {
namespace {

TEST(Hubs, OneThatAnotherHasOpenIsNotRemoved) {
  sim::TempDirectory directory;
  ServerConfig config;
  config.data = directory.path();
  HubOptions options;
  options.partitions = 1;
  Result<std::unique_ptr<TaskHub>> other =
      TaskHub::open(config.data + "/taken", Registry(), options);
  ASSERT_TRUE(other.ok()) << other.status().to_string();
  const Result<std::unique_ptr<Hubs>> hubs = Hubs::open(config);
  ASSERT_TRUE(hubs.ok()) << hubs.status().to_string();
  EXPECT_EQ((*hubs)->find("taken").status().code(), StatusCode::busy);
  EXPECT_EQ((*hubs)->remove("taken").code(), StatusCode::busy);
  EXPECT_EQ((*hubs)->create("taken", true).code(), StatusCode::busy);
  EXPECT_EQ((*hubs)->failures().size(), 1U);
  EXPECT_TRUE(std::filesystem::exists(config.data + "/taken"));
  // Once the other one has closed it, it may go.
  ASSERT_TRUE((*other)->close().ok());
  other->reset();
  const Status removed = (*hubs)->remove("taken");
  EXPECT_TRUE(removed.ok()) << removed.to_string();
  EXPECT_FALSE(std::filesystem::exists(config.data + "/taken"));
  EXPECT_EQ((*hubs)->find("taken").status().code(), StatusCode::not_found);
}

}  // namespace
}  // namespace ingot::server
