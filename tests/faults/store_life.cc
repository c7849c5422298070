#include "tests/faults/store_life.h"

#include <gtest/gtest-spi.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "storage/store_verifier.h"
#include "tests/faults/process.h"

namespace ingot::faults {
namespace {

using storage::Located;
using storage::RecordCursor;
using storage::ScannedId;
using storage::ScannedRecord;
using storage::ScanOrder;
using storage::ScanRecords;
using storage::StoreFault;
using storage::StoreModel;

constexpr std::uint64_t kCompared = 60;  // ids and rows that are asked for one by one
constexpr std::size_t kPage = 40;

std::size_t threads() { return entries_of("/proc/self/task"); }

bool is_mapped(const std::string& folder) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find(folder) != std::string::npos) return true;
  }
  return false;
}

// What the store keeps answering once it has met it.
bool is_of_the_store(StatusCode code) {
  return code == StatusCode::corrupt || code == StatusCode::io_error ||
         code == StatusCode::internal || code == StatusCode::unsupported ||
         code == StatusCode::unknown;
}

}  // namespace

StoreLife::StoreLife(const std::string& folder, StoreModel model)
    : folder_(folder),
      model_(std::move(model)),
      asked_(model_.position.value),
      descriptors_(open_descriptors()) {}

storage::LmdbStoreOptions StoreLife::options(Scrub scrub) const {
  storage::LmdbStoreOptions options = storage::options_in(directory_in(folder_));
  options.map_bytes = 1ULL << 30;
  if (scrub != Scrub::at_open) options.scrub_at_open_bytes_max = 0;
  options.scrub_behind_opening = scrub == Scrub::behind;
  return options;
}

bool StoreLife::hear(const Status& status, std::string_view asked) {
  if (!sticky_.ok() && status.ok()) {
    problem(std::string(asked) + " succeeds in a store that has failed");
  }
  if (status.ok()) return true;
  failures_.push_back(status);
  const bool same = status.code() == sticky_.code() && status.message() == sticky_.message();
  if (!sticky_.ok() && !same && !two_threads_) {
    problem(std::string(asked) +
            " answers another failure than the store's first: " + status.to_string());
  }
  if (sticky_.ok() && is_of_the_store(status.code())) sticky_ = status;
  return false;
}

void StoreLife::open(Scrub scrub) {
  two_threads_ = scrub == Scrub::behind;
  auto opened = storage::open_lmdb_store(options(scrub));
  if (!opened.ok()) {
    failures_.push_back(opened.status());
    if (open_descriptors() != descriptors_) problem("a failed opening leaves a descriptor");
    if (is_mapped(folder_)) problem("a failed opening leaves a mapping");
    return;
  }
  store_ = *std::move(opened);
  if (store_->position() != model_.position) wrong("position");
}

void StoreLife::checkpoint(const Changes& changes) {
  if (!store_) return;
  auto begun = store_->begin();
  if (!hear(begun.status(), "begin")) return;
  StoreModel next = model_;
  changes(next, **begun);
  next.position = Position(++asked_);
  const Status committed = (*begun)->commit(next.position);
  if (hear(committed, "commit")) {
    model_ = std::move(next);
    ++kept_;
  } else if (is_of_the_store(committed.code())) {
    doubt_ = std::move(next);
  }
}

void StoreLife::find(const std::string& id) {
  const auto found = store_->find(id);
  if (!hear(found.status(), "find")) return;
  const auto expected = model_.ids.find(id);
  if (found->has_value() != (expected != model_.ids.end())) return wrong("find");
  if (!found->has_value()) return;
  const Located& located = expected->second;
  if ((*found)->sequence != located.sequence || (*found)->record != located.record) wrong("find");
  if (!store_->may_contain(id)) wrong("may_contain");
}

void StoreLife::scan(std::string_view prefix, const std::string& after, std::size_t limit,
                     ScanOrder order, ScanRecords records) {
  const auto found = store_->scan(prefix, after, limit, order, records);
  if (!hear(found.status(), "scan")) return;
  std::vector<ScannedId> expected;
  for (const auto& [id, located] : model_.ids) {
    if (!id.starts_with(prefix)) continue;
    if (!after.empty() && (order == ScanOrder::ascending ? id <= after : id >= after)) continue;
    expected.push_back({id, located});
  }
  if (order == ScanOrder::descending) std::reverse(expected.begin(), expected.end());
  if (expected.size() > limit) expected.resize(limit);
  if (found->size() != expected.size()) return wrong("scan");
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const ScannedId& one = (*found)[i];
    const Located& located = expected[i].located;
    const std::string record = records == ScanRecords::read ? located.record : std::string();
    if (one.id != expected[i].id || one.located.sequence != located.sequence ||
        one.located.record != record) {
      return wrong("scan");
    }
  }
}

void StoreLife::scan_records(ScanOrder order) {
  const bool ascending = order == ScanOrder::ascending;
  std::vector<std::pair<std::uint64_t, std::string>> expected;
  for (const auto& [id, place] : model_.places) expected.emplace_back(place, id);
  std::sort(expected.begin(), expected.end());
  if (!ascending) std::reverse(expected.begin(), expected.end());
  RecordCursor from = ascending ? RecordCursor::begin() : RecordCursor::end();
  std::size_t at = 0;
  for (std::size_t got = kPage; got == kPage;) {
    const auto page = store_->scan_records(from, kPage, order);
    if (!hear(page.status(), "scan_records")) return;
    for (const ScannedRecord& one : *page) {
      if (at == expected.size() || one.id != expected[at].second ||
          one.record != model_.ids.at(one.id).record) {
        return wrong("scan_records");
      }
      from = one.next;
      ++at;
    }
    got = page->size();
  }
  if (at != expected.size()) wrong("scan_records");
}

void StoreLife::read_row(std::uint64_t sequence) {
  const auto row = store_->read_row(SequenceNumber(sequence));
  const auto expected = model_.rows.find(sequence);
  if (sticky_.ok() && row.status().code() == StatusCode::not_found) {
    if (expected != model_.rows.end()) wrong("read_row");
    return;
  }
  if (!hear(row.status(), "read_row")) return;
  if (expected == model_.rows.end() || *row != expected->second) wrong("read_row");
}

void StoreLife::read_blob(const std::string& name) {
  const auto blob = store_->read_blob(name);
  if (!hear(blob.status(), "read_blob")) return;
  const auto expected = model_.blobs.find(name);
  if (blob->has_value() != (expected != model_.blobs.end())) return wrong("read_blob");
  if (blob->has_value() && **blob != expected->second) wrong("read_blob");
}

void StoreLife::read_entries() {
  for (const auto& [table, known] : model_.entries) {
    StoreModel::Entries entries;
    const Status read =
        store_->for_each_entry(table, [&](std::string_view key, std::string_view value) {
          entries.emplace(key, value);
          return Status();
        });
    if (hear(read, "for_each_entry") && entries != known) wrong("for_each_entry");
  }
}

void StoreLife::count() {
  if (!store_) return;
  const storage::StoreCounters counters = store_->counters();
  if (counters.ids != model_.ids.size() || counters.rows != model_.rows.size()) wrong("counters");
}

void StoreLife::read() {
  if (!store_) return;
  for (std::uint64_t n = 0; n < 8; ++n) find(StoreModel::id_of(n * 7));
  find("never");
  for (const ScanOrder order : {ScanOrder::ascending, ScanOrder::descending}) {
    scan({}, {}, kPage, order, ScanRecords::read);
    scan("order-", {}, kPage, order, ScanRecords::leave_out);
    scan({}, StoreModel::id_of(21), kPage, order, ScanRecords::read);
    scan_records(order);
  }
  const auto longest = std::max_element(
      model_.rows.begin(), model_.rows.end(),
      [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
  if (longest != model_.rows.end()) read_row(longest->first);
  for (const std::uint64_t sequence : {2, 1'000'000}) read_row(sequence);
  for (const char* name : {"blob0", "blob1", "none"}) read_blob(name);
  read_entries();
}

void StoreLife::scrub() {
  if (!store_) return;
  const Status status = store_->scrub([&](const StoreFault& fault) {
    problem("a scrub finds a fault: " + fault.where + ": " + fault.what);
  });
  hear(status, "scrub");
}

void StoreLife::wait_for_scrubber() {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(100);
  while (threads() > 1) {
    if (std::chrono::steady_clock::now() > end) return problem("the scrubber does not end");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void StoreLife::close() {
  store_.reset();
  sticky_ = Status();
}

void StoreLife::verify() {
  const auto seen = storage::inspect_lmdb_store(options(Scrub::at_open));
  if (!seen.ok()) failures_.push_back(seen.status());
  if (seen.ok() && seen->position != model_.position) wrong("inspect_lmdb_store");
  const auto verified =
      storage::verify_lmdb_store(options(Scrub::at_open), [&](const StoreFault& fault) {
        problem("a fault is found: " + fault.where + ": " + fault.what);
      });
  if (!verified.ok()) failures_.push_back(verified.status());
  if (verified.ok() && verified->ids != model_.ids.size()) wrong("verify_lmdb_store");
}

void StoreLife::go_on() {
  if (!store_ || !sticky_.ok()) return;
  const std::size_t before = failures_.size();
  checkpoint([](StoreModel& model, storage::Checkpoint& checkpoint) {
    model.put_record(checkpoint, "went on", "record");
  });
  if (failures_.size() != before) {
    problem("a store that has not failed does not go on: " + failures_.back().to_string());
    failures_.resize(before);
  }
}

void StoreLife::compare(const StoreModel& expected) {
  ::testing::TestPartResultArray results;
  {
    const ::testing::ScopedFakeTestPartResultReporter reporter(
        ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &results);
    expected.compare_all(*store_, kCompared);
  }
  for (int i = 0; i < results.size(); ++i) {
    const ::testing::TestPartResult& result = results.GetTestPartResult(i);
    if (result.failed()) problem(std::string("lost or changed: ") + result.message());
  }
}

void StoreLife::check() {
  close();
  if (threads() != 1) problem("a closed store leaves a thread");
  if (open_descriptors() != descriptors_) problem("a closed store leaves a descriptor");
  if (is_mapped(folder_)) problem("a closed store leaves a mapping");
  auto opened = storage::open_lmdb_store(options(Scrub::at_open));
  if (!opened.ok()) return problem("does not open any more: " + opened.status().to_string());
  store_ = *std::move(opened);
  const Position position = store_->position();
  if (position == model_.position) {
    compare(model_);
  } else if (doubt_ && position == doubt_->position) {
    compare(*doubt_);
  } else {
    problem("opens at position " + std::to_string(position.value) + ", acknowledged was " +
            std::to_string(model_.position.value));
  }
  store_.reset();
  for (const auto& entry : std::filesystem::directory_iterator(directory_in(folder_))) {
    const std::string name = entry.path().filename();
    if (name != "checkpoint.mdb" && name != "checkpoint.mdb-lock" && name != "checkpoint.lock") {
      problem(name + " is left over");
    }
  }
}

}  // namespace ingot::faults
