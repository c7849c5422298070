#pragma once

// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78; RFC 3720, appendix B.4).
// SSE4.2 on x86-64 or the CRC extension on aarch64 when the processor has it, else a table.

#include <cstdint>
#include <string_view>

namespace ingot {

// The checksum of `bytes` appended to what `crc` covers; start with 0.
[[nodiscard]] std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc = 0);
// The same by table, whatever the processor has: the tests compare the two.
[[nodiscard]] std::uint32_t crc32c_by_table(std::string_view bytes, std::uint32_t crc = 0);

}  // namespace ingot
