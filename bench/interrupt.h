#pragma once

// Ctrl-C ends a load early, so that its figures are still shown and its temporary folder goes. One
// that comes seconds later ends the process.

namespace ingot::bench {

// From now on SIGINT and SIGTERM are taken as described.
void catch_interrupts();
// Whether one has come. Any thread.
[[nodiscard]] bool interrupted();
// Returns after `seconds`, or soon after one has come.
void sleep_unless_interrupted(double seconds);

}  // namespace ingot::bench
