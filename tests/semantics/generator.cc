#include "tests/semantics/generator.h"

#include <iterator>

namespace ingot::semantics {

std::vector<ClientOp> Generator::program() {
  switch (random_.below(10)) {
    case 0:
    case 1:
      hanging_root();
      can_restart_ = false;
      break;
    case 2:
    case 3:
      hanging_child();
      can_restart_ = false;
      break;
    case 4:
      gated(false);
      break;
    case 5:
      gated(true);
      break;
    default:
      start(ClientKind::create, script(Where::root, 1 + random_.below(6)));
      add(ClientKind::wait_end, id_);
  }
  aside();
  afterwards();
  aside();
  return std::move(ops_);
}

void Generator::start(ClientKind kind, Script with) {
  const std::size_t events = count_events(with);
  can_restart_ = events == 0;
  add(kind, id_).script = std::move(with);
  if (whole_ && kind == ClientKind::create && random_.one_in(6)) {
    ops_.back().kind = ClientKind::create_later;
    ops_.back().data = std::to_string(random_.below(100));
  }
  if (whole_ && random_.one_in(6)) add(ClientKind::wait_start, id_);
  const bool suspended = random_.one_in(4);
  const std::uint64_t from = random_.below(events + 1);
  const std::uint64_t to = from + random_.below(events + 1 - from);
  for (std::size_t i = 0; i <= events; ++i) {
    if (suspended && i == from) add(ClientKind::suspend, id_);
    if (suspended && i == to) add(ClientKind::resume, id_);
    if (i < events) raise(id_, "e");
  }
}

void Generator::hanging_root() {
  Script with = script(Where::root, random_.below(4));
  insert(with, simple_op(OpKind::hang));
  start(ClientKind::create, with);
  add(ClientKind::wait_hang, id_);
  switch (random_.below(6)) {
    case 0:
      add(ClientKind::terminate, id_);
      break;
    case 1:
      add(ClientKind::suspend, id_);
      add(ClientKind::terminate_all, id_);
      break;
    case 2:
      start(ClientKind::replace, script(Where::root, 1 + random_.below(4)));
      break;
    case 3:
      add(ClientKind::suspend, id_);
      raise(id_, "never");
      add(ClientKind::resume, id_);
      break;
    case 4:
      add(ClientKind::restart, id_);  // refused
      add(ClientKind::rewind, id_);
      add(ClientKind::create, id_).script = with;
      [[fallthrough]];
    default:
      raise(id_, "never");
  }
  add(ClientKind::wait_end, id_);
}

void Generator::hanging_child() {
  Op call = with_block(random_.one_in(3) ? OpKind::fatal_child : OpKind::child, Where::child);
  call.blocks.front().insert(call.blocks.front().begin(), simple_op(OpKind::hang));
  const std::string child = id_ + "." + std::to_string(call.number);
  Script with = script(Where::root, random_.below(4));
  insert(with, call);
  start(ClientKind::create, with);
  add(ClientKind::wait_hang, child);
  switch (random_.below(6)) {
    case 0:
      add(ClientKind::terminate, child);
      break;
    case 1:
      add(ClientKind::terminate_all, id_);
      add(ClientKind::wait_end, child);
      break;
    case 2:
      add(ClientKind::terminate, id_);
      add(ClientKind::wait_end, id_);
      raise(child, "never");
      add(ClientKind::wait_end, child);
      break;
    case 3:  // the id of the child is taken
      start(ClientKind::replace, with);
      add(ClientKind::wait_end, id_);
      raise(child, "never");
      add(ClientKind::wait_end, child);
      break;
    case 4:
      add(ClientKind::suspend, child);
      raise(child, "never");
      add(ClientKind::suspend, id_);
      add(ClientKind::resume, child);
      add(ClientKind::resume, id_);
      break;
    default:
      raise(child, "never");
  }
  add(ClientKind::wait_end, id_);
}

void Generator::gated(bool in_child) {
  children_fail_ = false;  // they would be rewound as well, and do again what their last step did
  Op gate = simple_op(OpKind::gated_activity);
  gate.text = id_ + "/gate";
  // Without events: one that comes after the failure is refused.
  Script with = script(Where::child, random_.below(4));
  if (in_child) {
    Op call = with_block(OpKind::fatal_child, Where::child);
    insert(call.blocks.front(), gate);
    insert(with, call);
  } else {
    insert(with, gate);
  }
  // Nor is it suspended: a resumption that comes after the failure is refused.
  add(ClientKind::create, id_).script = with;
  can_restart_ = true;
  add(ClientKind::wait_end, id_);
  if (random_.one_in(2)) {
    add(ClientKind::rewind, id_);  // fails again
    add(ClientKind::wait_end, id_);
  }
  add(ClientKind::open_gate, id_).name = gate.text;
  add(ClientKind::rewind, id_);
  add(ClientKind::wait_end, id_);
  children_fail_ = true;
}

void Generator::afterwards() {
  switch (random_.below(8)) {
    case 0:
      add(ClientKind::purge, id_);
      if (random_.one_in(2)) return;
      start(ClientKind::create, script(Where::root, 2));
      break;
    case 1:
      start(ClientKind::replace, script(Where::root, 1 + random_.below(4)));
      break;
    case 2:
      add(ClientKind::create, id_).script = script(Where::branch, 1);  // refused
      add(ClientKind::terminate, id_);
      break;
    case 3:
      if (!can_restart_) return;
      if (whole_ && random_.one_in(2)) {
        add(ClientKind::restart_new, id_);
        add(ClientKind::wait_end, std::string(kNewId));
        return;
      }
      add(ClientKind::restart, id_);
      break;
    default:
      return;
  }
  add(ClientKind::wait_end, id_);
}

// What changes no instance.
void Generator::aside() {
  if (!whole_ || random_.one_in(2)) return;
  switch (random_.below(4)) {
    case 0:
      add(ClientKind::look, random_.one_in(3) ? id_ + ".none" : id_);
      break;
    case 1:
      add(ClientKind::read_history, random_.one_in(3) ? id_ + ".none" : id_);
      break;
    default: {
      const bool later = random_.one_in(2);
      ClientOp& op = add(later ? ClientKind::signal_later : ClientKind::signal, sum_key(next_));
      op.data = std::to_string(next_++);
    }
  }
}

void Generator::insert(Script& script, Op op) {
  const bool has_end = !script.empty() && is_end(script.back().kind);
  const std::uint64_t places = script.size() + (has_end ? 0 : 1);
  script.insert(script.begin() + static_cast<std::ptrdiff_t>(random_.below(places)), std::move(op));
}

Script Generator::script(Where where, std::uint64_t length) {
  Script script;
  bool lock_asked = false;
  for (std::uint64_t i = 0; i < length; ++i) {
    Op op = where == Where::branch ? branch_op() : any_op(where);
    const bool locks = op.kind == OpKind::transfer || op.kind == OpKind::abandoned_lock;
    if (locks && lock_asked) op = simple_op(OpKind::activity);
    if (op.kind == OpKind::abandoned_lock) lock_asked = true;
    script.push_back(std::move(op));
  }
  if (where == Where::branch || ++depth_ > 6) return script;
  if (!children_fail_) return script;
  switch (random_.below(14)) {
    case 0:
      script.push_back(simple_op(OpKind::fail));
      break;
    case 1:
      script.push_back(simple_op(OpKind::fatal_activity));
      break;
    case 2:
      if (!lock_asked) script.push_back(simple_op(OpKind::failing_section));
      break;
    case 3:
    case 4:
      script.push_back(with_block(OpKind::continue_as_new, where));
      // Where no client sends anything: what would be lost is a matter of time.
      if (whole_ && where == Where::child && random_.one_in(2)) script.back().text = "drop";
      break;
    default:
      break;
  }
  return script;
}

Op Generator::any_op(Where where) {
  const bool deep = depth_ > 4;
  switch (random_.below(14)) {
    case 0:
      return where == Where::root ? simple_op(OpKind::event) : simple_op(OpKind::custom_status);
    case 1:
      return simple_op(OpKind::transfer);
    case 2:
      return simple_op(random_.one_in(3) ? OpKind::abandoned_lock : OpKind::transfer);
    case 3:
      return simple_op(OpKind::custom_status);
    case 4:
      if (deep) return simple_op(OpKind::guid);
      return with_block(OpKind::child, Where::child);
    case 5: {
      Op op = simple_op(OpKind::talking_child);
      const std::uint64_t count = 1 + random_.below(3);
      op.text = std::to_string(count);
      Script& said = op.blocks.emplace_back(script(Where::branch, random_.below(2)));
      for (std::uint64_t i = 0; i < count; ++i) {
        said.push_back(simple_op(OpKind::send_to_parent));
      }
      return op;
    }
    case 6: {
      Op op = simple_op(OpKind::launch);
      op.blocks.push_back(script(Where::branch, 1 + random_.below(2)));
      return op;
    }
    case 7: {
      Op op = simple_op(OpKind::parallel);
      for (std::uint64_t i = random_.below(4); i != 0; --i) {
        op.blocks.push_back(script(Where::branch, 1 + random_.below(3)));
      }
      return op;
    }
    default:
      return branch_op();
  }
}

Op Generator::whole_op() {
  static constexpr OpKind kKinds[] = {OpKind::late_event, OpKind::deleted_entity,
                                      OpKind::failing_operation, OpKind::told_child,
                                      OpKind::derived_child};
  Op op = simple_op(kKinds[random_.below(std::size(kKinds))]);
  if (op.kind == OpKind::late_event) op.number = 1 + op.number % 20;
  if (op.kind == OpKind::derived_child) {
    Script& block = op.blocks.emplace_back();
    block.push_back(simple_op(OpKind::activity));
    if (random_.one_in(2)) block.push_back(simple_op(OpKind::guid));
  }
  return op;
}

Op Generator::branch_op() {
  if (whole_ && random_.one_in(5)) return whole_op();
  static constexpr OpKind kKinds[] = {
      OpKind::activity,   OpKind::left_activity,    OpKind::failing_activity,
      OpKind::timer,      OpKind::past_timer,       OpKind::race,
      OpKind::own_entity, OpKind::signal_sum,       OpKind::delayed_signal,
      OpKind::call_sum,   OpKind::forwarded_signal, OpKind::send_to_nobody,
      OpKind::guid,       OpKind::retried_activity, OpKind::retried_child,
      OpKind::child,
  };
  Op op = simple_op(kKinds[random_.below(std::size(kKinds))]);
  if (op.kind == OpKind::retried_activity) op.number = 1 + op.number % 3;
  if (op.kind == OpKind::timer) op.number = op.number % 20;
  if (op.kind == OpKind::retried_child)
    op.text = std::to_string(random_.below(children_fail_ ? 6 : 4));
  if (op.kind == OpKind::child) {
    Script& block = op.blocks.emplace_back();
    block.push_back(simple_op(OpKind::activity));
    if (children_fail_ && random_.one_in(3)) block.push_back(simple_op(OpKind::fail));
  }
  return op;
}

}  // namespace ingot::semantics
