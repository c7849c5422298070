// The hub file, the one file that is read before anything is known.

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/codec.h"
#include "core/crc32c.h"
#include "partition/hub/hub_directory.h"
#include "tests/fuzz/fuzz.h"

namespace ingot::fuzz {
namespace {

using partition::HubDirectory;

// In memory where that can be, and removed at the end.
const std::string& folder() {
  static const struct Folder {
    Folder() {
      const bool shm = std::filesystem::is_directory("/dev/shm");
      path = (shm ? "/dev/shm" : std::filesystem::temp_directory_path().string()) +
             "/ingot-hub-fuzz-" + std::to_string(::getpid());
      std::filesystem::create_directory(path);
    }
    ~Folder() { std::filesystem::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    std::string path;
  } instance;
  return instance.path;
}

void write_hub_file(std::string_view bytes) {
  std::ofstream(folder() + "/hub.ingot", std::ios::binary | std::ios::trunc) << bytes;
}

std::string hub_file(std::uint64_t hub_id, std::uint32_t partitions) {
  std::string bytes = "INGOTHUB";
  put_fixed32(bytes, 3);
  put_fixed64(bytes, hub_id);
  put_fixed32(bytes, partitions);
  return bytes;
}

}  // namespace

// The first byte: whether the right checksum goes behind the rest.
void run(std::string_view input) {
  Parts parts(input);
  const bool fix = (parts.u8() & 1) != 0;
  std::string bytes(parts.rest());
  if (fix) put_fixed32(bytes, crc32c(bytes));
  write_hub_file(bytes);
  const Result<HubDirectory> opened = HubDirectory::open(folder(), OpenMode::open_existing, 0);
  if (!opened.ok()) {
    const StatusCode code = opened.status().code();
    FUZZ_CHECK(code == StatusCode::corrupt || code == StatusCode::unsupported ||
               code == StatusCode::failed_precondition);
    return;
  }
  // Nothing but the one encoding of what it says is accepted.
  std::string again = hub_file(opened->identity().hub_id, opened->identity().partitions);
  put_fixed32(again, crc32c(again));
  FUZZ_CHECK(again == bytes);
  FUZZ_CHECK(opened->identity().partitions >= 1 && opened->identity().partitions <= 64);
}

std::vector<std::string> seeds() {
  const std::string good = hub_file(77, 4);
  std::string whole = good;
  put_fixed32(whole, crc32c(good));
  return {"\1" + good, std::string(1, '\0') + whole, "\1" + hub_file(1, 65), "\1" + hub_file(1, 0)};
}

}  // namespace ingot::fuzz
