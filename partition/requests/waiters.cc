#include "partition/requests/waiters.h"

#include <algorithm>
#include <utility>

#include "core/planted_bug.h"

namespace ingot::partition {

void Waiters::add(SequenceNumber sequence, Waiter waiter) {
  sessions_.get(sequence).waiters.push_back(std::move(waiter));
}

void Waiters::cancel(SequenceNumber sequence, std::uint64_t wait_id) {
  Session* session = sessions_.find(sequence);
  if (session == nullptr) return;
  for (auto waiter = session->waiters.begin(); waiter != session->waiters.end(); ++waiter) {
    if (waiter->wait_id != wait_id) continue;
    const Client::StateFn done = std::move(waiter->done);
    session->waiters.erase(waiter);
    done(Status(StatusCode::timed_out, "the wait was given up"));
    return;
  }
}

void Waiters::started(SequenceNumber sequence) {
  Session* session = sessions_.find(sequence);
  const Instance* instance = state_.instances.find(sequence);
  if (session == nullptr || instance == nullptr) return;
  std::erase_if(session->waiters, [&](Waiter& waiter) {
    if (waiter.wait_for != WaitFor::start) return false;
    answer_when_durable(gate_, recorder_.position(), std::move(waiter.done),
                        to_instance_state(view_row(*instance), waiter.with_payloads));
    return true;
  });
}

void Waiters::finished(Session& session, std::string_view record) {
  if (session.waiters.empty()) return;
  const Result<RowView> row = view_row(record);
  INGOT_ASSERT(row.ok(), session.sequence.value);  // written by ourselves a moment ago
  for (Waiter& waiter : session.waiters) {
    if (INGOT_PLANTED(kForgetWaiters)) continue;
    answer_when_durable(gate_, recorder_.position(), std::move(waiter.done),
                        to_instance_state(*row, waiter.with_payloads));
  }
  session.waiters.clear();
}

void Waiters::refuse_all(const Status& why) {
  std::vector<Waiter> all;
  sessions_.for_each([&](Session& session) {
    for (Waiter& waiter : std::exchange(session.waiters, {})) all.push_back(std::move(waiter));
  });
  for (Waiter& waiter : all) waiter.done(why);
}

}  // namespace ingot::partition
