#include "tests/semantics/program.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace ingot::semantics {
namespace {

using Outs = std::vector<std::string>;

void must(const Status& status) { ASSERT_TRUE(status.ok()) << status.to_string(); }

std::string id_of(const OrchestrationContext& context, long number) {
  return std::string(context.instance_id()) + "." + std::to_string(number);
}

Task<std::string> run(OrchestrationContext& context, Script script);

// --- one coroutine for each family of operations, so that frames stay small --------------------

Task<std::string> run_activity_op(OrchestrationContext& context, Op op) {
  std::string out;
  switch (op.kind) {
    case OpKind::activity:
      out = co_await context.call_activity("echo", op.text);
      break;
    case OpKind::failing_activity:
      try {
        out = co_await context.call_activity("fails", op.text);
      } catch (const TaskFailedError& error) {
        out = "f:" + error.details().message;
      }
      break;
    case OpKind::fatal_activity:
      out = co_await context.call_activity("fails", op.text);
      break;
    case OpKind::gated_activity:
      out = co_await context.call_activity("gated", op.text);
      break;
    case OpKind::retried_activity: {
      RetryPolicy policy;
      policy.attempts_max = static_cast<std::int32_t>(op.number);
      policy.first_interval = std::chrono::milliseconds(2);
      policy.backoff_coefficient = 1.5;
      try {
        out = co_await context.call_activity("fails", op.text, policy);
      } catch (const TaskFailedError& error) {
        out = "r:" + error.details().message;
      }
      break;
    }
    case OpKind::left_activity: {
      const Future<std::string> left = context.call_activity("notes", id_of(context, op.number));
      break;
    }
    default: {  // race
      const Future<void> far = context.create_timer(std::chrono::hours(10'000));
      const Future<std::string> activity = context.call_activity("echo", op.text);
      const std::size_t first = co_await context.when_any(far, activity);
      out = co_await activity;
      out += std::to_string(first);
    }
  }
  co_return out;
}

Task<std::string> run_child_op(OrchestrationContext& context, Op op) {
  std::string out;
  const std::string id = id_of(context, op.number);
  std::string input;
  encode_script(op.blocks.front(), input);
  switch (op.kind) {
    case OpKind::child:
      try {
        out = co_await context.call_sub_orchestration("script", input, id);
      } catch (const TaskFailedError&) {
        out = "!";
      }
      break;
    case OpKind::fatal_child:
      out = co_await context.call_sub_orchestration("script", input, id);
      break;
    case OpKind::derived_child:
      out = co_await context.call_sub_orchestration("script", input);
      break;
    default: {  // talking_child: its script ends with the events that it sends
      const Future<std::string> child = context.call_sub_orchestration("script", input, id);
      const long count = std::stol(op.text);
      for (long i = 0; i < count; ++i) out += co_await context.wait_for_event("m");
      out += co_await child;
    }
  }
  co_return "(" + out + ")";
}

Task<std::string> run_retried_child(OrchestrationContext& context, Op op) {
  RetryPolicy policy;
  policy.attempts_max = 4;
  policy.first_interval = std::chrono::milliseconds(1);
  const std::string id = id_of(context, op.number);
  std::string out;
  try {
    out = co_await context.call_sub_orchestration("flaky", op.text, id, policy);
  } catch (const TaskFailedError&) {
    out = "!";
  }
  co_return out;
}

Task<std::string> run_told_child(OrchestrationContext& context, Op op) {
  SubOrchestrationOptions call;
  call.instance_id = id_of(context, op.number);
  call.version = op.text;
  call.tags = {{"tag", std::to_string(op.number)}};
  std::string out = co_await context.call_sub_orchestration("told", "", call);
  co_return out;
}

// Operations of an entity of its own, one after the other.
Task<std::string> run_own_entity_op(OrchestrationContext& context, Op op) {
  std::string out;
  const EntityId own("log", id_of(context, op.number));
  switch (op.kind) {
    case OpKind::deleted_entity: {
      // By the entity itself; or because it does not know the operation.
      const std::string_view how = op.number % 2 == 0 ? "remove" : "delete";
      std::string before = co_await context.call_entity(own, "append", "before");
      context.signal_entity(own, how);
      out = co_await context.call_entity(own, "append", op.text);
      if (op.number % 3 == 0) before = co_await context.call_entity(own, how);
      break;
    }
    case OpKind::failing_operation: {
      out = co_await context.call_entity(own, "append", op.text);
      try {
        out += co_await context.call_entity(own, "fail", "nothing of this stays");
      } catch (const TaskFailedError& error) {
        out += error.details().message;
      }
      break;
    }
    default:  // own_entity
      for (int i = 0; i < 3; ++i) {
        std::string word = op.text + std::to_string(i);
        context.signal_entity(own, "append", "s");
        out = co_await context.call_entity(own, "append", word);
      }
  }
  co_return out;
}

Task<std::string> run_entity_op(OrchestrationContext& context, Op op) {
  std::string out;
  const EntityId sum("sum", sum_key(op.number));
  const std::string amount = std::to_string(op.number);
  switch (op.kind) {
    case OpKind::signal_sum:
      context.signal_entity(sum, "add", amount);
      break;
    case OpKind::delayed_signal:
      context.signal_entity(sum, "add", amount,
                            context.current_time() + std::chrono::milliseconds(op.number % 20));
      break;
    case OpKind::call_sum:
      out = co_await context.call_entity(sum, "add", amount);
      out = "h";
      break;
    case OpKind::forwarded_signal:
      context.signal_entity(EntityId("forward", sum_key(op.number)), "on", amount);
      break;
    default: {  // launch
      std::string input = id_of(context, op.number) + " ";
      encode_script(op.blocks.front(), input);
      context.signal_entity(EntityId("launcher", op.text), "launch", input);
    }
  }
  co_return out;
}

Task<std::string> run_section(OrchestrationContext& context, Op op) {
  const EntityId from("account", account_key(op.number));
  const EntityId to("account", account_key(op.number / 7 + 1));
  const std::vector<EntityId> both{from, to};
  if (op.kind == OpKind::abandoned_lock) {
    const Future<EntityLock> dropped = context.lock_entities(both);
    co_return "z";
  }
  EntityLock lock = co_await context.lock_entities(both);
  std::string before = co_await context.call_entity(from, "add", "0");
  std::string less = co_await context.call_entity(from, "add", "-1");
  if (op.kind == OpKind::failing_section) throw std::runtime_error("failed under a lock");
  std::string more = co_await context.call_entity(to, "add", "1");
  std::string after = co_await context.call_entity(from, "add", "0");
  lock.release();
  const long moved = from == to ? 0 : 1;
  const bool alone =
      std::stol(before) - 1 == std::stol(less) && std::stol(before) - moved == std::stol(after);
  if (!alone) co_return "BROKEN";
  co_return "l";
}

Task<std::string> run_guid(OrchestrationContext& context) {
  const std::string guid = context.new_guid();
  std::string back = co_await context.call_activity("echo", guid);
  const std::string other = context.new_guid();
  co_return back == guid&& other != guid ? "N" : "CHANGED";
}

Task<std::string> run_parallel(OrchestrationContext& context, Op op) {
  std::vector<Future<std::string>> branches;
  for (const Script& block : op.blocks) branches.push_back(context.start(run(context, block)));
  std::vector<std::string> outs = co_await context.when_all(std::move(branches));
  std::string out;
  for (const std::string& one : outs) out += "[" + one + "]";
  co_return out;
}

Task<std::string> run_op(OrchestrationContext& context, Op op) {
  std::string out;
  switch (op.kind) {
    case OpKind::activity:
    case OpKind::failing_activity:
    case OpKind::fatal_activity:
    case OpKind::gated_activity:
    case OpKind::retried_activity:
    case OpKind::left_activity:
    case OpKind::race:
      out = co_await run_activity_op(context, op);
      break;
    case OpKind::child:
    case OpKind::fatal_child:
    case OpKind::talking_child:
    case OpKind::derived_child:
      out = co_await run_child_op(context, op);
      break;
    case OpKind::told_child:
      out = co_await run_told_child(context, op);
      break;
    case OpKind::retried_child:
      out = co_await run_retried_child(context, op);
      break;
    case OpKind::own_entity:
    case OpKind::deleted_entity:
    case OpKind::failing_operation:
      out = co_await run_own_entity_op(context, op);
      break;
    case OpKind::signal_sum:
    case OpKind::delayed_signal:
    case OpKind::call_sum:
    case OpKind::forwarded_signal:
    case OpKind::launch:
      out = co_await run_entity_op(context, op);
      break;
    case OpKind::transfer:
    case OpKind::abandoned_lock:
    case OpKind::failing_section:
      out = co_await run_section(context, op);
      break;
    case OpKind::timer:
      co_await context.create_timer(std::chrono::milliseconds(op.number));
      out = "t";
      break;
    case OpKind::past_timer:
      co_await context.create_timer(context.current_time() - std::chrono::seconds(1));
      out = "p";
      break;
    case OpKind::event:
      out = co_await context.wait_for_event("e");
      break;
    case OpKind::late_event: {
      const std::optional<std::string> event =
          co_await context.wait_for_event("late", std::chrono::milliseconds(op.number));
      out = event ? "EARLY" : "W";
      break;
    }
    case OpKind::send_to_parent: {
      const std::optional<ParentInfo> parent = context.parent();
      if (parent) context.send_event(parent->instance_id, "m", op.text);
      break;
    }
    case OpKind::send_to_nobody:
      context.send_event("nobody", "m", op.text);
      break;
    case OpKind::parallel:
      out = co_await run_parallel(context, op);
      break;
    case OpKind::guid:
      out = co_await run_guid(context);
      break;
    case OpKind::custom_status:
      context.set_custom_status(op.text);
      break;
    case OpKind::hang:
      context.set_custom_status("hang");
      out = co_await context.wait_for_event("never");
      break;
    case OpKind::continue_as_new: {
      std::string input;
      encode_script(op.blocks.front(), input);
      context.continue_as_new(input, op.text != "drop");
      break;
    }
    case OpKind::fail:
      throw std::runtime_error(op.text);
  }
  co_return out;
}

Task<std::string> run(OrchestrationContext& context, Script script) {
  std::string out;
  for (const Op& op : script) {
    std::string one = co_await run_op(context, op);
    out += one;
  }
  co_return out;
}

Task<std::string> run_input(OrchestrationContext& context) {
  ScriptReader reader(context.input());
  const Script script = reader.script();
  std::string out = co_await run(context, script);
  co_return out;
}

Task<std::string> told(OrchestrationContext& context) {
  std::string out(context.version());
  for (const auto& [key, value] : context.tags()) out += key + value;
  co_return out;
}

// Fails as often as its input says; the entity remembers.
Task<std::string> flaky(OrchestrationContext& context) {
  const EntityId tries("sum", context.instance_id());
  const long failures = std::stol(std::string(context.input()));
  std::string count = co_await context.call_entity(tries, "add", "1");
  if (std::stol(count) <= failures) throw std::runtime_error("not yet");
  co_return "y" + count;
}

std::string sum(EntityContext& context) {
  const long value = std::stol(std::string(context.state().value_or("0"))) +
                     std::stol(std::string(context.input()));
  context.set_state(std::to_string(value));
  return std::to_string(value);
}

std::string log(EntityContext& context) {
  if (context.operation() == "remove") {
    context.delete_state();
    return "";
  }
  if (context.operation() == "delete") throw UnknownOperation("delete");
  const std::string text = std::string(context.state().value_or("")) + std::string(context.input());
  context.set_state(text);
  if (context.operation() == "fail") {
    context.signal_entity(EntityId("log", std::string(context.id().key)), "append", "never");
    throw std::runtime_error("F");
  }
  return text;
}

std::string forward(EntityContext& context) {
  context.signal_entity(EntityId("sum", context.id().key), "add", context.input());
  return "";
}

std::string launcher(EntityContext& context) {
  const std::string_view input = context.input();
  const std::size_t space = input.find(' ');
  return context.start_orchestration("script", input.substr(space + 1), input.substr(0, space));
}

}  // namespace

void register_programs(Registry& registry, const Gates& gates, Notes* notes) {
  register_orchestrators(registry);
  register_activities(registry, gates, notes);
  register_entities(registry);
}

void register_orchestrators(Registry& registry) {
  must(registry.add_orchestrator("script", run_input));
  must(registry.add_orchestrator("flaky", flaky));
  must(registry.add_orchestrator("told", told));
}

void register_activities(Registry& registry, const Gates& gates, Notes* notes) {
  must(
      registry.add_activity("echo", [](const ActivityContext& c) { return std::string(c.input); }));
  must(registry.add_activity("fails", [](const ActivityContext& c) -> std::string {
    throw std::runtime_error(std::string(c.input));
  }));
  must(registry.add_activity("gated", [&gates](const ActivityContext& c) -> std::string {
    const auto gate = gates.find(std::string(c.input));
    if (gate == gates.end() || !gate->second) throw std::runtime_error("the gate is shut");
    return "G";
  }));
  must(registry.add_activity("notes", [notes](const ActivityContext& c) -> std::string {
    if (notes != nullptr) notes->insert(std::string(c.input));
    return "not heard";
  }));
}

void register_entities(Registry& registry) {
  must(registry.add_entity("sum", sum));
  must(registry.add_entity("account", sum));
  must(registry.add_entity("log", log));
  must(registry.add_entity("forward", forward));
  must(registry.add_entity("launcher", launcher));
}

}  // namespace ingot::semantics
