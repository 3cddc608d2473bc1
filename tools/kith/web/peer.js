// The connection: signalling over a WebSocket, perfect negotiation (webrtc-pc section 10.7), and what each data
// channel does. No drawing here: everything that happens is an event of this object.
//
//   step      { side, name, value }      something happened, on this side ('browser') or the other ('kith')
//   candidate { side, candidate }        an ICE candidate, ours or theirs
//   state     connectionState            of our peer connection
//   track     { transceiver, track }     the other side sends, or does again
//   welcome                              it is known who the other side is: `program`, `files`
//   closing                              the connection is given up
//   chat      text                       a line from the other side
//   transfer  { ... }                    a file's progress
//   lost      text                       the connection has ended, and why
//   trouble   text                       what went wrong, in words

// The largest message, and the largest to a peer that announces no max-message-size (see file_transfer.h).
const CHUNK = 64 * 1024;
const CHUNK_UNANNOUNCED = 16 * 1024;
const LOW_WATER = 256 * 1024;
const HIGH_WATER = 2 * 1024 * 1024;
const MAX_FILE = 512 * 1024 * 1024;
const LABELS = ['chat', 'ping', 'file', 'speed'];
// In a room both may offer, and perfect negotiation settles it; but who comes second does better to wait a moment for
// the other's offer: a rollback costs time, and Chromium sometimes gathers nothing after one. A program may know
// nothing of rollbacks at all.
const PATIENCE = 800; // ms
// Ends of a WebSocket after which another may do better: it died, or the hub did (RFC 6455 section 7.4.1).
const ABNORMAL = [1001, 1006, 1011, 1012];
// Until the end is told; a connection that stands is worth more of them.
const ATTEMPTS = 4;
// What the hub keeps of us (hub.c).
const MAX_SAID = 256;

export const sha256 = async (buffer) => {
  if (!globalThis.crypto?.subtle) return undefined; // not a secure context
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', buffer));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
};

const once = (target, type) =>
  new Promise((resolve) => target.addEventListener(type, resolve, { once: true }));

const randomWord = () =>
  Array.from(globalThis.crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');

const parse = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

// Waits until the channel wants more.
const drain = async (channel, mark) => {
  if (channel.readyState !== 'open') throw new Error(`the channel is ${channel.readyState}`);
  if (channel.bufferedAmount <= mark) return;
  channel.bufferedAmountLowThreshold = LOW_WATER;
  await Promise.race([once(channel, 'bufferedamountlow'), once(channel, 'close')]);
};

export class Peer extends EventTarget {
  // room '': who is behind /peer, the built-in peer or a program (`kith serve -- PROGRAM`).
  // configuration: RTCConfiguration, to which kith serve adds its iceServers.
  constructor(room = '', configuration = {}) {
    super();
    this.room = room;
    this.configuration = configuration;
    this.program = '';
    this.files = 0; // that the built-in peer can play to us
    this.polite = true;
    this.channels = {};
    this.pings = new Map();
    // Of the room: who we are to the hub, and what was said to it and by it, to be said once more after a reconnection.
    this.epoch = randomWord();
    this.seat = '';
    this.taken = 0;
    this.said = [];
    this.saidCount = 0;
    this.otherEpoch = '';
    this.attempts = 0;
    this.ready = new Promise((resolve) => (this.becomeReady = resolve));
    this.connectSignalling();
  }

  get isBuiltIn() {
    return !this.room && !this.program;
  }

  get otherName() {
    return this.room ? 'the other' : this.program || 'C program';
  }

  // In a sentence.
  get theOther() {
    return this.isBuiltIn ? 'the C program' : this.otherName;
  }

  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  step(name, value, side = 'browser') {
    this.emit('step', { side, name, value });
  }

  // ---- signalling ----

  connectSignalling() {
    const path = this.room ? `ws/${encodeURIComponent(this.room)}` : 'peer';
    const protocols = this.room ? ['kith', `epoch.${this.epoch}`] : [];
    if (this.seat) protocols.push(`seat.${this.seat}.${this.taken}`);
    this.socket = new WebSocket(`ws://${location.host}/${path}`, protocols);
    this.socket.onopen = () => {
      this.step('signalling', 'open');
    };
    this.socket.onmessage = (event) => {
      const message = parse(event.data);
      // The hub lets nobody else begin like this; who says "hub" otherwise is another member.
      const isHub = event.data.startsWith('{"hub":');
      if (!isHub || message.hub !== 'welcome') this.taken += 1;
      if (isHub) this.takeHubWord(message);
      else this.takeSignal(message);
    };
    this.socket.onclose = (event) => {
      this.step('signalling', `closed (${event.code}${event.reason ? `, ${event.reason}` : ''})`);
      this.takeEndOfSignalling(event);
    };
  }

  // The built-in peer ends with the WebSocket; in a room the connection stays, and our seat is kept for a while.
  takeEndOfSignalling({ code, reason }) {
    const isConnected = this.pc?.connectionState === 'connected';
    if (this.seat && ABNORMAL.includes(code) && (isConnected || this.attempts < ATTEMPTS)) {
      if (this.attempts === 0)
        this.emit('trouble', 'The hub is gone: a connection stays, a new one needs kith serve.');
      const delay = Math.random() * Math.min(30000, 500 * 2 ** this.attempts);
      this.attempts += 1;
      this.retry = setTimeout(() => this.connectSignalling(), delay);
      return;
    }
    if (this.room && isConnected) {
      this.emit('trouble', reason);
      return;
    }
    const wasConnected = this.pc !== undefined;
    this.close();
    this.emit('lost', reason || (wasConnected ? 'kith serve has ended. Reload the page when it runs again.'
      : 'The signalling connection could not be opened. Is kith serve running?'));
  }

  // What a connection that comes about waits for, in words; '' when for nothing.
  waitsFor() {
    const { pc, socket, theOther } = this;
    if (socket.readyState === WebSocket.CONNECTING) return 'the signalling connection';
    if (!pc || ['connected', 'failed', 'closed', 'disconnected'].includes(pc.connectionState))
      return pc?.connectionState === 'connected' && !this.isReady && !this.program ? 'its data channels to open' : '';
    if (!pc.remoteDescription)
      return pc.signalingState === 'have-local-offer' ? `${theOther}’s answer` : `${theOther}’s offer`;
    if (['connected', 'completed'].includes(pc.iceConnectionState)) return 'the end of the DTLS handshake';
    if (!this.hasRemoteCandidate && !/^a=candidate:/m.test(pc.remoteDescription.sdp)) return `a candidate of ${theOther}`;
    return 'an answer to its connectivity checks';
  }

  signal(object) {
    const text = JSON.stringify(object);
    if (this.seat) {
      this.said.push(text);
      this.saidCount += 1;
      if (this.said.length > MAX_SAID) this.said.shift();
    }
    if (this.socket.readyState === WebSocket.OPEN && (!this.room || this.seat)) this.socket.send(text);
  }

  async takeSignal(message) {
    if (!message) return;
    if (message.kith === 'state') this.step(message.name, message.value, 'kith');
    else if (message.kith === 'welcome') this.takeWelcome(message);
    else if (message.kith === 'failed') this.emit('trouble', `The C program says: ${message.why}`);
    else if (this.pc) await this.takeDescriptionOrCandidate(message);
  }

  takeIceServers({ iceServers = [] }) {
    this.configuration = { ...this.configuration, iceServers };
    if (this.configuration.iceTransportPolicy === 'relay' && iceServers.length === 0)
      this.emit('trouble', 'There is no TURN server: start kith serve --turn, or leave ?relay out.');
  }

  takeWelcome({ program = '', files = 0, ...more }) {
    this.takeIceServers(more);
    Object.assign(this, { program, files });
    this.emit('welcome');
    this.open();
  }

  takeHubWord(message) {
    if (message.hub === 'welcome') {
      this.takeWelcomeOfHub(message);
    } else if (message.hub === 'joined') {
      this.polite = message.polite;
      this.meet(message.epoch);
    } else if (message.hub === 'left') {
      this.step('room', 'the other left', 'kith');
    } else if (message.hub === 'error') {
      this.step('room', message.reason, 'kith');
    }
  }

  takeWelcomeOfHub(message) {
    this.attempts = 0;
    if (message.seat === this.seat) {
      const missed = this.saidCount - message.received;
      if (missed > 0) this.said.slice(-missed).forEach((text) => this.socket.send(text));
      return;
    }
    Object.assign(this, { seat: message.seat, taken: 0, said: [], saidCount: 0, polite: message.polite });
    this.takeIceServers(message);
    if (message.present) this.meet(message.peers[0].epoch);
    else if (!this.pc) this.emit('waiting', this.room);
  }

  // Somebody is there: the one with whom we are connected, or were connecting, or another.
  meet(epoch) {
    const isSame = epoch === this.otherEpoch && this.pc && !['failed', 'closed'].includes(this.pc.connectionState);
    this.otherEpoch = epoch;
    if (isSame) {
      if (this.pc.signalingState === 'have-local-offer') this.signal(this.pc.localDescription);
      return;
    }
    this.step('room', 'somebody is here', 'kith');
    this.close();
    this.open();
  }

  async takeDescriptionOrCandidate(message) {
    const { pc } = this;
    try {
      if (message.sdp) {
        // An offer close behind the answer to ours collides with nothing (webrtc-pc section 10.7).
        const isReady = !this.makingOffer && (pc.signalingState === 'stable' || this.takingAnswer);
        const collision = message.type === 'offer' && !isReady;
        this.ignoreOffer = !this.polite && collision;
        if (this.ignoreOffer) return;
        this.step('remote description', message.type);
        this.takingAnswer = message.type === 'answer';
        await pc.setRemoteDescription(message).finally(() => { this.takingAnswer = false; });
        if (message.type === 'offer') {
          await pc.setLocalDescription();
          this.signal(pc.localDescription);
          this.openChannels();
        }
      } else if ('candidate' in message) {
        if (message.candidate) {
          this.hasRemoteCandidate = true;
          this.emit('candidate', { side: 'kith', candidate: new RTCIceCandidate(message) });
        }
        await pc.addIceCandidate(message);
      }
    } catch (error) {
      if (!this.ignoreOffer) this.emit('trouble', String(error));
    }
  }

  // ---- the peer connection ----

  open() {
    const pc = (this.pc = new RTCPeerConnection(this.configuration));
    this.began = performance.now();
    pc.onnegotiationneeded = async () => {
      try {
        this.makingOffer = true;
        await pc.setLocalDescription();
        this.step('local description', pc.localDescription.type);
        this.signal(pc.localDescription);
      } catch (error) {
        this.emit('trouble', String(error));
      } finally {
        this.makingOffer = false;
      }
    };
    pc.onicecandidate = ({ candidate }) => {
      if (!candidate) return;
      this.signal(candidate);
      if (candidate.candidate) this.emit('candidate', { side: 'browser', candidate });
    };
    pc.onsignalingstatechange = () => this.step('signalingState', pc.signalingState);
    pc.onicegatheringstatechange = () => this.step('iceGatheringState', pc.iceGatheringState);
    pc.oniceconnectionstatechange = () => this.step('iceConnectionState', pc.iceConnectionState);
    pc.onconnectionstatechange = () => {
      this.step('connectionState', pc.connectionState);
      this.emit('state', pc.connectionState);
    };
    pc.ontrack = ({ transceiver, track }) => {
      this.step('track', track.kind);
      this.emit('track', { transceiver, track });
    };
    pc.ondatachannel = ({ channel }) => {
      this.step('datachannel', channel.label, 'kith');
      this.serve(channel);
    };
    if (this.polite && !this.isBuiltIn) this.patience = setTimeout(() => this.openChannels(), PATIENCE);
    else this.openChannels();
    this.emit('state', pc.connectionState);
  }

  openChannels() {
    clearTimeout(this.patience);
    if (!this.pc || this.channels.chat) return;
    for (const label of this.program ? LABELS.slice(0, 1) : LABELS) {
      const channel = (this.channels[label] = this.pc.createDataChannel(label));
      channel.addEventListener('open', () => this.opened(channel));
      this.serve(channel);
    }
  }

  opened(channel) {
    this.step('channel open', channel.label);
    if (Object.values(this.channels).every((c) => c.readyState === 'open')) {
      this.setupTime = performance.now() - this.began;
      this.isReady = true;
      this.becomeReady(this);
      this.emit('ready');
    }
  }

  close() {
    clearTimeout(this.patience);
    if (this.pc) this.emit('closing');
    this.pc?.close();
    this.pc = this.otherChat = undefined;
    this.hasRemoteCandidate = this.isReady = false;
    this.channels = {};
  }

  // ---- channels ----

  // The same on channels of either side: whoever asks on one is answered on it.
  serve(channel) {
    channel.binaryType = 'arraybuffer';
    const take = { ping: this.takePing, file: this.takeFile, speed: this.takeSpeed }[channel.label] ?? this.takeChat;
    channel.addEventListener('message', ({ data }) => take.call(this, channel, data));
    channel.addEventListener('close', () => this.step('channel closed', channel.label));
  }

  takeChat(channel, data) {
    if (channel !== this.channels.chat) this.otherChat = channel;
    if (typeof data === 'string') this.emit('chat', data);
  }

  say(text) {
    const channel = this.otherChat?.readyState === 'open' ? this.otherChat : this.channels.chat;
    channel.send(text);
  }

  // A ping is a number; the channel's owner gets it back.
  takePing(channel, data) {
    const number = new DataView(data).getFloat64(0);
    const pending = this.pings.get(number);
    if (channel !== this.channels.ping) return channel.send(data);
    this.pings.delete(number);
    return pending?.(performance.now());
  }

  // Milliseconds there and back.
  ping() {
    const number = (this.lastPing = (this.lastPing ?? 0) + 1);
    const message = new DataView(new ArrayBuffer(8));
    message.setFloat64(0, number);
    return new Promise((resolve) => {
      if (this.pings.size > 50) this.pings.delete(this.pings.keys().next().value); // nobody echoes
      const sent = performance.now();
      this.pings.set(number, (now) => resolve(now - sent));
      this.channels.ping.send(message);
    });
  }

  // Bytes of a message to the other side.
  chunkSize() {
    const announced = /^a=max-message-size:/m.test(this.pc.remoteDescription.sdp);
    return Math.min(this.pc.sctp.maxMessageSize, announced ? CHUNK : CHUNK_UNANNOUNCED);
  }

  // ---- files: a header in JSON, chunks, a receipt (see file_transfer.h) ----

  async sendFile(blob, name = blob.name || 'unnamed') {
    const channel = this.channels.file;
    if (this.sending) throw new Error('one file at a time');
    if (blob.size > MAX_FILE) throw new Error('this page sends files of up to 512 MiB');
    const transfer = { name, size: blob.size, done: 0, from: 'browser' };
    this.sending = transfer;
    try {
      const bytes = await blob.arrayBuffer();
      transfer.sha256 = await sha256(bytes);
      const receipt = new Promise((resolve) => (transfer.finish = resolve));
      channel.send(JSON.stringify({ file: name, size: blob.size, sha256: transfer.sha256 }));
      const chunk = this.chunkSize();
      for (let at = 0; at < bytes.byteLength; at += chunk) {
        channel.send(bytes.slice(at, at + chunk));
        transfer.done = Math.max(0, Math.min(at + chunk, bytes.byteLength) - channel.bufferedAmount);
        this.emit('transfer', transfer);
        await drain(channel, HIGH_WATER);
      }
      transfer.receipt = await Promise.race([receipt, once(channel, 'close').then(() => ({ ok: false, reason: 'the channel closed' }))]);
      transfer.done = blob.size;
      this.emit('transfer', transfer);
      return transfer.receipt;
    } finally {
      this.sending = undefined;
    }
  }

  // Asks the C program for a file of that many bytes.
  getFile(size) {
    this.channels.file.send(JSON.stringify({ get: size }));
    return new Promise((resolve) => (this.whenGot = resolve));
  }

  takeFile(channel, data) {
    if (typeof data !== 'string') return this.takeFileBytes(channel, data);
    const message = parse(data) ?? {};
    if (message.file !== undefined) return this.beginFile(channel, message);
    if (message.received !== undefined) return this.sending?.finish(message);
    if (message.error) this.emit('trouble', message.error);
    return undefined;
  }

  beginFile(channel, { file, size, sha256: expected }) {
    if (!(size >= 0 && size <= MAX_FILE))
      return channel.send(JSON.stringify({ received: file, ok: false, reason: 'files of up to 512 MiB are taken' }));
    channel.incoming = { name: file, size, expected, done: 0, from: 'kith', parts: [] };
    return size === 0 ? this.takeFileBytes(channel, new ArrayBuffer(0)) : undefined;
  }

  async takeFileBytes(channel, data) {
    const { incoming } = channel;
    if (!incoming) return;
    incoming.parts.push(data);
    incoming.done += data.byteLength;
    this.emit('transfer', incoming);
    if (incoming.done < incoming.size) return;
    channel.incoming = undefined;
    const { name, size, parts, expected } = incoming;
    incoming.blob = new Blob(parts);
    incoming.sha256 = await sha256(await incoming.blob.arrayBuffer());
    const ok = incoming.done === size && (!expected || !incoming.sha256 || incoming.sha256 === expected);
    incoming.receipt = { received: name, size: incoming.done, sha256: incoming.sha256, ok };
    channel.send(JSON.stringify(incoming.receipt));
    incoming.parts = [];
    this.emit('transfer', incoming);
    this.whenGot?.(incoming.receipt);
  }

  // ---- throughput ----

  takeSpeed(channel, data) {
    if (typeof data !== 'string') {
      channel.bytes = (channel.bytes ?? 0) + data.byteLength;
      return undefined;
    }
    const message = parse(data) ?? {};
    if (message.sent !== undefined) return this.whenSent?.(message);
    if (message.uploaded !== undefined) return this.whenUploaded?.(message);
    if (message.download) return this.pump(channel, message.download).then((sent) => channel.send(JSON.stringify({ sent })));
    if (message.upload === 'begin') [channel.bytes, channel.since] = [0, performance.now()];
    else if (message.upload === 'end')
      channel.send(JSON.stringify({ uploaded: channel.bytes, seconds: (performance.now() - channel.since) / 1000 }));
    return undefined;
  }

  // Sends for `milliseconds`, telling how much has left; the number of bytes.
  async pump(channel, milliseconds, tell = () => {}) {
    const chunk = new Uint8Array(this.chunkSize());
    const end = performance.now() + milliseconds;
    let queued = 0;
    while (performance.now() < end) {
      while (channel.bufferedAmount < HIGH_WATER) {
        channel.send(chunk);
        queued += chunk.length;
      }
      await drain(channel, LOW_WATER);
      tell(queued - channel.bufferedAmount);
    }
    return queued;
  }

  async download(milliseconds) {
    const channel = this.channels.speed;
    channel.bytes = 0; // counted by takeSpeed
    const began = performance.now();
    const end = new Promise((resolve) => (this.whenSent = resolve));
    channel.send(JSON.stringify({ download: milliseconds }));
    const { sent } = await end;
    const seconds = (performance.now() - began) / 1000;
    return { bytes: channel.bytes, sent, seconds, rate: channel.bytes / seconds };
  }

  async upload(milliseconds) {
    const channel = this.channels.speed;
    const end = new Promise((resolve) => (this.whenUploaded = resolve));
    channel.send(JSON.stringify({ upload: 'begin' }));
    const sent = await this.pump(channel, milliseconds, (bytes) => (this.uploaded = bytes));
    channel.send(JSON.stringify({ upload: 'end' }));
    const { uploaded, seconds } = await end;
    return { bytes: uploaded, sent, seconds, rate: uploaded / seconds };
  }

  // ---- statistics ----

  // { pair, local, remote, transport } of the chosen pair, or {}.
  async path() {
    const report = this.pc ? await this.pc.getStats() : new Map();
    const all = [...report.values()];
    const transport = all.find((s) => s.type === 'transport');
    const pair = report.get(transport?.selectedCandidatePairId) ??
      all.find((s) => s.type === 'candidate-pair' && (s.selected || (s.nominated && s.state === 'succeeded')));
    if (!pair) return {};
    return { pair, transport, local: report.get(pair.localCandidateId), remote: report.get(pair.remoteCandidateId) };
  }
}
