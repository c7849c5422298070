#pragma once

// What an entity's function sees of one operation.
//
// An entity is a state, a string of bytes that may be absent, and a function over it. Operations
// run one after the other, in the order of their arrival. An operation that throws leaves nothing
// behind: neither its change of the state nor what it asked for; the caller gets the failure, if
// there is one. The function must not block: it runs where orchestrators do, and all that its shard
// has to do waits while an operation runs. Between operations others have their turn, however many
// are waiting; only an operation that never returns stops its shard for good.
//
//   std::string counter(ingot::EntityContext& context) {
//     long value = ingot::parse(context.state().value_or("0"));
//     if (context.operation() == "add") {
//       value += ingot::parse(context.input());
//       context.set_state(std::to_string(value));
//     } else if (context.operation() != "get") {
//       throw ingot::UnknownOperation(context.operation());
//     }
//     return std::to_string(value);
//   }
//
// An entity with state exists; one whose state is deleted, or was never set, is as good as absent.

#include <ingot/entity_id.h>
#include <ingot/ids.h>
#include <ingot/time.h>

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ingot {

namespace model {
class EntityBatchRun;
}  // namespace model

// Thrown by an entity's function for an operation that it does not have. For the operation "delete"
// this deletes the state, and is no failure.
class UnknownOperation : public std::runtime_error {
 public:
  explicit UnknownOperation(std::string_view operation);
};

// Views live until the operation ends, that of the state until it is changed.
class EntityContext {
 public:
  // The model makes contexts; programs get them.
  explicit EntityContext(model::EntityBatchRun& run) : run_(run) {}
  EntityContext(const EntityContext&) = delete;
  EntityContext& operator=(const EntityContext&) = delete;

  [[nodiscard]] const EntityId& id() const;
  [[nodiscard]] std::string_view operation() const;
  [[nodiscard]] std::string_view input() const;
  [[nodiscard]] bool has_input() const;  // absent and empty differ
  // True for a signal: nobody waits for the result, or sees the failure.
  [[nodiscard]] bool is_signal() const;
  // The instance that asks, an orchestration or an entity; empty for a client.
  [[nodiscard]] std::string_view caller_instance_id() const;
  // The time of the batch that this operation is part of.
  [[nodiscard]] Timestamp current_time() const;

  [[nodiscard]] std::optional<std::string_view> state() const;
  void set_state(std::string_view state);
  void delete_state();

  // As OrchestrationContext::signal_entity(); sent when the batch is committed.
  void signal_entity(const EntityId& entity, std::string_view operation,
                     std::string_view input = {}, std::optional<Timestamp> at = {});
  // Starts an orchestration (at `at`, if given) and gives its instance id, made up if it is empty.
  // If that instance exists, nothing happens. std::invalid_argument for a malformed name or id.
  std::string start_orchestration(std::string_view name, std::string_view input = {},
                                  std::string_view instance_id = {},
                                  std::optional<Timestamp> at = {}, std::string_view version = {});

 private:
  model::EntityBatchRun& run_;
};

// Gives what a call of the operation gives, or throws to fail it. Runs on one thread at a time for
// one entity, on several for several.
using EntityFn = std::function<std::string(EntityContext&)>;

// An EntityFn made of one function for each operation, by exact name:
//
//   registry.add_entity("counter", EntityOperations().on("add", add).on("get", get));
class EntityOperations {
 public:
  EntityOperations& on(std::string operation, EntityFn function);
  // Runs the operation's function; UnknownOperation if it has none.
  std::string operator()(EntityContext& context) const;

 private:
  std::vector<std::pair<std::string, EntityFn>> operations_;
};

}  // namespace ingot
