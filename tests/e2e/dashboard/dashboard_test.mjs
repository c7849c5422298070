// dashboard_test.mjs SERVER CHROMIUM CHROMEDRIVER SCRATCH
//
// Uses the dashboard as a person does: reads, filters, pages, opens, acts. Ends with 0 when all of
// it holds, and leaves screenshots in SCRATCH.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { Browser, endProgram, startProgram } from './webdriver.mjs';

const [server, chromium, chromedriver, scratch] = process.argv.slice(2);
const kEvil = '<script>window.hacked=1</script>';
mkdirSync(scratch, { recursive: true });

let browser;
let base;
const rows = () => browser.texts('.rows tbody tr td.id');
const statuses = () => browser.texts('.rows tbody .pill');
const parameter = async (name) => new URL(await browser.url()).searchParams.get(name);
const heading = (text) => browser.until(`heading ${text}`, async () => (await browser.texts('h1'))[0] === text);
const status = (text) => browser.until(`status ${text}`, async () => (await browser.texts('.title .pill'))[0] === text);
const shot = (name) => browser.screenshot(`${scratch}/${name}.png`);
const openInstance = async (id) => {
  await browser.open(`${base}/?hub=default&view=instance&id=${encodeURIComponent(id)}`);
  await heading(id);
};

const steps = {
  async 'the list shows instances and counts'() {
    await browser.open(base);
    await heading('Instances');
    const list = await browser.until('rows', async () => {
      const found = await rows();
      return found.length === 50 && found;
    });
    assert.deepEqual(list, [...list].sort().reverse());
    // 66 were started, and the order has a child.
    assert.equal((await browser.texts('.chip.all b'))[0], '67');
    assert.equal((await browser.texts('.chip.failed b'))[0], '1');
    assert.equal((await browser.texts('.chip.running b'))[0], '3');
    await shot('instances');
  },

  async 'filters are kept in the address'() {
    await browser.click('.chip.failed');
    await browser.until('one row', async () => (await rows()).join() === 'payment-7');
    assert.equal(await parameter('status'), 'Failed');
    assert.deepEqual(await statuses(), ['Failed']);
    await browser.reload();
    await browser.until('the same row', async () => (await rows()).join() === 'payment-7');
    await browser.back();
    await browser.until('all rows', async () => (await rows()).length === 50);
    await browser.type('input[name=prefix]', 'batch-01\n');
    await browser.until('ten rows', async () => (await rows()).length === 10);
    assert.equal(await parameter('prefix'), 'batch-01');
    await browser.run("const s = document.querySelector('select[name=order]'); s.value = 'asc'; s.dispatchEvent(new Event('change', {bubbles: true}))");
    await browser.until('in order', async () => (await rows())[0] === 'batch-010');
    await browser.click('a.clear', 'Clear');
    await browser.until('all rows', async () => (await rows()).length === 50);
    assert.equal(await parameter('prefix'), null);
  },

  async 'pages follow each other'() {
    await browser.open(base);
    const first = await browser.until('rows', async () => {
      const found = await rows();
      return found.length === 50 && found;
    });
    await browser.click('.pager a', 'Next page');
    const second = await browser.until('the rest', async () => {
      const found = await rows();
      return found.length === 17 && found;
    });
    assert.equal(second.some((id) => first.includes(id)), false);
    assert.ok(await parameter('page'));
    await browser.click('.pager a', 'First page');
    await browser.until('the first page', async () => (await rows()).join() === first.join());
  },

  async 'data is never markup'() {
    await browser.open(`${base}/?hub=default&prefix=%3Cscript`);
    await browser.click('.rows td.id a', kEvil);
    await heading(kEvil);
    await browser.until('payloads', async () => (await browser.texts('.pair pre')).length === 2);
    for (const text of await browser.texts('.card pre')) assert.equal(text, `"<img src=x onerror='window.hacked=1'>"`);
    assert.equal(await browser.run('return window.hacked ?? null'), null);
    assert.equal(await browser.run("return document.querySelectorAll('main script, main img').length"), 0);
    // Nor does the address become any.
    await browser.open(`${base}/?hub=${encodeURIComponent(kEvil)}&view=instance&id=${encodeURIComponent(kEvil)}`);
    await heading('Not found');
    assert.equal(await browser.run('return window.hacked ?? null'), null);
  },

  async 'an instance leads to its child and back'() {
    await openInstance('order-1001');
    await status('Completed');
    const kinds = await browser.texts('.timeline .kind');
    assert.deepEqual(kinds, ['Started', 'Sub-orchestration', 'Entity call', 'Ended']);
    await browser.click('.timeline li:nth-child(2) summary');
    await shot('instance');
    await browser.click('.timeline a.id', 'order-1001-greetings');
    await heading('order-1001-greetings');
    assert.deepEqual(await browser.texts('.timeline .kind'), ['Started', 'Activity', 'Timer', 'Activity', 'Ended']);
    await shot('timeline');
    await browser.click('.facts a.id', 'order-1001');
    await heading('order-1001');
    await browser.click('.switch a', 'Events');
    await browser.until('events', async () => (await browser.texts('.events tbody tr')).length > 5);
    assert.equal(await parameter('history'), 'events');
  },

  async 'a refresh moves nothing'() {
    await openInstance('approval-1');
    await status('Running');
    await browser.click('.timeline summary');
    await browser.run("document.querySelector('.timeline li').mark = 1; document.querySelector('h1').mark = 1");
    await browser.run("window.changes = 0; new MutationObserver((all) => { window.changes += all.filter((m) => m.type === 'childList').length; }).observe(document.querySelector('#view'), {childList: true, subtree: true})");
    await browser.run("window.asked = 0; const before = window.fetch; window.fetch = (...a) => { ++window.asked; return before(...a); }");
    await browser.until('two refreshes', async () => (await browser.run('return window.asked')) >= 3);
    assert.equal(await browser.run("return document.querySelector('.timeline li').mark"), 1);
    assert.equal(await browser.run("return document.querySelector('h1').mark"), 1);
    assert.equal(await browser.run("return document.querySelector('.timeline details').open"), true);
    assert.equal(await browser.run('return window.changes'), 0);
    // What is being typed stays, too.
    await browser.open(base);
    await heading('Instances');
    await browser.until('a field', () => browser.find('input[name=prefix]'));
    await browser.click('input[name=prefix]');
    await browser.run("document.activeElement.value = 'half a wo'; window.asked = 0; const before = window.fetch; window.fetch = (...a) => { ++window.asked; return before(...a); }");
    await browser.until('two refreshes', async () => (await browser.run('return window.asked')) >= 5);
    assert.equal(await browser.run('return document.activeElement.value'), 'half a wo');
  },

  async 'events are raised, and the page follows'() {
    await openInstance('approval-1');
    await browser.click('.actions button', 'Raise event…');
    await browser.type('#field-name', 'approve');
    await browser.type('#field-data', 'not json');
    await browser.click('dialog button[type=submit]');
    assert.match((await browser.texts('dialog .fault'))[0], /^Not JSON/);
    await shot('dialog');
    await browser.type('#field-data', '{"by": "Ada"}');
    await browser.click('dialog button[type=submit]');
    await status('Completed');
    assert.ok((await browser.texts('.card pre')).some((text) => text.includes('"Ada"')));
    assert.ok((await browser.texts('.timeline .name')).includes('approve'));
  },

  async 'suspend, resume, terminate: asked first'() {
    await openInstance('approval-2');
    await browser.click('.actions button', 'Suspend…');
    await browser.type('#field-reason', 'lunch');
    await browser.click('dialog button', 'Suspend');
    await status('Suspended');
    await browser.click('.actions button', 'Resume…');
    await browser.click('dialog button', 'Resume');
    await status('Running');
    await browser.click('.actions button', 'Terminate…');
    await browser.click('dialog button', 'Cancel');
    await browser.click('.actions button', 'Terminate…');
    await browser.type('#field-reason', 'no longer needed');
    await browser.click('dialog button', 'Terminate');
    await status('Terminated');
    assert.ok((await browser.texts('.timeline .kind')).includes('Suspended'));
  },

  async 'a failure is explained, rewound, restarted, purged'() {
    await openInstance('payment-7');
    await status('Failed');
    const text = (await browser.texts('.card.failure'))[0];
    assert.match(text, /CardDeclined/);
    assert.match(text, /was declined/);
    await shot('failed');
    await browser.click('.actions button', 'Rewind…');
    await browser.click('dialog button', 'Rewind');
    await browser.until('rewound', async () => (await browser.texts('.timeline .kind')).includes('Rewound'));
    await status('Failed');
    await browser.click('.actions button', 'Restart…');
    await browser.click('dialog button', 'Restart');
    await browser.until('another one', async () => ((await browser.texts('h1'))[0] ?? 'payment-7') !== 'payment-7');
    await openInstance('payment-7');
    await browser.click('.actions button', 'Purge…');
    await browser.click('dialog button', 'Purge');
    await heading('Instances');
    await browser.open(`${base}/?view=instance&id=payment-7`);
    await heading('Not found');
  },

  async 'instances are started and many purged'() {
    await browser.open(base);
    await browser.click('.actions button', 'Start…');
    await browser.type('#field-name', 'echo');
    await browser.type('#field-id', 'from the page/1');
    await browser.type('#field-input', '{"a": 1}');
    await browser.click('dialog button', 'Start');
    await heading('from the page/1');
    await status('Completed');
    await browser.open(`${base}/?prefix=batch-`);
    await browser.until('rows', async () => (await rows()).length === 50);
    await browser.click('.actions button', 'Purge…');
    await browser.click('dialog button[type=submit]');
    await browser.until('none', async () => (await browser.texts('.empty')).length === 1);
  },

  async 'entities are shown and signalled'() {
    await browser.open(base);
    await browser.click('#tabs a', 'Entities');
    await heading('Entities');
    await browser.until('a row', async () => (await browser.texts('.rows td.id a')).includes('orders'));
    await shot('entities');
    await browser.click('.rows td.id a', 'orders');
    await heading('@counter@orders');
    assert.deepEqual(await browser.texts('.card pre'), ['1']);
    await browser.click('.actions button', 'Signal…');
    await browser.type('#field-op', 'add');
    await browser.type('#field-input', '41');
    await browser.click('dialog button[type=submit]');
    await browser.until('the new state', async () => (await browser.texts('.card pre'))[0] === '42');
  },

  async 'the load of each partition is shown'() {
    await browser.click('#tabs a', 'Load');
    await heading('Load');
    await browser.until('curves', async () => (await browser.texts('.tile')).length === 4);
    assert.equal((await browser.texts('.figures tbody tr')).length, 3);
    await browser.until('a rate', async () => !(await browser.texts('.tile b')).includes('–'));
    await shot('load');
  },

  async 'it is readable in the dark and on a small screen'() {
    await browser.cdp('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: 'dark' }] });
    await openInstance('order-1001');
    await status('Completed');
    const dark = await browser.run('return getComputedStyle(document.body).backgroundColor');
    assert.equal(dark, 'rgb(22, 22, 20)');
    await shot('dark');
    await browser.cdp('Emulation.setDeviceMetricsOverride', { width: 390, height: 844, deviceScaleFactor: 2, mobile: true });
    for (const [view, title] of [['instances', 'Instances'], ['load', 'Load']]) {
      await browser.open(`${base}/?view=${view}`);
      await heading(title);
      await browser.until('something', async () => (await browser.texts('.rows tbody tr')).length > 0);
      assert.equal(await browser.run('return document.documentElement.scrollWidth <= innerWidth'), true, view);
      await shot(`small-${view}`);
    }
    await browser.cdp('Emulation.clearDeviceMetricsOverride', {});
    await browser.cdp('Emulation.setEmulatedMedia', { features: [] });
  },

  async 'every control has a name'() {
    for (const view of ['instances', 'entities', 'load', 'instance&id=order-1001']) {
      await browser.open(`${base}/?view=${view}`);
      await browser.until('a view', async () => (await browser.texts('main h1')).length === 1);
      const { nodes } = await browser.cdp('Accessibility.getFullAXTree', {});
      const nameless = nodes.filter((node) => !node.ignored && !node.name?.value &&
          ['button', 'link', 'textbox', 'searchbox', 'combobox', 'checkbox'].includes(node.role?.value));
      assert.deepEqual(nameless.map((node) => node.role.value), [], view);
    }
  },
};

async function checkToken(program) {
  const folder = mkdtempSync(`${scratch}/hub-`);
  const { child, found } = await startProgram(program, [folder, 'open sesame'], /^port (\d+)$/);
  try {
    await browser.open(`http://127.0.0.1:${found}`);
    await browser.type('#field-token', 'wrong');
    await browser.click('dialog button[type=submit]');
    await browser.until('asked again', async () => (await browser.texts('dialog p')).some((text) => /not one that/.test(text)));
    await browser.type('#field-token', 'open sesame');
    await browser.click('dialog button[type=submit]');
    await heading('Instances');
    await browser.until('rows', async () => (await rows()).length === 50);
  } finally {
    await endProgram(child);
    rmSync(folder, { recursive: true, force: true });
  }
}

const folder = mkdtempSync(`${scratch}/hub-`);
const started = Date.now();
const { child, found } = await startProgram(server, [folder], /^port (\d+)$/);
base = `http://127.0.0.1:${found}`;
let failed = 0;
try {
  browser = await Browser.start(chromium, chromedriver, scratch);
  for (const [name, step] of [...Object.entries(steps)]) {
    const begin = Date.now();
    try {
      await step();
      console.log(`ok      ${name} (${Date.now() - begin} ms)`);
    } catch (error) {
      ++failed;
      console.log(`FAILED  ${name}\n${error.stack}`);
      await browser.screenshot(`${scratch}/failed-${failed}.png`).catch(() => {});
    }
  }
  // What the page complained of: errors of scripts, breaches of the policy, failed loads. Some
  // steps ask for what is not there.
  const complaints = (await browser.log()).filter((entry) =>
      entry.level === 'SEVERE' && !/the server responded with a status of 404/.test(entry.message));
  if (complaints.length > 0) {
    ++failed;
    console.log('FAILED  the console is clean', complaints);
  }
  await checkToken(server).catch((error) => {
    ++failed;
    console.log(`FAILED  a token is asked for\n${error.stack}`);
  });
} finally {
  await browser?.end().catch((error) => console.log(error.message));
  await endProgram(child);
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${failed} failed, ${Date.now() - started} ms`);
process.exitCode = failed === 0 ? 0 : 1;
