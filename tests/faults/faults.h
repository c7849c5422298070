#pragma once

// Makes calls of the operating system fail. The test program defines the C library's calls itself
// (libc_calls.cc, uring_calls.cc), so that those of the hub, of LMDB and of liburing all come here
// first, and the real ones do the work: nothing else of the stack is replaced. It may define LMDB's
// as well (lmdb_calls.cc).
//
// Only calls on files below one watched folder are counted. A call is named by what it does and on
// which kind of file (Call, Place), and a fault hits the nth of these and some that follow it, or
// all later ones.
//
// Threads: any may call; watch(), arm() and disarm() only while no hub is open or at rest.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ingot::faults {

enum class Call : std::uint8_t {
  open,
  access,
  stat,
  statvfs,
  mkdir,
  opendir,
  readdir,
  rename,
  unlink,
  pread,
  read,
  pwrite,
  pwritev2,
  uring_write,
  write,
  fsync,
  fdatasync,
  ftruncate,
  fallocate,
  lseek,
  flock,
  fcntl,
  mmap,
  uring_setup,
  uring_submit,  // handing entries to the kernel, with or without waiting
  eventfd,
  thread,  // a new one
  // LMDB's own; all of them in Place::process.
  mdb_env_create,
  mdb_env_set,  // any of its options
  mdb_env_open,
  mdb_txn_begin,
  mdb_txn_renew,
  mdb_txn_commit,
  mdb_dbi_open,
  mdb_stat,
  mdb_get,
  mdb_put,
  mdb_del,
  count_,
};
inline constexpr std::size_t kCalls = static_cast<std::size_t>(Call::count_);

enum class Place : std::uint8_t {
  hub,  // the hub's folder and its own files
  partition_folder,
  log_folder,
  segment,  // segments and spares, also before they have their name
  probe,    // what an Io writes to see that it works
  checkpoint_folder,
  checkpoint_lock,
  checkpoint,    // LMDB's file
  reader_table,  // LMDB's lock file
  process,       // no file at all
  count_,
};
inline constexpr std::size_t kPlaces = static_cast<std::size_t>(Place::count_);

[[nodiscard]] std::string_view to_string(Call call);
[[nodiscard]] std::string_view to_string(Place place);

// Instead of an errno: the call does only a part of its work and says so;
inline constexpr int kShort = -1;
// does nothing and says so: no byte was moved;
inline constexpr int kNone = -2;
// does nothing and says that it has done all (writes to the log only).
inline constexpr int kLost = -3;
// LMDB's own codes are negative as well, and far from these.

struct Fault {
  Call call = Call::open;
  Place place = Place::hub;
  std::uint64_t nth = 1;    // from 1
  int error = 0;            // an errno, one of LMDB's codes, or one of the above
  bool for_good = false;    // the nth and all later ones
  std::uint64_t times = 1;  // how many fail, when not for good
  bool done = false;        // the work is done all the same (mdb_txn_commit only)
};

// "pwrite segment #3: EIO, for good".
[[nodiscard]] std::string to_string(const Fault& fault);

using Counts = std::array<std::array<std::uint64_t, kPlaces>, kCalls>;

// Counts the calls on what is in `folder`, from zero, and forgets any fault.
void watch(const std::string& folder);
void arm(const Fault& fault);
// Up to two faults at a time.
void arm_too(const Fault& fault);
void disarm();
// What another machine would say; nothing is changed where a field is empty.
struct Machine {
  const char* release = nullptr;     // of the kernel
  long file_system = 0;              // the magic of each watched folder's
  unsigned uring_features_less = 0;  // what its io_uring lacks
};
void pretend(const Machine& machine);
[[nodiscard]] const Machine& pretended();
// How many calls have failed.
[[nodiscard]] std::uint64_t hits();
[[nodiscard]] Counts counts();

// A call that came by a way (a stack) by which none of its kind had come before it.
struct Way {
  Call call = Call::open;
  Place place = Place::hub;
  std::uint64_t nth = 1;
  std::uint64_t stack = 0;  // its hash
};
// From now on, until the next watch(), ways are kept.
void keep_ways();
[[nodiscard]] std::vector<Way> ways();

// --- for the calls
// --------------------------------------------------------------------------------

// Counts one; what it has to fail with, or nothing. See Fault.
struct Failing {
  int error = 0;
  bool done = false;
};
[[nodiscard]] Failing fate(Call call, Place place);
[[nodiscard]] inline int decide(Call call, Place place) { return fate(call, place).error; }
// The kind of a path; false when it is not watched.
[[nodiscard]] bool place_of(const char* path, Place& place);
// The kind of an open file; false when it is not watched.
[[nodiscard]] bool place_of(int descriptor, Place& place);
void opened(int descriptor, Place place);
void closed(int descriptor);

}  // namespace ingot::faults
