// Entities: a page of them, and one with its state.

import { act, api, go, link } from './app.js';
import { hubPath } from './api.js';
import { ask, checkJson } from './dialogs.js';
import { h } from './dom.js';
import { number, payload, time, timeAgo } from './format.js';

export async function entitiesView(state, signal) {
  const page = await api(state.hub, ['entities'],
      { query: { prefix: state.prefix, top: 50, includeTransient: state.transient }, token: state.page, signal });
  const keep = { hub: state.hub, view: 'entities', prefix: state.prefix, transient: state.transient };
  return [
    h('div', { class: 'head' }, h('h1', {}, 'Entities'), h('div', { class: 'actions' },
      h('button', { type: 'button', class: 'primary', onclick: () => signal_(state.hub) }, 'Signal…'))),
    h('form', { class: 'filters', role: 'search', onsubmit: (event) => event.preventDefault() },
      h('label', {}, h('span', {}, 'Id begins with'),
        h('input', { type: 'search', name: 'prefix', value: state.prefix ?? '', placeholder: '@name@key', spellcheck: 'false',
                     onchange: (event) => go({ ...keep, prefix: event.target.value.trim() }) })),
      h('label', {}, h('span', {}, 'Show'),
        h('select', { name: 'transient', value: state.transient ?? '', onchange: (event) => go({ ...keep, transient: event.target.value }) },
          h('option', { value: '', selected: !state.transient }, 'With state'),
          h('option', { value: 'true', selected: Boolean(state.transient) }, 'All')))),
    page.data.length === 0
        ? h('div', { class: 'empty' }, h('p', {}, state.prefix ? 'No entity matches.' : 'This task hub has no entities yet.'))
        : h('div', { class: 'sheet' }, h('table', { class: 'rows' },
            h('thead', {}, h('tr', {}, ['Entity', 'Key', 'Last operation', 'Queued', 'Locked by']
                .map((title, i) => h('th', { scope: 'col', class: i === 3 ? 'aside num' : i > 1 ? 'aside' : undefined }, title)))),
            h('tbody', {}, page.data.map((one) => h('tr', { 'data-key': `${one.entityId.name}@${one.entityId.key}` },
              h('td', { class: 'name' }, one.entityId.name),
              h('td', { class: 'id' }, link({ hub: state.hub, view: 'entity', name: one.entityId.name, key: one.entityId.key }, {},
                one.entityId.key || '(empty)')),
              h('td', { class: 'aside' }, timeAgo(one.lastOperationTime)),
              h('td', { class: 'aside num' }, number(one.queuedOperations)),
              h('td', { class: 'aside id' }, one.lockedBy ? instanceLink(state.hub, one.lockedBy) : '–')))))),
    (page.next || state.page) && h('nav', { class: 'pager', 'aria-label': 'Pages' },
      state.page && link(keep, { class: 'button' }, 'First page'),
      page.next && link({ ...keep, page: decodeURIComponent(page.next) }, { class: 'button' }, 'Next page')),
  ];
}

const instanceLink = (hub, id) => link({ hub, view: 'instance', id }, {}, id);

export async function entityView(state, signal) {
  const { data } = await api(state.hub, ['entities', state.name, state.key ?? ''],
      { query: { details: true, payloads: 'text' }, signal });
  return [
    h('p', { class: 'crumbs' }, link({ hub: state.hub, view: 'entities' }, {}, 'Entities'), ' / ',
      link({ hub: state.hub, view: 'entities', prefix: `@${state.name}@` }, {}, state.name)),
    h('div', { class: 'head' }, h('h1', { class: 'id' }, `@${state.name}@${state.key ?? ''}`), h('div', { class: 'actions' },
      h('button', { type: 'button', class: 'primary', onclick: () => signal_(state.hub, state.name, state.key) }, 'Signal…'))),
    h('dl', { class: 'facts' },
      fact('Last operation', time(data.lastOperationTime)), fact('Created', time(data.createdTime)),
      fact('Queued operations', number(data.queuedOperations)),
      fact('Locked by', data.lockedBy ? instanceLink(state.hub, data.lockedBy) : '–')),
    h('section', { class: 'card' }, h('h2', {}, 'State'), payload(data.state)),
  ];
}

const fact = (title, value) => h('div', {}, h('dt', {}, title), h('dd', {}, value));

async function signal_(hub, name, key) {
  const answer = await ask({
    title: 'Signal an entity', confirm: 'Signal',
    text: 'An entity that does not exist comes into being.',
    fields: [
      { name: 'name', label: 'Entity', required: true, value: name },
      { name: 'key', label: 'Key', value: key },
      { name: 'op', label: 'Operation', required: true },
      { name: 'input', label: 'Input (JSON)', kind: 'area', check: checkJson },
    ],
  });
  if (!answer) return;
  await act('Not signalled', hubPath(hub, 'entities', answer.name.trim(), answer.key.trim()),
            { method: 'POST', query: { op: answer.op.trim() }, body: answer.input.trim() }, 'Signalled.');
}
