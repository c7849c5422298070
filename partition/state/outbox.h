#pragma once

// Outbox: messages to other partitions until these hold them durably; PeerDedup: the last message
// taken from each. Together they give exactly once and in order.
//
// A channel's positions are dense from 1. Messages leave only by confirmation.

#include <ingot/ids.h>

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "core/codec.h"

namespace ingot::partition {

// What travels: the target's id and the encoded event.
struct PeerMessage {
  std::uint64_t channel_position = 0;
  std::string target_id;
  std::string event;
};

class Outbox {
 public:
  struct Channel {
    std::uint64_t last_position = 0;
    std::deque<PeerMessage> unconfirmed;
  };

  // Returns the message's position in the channel.
  std::uint64_t append(PartitionId destination, std::string_view target_id, std::string event) {
    Channel& channel = channels_[destination];
    bytes_ += target_id.size() + event.size() + sizeof(PeerMessage);
    channel.unconfirmed.push_back(
        {++channel.last_position, std::string(target_id), std::move(event)});
    return channel.last_position;
  }
  // False when the position was never used.
  bool confirm(PartitionId destination, std::uint64_t position) {
    Channel& channel = channels_[destination];
    if (position > channel.last_position) return false;
    while (!channel.unconfirmed.empty() &&
           channel.unconfirmed.front().channel_position <= position) {
      const PeerMessage& message = channel.unconfirmed.front();
      bytes_ -= message.target_id.size() + message.event.size() + sizeof(PeerMessage);
      channel.unconfirmed.pop_front();
    }
    return true;
  }
  // Null when it was confirmed already.
  [[nodiscard]] const PeerMessage* find(PartitionId destination, std::uint64_t position) const {
    const auto channel = channels_.find(destination);
    if (channel == channels_.end() || channel->second.unconfirmed.empty()) return nullptr;
    const auto& messages = channel->second.unconfirmed;
    const std::uint64_t first = messages.front().channel_position;
    if (position < first || position - first >= messages.size()) return nullptr;
    return &messages[position - first];
  }
  [[nodiscard]] const std::map<PartitionId, Channel>& channels() const { return channels_; }
  [[nodiscard]] std::size_t memory_bytes() const { return bytes_; }

  void encode(std::string& out) const {
    put_varint(out, channels_.size());
    for (const auto& [destination, channel] : channels_) {
      put_varint(out, destination.value);
      put_varint(out, channel.last_position);
      put_varint(out, channel.unconfirmed.size());
      for (const PeerMessage& message : channel.unconfirmed) {
        put_bytes(out, message.target_id);
        put_bytes(out, message.event);
      }
    }
  }
  // Into an empty outbox.
  void decode(Reader& reader) {
    for (std::uint64_t left = reader.varint(); left != 0 && reader.ok(); --left) {
      const PartitionId destination(reader.varint32());
      const std::uint64_t last = reader.varint();
      const std::uint64_t count = reader.varint();
      if (count > last || channels_.contains(destination)) return reader.fail();
      Channel& channel = channels_[destination];
      channel.last_position = last - count;
      for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
        const std::string_view target = reader.bytes();
        append(destination, target, std::string(reader.bytes()));
      }
    }
  }

 private:
  std::map<PartitionId, Channel> channels_;
  std::size_t bytes_ = 0;
};

class PeerDedup {
 public:
  [[nodiscard]] std::uint64_t last(PartitionId origin) const {
    const auto found = last_.find(origin);
    return found == last_.end() ? 0 : found->second;
  }
  // False unless `position` is the channel's next one.
  bool advance(PartitionId origin, std::uint64_t position) {
    std::uint64_t& last = last_[origin];
    if (position != last + 1) return false;
    last = position;
    return true;
  }

  // No message came from elsewhere than `partitions` partitions.
  [[nodiscard]] bool is_of(std::uint32_t partitions) const {
    return last_.empty() || last_.rbegin()->first.value < partitions;
  }

  void encode(std::string& out) const {
    put_varint(out, last_.size());
    for (const auto& [origin, position] : last_) {
      put_varint(out, origin.value);
      put_varint(out, position);
    }
  }
  void decode(Reader& reader) {
    for (std::uint64_t left = reader.varint(); left != 0 && reader.ok(); --left) {
      const PartitionId origin(reader.varint32());
      last_[origin] = reader.varint();
    }
  }

 private:
  std::map<PartitionId, std::uint64_t> last_;
};

}  // namespace ingot::partition
