#include "tools/ingotd/outstanding.h"

namespace ingot::server {

std::string Outstanding::name_of(std::string_view instance_id, std::int32_t task_id) {
  std::string name = std::to_string(task_id);
  name += ' ';
  name += instance_id;
  return name;
}

void Outstanding::add(OutstandingPtr item) {
  const Key key = key_of(item->token);
  OutstandingPtr stale;
  std::string name = name_of(item->instance_id, item->token.task_id);
  {
    const std::lock_guard lock(mutex_);
    const auto [place, fresh] = by_name_.try_emplace(std::move(name), key);
    if (!fresh && place->second.second > key.second) {
      // Its successor was faster.
      stale = std::move(item);
    } else {
      if (const auto old = by_lock_.find(place->second); !fresh && old != by_lock_.end()) {
        stale = std::move(old->second);
        by_lock_.erase(old);
      }
      place->second = key;
      by_lock_.emplace(key, std::move(item));
    }
  }
  // Nobody will find it any more, so its room would never be free again.
  if (stale != nullptr) tell(*stale);
}

void Outstanding::tell(const OutstandingItem& item) {
  if (const auto owner = item.owner.lock()) owner->settled(item.token, item.kind);
}

OutstandingPtr Outstanding::find(const WorkItemToken& token) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_lock_.find(key_of(token));
  return found == by_lock_.end() ? nullptr : found->second;
}

OutstandingPtr Outstanding::find(std::string_view instance_id, std::int32_t task_id) const {
  const std::string name = name_of(instance_id, task_id);
  const std::lock_guard lock(mutex_);
  const auto key = by_name_.find(name);
  if (key == by_name_.end()) return nullptr;
  const auto found = by_lock_.find(key->second);
  return found == by_lock_.end() ? nullptr : found->second;
}

OutstandingPtr Outstanding::remove(const Key& key) {
  const auto found = by_lock_.find(key);
  if (found == by_lock_.end()) return nullptr;
  OutstandingPtr item = std::move(found->second);
  by_lock_.erase(found);
  const auto name = by_name_.find(name_of(item->instance_id, item->token.task_id));
  if (name != by_name_.end() && name->second == key) by_name_.erase(name);
  return item;
}

void Outstanding::settle(const WorkItemToken& token) {
  OutstandingPtr item;
  {
    const std::lock_guard lock(mutex_);
    item = remove(key_of(token));
  }
  if (item != nullptr) tell(*item);
}

bool Outstanding::refuse(const WorkItemToken& token) {
  const OutstandingPtr item = find(token);
  const auto owner = item == nullptr ? nullptr : item->owner.lock();
  if (owner == nullptr) return false;
  owner->refused(token);
  return true;
}

void Outstanding::returned(const WorkItemToken& token) {
  OutstandingPtr oldest;
  const std::lock_guard lock(mutex_);
  returned_.push_back(key_of(token));
  if (returned_.size() <= kReturnedMax) return;
  oldest = remove(returned_.front());
  returned_.pop_front();
}

std::size_t Outstanding::size() const {
  const std::lock_guard lock(mutex_);
  return by_lock_.size();
}

}  // namespace ingot::server
