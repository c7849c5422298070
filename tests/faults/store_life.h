#pragma once

// StoreLife: what is asked of one checkpoint store while calls fail, and the proof afterwards, with
// nothing failing, that the store is exactly what was acknowledged.
//
// Each answer is judged at once: an answer that is no failure has to be the model's, and after a
// failure of the store's own every further answer has to be that failure. A checkpoint whose
// commit() failed in another way than by a full disk is in doubt: the store is then the one before
// it or the one with it, wholly.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/checkpoint_store.h"
#include "tests/storage/store_model.h"

namespace ingot::faults {

class StoreLife {
 public:
  enum class Scrub : std::uint8_t { at_open, behind, never };
  // Says to a checkpoint what it says to the model.
  using Changes = std::function<void(storage::StoreModel&, storage::Checkpoint&)>;

  // The store lies in `folder`/checkpoint and holds what `model` does.
  StoreLife(const std::string& folder, storage::StoreModel model);

  [[nodiscard]] static std::string directory_in(const std::string& folder) {
    return folder + "/checkpoint";
  }
  [[nodiscard]] const storage::StoreModel& model() const { return model_; }

  // --- what is asked while something fails; without a store nothing is.
  void open(Scrub scrub);
  void checkpoint(const Changes& changes);
  // Every kind of read, of some of what there is.
  void read();
  // What it counts; a file's size that can't be had is 0 and no failure.
  void count();
  void scrub();
  // Until the scrub behind the opening has ended.
  void wait_for_scrubber();
  void close();
  // A look at the closed store.
  void verify();

  // --- afterwards, when nothing fails any more.
  // A store that has not failed for good takes a checkpoint.
  void go_on();
  // Closes the store, opens it and compares all of it with the model; nothing is left over.
  void check();

  // What was answered, other than success.
  [[nodiscard]] const std::vector<Status>& failures() const { return failures_; }
  // Checkpoints that were acknowledged.
  [[nodiscard]] std::uint64_t kept() const { return kept_; }
  // What must not be.
  [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }

 private:
  [[nodiscard]] storage::LmdbStoreOptions options(Scrub scrub) const;
  // Keeps a failure; true when there is none. `asked` is for problems.
  bool hear(const Status& status, std::string_view asked);
  void find(const std::string& id);
  void scan(std::string_view prefix, const std::string& after, std::size_t limit,
            storage::ScanOrder order, storage::ScanRecords records);
  void scan_records(storage::ScanOrder order);
  void read_row(std::uint64_t sequence);
  void read_blob(const std::string& name);
  void read_entries();
  void compare(const storage::StoreModel& expected);
  void wrong(std::string_view asked) { problem(std::string(asked) + ": a wrong answer"); }
  void problem(std::string what) { problems_.push_back(std::move(what)); }

  const std::string folder_;
  storage::StoreModel model_;                 // acknowledged
  std::optional<storage::StoreModel> doubt_;  // of unknown outcome
  std::uint64_t asked_;                       // the last position
  std::uint64_t kept_ = 0;
  std::unique_ptr<storage::CheckpointStore> store_;
  bool two_threads_ = false;  // a scrubber reads as well, and may meet another failure first
  Status sticky_;             // the store's own failure
  std::vector<Status> failures_;
  std::vector<std::string> problems_;
  std::size_t descriptors_;
};

}  // namespace ingot::faults
