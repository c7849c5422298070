#include "tests/semantics/model.h"

#include <utility>

namespace ingot::semantics {

void Model::begin(const std::string& id, const Script& script, const std::string& parent) {
  instances[id] = Instance{};
  instances[id].script = script;
  instances[id].parent = parent;
  run(id);
}

void Model::end(const std::string& id, RuntimeStatus status) {
  instances[id].status = status;
  instances[id].waits_for.clear();
  const std::string parent = std::exchange(instances[id].parent, "");
  const auto found = instances.find(parent);
  if (found != instances.end() && found->second.waits_for == id) run(parent);
}

void Model::fail(const std::string& id, const std::string& failure) {
  instances[id].failure = failure;
  end(id, RuntimeStatus::failed);
}

void Model::run(const std::string& id) {
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
        if (*result == kFailed && op.kind == OpKind::fatal_child) {
          return fail(id, "ingot::TaskFailedError");
        }
        instances[id].out += told(*result);
        break;
      }
      case OpKind::continue_as_new: {
        const Script next = op.blocks.front();
        instance.script = next;
        instance.at = 0;
        instance.children.clear();
        instance.derived_children = 0;
        if (op.text == "drop") instance.events.clear();
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

std::optional<std::string> Model::call_child(const std::string& id, const Op& op) {
  const std::string child = child_id(id, op.number);
  if (instances[id].waits_for != child) {
    instances[id].children.insert(child);
    const auto old = instances.find(child);
    if (old != instances.end() && !ended(old->second)) return std::string(kFailed);
    instances[id].waits_for = child;
    begin(child, op.blocks.front(), "");
    instances[child].parent = id;
    instances[child].child_of = id;
  }
  const Instance& called = instances[child];
  if (!ended(called)) return std::nullopt;
  instances[id].waits_for.clear();
  instances[child].parent.clear();
  if (called.status != RuntimeStatus::completed) return std::string(kFailed);
  std::string said_so;
  if (op.kind == OpKind::talking_child) {
    for (const Op& said : op.blocks.front()) {
      if (said.kind == OpKind::send_to_parent) said_so += said.text;
    }
  }
  return said_so + called.out;
}

std::string Model::simple(const std::string& id, const Op& op) {
  const std::string sum = "sum@" + sum_key(op.number);
  switch (op.kind) {
    case OpKind::activity:
      return op.text;
    case OpKind::failing_activity:
      return "f:" + op.text;
    case OpKind::retried_activity:
      return "r:" + op.text;
    case OpKind::left_activity:
      notes.insert(child_id(id, op.number));
      return "";
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
      instances[id].children.insert(child);
      Instance& called = instances[child];
      called = Instance{};
      called.child_of = id;
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
    case OpKind::told_child: {
      const std::string child = child_id(id, op.number);
      instances[id].children.insert(child);
      Instance& called = instances[child] = Instance{};
      called.child_of = id;
      called.status = RuntimeStatus::completed;
      called.out = op.text + "tag" + std::to_string(op.number);
      return called.out;
    }
    case OpKind::derived_child: {
      ++instances[id].derived_children;
      ++derived_children;
      std::string out;
      for (const Op& inner : op.blocks.front()) out += simple(id, inner);
      return told(out);
    }
    case OpKind::late_event:
      return "W";
    case OpKind::deleted_entity: {
      entities["log@" + child_id(id, op.number)] = op.number % 3 == 0 ? kNoState : op.text;
      return op.text;
    }
    case OpKind::failing_operation: {
      std::string& text = entities["log@" + child_id(id, op.number)];
      text += op.text;
      return text + "F";
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

Model::Answer Model::purge_tree(const std::string& id) {
  const auto found = instances.find(id);
  if (found == instances.end()) return Answer::ok;
  if (!ended(found->second)) return Answer::failed_precondition;
  const Instance gone = found->second;
  instances.erase(found);
  derived_children -= gone.derived_children;
  for (const std::string& child : gone.children) {
    const auto its = instances.find(child);
    if (its == instances.end() || its->second.child_of != id || !ended(its->second)) continue;
    purge_tree(child);
  }
  return Answer::ok;
}

std::string Model::block_op(const std::string& id, const Op& op) {
  if (op.kind != OpKind::child) return simple(id, op);
  return told(call_child(id, op).value_or("never ended"));
}

}  // namespace ingot::semantics
