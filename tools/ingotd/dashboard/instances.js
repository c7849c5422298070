// Many instances: counts by status that filter, further filters, a page of rows.

import { act, api, go, link, toast } from './app.js';
import { hubPath } from './api.js';
import { ask, checkJson } from './dialogs.js';
import { h } from './dom.js';
import { compact, number, pill, timeAgo, millis, duration } from './format.js';

const kStatuses = ['Running', 'Pending', 'Suspended', 'Completed', 'Failed', 'Terminated'];
const kTop = 50;
const kFilters = ['status', 'prefix', 'name', 'from', 'to', 'order'];

const statusesOf = (state) => (state.status ? state.status.split(',') : []);
const filtersOf = (state) =>
    Object.fromEntries([['hub', state.hub], ...kFilters.map((name) => [name, state[name]])]);

function apiQuery(state) {
  const local = (text) => (text ? new Date(text).toISOString() : undefined);
  return { runtimeStatus: state.status, instanceIdPrefix: state.prefix, name: state.name,
           createdTimeFrom: local(state.from), createdTimeTo: local(state.to) };
}

export async function instancesView(state, signal) {
  const query = { ...apiQuery(state), top: kTop, showPayloads: false,
                  descending: state.order !== 'asc' };
  const [page, counts] = await Promise.all([
    api(state.hub, ['instances'], { query, token: state.page, signal }),
    api(state.hub, ['counts'], { signal }),
  ]);
  return [
    h('div', { class: 'head' }, h('h1', {}, 'Instances'),
      h('div', { class: 'actions' },
        h('button', { type: 'button', onclick: () => purgeMany(state) }, 'Purge…'),
        h('button', { type: 'button', class: 'primary', onclick: () => start(state) }, 'Start…'))),
    chips(state, counts.data.instances),
    filters(state),
    page.data.length === 0 ? nothing(state) : table(state, page.data),
    pager(state, page.next),
  ];
}

function chips(state, counts) {
  const chosen = statusesOf(state);
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const chip = (title, count, active, status) => link(
      { ...filtersOf(state), status },
      { class: `chip ${title.toLowerCase()}`, 'aria-current': active ? 'true' : undefined, title: number(count) },
      h('span', { class: 'label' }, h('i', { 'aria-hidden': 'true' }), title), h('b', {}, compact(count)));
  return h('div', { class: 'chips', role: 'group', 'aria-label': 'Filter by status' },
      chip('All', total, chosen.length === 0, undefined),
      kStatuses.map((status) =>
          chip(status, counts[status] ?? 0, chosen.includes(status),
               chosen.length === 1 && chosen[0] === status ? undefined : status)));
}

function filters(state) {
  const changed = (name) => (event) =>
      go({ ...filtersOf(state), [name]: event.target.value.trim() }, { replace: false });
  const field = (name, label, type, placeholder) => h('label', {}, h('span', {}, label),
      h('input', { type, name, value: state[name] ?? '', placeholder, spellcheck: 'false', autocomplete: 'off',
                   step: type === 'datetime-local' ? '1' : undefined, onchange: changed(name) }));
  const any = kFilters.some((name) => name !== 'order' && state[name]);
  return h('form', { class: 'filters', role: 'search', onsubmit: (event) => event.preventDefault() },
      field('prefix', 'Id begins with', 'search', 'any'),
      field('name', 'Orchestrator', 'search', 'any'),
      field('from', 'Created from', 'datetime-local'),
      field('to', 'Created before', 'datetime-local'),
      h('label', {}, h('span', {}, 'Order'),
        h('select', { name: 'order', value: state.order ?? 'desc', onchange: changed('order') },
          h('option', { value: 'desc', selected: state.order !== 'asc' }, 'Highest id first'),
          h('option', { value: 'asc', selected: state.order === 'asc' }, 'Lowest id first'))),
      any && link({ hub: state.hub, order: state.order }, { class: 'clear' }, 'Clear'));
}

function table(state, instances) {
  return h('div', { class: 'sheet' }, h('table', { class: 'rows list' },
      h('thead', {}, h('tr', {}, ['Instance', 'Orchestrator', 'Status', 'Created', 'Updated', 'Took']
          .map((title, i) => h('th', { scope: 'col', class: i === 5 ? 'aside num' : i > 2 ? 'aside' : undefined }, title)))),
      h('tbody', {}, instances.map((one) => h('tr', { 'data-key': one.instanceId },
          h('td', { class: 'id' }, link({ hub: state.hub, view: 'instance', id: one.instanceId }, {}, one.instanceId)),
          h('td', { class: 'name' }, one.name),
          h('td', {}, pill(one.runtimeStatus)),
          h('td', { class: 'aside' }, timeAgo(one.createdTime)),
          h('td', { class: 'aside' }, timeAgo(one.lastUpdatedTime)),
          h('td', { class: 'aside num' },
            one.completedTime ? duration(millis(one.completedTime) - millis(one.createdTime)) : '–'))))));
}

function nothing(state) {
  const any = kFilters.some((name) => name !== 'order' && state[name]);
  return h('div', { class: 'empty' },
      h('p', {}, any ? 'No instance matches these filters.' : 'This task hub has no instances yet.'),
      any ? link({ hub: state.hub }, { class: 'button' }, 'Show all')
          : h('p', { class: 'hint' }, 'Start one here, or from a program that uses a Durable Task SDK.'));
}

function pager(state, next) {
  if (!next && !state.page) return null;
  const step = (title, page) => link({ ...filtersOf(state), page }, { class: 'button' }, title);
  return h('nav', { class: 'pager', 'aria-label': 'Pages' },
      state.page && step('First page', undefined), next && step('Next page', decodeURIComponent(next)));
}

async function start(state) {
  const answer = await ask({
    title: 'Start an instance', confirm: 'Start',
    fields: [
      { name: 'name', label: 'Orchestrator', required: true, value: state.name },
      { name: 'id', label: 'Instance id', hint: 'Empty: the hub makes one.' },
      { name: 'input', label: 'Input (JSON)', kind: 'area', check: checkJson },
    ],
  });
  if (!answer) return;
  const parts = ['orchestrators', answer.name.trim(), ...(answer.id.trim() ? [answer.id.trim()] : [])];
  const made = await act('Not started', hubPath(state.hub, ...parts), { method: 'POST', body: answer.input.trim() },
                         'Started.');
  if (made?.id) go({ hub: state.hub, view: 'instance', id: made.id });
}

async function purgeMany(state) {
  const query = apiQuery(state);
  const filtered = Object.values(query).some(Boolean);
  const answer = await ask({
    title: 'Purge finished instances', danger: true, confirm: 'Purge',
    text: filtered ? 'All finished instances that match the filters are forgotten, with their histories. This can’t be undone.'
                   : 'No filter is set: every finished instance of this hub is forgotten, with its history. This can’t be undone.',
    fields: [
      { name: 'recursive', label: 'With their finished sub-orchestrations', kind: 'check' },
      ...(filtered ? [] : [{ name: 'sure', label: `Type the hub’s name, ${state.hub}, to confirm`, required: true,
                             check: (text) => (text === state.hub ? undefined : 'That is not the name of the hub.') }]),
    ],
  });
  if (!answer) return;
  let purged = 0;
  for (let complete = false; !complete;) {
    const data = await act('Purging', hubPath(state.hub, 'instances'),
        { method: 'DELETE', query: { ...query, recursive: answer.recursive, all: filtered ? undefined : true } },
        (result) => `Purged ${number(purged + result.instancesDeleted)}${result.complete ? '.' : ' so far…'}`);
    if (!data) return;
    purged += data.instancesDeleted;
    complete = data.complete;
  }
  if (purged === 0) toast('Nothing that is finished matched.', 'plain');
}
