// The C library's file calls, as this program and the libraries in it see them: each asks faults.h,
// then calls the real one.
//
// They are found before the C library's because a program's own symbols come first. The real ones
// are looked up with dlsym(RTLD_NEXT). The headers that declare the calls are left out where their
// declarations (attributes, redirections) would get in the way.

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tests/faults/faults.h"

namespace {

using ingot::faults::Call;
using ingot::faults::decide;
using ingot::faults::kLost;
using ingot::faults::kNone;
using ingot::faults::Place;
using ingot::faults::place_of;

template <typename Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

// True when the call has to fail; errno says with what. Calls that can't be short never are.
template <typename Where>
bool fails(Call call, Where where) {
  Place place{};
  if (!place_of(where, place)) return false;
  const int error = decide(call, place);
  if (error <= 0) return false;
  errno = error;
  return true;
}

// What is left of `bytes`: half, in whole sectors where there is more than one, or none.
std::size_t fewer(std::size_t bytes, int error) {
  if (error == kNone) return 0;
  return bytes > 1024 ? (bytes / 2) & ~std::size_t{511} : bytes / 2;
}

// The same of a call that moves `bytes`, which may become fewer.
template <typename Where>
bool fails(Call call, Where where, std::size_t& bytes) {
  Place place{};
  if (!place_of(where, place)) return false;
  const int error = decide(call, place);
  if (error < 0) bytes = fewer(bytes, error);
  if (error <= 0) return false;
  errno = error;
  return true;
}

}  // namespace

extern "C" {

// A file system without O_DIRECT refuses the flag, not the file: EINVAL is for that.
int open(const char* path, int flags, ...) {
  static auto* const call = real<int(const char*, int, mode_t)>("open");
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  Place place{};
  const bool watched = place_of(path, place);
  const int error = watched ? decide(Call::open, place) : 0;
  if (error > 0 && (error != EINVAL || (flags & O_DIRECT) != 0)) {
    errno = error;
    return -1;
  }
  const int descriptor = call(path, flags, mode);
  if (watched) ingot::faults::opened(descriptor, place);
  return descriptor;
}

int close(int descriptor) {
  static auto* const call = real<int(int)>("close");
  ingot::faults::closed(descriptor);
  return call(descriptor);
}

int access(const char* path, int mode) noexcept {
  static auto* const call = real<int(const char*, int)>("access");
  return fails(Call::access, path) ? -1 : call(path, mode);
}

int stat(const char* path, struct stat* out) noexcept {
  static auto* const call = real<int(const char*, struct stat*)>("stat");
  return fails(Call::stat, path) ? -1 : call(path, out);
}

int lstat(const char* path, struct stat* out) noexcept {
  static auto* const call = real<int(const char*, struct stat*)>("lstat");
  return fails(Call::stat, path) ? -1 : call(path, out);
}

int fstat(int descriptor, struct stat* out) noexcept {
  static auto* const call = real<int(int, struct stat*)>("fstat");
  return fails(Call::stat, descriptor) ? -1 : call(descriptor, out);
}

// What programs linked against an older C library call.
int __fxstat(int version, int descriptor, struct stat* out) noexcept {
  static auto* const call = real<int(int, int, struct stat*)>("__fxstat");
  return fails(Call::stat, descriptor) ? -1 : call(version, descriptor, out);
}

int fstatat(int folder, const char* path, struct stat* out, int flags) noexcept {
  static auto* const call = real<int(int, const char*, struct stat*, int)>("fstatat");
  return fails(Call::stat, folder) ? -1 : call(folder, path, out, flags);
}

int statvfs(const char* path, struct statvfs* out) noexcept {
  static auto* const call = real<int(const char*, struct statvfs*)>("statvfs");
  return fails(Call::statvfs, path) ? -1 : call(path, out);
}

int fstatfs(int descriptor, struct statfs* out) noexcept {
  static auto* const call = real<int(int, struct statfs*)>("fstatfs");
  return fails(Call::statvfs, descriptor) ? -1 : call(descriptor, out);
}

int statfs(const char* path, struct statfs* out) noexcept {
  static auto* const call = real<int(const char*, struct statfs*)>("statfs");
  if (fails(Call::statvfs, path)) return -1;
  const int result = call(path, out);
  Place place{};
  const long magic = ingot::faults::pretended().file_system;
  if (result == 0 && magic != 0 && place_of(path, place)) out->f_type = magic;
  return result;
}

int mkdir(const char* path, mode_t mode) noexcept {
  static auto* const call = real<int(const char*, mode_t)>("mkdir");
  return fails(Call::mkdir, path) ? -1 : call(path, mode);
}

DIR* opendir(const char* path) {
  static auto* const call = real<DIR*(const char*)>("opendir");
  Place place{};
  const bool watched = place_of(path, place);
  if (watched && fails(Call::opendir, path)) return nullptr;
  DIR* const stream = call(path);
  if (watched && stream != nullptr) ingot::faults::opened(::dirfd(stream), place);
  return stream;
}

struct dirent* readdir(DIR* stream) {
  static auto* const call = real<struct dirent*(DIR*)>("readdir");
  return fails(Call::readdir, ::dirfd(stream)) ? nullptr : call(stream);
}

int closedir(DIR* stream) {
  static auto* const call = real<int(DIR*)>("closedir");
  ingot::faults::closed(::dirfd(stream));
  return call(stream);
}

int rename(const char* from, const char* to) noexcept {
  static auto* const call = real<int(const char*, const char*)>("rename");
  return fails(Call::rename, to) ? -1 : call(from, to);
}

int unlink(const char* path) noexcept {
  static auto* const call = real<int(const char*)>("unlink");
  return fails(Call::unlink, path) ? -1 : call(path);
}

ssize_t pread(int descriptor, void* out, size_t bytes, off_t offset) {
  static auto* const call = real<ssize_t(int, void*, size_t, off_t)>("pread");
  return fails(Call::pread, descriptor, bytes) ? -1 : call(descriptor, out, bytes, offset);
}

ssize_t read(int descriptor, void* out, size_t bytes) {
  static auto* const call = real<ssize_t(int, void*, size_t)>("read");
  return fails(Call::read, descriptor, bytes) ? -1 : call(descriptor, out, bytes);
}

ssize_t pwrite(int descriptor, const void* from, size_t bytes, off_t offset) {
  static auto* const call = real<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  return fails(Call::pwrite, descriptor, bytes) ? -1 : call(descriptor, from, bytes, offset);
}

// A file system that does not know a flag refuses it, not the write: EOPNOTSUPP is for writes with
// one.
ssize_t pwritev2(int descriptor, const struct iovec* parts, int count, off_t offset, int flags) {
  static auto* const call = real<ssize_t(int, const struct iovec*, int, off_t, int)>("pwritev2");
  Place place{};
  const int error = place_of(descriptor, place) ? decide(Call::pwritev2, place) : 0;
  if (error > 0 && (error != EOPNOTSUPP || flags != 0)) {
    errno = error;
    return -1;
  }
  if (error == kLost) return static_cast<ssize_t>(parts[0].iov_len);  // the log writes one part
  if (error >= 0) return call(descriptor, parts, count, offset, flags);
  struct iovec first = parts[0];
  first.iov_len = fewer(first.iov_len, error);
  return call(descriptor, &first, 1, offset, flags);
}

ssize_t write(int descriptor, const void* from, size_t bytes) {
  static auto* const call = real<ssize_t(int, const void*, size_t)>("write");
  return fails(Call::write, descriptor, bytes) ? -1 : call(descriptor, from, bytes);
}

ssize_t writev(int descriptor, const struct iovec* parts, int count) {
  static auto* const call = real<ssize_t(int, const struct iovec*, int)>("writev");
  struct iovec first = parts[0];
  if (fails(Call::write, descriptor, first.iov_len)) return -1;
  if (first.iov_len != parts[0].iov_len) return call(descriptor, &first, 1);
  return call(descriptor, parts, count);
}

int fsync(int descriptor) {
  static auto* const call = real<int(int)>("fsync");
  return fails(Call::fsync, descriptor) ? -1 : call(descriptor);
}

int fdatasync(int descriptor) {
  static auto* const call = real<int(int)>("fdatasync");
  return fails(Call::fdatasync, descriptor) ? -1 : call(descriptor);
}

int ftruncate(int descriptor, off_t size) noexcept {
  static auto* const call = real<int(int, off_t)>("ftruncate");
  return fails(Call::ftruncate, descriptor) ? -1 : call(descriptor, size);
}

int posix_fallocate(int descriptor, off_t offset, off_t size) {
  static auto* const call = real<int(int, off_t, off_t)>("posix_fallocate");
  return fails(Call::fallocate, descriptor) ? errno : call(descriptor, offset, size);
}

off_t lseek(int descriptor, off_t offset, int whence) noexcept {
  static auto* const call = real<off_t(int, off_t, int)>("lseek");
  return fails(Call::lseek, descriptor) ? -1 : call(descriptor, offset, whence);
}

int flock(int descriptor, int operation) noexcept {
  static auto* const call = real<int(int, int)>("flock");
  return fails(Call::flock, descriptor) ? -1 : call(descriptor, operation);
}

int fcntl(int descriptor, int command, ...) {
  static auto* const call = real<int(int, int, void*)>("fcntl");
  va_list arguments;
  va_start(arguments, command);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  return fails(Call::fcntl, descriptor) ? -1 : call(descriptor, command, argument);
}

void* mmap(void* at, size_t bytes, int protection, int flags, int descriptor,
           off_t offset) noexcept {
  static auto* const call = real<void*(void*, size_t, int, int, int, off_t)>("mmap");
  if (fails(Call::mmap, descriptor)) return MAP_FAILED;
  return call(at, bytes, protection, flags, descriptor, offset);
}

int uname(struct utsname* out) noexcept {
  static auto* const call = real<int(struct utsname*)>("uname");
  const int result = call(out);
  const char* const release = ingot::faults::pretended().release;
  if (release != nullptr) std::strncpy(out->release, release, sizeof out->release - 1);
  return result;
}

int eventfd(unsigned count, int flags) noexcept {
  static auto* const call = real<int(unsigned, int)>("eventfd");
  const int error = decide(Call::eventfd, Place::process);
  if (error > 0) {
    errno = error;
    return -1;
  }
  const int descriptor = call(count, flags);
  ingot::faults::opened(descriptor, Place::process);
  return descriptor;
}

int pthread_create(pthread_t* thread, const pthread_attr_t* how, void* (*run)(void*),
                   void* argument) noexcept {
  static auto* const call =
      real<int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)>("pthread_create");
  const int error = decide(Call::thread, Place::process);
  return error > 0 ? error : call(thread, how, run, argument);
}

}  // extern "C"
