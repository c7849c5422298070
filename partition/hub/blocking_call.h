#pragma once

// Calls that wait for what a shard answers, from threads that are not shards'.

#include <ingot/status.h>

#include <memory>
#include <utility>

#include "core/out_of_memory.h"
#include "core/try.h"
#include "partition/hub/rendezvous.h"

namespace ingot::partition {

// `failed_precondition` on a shard's thread: waiting there would stop the shard that has to answer.
[[nodiscard]] Status refuse_on_shard_thread();

// What `call`, which waits, returns (a Status, or something made of one); why it must not wait
// here, or that there was no memory for it.
template <typename Call>
auto blocking_call(Call&& call) -> decltype(call()) {
  return or_overloaded([&]() -> decltype(call()) {
    INGOT_TRY(refuse_on_shard_thread());
    return call();
  });
}

// Calls `send` with a callback, and waits until it is called.
template <typename Answer, typename Send>
Answer wait_for_answer(Send&& send) {
  return blocking_call([&]() -> Answer {
    const auto answer = std::make_shared<Rendezvous<Answer>>();
    send([answer](Answer given) { answer->give(std::move(given)); });
    return answer->take();
  });
}

}  // namespace ingot::partition
