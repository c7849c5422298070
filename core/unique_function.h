#pragma once

// UniqueFunction<R(Args...)>: std::function for callables that can only be moved.
// Callables up to 48 bytes are kept inside. Calling an empty one is a defect.

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "core/assert.h"

namespace ingot {

template <typename Signature>
class UniqueFunction;

template <typename R, typename... Args>
class UniqueFunction<R(Args...)> {
 public:
  UniqueFunction() = default;
  template <typename F>
  requires(!std::is_same_v<std::decay_t<F>, UniqueFunction>)
      UniqueFunction(F&& callable) {  // NOLINT(google-explicit-constructor)
    using Callable = std::decay_t<F>;
    if constexpr (sizeof(Callable) <= kInline && alignof(Callable) <= alignof(std::max_align_t) &&
                  std::is_nothrow_move_constructible_v<Callable>) {
      ::new (storage_) Callable(std::forward<F>(callable));
      table_ = &kInlineTable<Callable>;
    } else {
      ::new (storage_) Callable*(new Callable(std::forward<F>(callable)));
      table_ = &kHeapTable<Callable>;
    }
  }
  UniqueFunction(UniqueFunction&& other) noexcept { take(other); }
  UniqueFunction& operator=(UniqueFunction&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }
  ~UniqueFunction() { reset(); }

  explicit operator bool() const { return table_ != nullptr; }
  R operator()(Args... args) {
    INGOT_ASSERT(table_ != nullptr);
    return table_->call(storage_, std::forward<Args>(args)...);
  }

 private:
  static constexpr std::size_t kInline = 48;
  struct Table {
    R (*call)(void*, Args&&...);
    void (*move)(void* from, void* to);  // leaves `from` destroyed
    void (*destroy)(void*);
  };

  template <typename Callable>
  static constexpr Table kInlineTable = {
      [](void* at, Args&&... args) -> R {
        return (*static_cast<Callable*>(at))(std::forward<Args>(args)...);
      },
      [](void* from, void* to) {
        ::new (to) Callable(std::move(*static_cast<Callable*>(from)));
        static_cast<Callable*>(from)->~Callable();
      },
      [](void* at) { static_cast<Callable*>(at)->~Callable(); }};
  template <typename Callable>
  static constexpr Table kHeapTable = {
      [](void* at, Args&&... args) -> R {
        return (**static_cast<Callable**>(at))(std::forward<Args>(args)...);
      },
      [](void* from, void* to) { ::new (to) Callable*(*static_cast<Callable**>(from)); },
      [](void* at) { delete *static_cast<Callable**>(at); }};

  void take(UniqueFunction& other) {
    table_ = std::exchange(other.table_, nullptr);
    if (table_ != nullptr) table_->move(other.storage_, storage_);
  }
  void reset() {
    if (table_ != nullptr) std::exchange(table_, nullptr)->destroy(storage_);
  }

  alignas(std::max_align_t) std::byte storage_[kInline];
  const Table* table_ = nullptr;
};

}  // namespace ingot
