#pragma once

// The options of `ingot bench`, one struct for all workloads. Which of them a workload takes, and
// with which defaults, is in its Workload (workload.h); everything else keeps the value given here.

#include <ingot/hub_options.h>

#include <cstdint>
#include <string>

namespace ingot::bench {

struct BenchOptions {
  std::string workload;

  // The hub.
  std::uint32_t partitions = 0;  // 0: 4 for a new hub, or as the existing one
  std::uint32_t shards = 0;      // 0: as many as processors, at most one a partition
  LogIo io = LogIo::automatic;
  bool persist_first = false;
  std::uint64_t memory_mib = 0;  // 0: the hub's default, as the next four
  std::uint64_t segment_mib = 0;
  std::uint64_t checkpoint_mib = 0;
  std::uint64_t checkpoint_facts = 0;
  std::uint64_t log_mib_max = 0;
  std::string dir;              // empty: a temporary folder
  bool keep = false;            // keep the temporary folder
  bool wait_for_space = false;  // a full disk is waited out
  bool resume = false;          // `dir` holds a hub: finish what runs there, then go on

  // The load.
  std::uint32_t concurrency = 1000;  // instances (or events, or writes) in flight
  double seconds = 10;
  double warmup = 1;
  bool random_ids = false;
  bool pool_activities = false;
  std::uint32_t length = 3;     // activities (timers) one after the other
  std::uint32_t width = 1000;   // activities at once
  std::uint64_t bytes = 65536;  // of a payload or fact
  std::uint64_t count = 0;      // of instances or events
  std::uint64_t mib = 256;      // of log to recover
  std::uint32_t delay_ms = 10;  // of a timer
  std::uint64_t accounts = 1000;
  std::uint64_t entities = 1;  // that are signalled
  std::uint32_t words = 1000;  // of a text
  std::string mix =
      "hello=30,fanout=5,events=10,timers=10,suborch=5,chain=5,bank=20,counter=10,wordcount=2,"
      "collision=3";

  double kill_every = 30;  // seconds between the kills of a soak

  // What is written about it.
  std::string json;    // file, or - for standard output; empty: none
  std::string ledger;  // empty: none

  // recover's child process: load the hub until killed.
  bool build = false;
};

// What these options make of a hub. `mode` is open_existing with `resume`, create_new otherwise.
[[nodiscard]] HubOptions hub_options(const BenchOptions& options);

}  // namespace ingot::bench
