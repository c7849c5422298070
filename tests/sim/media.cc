#include "tests/sim/media.h"

#include <algorithm>

#include "commit-log/recovery.h"
#include "core/fact_codec.h"
#include "core/hash.h"
#include "partition/apply/apply.h"
#include "tests/sim/check_replay.h"

namespace ingot::sim {
namespace {

constexpr const char* kReplay = "(i) replay";
constexpr Position kAll{UINT64_MAX};

// The live instance that a fact names, for the trace.
struct Named {
  const partition::PartitionState& state;
  std::string operator()(const EntityCreated& f) const { return std::string(f.id); }
  std::string operator()(const InstancePurged& f) const { return std::string(f.id); }
  std::string operator()(const PeerMessageReceived& f) const { return id_of(state, f.target); }
  std::string operator()(const InstanceCreated& f) const {
    Reader reader(f.started);
    return std::string(decode_trusted_event(reader).instance_id);
  }
  template <typename Other>
  std::string operator()(const Other& f) const {
    if constexpr (requires { f.sequence; }) return id_of(state, f.sequence);
    return {};
  }
};

}  // namespace

Media::Media(std::uint32_t partitions, std::uint64_t seed, bool persist_steps_first,
             Findings& findings)
    : findings_(findings),
      random_(seed),
      persist_steps_first_(persist_steps_first),
      ledger_(partitions, findings),
      channels_(findings),
      timers_(findings),
      histories_(findings),
      durability_(partitions, findings),
      fences_(findings),
      checkers_{&ledger_, &channels_, &timers_, &histories_, &durability_, &fences_} {
  for (std::uint32_t p = 0; p < partitions; ++p) {
    logs_.push_back(std::make_unique<Log>(PartitionId(p), partitions));
  }
}

void Media::on_submit(std::uint64_t token, std::span<const char> bytes) {
  logs_[token]->flying.assign(bytes.data(), bytes.size());
}

void Media::on_durable(std::uint64_t token) {
  Log& log = *logs_[token];
  take(log, log.flying, kAll);
  log.flying.clear();
}

void Media::take(Log& log, std::string_view bytes, Position last) {
  const PartitionId partition = log.state.partition;
  WholeWrite write;
  while (!bytes.empty()) {
    const log::FrameHeader header = log::load_header({bytes.data(), bytes.size()});
    const std::uint64_t size = log::frame_bytes(header.stored_bytes);
    if (header.magic != log::kFrameMagic || size > bytes.size()) {
      findings_.violated(kReplay, partition, {}, "a write to the log holds no frame");
      return;
    }
    if (header.first_position > last.value) break;
    hash_ = hash64({reinterpret_cast<const char*>(&header.checksum), sizeof header.checksum},
                   hash_ + partition.value);
    if (write.bytes == 0) write = {header.segment_id, header.offset, 0};
    write.bytes += size;
    const Result<std::string_view> payload =
        payload_.open(header, {bytes.data(), static_cast<std::size_t>(size)});
    Status status = payload.status();
    if (payload.ok()) {
      status = log::for_each_fact(header, *payload, [&](Position at, std::string_view fact) {
        apply(log, at, fact);
        return Status();
      });
    }
    if (!status.ok()) findings_.violated(kReplay, partition, {}, status.to_string());
    bytes.remove_prefix(size);
  }
  if (write.bytes != 0) log.writes.push_back(write);
}

void Media::apply(Log& log, Position position, std::string_view bytes) {
  const PartitionId partition = log.state.partition;
  if (findings_.first() || position <= log.state.applied) return;
  const Result<Fact> fact = decode_fact(bytes);
  if (!fact.ok() || position != log.state.applied.plus(1)) {
    findings_.violated(kReplay, partition, {},
                       "position " + std::to_string(position.value) + " follows " +
                           std::to_string(log.state.applied.value) + ": " +
                           fact.status().to_string());
    return;
  }
  ++facts_;
  findings_.trace(partition, [&] {
    return "durable " + std::to_string(position.value) + " " + std::string(fact_name(*fact)) +
           " '" + std::visit(Named{log.state}, fact->body) + "'";
  });
  const DurableFact durable{partition, position, *fact, log.state};
  for (Checker* checker : checkers_) checker->before(durable);
  effects_.clear();
  const Status applied = partition::apply(log.state, position, *fact, effects_);
  if (!applied.ok()) findings_.violated(kReplay, partition, {}, applied.to_string());
  for (Checker* checker : checkers_) checker->after(durable, effects_);
}

void Media::on_recovered(PartitionId partition, const partition::Recovered& recovered) {
  Log& log = *logs_[partition.value];
  const Position found = recovered.state->applied;
  findings_.trace(partition, [&] {
    return "recovered at " + std::to_string(found.value) + ", durable were " +
           std::to_string(log.state.applied.value) + ", checkpoint " +
           std::to_string(recovered.store->position().value);
  });
  if (found < log.state.applied) {
    findings_.violated("(a) ledger", partition, {},
                       "recovered at position " + std::to_string(found.value) + ", and " +
                           std::to_string(log.state.applied.value) + " was durable");
    return;
  }
  // What was being written counts as far as it was found.
  take(log, log.flying, found);
  log.flying.clear();
  std::string id;
  const std::string fault =
      compare_states(log.state, *recovered.state, *recovered.store, sample_, random_, id);
  if (!fault.empty()) findings_.violated(kReplay, partition, id, fault);
  ledger_.recovered(partition, *recovered.state);
}

void Media::on_message(PartitionId destination, const partition::Request& request) {
  channels_.left(destination, request);
}

void Media::on_activity(const partition::ActivityJob& job) {
  if (!persist_steps_first_) return;
  durability_.activity_given(job.sequence, job.task_id, job.instance_id, state(job.partition));
}

void Media::ended(Timestamp now) {
  for (const auto& log : logs_) {
    timers_.ended(log->state, now);
    histories_.ended(log->state);
  }
}

}  // namespace ingot::sim
