#include "core/activity_runner.h"

#include <cxxabi.h>

#include <cstdlib>
#include <exception>
#include <memory>
#include <typeinfo>
#include <utility>

namespace ingot {
namespace {

std::string demangled(const char* name) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(name, nullptr, nullptr, &status), &std::free);
  return status == 0 && text ? text.get() : name;
}

}  // namespace

FailureDetails describe_current_exception() {
  FailureDetails failure;
  try {
    throw;
  } catch (const TaskFailedError& error) {
    if (error.task_id() < 0) return error.details();
    failure.type = "ingot::TaskFailedError";
    failure.message = error.what();
    failure.inner.push_back(error.details());
  } catch (const std::exception& error) {
    failure.type = demangled(typeid(error).name());
    failure.message = error.what();
  } catch (...) {
    const std::type_info* type = abi::__cxa_current_exception_type();
    failure.type = type != nullptr ? demangled(type->name()) : "unknown";
    failure.message = "an exception that is not a std::exception";
  }
  return failure;
}

ActivityOutcome run_activity(const Activity& activity, const ActivityContext& context) {
  ActivityOutcome outcome;
  try {
    outcome.result = activity.function(context);
    outcome.ok = true;
  } catch (...) {
    outcome.failure = describe_current_exception();
  }
  return outcome;
}

}  // namespace ingot
