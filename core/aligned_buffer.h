#pragma once

// A growing buffer whose start is aligned to 4 KiB, as O_DIRECT needs it, and which is never
// zeroed on growth. Owned by one thread at a time.

#include <cstddef>
#include <string_view>

namespace ingot {

class AlignedBuffer {
 public:
  static constexpr std::size_t kAlignment = 4096;

  AlignedBuffer() = default;
  ~AlignedBuffer();
  AlignedBuffer(AlignedBuffer&& other) noexcept;
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept;
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;

  [[nodiscard]] char* data() { return data_; }
  [[nodiscard]] const char* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  [[nodiscard]] std::string_view view() const { return {data_, size_}; }

  // Makes room for `capacity` bytes, keeping the first size() ones.
  void reserve(std::size_t capacity);
  // Sets the size; new bytes are undefined.
  void resize(std::size_t size);
  void append(std::string_view bytes);
  void append_zeros(std::size_t count);
  void clear() { size_ = 0; }

 private:
  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace ingot
