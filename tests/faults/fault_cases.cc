#include "tests/faults/fault_cases.h"

#include <lmdb.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <utility>

#include "core/random.h"

namespace ingot::faults {
namespace {

constexpr std::uint64_t kEarly = 8;  // the nth of the cases that always run

// One call with one error: once, and for good where that would not be for ever.
void add_faults(Call call, Place place, std::uint64_t nth, int error, std::vector<Fault>& faults) {
  const Fault once{.call = call, .place = place, .nth = nth, .error = error};
  faults.push_back(once);
  if (!transient(call, error) && error != kNone && error != kLost) {
    faults.push_back(once);
    faults.back().for_good = true;
  }
  if (call == Call::mdb_txn_commit) {
    faults.push_back(once);
    faults.back().done = true;
  }
}

void keep_wanted(std::vector<Fault>& faults) {
  const char* const only = std::getenv("INGOT_FAULTS_ONLY");
  if (only == nullptr) return;
  std::erase_if(faults, [only](const Fault& fault) {
    return to_string(fault).find(only) == std::string::npos;
  });
}

}  // namespace

std::vector<int> errors_of(Call call, Place place) {
  switch (call) {
    case Call::open:
      return {EIO, ENOSPC, EMFILE, EACCES, ENOMEM, EROFS, EDQUOT};
    case Call::access:
    case Call::statvfs:
    case Call::stat:
      return {EIO, ENOMEM};
    case Call::mkdir:
    case Call::rename:
      return {EIO, ENOSPC, EDQUOT, EROFS, EACCES};
    case Call::opendir:
      return {EIO, EMFILE, ENOMEM, EACCES};
    case Call::readdir:
      return {EIO};
    case Call::unlink:
      return {EIO, EROFS, EACCES};
    case Call::pread:
    case Call::read:
      return {EIO, ENOMEM, EINTR, EAGAIN, kShort};
    case Call::pwrite:
    case Call::write:
      if (place == Place::process) return {EINTR};  // an eventfd
      return {EIO, ENOSPC, EDQUOT, EROFS, EINTR, EAGAIN, kShort};
    case Call::pwritev2:
    case Call::uring_write:
      return {EIO, ENOSPC, EDQUOT, ENOMEM, EOPNOTSUPP, EINTR, EAGAIN, kShort};
    case Call::fsync:
    case Call::fdatasync:
      return {EIO, ENOSPC, EDQUOT};
    case Call::ftruncate:
      return {EIO, ENOSPC, EROFS};
    case Call::fallocate:
      return {ENOSPC, EDQUOT, EIO, EOPNOTSUPP};
    case Call::lseek:
      return {EIO};
    case Call::flock:
    case Call::fcntl:
      return {ENOLCK, EIO};
    case Call::mmap:
      return {ENOMEM, EACCES};
    case Call::uring_setup:
      return {ENOMEM, EMFILE, EPERM, ENOSYS, EINVAL};
    case Call::uring_submit:
      return {EINTR, EAGAIN, EBUSY};
    case Call::eventfd:
      return {EMFILE, ENOMEM};
    case Call::mdb_env_create:
      return {ENOMEM};
    case Call::mdb_env_set:
      return {EINVAL};
    case Call::mdb_env_open:
      return {MDB_VERSION_MISMATCH, MDB_INVALID, EIO, ENOMEM, EACCES, EAGAIN, ENOSPC};
    case Call::mdb_txn_begin:
      return {MDB_READERS_FULL, MDB_PANIC, MDB_MAP_RESIZED, ENOMEM};
    case Call::mdb_txn_renew:
      return {MDB_READERS_FULL, MDB_PANIC, MDB_MAP_RESIZED, EINVAL};
    case Call::mdb_txn_commit:
      return {ENOSPC, EIO, ENOMEM, MDB_MAP_FULL, MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_BAD_TXN};
    case Call::mdb_dbi_open:
      return {MDB_NOTFOUND, MDB_DBS_FULL,      MDB_INCOMPATIBLE,
              MDB_MAP_FULL, MDB_PAGE_NOTFOUND, ENOMEM};
    case Call::mdb_stat:
      return {MDB_PAGE_NOTFOUND, MDB_BAD_TXN, EINVAL};
    case Call::mdb_get:
      return {MDB_PAGE_NOTFOUND, MDB_CORRUPTED, MDB_CURSOR_FULL, MDB_BAD_TXN, ENOMEM};
    case Call::mdb_put:
      return {MDB_MAP_FULL,  MDB_TXN_FULL, MDB_PAGE_NOTFOUND,
              MDB_CORRUPTED, MDB_KEYEXIST, MDB_CURSOR_FULL,
              ENOSPC,        EIO,          ENOMEM};
    case Call::mdb_del:
      return {MDB_NOTFOUND, MDB_MAP_FULL, MDB_PAGE_NOTFOUND, MDB_CORRUPTED, ENOSPC, ENOMEM};
    case Call::thread:  // a thread without memory fails in memory_faults
    case Call::count_:
      break;
  }
  return {};
}

bool transient(Call call, int error) {
  if (call >= Call::thread) return false;  // and LMDB's
  return error == EINTR || error == EAGAIN || error == EBUSY || error == kShort;
}

std::vector<Fault> faults_of(Call call, Place place, std::uint64_t count,
                             const std::vector<int>& errors) {
  std::vector<Fault> faults;
  for (std::uint64_t nth = 1; nth <= count; ++nth) {
    for (const int error : errors) add_faults(call, place, nth, error, faults);
  }
  return faults;
}

std::vector<Fault> choose(const Counts& counted, std::uint64_t seed, std::size_t each,
                          std::vector<int> (*errors)(Call, Place)) {
  const char* const runs = std::getenv("INGOT_FAULTS_RUNS");
  const char* const skip = std::getenv("INGOT_FAULTS_SKIP");
  std::vector<std::vector<Fault>> by_kind;
  for (std::size_t c = 0; c < kCalls; ++c) {
    for (std::size_t p = 0; p < kPlaces; ++p) {
      const std::uint64_t count = runs == nullptr ? std::min(counted[c][p], kEarly) : counted[c][p];
      const auto call = static_cast<Call>(c);
      const auto place = static_cast<Place>(p);
      std::vector<Fault> all = faults_of(call, place, count, errors(call, place));
      if (all.empty()) continue;
      keep_wanted(all);
      Random random(seed * 1000 + c * kPlaces + p);
      for (std::size_t i = all.size(); i > 1; --i) std::swap(all[i - 1], all[random.below(i)]);
      by_kind.push_back(std::move(all));
    }
  }
  std::size_t wanted = each * by_kind.size();
  if (runs != nullptr) wanted = std::strtoull(runs, nullptr, 10);
  std::size_t skipped = skip == nullptr ? 0 : std::strtoull(skip, nullptr, 10);
  wanted += skipped;
  std::vector<Fault> faults;
  for (bool any = true; any && faults.size() < wanted;) {
    any = false;
    for (std::vector<Fault>& all : by_kind) {
      if (all.empty() || faults.size() == wanted) continue;
      faults.push_back(all.back());
      all.pop_back();
      any = true;
    }
  }
  skipped = std::min(skipped, faults.size());
  faults.erase(faults.begin(), faults.begin() + static_cast<std::ptrdiff_t>(skipped));
  return faults;
}

std::vector<Fault> one_for_each(const std::vector<Way>& ways, std::size_t turn) {
  std::vector<Fault> faults;
  std::map<std::pair<Call, Place>, std::size_t> turns;
  for (const Way& way : ways) {
    std::vector<Fault> all;
    for (const int error : errors_of(way.call, way.place)) {
      add_faults(way.call, way.place, way.nth, error, all);
    }
    if (all.empty()) continue;
    const std::size_t taken = turns[{way.call, way.place}]++;
    faults.push_back(all[(turn + taken) % all.size()]);
  }
  keep_wanted(faults);
  return faults;
}

std::uint64_t chosen_seed() {
  const char* const chosen = std::getenv("INGOT_FAULTS_SEED");
  const std::uint64_t seed = chosen != nullptr ? std::strtoull(chosen, nullptr, 10) : 1;
  std::printf("INGOT_FAULTS_SEED=%llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

std::vector<std::string> lines_of(const std::string& text, char mark) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (text[at] == mark && end > at + 2) lines.push_back(text.substr(at + 2, end - at - 2));
    at = end + 1;
  }
  return lines;
}

std::string to_lines(const Counts& counts) {
  std::string text;
  for (std::size_t c = 0; c < kCalls; ++c) {
    for (std::size_t p = 0; p < kPlaces; ++p) {
      if (counts[c][p] == 0) continue;
      text += "C " + std::to_string(c) + " " + std::to_string(p) + " " +
              std::to_string(counts[c][p]) + "\n";
    }
  }
  return text;
}

Counts counts_in(const std::string& text) {
  Counts counts{};
  for (const std::string& line : lines_of(text, 'C')) {
    unsigned call = 0;
    unsigned place = 0;
    unsigned long count = 0;
    if (std::sscanf(line.c_str(), "%u %u %lu", &call, &place, &count) != 3) continue;
    if (call < kCalls && place < kPlaces) counts[call][place] = count;
  }
  return counts;
}

std::string to_lines(const std::vector<Way>& ways) {
  std::string text;
  for (const Way& way : ways) {
    text += "W " + std::to_string(static_cast<unsigned>(way.call)) + " " +
            std::to_string(static_cast<unsigned>(way.place)) + " " + std::to_string(way.nth) + " " +
            std::to_string(way.stack) + "\n";
  }
  return text;
}

std::vector<Way> ways_in(const std::string& text) {
  std::vector<Way> ways;
  for (const std::string& line : lines_of(text, 'W')) {
    unsigned call = 0;
    unsigned place = 0;
    unsigned long nth = 0;
    unsigned long stack = 0;
    if (std::sscanf(line.c_str(), "%u %u %lu %lu", &call, &place, &nth, &stack) != 4) continue;
    if (call >= kCalls || place >= kPlaces) continue;
    ways.push_back({static_cast<Call>(call), static_cast<Place>(place), nth, stack});
  }
  return ways;
}

}  // namespace ingot::faults
