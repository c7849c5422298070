// From a history to rows of a timeline: what takes time joins the event that began it with the one
// that ended it; the rest are points.

import { clock, millis } from './format.js';

const kBegins = {
  TaskScheduled: ['activity', 'Activity'],
  TimerCreated: ['timer', 'Timer'],
  SubOrchestrationInstanceCreated: ['child', 'Sub-orchestration'],
  EntityOperationCalled: ['entity', 'Entity call'],
  EntityLockRequested: ['entity', 'Lock'],
};
const kEnds = {
  TaskCompleted: 'done', TaskFailed: 'failed', TimerFired: 'done',
  SubOrchestrationInstanceCompleted: 'done', SubOrchestrationInstanceFailed: 'failed',
  EntityOperationCompleted: 'done', EntityOperationFailed: 'failed', EntityLockGranted: 'done',
};
const kPoints = {
  ExecutionStarted: ['mark', 'Started'], ExecutionCompleted: ['mark', 'Ended'],
  ExecutionTerminated: ['mark', 'Terminate'], ExecutionSuspended: ['mark', 'Suspended'],
  ExecutionResumed: ['mark', 'Resumed'], ExecutionRewound: ['mark', 'Rewound'],
  ContinueAsNew: ['mark', 'Continued as new'], EventRaised: ['event', 'Event'],
  EventSent: ['event', 'Event sent'], EntityOperationSignaled: ['entity', 'Signal'],
  EntityUnlockSent: ['entity', 'Unlock'],
};

// `now`: for what has not ended; absent when nothing can go on.
export function timelineOf(events, now) {
  const rows = [];
  const open = new Map();
  events.forEach((event, i) => {
    const start = millis(event.timestamp);
    const other = event.eventType === 'ExecutionStarted' ? undefined : event.instanceId;
    const row = (kind, title, more) => ({
      key: String(i), kind, title, name: event.name ?? event.lockSet?.join(', ') ?? '', start, end: start, begin: event, other,
      otherTitle: kind === 'child' ? 'Child' : kind === 'entity' ? 'Entity' : 'Instance', ...more,
    });
    if (kBegins[event.eventType]) {
      const [kind, title] = kBegins[event.eventType];
      const made = row(kind, title, { outcome: 'open' });
      if (kind === 'timer') made.name = `due ${clock(event.fireAt)}`;
      rows.push(made);
      open.set(event.eventId, made);
    } else if (kEnds[event.eventType]) {
      const begun = open.get(event.taskScheduledId);
      if (!begun) return;
      open.delete(event.taskScheduledId);
      Object.assign(begun, { outcome: kEnds[event.eventType], end: start, finish: event });
    } else if (kPoints[event.eventType]) {
      const [kind, title] = kPoints[event.eventType];
      const failed = event.orchestrationStatus === 'Failed' || event.eventType === 'ExecutionTerminated';
      rows.push(row(kind, title, { outcome: failed ? 'failed' : 'done', point: true,
                                   name: event.orchestrationStatus ?? event.name ?? '' }));
    }
  });
  const from = Math.min(...rows.map((row) => row.start));
  const last = Math.max(...rows.map((row) => row.end));
  const to = open.size > 0 && now !== undefined ? Math.max(last, now) : last;
  for (const row of open.values()) {
    row.end = to;
    if (now === undefined) row.outcome = 'dropped';
  }
  return { rows, from, to };
}
