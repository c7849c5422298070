#include "bench/device_probe.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/temp_directory.h"

namespace ingot::bench {
namespace {

TEST(DeviceProbe, MeasuresAndLeavesNothingBehind) {
  const sim::TempDirectory directory;
  const auto figures = probe_device(directory.path());
  ASSERT_TRUE(figures.ok()) << figures.status().to_string();
  EXPECT_GT(figures->write_4k_us_p50, 0);
  EXPECT_GT(figures->write_1m_bytes_per_s, 0);
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST(DeviceProbe, MeasuresAlsoWhenThereIsNoTime) {
  const sim::TempDirectory directory;
  const auto figures = probe_device(directory.path(), 0);
  ASSERT_TRUE(figures.ok()) << figures.status().to_string();
  EXPECT_GT(figures->write_4k_us_p50, 0);
  EXPECT_GT(figures->write_1m_bytes_per_s, 0);
}

TEST(DeviceProbe, MissingFolderIsNamed) {
  const auto figures = probe_device("/no/such/folder");
  ASSERT_FALSE(figures.ok());
  EXPECT_EQ(figures.status().code(), StatusCode::io_error);
  EXPECT_NE(figures.status().message().find("/no/such/folder"), std::string::npos);
}

}  // namespace
}  // namespace ingot::bench
