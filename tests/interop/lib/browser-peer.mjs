// An RTCPeerConnection in a page with the interface of lib/peer.mjs, so that a test treats both sides alike.
import { within } from './wait.mjs';

// Runs in the page. Signals and messages wait in queues until the test takes them.
function install(options) {
  const queue = () => {
    const items = [];
    const takers = [];
    return {
      put: item => (takers.length ? takers.shift()(item) : items.push(item)),
      take: () => new Promise(resolve => (items.length ? resolve(items.shift()) : takers.push(resolve))),
    };
  };
  const toBase64 = buffer => new Promise(resolve => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(',') + 1));
    reader.readAsDataURL(new Blob([buffer]));
  });
  const fromBase64 = async text => (await fetch(`data:application/octet-stream;base64,${text}`)).arrayBuffer();

  window.before?.pc.close();
  if (options.replaces) window.before = window.peer; // it says no farewell
  else window.peer?.pc.close();
  const pc = new RTCPeerConnection(
    options.configuration ?? (options.bundlePolicy ? { bundlePolicy: options.bundlePolicy } : {}));
  const peer = (window.peer = { pc, signals: queue(), messages: queue(), candidates: [], states: [], log: [] });
  peer.opened = new Promise(resolve => (peer.whenOpen = resolve));
  peer.closed = new Promise(resolve => (peer.whenClosed = resolve));
  peer.connected = new Promise((resolve, reject) => {
    pc.onconnectionstatechange = () => {
      peer.states.push(pc.connectionState);
      if (pc.connectionState === 'connected') resolve(true);
      if (pc.connectionState === 'failed') reject(new Error('the browser says: failed'));
    };
  });
  peer.connected.catch(() => {});

  let turn = Promise.resolve(); // messages keep their order while Blobs are read
  const use = channel => {
    peer.channel = channel;
    channel.binaryType = 'arraybuffer';
    channel.onmessage = ({ data }) => {
      turn = turn.then(async () => {
        peer.messages.put(typeof data === 'string' ? { text: data } : { binary: data.byteLength ? await toBase64(data) : '' });
      });
    };
    channel.onclose = () => peer.whenClosed(true);
    channel.onopen = () => peer.whenOpen(true);
    if (channel.readyState === 'open') peer.whenOpen(true);
  };
  pc.ondatachannel = event => use(event.channel);
  const gathered = new Promise(resolve => {
    pc.onicecandidate = ({ candidate }) => {
      if (candidate?.candidate) peer.candidates.push(candidate.candidate);
      if (options.trickle) peer.signals.put(candidate ? candidate.toJSON() : { candidate: '', sdpMid: '0', sdpMLineIndex: 0 });
      if (!candidate) resolve();
    };
  });
  peer.addMedia = () => ['audio', 'video'].map(kind => pc.addTransceiver(kind));
  peer.restartIce = () => pc.restartIce();
  peer.describe = async () => {
    await pc.setLocalDescription();
    if (!options.trickle) await gathered;
    peer.signals.put(pc.localDescription.toJSON());
  };
  const hear = async signal => {
    if (signal.sdp) {
      await pc.setRemoteDescription(signal);
      if (signal.type === 'offer') await peer.describe();
    } else {
      await pc.addIceCandidate(signal);
    }
  };
  peer.heard = Promise.resolve(); // all that was said so far: a channel may be open before its answer counts as set
  peer.hear = signal => {
    const done = hear(signal);
    peer.heard = Promise.allSettled([peer.heard, done]);
    return done;
  };
  peer.send = async ({ text, binary }) => peer.channel.send(text ?? (binary ? await fromBase64(binary) : new ArrayBuffer(0)));
  peer.properties = () => {
    const { label, ordered, maxRetransmits, maxPacketLifeTime, negotiated, id } = peer.channel;
    return { label, ordered, maxRetransmits, maxPacketLifeTime, negotiated, id };
  };
  if (options.media) peer.addMedia();
  if (options.role === 'offer' || options.replaces || options.init?.negotiated) use(pc.createDataChannel(options.label ?? 'kith', options.init));
  return options.role === 'offer' ? peer.describe().then(() => true) : true;
}

export class BrowserPeer {
  #page;
  #options;
  #over = false;

  constructor(page) {
    this.#page = page;
  }

  // options: { role: 'offer'|'answer', trickle, label, init: RTCDataChannelInit, media: offer audio and video first, bundlePolicy,
  // configuration: RTCConfiguration }
  async start(options) {
    this.#options = options;
    await this.#page.evaluate(install, options);
  }

  // Another RTCPeerConnection takes the place of the one that is connected, and either side offers.
  async replace(peer, offerer) {
    await this.start({ ...this.#options, role: offerer === 'kith' ? 'answer' : 'offer', replaces: true });
    if (offerer === 'kith') peer.send({ restart: true });
    let described = false; // until then kith's candidates are those of the connection before
    await this.connect(peer, undefined, signal => !(described ||= 'sdp' in signal));
  }

  // Carries signals to and from another peer (lib/peer.mjs) until both are connected. `drop` may hold one back; those of
  // the other peer that are stale are of a connection before.
  async connect(peer, drop = () => false, isStale = () => false) {
    this.#over = false;
    const toPeer = (async () => {
      for (;;) {
        const signal = await this.#page.evaluate(() => Promise.race([
          window.peer.signals.take(), window.peer.opened.then(() => null), window.peer.connected.then(() => new Promise(() => {}))]));
        if (!signal) return;
        if (!drop('browser', signal)) peer.send(signal);
      }
    })();
    const fromPeer = (async () => {
      while (!this.#over) {
        const signal = await peer.take('a signal', object => 'sdp' in object || 'candidate' in object, 60000);
        if (isStale(signal)) continue;
        if (!drop('kith', signal)) await this.#page.evaluate(object => window.peer.hear(object), signal);
        if (signal.candidate === '') return;
      }
    })();
    fromPeer.catch(error => (this.failure = error));
    const open = this.#page.evaluate(() => Promise.race([window.peer.opened, window.peer.connected.then(() => window.peer.opened)]));
    await within(25000, 'the channel to open in the browser', open, () => `${this.failure ?? ''} ${peer.log()}`);
    this.#over = true;
    await within(5000, 'the last signal', toPeer);
  }

  send(message) {
    return this.#page.evaluate(object => window.peer.send(object), message);
  }

  // The next { text } or { binary: base64 }.
  message() {
    return within(20000, 'a message in the browser', this.#page.evaluate(() => window.peer.messages.take()));
  }

  properties() {
    return this.#page.evaluate(() => window.peer.properties());
  }

  // Offers audio and video beside what is there, and hears the answer.
  addMedia(peer) {
    return this.#renegotiate(peer, 'addMedia');
  }

  // Offers new ICE credentials and hears the answer. Each side finds the other's addresses by its checks.
  restartIce(peer) {
    return this.#renegotiate(peer, 'restartIce');
  }

  async #renegotiate(peer, change) {
    peer.send(await this.#page.evaluate(async name => {
      window.peer[name]();
      await window.peer.pc.setLocalDescription();
      return window.peer.pc.localDescription.toJSON();
    }, change));
    await this.#page.evaluate(answer => window.peer.hear(answer), await peer.description('answer'));
  }

  // The m= lines of what kith said last, and what became of the transceivers.
  agreement() {
    return this.#page.evaluate(async () => {
      await window.peer.heard;
      return {
        sections: window.peer.pc.remoteDescription.sdp.match(/^m=\S+ \d+/gm),
        directions: window.peer.pc.getTransceivers().map(transceiver => transceiver.currentDirection),
        state: window.peer.pc.signalingState,
      };
    });
  }

  candidates() {
    return this.#page.evaluate(() => window.peer.candidates);
  }

  // The local address of the pair that carries the data.
  selectedAddress() {
    return this.#page.evaluate(async () => {
      const stats = new Map(await window.peer.pc.getStats());
      const transport = [...stats.values()].find(({ type }) => type === 'transport');
      const pair = transport?.selectedCandidatePairId
        ? stats.get(transport.selectedCandidatePairId)
        : [...stats.values()].find(({ type, selected }) => type === 'candidate-pair' && selected);
      return stats.get(pair.localCandidateId).address;
    });
  }

  // Sends ten messages a second for so long: the longest time in which none came, in milliseconds.
  longestGap(milliseconds) {
    return this.#page.evaluate(async milliseconds => {
      const { channel } = window.peer;
      let last = performance.now();
      let gap = 0;
      const note = () => {
        const now = performance.now();
        gap = Math.max(gap, now - last);
        last = now;
      };
      channel.addEventListener('message', note);
      const speaking = setInterval(() => channel.send('from the browser'), 100);
      await new Promise(resolve => setTimeout(resolve, milliseconds));
      clearInterval(speaking);
      note();
      channel.removeEventListener('message', note);
      return gap;
    }, milliseconds);
  }

  closeChannel() {
    return this.#page.evaluate(() => { window.peer.channel.close(); });
  }

  closed() {
    return within(20000, 'the channel to close in the browser', this.#page.evaluate(() => window.peer.closed));
  }

  close() {
    return this.#page.evaluate(() => {
      window.before?.pc.close();
      window.peer.pc.close();
    });
  }
}
