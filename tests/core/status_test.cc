#include <gtest/gtest.h>
#include <ingot/status.h>

#include <memory>

#include "core/try.h"

namespace ingot {
namespace {

TEST(StatusTest, SuccessHasNoMessage) {
  const Status status;
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(status.code(), StatusCode::ok);
  EXPECT_EQ(status.message(), "");
  EXPECT_EQ(status.to_string(), "ok");
  EXPECT_TRUE(status.with_context("anywhere").ok());
}

TEST(StatusTest, AFailureNamesItsCodeAndPlace) {
  const Status status(StatusCode::not_found, "no such thing");
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(status.to_string(), "not_found: no such thing");
  EXPECT_EQ(status.with_context("hub x").to_string(), "not_found: hub x: no such thing");
}

TEST(StatusTest, CopiesAreIndependent) {
  Status a(StatusCode::busy, "a");
  const Status b = a;
  a = Status();
  EXPECT_TRUE(a.ok());
  EXPECT_EQ(b.message(), "a");
  a = b;
  const Status& self = a;
  a = self;
  EXPECT_EQ(a.message(), "a");
  const Status moved = std::move(a);
  EXPECT_EQ(moved.code(), StatusCode::busy);
}

TEST(StatusTest, EveryCodeHasAName) {
  for (int code = 0; code <= static_cast<int>(StatusCode::internal); ++code) {
    EXPECT_NE(to_string(static_cast<StatusCode>(code)), "unnamed");
  }
}

Result<std::unique_ptr<int>> half(int n) {
  if (n % 2 != 0) return Status(StatusCode::invalid_argument, std::to_string(n) + " is odd");
  return std::make_unique<int>(n / 2);
}

Result<int> quarter(int n) {
  INGOT_ASSIGN(const auto first, half(n));
  INGOT_ASSIGN(const auto second, half(*first));
  return *second;
}

Status check_quarter(int n) {
  INGOT_TRY(quarter(n).status());
  return {};
}

TEST(ResultTest, HoldsAValueOrAFailure) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_TRUE(quarter(8).status().ok());
  EXPECT_FALSE(quarter(6).ok());
  EXPECT_EQ(quarter(6).status().to_string(), "invalid_argument: 3 is odd");
  EXPECT_TRUE(check_quarter(4).ok());
  EXPECT_EQ(check_quarter(5).message(), "5 is odd");
  EXPECT_EQ(**half(4), 2);
}

}  // namespace
}  // namespace ingot
