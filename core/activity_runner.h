#pragma once

// Runs activities: the one place where what user code throws is turned into FailureDetails.

#include <ingot/registry.h>

#include <string>

namespace ingot {

struct ActivityOutcome {
  bool ok = false;
  std::string result;      // when ok
  FailureDetails failure;  // when not
};

// Calls the activity on this thread; throws nothing.
[[nodiscard]] ActivityOutcome run_activity(const Activity& activity,
                                           const ActivityContext& context);

// What is being handled, in a catch block: a TaskFailedError's details, or the exception's
// demangled type and its text.
[[nodiscard]] FailureDetails describe_current_exception();

}  // namespace ingot
