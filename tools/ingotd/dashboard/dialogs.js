// Questions: a token, and whether and how an action is meant.

import { h, show } from './dom.js';

// Opens the page's dialog; resolves to what the form held, or null when it was dismissed.
//   fields: [{name, label, kind: 'text' | 'area' | 'check' | 'secret', value, required, hint, check}]
// `check` gives why a value is wrong, or nothing.
export function ask({ title, text, fields = [], confirm, danger = false }) {
  const dialog = document.getElementById('dialog');
  return new Promise((resolve) => {
    let answer = null;
    const inputs = new Map();
    const fault = h('p', { class: 'fault', role: 'alert' });
    const rows = fields.map((field) => {
      const id = `field-${field.name}`;
      const common = { id, name: field.name, autocomplete: 'off', spellcheck: 'false', required: field.required };
      const input = field.kind === 'area' ? h('textarea', { ...common, rows: '6' })
          : field.kind === 'check' ? h('input', { ...common, type: 'checkbox' })
          : h('input', { ...common, type: field.kind === 'secret' ? 'password' : 'text' });
      if (field.kind === 'check') input.checked = Boolean(field.value);
      else if (field.value) input.value = field.value;
      inputs.set(field.name, input);
      const label = h('label', { for: id }, field.label);
      const hint = field.hint && h('p', { class: 'hint' }, field.hint);
      return field.kind === 'check' ? h('div', { class: 'check' }, input, label, hint)
          : h('div', { class: 'field' }, label, input, hint);
    });
    const form = h('form', {
      onsubmit: (event) => {
        event.preventDefault();
        const values = {};
        for (const field of fields) {
          const input = inputs.get(field.name);
          values[field.name] = field.kind === 'check' ? input.checked : input.value;
          const wrong = field.check?.(values[field.name]);
          if (wrong) {
            fault.textContent = wrong;
            input.focus();
            return;
          }
        }
        answer = values;
        dialog.close();
      },
    },
    h('h2', { id: 'dialog-title' }, title), text && h('p', {}, text), rows, fault,
    h('div', { class: 'buttons' },
      h('button', { type: 'button', class: 'quiet', onclick: () => dialog.close() }, 'Cancel'),
      h('button', { type: 'submit', class: danger ? 'danger' : 'primary' }, confirm)));
    dialog.replaceChildren(form);
    dialog.onclose = () => {
      dialog.replaceChildren();
      resolve(answer);
    };
    if (!dialog.open) dialog.showModal();
  });
}

export async function askForToken(text) {
  const answer = await ask({
    title: 'This server asks for a token', text, confirm: 'Continue',
    fields: [{ name: 'token', label: 'Token', kind: 'secret', required: true,
               hint: 'Kept by this tab of the browser until it is closed.' }],
  });
  return answer ? answer.token.trim() : null;
}

export function checkJson(text) {
  if (text.trim() === '') return undefined;
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return `Not JSON: ${error.message}. A text has to be in quotes.`;
  }
}
