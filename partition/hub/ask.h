#pragma once

// Asking a partition, and waiting for its answer.

#include <memory>
#include <utility>
#include <vector>

#include "core/try.h"
#include "partition/hub/rendezvous.h"
#include "partition/hub/router.h"

namespace ingot::partition {

// Offers `request`, whose answer (a Status or a Result) comes to its `done`. Waits for that.
template <typename Answer, typename R>
Answer ask(Router& router, PartitionId partition, R request) {
  const auto answer = std::make_shared<Rendezvous<Answer>>();
  request.done = [answer](Answer given) { answer->give(std::move(given)); };
  INGOT_TRY(router.offer(partition, std::move(request)));
  return answer->take();
}

// The same of the instance that the request names.
template <typename Answer, typename R>
Answer ask(Router& router, R request) {
  const PartitionId partition = router.of_hash(request.id_hash);
  return ask<Answer>(router, partition, std::move(request));
}

// Asks all partitions at once: `request_for(partition)` is a request. The answers by partition.
// All memory that asking needs is taken first: when it is missing nobody was asked.
template <typename Answer, typename RequestFor>
std::vector<Answer> ask_all(Router& router, RequestFor&& request_for) {
  std::vector<std::shared_ptr<Rendezvous<Answer>>> waiting;
  std::vector<decltype(request_for(PartitionId(0)))> requests;
  for (std::uint32_t p = 0; p < router.partitions(); ++p) {
    const auto& answer = waiting.emplace_back(std::make_shared<Rendezvous<Answer>>());
    auto& request = requests.emplace_back(request_for(PartitionId(p)));
    request.done = [answer](Answer given) { answer->give(std::move(given)); };
  }
  std::vector<Answer> answers;
  answers.reserve(waiting.size());
  for (std::uint32_t p = 0; p < router.partitions(); ++p) {
    router.offer_or_refuse(PartitionId(p), std::move(requests[p]));
  }
  for (const auto& answer : waiting) answers.push_back(answer->take());
  return answers;
}

}  // namespace ingot::partition
