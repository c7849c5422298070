#pragma once

// Ctrl-C ends a load early, so that its figures are still shown and its temporary folder goes. One
// that comes seconds later ends the process.

namespace ingot::bench {

// From now on SIGINT and SIGTERM are taken as described.
void catch_interrupts();
// Whether one has come. Any thread.
[[nodiscard]] bool interrupted();

}  // namespace ingot::bench
