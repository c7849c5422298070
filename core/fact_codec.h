#pragma once

// Facts as bytes; the grammar is in partition/FORMAT.md.
//
//   fact := u8 kind, varint microseconds since the epoch, the kind's fields
//
// The kind's number is its place in FactBody plus one, and never changes.

#include <ingot/status.h>

#include <string>
#include <string_view>

#include "core/fact.h"

namespace ingot {

void encode_fact(const Fact& fact, std::string& out);
// Views into `bytes`. `corrupt` for anything that encode_fact() does not write.
[[nodiscard]] Result<Fact> decode_fact(std::string_view bytes);
// e.g. "StepCompleted"
[[nodiscard]] std::string_view fact_name(const Fact& fact);

}  // namespace ingot
