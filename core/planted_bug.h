#pragma once

// Planted bugs: defects that the tests must catch, one at a time. tests/planted proves that they
// do.
//
// `INGOT_PLANTED(kName)` is false, at compile time, in every build but the preset `planted`; there
// the environment variable INGOT_PLANTED_BUG names the bug that a process has. They stand in
// sources only: headers are compiled into the tests as well, which know nothing of them.

#include <cstdint>

// X(name, what the bug does)
#define INGOT_PLANTED_BUGS_LIST(X)                                                   \
  /* commit-log */                                                                   \
  X(kDurableBeforeWritten, "a batch counts as durable while its write is in flight") \
  X(kForgiveWriteFailure, "a failed write counts as done")                           \
  X(kFreezeWatermark, "no watermark covers the last batch")                          \
  X(kRecordNoDurable, "frames record an old durable position")                       \
  X(kTrimTooFar, "trimming goes beyond the checkpoint")                              \
  X(kAlwaysHasRoom, "the log says that it has room without looking")                 \
  X(kTrustFrames, "the checksum of a frame is not looked at")                        \
  X(kAcceptStaleFrames, "frames of an earlier use of a file are taken for the log")  \
  X(kAcceptMisplacedFrames, "frames are taken wherever they lie")                    \
  X(kIgnoreChain, "a frame need not follow the one before it")                       \
  X(kIgnoreProofs, "damage in the middle of the log passes for its end")             \
  X(kAcceptMissingFacts, "the log may begin behind the checkpoint's end")            \
  X(kReplayCheckpointed, "facts that the checkpoint holds are applied again")        \
  X(kKeepTornTail, "what a torn write has left is not zeroed")                       \
  X(kOpenWithoutSync, "what was read at opening is not made durable")                \
  /* storage */                                                                      \
  X(kTrustValues, "the checksum of a value is not looked at")                        \
  X(kAcceptOldTables, "an old root of a table passes for the present one")           \
  X(kLoseTombstone, "an erased id stays")                                            \
  X(kLoseDeadRecord, "a record that no id names any more is not listed")             \
  X(kDropTombstonesAlways, "merging drops tombstones that still hide something")     \
  X(kNeverStored, "the store's filter denies every id")                              \
  X(kCheckpointAhead, "a checkpoint carries the position behind its own")            \
  /* partition: durability */                                                        \
  X(kAnswerEarly, "the effect gate opens for what is only in the batch")             \
  X(kCheckpointUndurable, "a checkpoint is written before the log holds its facts")  \
  X(kTrimAtCut, "the log is trimmed when a checkpoint begins")                       \
  X(kUnboundedLog, "admission goes on however far the checkpoint is behind")         \
  X(kUnboundedInbox, "an inbox takes any number of requests")                        \
  X(kHoldNothingBack, "requests are taken with memory used up and batches full")     \
  /* partition: checkpoints, memory, recovery */                                     \
  X(kCutWithoutEntities, "a cut leaves out the entities that changed")               \
  X(kListNoWork, "a cut does not list unfinished work")                              \
  X(kLoseTimers, "a cut leaves out new timers")                                      \
  X(kLosePurges, "a cut leaves out purges")                                          \
  X(kKeepEndedRows, "a cut puts the rows of ended instances back")                   \
  X(kEvictUncommitted, "instances are evicted that no checkpoint holds")             \
  X(kEvictNothing, "the memory budget is not looked at")                             \
  X(kTrustOldLoad, "a row read before a checkpoint is taken after it")               \
  X(kReviveEnded, "a row that was loaded brings an ended instance back")             \
  X(kReplayWithoutRows, "replay does not load the instances that facts name")        \
  X(kForgetStoredTimers, "recovery forgets the checkpoint's timers")                 \
  X(kLoseWorkAtOpen, "recovery does not start what was unfinished")                  \
  /* partition: messages between partitions */                                       \
  X(kConfirmEarly, "messages are confirmed before they are durable")                 \
  X(kResendNothing, "recovery sends no unconfirmed message again")                   \
  X(kTakeMessagesTwice, "a message that comes again is taken again")                 \
  X(kForgivePartitions, "files of partitions from different times pass for a hub")   \
  X(kTakeOldReplies, "a reply is taken by an execution that did not ask")            \
  /* partition: requests */                                                          \
  X(kRepeatStarts, "a start that is sent again is not recognised")                   \
  X(kRepeatMessages, "a message that is sent again is not recognised")               \
  X(kForgetStartIds, "applying a start does not remember its request")               \
  X(kForgetMessageIds, "applying a message does not remember its request")           \
  X(kForgetWaiters, "who waits for an end is not answered")                          \
  X(kRetainNothing, "retention purges what has just ended")                          \
  X(kPurgedStayCounted, "a purge is not counted")                                    \
  X(kRewindDropsInbox, "a rewind loses messages that were not consumed")             \
  X(kRewindStartsNothing, "a rewind does not run failed activities again")           \
  /* partition: work and orchestrations */                                           \
  X(kIgnoreFencing, "a worker whose lock was lost may complete")                     \
  X(kNeverExpire, "locks of work items never end")                                   \
  X(kConsumeUnseen, "a worker's step consumes messages that came after its lock")    \
  X(kIgnoreGeneration, "the result of an earlier execution's activity is taken")     \
  X(kTaskStaysPending, "an activity's second result is taken")                       \
  X(kTimerStaysPending, "a fired timer stays pending")                               \
  X(kTimersOutliveExecution, "continue-as-new leaves timers behind")                 \
  X(kKeepGeneration, "continue-as-new does not count executions")                    \
  X(kDropUnconsumed, "continue-as-new loses events that were not consumed")          \
  X(kDropCarryOver, "continue-as-new loses events carried over")                     \
  X(kStartAtOnce, "a scheduled start does not wait")                                 \
  X(kTerminateWaitsForStart, "a termination waits for the scheduled start")          \
  X(kIgnoreSuspension, "a suspension does not set the status")                       \
  X(kOrphanChildren, "a recursive termination spares the children")                  \
  X(kNoReplyOfFailures, "a failed child does not tell its parent")                   \
  /* partition: entities */                                                          \
  X(kKeepLocks, "an orchestration that ends keeps its locks")                        \
  X(kGrantHeldLock, "a lock is granted that another one holds")                      \
  X(kIgnoreLock, "operations do not wait for a lock")                                \
  X(kUnlockForAnyone, "a lock is given back by whoever asks")                        \
  X(kForgetWaitingOperations, "after a batch, what waits goes on waiting")           \
  X(kKeepDeletedState, "deleting an entity's state does nothing")

namespace ingot {

enum class PlantedBug : std::uint8_t {
  kNone,
#define INGOT_PLANTED_NAME(name, what) name,
  INGOT_PLANTED_BUGS_LIST(INGOT_PLANTED_NAME)
#undef INGOT_PLANTED_NAME
};

#ifdef INGOT_PLANTED_BUGS
// The bug that INGOT_PLANTED_BUG names; ends the process on a name that is not known.
[[nodiscard]] PlantedBug planted_bug();
#define INGOT_PLANTED(bug) (::ingot::planted_bug() == ::ingot::PlantedBug::bug)
#else
#define INGOT_PLANTED(bug) (static_cast<void>(::ingot::PlantedBug::bug), false)
#endif

}  // namespace ingot
