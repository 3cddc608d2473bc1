// A peer that is another process and speaks JSON lines on standard input and output, as `kith peer` does.
import readline from 'node:readline';
import { start, stop } from './children.mjs';
import { Inbox } from './inbox.mjs';
import { within } from './wait.mjs';

export class Peer extends Inbox {
  #child;

  // new Peer('kith', 'peer', 'offer', '--echo')
  constructor(command, ...args) {
    super();
    this.#child = start(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stdin.on('error', () => {}); // it is gone: exited tells
    readline.createInterface({ input: this.#child.stdout }).on('line', line => this.put(JSON.parse(line)));
    this.#child.exited.then(
      code => this.fail(new Error(`${command} exited with ${code}: ${this.#child.stderrText()}`)),
      error => this.fail(error));
  }

  send(object) {
    this.#child.stdin.write(JSON.stringify(object) + '\n');
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

  // Its exit status, once it ends by itself.
  exited(milliseconds = 10000) {
    return within(milliseconds, 'the peer to exit', this.#child.exited, () => this.log());
  }

  // Ends its input, which asks it to close gracefully; resolves to its exit status.
  async close(milliseconds = 10000) {
    this.#child.stdin.end();
    try {
      return await this.exited(milliseconds);
    } finally {
      await this.kill();
    }
  }

  // Ends it at once, as a crash would.
  kill() {
    return stop(this.#child);
  }
}
