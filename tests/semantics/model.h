#pragma once

// Model: what orchestrations and entities mean, in its simplest form: one thread, no messages, no
// steps, no partitions. An instance runs its script until it has to wait for a client; critical
// sections are atomic; a child runs inside its parent's call. Shares nothing with the engine.

#include <ingot/history_event.h>

#include <deque>
#include <map>
#include <optional>
#include <set>
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
    // Of this execution: what it asked for by id, and how many others.
    std::set<std::string> children;
    std::uint64_t derived_children = 0;
    std::string child_of;  // whoever asked for it
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
  // Under another id.
  Answer restart_new(const std::string& id, const std::string& new_id) {
    const auto found = instances.find(id);
    if (found == instances.end()) return Answer::not_found;
    const Script script = found->second.script;
    begin(new_id, script, "");
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

  // With its finished children, and theirs.
  Answer purge_tree(const std::string& id);
  // Only what has come to a step of its own: there are no others here.
  Answer look(const std::string& id) const {
    return instances.contains(id) ? Answer::ok : Answer::not_found;
  }
  Answer signal_sum(const std::string& key, long amount) {
    add("sum@" + key, amount);
    return Answer::ok;
  }

  std::map<std::string, Instance> instances;
  std::uint64_t derived_children = 0;           // that have completed, and were not purged
  std::map<std::string, std::string> entities;  // "name@key"; kNoState: deleted
  static constexpr std::string_view kNoState = "(none)";
  Gates gates;
  Notes notes;

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
  void begin(const std::string& id, const Script& script, const std::string& parent);

  // The end of an instance; its parent goes on.
  void end(const std::string& id, RuntimeStatus status);

  void fail(const std::string& id, const std::string& failure);

  // Until it ends or has to wait.
  void run(const std::string& id);

  static constexpr std::string_view kFailed = "\x01";
  static std::string told(const std::string& result) {
    return "(" + (result == kFailed ? "!" : result) + ")";
  }

  // The result, kFailed for a failure, nothing while it goes on.
  std::optional<std::string> call_child(const std::string& id, const Op& op);

  // What neither waits for a client nor ends anything.
  std::string simple(const std::string& id, const Op& op);

  // Children in a block end without help.
  std::string block_op(const std::string& id, const Op& op);
};

}  // namespace ingot::semantics
