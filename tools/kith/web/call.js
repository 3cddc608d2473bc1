// A call on the live connection: each camera and microphone is a transceiver (webrtc-pc section 5.4), and everything
// that changes is negotiated anew on the connection that is there. No drawing here.
//
//   change                  what is sent or received is another, or a word of trouble
//   measured { sent, received, lines }    what getStats tells, twice a second
const INTERVAL = 500; // ms
const CAMERA = { width: 640, height: 480 };

// Why there is no camera or microphone, in words.
const WORDS = {
  NotAllowedError: 'The browser does not let this page use camera and microphone. Allow it beside the address bar, then start again.',
  NotFoundError: 'There is no camera and no microphone here.',
  NotReadableError: 'Another program holds the camera or the microphone, or the system does not give it.',
  OverconstrainedError: 'The camera that was in use is gone.',
};

export const whyInsecure = (place = location) =>
  'Browsers give camera and microphone only to pages of this machine and to HTTPS. Open ' +
  `http://localhost:${place.port || 80}/ where kith serve runs, or bring its port to this machine: ` +
  `ssh -L ${place.port || 80}:127.0.0.1:${place.port || 80} ${place.hostname}`;

const receives = ({ transceiver }) => ['sendrecv', 'recvonly'].includes(transceiver.currentDirection);

export class Call extends EventTarget {
  // One a transceiver: { kind, transceiver, own, isOn }; `own` is our track, null where only the other sends.
  lines = [];
  trouble = '';
  #peer;
  #last = new Map();

  constructor(peer) {
    super();
    this.#peer = peer;
    peer.addEventListener('track', ({ detail }) => this.#adopt(detail));
    peer.addEventListener('step', ({ detail }) => {
      if (detail.side === 'browser' && detail.name === 'signalingState' && detail.value === 'stable') this.#settle();
    });
    peer.addEventListener('welcome', () => this.#change());
    for (const end of ['lost', 'closing']) peer.addEventListener(end, () => this.#drop());
    setInterval(() => this.#measure(), INTERVAL);
  }

  // What the other side is to be told can be.
  get isPossible() {
    return this.#peer.isReady || Boolean(this.#peer.program && this.#peer.pc);
  }

  get isOn() {
    return this.lines.some(({ own }) => own);
  }

  // The lines of a kind that we made.
  own(kind) {
    return this.lines.filter((line) => line.kind === kind && line.own);
  }

  receives(line) {
    return receives(line);
  }

  #change(trouble = '') {
    this.trouble = trouble;
    this.dispatchEvent(new CustomEvent('change'));
  }

  // ---- the other side ----

  #adopt({ transceiver, track }) {
    if (!this.lines.some((line) => line.transceiver === transceiver))
      this.lines.push({ kind: track.kind, transceiver, own: null, isOn: false });
    this.#change(this.trouble);
  }

  #settle() {
    this.lines = this.lines.filter(({ transceiver, own }) => own || receives({ transceiver }));
    this.#change(this.trouble);
  }

  #drop(trouble = '') {
    this.lines.forEach(({ own }) => own?.stop());
    this.lines = [];
    this.#change(trouble);
  }

  // ---- what the buttons do ----

  // A track of each kind that there is; what is missing is told.
  async #capture() {
    if (!navigator.mediaDevices?.getUserMedia) throw new Error(whyInsecure());
    const get = (constraints) => navigator.mediaDevices.getUserMedia(constraints).then((stream) => stream.getTracks());
    try {
      return { tracks: await get({ audio: true, video: CAMERA }), missing: '' };
    } catch (error) {
      if (error.name !== 'NotFoundError' && error.name !== 'NotReadableError') throw error;
      const picture = await get({ video: CAMERA }).catch(() => []);
      const sound = await get({ audio: true }).catch(() => []);
      if (!picture.length && !sound.length) throw error;
      const missing = picture.length ? 'There is no microphone: only the picture is sent.' : 'There is no camera: only the sound is sent.';
      return { tracks: [...sound, ...picture], missing };
    }
  }

  #words(error) {
    return WORDS[error.name] ?? error.message ?? String(error);
  }

  // Where the other, who is no mirror, made a transceiver and we send nothing in it, that one; else a new one.
  async #add(track) {
    const free = !this.#peer.isBuiltIn && this.lines.find(({ kind, own, transceiver }) =>
      kind === track.kind && !own && transceiver.direction !== 'stopped');
    if (free) {
      await free.transceiver.sender.replaceTrack(track);
      free.transceiver.direction = 'sendrecv';
      Object.assign(free, { own: track, isOn: true });
    } else {
      const transceiver = this.#peer.pc.addTransceiver(track, { direction: 'sendrecv', streams: [new MediaStream([track])] });
      this.lines.push({ kind: track.kind, transceiver, own: track, isOn: true });
    }
    track.onended = () => this.#change(`${track.kind === 'video' ? 'The camera' : 'The microphone'} has gone.`);
  }

  async start() {
    try {
      const { tracks, missing } = await this.#capture();
      if (this.isOn) return tracks.forEach((track) => track.stop());
      for (const track of tracks.sort((a, b) => a.kind.localeCompare(b.kind))) await this.#add(track);
      this.#change(missing);
    } catch (error) {
      this.#change(this.#words(error));
    }
    return undefined;
  }

  // The mirror has nothing to send back where nothing comes; any other may go on.
  get #offDirection() {
    return this.#peer.isBuiltIn ? 'inactive' : 'recvonly';
  }

  // Muted: the track stays ours, and not a packet leaves.
  toggleMicrophone() {
    for (const line of this.own('audio')) {
      line.isOn = !line.isOn;
      line.own.enabled = line.isOn;
      line.transceiver.direction = line.isOn ? 'sendrecv' : this.#offDirection;
    }
    this.#change();
  }

  // Off: the camera itself is let go, its light goes out; on again it is another track in the same transceiver.
  async toggleCamera() {
    const line = this.own('video')[0];
    try {
      if (line.isOn) {
        line.device = line.own.getSettings().deviceId;
        line.isOn = false;
        line.own.stop();
        await line.transceiver.sender.replaceTrack(null);
        line.transceiver.direction = this.#offDirection;
      } else {
        await this.#turnOn(line);
      }
      this.#change();
    } catch (error) {
      this.#change(this.#words(error));
    }
  }

  async #turnOn(line) {
    const video = { ...CAMERA, ...(line.device && { deviceId: { exact: line.device } }) };
    const [track] = (await navigator.mediaDevices.getUserMedia({ video })).getTracks();
    await line.transceiver.sender.replaceTrack(track);
    line.transceiver.direction = 'sendrecv';
    Object.assign(line, { own: track, isOn: true });
  }

  // A camera that is not in use; where there is but one, that one again.
  async #captureAnother() {
    const used = this.own('video').map(({ own }) => own.getSettings().deviceId);
    const devices = await navigator.mediaDevices.enumerateDevices();
    const another = devices.find(({ kind, deviceId }) => kind === 'videoinput' && deviceId && !used.includes(deviceId));
    const video = { ...CAMERA, ...(another && { deviceId: { exact: another.deviceId } }) };
    const [track] = (await navigator.mediaDevices.getUserMedia({ video })).getTracks();
    return { track, words: another ? '' : 'There is one camera here: it is sent twice.' };
  }

  async toggleSecondCamera() {
    const [, second] = this.own('video');
    try {
      if (second) {
        this.#end(second);
        return this.#change();
      }
      const { track, words } = await this.#captureAnother();
      await this.#add(track);
      this.#change(words);
    } catch (error) {
      this.#change(this.#words(error));
    }
    return undefined;
  }

  // What the other, who is no mirror, sends in the same transceiver goes on.
  #end(line) {
    line.own.stop();
    line.own = null;
    if (!this.#peer.isBuiltIn && receives(line)) {
      line.transceiver.sender.replaceTrack(null);
      line.transceiver.direction = 'recvonly';
      return;
    }
    line.transceiver.stop();
    this.lines = this.lines.filter((other) => other !== line);
  }

  stop() {
    for (const line of this.lines.filter(({ own }) => own)) this.#end(line);
    this.#change();
  }

  // What the program sends from files is what it offered itself.
  get film() {
    return !this.#peer.isBuiltIn ? [] : this.lines.filter(({ own }) => !own);
  }

  toggleFilm() {
    const { film } = this;
    this.#peer.signal({ kith: film.length ? 'stop' : 'play' });
    film.forEach(({ transceiver }) => transceiver.stop());
    this.lines = this.lines.filter((line) => !film.includes(line));
    this.#change();
  }

  // ---- measuring ----

  async #measure() {
    const { pc } = this.#peer;
    if (!pc || !this.lines.length) return this.#last.clear();
    const report = await pc.getStats();
    const all = [...report.values()];
    const of = (type) => all.filter((entry) => entry.type === type);
    const picture = await this.#picture();
    const measured = {
      sent: {
        bits: 8 * this.#rate(of('outbound-rtp'), 'bytesSent'),
        frames: this.#rate(picture, 'framesSent'),
        ...this.#quality(of('remote-inbound-rtp')),
      },
      received: {
        bits: 8 * this.#rate(of('inbound-rtp'), 'bytesReceived'),
        frames: this.#rate(picture, 'framesDecoded'),
        ...this.#quality(of('inbound-rtp')),
      },
      roundTrip: Math.max(...of('remote-inbound-rtp').map(({ roundTripTime }) => roundTripTime * 1000).filter((ms) => ms >= 0)),
      lines: new Map(of('inbound-rtp').map((entry) => [entry.trackIdentifier, { ...entry, codec: report.get(entry.codecId)?.mimeType }])),
    };
    this.#last = new Map(all.map((entry) => [entry.id, entry]));
    return this.dispatchEvent(new CustomEvent('measured', { detail: measured }));
  }

  // The entries of the first picture. Frames of several do not add up to anything that is seen: a second of each has as
  // many as it has.
  async #picture() {
    const first = this.lines.find(({ kind }) => kind === 'video')?.transceiver;
    const reports = first ? await Promise.all([first.sender.getStats(), first.receiver.getStats()]) : [];
    return reports.flatMap((report) => [...report.values()]);
  }

  // A second, by the growth since the last look of each stream that was there then.
  #rate(entries, name) {
    return entries.reduce((sum, entry) => {
      const last = this.#last.get(entry.id);
      const seconds = last && (entry.timestamp - last.timestamp) / 1000;
      return seconds > 0 && name in entry && name in last ? sum + Math.max(0, entry[name] - last[name]) / seconds : sum;
    }, 0);
  }

  #quality(entries) {
    return {
      lost: entries.reduce((sum, { packetsLost = 0 }) => sum + packetsLost, 0),
      jitter: Math.max(...entries.map(({ jitter }) => jitter * 1000).filter((ms) => ms >= 0)),
    };
  }
}
