#pragma once

// StoreVictim: a checkpoint file of several generations, with branch, leaf, overflow and free
// pages, damaged bit by bit, page by page and length by length.
//
// Every case is opened twice: scrubbed wholly, as small files are, and with the roots checked only,
// as large ones are. Then everything in it is read. Each answer is the right one or a refusal; what
// the scrub lets pass has no wrong and no refused answer at all; and `ingot verify`'s reading finds
// a fault whenever one of these refuses. Two cases are special:
//   - an older meta page is the checkpoint before, whole: that is right by itself, and the log has
//     what came after it;
//   - an older page of a tree that is not scrubbed, or a flipped page number that leads to one, can
//     give older values, which are sound one by one. Only reading the whole tells: `ingot verify`
//     has to find it.

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "storage/checkpoint_store.h"
#include "tests/corruption/victim.h"

namespace ingot::corruption {

class StoreVictim final : public Victim {
 public:
  // Makes the store in `directory`, which exists and is empty.
  explicit StoreVictim(std::string directory);
  [[nodiscard]] std::string_view name() const override { return "checkpoint"; }
  [[nodiscard]] const std::vector<DamageKind>& kinds() const override { return kinds_; }
  CaseResult run(std::size_t kind, std::uint64_t number) override;

  struct PageKinds {
    std::uint64_t branch = 0;
    std::uint64_t leaf = 0;
    std::uint64_t overflow = 0;
  };
  [[nodiscard]] PageKinds page_kinds() const;

 private:
  // What every read of a store answered, one hash each.
  using Reads = std::vector<std::uint64_t>;
  struct OldPage {
    std::uint64_t page;
    std::string bytes;
  };

  // Ends at the first refusal, which is returned, or when `answer` returns false.
  static Status read_all(const storage::CheckpointStore& store,
                         const std::function<bool(std::uint64_t)>& answer);
  static Status write_more(storage::CheckpointStore& store);
  [[nodiscard]] Result<std::unique_ptr<storage::CheckpointStore>> open(bool scrubbed) const;
  [[nodiscard]] std::string path() const { return directory_ + "/checkpoint.mdb"; }
  void put_file(std::string_view bytes);
  [[nodiscard]] std::string damaged(std::size_t kind, std::uint64_t number, bool& missing) const;
  CaseResult judge(bool scrubbed, bool may_be_old, bool go_on, bool& refused);
  CaseResult judge_future(bool scrubbed);
  void list_branch_bytes();
  [[nodiscard]] bool leads_to_an_older_page(std::size_t kind, std::uint64_t number) const;
  [[nodiscard]] bool verify_finds_it() const;

  std::string directory_;
  std::string good_;
  std::string on_disk_;    // what put_file() wrote
  bool rewritten_ = true;  // the store has written to the file since
  std::vector<OldPage> old_pages_;
  std::vector<std::uint64_t> branch_bytes_;  // offsets of what branch pages hold
  std::set<std::uint64_t> children_;         // of these: in the numbers of child pages
  Reads expected_;
  Reads expected_before_;  // of the checkpoint before the last one
  Reads expected_after_;   // once write_more() has been done to it
  std::vector<DamageKind> kinds_;
};

}  // namespace ingot::corruption
