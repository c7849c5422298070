// How numbers, times and payloads are shown.

import { h } from './dom.js';

const kLong = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const kClock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const kNumber = new Intl.NumberFormat();
const kCompact = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 });

export const number = (value) => kNumber.format(value);
export const compact = (value) => (value < 10000 ? kNumber.format(Math.round(value)) : kCompact.format(value));

export function bytes(value) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    ++unit;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

export function duration(ms) {
  if (!Number.isFinite(ms) || ms < 0) return '–';
  if (ms === 0) return '0 s';
  if (ms < 1) return `${Math.round(ms * 1000)} µs`;
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 60) return `${s < 10 ? s.toFixed(2) : s.toFixed(1)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.round((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.round((s % 86400) / 3600)} h`;
}

// Milliseconds since the epoch, with the microseconds that a Date would lose.
export function millis(iso) {
  if (!iso) return NaN;
  const micros = /\.\d{3}(\d{1,3})/.exec(iso)?.[1] ?? '0';
  return Date.parse(iso) + Number(micros.padEnd(3, '0')) / 1000;
}

export function ago(iso) {
  const s = (Date.now() - Date.parse(iso)) / 1000;
  if (s < -1) return `in ${coarse(-s)}`;
  if (s < 2) return 'just now';
  return `${coarse(s)} ago`;
}
function coarse(s) {
  if (s < 60) return `${Math.floor(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86400)} d`;
}

export const clock = (iso) => (iso ? kClock.format(new Date(iso)) : '–');
export const time = (iso) =>
    iso ? h('time', { datetime: iso, title: iso }, kLong.format(new Date(iso))) : '–';
export const timeAgo = (iso) =>
    iso ? h('time', { datetime: iso, title: `${kLong.format(new Date(iso))} · ${iso}` }, ago(iso)) : '–';

export const pill = (status) =>
    h('span', { class: `pill ${status.toLowerCase()}` }, h('i', { 'aria-hidden': 'true' }), status);

const kShown = 20000;

// A payload as it was stored: laid out when it is JSON that a browser can hold exactly.
export function payload(value) {
  if (value === null || value === undefined) return h('p', { class: 'none' }, 'none');
  let text = typeof value === 'string' ? value : `base64: ${value.base64}`;
  let kind = typeof value === 'string' ? 'text' : 'binary';
  if (kind === 'text' && text.length < 500000 && !/\d{16}/.test(text)) {
    try {
      const parsed = JSON.parse(text);
      text = JSON.stringify(parsed, null, 2);
      kind = 'JSON';
    } catch {
      // Not JSON: shown as it is.
    }
  }
  if (text === '') return h('p', { class: 'none' }, 'empty text');
  const long = text.length > kShown;
  const pre = h('pre', { tabindex: '0', 'aria-label': kind }, long ? text.slice(0, kShown) : text);
  if (!long) return pre;
  return h('div', {}, pre, h('p', { class: 'none' },
      `The first ${number(kShown)} of ${number(text.length)} characters; the API gives it whole.`));
}
