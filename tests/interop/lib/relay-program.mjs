// docs/examples/relay.c: one program, a connection for each number. A line begins with the number of whose it is.
import readline from 'node:readline';
import { start, stop } from './children.mjs';
import { Inbox } from './inbox.mjs';
import { within } from './wait.mjs';

class Member extends Inbox {
  #say;

  constructor(say) {
    super();
    this.#say = say;
  }

  send(object) {
    this.#say(JSON.stringify(object));
  }
}

export class Relay {
  #child;
  #members = new Map();

  constructor(program) {
    this.#child = start(program, [], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stdin.on('error', () => {}); // it is gone: exited tells
    readline.createInterface({ input: this.#child.stdout }).on('line', line => {
      const [, number, text] = /^(\d+) (.*)$/.exec(line);
      this.#members.get(Number(number)).put(JSON.parse(text));
    });
  }

  // With the interface of lib/peer.mjs. The program calls whoever speaks, be it nothing; 0 calls it.
  member(number) {
    const say = text => this.#child.stdin.write(`${number} ${text}\n`);
    const member = new Member(say);
    this.#members.set(number, member);
    if (number > 0) say('');
    return member;
  }

  // Ends its input; resolves to its exit status.
  async close() {
    this.#child.stdin.end();
    try {
      return await within(10000, 'the relay to exit', this.#child.exited, this.#child.stderrText);
    } finally {
      await stop(this.#child);
    }
  }
}
