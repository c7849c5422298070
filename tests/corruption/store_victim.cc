#include "tests/corruption/store_victim.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include "core/assert.h"
#include "core/hash.h"
#include "core/random.h"
#include "storage/store_verifier.h"
#include "tests/storage/store_model.h"

namespace ingot::corruption {
namespace {

using storage::CheckpointStore;
using storage::EntryTable;
using storage::RecordCursor;
using storage::ScanOrder;

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kUniverse = 400;
constexpr std::uint64_t kMetaBytes = 168;  // of a meta page: what LMDB fills in
constexpr std::uint64_t kHeadBytes = 64;   // of each page: its header and first offsets

enum Kind : std::size_t {
  flip_bit,
  flip_byte,
  flip_meta,
  flip_head,
  flip_branch,
  cut,
  zero,
  swap,
  copy,
  older,
  gone
};

storage::LmdbStoreOptions options_of(const std::string& directory) {
  storage::LmdbStoreOptions options = storage::options_in(directory);
  options.map_bytes = 1ULL << 30;
  return options;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

bool is_refusal(const Status& status) {
  return status.code() == StatusCode::corrupt || status.code() == StatusCode::unsupported;
}

}  // namespace

StoreVictim::StoreVictim(std::string directory) : directory_(std::move(directory)) {
  std::vector<std::string> generations;
  {
    auto opened = storage::open_lmdb_store(options_of(directory_));
    must(opened.status());
    storage::StoreModel model;
    Random random(20261121);
    constexpr std::uint64_t kCheckpoints = 10;
    for (std::uint64_t i = 1; i <= kCheckpoints; ++i) {
      auto checkpoint = (*opened)->begin();
      must(checkpoint.status());
      model.random_changes(random, 300, kUniverse, **checkpoint);
      const Status status = (*checkpoint)->commit(Position(i));
      must(status);
      if (i + 1 >= kCheckpoints) {
        Reads& reads = i == kCheckpoints ? expected_ : expected_before_;
        const Status read = read_all(**opened, [&](std::uint64_t hash) {
          reads.push_back(hash);
          return true;
        });
        must(read);
      }
      if (i < kCheckpoints && i + 4 >= kCheckpoints) generations.push_back(read_file(path()));
    }
  }
  good_ = read_file(path());
  for (const std::string& then : generations) {
    for (std::uint64_t page = 0; (page + 1) * kPage <= std::min(then.size(), good_.size());
         ++page) {
      if (then.compare(page * kPage, kPage, good_, page * kPage, kPage) != 0) {
        old_pages_.push_back({page, then.substr(page * kPage, kPage)});
      }
    }
  }
  {
    auto opened = open(true);
    must(opened.status());
    Status status = write_more(**opened);
    must(status);
    status = read_all(**opened, [&](std::uint64_t hash) {
      expected_after_.push_back(hash);
      return true;
    });
    must(status);
  }
  put_file(good_);
  list_branch_bytes();
  const std::uint64_t pages = good_.size() / kPage;
  kinds_ = {{"flip-bit", good_.size()},
            {"flip-byte", good_.size()},
            {"flip-meta-page", 2 * kMetaBytes * 8},
            {"flip-page-head", pages * kHeadBytes * 8},
            {"flip-branch", branch_bytes_.size() * 8},
            {"cut", good_.size()},
            {"zero-page", pages},
            {"swap-pages", pages * (pages - 1)},
            {"copy-page", pages * pages},
            {"older-page", old_pages_.size()},
            {"file-gone", 2}};
}

// The bytes of the nodes of all branch pages: child pages and keys.
void StoreVictim::list_branch_bytes() {
  for (std::uint64_t page = 2 * kPage; page < good_.size(); page += kPage) {
    const auto number16 = [&](std::uint64_t offset) {
      std::uint16_t number = 0;
      std::memcpy(&number, good_.data() + page + offset, sizeof number);
      return std::uint64_t{number};
    };
    constexpr std::uint64_t kBranch = 1;
    if (number16(10) != kBranch) continue;
    for (std::uint64_t at = number16(14); at < kPage; ++at) branch_bytes_.push_back(page + at);
    for (std::uint64_t slot = 16; slot < number16(12); slot += 2) {
      for (std::uint64_t at = 0; at < 6; ++at) children_.insert(page + number16(slot) + at);
    }
  }
}

// What a store that was not scrubbed can't tell, see README.md: that a page of a tree is an older
// version of itself, because the device kept it or because a flipped number leads there.
bool StoreVictim::leads_to_an_older_page(std::size_t kind, std::uint64_t number) const {
  switch (kind) {
    case older:
      return true;
    case flip_bit:
    case flip_byte:
      return children_.count(number) != 0;
    case flip_head:
      return children_.count(number / 8 / kHeadBytes * kPage + number / 8 % kHeadBytes) != 0;
    case flip_branch:
      return children_.count(branch_bytes_[number / 8]) != 0;
    default:
      return false;
  }
}

StoreVictim::PageKinds StoreVictim::page_kinds() const {
  PageKinds kinds;
  for (std::uint64_t page = 2; page < good_.size() / kPage; ++page) {
    std::uint64_t number = 0;
    std::uint16_t flags = 0;
    std::memcpy(&number, good_.data() + page * kPage, sizeof number);
    std::memcpy(&flags, good_.data() + page * kPage + 10, sizeof flags);
    if (number != page) continue;  // inside an overflow value
    kinds.branch += flags == 1 ? 1 : 0;
    kinds.leaf += flags == 2 ? 1 : 0;
    kinds.overflow += flags == 4 ? 1 : 0;
  }
  return kinds;
}

Status StoreVictim::read_all(const CheckpointStore& store,
                             const std::function<bool(std::uint64_t)>& answer) {
  const auto give = [&](std::string_view bytes, std::uint64_t seed) {
    return answer(hash64(bytes, seed));
  };
  const Status stopped(StatusCode::cancelled, "stopped");
  if (!answer(store.position().value)) return stopped;
  for (std::uint64_t n = 0; n < kUniverse; ++n) {
    const auto row = store.read_row(SequenceNumber(n + 1));
    const bool there = row.status().code() != StatusCode::not_found;
    if (!row.ok() && there) return row.status();
    if (!give(row.ok() ? *row : std::string(), there ? 1 : 2)) return stopped;
    const auto found = store.find(storage::StoreModel::id_of(n));
    if (!found.ok()) return found.status();
    const bool known = found->has_value();
    if (!give(known ? (*found)->record : "", known ? 3 + (*found)->sequence.value : 2)) {
      return stopped;
    }
  }
  for (const EntryTable table : {EntryTable::timers, EntryTable::work}) {
    std::uint64_t all = 0;
    const Status status =
        store.for_each_entry(table, [&](std::string_view key, std::string_view v) {
          all = hash64(v, hash64(key, all));
          return Status();
        });
    if (!status.ok()) return status;
    if (!answer(all)) return stopped;
  }
  for (const char* name : {"blob0", "blob1", "blob2", "blob3", "more", "none"}) {
    const auto blob = store.read_blob(name);
    if (!blob.ok()) return blob.status();
    if (!give(blob->value_or(""), blob->has_value() ? 1 : 2)) return stopped;
  }
  for (const ScanOrder order : {ScanOrder::ascending, ScanOrder::descending}) {
    const auto ids = store.scan({}, {}, 100000, order);
    if (!ids.ok()) return ids.status();
    std::uint64_t all = 0;
    for (const auto& found : *ids) {
      all = hash64(found.located.record, hash64(found.id, all + found.located.sequence.value));
    }
    if (!answer(all)) return stopped;
    const RecordCursor from =
        order == ScanOrder::ascending ? RecordCursor::begin() : RecordCursor::end();
    const auto records = store.scan_records(from, 100000, order);
    if (!records.ok()) return records.status();
    all = 0;
    for (const auto& found : *records) all = hash64(found.record, hash64(found.id, all));
    if (!answer(all)) return stopped;
  }
  const storage::StoreCounters counters = store.counters();
  if (!answer(counters.rows * 1000003 + counters.records * 1009 + counters.ids)) return stopped;
  return {};
}

// The same checkpoint, whatever the store: its result is known in advance.
Status StoreVictim::write_more(CheckpointStore& store) {
  auto checkpoint = store.begin();
  if (!checkpoint.ok()) return checkpoint.status();
  Random random(77);
  storage::StoreModel().random_changes(random, 80, kUniverse, **checkpoint);
  (*checkpoint)->put_blob("more", "more");
  return (*checkpoint)->commit(Position(1000));
}

Result<std::unique_ptr<CheckpointStore>> StoreVictim::open(bool scrubbed) const {
  storage::LmdbStoreOptions options = options_of(directory_);
  if (!scrubbed) options.scrub_at_open_bytes_max = 0;
  return storage::open_lmdb_store(options);
}

// Writes the pages that differ from what was put there before.
void StoreVictim::put_file(std::string_view bytes) {
  const int file = ::open(path().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  INGOT_ASSERT(file >= 0, errno);
  bool done = ::ftruncate(file, static_cast<off_t>(bytes.size())) == 0;
  on_disk_.resize(bytes.size(), '\0');
  for (std::uint64_t at = 0; done && at < bytes.size(); at += kPage) {
    const std::string_view page = bytes.substr(at, kPage);
    if (!rewritten_ && on_disk_.compare(at, page.size(), page) == 0) continue;
    done = ::pwrite(file, page.data(), page.size(), static_cast<off_t>(at)) ==
           static_cast<ssize_t>(page.size());
    on_disk_.replace(at, page.size(), page);
  }
  INGOT_ASSERT(done, errno);
  rewritten_ = false;
  ::close(file);
}

std::string StoreVictim::damaged(std::size_t kind, std::uint64_t number, bool& missing) const {
  std::string bytes = good_;
  const std::uint64_t pages = good_.size() / kPage;
  const auto flip = [&](std::uint64_t at, int mask) {
    bytes[at] = static_cast<char>(bytes[at] ^ mask);
  };
  switch (kind) {
    case flip_bit:
      flip(number, 1 << Random(number).below(8));
      break;
    case flip_byte:
      flip(number, 0xFF);
      break;
    case flip_meta:
      flip(number / 8 / kMetaBytes * kPage + number / 8 % kMetaBytes, 1 << number % 8);
      break;
    case flip_head:
      flip(number / 8 / kHeadBytes * kPage + number / 8 % kHeadBytes, 1 << number % 8);
      break;
    case flip_branch:
      flip(branch_bytes_[number / 8], 1 << number % 8);
      break;
    case cut:
      bytes.resize(number);
      break;
    case zero:
      bytes.replace(number * kPage, kPage, kPage, '\0');
      break;
    case swap: {
      const std::uint64_t a = number / (pages - 1);
      const std::uint64_t b = number % (pages - 1) + (number % (pages - 1) >= a ? 1 : 0);
      bytes.replace(a * kPage, kPage, good_, b * kPage, kPage);
      bytes.replace(b * kPage, kPage, good_, a * kPage, kPage);
      break;
    }
    case copy:
      bytes.replace(number % pages * kPage, kPage, good_, number / pages * kPage, kPage);
      break;
    case older:
      bytes.replace(old_pages_[number].page * kPage, kPage, old_pages_[number].bytes);
      break;
    default:
      missing = number == 0;
      bytes.clear();
  }
  return bytes;
}

CaseResult StoreVictim::run(std::size_t kind, std::uint64_t number) {
  bool missing = false;
  const std::string bad = damaged(kind, number, missing);
  if (missing) {
    // A store that is not there is made anew, empty: the log has to have everything then, which it
    // is asked for by the position.
    ::unlink(path().c_str());
    rewritten_ = true;
    auto opened = open(true);
    const bool right = opened.ok() && (*opened)->position().value == 0;
    opened = Status(StatusCode::cancelled, "closed");
    put_file(good_);
    if (right) return {Verdict::harmless, {}};
    return {Verdict::silent, "a missing file is not an empty store"};
  }
  bool refused = false;
  CaseResult worst{Verdict::harmless, {}};
  for (const bool scrubbed : {true, false}) {
    put_file(bad);
    const bool may_be_old = !scrubbed && leads_to_an_older_page(kind, number);
    const CaseResult result = judge(scrubbed, may_be_old, number % 8 == 0, refused);
    if (result.verdict == Verdict::silent) {
      worst = result;
      worst.what += scrubbed ? " (scrubbed at opening)" : " (not scrubbed at opening)";
      break;
    }
  }
  put_file(bad);
  if (worst.verdict != Verdict::silent && refused) {
    worst.verdict = Verdict::refused;
    if (!verify_finds_it()) worst = {Verdict::silent, "verify finds nothing"};
  }
  put_file(good_);
  return worst;
}

CaseResult StoreVictim::judge(bool scrubbed, bool may_be_old, bool go_on, bool& refused) {
  const auto refusal = [&](const Status& status) -> CaseResult {
    refused = true;
    if (!is_refusal(status)) return {Verdict::silent, "refused as " + status.to_string()};
    if (status.message().find(path()) == std::string::npos) {
      return {Verdict::silent, "does not name the file: " + status.to_string()};
    }
    return {Verdict::refused, {}};
  };
  auto opened = open(scrubbed);
  if (!opened.ok()) return refusal(opened.status());
  const bool before = (*opened)->position().value + 1 == expected_[0];
  const Reads& expected = before ? expected_before_ : expected_;
  std::size_t at = 0;
  const Status read = read_all(**opened, [&](std::uint64_t hash) {
    return at < expected.size() && hash == expected[at] && ++at != 0;
  });
  if (read.code() == StatusCode::cancelled) {
    // Values of an older page are sound by themselves: the counts and hashes of the whole tell.
    if (may_be_old) {
      refused = true;
      return {Verdict::refused, {}};
    }
    return {Verdict::silent, "read " + std::to_string(at) + " is answered with other data"};
  }
  if (!read.ok()) {
    if (scrubbed) return {Verdict::silent, "the scrub let it pass: " + read.to_string()};
    if ((*opened)->find("any").ok()) return {Verdict::silent, "the failure did not stick"};
    return refusal(read);
  }
  if (at != expected.size()) return {Verdict::silent, "answers are missing"};
  opened = Status(StatusCode::cancelled, "closed");
  return go_on && !before ? judge_future(scrubbed) : CaseResult{Verdict::harmless, {}};
}

// What was read without a fault takes another checkpoint: it is whole then, or it is refused.
CaseResult StoreVictim::judge_future(bool scrubbed) {
  auto opened = open(scrubbed);
  if (!opened.ok()) return {Verdict::silent, "refused at the second opening"};
  rewritten_ = true;
  const Status written = write_more(**opened);
  opened = Status(StatusCode::cancelled, "closed");
  if (!written.ok()) {
    if (!scrubbed && is_refusal(written)) return {Verdict::refused, {}};
    return {Verdict::silent, "no checkpoint over it: " + written.to_string()};
  }
  opened = open(true);
  if (!opened.ok()) {
    if (!scrubbed && is_refusal(opened.status())) return {Verdict::refused, {}};
    return {Verdict::silent, "refused after a checkpoint: " + opened.status().to_string()};
  }
  std::size_t at = 0;
  const Status read = read_all(**opened, [&](std::uint64_t hash) {
    return at < expected_after_.size() && hash == expected_after_[at] && ++at != 0;
  });
  if (!read.ok() || at != expected_after_.size()) {
    return {Verdict::silent, "other data after a checkpoint, read " + std::to_string(at)};
  }
  return {Verdict::harmless, {}};
}

bool StoreVictim::verify_finds_it() const {
  int faults = 0;
  const auto summary =
      storage::verify_lmdb_store(options_of(directory_), [&](const storage::StoreFault& fault) {
        faults += fault.where.find(path()) != std::string::npos ||
                          fault.what.find(path()) != std::string::npos
                      ? 1
                      : 0;
      });
  return !summary.ok() || faults > 0;
}

}  // namespace ingot::corruption
