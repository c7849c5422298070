// The page's frame: what the address names is shown, and asked for again every few seconds.
//
// All that a view shows is in the address (hub, view, filters, page), so that it can be kept, sent
// to someone, and gone back to.

import { ApiError, hubPath, request, setToken } from './api.js';
import { askForToken } from './dialogs.js';
import { h, show } from './dom.js';
import { entitiesView, entityView } from './entities.js';
import { instanceView } from './instance.js';
import { instancesView } from './instances.js';
import { loadView } from './load.js';

const kRefreshMs = 2000;
const views = { instances: instancesView, instance: instanceView, entities: entitiesView, entity: entityView, load: loadView };
const tabs = [['instances', 'Instances'], ['entities', 'Entities'], ['load', 'Load']];
const parentTab = { instance: 'instances', entity: 'entities' };

const element = (id) => document.getElementById(id);
let hubs = [];
let defaultHub = '';
let paused = false;
let running = null;   // the refresh that is under way
let timer = 0;
let updated = 0;      // when the view was last brought up to date
let shownAddress = null;

// --- the address ---

export function state() {
  const parameters = new URLSearchParams(location.search);
  const all = Object.fromEntries(parameters);
  return { ...all, view: views[all.view] ? all.view : 'instances', hub: all.hub || defaultHub };
}

export function addressOf(parameters) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined || value === null || value === '') continue;
    if (name === 'view' && value === 'instances') continue;
    search.set(name, value);
  }
  const text = search.toString();
  return text ? `/?${text}` : '/';
}

export function go(parameters, { replace = false } = {}) {
  history[replace ? 'replaceState' : 'pushState'](null, '', addressOf(parameters));
  refresh();
}

// A link within the page: the browser's own for a new tab, ours for a plain click.
export function link(parameters, properties, ...children) {
  return h('a', {
    ...properties,
    href: addressOf(parameters),
    onclick: (event) => {
      if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      go(parameters);
    },
  }, ...children);
}

// --- messages ---

export function toast(text, kind = 'good') {
  const note = h('div', { class: `toast ${kind}` }, text);
  element('toasts').append(note);
  setTimeout(() => note.remove(), 6000);
}

function banner(text) {
  element('banner').hidden = !text;
  if (element('banner').textContent !== text) element('banner').textContent = text;
}

// --- refreshing ---

export async function refresh() {
  clearTimeout(timer);
  running?.abort();
  const mine = new AbortController();
  running = mine;
  const moved = shownAddress !== location.search;
  try {
    if (hubs.length === 0 || moved) await readHubs(mine.signal);
    frame();
    const content = await views[state().view](state(), mine.signal);
    if (mine.signal.aborted) return;
    const focus = moved && shownAddress !== null;
    shownAddress = location.search;
    const view = element('view');
    if (moved) view.replaceChildren();
    show(view, content);
    if (focus && document.activeElement === document.body) view.focus({ preventScroll: true });
    if (focus) scrollTo(0, 0);
    updated = Date.now();
    banner('');
  } catch (error) {
    if (mine.signal.aborted || error.name === 'AbortError') return;
    await failed(error, moved);
  }
  freshness();
  if (running === mine) schedule();
}

async function failed(error, moved) {
  if (error instanceof ApiError && error.status === 401) {
    const token = await askForToken(error.message);
    if (token !== null) {
      setToken(token);
    } else {
      setPaused(true);
      banner('Without a token this server shows nothing.');
    }
    return;
  }
  if (!(error instanceof ApiError)) console.error(error);
  if (moved && error.status === 404) {
    shownAddress = location.search;
    show(element('view'), h('div', { class: 'empty' }, h('h1', {}, 'Not found'), h('p', {}, error.message),
        link({ hub: state().hub }, { class: 'button' }, 'All instances')));
    banner('');
    return;
  }
  banner(`${error.message} What is shown may be out of date.`);
}

function schedule() {
  clearTimeout(timer);
  if (!paused && !document.hidden) timer = setTimeout(refresh, kRefreshMs);
}

async function readHubs(signal) {
  const { data } = await request('/api/hubs', { signal });
  hubs = data.hubs;
  defaultHub = hubs.some((hub) => hub.name === data.defaultHub) || hubs.length === 0
      ? data.defaultHub : hubs[0].name;
}

function frame() {
  const { hub, view } = state();
  const known = hubs.some((one) => one.name === hub);
  show(element('hub'), hubs.map((one) => h('option', { value: one.name, 'data-key': one.name },
      one.open ? one.name : `${one.name} (not open)`)), !known && h('option', { value: hub }, hub));
  element('hub').value = hub;
  show(element('tabs'), tabs.map(([name, title]) => link({ hub, view: name },
      { 'aria-current': (parentTab[view] ?? view) === name ? 'page' : undefined }, title)));
  document.title = `${state().id ?? tabs.find(([name]) => name === view)?.[1] ?? 'Ingot'} · Ingot`;
}

function freshness() {
  const s = Math.round((Date.now() - updated) / 1000);
  const text = paused ? 'Paused' : updated === 0 || s > 5 ? 'Waiting…' : 'Live';
  const spot = element('freshness');
  spot.className = paused ? 'paused' : text === 'Live' ? 'fresh' : 'stale';
  if (spot.textContent !== text) spot.textContent = text;
}

// --- actions of views ---

// Does it, tells how it went, and shows the outcome.
export async function act(what, path, options, done) {
  try {
    const { data } = await request(path, options);
    toast(typeof done === 'function' ? done(data) : done);
    refresh();
    return data ?? {};
  } catch (error) {
    toast(`${what}: ${error.message}`, 'bad');
    return null;
  }
}

export const api = (hub, parts, options) => request(hubPath(hub, ...parts), options);

element('hub').addEventListener('change', (event) => {
  const { view } = state();
  go({ hub: event.target.value, view: parentTab[view] ?? view });
});
function setPaused(wanted) {
  paused = wanted;
  element('pause').setAttribute('aria-pressed', String(paused));
  freshness();
  if (!paused) refresh();
}
element('pause').addEventListener('click', () => setPaused(!paused));
document.addEventListener('visibilitychange', () => (document.hidden ? clearTimeout(timer) : refresh()));
addEventListener('popstate', () => refresh());
setInterval(freshness, 1000);
refresh();
