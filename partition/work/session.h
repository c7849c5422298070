#pragma once

// Sessions: what a shard keeps beside an instance's state while something is going on with it: the
// live coroutine, those who wait, the lock of a foreign worker. Nothing of it is durable, and each
// part can be made again from the state.

#include <memory>
#include <optional>
#include <vector>

#include "core/execution.h"
#include "core/recycled.h"
#include "partition/requests/request.h"
#include "partition/state/flat_index.h"

namespace ingot::partition {

struct Waiter {
  WaitFor wait_for = WaitFor::completion;
  bool with_payloads = true;
  std::uint64_t wait_id = 0;
  Client::StateFn done;
};

// A foreign worker's hold on an orchestration, an entity or an activity.
struct WorkLock {
  std::uint64_t id = 0;
  WorkKind kind = WorkKind::orchestration;
  bool returned = false;       // offered again; the id counts until then
  Duration deadline{};         // monotonic
  std::uint32_t messages = 0;  // handed out with an orchestration
  union {
    std::uint64_t history_offset = 0;  // of an activity's TaskScheduled
    Duration told;                     // the time that an orchestration was told, since the epoch
  };

  [[nodiscard]] bool held() const { return id != 0 && !returned; }
};

// An orchestration or entity that waits for a foreign worker, or is with one.
struct ForeignStep {
  WorkLock lock;
  bool offered = false;
};

struct Session : Recycled<Session> {
  SequenceNumber sequence;
  bool queued = false;  // in the queue of steps
  std::optional<Execution> execution;
  std::uint32_t generation = 0;  // of the execution
  std::size_t execution_bytes = 0;
  Timestamp last_step;       // of the execution
  Session* older = nullptr;  // among those with an execution, by their last step
  Session* newer = nullptr;
  std::vector<Waiter> waiters;
  std::unique_ptr<ForeignStep> foreign;
};

class Sessions {
 public:
  Sessions() = default;
  ~Sessions() {
    by_sequence_.for_each([](Session* session) { delete session; });
  }
  Sessions(const Sessions&) = delete;
  Sessions& operator=(const Sessions&) = delete;

  [[nodiscard]] Session* find(SequenceNumber sequence) const {
    return by_sequence_.find(sequence.value);
  }
  Session& get(SequenceNumber sequence) {
    Session* session = find(sequence);
    if (session == nullptr) {
      session = new Session;
      session->sequence = sequence;
      by_sequence_.insert(sequence.value, session);
    }
    return *session;
  }
  // Takes it out; null when there is none.
  [[nodiscard]] std::unique_ptr<Session> remove(SequenceNumber sequence) {
    std::unique_ptr<Session> session(find(sequence));
    if (session != nullptr) {
      by_sequence_.erase(sequence.value, session.get());
      execution_bytes_ -= session->execution_bytes;
      unlink(*session);
    }
    return session;
  }
  // The coroutine is dropped; the session too when nothing else is in it.
  void drop_execution(Session& session) {
    session.execution.reset();
    account(session);
    unlink(session);
    if (session.waiters.empty() && session.foreign == nullptr && !session.queued) {
      remove(session.sequence).reset();
    }
  }
  // A step has run at `now`: recounts the coroutine, which may be gone, and makes it the newest.
  void stepped(Session& session, Timestamp now) {
    account(session);
    session.last_step = now;
    if (newest_ == &session && session.execution) return;
    unlink(session);
    if (!session.execution) return;
    session.older = newest_;
    (newest_ == nullptr ? oldest_ : newest_->newer) = &session;
    newest_ = &session;
  }
  // Drops up to `count` coroutines whose last step was before `since`.
  void drop_idle(Timestamp since, std::size_t count) {
    for (; count != 0 && oldest_ != nullptr && oldest_->last_step < since; --count) {
      drop_execution(*oldest_);
    }
  }
  // The last step of the coroutine that has been idle for longest; nothing when there is none.
  [[nodiscard]] std::optional<Timestamp> oldest_step() const {
    if (oldest_ == nullptr) return std::nullopt;
    return oldest_->last_step;
  }

  template <typename Visit>
  void for_each(Visit&& visit) const {
    by_sequence_.for_each([&](Session* session) { visit(*session); });
  }
  [[nodiscard]] std::size_t memory_bytes() const {
    return by_sequence_.size() * (sizeof(Session) + 16) + by_sequence_.memory_bytes() +
           execution_bytes_;
  }

 private:
  // Recounts the memory of the session's coroutine.
  void account(Session& session) {
    const std::size_t bytes = session.execution ? session.execution->memory_bytes() : 0;
    execution_bytes_ = execution_bytes_ - session.execution_bytes + bytes;
    session.execution_bytes = bytes;
  }
  // Out of the order of steps, if it is there.
  void unlink(Session& session) {
    if (session.older == nullptr && session.newer == nullptr && oldest_ != &session) return;
    (session.older == nullptr ? oldest_ : session.older->newer) = session.newer;
    (session.newer == nullptr ? newest_ : session.newer->older) = session.older;
    session.older = nullptr;
    session.newer = nullptr;
  }

  FlatIndex<Session*> by_sequence_;
  Session* oldest_ = nullptr;
  Session* newest_ = nullptr;
  std::size_t execution_bytes_ = 0;
};

}  // namespace ingot::partition
