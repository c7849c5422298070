#pragma once

// RecentRequests: the ids of the last requests that clients named and that were carried out, so
// that one that is sent again is answered and not repeated.
//
// Bounded: the oldest id is forgotten when kRequestsMax others have come.

#include <cstdint>
#include <deque>

#include "core/codec.h"
#include "partition/state/flat_index.h"

namespace ingot::partition {

class RecentRequests {
 public:
  static constexpr std::size_t kRequestsMax = 65536;

  // 0 is no id.
  void add(std::uint64_t id) {
    if (id == 0 || contains(id)) return;
    known_.insert(id, id);
    order_.push_back(id);
    if (order_.size() <= kRequestsMax) return;
    known_.erase(order_.front(), order_.front());
    order_.pop_front();
  }
  [[nodiscard]] bool contains(std::uint64_t id) const { return id != 0 && known_.find(id) == id; }

  void encode(std::string& out) const {
    put_varint(out, order_.size());
    for (const std::uint64_t id : order_) put_fixed64(out, id);
  }
  // Into an empty set.
  void decode(Reader& reader) {
    std::uint64_t left = reader.varint();
    if (left > kRequestsMax) reader.fail();
    for (; left != 0 && reader.ok(); --left) add(reader.fixed64());
  }
  [[nodiscard]] std::size_t memory_bytes() const { return order_.size() * 48; }

 private:
  std::deque<std::uint64_t> order_;
  FlatIndex<std::uint64_t> known_;
};

}  // namespace ingot::partition
