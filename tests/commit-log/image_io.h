#pragma once

// Image: the files of a log in memory, with a journal of every change, which can be taken back; and
// ImageIo, which is an Io over one. For tests that open one log a hundred thousand times, each time
// with other damage or another crash: a case costs what it touches, not a copy of the files.
//
// A write is in the files as soon as it is submitted; `completed` stands in the journal when its
// completion is given. What a crash between the two leaves is the test's to decide.

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "commit-log/io.h"
#include "core/assert.h"

namespace ingot::log {

struct Change {
  enum class Kind : std::uint8_t { create, write, rename, remove, resize, completed };
  Kind kind = Kind::completed;
  bool async = false;  // a write that is pending until the next `completed`
  bool existed = false;
  std::string path;
  std::string to;            // of a rename
  std::uint64_t offset = 0;  // of a resize: the new size
  std::uint64_t size_before = 0;
  std::string before;  // of a write: its bytes; else the whole file that is lost
  std::string after;
};

class Image {
 public:
  Image() = default;
  Image(Image&&) = default;
  Image& operator=(Image&&) = default;
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;

  [[nodiscard]] const std::map<std::string, std::string>& files() const { return files_; }
  [[nodiscard]] const std::string& file(const std::string& path) const { return files_.at(path); }
  [[nodiscard]] bool has(const std::string& path) const { return files_.count(path) != 0; }
  // An independent copy with an empty journal.
  [[nodiscard]] Image copy() const {
    Image image;
    image.files_ = files_;
    return image;
  }

  [[nodiscard]] const std::vector<Change>& journal() const { return journal_; }
  [[nodiscard]] std::size_t mark() const { return journal_.size(); }
  // Takes back what was changed since `mark`.
  void roll_back(std::size_t mark) {
    for (; journal_.size() > mark; journal_.pop_back()) undo(journal_.back());
  }
  // Gives what was changed since `mark` away; it stays as it is.
  [[nodiscard]] std::vector<Change> take_journal(std::size_t mark) {
    const auto begin = journal_.begin() + static_cast<std::ptrdiff_t>(mark);
    std::vector<Change> changes(std::make_move_iterator(begin),
                                std::make_move_iterator(journal_.end()));
    journal_.erase(begin, journal_.end());
    return changes;
  }
  // Makes a change that another image has recorded.
  void repeat(const Change& change) {
    switch (change.kind) {
      case Change::Kind::create:
        return create(change.path, change.after.size());
      case Change::Kind::write:
        return write(change.path, change.offset, change.after, change.async);
      case Change::Kind::rename:
        return rename(change.path, change.to);
      case Change::Kind::remove:
        return remove(change.path);
      case Change::Kind::resize:
        return resize(change.path, change.offset);
      case Change::Kind::completed:
        return completed();
    }
  }

  void create(const std::string& path, std::uint64_t size) {
    Change& change = begin(Change::Kind::create, path);
    change.after.assign(size, '\0');
    files_[path] = change.after;
  }
  void write(const std::string& path, std::uint64_t offset, std::string_view bytes,
             bool async = false) {
    std::string& file = files_.at(path);
    INGOT_ASSERT(offset + bytes.size() <= file.size(), offset, bytes.size(), file.size());
    Change& change = begin(Change::Kind::write, path);
    change.async = async;
    change.offset = offset;
    change.before.assign(file, offset, bytes.size());
    change.after.assign(bytes);
    std::memcpy(file.data() + offset, bytes.data(), bytes.size());
  }
  void rename(const std::string& from, const std::string& to) {
    Change& change = begin(Change::Kind::rename, from);
    change.to = to;
    change.existed = has(to);
    if (change.existed) change.before = std::move(files_[to]);
    files_[to] = std::move(files_.at(from));
    files_.erase(from);
  }
  void remove(const std::string& path) {
    Change& change = begin(Change::Kind::remove, path);
    change.before = std::move(files_.at(path));
    files_.erase(path);
  }
  void resize(const std::string& path, std::uint64_t size) {
    Change& change = begin(Change::Kind::resize, path);
    std::string& file = files_.at(path);
    change.offset = size;
    change.size_before = file.size();
    change.before = file.substr(std::min<std::uint64_t>(size, file.size()));
    file.resize(size, '\0');
  }
  void completed() { begin(Change::Kind::completed, {}); }

 private:
  Change& begin(Change::Kind kind, const std::string& path) {
    Change& change = journal_.emplace_back();
    change.kind = kind;
    change.path = path;
    return change;
  }
  void undo(Change& change) {
    switch (change.kind) {
      case Change::Kind::create:
        files_.erase(change.path);
        break;
      case Change::Kind::write:
        std::memcpy(files_.at(change.path).data() + change.offset, change.before.data(),
                    change.before.size());
        break;
      case Change::Kind::rename:
        files_[change.path] = std::move(files_.at(change.to));
        if (change.existed) {
          files_[change.to] = std::move(change.before);
        } else {
          files_.erase(change.to);
        }
        break;
      case Change::Kind::remove:
        files_[change.path] = std::move(change.before);
        break;
      case Change::Kind::resize:
        files_.at(change.path).resize(change.size_before - change.before.size());
        files_.at(change.path).append(change.before);
        break;
      case Change::Kind::completed:
        break;
    }
  }

  std::map<std::string, std::string> files_;
  std::vector<Change> journal_;
};

class ImageIo : public Io {
 public:
  // `image` outlives the Io.
  explicit ImageIo(Image& image) : image_(image) {}

  [[nodiscard]] std::string_view name() const override { return "image"; }
  void submit_write(FileHandle file, std::span<const char> bytes, std::uint64_t offset,
                    std::uint64_t token) override {
    image_.write(path(file), offset, {bytes.data(), bytes.size()}, true);
    completions_.push_back({token, Status()});
  }
  void poll(std::vector<WriteCompletion>& out) override {
    for (WriteCompletion& completion : completions_) {
      image_.completed();
      out.push_back(std::move(completion));
    }
    completions_.clear();
  }
  void wait(Duration /*timeout*/, std::vector<WriteCompletion>& out) override { poll(out); }
  void wake() override {}
  void drain() override {}

  Status create_zeroed(const std::string& path, std::uint64_t size) override {
    if (image_.has(path)) return {StatusCode::already_exists, path};
    image_.create(path, size);
    return {};
  }
  Result<FileHandle> open(const std::string& path) override {
    if (!image_.has(path)) return Status(StatusCode::not_found, path);
    paths_.push_back(path);
    return FileHandle(static_cast<std::uint32_t>(paths_.size()));
  }
  void close(FileHandle /*file*/) override {}
  Result<std::uint64_t> size(FileHandle file) override {
    return std::uint64_t{image_.file(path(file)).size()};
  }
  Result<std::uint64_t> read(FileHandle file, std::span<char> out, std::uint64_t offset) override {
    const std::string& bytes = image_.file(path(file));
    if (offset >= bytes.size()) return std::uint64_t{0};
    const std::size_t size = std::min<std::size_t>(out.size(), bytes.size() - offset);
    std::memcpy(out.data(), bytes.data() + offset, size);
    return std::uint64_t{size};
  }
  Status write_now(FileHandle file, std::span<const char> bytes, std::uint64_t offset) override {
    image_.write(path(file), offset, {bytes.data(), bytes.size()});
    return {};
  }
  Status sync(FileHandle /*file*/) override { return {}; }
  Status rename(const std::string& from, const std::string& to) override {
    if (!image_.has(from)) return {StatusCode::not_found, from};
    image_.rename(from, to);
    return {};
  }
  Status remove(const std::string& path) override {
    if (!image_.has(path)) return {StatusCode::not_found, path};
    image_.remove(path);
    return {};
  }
  Result<std::vector<std::string>> list(const std::string& directory) override {
    std::vector<std::string> names;
    for (const auto& [path, bytes] : image_.files()) {
      if (path.starts_with(directory + "/")) names.push_back(path.substr(directory.size() + 1));
    }
    return names;
  }
  Status make_directory(const std::string& /*directory*/) override { return {}; }
  Result<std::uint64_t> free_bytes(const std::string& /*directory*/) override {
    return std::uint64_t{1} << 40;
  }
  std::unique_ptr<Io> background() override { return nullptr; }

 private:
  [[nodiscard]] const std::string& path(FileHandle file) const { return paths_[file.value - 1]; }

  Image& image_;
  std::vector<std::string> paths_;
  std::vector<WriteCompletion> completions_;
};

}  // namespace ingot::log
