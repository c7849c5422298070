#include "tools/ingotd/hubs.h"

#include <filesystem>
#include <system_error>

#include "core/try.h"
#include "tools/ingotd/log.h"

namespace ingot::server {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHubNameBytesMax = 63;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

Status io_failure(const std::string& what, const std::error_code& error) {
  return Status(StatusCode::io_error, what + ": " + error.message());
}

}  // namespace

Status validate_hub_name(std::string_view name) {
  bool valid = !name.empty() && name.size() <= kHubNameBytesMax && is_letter(name.front());
  for (const char c : name) valid = valid && (is_letter(c) || is_digit(c) || c == '-');
  if (valid) return {};
  return Status(StatusCode::invalid_argument,
                "a task hub's name is a letter and up to 62 letters, digits and hyphens");
}

Result<std::unique_ptr<Hubs>> Hubs::open(const ServerConfig& config) {
  INGOT_TRY(validate_hub_name(config.default_hub));
  std::error_code error;
  // Nobody else's business. A folder that is there keeps what its owner has given it.
  if (fs::create_directories(config.data, error)) {
    fs::permissions(config.data, fs::perms::owner_all, error);
  }
  if (error) return io_failure(config.data, error);
  std::unique_ptr<Hubs> hubs(new Hubs(config));
  INGOT_TRY(hubs->open_existing());
  return hubs;
}

Hubs::~Hubs() { static_cast<void>(close()); }

Status Hubs::open_existing() {
  std::error_code error;
  fs::directory_iterator entry(config_.data, error);
  if (error) return io_failure(config_.data, error);
  for (; entry != fs::directory_iterator(); entry.increment(error)) {
    if (error) return io_failure(config_.data, error);
    const std::string name = entry->path().filename().string();
    if (!entry->is_directory(error) || !validate_hub_name(name).ok()) continue;
    Result<HubPtr> hub = open_hub(name, OpenMode::open_existing);
    // A folder that holds no hub is none of ours.
    if (hub.status().code() == StatusCode::not_found) continue;
    if (!hub.ok()) log_error("hub not opened", {{"hub", name}, {"why", hub.status().to_string()}});
    const std::unique_lock lock(mutex_);
    hubs_[name] = hub.ok() ? Entry{*hub, {}} : Entry{nullptr, hub.status()};
  }
  return {};
}

Result<HubPtr> Hubs::open_hub(const std::string& name, OpenMode mode) {
  HubOptions options = config_.hub;
  options.mode = mode;
  options.foreign_work = true;
  if (mode != OpenMode::create_new) options.partitions = 0;  // what the hub has
  INGOT_ASSIGN(std::unique_ptr<TaskHub> hub,
               TaskHub::open((fs::path(config_.data) / name).string(), Registry(), options));
  log_info("hub open", {{"hub", name}});
  return std::make_shared<Hub>(name, std::move(hub));
}

Result<HubPtr> Hubs::find(std::string_view name) const {
  if (name.empty()) name = config_.default_hub;
  {
    const std::shared_lock lock(mutex_);
    if (const auto found = hubs_.find(name); found != hubs_.end()) {
      if (found->second.hub) return found->second.hub;
      return found->second.failure.with_context("task hub '" + std::string(name) + "'");
    }
  }
  INGOT_TRY(validate_hub_name(name));
  return Status(StatusCode::not_found,
                "there is no task hub '" + std::string(name) +
                    "' (ingotd creates the hubs that clients name when it runs with "
                    "--create-hubs)");
}

Result<HubPtr> Hubs::find_or_create(std::string_view name) {
  if (name.empty()) name = config_.default_hub;
  Result<HubPtr> found = find(name);
  if (found.status().code() != StatusCode::not_found || !config_.create_hubs) return found;
  const Status created = create(name, false);
  if (!created.ok() && created.code() != StatusCode::already_exists) return created;
  return find(name);
}

Status Hubs::create(std::string_view name, bool recreate) {
  INGOT_TRY(validate_hub_name(name));
  const std::string key(name);
  const std::lock_guard change(change_mutex_);
  {
    const std::shared_lock lock(mutex_);
    if (closed_) return Status(StatusCode::cancelled, "the server stops");
    const bool exists = hubs_.contains(name);
    if (exists && !recreate) {
      return Status(StatusCode::already_exists, "the task hub '" + key + "' exists");
    }
    if (!exists && hubs_.size() >= config_.hubs_max) {
      return Status(StatusCode::overloaded, "there are " + std::to_string(config_.hubs_max) +
                                                " task hubs, as many as hubs-max allows");
    }
  }
  if (recreate) {
    Status removed = remove_locked(key);
    if (!removed.ok() && removed.code() != StatusCode::not_found) return removed;
  }
  INGOT_ASSIGN(HubPtr hub, open_hub(key, OpenMode::create_new));
  const std::unique_lock lock(mutex_);
  hubs_[key] = Entry{std::move(hub), {}};
  return {};
}

Status Hubs::remove(std::string_view name) {
  INGOT_TRY(validate_hub_name(name));
  const std::lock_guard change(change_mutex_);
  return remove_locked(std::string(name));
}

Status Hubs::remove_locked(const std::string& name) {
  HubPtr hub;
  {
    const std::unique_lock lock(mutex_);
    const auto found = hubs_.find(name);
    if (found == hubs_.end()) {
      return Status(StatusCode::not_found, "there is no task hub '" + name + "'");
    }
    hub = found->second.hub;
  }
  if (hub == nullptr) {
    // Another process may have it, and has to keep its files.
    const Result<HubPtr> tried = open_hub(name, OpenMode::open_existing);
    if (tried.status().code() == StatusCode::busy) {
      return tried.status().with_context("task hub '" + name + "'");
    }
    if (tried.ok()) hub = *tried;
  }
  const auto set_entry = [&](Status why) {
    const std::unique_lock lock(mutex_);
    hubs_[name] = Entry{nullptr, std::move(why)};
  };
  set_entry(Status(StatusCode::unavailable, "it is being removed"));
  if (hub) static_cast<void>(hub->hub->close());
  // Renamed first, so that a crash leaves no half of a hub under its name. The new name is none of
  // a hub, and is removed by hand then.
  const fs::path folder = fs::path(config_.data) / name;
  const fs::path removed = fs::path(config_.data) / (".removed-" + name);
  std::error_code error;
  fs::remove_all(removed, error);
  fs::rename(folder, removed, error);
  if (error) {
    // Its folder is still there, so it is still one of ours.
    const Status failure = io_failure(folder.string(), error);
    set_entry(failure);
    return failure;
  }
  {
    const std::unique_lock lock(mutex_);
    hubs_.erase(name);
  }
  fs::remove_all(removed, error);
  if (error) return io_failure(removed.string(), error);
  log_info("hub removed", {{"hub", name}});
  return {};
}

std::vector<HubPtr> Hubs::all() const {
  std::vector<HubPtr> open;
  const std::shared_lock lock(mutex_);
  for (const auto& [name, entry] : hubs_) {
    if (entry.hub) open.push_back(entry.hub);
  }
  return open;
}

std::vector<std::pair<std::string, Status>> Hubs::failures() const {
  std::vector<std::pair<std::string, Status>> failed;
  const std::shared_lock lock(mutex_);
  for (const auto& [name, entry] : hubs_) {
    if (!entry.hub) failed.emplace_back(name, entry.failure);
  }
  return failed;
}

Status Hubs::close() {
  const std::lock_guard change(change_mutex_);
  std::map<std::string, Entry, std::less<>> closing;
  {
    const std::unique_lock lock(mutex_);
    if (std::exchange(closed_, true)) return {};
    closing.swap(hubs_);
  }
  Status failure;
  for (auto& [name, entry] : closing) {
    if (!entry.hub) continue;
    for (Status done : {entry.hub->hub->checkpoint(), entry.hub->hub->close()}) {
      if (done.ok()) continue;
      log_error("hub not closed cleanly", {{"hub", name}, {"why", done.to_string()}});
      if (failure.ok()) failure = done.with_context("task hub '" + name + "'");
    }
    log_info("hub closed", {{"hub", name}});
  }
  return failure;
}

}  // namespace ingot::server
