#include "tests/support/sim_disk.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/assert.h"
#include "core/hash.h"
#include "tests/support/sim_io.h"

namespace ingot::sim {

namespace {

bool all_zeros(std::string_view bytes) {
  return bytes.empty() ||
         (bytes[0] == '\0' && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

}  // namespace

// --- Content ------------------------------------------------------------------------------------

void SimDisk::write_block_part(File& file, bool durable, std::uint64_t offset,
                               std::string_view bytes) {
  const std::uint64_t number = offset / kBlockBytes;
  const std::uint64_t begin = offset % kBlockBytes;
  INGOT_ASSERT(begin + bytes.size() <= kBlockBytes, offset, bytes.size());
  const auto seen = file.visible.find(number);
  const auto kept = file.durable.find(number);
  // Most of what a log writes are the zeros of segments to come: they need no block.
  if (seen == file.visible.end() && kept == file.durable.end() && all_zeros(bytes)) return;
  const auto put = [&](Block& block) {
    std::memcpy(block.data() + begin, bytes.data(), bytes.size());
  };
  if (durable) {
    put(kept != file.durable.end() ? kept->second : file.durable[number]);
    if (seen != file.visible.end()) put(seen->second);
  } else if (seen != file.visible.end()) {
    put(seen->second);
  } else {
    const Block before = kept != file.durable.end() ? kept->second : Block{};
    put(file.visible.emplace(number, before).first->second);
  }
}

void SimDisk::write(File& file, bool durable, std::uint64_t offset, std::span<const char> bytes) {
  INGOT_ASSERT(offset + bytes.size() <= file.size, offset, bytes.size(), file.size);
  while (!bytes.empty()) {
    const std::size_t part =
        std::min<std::size_t>(bytes.size(), kBlockBytes - offset % kBlockBytes);
    write_block_part(file, durable, offset, {bytes.data(), part});
    offset += part;
    bytes = bytes.subspan(part);
  }
}

// Some sectors reach the media, some don't: a beginning of them, all but a gap, or any of them.
void SimDisk::tear(File& file, std::uint64_t offset, std::span<const char> bytes) {
  const std::uint64_t sectors = bytes.size() / kSectorBytes;
  const std::uint64_t kind = random_.below(3);
  const std::uint64_t begin = random_.below(sectors + 1);
  const std::uint64_t end = begin + random_.below(sectors - begin + 1);
  const std::uint64_t odds = 1 + random_.below(4);
  for (std::uint64_t i = 0; i < sectors; ++i) {
    const bool lands = kind == 0   ? i < begin
                       : kind == 1 ? i < begin || i >= end
                                   : random_.below(5) < odds;
    if (lands) {
      write(file, true, offset + i * kSectorBytes, bytes.subspan(i * kSectorBytes, kSectorBytes));
    }
  }
}

void SimDisk::sync(File& file) {
  for (const auto& [number, block] : file.visible) file.durable[number] = block;
  file.visible.clear();
}

std::string SimDisk::content(const File& file) {
  std::string bytes(file.size, '\0');
  for (const auto* blocks : {&file.durable, &file.visible}) {
    for (const auto& [number, block] : *blocks) {
      const std::uint64_t at = number * kBlockBytes;
      if (at >= file.size) continue;
      std::memcpy(bytes.data() + at, block.data(), std::min(kBlockBytes, file.size - at));
    }
  }
  return bytes;
}

std::shared_ptr<SimDisk::File> SimDisk::find(const std::string& path) const {
  const auto found = files_.find(path);
  return found == files_.end() ? nullptr : found->second;
}

std::uint64_t SimDisk::used_bytes() const {
  std::uint64_t used = 0;
  for (const auto& [path, file] : files_) used += file->size;
  return used;
}

// --- Operations and faults
// ------------------------------------------------------------------------

SimDisk::Fate SimDisk::count_operation(int& error) {
  ++operations_;
  if (crash_at_ == operations_) return Fate::crashes;
  if (fail_operation_at_ == operations_) {
    error = fail_operation_error_;
    return Fate::fails;
  }
  return Fate::fine;
}

// Ends one pending write as the device would: done and durable, failed and torn, or lied about.
void SimDisk::complete(std::size_t index) {
  PendingWrite write_now = pending_[index];
  pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(index));
  log::WriteCompletion completion;
  completion.token = write_now.token;
  if (write_now.error != 0) {
    tear(*write_now.file, write_now.offset, write_now.bytes);
    completion.status =
        Status(write_now.error == ENOSPC ? StatusCode::disk_full : StatusCode::io_error,
               std::string("simulated write: ") + std::strerror(write_now.error));
  } else if (!write_now.lost) {
    write(*write_now.file, true, write_now.offset, write_now.bytes);
    if (write_now.io->watch_ != nullptr) write_now.io->watch_->on_durable(write_now.token);
  }
  write_now.io->completions_.push_back(std::move(completion));
}

void SimDisk::crash_locked() {
  // In any order: overlapping writes can't be in flight together, so only their fates matter.
  for (const PendingWrite& write_now : pending_) {
    switch (random_.below(3)) {
      case 0:
        break;
      case 1:
        if (!write_now.lost) write(*write_now.file, true, write_now.offset, write_now.bytes);
        break;
      default:
        tear(*write_now.file, write_now.offset, write_now.bytes);
    }
  }
  pending_.clear();
  for (auto& [path, file] : files_) {
    std::map<std::uint64_t, Block> unsynced;
    std::swap(unsynced, file->visible);
    for (const auto& [number, block] : unsynced) {
      tear(*file, number * kBlockBytes, {block.data(), block.size()});
    }
  }
  ++generation_;
  crash_at_ = 0;
  changed_.notify_all();
}

void SimDisk::kill_locked() {
  for (const PendingWrite& write_now : pending_) {
    if (random_.one_in(2)) write(*write_now.file, false, write_now.offset, write_now.bytes);
  }
  pending_.clear();
  ++generation_;
  changed_.notify_all();
}

void SimDisk::crash() {
  const std::lock_guard lock(mutex_);
  crash_locked();
}

void SimDisk::kill() {
  const std::lock_guard lock(mutex_);
  kill_locked();
}

void SimDisk::fail_operation(std::uint64_t nth, int error) {
  const std::lock_guard lock(mutex_);
  fail_operation_at_ = operations_ + nth;
  fail_operation_error_ = error;
}

void SimDisk::fail_write(std::uint64_t nth, int error) {
  const std::lock_guard lock(mutex_);
  fail_write_at_ = writes_ + nth;
  fail_write_error_ = error;
}

void SimDisk::crash_at_operation(std::uint64_t nth) {
  const std::lock_guard lock(mutex_);
  crash_at_ = operations_ + nth;
}

bool SimDisk::crashed() const {
  const std::lock_guard lock(mutex_);
  return generation_ != 0;
}

void SimDisk::set_capacity(std::optional<std::uint64_t> bytes) {
  const std::lock_guard lock(mutex_);
  capacity_ = bytes;
}

std::uint64_t SimDisk::used() const {
  const std::lock_guard lock(mutex_);
  return used_bytes();
}

void SimDisk::fail_reads(const std::string& path, std::uint64_t offset, std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  read_faults_[path].emplace_back(offset, size);
}

void SimDisk::clear_faults() {
  const std::lock_guard lock(mutex_);
  read_faults_.clear();
  fail_operation_at_ = fail_write_at_ = crash_at_ = lose_write_at_ = 0;
}

void SimDisk::lose_write(std::uint64_t nth) {
  const std::lock_guard lock(mutex_);
  lose_write_at_ = writes_ + nth;
}

void SimDisk::set_prompt(bool prompt) {
  const std::lock_guard lock(mutex_);
  prompt_ = prompt;
}

void SimDisk::set_slowness(std::uint64_t polls) {
  const std::lock_guard lock(mutex_);
  INGOT_ASSERT(polls != 0);
  slowness_ = polls;
}

// --- The files themselves
// -------------------------------------------------------------------------

void SimDisk::flip_bit(const std::string& path, std::uint64_t offset, unsigned bit) {
  const std::lock_guard lock(mutex_);
  const auto file = find(path);
  INGOT_ASSERT(file != nullptr && offset < file->size && bit < 8, offset, bit);
  const std::string bytes = content(*file);
  const char flipped = static_cast<char>(bytes[offset] ^ (1 << bit));
  write(*file, true, offset, {&flipped, 1});
}

void SimDisk::overwrite(const std::string& path, std::uint64_t offset, std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  const auto file = find(path);
  INGOT_ASSERT(file != nullptr && offset + bytes.size() <= file->size, offset);
  write(*file, true, offset, {bytes.data(), bytes.size()});
}

void SimDisk::resize(const std::string& path, std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  const auto file = find(path);
  INGOT_ASSERT(file != nullptr);
  for (auto* blocks : {&file->durable, &file->visible}) {
    std::erase_if(*blocks, [&](const auto& entry) { return entry.first * kBlockBytes >= size; });
  }
  file->size = size;
}

void SimDisk::remove_file(const std::string& path) {
  const std::lock_guard lock(mutex_);
  files_.erase(path);
}

std::string SimDisk::read_file(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto file = find(path);
  return file == nullptr ? std::string() : content(*file);
}

std::uint64_t SimDisk::file_size(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto file = find(path);
  return file == nullptr ? 0 : file->size;
}

std::vector<std::string> SimDisk::paths() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> paths;
  for (const auto& [path, file] : files_) paths.push_back(path);
  return paths;
}

std::uint64_t SimDisk::operations() const {
  const std::lock_guard lock(mutex_);
  return operations_;
}

std::uint64_t SimDisk::generation() const {
  const std::lock_guard lock(mutex_);
  return generation_;
}

std::uint64_t SimDisk::fingerprint() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t hash = 0;
  const Block zeros{};
  for (const auto& [path, file] : files_) {
    hash = hash64(path, hash) + file->size;
    std::map<std::uint64_t, const Block*> blocks;
    for (const auto& [number, block] : file->durable) blocks[number] = &block;
    for (const auto& [number, block] : file->visible) blocks[number] = &block;
    for (const auto& [number, block] : blocks) {
      if (*block == zeros) continue;  // as if it had never been written
      hash = hash64({block->data(), block->size()}, hash + number);
    }
  }
  return hash;
}

std::unique_ptr<SimDisk> SimDisk::clone(std::uint64_t seed, const std::string& folder) const {
  const std::lock_guard lock(mutex_);
  auto copy = std::make_unique<SimDisk>(seed);
  for (const auto& [path, file] : files_) {
    if (path.starts_with(folder)) copy->files_[path] = std::make_shared<File>(*file);
  }
  copy->directories_ = directories_;
  copy->capacity_ = capacity_;
  copy->prompt_ = prompt_;
  return copy;
}

}  // namespace ingot::sim
