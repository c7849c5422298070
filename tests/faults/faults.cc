#include "tests/faults/faults.h"

#include <lmdb.h>
#include <unwind.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>

namespace ingot::faults {
namespace {

constexpr std::array<std::string_view, kCalls> kCallNames = {
    "open",          "access",        "stat",           "statvfs",      "mkdir",
    "opendir",       "readdir",       "rename",         "unlink",       "pread",
    "read",          "pwrite",        "pwritev2",       "uring_write",  "write",
    "fsync",         "fdatasync",     "ftruncate",      "fallocate",    "lseek",
    "flock",         "fcntl",         "mmap",           "uring_setup",  "uring_submit",
    "eventfd",       "thread",        "mdb_env_create", "mdb_env_set",  "mdb_env_open",
    "mdb_txn_begin", "mdb_txn_renew", "mdb_txn_commit", "mdb_dbi_open", "mdb_stat",
    "mdb_get",       "mdb_put",       "mdb_del"};
constexpr std::array<std::string_view, kPlaces> kPlaceNames = {"hub",
                                                               "partition_folder",
                                                               "log_folder",
                                                               "segment",
                                                               "probe",
                                                               "checkpoint_folder",
                                                               "checkpoint_lock",
                                                               "checkpoint",
                                                               "reader_table",
                                                               "process"};

constexpr std::size_t kDescriptorsMax = 4096;

// Plain data, usable before any constructor has run.
char watched[512];
std::atomic<bool> watching{false};
std::atomic<std::uint64_t> counters[kCalls][kPlaces];
std::atomic<std::uint8_t> descriptors[kDescriptorsMax];  // place + 1
std::atomic<std::uint64_t> hit{0};
constexpr std::size_t kFaultsMax = 2;
Fault faults[kFaultsMax];
std::atomic<std::size_t> armed{0};  // how many of them
Machine machine;

// --- ways

// Of one call's stack: deep enough to tell what the engine wanted, not who asked it.
constexpr std::size_t kFrames = 12;
constexpr std::size_t kOwnFrames = 2;  // hash_stack() and fate()

std::atomic<bool> keeping_ways{false};
std::mutex ways_mutex;
std::vector<Way> known_ways;

struct Walk {
  std::size_t frames = 0;
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a, by frame
};

_Unwind_Reason_Code add_frame(_Unwind_Context* context, void* to) {
  auto& walk = *static_cast<Walk*>(to);
  if (walk.frames++ >= kOwnFrames) {
    walk.hash = (walk.hash ^ _Unwind_GetIP(context)) * 1099511628211ULL;
  }
  return walk.frames < kOwnFrames + kFrames ? _URC_NO_REASON : _URC_END_OF_STACK;
}

std::uint64_t hash_stack() {
  Walk walk;
  _Unwind_Backtrace(add_frame, &walk);
  return walk.hash;
}

void keep_way(const Way& way) {
  const std::lock_guard lock(ways_mutex);
  const bool known = std::any_of(known_ways.begin(), known_ways.end(), [&way](const Way& other) {
    return other.call == way.call && other.place == way.place && other.stack == way.stack;
  });
  if (!known) known_ways.push_back(way);
}

std::string name_of_error(int error) {
  if (error == kShort) return "short";
  if (error == kNone) return "nothing";
  if (error == kLost) return "lost";
  if (error > 0) return ::strerrorname_np(error);
  const std::string_view text = mdb_strerror(error);  // "MDB_PANIC: ..."
  return std::string(text.substr(0, text.find(':')));
}

bool ends_with(std::string_view text, std::string_view end) { return text.ends_with(end); }

Place classify(std::string_view rest) {
  const std::size_t slash = rest.rfind('/');
  const std::string_view name = slash == std::string_view::npos ? rest : rest.substr(slash + 1);
  if (rest.find("/log/") != std::string_view::npos) {
    return name.starts_with(".probe") ? Place::probe : Place::segment;
  }
  if (ends_with(rest, "/log")) return Place::log_folder;
  if (ends_with(rest, "/checkpoint")) return Place::checkpoint_folder;
  if (rest.find("/checkpoint/") != std::string_view::npos) {
    if (name == "checkpoint.lock") return Place::checkpoint_lock;
    return ends_with(name, "-lock") ? Place::reader_table : Place::checkpoint;
  }
  return rest.find("/partition-") != std::string_view::npos ? Place::partition_folder : Place::hub;
}

}  // namespace

std::string_view to_string(Call call) { return kCallNames[static_cast<std::size_t>(call)]; }
std::string_view to_string(Place place) { return kPlaceNames[static_cast<std::size_t>(place)]; }

std::string to_string(const Fault& what) {
  std::string text(to_string(what.call));
  text += " ";
  text += to_string(what.place);
  text += " #" + std::to_string(what.nth) + ": ";
  text += name_of_error(what.error);
  if (what.done) text += " though done";
  if (what.for_good) return text + ", for good";
  return text + (what.times == 1 ? ", once" : ", " + std::to_string(what.times) + " times");
}

void watch(const std::string& folder) {
  disarm();
  watching = false;
  keeping_ways = false;
  std::memset(watched, 0, sizeof watched);
  std::strncpy(watched, folder.c_str(), sizeof watched - 1);
  for (auto& row : counters) {
    for (auto& one : row) one = 0;
  }
  hit = 0;
  watching = !folder.empty();
}

void arm(const Fault& what) {
  disarm();
  hit = 0;
  arm_too(what);
}

void arm_too(const Fault& what) {
  const std::size_t count = armed.load(std::memory_order_relaxed);
  if (count == kFaultsMax) return;
  faults[count] = what;
  armed.store(count + 1, std::memory_order_release);
}

void disarm() { armed.store(0, std::memory_order_release); }

void pretend(const Machine& what) { machine = what; }
const Machine& pretended() { return machine; }

std::uint64_t hits() { return hit.load(); }

Counts counts() {
  Counts all{};
  for (std::size_t c = 0; c < kCalls; ++c) {
    for (std::size_t p = 0; p < kPlaces; ++p) all[c][p] = counters[c][p].load();
  }
  return all;
}

void keep_ways() {
  known_ways.clear();
  keeping_ways = true;
}

std::vector<Way> ways() {
  const std::lock_guard lock(ways_mutex);
  return known_ways;
}

Failing fate(Call call, Place place) {
  if (!watching.load(std::memory_order_acquire)) return {};
  const std::uint64_t number =
      ++counters[static_cast<std::size_t>(call)][static_cast<std::size_t>(place)];
  if (keeping_ways.load(std::memory_order_relaxed)) {
    keep_way({call, place, number, hash_stack()});
  }
  const std::size_t count = armed.load(std::memory_order_acquire);
  for (std::size_t i = 0; i < count; ++i) {
    const Fault& fault = faults[i];
    if (fault.call != call || fault.place != place || number < fault.nth) continue;
    if (!fault.for_good && number >= fault.nth + fault.times) continue;
    ++hit;
    return {fault.error, fault.done};
  }
  return {};
}

bool place_of(const char* path, Place& place) {
  if (!watching.load(std::memory_order_acquire) || path == nullptr) return false;
  const std::size_t length = std::strlen(watched);
  if (std::strncmp(path, watched, length) != 0) return false;
  if (path[length] != '\0' && path[length] != '/') return false;
  place = classify(path + length);
  return true;
}

bool place_of(int descriptor, Place& place) {
  if (descriptor < 0 || static_cast<std::size_t>(descriptor) >= kDescriptorsMax) return false;
  const std::uint8_t value = descriptors[descriptor].load(std::memory_order_relaxed);
  if (value == 0 || !watching.load(std::memory_order_acquire)) return false;
  place = static_cast<Place>(value - 1);
  return true;
}

void opened(int descriptor, Place place) {
  if (descriptor < 0 || static_cast<std::size_t>(descriptor) >= kDescriptorsMax) return;
  descriptors[descriptor].store(static_cast<std::uint8_t>(static_cast<std::uint8_t>(place) + 1),
                                std::memory_order_relaxed);
}

void closed(int descriptor) {
  if (descriptor < 0 || static_cast<std::size_t>(descriptor) >= kDescriptorsMax) return;
  descriptors[descriptor].store(0, std::memory_order_relaxed);
}

}  // namespace ingot::faults
