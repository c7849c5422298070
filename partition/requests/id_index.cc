#include "partition/requests/id_index.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

namespace ingot::partition {
namespace {

constexpr std::size_t kChunkBytes = 64U << 10;

// The smallest text above all that begin with `prefix`; nothing when there is none.
std::optional<std::string> end_of_prefix(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xFF) end.pop_back();
  if (end.empty()) return std::nullopt;
  end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

}  // namespace

void IdIndex::Generation::add(std::string_view id) {
  const auto place = ids.lower_bound(id);
  if (place != ids.end() && *place == id) return;
  if (chunk_left < id.size()) {
    chunk_left = std::max(kChunkBytes, id.size());
    chunks.push_back(std::make_unique_for_overwrite<char[]>(chunk_left));
  }
  // Filled from its end.
  chunk_left -= id.size();
  char* at = chunks.back().get() + chunk_left;
  std::memcpy(at, id.data(), id.size());
  ids.emplace_hint(place, at, id.size());
}

void IdIndex::roll(bool cutting) {
  if (sealed_ != nullptr && (!cutting || sealed_->epoch + 1 != state_.epoch)) {
    garbage_.push_back(std::exchange(sealed_, nullptr));
  }
  if (current_ != nullptr && current_->epoch != state_.epoch) {
    if (cutting && current_->epoch + 1 == state_.epoch) {
      sealed_ = std::exchange(current_, nullptr);
    } else {
      garbage_.push_back(std::exchange(current_, nullptr));
    }
  }
  if (current_ == nullptr) {
    current_ = std::make_shared<Generation>();
    current_->epoch = state_.epoch;
  }
  if (cutting && sealed_ == nullptr) {
    sealed_ = std::make_shared<Generation>();
    sealed_->epoch = state_.epoch - 1;
  }
}

void IdIndex::read(Generation& generation, const std::vector<SequenceNumber>& touched,
                   const FinishedRecords& finished, std::size_t& budget) const {
  for (; budget != 0 && generation.touched < touched.size(); --budget) {
    // One that is gone has ended: it is among the finished.
    const Instance* instance = state_.instances.find(touched[generation.touched++]);
    if (instance != nullptr) generation.add(instance->id);
  }
  for (; budget != 0; --budget) {
    const FinishedRecord record = finished.next(generation.finished);
    if (record.id.empty()) return;
    generation.add(record.id);
  }
}

bool IdIndex::catch_up(const Cut* cut, std::size_t budget) {
  const bool cutting = cut != nullptr && state_.finished.sealed() != nullptr;
  roll(cutting);
  if (cutting) read(*sealed_, cut->touched(), *state_.finished.sealed(), budget);
  read(*current_, state_.dirty, state_.finished.current(), budget);
  return budget != 0;
}

std::vector<std::shared_ptr<IdIndex::Generation>> IdIndex::take_garbage(bool unused) {
  if (unused) {
    if (current_ != nullptr) garbage_.push_back(std::exchange(current_, nullptr));
    if (sealed_ != nullptr) garbage_.push_back(std::exchange(sealed_, nullptr));
  }
  return std::exchange(garbage_, {});
}

IdIndex::Walk::Walk(const IdIndex& index, std::string_view prefix, std::string_view after,
                    bool descending)
    : prefix_(prefix), descending_(descending) {
  for (const Generation* generation : {index.sealed_.get(), index.current_.get()}) {
    if (generation == nullptr) continue;
    Part& part = parts_.emplace_back();
    part.ids = &generation->ids;
    if (!descending) {
      part.at = after < prefix_ ? part.ids->lower_bound(prefix_) : part.ids->upper_bound(after);
    } else {
      const std::optional<std::string> end = end_of_prefix(prefix_);
      if (!after.empty() && (!end || after < *end)) {
        part.at = part.ids->lower_bound(after);
      } else {
        part.at = end ? part.ids->lower_bound(*end) : part.ids->end();
      }
    }
    read(part);
  }
}

void IdIndex::Walk::read(Part& part) const {
  part.id = {};
  std::string_view id;
  if (!descending_) {
    if (part.at == part.ids->end()) return;
    id = *part.at;
  } else {
    if (part.at == part.ids->begin()) return;
    id = *std::prev(part.at);
  }
  if (id.starts_with(prefix_)) part.id = id;
}

std::string_view IdIndex::Walk::peek() const {
  std::string_view best;
  for (const Part& part : parts_) {
    if (part.id.empty()) continue;
    if (best.empty() || (descending_ ? part.id > best : part.id < best)) best = part.id;
  }
  return best;
}

void IdIndex::Walk::pass(std::string_view id) {
  for (Part& part : parts_) {
    if (part.id.empty() || part.id != id) continue;
    if (descending_) {
      --part.at;
    } else {
      ++part.at;
    }
    read(part);
  }
}

}  // namespace ingot::partition
