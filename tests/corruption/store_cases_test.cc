// Damaged checkpoints: refused by name, or nothing in them is lost.

#include <gtest/gtest.h>

#include "tests/corruption/store_victim.h"
#include "tests/support/temp_directory.h"

namespace ingot::corruption {
namespace {

TEST(StoreCases, DamageToACheckpointIsRefusedOrHarmless) {
  const sim::TempDirectory directory;
  StoreVictim victim(directory.path());
  const StoreVictim::PageKinds pages = victim.page_kinds();
  EXPECT_GT(pages.branch, 1U);
  EXPECT_GT(pages.leaf, 20U);
  EXPECT_GT(pages.overflow, 2U);
  const Tally tally = run_cases(victim, {.cases_per_kind = 120, .seed = 1});
  EXPECT_TRUE(tally.clean()) << tally.to_string();
  EXPECT_GT(tally.cases, 1000U);
  EXPECT_GT(tally.refused, tally.cases / 5);
  EXPECT_GT(tally.harmless, tally.cases / 20);
}

}  // namespace
}  // namespace ingot::corruption
