// Chromium without a window, by the DevTools protocol over --remote-debugging-pipe: JSON messages, each ended by a
// NUL, on file descriptors 3 and 4. No port, no package, and it works in any network namespace.
import { removeFolder, start, stop, temporaryFolder } from './children.mjs';
import { expressionOf } from './expression.mjs';
import { within } from './wait.mjs';

const BINARY = process.env.CHROMIUM ?? '/usr/lib/chromium/chromium';
const FLAGS = [
  '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
  '--no-default-browser-check', '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--disable-extensions', '--mute-audio', '--autoplay-policy=no-user-gesture-required',
  '--use-fake-device-for-media-stream', '--window-size=1280,900',
  // A page behind another one counts as one that is looked at: its timers go on.
  '--disable-background-timer-throttling', '--disable-backgrounding-occluded-windows', '--disable-renderer-backgrounding',
];

// Commands with answers, and events, on the two pipes.
class Connection {
  #pending = new Map();
  #listeners = new Set();
  #input;
  #lastId = 0;

  constructor(child) {
    const [, , , input, output] = child.stdio;
    let rest = '';
    this.#input = input;
    input.on('error', () => {}); // the browser is gone: child.exited tells
    output.setEncoding('utf8').on('data', text => {
      const messages = (rest + text).split('\0');
      rest = messages.pop();
      messages.forEach(message => this.#take(JSON.parse(message)));
    });
    child.exited.then(code => this.#end(`Chromium exited with ${code}: ${child.stderrText()}`), this.#end.bind(this));
  }

  #take({ id, error, result, ...event }) {
    if (id === undefined) return this.#listeners.forEach(listener => listener(event));
    const { resolve, reject, method } = this.#pending.get(id);
    this.#pending.delete(id);
    error ? reject(new Error(`${method}: ${error.message}`)) : resolve(result);
  }

  #end(reason) {
    this.#pending.forEach(({ reject }) => reject(new Error(reason)));
    this.#pending.clear();
  }

  send(method, params = {}, sessionId) {
    const id = ++this.#lastId;
    this.#input.write(JSON.stringify({ id, method, params, sessionId }) + '\0');
    return new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject, method }));
  }

  // Resolves at the first such event.
  event(method, sessionId) {
    return new Promise(resolve => {
      const listener = event => {
        if (event.method !== method || event.sessionId !== sessionId) return;
        this.#listeners.delete(listener);
        resolve(event.params);
      };
      this.#listeners.add(listener);
    });
  }
}

class Page {
  #connection;
  #session;

  constructor(connection, session) {
    this.#connection = connection;
    this.#session = session;
  }

  #send(method, params) {
    return this.#connection.send(method, params, this.#session);
  }

  async goto(url) {
    await this.#send('Page.enable');
    const loaded = this.#connection.event('Page.loadEventFired', this.#session);
    const { errorText } = await this.#send('Page.navigate', { url });
    if (errorText) throw new Error(`${url}: ${errorText}`);
    await within(15000, `${url} to load`, loaded);
  }

  // What a function, called in the page with these arguments, or an expression comes to; promises are awaited.
  // Arguments and outcome travel as JSON.
  async evaluate(code, ...args) {
    const { result, exceptionDetails } = await this.#send('Runtime.evaluate', {
      expression: expressionOf(code, args), awaitPromise: true, returnByValue: true, userGesture: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  // What is seen has this size from now on, in CSS pixels.
  resize(width, height) {
    return this.#send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false });
  }

  // PNG bytes of what is to be seen.
  async screenshot() {
    const { data } = await this.#send('Page.captureScreenshot', { format: 'png' });
    return Buffer.from(data, 'base64');
  }
}

// `hideAddresses`: host candidates are `<uuid>.local`, as for every page without the permission to use a camera.
// `anyCertificate`: those of servers are not judged. `flags`: more of the command line.
export async function launchChromium({ hideAddresses = false, anyCertificate = false, flags = [] } = {}) {
  const profile = temporaryFolder('kith-chromium-');
  // The automatic answer to the permission question also switches the hiding of addresses off.
  const permission = hideAddresses ? [] : ['--use-fake-ui-for-media-stream'];
  const child = start(BINARY,
    [...FLAGS, ...permission, ...(anyCertificate ? ['--ignore-certificate-errors'] : []), `--user-data-dir=${profile}`, '--remote-debugging-pipe', ...flags, 'about:blank'],
    { stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'], env: { ...process.env, TMPDIR: profile } });
  const connection = new Connection(child);

  async function close() {
    await within(2000, 'Browser.close', connection.send('Browser.close').then(() => child.exited)).catch(() => {});
    await stop(child);
    removeFolder(profile);
  }

  try {
    const { product } = await within(20000, 'Chromium', connection.send('Browser.getVersion'), child.stderrText);
    return {
      name: product,
      close,
      log: child.stderrText,
      // Pages may use camera and microphone from now on, and so see this host's addresses.
      allowCamera: () => connection.send('Browser.grantPermissions', { permissions: ['audioCapture', 'videoCapture'] }),
      async open(url = 'about:blank') {
        const { targetId } = await connection.send('Target.createTarget', { url: 'about:blank' });
        const { sessionId } = await connection.send('Target.attachToTarget', { targetId, flatten: true });
        const page = new Page(connection, sessionId);
        await page.goto(url);
        return page;
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}
