#pragma once

// Outstanding: the work items of a hub that workers have, by their locks and by the instances.
//
// The engine knows whether a lock still holds; this table knows what only a server needs: whose
// stream has the item (its room is free when it is settled), the operations of an entity's batch
// (results refer to them), what has come of a completion in chunks, and the token of an item whose
// worker names the instance only.
//
// An item whose stream has closed stays here until it is sent again, because its token counts until
// then; of those, only the last kReturnedMax are kept.

#include <ingot/work_items.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace ingot::server {

// Who has an item.
class WorkOwner {
 public:
  virtual ~WorkOwner() = default;
  // The item has been completed or given back, or another lock has made its token stale: there is
  // room for another one.
  virtual void settled(const WorkItemToken& token, WorkKind kind) = 0;
  // A completion of it has been refused for a reason that passes (`overloaded`, `disk_full`). Not
  // every worker tries again, so the owner gives the item back a while later, unless it is settled.
  virtual void refused(const WorkItemToken& token) = 0;
};

struct OutstandingItem {
  WorkItemToken token;
  WorkKind kind = WorkKind::orchestration;
  std::string instance_id;
  std::weak_ptr<WorkOwner> owner;
  std::shared_ptr<const EntityWorkItem> entity;  // of an entity's batch, without its state

  std::mutex chunks_mutex;
  std::string chunks;  // a completion's chunks so far, as bytes one behind the other
  std::int32_t chunks_taken = 0;
};
using OutstandingPtr = std::shared_ptr<OutstandingItem>;

class Outstanding {
 public:
  // An earlier entry of the same instance or activity is replaced: its token is stale now, and its
  // owner is told. Locks are counted up, so it does not matter in which order the two come.
  void add(OutstandingPtr item);
  // Null when there is none.
  [[nodiscard]] OutstandingPtr find(const WorkItemToken& token) const;
  // By the instance and, for an activity, its task id; -1 else.
  [[nodiscard]] OutstandingPtr find(std::string_view instance_id, std::int32_t task_id) const;
  // Takes it out and tells its owner.
  void settle(const WorkItemToken& token);
  // A completion of it has been refused: tells its owner. False when it has none any more.
  [[nodiscard]] bool refuse(const WorkItemToken& token);
  // It has been given back, or its stream has closed.
  void returned(const WorkItemToken& token);
  [[nodiscard]] std::size_t size() const;

 private:
  static constexpr std::size_t kReturnedMax = 65'536;
  static void tell(const OutstandingItem& item);
  // Lock ids are fresh in a partition, and an instance stays in its partition.
  using Key = std::pair<std::uint32_t, std::uint64_t>;
  struct KeyHash {
    std::size_t operator()(const Key& key) const {
      return static_cast<std::size_t>(key.second * 0x9E3779B97F4A7C15U ^ key.first);
    }
  };
  static Key key_of(const WorkItemToken& token) { return {token.partition, token.lock}; }
  static std::string name_of(std::string_view instance_id, std::int32_t task_id);
  OutstandingPtr remove(const Key& key);

  mutable std::mutex mutex_;
  std::unordered_map<Key, OutstandingPtr, KeyHash> by_lock_;
  std::unordered_map<std::string, Key> by_name_;
  std::deque<Key> returned_;
};

}  // namespace ingot::server
