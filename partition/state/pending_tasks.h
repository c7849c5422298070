#pragma once

// PendingTasks: the ids of scheduled activities that have not ended, as a bitmap.
//
// Ids of one execution ascend, so the window of pending ones is short: `base` follows the lowest
// pending id, and a chain of activities never needs more than one word. Adding and removing are
// constant time, also for a fan-out of thousands. Only a foreign runtime that gives a retry the id
// of the task that failed goes below the window, which is then built anew.

#include <bit>
#include <cstdint>
#include <string>
#include <vector>

#include "core/codec.h"

namespace ingot::partition {

class PendingTasks {
 public:
  // No execution numbers its actions higher: the bitmap stays below 8 MiB, whoever chose the ids.
  static constexpr std::int32_t kIdMax = (1 << 26) - 1;

  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] std::uint32_t count() const { return count_; }

  [[nodiscard]] bool contains(std::int32_t id) const {
    if (id < base_) return false;
    const auto bit = static_cast<std::uint32_t>(id - base_);
    return (word(bit / 64) >> (bit % 64) & 1) != 0;
  }

  // `id` is 0 to kIdMax and not pending.
  void add(std::int32_t id) {
    if (count_ == 0) {
      base_ = id;
      more_.clear();
    } else if (id < base_) {
      lower_base(id);
    }
    set(id);
  }

  // False when `id` is not pending.
  bool remove(std::int32_t id) {
    if (!contains(id)) return false;
    const auto bit = static_cast<std::uint32_t>(id - base_);
    word_ref(bit / 64) &= ~(std::uint64_t{1} << (bit % 64));
    --count_;
    return true;
  }

  void clear() {
    first_ = 0;
    more_.clear();
    count_ = 0;
  }

  // Calls `visit(id)` in ascending order.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (std::uint32_t w = 0; w <= more_.size(); ++w) {
      for (std::uint64_t bits = word(w); bits != 0; bits &= bits - 1) {
        visit(base_ + static_cast<std::int32_t>(w * 64) + std::countr_zero(bits));
      }
    }
  }

  // varint count, then the ascending ids: each as a varint, less the one before.
  void encode(std::string& out) const {
    put_varint(out, count_);
    std::int32_t last = 0;
    for_each([&](std::int32_t id) {
      put_varint(out, static_cast<std::uint64_t>(id - last));
      last = id;
    });
  }
  // Fails the reader on ids out of order or above kIdMax.
  void decode(Reader& reader) {
    clear();
    read(reader, [this](std::int32_t id) { add(id); });
  }
  // Passes encoded ids, with the same checks.
  static void skip(Reader& reader) {
    read(reader, [](std::int32_t /*id*/) {});
  }

  [[nodiscard]] std::size_t heap_bytes() const { return more_.capacity() * sizeof(std::uint64_t); }

 private:
  template <typename Take>
  static void read(Reader& reader, Take&& take) {
    std::int32_t last = 0;
    const std::uint64_t count = reader.varint();
    if (count > reader.remaining()) reader.fail();
    for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
      const std::uint64_t gap = reader.varint();
      if (gap > static_cast<std::uint64_t>(kIdMax - last) || (i != 0 && gap == 0)) reader.fail();
      if (!reader.ok()) return;
      last += static_cast<std::int32_t>(gap);
      take(last);
    }
  }
  void lower_base(std::int32_t id) {
    std::vector<std::int32_t> ids;
    ids.reserve(count_);
    for_each([&](std::int32_t pending) { ids.push_back(pending); });
    clear();
    base_ = id;
    for (const std::int32_t pending : ids) set(pending);
  }
  [[nodiscard]] std::uint64_t word(std::uint32_t w) const {
    if (w == 0) return first_;
    return w <= more_.size() ? more_[w - 1] : 0;
  }
  void set(std::int32_t id) {
    const auto bit = static_cast<std::uint32_t>(id - base_);
    if (bit / 64 > more_.size()) more_.resize(bit / 64);
    word_ref(bit / 64) |= std::uint64_t{1} << (bit % 64);
    ++count_;
  }
  std::uint64_t& word_ref(std::uint32_t w) { return w == 0 ? first_ : more_[w - 1]; }

  std::int32_t base_ = 0;
  std::uint32_t count_ = 0;
  std::uint64_t first_ = 0;
  std::vector<std::uint64_t> more_;
};

}  // namespace ingot::partition
