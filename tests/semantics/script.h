#pragma once

// Scripts: what random programs are made of. A script is a list of operations; an orchestrator
// runs the one that is its input (program.h), the model understands the same one (model.h).
//
// Each operation has one outcome, whatever the order in which the parties get on: entities that
// several share are added to only, or under a lock; each event has one sender.

#include <ingot/ids.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ingot::semantics {

enum class OpKind : char {
  activity = 'a',          // appends the activity's result
  failing_activity = 'f',  // handled
  fatal_activity = 'x',    // not handled: the end
  gated_activity = 'G',    // fails, not handled, until the gate `text` is open
  retried_activity = 'r',  // `number` attempts, all fail
  left_activity = 'A',     // asked for, and not awaited; it makes a note
  timer = 't',             // `number` ms
  past_timer = 'p',
  race = 'w',            // an activity against a far timer
  child = 'c',           // runs block 0 as "<id>.<number>", failure handled
  fatal_child = 'C',     // the same, not handled
  retried_child = 'y',   // fails `number` times, is tried 4 times
  derived_child = 'O',   // runs block 0 under an id that is made for it; it completes
  told_child = 'V',      // says what version and tags it has
  talking_child = 'm',   // sends `number` events, which are awaited before the child is
  event = 'e',           // from the client, in order
  late_event = 'W',      // one that never comes is waited for, `number` ms
  send_to_parent = 's',  // as event "m"
  send_to_nobody = 'd',
  own_entity = 'k',         // `number` calls of an entity of its own, in order
  signal_sum = 'g',         // adds `number` to the shared sum
  delayed_signal = 'i',     // the same, scheduled
  deleted_entity = 'D',     // one of its own, that loses its state once or twice
  failing_operation = 'F',  // of an entity of its own: handled, and leaves nothing behind
  call_sum = 'h',           // the same, by call
  forwarded_signal = 'j',   // the same, through another entity
  launch = 'S',             // an entity starts block 0 as "<id>.<number>"
  transfer = 'l',           // one from account to account, both locked
  abandoned_lock = 'z',     // asked for, and not awaited
  failing_section = 'L',    // throws within: the end
  parallel = 'b',           // all blocks, then goes on
  guid = 'N',
  custom_status = 'u',
  hang = 'v',             // says so in the custom status, waits for "never"
  continue_as_new = 'n',  // with block 0: the end; `text` "drop": without the events
  fail = 'q',             // throws `text`: the end
};

struct Op {
  OpKind kind = OpKind::activity;
  long number = 0;
  std::string text;
  std::vector<std::vector<Op>> blocks;
};
using Script = std::vector<Op>;

inline void encode_script(const Script& script, std::string& out) {
  out += std::to_string(script.size()) + " ";
  for (const Op& op : script) {
    out += static_cast<char>(op.kind);
    out += std::to_string(op.number) + " " + (op.text.empty() ? "-" : op.text) + " " +
           std::to_string(op.blocks.size()) + " ";
    for (const Script& block : op.blocks) encode_script(block, out);
  }
}

class ScriptReader {
 public:
  explicit ScriptReader(std::string_view text) : left_(text) {}
  Script script() {
    Script script(static_cast<std::size_t>(std::stol(word())));
    for (Op& op : script) {
      op.kind = static_cast<OpKind>(left_.front());
      left_.remove_prefix(1);
      op.number = std::stol(word());
      op.text = word();
      if (op.text == "-") op.text.clear();
      op.blocks.resize(static_cast<std::size_t>(std::stol(word())));
      for (Script& block : op.blocks) block = this->script();
    }
    return script;
  }

 private:
  std::string word() {
    const std::size_t space = left_.find(' ');
    std::string word(left_.substr(0, space));
    left_.remove_prefix(space + 1);
    return word;
  }
  std::string_view left_;
};

// The entities that all programs of a run share.
inline constexpr long kSums = 3;
inline constexpr long kAccounts = 6;
inline std::string sum_key(long number) { return "s" + std::to_string(number % kSums); }
inline std::string account_key(long number) { return "a" + std::to_string(number % kAccounts); }

}  // namespace ingot::semantics
