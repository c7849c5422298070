#pragma once

// ServerConfig: what `ingotd` can be told, by options of the command line and by the same names in
// a configuration file (ingotd.conf.sample lists them all). Options win over the file.
//
// Secrets are named by the files that hold them, never given themselves: other users can read the
// arguments of a process.

#include <ingot/hub_options.h>
#include <ingot/status.h>

#include <cstdint>
#include <string>
#include <vector>

namespace ingot::server {

struct ServerConfig {
  std::string data;                       // the folder whose sub-folders are the hubs
  std::string listen = "127.0.0.1:4001";  // gRPC: host:port, [host]:port or unix:/path
  std::string http = "127.0.0.1:4002";    // management API and dashboard; empty: none
  std::vector<std::string> http_hosts;    // further names that `Host` may hold; "*": any
  bool create_hubs = false;               // a hub that a client names comes into being
  std::string default_hub = "default";    // for clients that name none
  std::uint32_t hubs_max = 64;            // open at a time

  // --- security: see README.md ---
  std::string tls_certificate;  // PEM files; the first two together
  std::string tls_key;
  std::string tls_client_ca;  // clients must show a certificate that it signed
  std::string token_file;     // clients must send one of its lines as their bearer token
  bool insecure = false;      // listen beyond the machine without any of that

  // --- limits ---
  std::uint64_t message_bytes_max = 16ULL << 20;      // of one gRPC message or HTTP body received
  std::uint64_t work_item_bytes_max = 3ULL << 20;     // longer histories are streamed if possible
  std::uint64_t stream_queue_bytes_max = 8ULL << 20;  // of items that a stream has not sent yet
  std::uint32_t streams_max = 10'000;                 // of workers
  std::uint32_t waits_max = 100'000;                  // clients that wait for an instance
  std::uint32_t worker_orchestrations = 100;          // items of a kind that a worker has at a time
  std::uint32_t worker_activities = 100;              // when it does not say itself
  std::uint32_t worker_entities = 100;
  std::uint64_t chunk_bytes_max = 64ULL << 20;  // of one completion sent in chunks
  std::uint32_t slow_threads = 4;               // for queries, purges, creation of hubs
  std::uint32_t slow_queue_max = 1024;          // of those that wait for such a thread

  // --- lifecycle ---
  Duration ping_interval = std::chrono::seconds(20);  // a silent stream is sent a health ping
  Duration drain_timeout = std::chrono::seconds(20);  // for what runs when the server stops

  std::string log_level = "info";   // trace, debug, info, warning, error, off
  std::string log_format = "text";  // or json

  HubOptions hub;  // of every hub
};

// Reads the command line, and the file that --config names. `exit_code` is set when the program
// should end at once: after --help, --version, or a mistake (told on standard error).
struct ParsedConfig {
  ServerConfig config;
  bool exits = false;
  int exit_code = 0;
};
[[nodiscard]] ParsedConfig parse_config(int argc, const char* const* argv, const char* version);

// invalid_argument names the setting that is missing, out of bounds, or not safe: an address beyond
// the machine needs TLS with a token or a client CA, or `insecure`.
[[nodiscard]] Status validate(const ServerConfig& config);

// Whether only programs of this machine reach the address: loopback, or a Unix socket.
[[nodiscard]] bool is_local_address(const std::string& address);

}  // namespace ingot::server
