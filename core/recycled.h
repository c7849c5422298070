#pragma once

// Recycled<T>: a base class that keeps the memory of a few deleted objects for the next ones.
//
// Each thread has its own list, so nothing is locked. What is deleted on one thread and made on
// another passes through malloc only once the lists are full or empty. Worth it for objects that
// are made and deleted in bursts, which malloc's own thread cache (7 blocks a size) does not hold.

#include <array>
#include <cstddef>
#include <new>

namespace ingot {

template <typename T, std::size_t kKept = 2048>
class Recycled {
 public:
  static void* operator new(std::size_t size) {
    List& list = kept();
    if (size == sizeof(T) && list.count != 0) return list.blocks[--list.count];
    return ::operator new(size);
  }
  static void operator delete(void* block, std::size_t size) {
    List& list = kept();
    if (size == sizeof(T) && list.count != kKept) {
      list.blocks[list.count++] = block;
      return;
    }
    ::operator delete(block, size);
  }

 private:
  struct List {
    std::size_t count = 0;
    std::array<void*, kKept> blocks;

    List() = default;
    ~List() {
      while (count != 0) ::operator delete(blocks[--count]);
      count = kKept;  // objects that outlive the list go straight back
    }
    List(const List&) = delete;
    List& operator=(const List&) = delete;
  };
  static List& kept() {
    thread_local List list;
    return list;
  }
};

}  // namespace ingot
