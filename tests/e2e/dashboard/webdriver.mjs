// A browser of one's own, driven over the WebDriver protocol. Nothing here but Node is needed.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const kPatienceMs = 60_000;  // for a slow machine; what goes wrong is known long before
const kElement = 'element-6066-11e4-a52e-4f735466cecf';

// Starts a program and resolves with the first group of the line that matches.
export function startProgram(command, args, pattern, options = {}) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], ...options });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`${command} ended with ${code}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const match = pattern.exec(line);
      if (match) resolve({ child, found: match[1] });
    });
  });
}

export async function endProgram(child, { signal } = {}) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.on('exit', resolve));
  if (signal) child.kill(signal);
  else child.stdin.end();
  const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
  await ended;
  clearTimeout(late);
}

export class Browser {
  static async start(chromium, chromedriver, scratch) {
    const browser = new Browser();
    browser.profile = mkdtempSync(`${scratch}/profile-`);
    const { child, found } = await startProgram(chromedriver, ['--port=0', '--log-level=SEVERE'],
                                                /successfully on port (\d+)/);
    browser.driver = child;
    browser.base = `http://127.0.0.1:${found}/session`;
    const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
      '--disable-dev-shm-usage', '--disable-default-apps', '--no-proxy-server', '--window-size=1280,900',
      `--user-data-dir=${browser.profile}`];
    const session = await browser.call('POST', '', { capabilities: { alwaysMatch: {
      browserName: 'chrome', 'goog:chromeOptions': { binary: chromium, args },
      'goog:loggingPrefs': { browser: 'ALL' },
    } } }).catch(async (error) => {
      await endProgram(child, { signal: 'SIGTERM' });
      throw error;
    });
    browser.base += `/${session.sessionId}`;
    return browser;
  }

  async call(method, path, body) {
    const response = await fetch(this.base + path, {
      method, body: method === 'POST' ? JSON.stringify(body ?? {}) : undefined,
      signal: AbortSignal.timeout(kPatienceMs),
    });
    const { value } = await response.json();
    if (!response.ok) {
      const error = new Error(`${path}: ${value.message}`);
      error.code = value.error;
      throw error;
    }
    return value;
  }

  async end() {
    try {
      await this.call('DELETE', '');
    } finally {
      await endProgram(this.driver, { signal: 'SIGTERM' });
      rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
    }
  }

  open(url) { return this.call('POST', '/url', { url }); }
  back() { return this.call('POST', '/back'); }
  reload() { return this.call('POST', '/refresh'); }
  url() { return this.call('GET', '/url'); }
  // Runs `body` in the page; arguments as `arguments[i]`.
  run(body, ...args) { return this.call('POST', '/execute/sync', { script: body, args }); }
  cdp(cmd, params) { return this.call('POST', '/goog/cdp/execute', { cmd, params }); }
  log() { return this.call('POST', '/se/log', { type: 'browser' }); }

  async screenshot(path) { writeFileSync(path, Buffer.from(await this.call('GET', '/screenshot'), 'base64')); }

  // Tries until `attempt` gives something true. What vanishes under a refresh is tried again.
  async until(what, attempt) {
    const end = Date.now() + kPatienceMs;
    let last;
    while (Date.now() < end) {
      try {
        const result = await attempt();
        if (result) return result;
      } catch (error) {
        if (!['no such element', 'stale element reference', 'element not interactable',
              'element click intercepted'].includes(error.code)) throw error;
        last = error;
      }
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
    const page = await this.run('return document.body.innerText');
    throw new Error(`waited in vain: ${what}${last ? ` (${last.message})` : ''}\n--- the page:\n${page}`);
  }

  find(css) { return this.call('POST', '/element', { using: 'css selector', value: css }).then((e) => e[kElement]); }
  // By its text, among those that `css` selects.
  findText(css, text) {
    return this.until(`${css} with "${text}"`, async () => {
      const found = await this.run(
          'return [...document.querySelectorAll(arguments[0])].find((e) => e.textContent.trim() === arguments[1])', css, text);
      return found?.[kElement];
    });
  }
  async click(css, text) {
    await this.until(`to click ${css} ${text ?? ''}`, async () => {
      const id = text === undefined ? await this.find(css) : await this.findText(css, text);
      await this.call('POST', `/element/${id}/click`);
      return true;
    });
  }
  async type(css, text) {
    await this.until(`to type into ${css}`, async () => {
      const id = await this.find(css);
      await this.call('POST', `/element/${id}/clear`);
      await this.call('POST', `/element/${id}/value`, { text });
      return true;
    });
  }
  texts(css) { return this.run('return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent.trim())', css); }
}
