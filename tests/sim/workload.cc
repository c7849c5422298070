#include "tests/sim/workload.h"

#include <algorithm>
#include <utility>

#include "core/hash.h"
#include "partition/state/row.h"
#include "tests/semantics/comparison.h"

namespace ingot::sim {

using namespace partition;  // NOLINT(google-build-using-namespace)
using semantics::Attempt;
using semantics::ClientKind;
using semantics::ClientOp;
using semantics::OpKind;
using semantics::Script;

namespace {

constexpr const char* kOutcome = "outcome";

bool is_lost(StatusCode code) {
  return semantics::is_lost(code) || code == StatusCode::overloaded ||
         code == StatusCode::disk_full;
}

// Leaves a fact with its request id when it is answered with ok.
bool changes(const Call& call) {
  if (call.kind == Call::Kind::signal) return true;
  return call.kind == Call::Kind::op && call.op.kind != ClientKind::wait_end &&
         call.op.kind != ClientKind::wait_hang && call.op.kind != ClientKind::purge;
}

std::string instance_of(const Call& call) {
  return call.kind == Call::Kind::signal ? to_string(EntityId("sum", call.op.id)) : call.op.id;
}

std::string_view name_of(const Call& call) {
  switch (call.kind) {
    case Call::Kind::op:
      return semantics::name_of(call.op.kind);
    case Call::Kind::signal:
      return "signal";
    case Call::Kind::history:
      return "history";
    case Call::Kind::repeat:
      return "repeat";
  }
  return "";
}

Call op_call(ClientKind kind, const std::string& id) {
  Call call;
  call.op.kind = kind;
  call.op.id = id;
  return call;
}

Script one(OpKind kind, long number, std::string text) {
  semantics::Op op;
  op.kind = kind;
  op.number = number;
  op.text = std::move(text);
  return {op};
}

}  // namespace

Workload::Workload(SimHub& hub, Media& media, semantics::Gates& gates, std::uint64_t seed,
                   const WorkloadPlan& plan, Findings& findings)
    : hub_(hub),
      media_(media),
      gates_(gates),
      random_(seed),
      plan_(plan),
      findings_(findings),
      clients_(plan.clients) {}

std::vector<Call> Workload::make_program() {
  const std::string id = "p" + std::to_string(programs_++);
  std::vector<Call> calls;
  const std::uint64_t length = 4 + random_.below(16);
  switch (random_.below(8)) {
    case 0:
    case 1: {
      semantics::Generator generator(random_.next(), id);
      for (ClientOp& op : generator.program()) calls.push_back({Call::Kind::op, std::move(op)});
      break;
    }
    case 2:
    case 3:
    case 4: {  // a stream of events
      Script script;
      for (std::uint64_t i = 0; i < length; ++i) {
        script.push_back(one(OpKind::event, 0, "").front());
        if (random_.one_in(8)) script.push_back(one(OpKind::activity, 0, "x").front());
        if (random_.one_in(12)) script.push_back(one(OpKind::timer, 5, "").front());
      }
      calls.push_back(op_call(ClientKind::create, id));
      calls.back().op.script = script;
      for (std::uint64_t i = 0; i < length; ++i) {
        calls.push_back(op_call(ClientKind::raise, id));
        calls.back().op.name = "e";
        calls.back().op.data = "." + std::to_string(i);
      }
      calls.push_back(op_call(ClientKind::wait_end, id));
      break;
    }
    case 5:
    case 6:  // an entity
      for (std::uint64_t i = 0; i < length; ++i) {
        Call call = op_call(ClientKind::raise, "k" + std::to_string(random_.below(24)));
        call.kind = Call::Kind::signal;
        call.op.data = std::to_string(1 + random_.below(9));
        calls.push_back(std::move(call));
      }
      break;
    default:
      calls.push_back(op_call(ClientKind::create, id));
      calls.back().op.script = one(OpKind::activity, 0, "a" + std::to_string(programs_));
      calls.push_back(op_call(ClientKind::wait_end, id));
  }
  // Looks at a history, or repeats what came before, here and there.
  std::vector<Call> all;
  for (Call& call : calls) {
    const std::string id_of_call = call.op.id;
    const bool instance = call.kind == Call::Kind::op && call.op.kind != ClientKind::open_gate;
    all.push_back(std::move(call));
    if (random_.one_in(10)) {
      all.push_back(op_call(ClientKind::create, id_of_call));
      all.back().kind = Call::Kind::repeat;
    }
    if (instance && random_.one_in(8)) {
      all.push_back(op_call(ClientKind::create, id_of_call));
      all.back().kind = Call::Kind::history;
    }
  }
  planned_ += all.size();
  return all;
}

bool Workload::done() const {
  return planned_ >= plan_.operations &&
         std::all_of(clients_.begin(), clients_.end(), [](const Client& c) { return c.done(); });
}

bool Workload::turn() {
  bool any = false;
  for (Client& client : clients_) {
    if (client.done()) {
      if (planned_ >= plan_.operations) continue;
      client = Client{};
      client.calls = make_program();
    }
    if (client.attempt != nullptr) {
      if (client.attempt->answers == 0) continue;
      take_answer(client);
      any = true;
    } else if (!hub_.down() && random_.one_in(3)) {
      issue(client);
      any = true;
    }
  }
  return any;
}

PartitionId Workload::partition_of(const Call& call) const {
  return hub_.partition_of(instance_of(call));
}

void Workload::wrong(const Call& call, std::string text) {
  findings_.violated(kOutcome, partition_of(call), instance_of(call),
                     std::string(name_of(call)) + " of '" + instance_of(call) + "': " + text);
}

// --- calls ------------------------------------------------------------------------------------

void Workload::issue(Client& client) {
  const Call* chosen = &client.calls[client.at];
  if (chosen->kind == Call::Kind::op && chosen->op.kind == ClientKind::open_gate) {
    gates_[chosen->op.name] = true;
    carry_out(model_, chosen->op);
    ++client.at;
    --planned_;
    return;
  }
  std::uint64_t request_id = client.request_id;
  if (chosen->kind == Call::Kind::repeat) {
    if (client.last_request == 0) {
      ++client.at;
      --planned_;
      return;
    }
    chosen = &client.last;
    request_id = client.last_request;
    ++repeated_;
  } else if (request_id == 0) {
    request_id = client.request_id = ++last_request_;
  }
  const Call& call = *chosen;
  const PartitionId partition = partition_of(call);
  const auto attempt = client.attempt = std::make_shared<Attempt>();
  open_.push_back(attempt);
  attempt->heard = [this, partition, id = instance_of(call),
                    request_id = changes(call) ? request_id : 0,
                    heard = attempt.get()] { hear(partition, id, request_id, *heard); };
  findings_.trace(partition, [&] {
    return std::string(name_of(call)) + " '" + instance_of(call) + "' " + call.op.name + " " +
           call.op.data + " (request " + std::to_string(request_id) + ")";
  });
  Request request;
  if (call.kind == Call::Kind::signal) {
    SignalRequest signal;
    signal.instance_id = instance_of(call);
    signal.id_hash = hash64(signal.instance_id);
    signal.operation = "add";
    signal.input = call.op.data;
    signal.request_id = request_id;
    signal.done = [attempt](const Status& status) { attempt->answer(status.code()); };
    request = std::move(signal);
  } else if (call.kind == Call::Kind::history) {
    HistoryRequest history;
    history.instance_id = call.op.id;
    history.id_hash = hash64(call.op.id);
    history.done = [this, attempt, id = call.op.id,
                    partition](Result<std::vector<HistoryEvent>> events) {
      const StatusCode code = events.status().code();
      if (events.ok()) {
        media_.durability().shown(id, *events, media_.state(partition));
        media_.histories().seen(partition, id, *std::move(events));
      }
      attempt->answer(code);
    };
    request = std::move(history);
  } else {
    request = make_request(call.op, request_id, attempt);
  }
  if (!hub_.offer(partition, std::move(request))) attempt->answer(StatusCode::unavailable);
}

// --- answers ----------------------------------------------------------------------------------

void Workload::take_answer(Client& client) {
  const std::shared_ptr<Attempt> attempt = std::exchange(client.attempt, nullptr);
  const Call& call = client.calls[client.at];
  findings_.trace(partition_of(call), [&] {
    return std::string(name_of(call)) + " '" + instance_of(call) + "' is answered with " +
           std::string(to_string(attempt->code));
  });
  hash_ = hash64(name_of(call), hash_ + static_cast<std::uint64_t>(attempt->code));
  if (is_lost(attempt->code)) return;  // again, with the same request id
  switch (call.kind) {
    case Call::Kind::repeat:
      if (attempt->code != StatusCode::ok) {
        wrong(client.last, "repeated, it is answered with " +
                               std::string(to_string(attempt->code)) + " instead of ok");
      }
      break;
    case Call::Kind::history:
      break;
    default: {
      if (call.op.kind == ClientKind::wait_hang &&
          (!attempt->state || attempt->state->custom_status != "hang")) {
        return;  // not yet
      }
      if (!agrees(call, attempt->code)) return;
      if (attempt->code == StatusCode::ok && changes(call)) {
        client.last = call;
        client.last_request = client.request_id;
      }
      if (call.op.kind == ClientKind::purge) client.last_request = 0;
      if (attempt->state) take_wait(call, *attempt);
    }
  }
  ++operations_;
  ++client.at;
  client.request_id = 0;
}

bool Workload::agrees(const Call& call, StatusCode code) {
  StatusCode expected = StatusCode::ok;
  bool fine = false;
  if (call.kind == Call::Kind::signal) {
    model_.add("sum@" + call.op.id, std::stol(call.op.data));
    fine = code == expected;
  } else {
    expected = carry_out(model_, call.op);
    fine = is_expected(call.op, code, expected);
  }
  if (!fine) {
    wrong(call, "it is answered with " + std::string(to_string(code)) + " instead of " +
                    std::string(to_string(expected)));
  }
  return fine;
}

void Workload::hear(PartitionId partition, const std::string& id, std::uint64_t request_id,
                    const Attempt& attempt) {
  if (attempt.state) media_.durability().shown(*attempt.state, media_.state(partition));
  if (attempt.code != StatusCode::ok || request_id == 0) return;
  media_.ledger().acknowledged(partition, request_id, id);
}

void Workload::take_wait(const Call& call, const Attempt& attempt) {
  if (call.op.kind != ClientKind::wait_end) return;
  const auto expected = model_.instances.find(call.op.id);
  if (expected == model_.instances.end()) return wrong(call, "it is not in the model");
  const std::string fault = difference(expected->second, *attempt.state);
  if (!fault.empty()) wrong(call, fault);
}

void Workload::check_answered() {
  for (const auto& attempt : open_) {
    if (attempt->answers == 1) continue;
    findings_.violated("(e) answers", {}, {},
                       "a request was answered " + std::to_string(attempt->answers) + " times");
  }
  open_.clear();
}

// --- the end ----------------------------------------------------------------------------------

void Workload::compare() {
  std::size_t compared = 0;
  for (const auto& [id, expected] : model_.instances) {
    const PartitionState& state = media_.state(hub_.partition_of(id));
    const std::uint64_t hash = hash64(id);
    const Instance* live = state.instances.find(hash, id);
    const FinishedRecord record = state.finished.find(hash, id);
    RowView row;
    if (live != nullptr) {
      row = view_row(*live);
    } else if (const Result<RowView> finished = view_row(record.row); finished.ok()) {
      row = *finished;
    }
    const Result<InstanceState> is = to_instance_state(row, true);
    const std::string fault =
        row.id.empty() || !is.ok() ? "it does not exist" : difference(expected, *is);
    if (!fault.empty()) return wrong(op_call(ClientKind::wait_end, id), fault);
    ++compared;
  }
  std::size_t there = 0;
  for (std::uint32_t p = 0; p < hub_.partitions(); ++p) {
    for (const std::uint64_t count : media_.state(PartitionId(p)).counters.by_status) {
      there += count;
    }
  }
  if (there != compared) {
    findings_.violated(
        kOutcome, {}, {},
        std::to_string(there) + " instances exist instead of " + std::to_string(compared));
  }
  for (const auto& [name, value] : model_.entities) {
    const std::string id = "@" + name;
    const PartitionState& state = media_.state(hub_.partition_of(id));
    const Instance* live = state.instances.find(hash64(id), id);
    EntityState is;
    if (live != nullptr) is = to_entity_state(view_row(*live), true);
    if (is.state == value && is.locked_by.empty() && is.queued_operations == 0) continue;
    return findings_.violated(kOutcome, state.partition, id,
                              "entity '" + id + "' is '" + is.state.value_or("(none)") +
                                  "' instead of '" + value + "', locked by '" + is.locked_by +
                                  "', with " + std::to_string(is.queued_operations) +
                                  " operations");
  }
}

std::string Workload::unfinished() const {
  std::string text;
  for (const Client& client : clients_) {
    if (client.done()) continue;
    const Call& call = client.calls[client.at];
    if (!text.empty()) text += ", ";
    text += std::string(name_of(call)) + " '" + instance_of(call) + "'" +
            (client.attempt != nullptr ? " (asked)" : "");
  }
  return text;
}

}  // namespace ingot::sim
