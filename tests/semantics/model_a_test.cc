// Random programs of all actions and client operations, on the engine and on the model.

#include <gtest/gtest.h>

#include "tests/semantics/model_run.h"

namespace ingot::semantics {
namespace {

TEST(Model, EngineAndModelAgreeFirstHalf) { play_many(1000, 250); }

}  // namespace
}  // namespace ingot::semantics
