#include "tests/corruption/hub_victim.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "core/assert.h"
#include "core/hash.h"
#include "core/random.h"
#include "core/try.h"
#include "tools/commands/commands.h"

namespace ingot::corruption {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kBlock = 4096;
constexpr Duration kLong = std::chrono::seconds(60);

enum Kind : std::size_t {
  flip_bit,
  flip_byte,
  cut,
  zero,
  swap,
  copy,
  older,
  empty,
  gone,
  swap_files,
  folder_gone,
  swap_folders,
  older_folder,
};

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

void write_file(const std::string& path, std::string_view bytes) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  INGOT_ASSERT(file >= 0, errno);
  const bool done =
      ::pwrite(file, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size());
  INGOT_ASSERT(done, errno);
  ::close(file);
}

bool is_segment(const std::string& file) { return file.find("/segment-") != std::string::npos; }
bool is_spare(const std::string& file) { return file.find("/spare-") != std::string::npos; }

std::string joined(const std::vector<std::string>& files) {
  std::string text;
  for (const std::string& file : files) text += (text.empty() ? "" : " and ") + file;
  return text;
}

// Locks say who has the hub, and LMDB's own lock file is made anew at each opening.
bool is_lock(const std::string& file) { return file.find("lock") != std::string::npos; }

// What `ingot verify` answers: 0 when it finds nothing wrong. What it prints is dropped.
int verify(const std::string& hub) {
  int exit_code = -1;
  CLI::App app;
  tools::add_verify_command(app, exit_code);
  std::vector<std::string> words = {hub, "verify"};  // CLI11 takes them from the back
  std::fflush(stdout);
  const int kept = ::dup(1);
  const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  ::dup2(null, 1);
  const int kept_errors = ::dup(2);
  ::dup2(null, 2);
  app.parse(words);
  std::fflush(stdout);
  std::fflush(stderr);
  ::dup2(kept, 1);
  ::dup2(kept_errors, 2);
  ::close(kept);
  ::close(kept_errors);
  ::close(null);
  return exit_code;
}

std::uint64_t hash_of(const HistoryEvent& event, std::uint64_t seed) {
  std::uint64_t hash = hash64(to_string(event.kind), seed);
  hash = hash64(event.name, hash + static_cast<std::uint64_t>(event.event_id));
  hash =
      hash64(event.data.value_or("(none)"), hash + static_cast<std::uint64_t>(event.scheduled_id));
  return hash + static_cast<std::uint64_t>(event.timestamp.time_since_epoch().count());
}

}  // namespace

HubVictim::HubVictim(std::string directory) : hub_(std::move(directory) + "/hub") {
  must(registry_.add_activity("echo",
                              [](const ActivityContext& call) { return std::string(call.input); },
                              {.run_inline = true}));
  must(registry_.add_orchestrator("echoes", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.call_activity("echo", context.input());
    co_return text;
  }));
  must(registry_.add_orchestrator("waits", [](OrchestrationContext& context) -> Task<std::string> {
    std::string text = co_await context.wait_for_event("go");
    co_return text;
  }));
  must(registry_.add_orchestrator("parent", [](OrchestrationContext& context) -> Task<std::string> {
    // In the other partition: messages go both ways.
    std::string child = "child-of-" + std::string(context.instance_id());
    while (partition_of(child, 2) == partition_of(context.instance_id(), 2)) child += "+";
    std::string text = co_await context.call_sub_orchestration("echoes", context.input(), child);
    co_return text;
  }));
  options_.partitions = 2;
  options_.shards = 1;
  options_.segment_bytes = 1U << 20;
  options_.activity_threads = 1;
  options_.io = LogIo::pwritev2;
  make_hub();
}

void HubVictim::work(TaskHub& hub, int round) {
  Random random(static_cast<std::uint64_t>(round));
  for (int i = 0; i < 40; ++i) {
    const std::string text = std::to_string(round) + "-" + std::to_string(i);
    std::string input(random.one_in(8) ? 20000 : 1500, '\0');
    for (char& byte : input) byte = static_cast<char>('a' + random.below(26));
    const auto start = [&](std::string_view orchestrator, const std::string& id) {
      StartOptions options;
      options.instance_id = id;
      options.input = input;
      must(hub.client().schedule_new_orchestration(orchestrator, std::move(options)).status());
    };
    start("echoes", "ended-" + text);
    must(hub.client().wait_for_completion("ended-" + text, kLong).status());
    if (i % 4 == 0) {
      start("waits", "waiting-" + text);
      must(hub.client().wait_for_start("waiting-" + text, kLong).status());
    }
    if (i % 8 == 0) {
      start("parent", "parent-" + text);
      must(hub.client().wait_for_completion("parent-" + text, kLong).status());
    }
  }
}

Result<std::unique_ptr<TaskHub>> HubVictim::open() const {
  HubOptions options = options_;
  options.mode = OpenMode::open_existing;
  return TaskHub::open(hub_, registry_, options);
}

void HubVictim::make_hub() {
  constexpr int kRounds = 7;
  for (int round = 0; round < kRounds; ++round) {
    auto hub = TaskHub::open(hub_, registry_, options_);
    must(hub.status());
    work(**hub, round);
    // The last round stays in the logs only.
    if (round + 1 < kRounds) must((*hub)->checkpoint());
    must((*hub)->close());
    if (round + 4 >= kRounds && round + 1 < kRounds) generations_.push_back(read_files());
  }
  for (int i = 0; i < 2; ++i) {
    auto hub = open();
    must(hub.status());
    Seen seen;
    must(look(**hub, seen));
    must((*hub)->close());
    INGOT_ASSERT(i == 0 || seen == expected_, i);
    expected_ = std::move(seen);
  }
  good_ = read_files();
  INGOT_ASSERT(verify(hub_) == 0);
  list_kinds();
}

HubVictim::Files HubVictim::read_files() const {
  Files files;
  for (const auto& entry : fs::recursive_directory_iterator(hub_)) {
    const std::string file = fs::relative(entry.path(), hub_).string();
    if (entry.is_regular_file() && !is_lock(file)) files[file] = read_file(entry.path().string());
  }
  return files;
}

// As it was: what a case or its opening wrote, made or removed is taken back.
void HubVictim::restore() {
  const Files found = read_files();
  for (const auto& [file, bytes] : found) {
    if (good_.count(file) == 0) fs::remove(path_of(file));
  }
  for (const auto& [file, bytes] : good_) {
    const auto now = found.find(file);
    if (now != found.end() && now->second == bytes) continue;
    fs::create_directories(fs::path(path_of(file)).parent_path());
    write_file(path_of(file), bytes);
  }
}

void HubVictim::list_kinds() {
  std::uint64_t bytes = 0;
  for (const auto& [file, content] : good_) {
    for (const std::string& other : names_) {
      // A spare in the place of the last segment is the same as that one's loss.
      if (!(is_spare(other) && is_segment(file)) && !(is_segment(other) && is_spare(file))) {
        pairs_.emplace_back(other, file);
      }
    }
    names_.push_back(file);
    bytes += content.size();
    for (std::uint64_t at = 0; at + kBlock <= content.size(); at += kBlock) {
      blocks_.push_back({file, at});
    }
    // That a log's last segment was removed can't be seen when no checkpoint is as new
    // (commit-log/FORMAT.md), and a spare is nobody's.
    if (!is_segment(file) && !is_spare(file)) missed_.push_back(file);
  }
  for (const auto& entry : fs::directory_iterator(hub_)) {
    if (entry.is_directory()) folders_.push_back(entry.path().filename().string());
  }
  std::sort(folders_.begin(), folders_.end());
  for (const Files& generation : generations_) {
    for (const Block& block : blocks_) {
      const auto then = generation.find(block.file);
      if (then == generation.end() || then->second.size() < block.offset + kBlock) continue;
      std::string old = then->second.substr(block.offset, kBlock);
      if (old != block_at(block)) old_blocks_.push_back({block, std::move(old)});
    }
  }
  const std::uint64_t blocks = blocks_.size();
  kinds_ = {{"flip-bit", bytes},
            {"flip-byte", bytes},
            {"cut", bytes},
            {"zero-block", blocks},
            {"swap-blocks", blocks * (blocks - 1)},
            {"copy-block", blocks * blocks},
            {"older-block", old_blocks_.size()},
            {"file-empty", names_.size()},
            {"file-gone", missed_.size()},
            {"swap-files", pairs_.size()},
            {"folder-gone", folders_.size()},
            {"swap-folders", folders_.size() * (folders_.size() - 1) / 2},
            {"older-folder", generations_.size() * folders_.size()}};
}

std::string_view HubVictim::block_at(const Block& block) const {
  return std::string_view(good_.at(block.file)).substr(block.offset, kBlock);
}

// Any byte of any file, the small ones as often as the large ones.
HubVictim::Block HubVictim::byte_at(std::uint64_t number) const {
  Random random(number);
  const std::string& file = names_[random.below(names_.size())];
  return {file, random.below(good_.at(file).size())};
}

std::vector<std::string> HubVictim::damage(std::size_t kind, std::uint64_t number) {
  const auto put = [&](const Block& block, std::string_view bytes) {
    std::string content = good_.at(block.file);
    content.replace(block.offset, bytes.size(), bytes);
    write_file(path_of(block.file), content);
    return block.file;
  };
  switch (kind) {
    case flip_bit:
    case flip_byte: {
      const Block place = byte_at(number);
      const int mask = kind == flip_byte ? 0xFF : 1 << number % 8;
      const char byte = good_.at(place.file)[place.offset];
      return {put(place, std::string(1, static_cast<char>(byte ^ mask)))};
    }
    case cut: {
      const Block place = byte_at(number);
      write_file(path_of(place.file),
                 std::string_view(good_.at(place.file)).substr(0, place.offset));
      return {place.file};
    }
    case zero:
      return {put(blocks_[number], std::string(kBlock, '\0'))};
    case swap: {
      const Block& a = blocks_[number / (blocks_.size() - 1)];
      std::uint64_t second = number % (blocks_.size() - 1);
      if (second >= number / (blocks_.size() - 1)) ++second;
      const Block& b = blocks_[second];
      if (a.file != b.file) return {put(a, block_at(b)), put(b, block_at(a))};
      std::string content = good_.at(a.file);
      content.replace(a.offset, kBlock, block_at(b));
      content.replace(b.offset, kBlock, block_at(a));
      write_file(path_of(a.file), content);
      return {a.file};
    }
    case copy:
      return {put(blocks_[number % blocks_.size()], block_at(blocks_[number / blocks_.size()]))};
    case older:
      return {put(old_blocks_[number].block, old_blocks_[number].bytes)};
    case empty:
      write_file(path_of(names_[number]), {});
      return {names_[number]};
    case gone:
      fs::remove(path_of(missed_[number]));
      return {missed_[number]};
    case swap_files: {
      const auto& [a, b] = pairs_[number];
      write_file(path_of(a), good_.at(b));
      write_file(path_of(b), good_.at(a));
      return {a, b};
    }
    case folder_gone:
      fs::remove_all(path_of(folders_[number]));
      return {folders_[number]};
    case older_folder: {
      const std::string& folder = folders_[number % folders_.size()];
      fs::remove_all(path_of(folder));
      for (const auto& [file, bytes] : generations_[number / folders_.size()]) {
        if (!file.starts_with(folder + "/")) continue;
        fs::create_directories(fs::path(path_of(file)).parent_path());
        write_file(path_of(file), bytes);
      }
      return {folder};
    }
    default:
      INGOT_ASSERT(folders_.size() == 2, folders_.size());
      fs::rename(path_of(folders_[0]), path_of("aside"));
      fs::rename(path_of(folders_[1]), path_of(folders_[0]));
      fs::rename(path_of("aside"), path_of(folders_[1]));
      return folders_;
  }
}

CaseResult HubVictim::run(std::size_t kind, std::uint64_t number) {
  const std::vector<std::string> damaged = damage(kind, number);
  CaseResult result = judge(damaged, number % 8 == 0);
  restore();
  return result;
}

Status HubVictim::look(TaskHub& hub, Seen& seen) {
  InstanceQuery query;
  query.page_size = 1000;
  do {
    INGOT_ASSIGN(const InstancePage page, hub.client().query_instances(query));
    for (const InstanceState& state : page.instances) {
      std::uint64_t hash = hash64(state.name, static_cast<std::uint64_t>(state.status));
      hash = hash64(state.input.value_or("(none)"), hash);
      hash = hash64(state.output.value_or("(none)"), hash);
      hash += static_cast<std::uint64_t>(state.last_updated_at.time_since_epoch().count());
      INGOT_ASSIGN(const std::vector<HistoryEvent> history,
                   hub.client().get_history(state.instance_id));
      for (const HistoryEvent& event : history) hash = hash_of(event, hash);
      seen[state.instance_id] = hash;
    }
    query.continuation_token = page.continuation_token;
  } while (!query.continuation_token.empty());
  return {};
}

CaseResult HubVictim::judge(const std::vector<std::string>& damaged, bool go_on) {
  Status refused;
  {
    auto hub = open();
    refused = hub.status();
    if (hub.ok()) {
      Seen seen;
      refused = look(**hub, seen);
      const Status closed = (*hub)->close();
      if (refused.ok() && seen != expected_) {
        return {Verdict::silent, "other content: " + std::to_string(seen.size()) +
                                     " instances of " + std::to_string(expected_.size()) + "; " +
                                     joined(damaged)};
      }
      if (refused.ok() && !closed.ok()) return {Verdict::silent, closed.to_string()};
    }
  }
  if (!refused.ok()) return judge_refusal(damaged, refused);
  return go_on ? judge_future() : CaseResult{Verdict::harmless, {}};
}

// Named is the hub file, or a file of a damaged file's partition: an older checkpoint is found out
// by the log, which begins behind it.
CaseResult HubVictim::judge_refusal(const std::vector<std::string>& damaged,
                                    const Status& refused) {
  const StatusCode code = refused.code();
  if (code != StatusCode::corrupt && code != StatusCode::unsupported &&
      code != StatusCode::failed_precondition && code != StatusCode::unavailable) {
    return {Verdict::silent, "refused as " + refused.to_string() + "; " + joined(damaged)};
  }
  const bool named = std::any_of(damaged.begin(), damaged.end(), [&](const std::string& file) {
    const std::string part = file.substr(0, file.find('/'));
    return refused.message().find(hub_ + "/" + part) != std::string::npos ||
           (part == "hub.ingot" && refused.message().find(hub_) != std::string::npos);
  });
  if (!named) {
    return {Verdict::silent, "does not name " + joined(damaged) + ": " + refused.to_string()};
  }
  // Without a hub file that says so it is no hub: 2. Else faults are found: 1.
  const bool no_hub = refused.message().find("hub.ingot") != std::string::npos;
  if (const int found = verify(hub_); found != 1 && !(no_hub && found == 2)) {
    return {Verdict::silent,
            "verify exits with " + std::to_string(found) + ": " + refused.to_string()};
  }
  return {Verdict::refused, {}};
}

// What was accepted goes on, and everything is there at the next opening.
CaseResult HubVictim::judge_future() {
  Status status;
  {
    auto hub = open();
    status = hub.status();
    if (hub.ok()) {
      StartOptions start;
      start.instance_id = "after";
      start.input = "still";
      status = (*hub)->client().schedule_new_orchestration("echoes", std::move(start)).status();
      if (status.ok()) status = (*hub)->client().wait_for_completion("after", kLong).status();
      if (status.ok()) status = (*hub)->checkpoint();
    }
  }
  if (!status.ok()) return {Verdict::silent, "does not go on: " + status.to_string()};
  auto hub = open();
  Seen seen;
  status = hub.status();
  if (status.ok()) status = look(**hub, seen);
  if (!status.ok()) return {Verdict::silent, "refused after it went on: " + status.to_string()};
  if (seen.erase("after") != 1 || seen != expected_) {
    return {Verdict::silent, "other content after it went on"};
  }
  return {Verdict::harmless, {}};
}

}  // namespace ingot::corruption
