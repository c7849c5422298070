#pragma once

// Endpoint: a listening side of the server, gRPC or HTTP. main.cc builds them; the Server stops
// them in turn.

#include <atomic>
#include <cstdint>

namespace ingot::server {

// What the endpoints count, for /metrics. Each counter is written by many threads.
struct ServerFigures {
  std::atomic<std::uint64_t> calls{0};
  std::atomic<std::uint64_t> calls_failed{0};     // with any status but OK
  std::atomic<std::uint64_t> calls_refused{0};    // no or a wrong token
  std::atomic<std::uint64_t> worker_streams{0};   // open now
  std::atomic<std::uint64_t> clients_waiting{0};  // now
  std::atomic<std::uint64_t> items_sent{0};
  std::atomic<std::uint64_t> items_completed{0};
  std::atomic<std::uint64_t> items_returned{0};  // undone: streams closed, or refused
  std::atomic<std::uint64_t> bytes_queued{0};    // of items that wait to be sent, now
  std::atomic<bool> draining{false};             // the server stops: /readyz says no
};

class Endpoint {
 public:
  virtual ~Endpoint() = default;  // as stop()

  // The port that it listens on; 0 for a Unix socket.
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  // Takes nothing new, and returns when what is under way has ended, or is cut off after the
  // configured time.
  virtual void drain() = 0;
  // Ends everything at once. The hubs are still open.
  virtual void stop() = 0;
};

}  // namespace ingot::server
