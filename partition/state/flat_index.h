#pragma once

// FlatIndex: 64-bit keys to small values, open addressing with linear probing.
//
// The table is cut into 64 segments that grow each on its own, so that no insertion pays for
// rehashing more than a 64th of the entries. Keys may repeat (they are hashes of ids); `find` takes
// a predicate on the value. A default Value means "no entry" and is never stored. Deletion shifts
// the cluster back, so there are no tombstones. Nothing depends on addresses; iteration order is
// the table's and is never used where order can be seen.

#include <array>
#include <cstdint>
#include <memory>
#include <utility>

#include "core/assert.h"

namespace ingot::partition {

template <typename Value>
class FlatIndex {
 public:
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t memory_bytes() const { return slots_ * sizeof(Slot); }

  // The value under `key` that `matches(value)`, or Value{}.
  template <typename Matches>
  [[nodiscard]] Value find(std::uint64_t key, Matches&& matches) const {
    const std::uint64_t mixed = mix(key);
    const Segment& segment = segments_[mixed >> 58];
    if (segment.used == 0) return Value{};
    for (std::size_t at = mixed & segment.mask;; at = (at + 1) & segment.mask) {
      const Slot& slot = segment.slots[at];
      if (slot.value == Value{}) return Value{};
      if (slot.key == mixed && matches(slot.value)) return slot.value;
    }
  }
  [[nodiscard]] Value find(std::uint64_t key) const {
    return find(key, [](const Value&) { return true; });
  }

  void insert(std::uint64_t key, Value value) {
    INGOT_ASSERT(!(value == Value{}));
    const std::uint64_t mixed = mix(key);
    Segment& segment = segments_[mixed >> 58];
    if ((segment.used + 1) * 4 > segment.capacity() * 3) grow(segment);
    place(segment, mixed, value);
    ++segment.used;
    ++size_;
  }

  // Removes the entry of `key` and `value`; false when there is none.
  bool erase(std::uint64_t key, const Value& value) {
    const std::uint64_t mixed = mix(key);
    Segment& segment = segments_[mixed >> 58];
    if (segment.used == 0) return false;
    std::size_t at = mixed & segment.mask;
    while (!(segment.slots[at].key == mixed && segment.slots[at].value == value)) {
      if (segment.slots[at].value == Value{}) return false;
      at = (at + 1) & segment.mask;
    }
    close_gap(segment, at);
    --segment.used;
    --size_;
    return true;
  }

  // Calls `visit(value)` for each entry, in no particular order.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (const Segment& segment : segments_) {
      for (std::size_t i = 0; i < segment.capacity(); ++i) {
        if (!(segment.slots[i].value == Value{})) visit(segment.slots[i].value);
      }
    }
  }

 private:
  struct Slot {
    std::uint64_t key = 0;
    Value value{};
  };
  struct Segment {
    std::unique_ptr<Slot[]> slots;
    std::size_t mask = 0;
    std::size_t used = 0;
    [[nodiscard]] std::size_t capacity() const { return slots ? mask + 1 : 0; }
  };

  // Fibonacci hashing spreads sequence numbers; the top bits choose the segment.
  static std::uint64_t mix(std::uint64_t key) {
    key *= 0x9E3779B97F4A7C15U;
    return key ^ (key >> 32);
  }

  static void place(Segment& segment, std::uint64_t mixed, const Value& value) {
    std::size_t at = mixed & segment.mask;
    while (!(segment.slots[at].value == Value{})) at = (at + 1) & segment.mask;
    segment.slots[at] = {mixed, value};
  }

  void grow(Segment& segment) {
    Segment grown;
    const std::size_t capacity = segment.capacity() == 0 ? 16 : segment.capacity() * 2;
    grown.slots = std::make_unique<Slot[]>(capacity);
    grown.mask = capacity - 1;
    for (std::size_t i = 0; i < segment.capacity(); ++i) {
      const Slot& slot = segment.slots[i];
      if (!(slot.value == Value{})) place(grown, slot.key, slot.value);
    }
    grown.used = segment.used;
    slots_ += capacity - segment.capacity();
    segment = std::move(grown);
  }

  static void close_gap(Segment& segment, std::size_t gap) {
    for (std::size_t at = (gap + 1) & segment.mask; !(segment.slots[at].value == Value{});
         at = (at + 1) & segment.mask) {
      const std::size_t home = segment.slots[at].key & segment.mask;
      // The entry may move back to the gap only if its home is not between the gap and it.
      if (((at - home) & segment.mask) >= ((at - gap) & segment.mask)) {
        segment.slots[gap] = segment.slots[at];
        gap = at;
      }
    }
    segment.slots[gap] = Slot{};
  }

  std::array<Segment, 64> segments_;
  std::size_t size_ = 0;
  std::size_t slots_ = 0;
};

}  // namespace ingot::partition
