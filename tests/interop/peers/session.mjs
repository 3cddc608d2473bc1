// kith and a peer that meet: two agents with signals carried between them, each delayed like on a real network.
import assert from 'node:assert/strict';
import { isSignal } from '../lib/inbox.mjs';
import { Peer } from '../lib/peer.mjs';
import { sleep, within } from '../lib/wait.mjs';

const ufragOf = ({ sdp }) => /^a=ice-ufrag:(\S+)/m.exec(sdp)[1];

// As assert.equal, without all the bytes in the error.
export function assertSame(message, expected) {
  const isText = typeof expected === 'string';
  assert.equal(typeof message === 'string', isText, 'text and binary were mistaken for each other');
  const what = `${expected.length} ${isText ? 'characters' : 'bytes'} came as ${message.length}`;
  assert.ok(isText ? message === expected : expected.equals(message), what);
}

export class Session {
  label = 'kith';
  // What the peer says of the channel of that label.
  channel;
  // What each side said, in order.
  descriptions = { ours: [], theirs: [] };
  states = { ours: [], theirs: [] };
  errors = [];

  // lab: who starts the peer. options:
  //   kithOffers, trickle (true), delay (0; ms of each signal)
  //   kithOptions: for `kith peer`; init: RTCDataChannelInit of the peer's channel; media: in the peer's first offer
  //   call: both send audio and video from the beginning
  static async start(kith, lab, options) {
    const { kithOffers, trickle = true, delay = 0, kithOptions = [], init, media = false, call = false } = options;
    const session = new this();
    session.lab = lab;
    session.kithOffers = kithOffers;
    session.theirs = await lab.start({ trickle, kithOffers });
    if (call) session.theirs.send({ call });
    session.ours = new Peer(kith, 'peer', kithOffers ? 'offer' : 'answer', ...session.optionsOfKith(),
      ...(trickle ? [] : ['--no-trickle']), ...kithOptions);
    session.#carry('ours', session.ours, session.theirs, delay);
    session.#carry('theirs', session.theirs, session.ours, delay);
    session.theirs.listen(object => 'error' in object, ({ error }) => session.errors.push(error));
    if (!kithOffers) {
      session.theirs.send({ open: session.label, init });
      if (media) session.theirs.send({ media: true });
      session.theirs.send({ offer: true });
    }
    return session;
  }

  optionsOfKith() {
    return ['--echo'];
  }

  #carry(side, from, to, delay) {
    from.listen(isSignal, signal => {
      if ('sdp' in signal) this.descriptions[side].push(signal);
      if (delay) setTimeout(() => to.send(signal), delay);
      else to.send(signal);
    });
    from.listen(object => 'state' in object, ({ state }) => this.states[side].push(state));
  }

  // Both sides say that the channel is open.
  async open(label = this.label) {
    const both = [this.theirs.channel(label, true), this.ours.channel(label, true)];
    const [channel] = await Promise.all(both);
    this.channel ??= channel;
  }

  // Both sides say that the channel is closed.
  async closed(label = this.label) {
    await Promise.all([this.theirs.channel(label, false, 10000), this.ours.channel(label, false, 10000)]);
  }

  // Unasked messages of kith arrived, in order, and then the end of their channel.
  async peerHeardBeforeClosing(messages) {
    for (const message of messages) assertSame(await this.theirs.message(this.label), message);
    await this.theirs.channel(this.label, false);
  }

  // The peer's channel has what the RTCDataChannelInit says.
  assertProperties(init) {
    for (const property of Object.keys(init)) assert.equal(this.channel[property], init[property], property);
  }

  sayFromKith(message) {
    if (typeof message === 'string') this.ours.sendText(message);
    else this.ours.sendBinary(message);
  }

  // kith returns what the peer sends, a string or a Buffer, unaltered.
  async echo(message, label = this.label) {
    const isText = typeof message === 'string';
    this.theirs.send({ channel: label, ...(isText ? { text: message } : { binary: message.toString('base64') }) });
    assertSame(await this.theirs.message(label, 10000), message);
    await this.ours.message(undefined, 5000);
  }

  // The echo works all the time.
  async echoFor(milliseconds) {
    const end = Date.now() + milliseconds;
    for (let number = 0; number === 0 || Date.now() < end; number++) {
      await this.echo(`number ${number}`);
      await sleep(250);
    }
  }

  assertNeverDisconnected() {
    for (const [side, states] of Object.entries(this.states))
      assert.doesNotMatch(states.join(' '), /disconnected|failed|closed/, `${side} was ${states}`);
  }

  // The kinds of sections in what the peer said last.
  theirSections() {
    return this.descriptions.theirs.at(-1).sdp.match(/^m=\w+/gm).map(line => line.slice(2));
  }

  // One side starts a negotiation by this command; resolves when the other's answer is carried back.
  async negotiate(offerer, command) {
    const answerer = offerer === 'ours' ? 'theirs' : 'ours';
    const before = this.descriptions[answerer].length;
    this[offerer].send(command);
    const answered = async () => {
      while (this.descriptions[answerer].length === before) {
        if (this.errors.length) throw new Error(this.errors.join(', '));
        await sleep(10);
      }
    };
    await within(10000, 'the answer', answered(), () => `${this.errors} ${this.ours.log()}`);
  }

  // As negotiate, and both sides have new ICE credentials afterwards.
  async restart(offerer) {
    const ufrags = () => ['ours', 'theirs'].map(side => ufragOf(this.descriptions[side].at(-1)));
    const before = ufrags();
    await this.negotiate(offerer, { restart: true });
    ufrags().forEach((ufrag, side) => assert.notEqual(ufrag, before[side], 'the ufrag is the old one'));
  }

  // a=max-message-size of the peer; where it says nothing, 64 KiB (RFC 8841 section 6.1).
  theirMaxMessageSize() {
    const found = /^a=max-message-size:(\d+)/m.exec(this.descriptions.theirs[0].sdp);
    return found ? Number(found[1]) || Infinity : 65536;
  }

  // What explains a failure.
  story() {
    const states = side => `${side} was ${this.states[side].join(', ') || 'new'}`;
    const parts = [states('ours'), states('theirs'), ...this.errors, this.ours.log().trim(), this.theirs.log().trim()];
    return parts.filter(Boolean).join('; ');
  }

  async end() {
    await Promise.all([this.ours.kill(), this.theirs.kill()]);
  }
}

// A session whose channel is open, for as long as `run` takes. An error tells its story.
export async function meet(kith, lab, options, run) {
  const session = await (lab.Session ?? Session).start(kith, lab, options);
  try {
    await session.open();
    await run(session);
  } catch (error) {
    error.message += `; ${session.story()}`;
    throw error;
  } finally {
    await session.end();
  }
}
