#pragma once

// Chooses the packs that are worth writing again: those of which three quarters are dead.
//
// It only remembers what the tables say, so it may forget at any time: after opening, and after a
// checkpoint that was dropped, it reads the dead lists again, some in each checkpoint. The packs of
// one checkpoint are bounded by the number of records that have died before it, and in any case.
// Nothing is rewritten in the first checkpoint after a dropped one: on a full disk it had better be
// small.

#include <cstdint>
#include <map>
#include <vector>

#include "storage/table_reader.h"

namespace ingot::storage {

class PackCompactor {
 public:
  // A new checkpoint begins; `continued`: it follows on the last one that this object worked for.
  // Answers the packs to write again, ascending; they are the caller's now.
  std::vector<std::uint64_t> begin(bool continued);
  // Reads some of the dead lists that have not been looked at since opening.
  Status sweep(TableReader& reader);
  // So many records of `pack` are dead now.
  void note(std::uint64_t pack, std::uint64_t records, std::uint64_t dead);
  // `pack` is no more.
  void forget(std::uint64_t pack) { worth_.erase(pack); }
  // So many records died in this checkpoint.
  void died(std::uint64_t records);

 private:
  std::map<std::uint64_t, std::uint64_t> worth_;  // records by pack
  std::uint64_t owed_ = 0;                        // records to look at, for those that died
  std::uint64_t swept_to_ = 0;  // the lists of all packs before this one were looked at
  bool swept_ = false;
};

}  // namespace ingot::storage
