// Building and changing the page. Data only ever becomes text nodes and attribute values, never
// markup. morph() turns what is shown into what is wanted with the least change, so that a refresh
// moves no focus, selection, scroll position or open details.

export function h(tag, properties, ...children) {
  const svg = tag === 'svg' || tag === 'polyline' || tag === 'path';
  const element = svg ? document.createElementNS('http://www.w3.org/2000/svg', tag)
                      : document.createElement(tag);
  element.handlers = {};
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) {
      listen(element, name.slice(2), value);
    } else if (name === 'vars') {
      for (const [key, amount] of Object.entries(value)) element.style.setProperty(key, amount);
    } else if (name === 'value') {
      element.value = value;
      element.setAttribute('value', value);
    } else {
      element.setAttribute(name, value === true ? '' : value);
    }
  }
  add(element, children);
  return element;
}

function listen(element, type, handler) {
  if (!element.handlers[type]) {
    element.addEventListener(type, (event) => element.handlers[type]?.(event));
  }
  element.handlers[type] = handler;
}

function add(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.getAttribute('data-key') : null);
const alike = (a, b) =>
    a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b);

export function show(container, ...children) {
  const wanted = document.createElement('div');
  add(wanted, children);
  morphChildren(container, wanted);
}

function morph(shown, wanted) {
  if (shown.nodeType !== Node.ELEMENT_NODE) {
    if (shown.data !== wanted.data) shown.data = wanted.data;
    return;
  }
  for (const { name } of [...shown.attributes]) {
    // Whether details are open is the reader's choice.
    if (!wanted.hasAttribute(name) && !(name === 'open' && shown.nodeName === 'DETAILS')) {
      shown.removeAttribute(name);
    }
  }
  for (const { name, value } of wanted.attributes) {
    if (name === 'style' || (name === 'open' && shown.nodeName === 'DETAILS')) continue;
    if (shown.getAttribute(name) !== value) shown.setAttribute(name, value);
  }
  if (shown.style && shown.style.cssText !== wanted.style.cssText) {
    shown.style.cssText = wanted.style.cssText;
  }
  for (const [type, handler] of Object.entries(wanted.handlers ?? {})) {
    shown.handlers ??= {};
    listen(shown, type, handler);
  }
  const field = shown.nodeName === 'INPUT' || shown.nodeName === 'SELECT';
  if (shown.nodeName !== 'SELECT') morphChildren(shown, wanted);
  else if (shown.textContent !== wanted.textContent) morphChildren(shown, wanted);
  if (field && document.activeElement !== shown && shown.value !== wanted.value) {
    shown.value = wanted.value;
  }
}

function morphChildren(shown, wanted) {
  const keyed = new Map();
  for (const child of shown.childNodes) {
    const key = keyOf(child);
    if (key !== null) keyed.set(key, child);
  }
  let at = shown.firstChild;
  for (const child of [...wanted.childNodes]) {
    const key = keyOf(child);
    let match = key !== null ? keyed.get(key) : at;
    while (key === null && match && keyOf(match) !== null) match = match.nextSibling;
    if (match && alike(match, child)) {
      if (match === at) at = at.nextSibling;
      else shown.insertBefore(match, at);
      morph(match, child);
    } else {
      shown.insertBefore(child, at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}
