// What a hub does: rates, and the load, log and checkpoints of each partition.

import { api } from './app.js';
import { h } from './dom.js';
import { bytes, compact, duration, number } from './format.js';

const kSamples = 45;
const samples = new Map();  // hub -> [{at, facts, events, finished, logBytes}]

function sample(hub, data) {
  const total = (name) => data.partitions.reduce((sum, partition) => sum + partition[name], 0);
  const list = samples.get(hub) ?? [];
  const now = { at: performance.now(), facts: total('facts'), events: total('historyEvents'),
                finished: total('orchestrationsFinished'), log: total('logBytes'),
                parts: data.partitions.map((partition) => partition.facts) };
  // The hub was opened again: its counters began anew.
  if (list.length > 0 && now.facts < list.at(-1).facts) list.length = 0;
  list.push(now);
  if (list.length > kSamples + 1) list.shift();
  samples.set(hub, list);
  return list;
}

function rates(list, pick) {
  const found = [];
  for (let i = 1; i < list.length; ++i) {
    found.push((1000 * (pick(list[i]) - pick(list[i - 1]))) / Math.max(1, list[i].at - list[i - 1].at));
  }
  return found;
}

function curve(values) {
  const top = Math.max(1, ...values);
  const points = values.map((value, i) =>
      `${((i + kSamples - values.length) * 100) / (kSamples - 1)},${(28 - (26 * value) / top).toFixed(2)}`);
  return h('svg', { class: 'curve', viewBox: '0 0 100 30', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
      points.length > 1 && h('polyline', { points: points.join(' ') }));
}

export async function loadView(state, signal) {
  const { data } = await api(state.hub, [], { signal });
  const list = sample(state.hub, data);
  const tile = (title, pick, unit) => {
    const values = rates(list, pick);
    return h('div', { class: 'tile' }, h('h2', {}, title),
        h('p', {}, h('b', {}, values.length ? unit(values.at(-1)) : '–'), h('span', {}, ' / s')), curve(values));
  };
  const live = data.partitions.reduce((sum, partition) => sum + partition.instancesLive, 0);
  const memory = data.partitions.reduce((sum, partition) => sum + partition.memoryBytes, 0);
  const failed = data.partitions.filter((partition) => !partition.up);
  return [
    h('div', { class: 'head' }, h('h1', {}, 'Load')),
    failed.map((partition) => h('section', { class: 'card failure', 'data-key': `failed-${partition.partition}` },
        h('h2', {}, `Partition ${partition.partition} has stopped`), h('pre', { tabindex: '0' }, partition.failure))),
    h('div', { class: 'tiles' },
      tile('Orchestrations ended', (s) => s.finished, compact), tile('History events', (s) => s.events, compact),
      tile('Facts', (s) => s.facts, compact), tile('Log', (s) => s.log, bytes)),
    h('dl', { class: 'facts' },
      fact('Live instances', number(live)), fact('Entities', number(data.entities ?? 0)), fact('Memory', bytes(memory)),
      fact('Log I/O', data.ioBackend),
      fact('Checkpoint stall, 99.9 %', duration(data.checkpointStallSecondsP999 * 1000)),
      fact('Recovery at opening', `${number(data.recoveryFacts)} facts in ${duration(data.recoverySeconds * 1000)}`)),
    h('section', {}, h('h2', {}, 'Partitions'), partitions(data.partitions, list)),
  ];
}

const fact = (title, value) => h('div', {}, h('dt', {}, title), h('dd', {}, value));

function partitions(all, list) {
  const columns = ['Partition', 'Facts / s', 'Live', 'In memory', 'Inbox', 'Refused', 'Log written', 'Since checkpoint', 'Checkpoint', 'Durable position', 'Memory'];
  return h('div', { class: 'sheet' }, h('table', { class: 'rows figures' },
      h('thead', {}, h('tr', {}, columns.map((title, i) => h('th', { scope: 'col', class: i ? 'num' : undefined }, title)))),
      h('tbody', {}, all.map((one, i) => h('tr', { 'data-key': String(one.partition) },
        h('th', { scope: 'row' }, h('span', { class: `dot ${one.up ? 'up' : 'down'}`, title: one.up ? 'works' : 'has stopped' }), one.partition,
          h('span', { class: 'unseen' }, one.up ? ' works' : ' has stopped')),
        h('td', { class: 'num' }, list.length > 1 ? compact(rates(list.slice(-2), (s) => s.parts[i] ?? 0)[0]) : '–'),
        h('td', { class: 'num' }, number(one.instancesLive)),
        h('td', { class: 'num' }, number(one.instancesResident)),
        h('td', { class: 'num' }, number(one.inboxRequests)),
        h('td', { class: `num ${one.requestsRefused > 0 ? 'warn' : ''}` }, number(one.requestsRefused)),
        h('td', { class: 'num' }, bytes(one.logBytes)),
        h('td', { class: 'num' }, bytes(one.logTailBytes)),
        h('td', { class: 'num' }, one.checkpoints > 0 ? `${duration(one.checkpointAgeSeconds * 1000)} ago` : 'none yet'),
        h('td', { class: 'num' }, number(one.durablePosition)),
        h('td', { class: 'num' }, bytes(one.memoryBytes)))))));
}
