// A peer that is another process and speaks JSON lines on standard input and output, as `kith peer` does:
// {"type", "sdp"}, {"candidate", "sdpMid", "sdpMLineIndex"}, {"text"}, {"binary"}, {"state"}, {"channel", "open"}.
import readline from 'node:readline';
import { start, stop } from './children.mjs';
import { within } from './wait.mjs';

export class Peer {
  #child;
  #arrived = []; // what nobody has asked for yet, in order
  #waiting = new Set();
  #end; // the Error with which it ended

  // new Peer('kith', 'peer', 'offer', '--echo')
  constructor(command, ...args) {
    this.#child = start(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stdin.on('error', () => {}); // it is gone: exited tells
    readline.createInterface({ input: this.#child.stdout }).on('line', line => this.#take(JSON.parse(line)));
    this.#child.exited.then(
      code => this.#fail(new Error(`${command} exited with ${code}: ${this.#child.stderrText()}`)),
      error => this.#fail(error));
  }

  #take(object) {
    for (const waiter of this.#waiting) {
      if (!waiter.matches(object)) continue;
      this.#waiting.delete(waiter);
      waiter.resolve(object);
      return;
    }
    this.#arrived.push(object);
  }

  #fail(error) {
    this.#end = error;
    this.#waiting.forEach(waiter => waiter.reject(error));
    this.#waiting.clear();
  }

  send(object) {
    this.#child.stdin.write(JSON.stringify(object) + '\n');
  }

  // The first object, of those not yet taken, that `matches`.
  take(what, matches, milliseconds = 20000) {
    const found = this.#arrived.findIndex(matches);
    if (found >= 0) return Promise.resolve(this.#arrived.splice(found, 1)[0]);
    if (this.#end) return Promise.reject(this.#end);
    let waiter;
    const coming = new Promise((resolve, reject) => {
      waiter = { matches, resolve, reject };
      this.#waiting.add(waiter);
    });
    const hint = () => `(there were ${JSON.stringify(this.#arrived).slice(0, 1000)}) ${this.log()}`;
    return within(milliseconds, what, coming, hint).finally(() => this.#waiting.delete(waiter));
  }

  description(type) {
    return this.take(`description ${type}`, object => object.type === type);
  }

  // An RTCIceCandidateInit; the last has an empty candidate.
  candidate() {
    return this.take('candidate', object => typeof object.candidate === 'string');
  }

  state(state) {
    return this.take(`state ${state}`, object => object.state === state);
  }

  channel(label, open) {
    return this.take(`channel ${label}`, object => object.channel === label && object.open === open);
  }

  // The next message: a string or a Buffer.
  async message() {
    const { text, binary } = await this.take('message', object => 'text' in object || 'binary' in object);
    return text ?? Buffer.from(binary, 'base64');
  }

  sendText(text) {
    this.send({ text });
  }

  sendBinary(bytes) {
    this.send({ binary: Buffer.from(bytes).toString('base64') });
  }

  // What it wrote to standard error.
  log() {
    return this.#child.stderrText();
  }

  // Ends its input, which asks it to close gracefully; resolves to its exit status.
  async close(milliseconds = 10000) {
    this.#child.stdin.end();
    try {
      return await within(milliseconds, 'the peer to exit', this.#child.exited, () => this.log());
    } finally {
      await stop(this.#child);
    }
  }
}
