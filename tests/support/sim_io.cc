#include "tests/support/sim_io.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "core/assert.h"
#include "core/try.h"

namespace ingot::sim {

using log::FileHandle;
using log::WriteCompletion;

namespace {

Status simulated(std::string_view what, const std::string& path, int error) {
  StatusCode code = StatusCode::io_error;
  if (error == ENOSPC) code = StatusCode::disk_full;
  if (error == ENOENT) code = StatusCode::not_found;
  if (error == EEXIST) code = StatusCode::already_exists;
  return {code, "simulated " + std::string(what) + " " + path + ": " + std::strerror(error)};
}

bool directly_in(const std::string& path, const std::string& directory) {
  return path.size() > directory.size() + 1 && path.starts_with(directory) &&
         path[directory.size()] == '/' && path.find('/', directory.size() + 1) == std::string::npos;
}

}  // namespace

SimIo::SimIo(SimDisk& disk, WriteWatch* watch) : disk_(disk), watch_(watch), generation_(0) {
  const std::lock_guard lock(disk_.mutex_);
  generation_ = disk_.generation_;
}

SimIo::~SimIo() { drain(); }

SimIo::OpenFile& SimIo::at(FileHandle handle) {
  INGOT_ASSERT(handle.value >= 1 && handle.value <= files_.size(), handle.value);
  OpenFile& open = files_[handle.value - 1];
  INGOT_ASSERT(open.file != nullptr, handle.value);
  return open;
}

template <typename Half>
Status SimIo::operation(std::string_view what, const std::string& path, const Half& half) {
  if (dead()) return {StatusCode::io_error, "simulated " + std::string(what) + ": crashed"};
  int error = 0;
  switch (disk_.count_operation(error)) {
    case SimDisk::Fate::fine:
      return {};
    case SimDisk::Fate::fails:
      return simulated(what, path, error);
    case SimDisk::Fate::crashes:
      break;
  }
  half();
  disk_.crash_locked();
  return {StatusCode::io_error, "simulated " + std::string(what) + ": crashed"};
}

Status SimIo::operation(std::string_view what, const std::string& path) {
  return operation(what, path, [] {});
}

// --- The hot path
// ---------------------------------------------------------------------------------

void SimIo::submit_write(FileHandle handle, std::span<const char> bytes, std::uint64_t offset,
                         std::uint64_t token) {
  const std::lock_guard lock(disk_.mutex_);
  OpenFile& open = at(handle);
  INGOT_ASSERT(!bytes.empty() && bytes.size() % 4096 == 0 && offset % 4096 == 0, bytes.size(),
               offset);
  INGOT_ASSERT(reinterpret_cast<std::uintptr_t>(bytes.data()) % 4096 == 0);
  if (dead()) return;  // nobody will ever ask
  INGOT_ASSERT(offset + bytes.size() <= open.file->size, offset, bytes.size(), open.file->size);
  SimDisk::PendingWrite write{this, open.file, bytes, offset, token, 0, false};
  ++disk_.writes_;
  if (watch_ != nullptr) watch_->on_submit(token, bytes);
  if (disk_.fail_write_at_ == disk_.writes_) write.error = disk_.fail_write_error_;
  if (disk_.lose_write_at_ == disk_.writes_) write.lost = true;
  int error = 0;
  const SimDisk::Fate fate = disk_.count_operation(error);
  if (fate == SimDisk::Fate::fails) write.error = error;
  disk_.pending_.push_back(std::move(write));
  if (fate == SimDisk::Fate::crashes) disk_.crash_locked();
}

// Lets the seed choose which pending writes of this Io end now, and in what order.
void SimIo::complete_some(bool at_least_one) {
  bool must = at_least_one;
  for (;;) {
    std::vector<std::size_t> mine;
    for (std::size_t i = 0; i < disk_.pending_.size(); ++i) {
      if (disk_.pending_[i].io == this) mine.push_back(i);
    }
    if (mine.empty()) return;
    if (!must && !disk_.prompt_ && !disk_.random_.one_in(disk_.slowness_)) return;
    must = false;
    disk_.complete(mine[disk_.prompt_ ? 0 : disk_.random_.below(mine.size())]);
  }
}

void SimIo::collect(std::vector<WriteCompletion>& out) {
  for (WriteCompletion& completion : completions_) out.push_back(std::move(completion));
  completions_.clear();
}

void SimIo::poll(std::vector<WriteCompletion>& out) {
  const std::lock_guard lock(disk_.mutex_);
  if (dead()) return;
  complete_some(false);
  collect(out);
}

void SimIo::wait(Duration timeout, std::vector<WriteCompletion>& out) {
  std::unique_lock lock(disk_.mutex_);
  if (!dead()) complete_some(completions_.empty());
  if (completions_.empty() && !woken_) {
    disk_.changed_.wait_for(lock, std::clamp<Duration>(timeout, Duration(0), std::chrono::hours(1)),
                            [this] { return woken_; });
  }
  woken_ = false;
  if (!dead()) collect(out);
}

void SimIo::wake() {
  const std::lock_guard lock(disk_.mutex_);
  woken_ = true;
  disk_.changed_.notify_all();
}

void SimIo::drain() {
  const std::lock_guard lock(disk_.mutex_);
  if (dead()) return;
  for (std::size_t i = 0; i < disk_.pending_.size();) {
    if (disk_.pending_[i].io == this) {
      disk_.complete(i);
    } else {
      ++i;
    }
  }
}

std::size_t SimIo::writes_in_flight() const {
  const std::lock_guard lock(disk_.mutex_);
  return static_cast<std::size_t>(std::count_if(disk_.pending_.begin(), disk_.pending_.end(),
                                                [this](const auto& w) { return w.io == this; }));
}

// --- Files
// ----------------------------------------------------------------------------------------

Status SimIo::create_zeroed(const std::string& path, std::uint64_t size) {
  const std::lock_guard lock(disk_.mutex_);
  auto file = std::make_shared<SimDisk::File>();
  file->size = size;
  INGOT_TRY(operation("create", path, [&] {
    // The rename from the temporary name may have happened; or the temporary file is left.
    const std::string name = disk_.random_.one_in(2) ? path : path + ".tmp";
    if (disk_.random_.one_in(2)) disk_.files_[name] = file;
  }));
  if (disk_.files_.count(path) != 0) return simulated("create", path, EEXIST);
  if (disk_.capacity_ && disk_.used_bytes() + size > *disk_.capacity_) {
    return simulated("create", path, ENOSPC);
  }
  disk_.files_.erase(path + ".tmp");
  disk_.files_[path] = std::move(file);
  return {};
}

Result<FileHandle> SimIo::open(const std::string& path) {
  const std::lock_guard lock(disk_.mutex_);
  INGOT_TRY(operation("open", path));
  auto file = disk_.find(path);
  if (file == nullptr) return simulated("open", path, ENOENT);
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (files_[i].file == nullptr) {
      files_[i] = OpenFile{std::move(file), path};
      return FileHandle(static_cast<std::uint32_t>(i + 1));
    }
  }
  files_.push_back(OpenFile{std::move(file), path});
  return FileHandle(static_cast<std::uint32_t>(files_.size()));
}

void SimIo::close(FileHandle handle) {
  if (handle.value == 0) return;
  const std::lock_guard lock(disk_.mutex_);
  at(handle) = OpenFile{};
}

Result<std::uint64_t> SimIo::size(FileHandle handle) {
  const std::lock_guard lock(disk_.mutex_);
  OpenFile& open = at(handle);
  INGOT_TRY(operation("size", open.path));
  return open.file->size;
}

Result<std::uint64_t> SimIo::read(FileHandle handle, std::span<char> out, std::uint64_t offset) {
  const std::lock_guard lock(disk_.mutex_);
  OpenFile& open = at(handle);
  INGOT_ASSERT(out.size() % 4096 == 0 && offset % 4096 == 0, out.size(), offset);
  INGOT_TRY(operation("read", open.path));
  const SimDisk::File& file = *open.file;
  if (offset >= file.size) return std::uint64_t{0};
  const std::uint64_t size = std::min<std::uint64_t>(out.size(), file.size - offset);
  if (const auto faults = disk_.read_faults_.find(open.path); faults != disk_.read_faults_.end()) {
    for (const auto& [begin, length] : faults->second) {
      if (offset < begin + length && begin < offset + size) {
        return simulated("read", open.path, EIO);
      }
    }
  }
  // Zeros only where no block is: a log is read at every recovery.
  const std::uint64_t end = (offset + size + SimDisk::kBlockBytes - 1) / SimDisk::kBlockBytes;
  std::uint64_t filled = 0;
  for (const auto* blocks : {&file.durable, &file.visible}) {
    auto block = blocks->lower_bound(offset / SimDisk::kBlockBytes);
    for (; block != blocks->end() && block->first < end; ++block) {
      const std::uint64_t at = block->first * SimDisk::kBlockBytes - offset;
      const std::uint64_t bytes = std::min(SimDisk::kBlockBytes, size - at);
      if (at > filled) std::memset(out.data() + filled, 0, at - filled);
      std::memcpy(out.data() + at, block->second.data(), bytes);
      filled = std::max(filled, at + bytes);
    }
    std::memset(out.data() + filled, 0, size - filled);
    filled = size;
  }
  return size;
}

Status SimIo::write_now(FileHandle handle, std::span<const char> bytes, std::uint64_t offset) {
  const std::lock_guard lock(disk_.mutex_);
  OpenFile& open = at(handle);
  INGOT_TRY(operation("write", open.path, [&] { disk_.tear(*open.file, offset, bytes); }));
  disk_.write(*open.file, true, offset, bytes);
  return {};
}

Status SimIo::sync(FileHandle handle) {
  const std::lock_guard lock(disk_.mutex_);
  OpenFile& open = at(handle);
  INGOT_TRY(operation("sync", open.path));
  disk_.sync(*open.file);
  return {};
}

Status SimIo::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(disk_.mutex_);
  const auto move = [&] {
    const auto file = disk_.find(from);
    if (file == nullptr) return;
    disk_.files_.erase(from);
    disk_.files_[to] = file;
  };
  INGOT_TRY(operation("rename", from, [&] {
    if (disk_.random_.one_in(2)) move();
  }));
  if (disk_.find(from) == nullptr) return simulated("rename", from, ENOENT);
  move();
  return {};
}

Status SimIo::remove(const std::string& path) {
  const std::lock_guard lock(disk_.mutex_);
  INGOT_TRY(operation("remove", path, [&] {
    if (disk_.random_.one_in(2)) disk_.files_.erase(path);
  }));
  if (disk_.files_.erase(path) == 0) return simulated("remove", path, ENOENT);
  return {};
}

Result<std::vector<std::string>> SimIo::list(const std::string& directory) {
  const std::lock_guard lock(disk_.mutex_);
  INGOT_TRY(operation("list", directory));
  std::vector<std::string> names;
  for (const auto& [path, file] : disk_.files_) {
    if (directly_in(path, directory)) names.push_back(path.substr(directory.size() + 1));
  }
  return names;
}

Status SimIo::make_directory(const std::string& directory) {
  const std::lock_guard lock(disk_.mutex_);
  INGOT_TRY(operation("make directory", directory));
  disk_.directories_.insert(directory);
  return {};
}

Result<std::uint64_t> SimIo::free_bytes(const std::string& directory) {
  const std::lock_guard lock(disk_.mutex_);
  INGOT_TRY(operation("free bytes", directory));
  if (!disk_.capacity_) return std::uint64_t{1} << 40;
  return *disk_.capacity_ - std::min(*disk_.capacity_, disk_.used_bytes());
}

}  // namespace ingot::sim
