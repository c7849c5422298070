#pragma once

// Model: what orchestrations and entities mean, in its simplest form: one thread, no messages, no
// steps, no partitions. An instance runs its script until it has to wait for a client; critical
// sections are atomic; a child runs inside its parent's call. Shares nothing with the engine.

#include <ingot/history_event.h>

#include <deque>
#include <map>
#include <optional>
#include <string>

#include "tests/semantics/program.h"
#include "tests/semantics/script.h"

namespace ingot::semantics {

class Model {
 public:
  struct Instance {
    Script script;  // of this execution
    std::size_t at = 0;
    RuntimeStatus status = RuntimeStatus::running;
    std::string out;  // so far; the output when completed, the reason when terminated
    std::string failure;
    std::optional<std::string> custom_status;
    std::map<std::string, std::deque<std::string>> events;
    std::string parent;     // that waits for it
    std::string waits_for;  // the child that the operation at `at` waits for
  };
  enum class Answer : std::uint8_t { ok, not_found, already_exists, failed_precondition };

  // --- what clients do --------------------------------------------------------------------------
  Answer create(const std::string& id, const Script& script, bool replace) {
    const auto old = instances.find(id);
    if (old != instances.end()) {
      if (!replace) return Answer::already_exists;
      if (!ended(old->second)) end(id, RuntimeStatus::terminated);
    }
    begin(id, script, "");
    return Answer::ok;
  }
  Answer raise(const std::string& id, const std::string& name, const std::string& data) {
    const auto found = instances.find(id);
    if (found == instances.end()) return Answer::not_found;
    if (ended(found->second)) return Answer::failed_precondition;
    found->second.events[name].push_back(data);
    run(id);
    return Answer::ok;
  }
  Answer terminate(const std::string& id, const std::string& reason, bool recurse) {
    const auto found = instances.find(id);
    if (found == instances.end()) return Answer::not_found;
    if (ended(found->second)) return Answer::failed_precondition;
    const std::string child = found->second.waits_for;
    found->second.out = reason;
    end(id, RuntimeStatus::terminated);
    if (recurse && !child.empty()) terminate(child, reason, true);
    return Answer::ok;
  }
  Answer restart(const std::string& id) {
    const auto found = instances.find(id);
    if (found == instances.end()) return Answer::not_found;
    if (!ended(found->second)) return Answer::failed_precondition;
    const Script script = found->second.script;
    begin(id, script, "");
    return Answer::ok;
  }
  Answer rewind(const std::string& id) {
    const auto found = instances.find(id);
    if (found == instances.end()) return Answer::not_found;
    Instance& instance = found->second;
    if (instance.status != RuntimeStatus::failed) return Answer::failed_precondition;
    instance.status = RuntimeStatus::running;
    instance.failure.clear();
    const Op& op = instance.script[instance.at];
    if (op.kind == OpKind::fatal_child) {
      instance.waits_for = child_id(id, op.number);
      instances[instance.waits_for].parent = id;
      rewind(instance.waits_for);
    } else {
      run(id);
    }
    return Answer::ok;
  }
  Answer purge(const std::string& id) {
    instances.erase(id);
    return Answer::ok;
  }

  std::map<std::string, Instance> instances;
  std::map<std::string, std::string> entities;  // "name@key"
  Gates gates;

  static bool ended(const Instance& instance) { return is_terminal(instance.status); }
  static std::string child_id(const std::string& id, long number) {
    return id + "." + std::to_string(number);
  }
  long add(const std::string& entity, long amount) {
    std::string& state = entities[entity];
    const long value = (state.empty() ? 0 : std::stol(state)) + amount;
    state = std::to_string(value);
    return value;
  }

 private:
  void begin(const std::string& id, const Script& script, const std::string& parent) {
    instances[id] = Instance{};
    instances[id].script = script;
    instances[id].parent = parent;
    run(id);
  }

  // The end of an instance; its parent goes on.
  void end(const std::string& id, RuntimeStatus status) {
    instances[id].status = status;
    instances[id].waits_for.clear();
    const std::string parent = std::exchange(instances[id].parent, "");
    const auto found = instances.find(parent);
    if (found != instances.end() && found->second.waits_for == id) run(parent);
  }

  void fail(const std::string& id, const std::string& failure) {
    instances[id].failure = failure;
    end(id, RuntimeStatus::failed);
  }

  // Until it ends or has to wait.
  void run(const std::string& id) {
    for (;;) {
      Instance& instance = instances[id];
      if (ended(instance)) return;
      if (instance.at == instance.script.size()) return end(id, RuntimeStatus::completed);
      const Op op = instance.script[instance.at];
      switch (op.kind) {
        case OpKind::event:
        case OpKind::hang: {
          const bool hangs = op.kind == OpKind::hang;
          if (hangs) instance.custom_status = "hang";
          std::deque<std::string>& queue = instance.events[hangs ? "never" : "e"];
          if (queue.empty()) return;
          instance.out += queue.front();
          queue.pop_front();
          break;
        }
        case OpKind::child:
        case OpKind::fatal_child:
        case OpKind::talking_child: {
          const std::optional<std::string> result = call_child(id, op);
          if (!result) return;  // waits
          if (*result == "!" && op.kind == OpKind::fatal_child) {
            return fail(id, "ingot::TaskFailedError");
          }
          instances[id].out += "(" + *result + ")";
          break;
        }
        case OpKind::continue_as_new: {
          const Script next = op.blocks.front();
          instance.script = next;
          instance.at = 0;
          instance.out.clear();
          continue;
        }
        case OpKind::fail:
          return fail(id, op.text);
        case OpKind::fatal_activity:
          return fail(id, "ingot::TaskFailedError");
        case OpKind::gated_activity:
          if (!gates[op.text]) return fail(id, "ingot::TaskFailedError");
          instance.out += "G";
          break;
        case OpKind::failing_section:
          add("account@" + account_key(op.number), -1);
          return fail(id, "failed under a lock");
        case OpKind::custom_status:
          instance.custom_status = op.text;
          break;
        default: {
          const std::string one = simple(id, op);
          instances[id].out += one;
        }
      }
      ++instances[id].at;
    }
  }

  // The result, "!" for a failure, nothing while it goes on.
  std::optional<std::string> call_child(const std::string& id, const Op& op) {
    const std::string child = child_id(id, op.number);
    if (instances[id].waits_for != child) {
      const auto old = instances.find(child);
      if (old != instances.end() && !ended(old->second)) return "!";
      instances[id].waits_for = child;
      begin(child, op.blocks.front(), "");
      instances[child].parent = id;
    }
    const Instance& called = instances[child];
    if (!ended(called)) return std::nullopt;
    instances[id].waits_for.clear();
    instances[child].parent.clear();
    if (called.status != RuntimeStatus::completed) return "!";
    std::string told;
    if (op.kind == OpKind::talking_child) {
      for (const Op& said : op.blocks.front()) {
        if (said.kind == OpKind::send_to_parent) told += said.text;
      }
    }
    return told + called.out;
  }

  // What neither waits for a client nor ends anything.
  std::string simple(const std::string& id, const Op& op) {
    const std::string sum = "sum@" + sum_key(op.number);
    switch (op.kind) {
      case OpKind::activity:
        return op.text;
      case OpKind::failing_activity:
        return "f:" + op.text;
      case OpKind::retried_activity:
        return "r:" + op.text;
      case OpKind::timer:
        return "t";
      case OpKind::past_timer:
        return "p";
      case OpKind::race:
        return op.text + "1";
      case OpKind::guid:
        return "N";
      case OpKind::retried_child: {
        const std::string child = child_id(id, op.number);
        Instance& called = instances[child];
        called = Instance{};
        for (int attempt = 0; attempt < 4; ++attempt) {
          const long count = add("sum@" + child, 1);
          called.status = RuntimeStatus::failed;
          called.failure = "not yet";
          if (count <= std::stol(op.text)) continue;
          called.status = RuntimeStatus::completed;
          called.failure.clear();
          called.out = "y" + std::to_string(count);
          return called.out;
        }
        return "!";
      }
      case OpKind::own_entity: {
        std::string& text = entities["log@" + child_id(id, op.number)];
        for (int i = 0; i < 3; ++i) text += "s" + op.text + std::to_string(i);
        return text;
      }
      case OpKind::signal_sum:
      case OpKind::delayed_signal:
      case OpKind::forwarded_signal:
        add(sum, op.number);
        return "";
      case OpKind::call_sum:
        add(sum, op.number);
        return "h";
      case OpKind::launch: {
        const std::string launched = child_id(id, op.number);
        if (!instances.contains(launched)) begin(launched, op.blocks.front(), "");
        return "";
      }
      case OpKind::transfer:
        add("account@" + account_key(op.number), -1);
        add("account@" + account_key(op.number / 7 + 1), 1);
        return "l";
      case OpKind::abandoned_lock:
        return "z";
      case OpKind::parallel: {
        std::string out;
        for (const Script& block : op.blocks) {
          out += "[";
          for (const Op& inner : block) out += block_op(id, inner);
          out += "]";
        }
        return out;
      }
      default:
        return "";
    }
  }

  // Children in a block end without help.
  std::string block_op(const std::string& id, const Op& op) {
    if (op.kind != OpKind::child) return simple(id, op);
    const std::string result = call_child(id, op).value_or("never ended");
    return "(" + result + ")";
  }
};

}  // namespace ingot::semantics
