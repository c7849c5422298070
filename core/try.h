#pragma once

// Early return of failures, for code inside Ingot.

#include <ingot/status.h>

#define INGOT_TRY(expression)                                                           \
  do {                                                                                  \
    if (::ingot::Status try_status = (expression); !try_status.ok()) return try_status; \
  } while (false)

#define INGOT_CONCAT_(a, b) a##b
#define INGOT_CONCAT(a, b) INGOT_CONCAT_(a, b)

// INGOT_ASSIGN(auto value, call()): declares `value`, or returns the call's failure.
#define INGOT_ASSIGN(declaration, expression) \
  INGOT_ASSIGN_(declaration, expression, INGOT_CONCAT(result_, __LINE__))
#define INGOT_ASSIGN_(declaration, expression, result) \
  auto result = (expression);                          \
  if (!result.ok()) return result.take_status();       \
  declaration = *std::move(result)
