#include "tests/support/sim_network.h"

#include <utility>

namespace ingot::sim {

using namespace partition;  // NOLINT(google-build-using-namespace)

void SimNetwork::push(PartitionId destination, Request&& request) {
  const auto* messages = std::get_if<PeerMessages>(&request);
  const auto* confirmation = std::get_if<PeerConfirmation>(&request);
  if (messages == nullptr && confirmation == nullptr) {
    post_.push(destination, std::move(request));
    return;
  }
  if (watch_ != nullptr) watch_->on_message(destination, request);
  if (!plan_.delays) {
    post_.push(destination, std::move(request));
    return;
  }
  const PartitionId from = messages != nullptr ? messages->origin : confirmation->destination;
  travel({confirmation != nullptr, from, destination}, std::move(request));
}

void SimNetwork::travel(const Route& route, Request&& request) {
  channels_[route].push_back(std::move(request));
}

bool SimNetwork::run(bool all) {
  bool busy = false;
  for (auto& [route, channel] : channels_) {
    if (channel.empty()) continue;
    busy = true;
    if (!all && !random_.one_in(plan_.slowness)) continue;
    std::size_t count = all ? channel.size() : 1 + random_.below(channel.size());
    for (; count != 0; --count) {
      Request request = std::move(channel.front());
      channel.pop_front();
      if (plan_.repeats != 0 && random_.one_in(plan_.repeats)) {
        // Behind all that is under way: it comes again, late.
        if (const auto* messages = std::get_if<PeerMessages>(&request)) {
          channel.emplace_back(PeerMessages(*messages));
        } else {
          channel.emplace_back(std::get<PeerConfirmation>(request));
        }
      }
      post_.push(std::get<2>(route), std::move(request));
    }
  }
  return busy;
}

}  // namespace ingot::sim
