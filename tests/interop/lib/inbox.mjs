// What a peer says, object by object, in the words of `kith peer`: {"type", "sdp"}, {"candidate", "sdpMid", "sdpMLineIndex"},
// {"text"}, {"binary"}, {"state"}, {"channel", "open"}. Whoever asks for one gets the first that nobody has taken.
import { within } from './wait.mjs';

export const isSignal = object => 'sdp' in object || 'candidate' in object;

export class Inbox {
  #arrived = []; // what nobody has asked for yet, in order
  #waiting = new Set();
  #listeners = [];
  #end; // the Error with which it ended

  // What `matches` goes to `handle` from now on, and to nobody else.
  listen(matches, handle) {
    this.#listeners.push({ matches, handle });
    const early = this.#arrived.filter(matches);
    this.#arrived = this.#arrived.filter(object => !matches(object));
    early.forEach(handle);
  }

  put(object) {
    const listener = this.#listeners.find(({ matches }) => matches(object));
    if (listener) return listener.handle(object);
    for (const waiter of this.#waiting) {
      if (!waiter.matches(object)) continue;
      this.#waiting.delete(waiter);
      return waiter.resolve(object);
    }
    this.#arrived.push(object);
  }

  // Nothing more will come.
  fail(error) {
    this.#end = error;
    this.#waiting.forEach(waiter => waiter.reject(error));
    this.#waiting.clear();
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

  state(state, milliseconds) {
    return this.take(`state ${state}`, object => object.state === state, milliseconds);
  }

  channel(label, open, milliseconds) {
    const what = `channel ${label} ${open ? 'open' : 'closed'}`;
    return this.take(what, object => object.channel === label && object.open === open, milliseconds);
  }

  // The next message, of this channel or of any: a string or a Buffer.
  async message(label, milliseconds) {
    const { text, binary } = await this.take('message', object =>
      ('text' in object || 'binary' in object) && (!label || object.channel === label), milliseconds);
    return text ?? Buffer.from(binary, 'base64');
  }

  // What it complained of.
  log() {
    return '';
  }
}
