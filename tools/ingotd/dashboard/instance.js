// One instance: what it is, what went in and came out, its history as a timeline, its actions.

import { act, api, go, link } from './app.js';
import { hubPath } from './api.js';
import { ask, checkJson } from './dialogs.js';
import { h } from './dom.js';
import { duration, millis, number, payload, pill, time, timeAgo } from './format.js';
import { timelineOf } from './timeline.js';

const kEvents = 1000;
const kEnded = ['Completed', 'Failed', 'Terminated'];

export async function instanceView(state, signal) {
  const { data: one } = await api(state.hub, ['instances', state.id], {
    query: { payloads: 'text', showHistory: true, showHistoryOutput: true, historyTop: kEvents,
             skip: state.skip, alwaysOk: true },
    signal,
  });
  const ended = kEnded.includes(one.runtimeStatus);
  return [
    h('p', { class: 'crumbs' }, link({ hub: state.hub }, {}, 'Instances'),
      one.parentInstanceId && [' / ', link(at(state, one.parentInstanceId), { class: 'id', title: 'Parent' }, one.parentInstanceId)]),
    h('div', { class: 'head' },
      h('div', { class: 'title' }, h('h1', { class: 'id' }, one.instanceId), h('p', {}, pill(one.runtimeStatus), ' ', h('span', { class: 'name' }, one.name))),
      h('div', { class: 'actions', role: 'group', 'aria-label': 'Actions' }, actions(state, one, ended))),
    facts(state, one, ended),
    one.failureDetails && failure(one.failureDetails),
    h('div', { class: 'pair' },
      h('section', { class: 'card' }, h('h2', {}, 'Input'), payload(one.input)),
      h('section', { class: 'card' }, h('h2', {}, one.runtimeStatus === 'Terminated' ? 'Output (reason)' : 'Output'),
        ended ? payload(one.output) : h('p', { class: 'none' }, 'not ended yet')),
      one.customStatus !== null && h('section', { class: 'card' }, h('h2', {}, 'Custom status'), payload(one.customStatus))),
    h('section', { class: 'card history' },
      h('div', { class: 'head' }, h('h2', {}, 'History'),
        h('div', { class: 'switch', role: 'group', 'aria-label': 'Form' },
          toggle(state, undefined, 'Timeline'), toggle(state, 'events', 'Events'))),
      state.history === 'events' ? events(state, one.historyEvents) : timeline(state, one.historyEvents, ended),
      more(state, one)),
  ];
}

const at = (state, id) => ({ hub: state.hub, view: 'instance', id });

function toggle(state, form, title) {
  return link({ ...at(state, state.id), history: form, skip: state.skip },
              { 'aria-current': state.history === form ? 'true' : undefined }, title);
}

function facts(state, one, ended) {
  const fact = (title, value) => value !== undefined && h('div', {}, h('dt', {}, title), h('dd', {}, value));
  const end = ended ? millis(one.completedTime) : Date.now();
  const tags = Object.entries(one.tags ?? {});
  return h('dl', { class: 'facts' },
      fact('Created', time(one.createdTime)),
      one.scheduledTime && fact('Scheduled for', time(one.scheduledTime)),
      ended ? fact('Ended', time(one.completedTime)) : fact('Last updated', timeAgo(one.lastUpdatedTime)),
      fact(ended ? 'Took' : 'Running for', duration(end - millis(one.createdTime))),
      fact('Parent', one.parentInstanceId ? link(at(state, one.parentInstanceId), { class: 'id' }, one.parentInstanceId) : '–'),
      fact('Events', number(one.historyLength)),
      one.version && fact('Version', one.version),
      fact('Execution', h('code', {}, one.executionId)),
      tags.length > 0 && fact('Tags', tags.map(([key, value]) => h('span', { class: 'tag' }, `${key}: ${value}`))));
}

export function failure(details) {
  return h('section', { class: 'card failure' }, h('h2', {}, 'Failure'), failureBody(details));
}

function failureBody(details) {
  return [h('p', {}, h('b', {}, details.errorType || 'Failure'), details.isNonRetriable && h('span', { class: 'tag' }, 'not retriable')),
    details.errorMessage && h('pre', { tabindex: '0' }, details.errorMessage),
    details.innerFailure && h('div', { class: 'inner' }, h('p', { class: 'none' }, 'caused by'), failureBody(details.innerFailure))];
}

function timeline(state, list, ended) {
  const { rows, from, to } = timelineOf(list, ended ? undefined : Date.now());
  if (rows.length === 0) return h('p', { class: 'none' }, 'Nothing has happened yet.');
  const share = (ms) => `${(to > from ? (100 * (ms - from)) / (to - from) : 0).toFixed(3)}%`;
  return [
    h('div', { class: 'scale', 'aria-hidden': 'true' }, h('span'), h('div', {},
      [0, 0.25, 0.5, 0.75, 1].map((part) => h('span', {}, duration((to - from) * part)))), h('span')),
    h('ol', { class: 'timeline' }, rows.map((row) => h('li', { 'data-key': row.key },
      h('details', { class: `${row.kind} ${row.outcome}` },
        h('summary', {},
          h('span', { class: 'what' }, h('span', { class: 'kind' }, row.title), h('span', { class: 'name' }, row.name)),
          h('span', { class: 'track' }, h('span', { class: row.point ? 'point' : 'span', vars: { '--from': share(row.start), '--to': share(row.end) } })),
          h('span', { class: 'num' }, row.point ? `+${duration(row.start - from)}` : row.outcome === 'open' ? 'open' : duration(row.end - row.start))),
        h('div', { class: 'inside' },
          h('dl', { class: 'facts' },
            h('div', {}, h('dt', {}, row.point ? 'At' : 'From'), h('dd', {}, time(row.begin.timestamp))),
            row.finish && h('div', {}, h('dt', {}, 'To'), h('dd', {}, time(row.finish.timestamp))),
            row.begin.fireAt && h('div', {}, h('dt', {}, 'Due'), h('dd', {}, time(row.begin.fireAt))),
            row.other && h('div', {}, h('dt', {}, row.otherTitle), h('dd', {},
              row.other.startsWith('@') ? entityLink(state, row.other) : link(at(state, row.other), { class: 'id' }, row.other)))),
          part('Input', row.begin.input), part('Result', row.finish?.result ?? row.begin.result), part('Reason', row.begin.reason),
          (row.finish?.failureDetails ?? row.begin.failureDetails) && h('div', { class: 'failure' }, failureBody(row.finish?.failureDetails ?? row.begin.failureDetails))),
      ),
    ))),
  ];
}

function entityLink(state, id) {
  const [, name, ...key] = id.split('@');
  return link({ hub: state.hub, view: 'entity', name, key: key.join('@') }, { class: 'id' }, id);
}

const part = (title, value) => value !== undefined && h('div', { class: 'part' }, h('h3', {}, title), payload(value));

function events(state, list) {
  const skip = Number(state.skip ?? 0);
  return h('div', { class: 'sheet' }, h('table', { class: 'rows events' },
      h('thead', {}, h('tr', {}, ['#', 'Event', 'Name', 'Time', 'Content'].map((title) => h('th', { scope: 'col' }, title)))),
      h('tbody', {}, list.map((event, i) => h('tr', { 'data-key': String(skip + i) },
        h('td', { class: 'num' }, number(skip + i + 1)),
        h('td', {}, event.eventType, event.taskScheduledId !== undefined ? h('span', { class: 'none' }, ` of ${event.taskScheduledId}`)
          : event.eventId !== undefined && h('span', { class: 'none' }, ` ${event.eventId}`)),
        h('td', { class: 'name' }, event.name ?? event.instanceId ?? ''),
        h('td', {}, time(event.timestamp)),
        h('td', { class: 'content' }, brief(event)))))));
}

function brief(event) {
  const value = event.failureDetails ? `${event.failureDetails.errorType}: ${event.failureDetails.errorMessage}`
      : event.input ?? event.result ?? event.reason ?? event.orchestrationStatus;
  if (value === undefined) return '';
  const text = typeof value === 'string' ? value : `base64: ${value.base64}`;
  return h('code', {}, text.length > 160 ? `${text.slice(0, 160)}…` : text);
}

function more(state, one) {
  const skip = Number(state.skip ?? 0);
  if (skip === 0 && one.historyLength <= kEvents) return null;
  const page = (title, to) => link({ ...at(state, state.id), history: state.history, skip: to || undefined }, { class: 'button' }, title);
  return h('nav', { class: 'pager', 'aria-label': 'Pages of the history' },
      h('span', { class: 'none' }, `Events ${number(skip + 1)} to ${number(skip + one.historyEvents.length)} of ${number(one.historyLength)}`),
      skip > 0 && page('Earlier', Math.max(0, skip - kEvents)),
      skip + kEvents < one.historyLength && page('Later', skip + kEvents));
}

// --- actions ---

function actions(state, one, ended) {
  const button = (title, run, kind) => h('button', { type: 'button', class: kind, 'data-key': title, onclick: run }, title);
  const post = async (name, question, done, queryOf = (a) => ({ reason: a.reason })) => {
    const answer = await ask(question);
    if (!answer) return null;
    return act('Not done', hubPath(state.hub, 'instances', state.id, name), { method: 'POST', query: queryOf(answer) }, done);
  };
  const reason = { name: 'reason', label: 'Reason', hint: 'Kept in the history.' };
  if (!ended) {
    const suspended = one.runtimeStatus === 'Suspended';
    return [
      button('Raise event…', () => raiseEvent(state)),
      suspended ? button('Resume…', () => post('resume', { title: 'Resume', confirm: 'Resume', fields: [reason] }, 'Resumed.'))
                : button('Suspend…', () => post('suspend', { title: 'Suspend', confirm: 'Suspend', fields: [reason],
                    text: 'It stands still until it is resumed; what comes for it waits.' }, 'Suspended.')),
      button('Terminate…', () => post('terminate', { title: 'Terminate', confirm: 'Terminate', danger: true,
        text: 'It ends at once. This can’t be undone.',
        fields: [reason, { name: 'recurse', label: 'Its sub-orchestrations too', kind: 'check', value: true }] },
        'Terminated.', (a) => ({ reason: a.reason, recurse: a.recurse })), 'danger'),
    ];
  }
  return [
    one.runtimeStatus === 'Failed' && button('Rewind…', () => post('rewind', { title: 'Rewind', confirm: 'Rewind', fields: [reason],
      text: 'It goes on as if what failed had not failed yet: that runs again.' }, 'Rewound.'), 'primary'),
    button('Restart…', () => restart(state, post)),
    button('Purge…', () => purge(state), 'danger'),
  ];
}

async function raiseEvent(state) {
  const answer = await ask({
    title: 'Raise an event', confirm: 'Raise',
    fields: [{ name: 'name', label: 'Event name', required: true },
             { name: 'data', label: 'Data (JSON)', kind: 'area', check: checkJson }],
  });
  if (!answer) return;
  await act('Not raised', hubPath(state.hub, 'instances', state.id, 'raiseEvent', answer.name.trim()),
            { method: 'POST', body: answer.data.trim() }, 'Event raised.');
}

async function restart(state, post) {
  const made = await post('restart', {
    title: 'Restart', confirm: 'Restart', text: 'Starts the orchestrator again, with the same input.',
    fields: [{ name: 'fresh', label: 'Under a new id (otherwise this one is replaced)', kind: 'check', value: true }],
  }, 'Started again.', (a) => ({ restartWithNewInstanceId: a.fresh }));
  if (made?.id && made.id !== state.id) go(at(state, made.id));
}

async function purge(state) {
  const answer = await ask({
    title: 'Purge this instance', confirm: 'Purge', danger: true,
    text: 'It is forgotten, with its history. This can’t be undone.',
    fields: [{ name: 'recursive', label: 'With its finished sub-orchestrations', kind: 'check' }],
  });
  if (!answer) return;
  const gone = await act('Not purged', hubPath(state.hub, 'instances', state.id),
                         { method: 'DELETE', query: { recursive: answer.recursive } }, 'Purged.');
  if (gone) go({ hub: state.hub });
}
