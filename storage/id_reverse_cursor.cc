#include "storage/id_reverse_cursor.h"

#include "core/try.h"

namespace ingot::storage {

Status IdRunReverseCursor::load_block(std::size_t index) {
  block_index_ = index;
  ids_.clear();
  entries_.clear();
  left_ = 0;
  INGOT_TRY(forward_.seek(run_.fence(index)).take_status());
  std::vector<std::size_t> ends;
  for (;;) {
    ids_.append(forward_.entry().id);
    ends.push_back(ids_.size());
    entries_.push_back(forward_.entry());
    if (forward_.at_block_end()) break;
    INGOT_TRY(forward_.next().take_status());
  }
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const std::size_t start = i == 0 ? 0 : ends[i - 1];
    entries_[i].id = std::string_view(ids_).substr(start, ends[i] - start);
  }
  left_ = entries_.size();
  return {};
}

Result<bool> IdRunReverseCursor::seek_below(std::string_view bound) {
  left_ = 0;
  const std::size_t index = bound.empty() ? run_.blocks() - 1 : run_.block_for(bound);
  if (index == IdRun::kNoBlock) return false;
  INGOT_TRY(load_block(index));
  if (bound.empty()) return true;
  while (left_ > 1 && entry().id >= bound) --left_;
  if (entry().id < bound) return true;
  return previous();
}

Result<bool> IdRunReverseCursor::previous() {
  --left_;
  if (left_ == 0 && block_index_ > 0) INGOT_TRY(load_block(block_index_ - 1));
  return left_ != 0;
}

IdReverseMergeCursor::IdReverseMergeCursor(TableReader& reader, const IdRuns& runs) {
  cursors_.reserve(runs.size());
  for (const auto& run : runs) cursors_.emplace_back(reader, *run);
}

// The greatest id; among equals the newest run's entry.
bool IdReverseMergeCursor::pick() {
  at_ = cursors_.size();
  for (std::size_t i = 0; i < cursors_.size(); ++i) {
    if (cursors_[i].at_end()) continue;
    if (at_ == cursors_.size() || cursors_[i].entry().id > cursors_[at_].entry().id) at_ = i;
  }
  return at_ != cursors_.size();
}

Result<bool> IdReverseMergeCursor::seek_below(std::string_view bound) {
  for (IdRunReverseCursor& cursor : cursors_) INGOT_TRY(cursor.seek_below(bound).take_status());
  return pick();
}

Result<bool> IdReverseMergeCursor::previous() {
  id_.assign(entry().id);
  for (IdRunReverseCursor& cursor : cursors_) {
    if (cursor.at_end() || cursor.entry().id != id_) continue;
    INGOT_TRY(cursor.previous().take_status());
  }
  return pick();
}

}  // namespace ingot::storage
