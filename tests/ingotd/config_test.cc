// Options of the server that are refused.

#include "tools/ingotd/config.h"

#include <gtest/gtest.h>

#include <string>

namespace ingot::server {
namespace {

bool takes(const std::string& name, const std::string& value) {
  const char* arguments[] = {"ingotd", "--data", "somewhere", name.c_str(), value.c_str()};
  return !parse_config(5, arguments, "0").exits;
}

TEST(Config, TimesThatNoDurationHoldsAreRefused) {
  for (const char* name : {"--retention", "--drain-timeout", "--checkpoint-idle"}) {
    EXPECT_TRUE(takes(name, "86400")) << name;
    for (const char* value : {"1e10", "1e300", "inf", "nan", "-1", "NaN"}) {
      EXPECT_FALSE(takes(name, value)) << name << " " << value;
    }
  }
  EXPECT_TRUE(takes("--retention", "0"));
}

}  // namespace
}  // namespace ingot::server
