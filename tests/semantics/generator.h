#pragma once

// Generator: a random program, from a seed: the script of an instance, and what clients do to it.

#include <string>
#include <utility>
#include <vector>

#include "core/random.h"
#include "tests/semantics/script.h"

namespace ingot::semantics {

enum class ClientKind : std::uint8_t {
  create,   // not replacing
  replace,  // whatever is there
  raise,    // `name`, `data`
  suspend,
  resume,
  terminate,
  terminate_all,  // recursively
  restart,
  rewind,
  purge,
  open_gate,  // `name`
  wait_end,
  wait_hang,  // until the custom status is "hang"
  // Only of whole programs.
  create_later,  // not replacing; `data`: ms from now
  restart_new,   // under another id: that is kNewId of what follows
  wait_start,
  look,  // at the instance, without its payloads
  read_history,
  signal,  // the sum `id` by `data`
  signal_later,
};
inline constexpr std::string_view kNewId = "$new";

// What the programs are made of: all that there is, or what needs no clock of the client's and is
// one request.
enum class Extent : std::uint8_t { requests, whole };

struct ClientOp {
  ClientKind kind = ClientKind::create;
  std::string id;
  std::string name;
  std::string data;
  Script script;
};

class Generator {
 public:
  Generator(std::uint64_t seed, std::string id, Extent extent = Extent::requests)
      : random_(seed), id_(std::move(id)), whole_(extent == Extent::whole) {}

  std::vector<ClientOp> program();

 private:
  enum class Where : std::uint8_t { root, child, branch };

  // --- clients ----------------------------------------------------------------------------------
  ClientOp& add(ClientKind kind, const std::string& id) {
    ClientOp& op = ops_.emplace_back();
    op.kind = kind;
    op.id = id;
    return op;
  }
  // Starts it, and raises the events that it waits for; it may be suspended for a while.
  void start(ClientKind kind, Script with);
  void raise(const std::string& id, const std::string& name) {
    ClientOp& op = add(ClientKind::raise, id);
    op.name = name;
    op.data = name.substr(0, 1) + std::to_string(next_++);
  }
  void hanging_root();
  void hanging_child();
  void gated(bool in_child);
  void afterwards();
  void aside();

  // --- scripts ----------------------------------------------------------------------------------
  static std::size_t count_events(const Script& script) {
    std::size_t count = 0;
    for (const Op& op : script) {
      if (op.kind == OpKind::event) ++count;
      if (op.kind == OpKind::continue_as_new) count += count_events(op.blocks.front());
    }
    return count;
  }
  // Somewhere before the end.
  void insert(Script& script, Op op);
  static bool is_end(OpKind kind) {
    return kind == OpKind::fail || kind == OpKind::fatal_activity ||
           kind == OpKind::continue_as_new || kind == OpKind::failing_section;
  }
  Op simple_op(OpKind kind) {
    Op op;
    op.kind = kind;
    op.number = next_++;
    op.text = std::string(1, static_cast<char>('A' + random_.below(26)));
    return op;
  }
  Op with_block(OpKind kind, Where where) {
    Op op = simple_op(kind);
    op.blocks.push_back(script(where, random_.below(3)));
    return op;
  }

  Script script(Where where, std::uint64_t length);

  Op any_op(Where where);

  Op branch_op();
  Op whole_op();

  Random random_;
  const std::string id_;
  const bool whole_;
  long next_ = 1;
  int depth_ = 0;
  bool children_fail_ = true;
  bool can_restart_ = false;  // it needs no help from clients
  std::vector<ClientOp> ops_;
};

}  // namespace ingot::semantics
