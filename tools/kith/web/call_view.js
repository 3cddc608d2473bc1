// Draws a Call: the pictures of both sides beside each other, the level of the sound, the buttons, and what getStats
// tells as plots. Green is what this browser sends, rust what comes back, as everywhere on the page.
import { Call } from './call.js';
import { Graph } from './graph.js';

const $ = (id) => document.getElementById(id);

const element = (tag, className, text) => {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};

const bits = (n) => (n < 1e6 ? `${Math.round(n / 1e3)} kbit/s` : `${(n / 1e6).toFixed(1)} Mbit/s`);
const milliseconds = (n) => `${n >= 10 ? n.toFixed(0) : n.toFixed(1)} ms`;

// ---- pictures ----

class Tile {
  constructor(side, title) {
    this.root = element('figure', `tile ${side}-tile`);
    this.video = element('video');
    Object.assign(this.video, { autoplay: true, muted: true, playsInline: true });
    this.note = element('span', 'tile-note');
    this.caption = element('figcaption');
    this.detail = element('span', 'tile-detail');
    this.caption.append(element('span', 'tile-title', title), this.detail);
    this.root.append(this.video, this.note, this.caption);
  }

  // No track: the words in its place.
  show(track, words) {
    this.note.textContent = track ? '' : words;
    this.root.classList.toggle('dark', !track);
    if (this.video.srcObject?.getTracks()[0] === track) return;
    this.video.srcObject = track ? new MediaStream([track]) : null;
  }
}

// ---- sound ----

// The loudness of a track, 0 to 1.
class Level {
  constructor(meter) {
    this.meter = meter;
  }

  listen(context, track) {
    if (track === this.track) return;
    this.source?.disconnect();
    this.track = track;
    this.analyser = track && new AnalyserNode(context, { fftSize: 1024 });
    this.source = track && new MediaStreamAudioSourceNode(context, { mediaStream: new MediaStream([track]) });
    this.source?.connect(this.analyser);
  }

  draw() {
    let level = 0;
    if (this.analyser) {
      const samples = new Float32Array(this.analyser.fftSize);
      this.analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
      level = Math.max(0, 1 + (10 * Math.log10(power + 1e-12)) / 60); // -60 dB is silence
    }
    this.meter.value = this.shown = Math.max(level, (this.shown ?? 0) * 0.9);
  }
}

// ---- all of it ----

export class CallView {
  #tiles = new Map();
  #graphs = {};

  constructor(peer) {
    this.call = new Call(peer);
    this.#levels = { browser: new Level($('own-level')), kith: new Level($('their-level')) };
    this.#wireButtons(peer);
    this.#makeGraphs();
    this.call.addEventListener('change', () => this.#draw());
    this.call.addEventListener('measured', ({ detail }) => this.#plot(detail));
    peer.addEventListener('ready', () => this.#draw());
    peer.addEventListener('welcome', () => this.#address());
    this.#peer = peer;
    this.#address();
    this.#draw();
  }

  // Who is no mirror is named.
  #address() {
    if (this.#peer.isBuiltIn) return;
    $('call-heading').textContent = `You, and ${this.#peer.otherName}`;
    $('call-words').textContent = `Send camera and microphone to ${this.#peer.otherName}.`;
    $('call-details').textContent = 'They go out over the connection above.';
  }

  #peer;
  #levels;

  #wireButtons() {
    const { call } = this;
    // One press at a time: what it does is negotiated.
    const press = (id, run) => $(id).addEventListener('click', async () => {
      this.busy = true;
      this.#draw();
      await run();
      this.busy = false;
      this.#draw();
    });
    press('call-start', () => call.start());
    press('call-mute', () => call.toggleMicrophone());
    press('call-camera', () => call.toggleCamera());
    press('call-second', () => call.toggleSecondCamera());
    press('call-stop', () => (call.isOn ? call.stop() : call.start()));
    press('call-film', () => call.toggleFilm());
    press('call-listen', () => { $('their-sound').muted = !$('their-sound').muted; });
  }

  #draw() {
    const { call } = this;
    const [microphone] = call.own('audio');
    const [camera, second] = call.own('video');
    const button = (id, text, enabled, pressed) => {
      $(id).querySelector('.label').textContent = text;
      $(id).disabled = this.busy || !enabled;
      if (pressed !== undefined) $(id).setAttribute('aria-pressed', String(pressed));
    };
    button('call-start', 'Start the call', call.isPossible);
    button('call-mute', microphone && !microphone.isOn ? 'Unmute' : 'Mute', microphone, Boolean(microphone && !microphone.isOn));
    button('call-camera', camera && !camera.isOn ? 'Camera on' : 'Camera off', camera, Boolean(camera && !camera.isOn));
    button('call-second', second ? 'One camera' : 'Second camera', camera?.isOn, Boolean(second));
    button('call-listen', 'Hear it', call.lines.length, !$('their-sound').muted);
    button('call-film', call.film.length ? 'Stop film' : 'Play film', this.#peer?.isReady, call.film.length > 0);
    $('call-film').hidden = !this.#peer?.files;
    // A film alone leaves no room for the invitation.
    button('call-stop', call.isOn || !call.lines.length ? 'Stop' : 'Start the call', call.lines.length);
    $('invitation').hidden = call.lines.length > 0;
    $('call-view').classList.toggle('talking', call.lines.length > 0);
    $('call-trouble').textContent = call.trouble;
    $('call-trouble').hidden = !call.trouble;
    $('call-trouble').classList.toggle('mild', call.isOn);
    this.#drawTiles();
    this.#drawSound();
  }

  #drawTiles() {
    const lines = this.call.lines.filter(({ kind }) => kind === 'video');
    for (const [line, { root }] of this.#tiles) {
      if (lines.includes(line)) continue;
      root.remove();
      this.#tiles.delete(line);
    }
    for (const line of lines) {
      if (!this.#tiles.has(line)) this.#tiles.set(line, this.#pair());
      this.#tiles.get(line).root.classList.toggle('alone', !line.own);
      const { own, theirs } = this.#tiles.get(line);
      own.show(line.own && line.isOn ? line.own : null, line.own ? 'Your camera is off' : 'You send nothing here');
      theirs.show(this.call.receives(line) ? line.transceiver.receiver.track : null, 'Nothing comes back');
    }
    $('stage').dataset.pairs = lines.length;
  }

  #pair() {
    const root = element('div', 'pair');
    const own = new Tile('browser', 'you');
    const theirs = new Tile('kith', this.#peer.otherName);
    root.append(own.root, theirs.root);
    $('stage').append(root);
    return { root, own, theirs };
  }

  #drawSound() {
    const lines = this.call.lines.filter(({ kind }) => kind === 'audio');
    const line = lines.find(({ own }) => own) ?? lines[0];
    const tracks = lines.filter((one) => this.call.receives(one)).map(({ transceiver }) => transceiver.receiver.track);
    const sound = $('their-sound');
    const heard = sound.srcObject?.getTracks() ?? [];
    if (heard.length !== tracks.length || heard.some((track) => !tracks.includes(track)))
      sound.srcObject = tracks.length ? new MediaStream(tracks) : null;
    const theirs = tracks.at(-1) ?? null;
    if (line) this.#context ??= new AudioContext();
    if (this.#context) {
      this.#levels.browser.listen(this.#context, line?.own && line.isOn ? line.own : null);
      this.#levels.kith.listen(this.#context, theirs);
      this.#context.resume();
    }
    if (line && !this.#isDrawingLevels) this.#drawLevels();
  }

  #context;
  #isDrawingLevels = false;

  #drawLevels() {
    Object.values(this.#levels).forEach((level) => level.draw());
    this.#isDrawingLevels = this.call.lines.length > 0;
    if (this.#isDrawingLevels) requestAnimationFrame(() => this.#drawLevels());
  }

  // ---- plots ----

  #makeGraphs() {
    const both = [{ color: '--kith' }, { color: '--browser' }];
    const make = (id, format, series = both) => new Graph($(`${id}-graph`), { series, seconds: 60, format });
    const number = (n) => String(Math.round(n * 10) / 10);
    this.#graphs = {
      bits: make('bits', bits),
      frames: make('frames', number),
      lost: make('lost', number),
      roundTrip: make('roundtrip', milliseconds, [{ color: '--browser' }]),
      jitter: make('jitter', milliseconds),
    };
  }

  #plot({ sent, received, roundTrip, lines }) {
    const show = (name, id, format) => {
      [received[name], sent[name]].forEach((value, series) => {
        const known = Number.isFinite(value);
        $(`${id}-${series ? 'sent' : 'received'}`).textContent = known ? format(value) : '—';
        if (known) this.#graphs[name].add(series, value);
      });
    };
    show('bits', 'bits', bits);
    show('frames', 'frames', (n) => n.toFixed(0));
    show('lost', 'lost', String);
    show('jitter', 'jitter', milliseconds);
    $('roundtrip-sent').textContent = Number.isFinite(roundTrip) ? milliseconds(roundTrip) : '—';
    if (Number.isFinite(roundTrip)) this.#graphs.roundTrip.add(0, roundTrip);
    for (const [line, { own, theirs }] of this.#tiles) {
      const settings = line.own && line.isOn ? line.own.getSettings() : {};
      own.detail.textContent = settings.width ? `${settings.width} × ${settings.height}` : '';
      const { codec, frameWidth, frameHeight } = lines.get(line.transceiver.receiver.track.id) ?? {};
      theirs.detail.textContent = frameWidth && this.call.receives(line) ? `${codec?.split('/')[1] ?? ''} ${frameWidth} × ${frameHeight}` : '';
    }
  }
}
