// Ids and names: compared with a slow, obvious reading of the rule.

#include <ingot/entity_id.h>
#include <ingot/ids.h>

#include "tests/fuzz/fuzz.h"

namespace ingot::fuzz {
namespace {

// UTF-8 by decoding code points, none overlong, none a surrogate, none a control character.
bool is_good_text(std::string_view text) {
  if (text.empty() || text.size() > kInstanceIdBytesMax) return false;
  for (std::size_t at = 0; at < text.size();) {
    const auto first = static_cast<unsigned char>(text[at++]);
    int more = 0;
    std::uint32_t point = first;
    std::uint32_t least = 0;
    if (first >= 0xF8) return false;
    if (first >= 0xF0) {
      more = 3, point = first & 7, least = 0x10000;
    } else if (first >= 0xE0) {
      more = 2, point = first & 15, least = 0x800;
    } else if (first >= 0xC0) {
      more = 1, point = first & 31, least = 0x80;
    } else if (first >= 0x80) {
      return false;
    }
    for (; more != 0; --more) {
      if (at == text.size()) return false;
      const auto next = static_cast<unsigned char>(text[at++]);
      if ((next & 0xC0) != 0x80) return false;
      point = point << 6 | (next & 0x3F);
    }
    if (point < least || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return false;
    if (point < 0x20 || (point >= 0x7F && point <= 0x9F)) return false;
  }
  return true;
}

}  // namespace

void run(std::string_view input) {
  const bool good = is_good_text(input);
  FUZZ_CHECK(validate_instance_id(input).ok() == good);
  FUZZ_CHECK(validate_name("activity", input).ok() == good);

  const Result<EntityId> entity = parse_entity_id(input);
  FUZZ_CHECK(entity.ok() == is_entity_id(input));
  if (entity.ok()) {
    FUZZ_CHECK(good && validate_entity_id(*entity).ok());
    const Result<EntityId> again = parse_entity_id(to_string(*entity));
    FUZZ_CHECK(again.ok() && again->name == entity->name && again->key == entity->key);
  }
  const Result<ExecutionId> execution = parse_execution_id(input);
  FUZZ_CHECK(!execution.ok() || to_string(*execution) == input);
  Parts parts(input);
  const ExecutionId any{parts.u64(), parts.u64()};
  const Result<ExecutionId> parsed = parse_execution_id(to_string(any));
  FUZZ_CHECK(parsed.ok() && *parsed == any);
}

std::vector<std::string> seeds() {
  return {"an-id",
          "@counter@key",
          "@Counter@",
          "@@key",
          "0123456789abcdef0123456789abcdef",
          "long enough for eight at a time, and more",
          "gr\xC3\xBC\xC3\x9F"
          "e \xE2\x82\xAC \xF0\x9F\x98\x80",
          "\xC2\x85",
          "\xED\xA0\x80",
          "\xF4\x90\x80\x80",
          std::string(256, 'x'),
          std::string(257, 'x'),
          std::string("zero\0inside", 11)};
}

}  // namespace ingot::fuzz
