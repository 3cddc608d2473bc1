// Firefox without a window, by WebDriver BiDi: JSON messages on a WebSocket whose address Firefox prints.
// It takes seconds to start: one for a whole suite.
import fs from 'node:fs';
import path from 'node:path';
import WebSocket from 'ws';
import { removeFolder, start, stop, temporaryFolder } from './children.mjs';
import { expressionOf } from './expression.mjs';
import { within } from './wait.mjs';

const BINARY = process.env.FIREFOX ?? '/usr/bin/firefox-esr';
const PREFERENCES = {
  // cameras and microphones that nobody is asked for, and sound without a click
  'media.navigator.permission.disabled': true,
  'media.navigator.streams.fake': true,
  'media.getusermedia.insecure.enabled': true,
  'media.devices.insecure.enabled': true,
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
  // nothing that calls home
  'app.update.enabled': false,
  'browser.aboutwelcome.enabled': false,
  'browser.safebrowsing.downloads.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.page': 0,
  'datareporting.policy.dataSubmissionEnabled': false,
  'extensions.update.enabled': false,
  'media.gmp-manager.updateEnabled': false,
  'media.gmp-manager.url': '',
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'http://127.0.0.1:1/',
  'toolkit.telemetry.enabled': false,
  'toolkit.telemetry.server': '',
};

function writeProfile(preferences) {
  const profile = temporaryFolder('kith-firefox-');
  const lines = Object.entries(preferences).map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});\n`);
  fs.writeFileSync(path.join(profile, 'user.js'), lines.join(''));
  return profile;
}

// Firefox says on stderr where it listens.
function address(child) {
  return new Promise((resolve, reject) => {
    const look = () => {
      const found = /WebDriver BiDi listening on (ws:\S+)/.exec(child.stderrText());
      if (found) resolve(found[1]);
    };
    child.stderr.on('data', look);
    child.exited.then(code => reject(new Error(`Firefox exited with ${code}: ${child.stderrText()}`)), reject);
  });
}

// Commands with answers on the WebSocket.
class Connection {
  #pending = new Map();
  #socket;
  #lastId = 0;

  static async open(url) {
    const socket = new WebSocket(url, { perMessageDeflate: false, maxPayload: 256 * 1024 * 1024 });
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return new Connection(socket);
  }

  constructor(socket) {
    this.#socket = socket;
    socket.on('message', message => this.#take(JSON.parse(message)));
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => {
      this.#pending.forEach(({ reject, method }) => reject(new Error(`${method}: Firefox has gone`)));
      this.#pending.clear();
    });
  }

  #take({ id, type, result, error, message }) {
    if (id === undefined || id === null) return; // an event; none was subscribed to
    const { resolve, reject, method } = this.#pending.get(id);
    this.#pending.delete(id);
    type === 'error' ? reject(new Error(`${method}: ${error}: ${message}`)) : resolve(result);
  }

  send(method, params = {}) {
    const id = ++this.#lastId;
    this.#socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject, method }));
  }
}

class Page {
  #connection;
  #context;

  constructor(connection, context) {
    this.#connection = connection;
    this.#context = context;
  }

  async goto(url) {
    const load = this.#connection.send('browsingContext.navigate', { context: this.#context, url, wait: 'complete' });
    await within(15000, `${url} to load`, load);
  }

  // What a function, called in the page with these arguments, or an expression comes to; promises are awaited.
  // Arguments and outcome travel as JSON.
  async evaluate(code, ...args) {
    const { type, result, exceptionDetails } = await this.#connection.send('script.evaluate', {
      expression: `(async () => JSON.stringify(await (${expressionOf(code, args)})))()`,
      target: { context: this.#context }, awaitPromise: true, userActivation: true,
    });
    if (type === 'exception') throw new Error(exceptionDetails.text);
    return result.value === undefined ? undefined : JSON.parse(result.value);
  }

  // What is seen has this size from now on, in CSS pixels.
  resize(width, height) {
    return this.#connection.send('browsingContext.setViewport', { context: this.#context, viewport: { width, height } });
  }

  // PNG bytes of what is to be seen.
  async screenshot() {
    const { data } = await this.#connection.send('browsingContext.captureScreenshot', { context: this.#context });
    return Buffer.from(data, 'base64');
  }
}

// `hideAddresses`: host candidates are `<uuid>.local`. `anyCertificate`: those of servers are not judged.
// `preferences`: more of about:config.
// `windows`: each page has one, since a page behind another one draws once a second.
export async function launchFirefox({ hideAddresses = false, anyCertificate = false, preferences = {}, windows = false } = {}) {
  const profile = writeProfile({
    ...PREFERENCES, 'media.peerconnection.ice.obfuscate_host_addresses': hideAddresses, ...preferences,
  });
  const child = start(BINARY,
    ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port=0', 'about:blank'],
    { env: { ...process.env, HOME: profile, TMPDIR: profile, MOZ_HEADLESS: '1', MOZ_CRASHREPORTER_DISABLE: '1' } });
  let connection;

  async function close() {
    if (connection) await within(3000, 'browser.close', connection.send('browser.close')).catch(() => {});
    await stop(child);
    removeFolder(profile);
  }

  try {
    const url = await within(60000, 'Firefox', address(child), child.stderrText);
    connection = await Connection.open(`${url}/session`);
    const { capabilities } = await connection.send('session.new',
      { capabilities: anyCertificate ? { alwaysMatch: { acceptInsecureCerts: true } } : {} });
    return {
      name: `Firefox/${capabilities.browserVersion}`,
      close,
      log: child.stderrText,
      async allowCamera() {}, // nobody is asked: media.navigator.permission.disabled
      async open(url = 'about:blank') {
        const { context } = await connection.send('browsingContext.create', { type: windows ? 'window' : 'tab' });
        await connection.send('browsingContext.setViewport', { context, viewport: { width: 1280, height: 900 } });
        const page = new Page(connection, context);
        await page.goto(url);
        return page;
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}
