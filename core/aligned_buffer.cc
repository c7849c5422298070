#include "core/aligned_buffer.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace ingot {
namespace {

constexpr std::size_t kHugePageBytes = 2U << 20;

}  // namespace

AlignedBuffer::~AlignedBuffer() { std::free(data_); }

AlignedBuffer::AlignedBuffer(AlignedBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

AlignedBuffer& AlignedBuffer::operator=(AlignedBuffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(capacity_, other.capacity_);
  return *this;
}

void AlignedBuffer::reserve(std::size_t capacity) {
  if (capacity <= capacity_) return;
  std::size_t grown = capacity_ == 0 ? kAlignment : capacity_ * 2;
  while (grown < capacity) grown *= 2;
  // A device takes few segments a command: with huge pages a large write is one command, with small
  // ones it is split.
  const bool huge = grown >= kHugePageBytes;
  void* fresh = std::aligned_alloc(huge ? kHugePageBytes : kAlignment, grown);
  if (fresh == nullptr) throw std::bad_alloc();
  if (huge) static_cast<void>(::madvise(fresh, grown, MADV_HUGEPAGE));  // a wish
  if (size_ != 0) std::memcpy(fresh, data_, size_);
  std::free(data_);
  data_ = static_cast<char*>(fresh);
  capacity_ = grown;
}

void AlignedBuffer::resize(std::size_t size) {
  reserve(size);
  size_ = size;
}

void AlignedBuffer::append(std::string_view bytes) {
  if (bytes.empty()) return;
  reserve(size_ + bytes.size());
  std::memcpy(data_ + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
}

void AlignedBuffer::append_zeros(std::size_t count) {
  if (count == 0) return;
  reserve(size_ + count);
  std::memset(data_ + size_, 0, count);
  size_ += count;
}

}  // namespace ingot
