// Damaged hubs: refused by name at opening, or a client sees all that it saw before.

#include <gtest/gtest.h>

#include "tests/corruption/hub_victim.h"
#include "tests/support/temp_directory.h"

namespace ingot::corruption {
namespace {

TEST(HubCases, DamageToAnyFileIsRefusedOrHarmless) {
  const sim::TempDirectory directory;
  HubVictim victim(directory.path());
  const Tally tally = run_cases(victim, {.cases_per_kind = 25, .seed = 1});
  EXPECT_TRUE(tally.clean()) << tally.to_string();
  EXPECT_GT(tally.cases, 120U);
  EXPECT_GT(tally.refused, tally.cases / 5);
  EXPECT_GT(tally.harmless, tally.cases / 20);
}

}  // namespace
}  // namespace ingot::corruption
