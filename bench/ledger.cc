#include "bench/ledger.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include "core/try.h"

namespace ingot::bench {
namespace {

constexpr auto kWriteInterval = std::chrono::milliseconds(2);

Status system_failure(const std::string& path, int error) {
  return Status(StatusCode::io_error, path + ": " + std::strerror(error));
}

void put_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
}

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
    } else {
      out += text[++i] == 'n' ? '\n' : text[i];
    }
  }
  return out;
}

// Cuts off what follows the last newline of the file.
Status cut_unfinished_line(const std::string& path, int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return system_failure(path, errno);
  off_t end = info.st_size;
  char bytes[4096];
  while (end > 0) {
    const auto size = std::min<off_t>(end, sizeof bytes);
    const ssize_t got = ::pread(fd, bytes, static_cast<std::size_t>(size), end - size);
    if (got != size) return system_failure(path, got < 0 ? errno : EIO);
    const std::string_view view(bytes, static_cast<std::size_t>(size));
    const std::size_t newline = view.rfind('\n');
    if (newline != std::string_view::npos) {
      end = end - size + static_cast<off_t>(newline) + 1;
      break;
    }
    end -= size;
  }
  if (end != info.st_size && ::ftruncate(fd, end) != 0) return system_failure(path, errno);
  return {};
}

}  // namespace

Result<std::unique_ptr<Ledger>> Ledger::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return system_failure(path, errno);
  if (Status status = cut_unfinished_line(path, fd); !status.ok()) {
    ::close(fd);
    return status;
  }
  return std::unique_ptr<Ledger>(new Ledger(path, fd));
}

Ledger::Ledger(std::string path, int fd)
    : path_(std::move(path)), fd_(fd), writer_([this] { run(); }) {}

Ledger::~Ledger() { static_cast<void>(close()); }

Ledger::Buffer& Ledger::add_buffer() {
  const std::scoped_lock lock(mutex_);
  buffers_.push_back(std::make_unique<Buffer>());
  return *buffers_.back();
}

Status Ledger::close() {
  if (writer_.joinable()) {
    stop_ = true;
    writer_.join();
    write_out();
    ::close(fd_);
    fd_ = -1;
  }
  return failure_;
}

void Ledger::Buffer::started(std::string_view id) {
  const std::scoped_lock lock(mutex_);
  lines_ += "S ";
  lines_ += id;
  lines_ += '\n';
}

void Ledger::Buffer::completed(std::string_view id, std::string_view output) {
  const std::scoped_lock lock(mutex_);
  lines_ += "C ";
  lines_ += id;
  lines_ += ' ';
  put_escaped(lines_, output);
  lines_ += '\n';
}

void Ledger::run() {
  while (!stop_) {
    std::this_thread::sleep_for(kWriteInterval);
    write_out();
  }
}

// Only the writer thread, or close() after that has ended.
void Ledger::write_out() {
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& buffer : buffers_) {
      const std::scoped_lock buffer_lock(buffer->mutex_);
      writing_ += buffer->lines_;
      buffer->lines_.clear();
    }
  }
  std::string_view rest = writing_;
  while (!rest.empty() && failure_.ok()) {
    const ssize_t written = ::write(fd_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      failure_ = system_failure(path_, errno);
    } else {
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  writing_.clear();
}

Result<std::vector<LedgerEntry>> read_ledger(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Status(StatusCode::not_found, "no ledger " + path);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (file.bad()) return Status(StatusCode::io_error, "reading " + path);

  std::vector<LedgerEntry> lines;
  std::string_view rest = text;
  for (std::uint64_t number = 1;; ++number) {
    const std::size_t newline = rest.find('\n');
    if (newline == std::string_view::npos) break;
    const std::string_view line = rest.substr(0, newline);
    rest.remove_prefix(newline + 1);
    const std::string_view body = line.substr(std::min<std::size_t>(2, line.size()));
    const std::size_t space = body.find(' ');
    if (line.starts_with("S ") && !body.empty() && space == std::string_view::npos) {
      lines.push_back({std::string(body), std::nullopt});
    } else if (line.starts_with("C ") && space != std::string_view::npos && space != 0) {
      lines.push_back({std::string(body.substr(0, space)), unescaped(body.substr(space + 1))});
    } else {
      return Status(StatusCode::corrupt, path + ", line " + std::to_string(number) + ": no entry");
    }
  }

  std::stable_sort(lines.begin(), lines.end(),
                   [](const LedgerEntry& a, const LedgerEntry& b) { return a.id < b.id; });
  std::vector<LedgerEntry> entries;
  for (LedgerEntry& line : lines) {
    if (entries.empty() || entries.back().id != line.id) {
      entries.push_back(std::move(line));
    } else if (LedgerEntry& entry = entries.back(); !entry.output) {
      entry.output = std::move(line.output);
    } else if (line.output && line.output != entry.output) {
      return Status(StatusCode::corrupt, path + ": two outputs of instance " + line.id);
    }
  }
  return entries;
}

}  // namespace ingot::bench
