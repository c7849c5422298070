#include "tools/ingotd/config.h"

#include <arpa/inet.h>

#include <CLI/CLI.hpp>
#include <array>

#include "core/try.h"

namespace ingot::server {
namespace {

void add_service_options(CLI::App& app, ServerConfig& config) {
  app.add_option("--data", config.data, "Folder of the task hubs, one sub-folder each")->required();
  app.add_option("--listen", config.listen, "Address of the gRPC service")->capture_default_str();
  app.add_option("--http", config.http, "Address of the management API and dashboard; '' for none")
      ->capture_default_str();
  app.add_flag("--create-hubs", config.create_hubs, "Create the hubs that clients name");
  app.add_option("--http-host", config.http_hosts,
                 "Further name that the management API goes by ('*': any); may be repeated");
  app.add_option("--default-hub", config.default_hub, "Hub of clients that name none")
      ->capture_default_str();
  app.add_option("--hubs-max", config.hubs_max, "Hubs that are open at a time")
      ->capture_default_str();
  app.add_option("--log-level", config.log_level, "How much is logged")
      ->check(CLI::IsMember({"trace", "debug", "info", "warning", "error", "off"}))
      ->capture_default_str();
  app.add_option("--log-format", config.log_format, "How it is logged")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
}

void add_security_options(CLI::App& app, ServerConfig& config) {
  app.add_option("--tls-certificate", config.tls_certificate, "PEM file: certificate chain");
  app.add_option("--tls-key", config.tls_key, "PEM file: private key");
  app.add_option("--tls-client-ca", config.tls_client_ca,
                 "PEM file: clients need a certificate that this CA signed");
  app.add_option("--token-file", config.token_file,
                 "File of bearer tokens, one a line, of which clients need one");
  app.add_flag("--insecure", config.insecure,
               "Listen beyond this machine without TLS and authentication");
}

void add_limit_options(CLI::App& app, ServerConfig& config) {
  const auto number = [&](const char* name, auto& value, const char* text) {
    app.add_option(name, value, text)->capture_default_str();
  };
  number("--message-bytes-max", config.message_bytes_max, "Bytes of one message received");
  number("--work-item-bytes-max", config.work_item_bytes_max,
         "Bytes of history in a work item; longer ones are streamed where the worker can");
  number("--stream-queue-bytes-max", config.stream_queue_bytes_max,
         "Bytes that wait to be sent on one worker's stream");
  number("--streams-max", config.streams_max, "Streams of workers");
  number("--waits-max", config.waits_max, "Clients that wait for an instance");
  number("--worker-orchestrations", config.worker_orchestrations,
         "Orchestrations that a worker has at a time, unless it says so itself");
  number("--worker-activities", config.worker_activities, "The same of activities");
  number("--worker-entities", config.worker_entities, "The same of entities");
  number("--chunk-bytes-max", config.chunk_bytes_max, "Bytes of one completion sent in chunks");
  number("--slow-threads", config.slow_threads, "Threads for queries, purges, new hubs");
  number("--slow-queue-max", config.slow_queue_max, "Calls that wait for such a thread");
}

// "nan" is in every range, as it is neither less nor more than its ends.
std::string refuse_nan(const std::string& text) {
  return text.find_first_of("nN") == std::string::npos ? "" : text + " is no number of seconds";
}

// In seconds, with fractions, as people write them.
void add_seconds(CLI::App& app, const std::string& name, Duration& value, const std::string& text) {
  app.add_option_function<double>(
         name,
         [&value](double seconds) {
           value = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
         },
         text + ", in seconds")
      ->check(CLI::Range(0.001, 86'400.0))
      ->check(refuse_nan)
      ->default_str(
          std::to_string(std::chrono::duration_cast<std::chrono::seconds>(value).count()));
}

void add_hub_options(CLI::App& app, ServerConfig& config) {
  HubOptions& hub = config.hub;
  const auto number = [&](const char* name, auto& value, const char* text) {
    app.add_option(name, value, text)->capture_default_str();
  };
  number("--partitions", hub.partitions, "Partitions of a new hub; 0: four");
  number("--shards", hub.shards, "Threads of a hub; 0: as many as processors");
  number("--memory-bytes", hub.memory_bytes, "Memory of a hub");
  number("--payload-bytes-max", hub.payload_bytes_max, "Bytes of one input, output or event");
  number("--inbox-requests-max", hub.inbox_requests_max, "Requests that wait in a partition");
  number("--checkpoint-log-bytes", hub.checkpoint_log_bytes, "Log bytes between checkpoints");
  number("--entity-batch-operations-max", hub.entity_batch_operations_max,
         "Operations in one entity work item");
  app.add_flag("--persist-steps-first", hub.persist_steps_first,
               "Hand out work only after its cause is durable");
  add_seconds(app, "--work-item-timeout", hub.work_item_timeout,
              "How long a worker that stays connected may keep an item");
  add_seconds(app, "--checkpoint-idle", hub.checkpoint_idle, "Idle time before a checkpoint");
  app.add_option_function<double>(
         "--retention",
         [&hub](double seconds) {
           // More than can be counted is for ever, too.
           const std::chrono::duration<double> retention(seconds);
           hub.retention = retention < std::chrono::duration<double>(Duration::max())
                               ? std::chrono::duration_cast<Duration>(retention)
                               : Duration::max();
         },
         "How long finished instances are kept, in seconds; 0: for ever")
      // Some 95 years, which fit a time stamp when they are added to a day of this century.
      ->check(CLI::Range(0.0, 3e9))
      ->check(refuse_nan);
}

}  // namespace

ParsedConfig parse_config(int argc, const char* const* argv, const char* version) {
  ParsedConfig parsed;
  ServerConfig& config = parsed.config;
  // Streams say when a worker is gone, so a lock only has to end for one that has hung.
  config.hub.work_item_timeout = std::chrono::hours(24);
  config.hub.foreign_work = true;
  config.hub.inbox_requests_max = 262'144;
  CLI::App app("The Ingot server: task hubs for the Durable Task SDKs, over gRPC", "ingotd");
  app.set_version_flag("--version", version);
  app.set_config("--config", "", "File with any of these options, one `name = value` a line");
  app.allow_config_extras(CLI::config_extras_mode::error);
  add_service_options(app, config);
  add_security_options(app, config);
  add_limit_options(app, config);
  add_seconds(app, "--ping-interval", config.ping_interval,
              "After so long without anything else a worker gets a health ping");
  add_seconds(app, "--drain-timeout", config.drain_timeout,
              "How long stopping waits for what is under way");
  add_hub_options(app, config);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    parsed.exits = true;
    parsed.exit_code = app.exit(error) == 0 ? 0 : 2;
  }
  return parsed;
}

bool is_local_address(const std::string& address) {
  if (address.starts_with("unix:")) return true;
  const std::size_t colon = address.rfind(':');
  const std::string host = address.substr(0, colon);
  if (host == "localhost" || host == "[::1]") return true;
  in_addr numeric{};
  return inet_pton(AF_INET, host.c_str(), &numeric) == 1 && host.starts_with("127.");
}

Status validate(const ServerConfig& config) {
  const auto invalid = [](std::string why) {
    return Status(StatusCode::invalid_argument, std::move(why));
  };
  if (config.data.empty()) return invalid("data: the folder of the hubs is not named");
  if (config.listen.find(':') == std::string::npos) {
    return invalid("listen: '" + config.listen + "' is not host:port or unix:/path");
  }
  if (config.tls_certificate.empty() != config.tls_key.empty()) {
    return invalid("tls-certificate and tls-key go together");
  }
  const bool tls = !config.tls_certificate.empty();
  if (!config.tls_client_ca.empty() && !tls) {
    return invalid("tls-client-ca needs tls-certificate and tls-key");
  }
  const bool safe = tls && (!config.token_file.empty() || !config.tls_client_ca.empty());
  for (const auto& [name, address] :
       {std::pair{"listen", &config.listen}, std::pair{"http", &config.http}}) {
    if (address->empty() || is_local_address(*address) || config.insecure || safe) continue;
    return invalid(std::string(name) + ": '" + *address +
                   "' is reachable from other machines: give tls-certificate and tls-key with "
                   "token-file or tls-client-ca, or insecure");
  }
  if (config.message_bytes_max < 64 << 10 || config.message_bytes_max > 512ULL << 20) {
    return invalid("message-bytes-max is 64 KiB to 512 MiB");
  }
  if (config.slow_threads == 0 || config.slow_threads > 64)
    return invalid("slow-threads is 1 to 64");
  if (config.ping_interval > std::chrono::seconds(30)) {
    return invalid("ping-interval is at most 30 s: clients give up silent streams");
  }
  return {};
}

}  // namespace ingot::server
