// A browser and the programs of docs/examples: a recorder across mute, another size of the picture and another codec; a
// film that is sent; an encoder that makes what the browser asks for; a gateway whose far programs are replaced; one to
// many. What arrives, there or here, is looked at and listened to. At last the page of `kith serve`, as a newcomer has
// it, in front of some of them.
//
//     node examples.mjs DIRECTORY_OF_PROGRAMS KITH chromium|firefox
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { browserNamed } from './lib/browsers.mjs';
import { call, inbound, meet, openOrigin, outbound } from './lib/call.mjs';
import { start, stop } from './lib/children.mjs';
import { isSignal } from './lib/inbox.mjs';
import { Peer } from './lib/peer.mjs';
import { assertAlike, picturesOf, toneOf } from './lib/pictures.mjs';
import { Relay } from './lib/relay-program.mjs';
import { findTone, looksAt } from './lib/recognise.mjs';
import { check, finish } from './lib/report.mjs';
import { startServe } from './lib/serve.mjs';
import { sleep, until, within } from './lib/wait.mjs';

const [programs, kith, name] = process.argv.slice(2);
const { launch } = browserNamed(name);
const film = join(dirname(fileURLToPath(import.meta.url)), '../data/media/vp8.ivf');
const program = which => join(programs, `example-${which}`);

async function inFolder(run) {
  const folder = mkdtempSync(join(tmpdir(), 'kith-example-'));
  try {
    await run(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

// FFmpeg decodes the file, with no word about an error.
function decode(path) {
  const done = spawnSync('ffmpeg', ['-nostdin', '-v', 'error', '-i', path, '-vsync', 'passthrough', '-enc_time_base', '-1', '-f', 'null', '-'], { encoding: 'utf8' });
  if (!done.error) assert.equal(done.stderr, '', path);
}

// { time in seconds, size of the picture of key frames }
function ivfFrames(path) {
  const bytes = readFileSync(path), frames = [];
  assert.equal(bytes.toString('latin1', 0, 12), 'DKIF\0\0\x20\0VP80');
  for (let at = 32; at < bytes.length;) {
    const length = bytes.readUInt32LE(at), data = at + 12;
    const isKey = bytes[data] % 2 === 0;
    frames.push({ time: Number(bytes.readBigUInt64LE(at + 4)) / 90000, width: isKey ? bytes.readUInt16LE(data + 6) & 0x3fff : 0 });
    at = data + length;
  }
  return frames;
}

// In the page.
const turn = direction => {
  for (const transceiver of window.call.pc.getTransceivers()) transceiver.direction = direction;
  return window.call.describe();
};
const shrink = async by => {
  const sender = window.call.pc.getSenders().find(({ track }) => track.kind === 'video');
  const parameters = sender.getParameters();
  parameters.encodings[0].scaleResolutionDownBy = by;
  await sender.setParameters(parameters);
};
const preferH264 = () => {
  const transceiver = window.call.pc.getTransceivers().find(({ receiver }) => receiver.track.kind === 'video');
  const { codecs } = RTCRtpSender.getCapabilities('video');
  const isH264 = ({ mimeType }) => mimeType === 'video/H264';
  transceiver.setCodecPreferences([...codecs.filter(isH264), ...codecs.filter(codec => !isH264(codec))]);
  return window.call.describe();
};

// In the page: the codec of the picture that is sent or received.
const coded = async stream => {
  const all = [...(await window.call.pc.getStats()).values()];
  const { codecId } = all.find(({ type, kind }) => type === stream && kind === 'video');
  return all.find(({ id }) => id === codecId).mimeType;
};
// In the page: an offer that takes so much of a picture, kbit/s.
const take = async kilobits => {
  const { pc, say } = window.call;
  await pc.setLocalDescription();
  const { type, sdp } = pc.localDescription;
  say({ type, sdp: sdp.replace(/(m=video .*\r\nc=.*\r\n)/, `$1b=AS:${kilobits}\r\n`) });
};
const direction = () => window.call.pc.getTransceivers().find(({ receiver }) => receiver.track.kind === 'video').currentDirection;

function assertTone(found, made) {
  const both = JSON.stringify({ found, made });
  assert.ok(found.loudness > 0.005 && made.loudness > 0.005, both);
  assert.ok(Math.abs(found.frequency - made.frequency) <= 20, both);
}

const COUNTER = { width: 320, height: 240, rate: 15 };

// How long the browser is mute in the recording, milliseconds.
const PAUSE = 2000;
async function live(page, made) {
  const sent = () => outbound(page, 'video', ({ framesEncoded }) => framesEncoded > 0);
  const sends = async (count, holds = () => true) => {
    const { framesEncoded } = await sent();
    await outbound(page, 'video', now => now.framesEncoded >= framesEncoded + count && holds(now));
  };
  await sends(30);
  made.pictures = await page.evaluate(looksAt, 'video.own');
  made.tone = await page.evaluate(`${findTone}(window.call.media.getAudioTracks()[0].clone(), 2000)`);
  await page.evaluate(turn, 'inactive');
  await sleep(PAUSE);
  await page.evaluate(turn, 'sendonly');
  await sends(20);
  const { frameWidth } = await sent();
  await page.evaluate(shrink, 2);
  await sends(20, now => now.frameWidth < frameWidth);
  if (name !== 'chromium') return;
  await page.evaluate(preferH264);
  await until(20000, 'H.264', async () => await page.evaluate(coded, 'outbound-rtp') === 'video/H264');
  await sends(20);
}

async function checkRecords(folder, made) {
  const names = readdirSync(folder).map(file => file.slice(file.indexOf('.') + 1)).sort();
  assert.deepEqual(names, name === 'chromium' ? ['h264', 'ivf', 'ogg'] : ['ivf', 'ogg']);
  for (const file of readdirSync(folder)) {
    decode(join(folder, file));
    if (!file.endsWith('.ogg')) assertAlike(await picturesOf(['-i', join(folder, file)]), made.pictures, file);
    else assertTone(await toneOf(join(folder, file)), made.tone);
  }
  const frames = ivfFrames(join(folder, readdirSync(folder).find(file => file.endsWith('.ivf'))));
  const pauses = frames.slice(1).map(({ time }, i) => time - frames[i].time);
  assert.ok(Math.max(...pauses) > 1.5, `the longest pause is ${Math.max(...pauses)} s`);
  assert.ok(Math.min(...pauses) > 0);
  const widths = new Set(frames.map(({ width }) => width).filter(Boolean));
  assert.ok(widths.size >= 2, `sizes: ${[...widths]}`);
}

async function plays(page) {
  const first = await inbound(page, 'video', ({ framesDecoded }) => framesDecoded > 0);
  const last = await inbound(page, 'video', ({ framesDecoded }) => framesDecoded >= first.framesDecoded + 30);
  assert.equal(`${last.frameWidth} x ${last.frameHeight}`, '96 x 64');
  assertAlike(await page.evaluate(looksAt, 'video.theirs'), await picturesOf(['-i', film]), 'the film');
}

// What encoder.c films: rows of one grey, each a step lighter than the one above it, that move upwards.
const LADDER = ['-f', 'lavfi', '-i', "color=gray:size=320x240:rate=25,format=yuv420p,geq=lum='mod(Y+N,256)':cb=128:cr=128", '-frames:v', '256'];

// The encoder makes no key frame of itself: each that is decoded was asked for.
async function isObeyed(page) {
  const first = await inbound(page, 'video', ({ framesDecoded }) => framesDecoded > 30);
  assert.equal(`${first.frameWidth} x ${first.frameHeight}`, '320 x 240');
  assert.ok(first.keyFramesDecoded <= 2, `${first.keyFramesDecoded} key frames`);
  assert.equal(await page.evaluate(coded, 'inbound-rtp'), 'video/VP8');
  const ladder = await picturesOf(LADDER.slice(0, 4), LADDER.slice(4));
  assertAlike(await page.evaluate(looksAt, 'video.theirs'), ladder, 'VP8');
  await isModest(page);
  const last = await inbound(page, 'video', () => true);
  await page.evaluate(turn, 'inactive');
  await until(20000, 'nothing negotiated', async () => await page.evaluate(direction) === 'inactive');
  await page.evaluate(turn, 'recvonly');
  // Firefox discards what comes before it has the answer to its offer, a key frame too, and asks for no other.
  const { framesDecoded, keyFramesDecoded } = await inbound(page, 'video', now =>
    now.framesDecoded > last.framesDecoded + 10 && (name === 'firefox' || now.keyFramesDecoded > last.keyFramesDecoded));
  if (name !== 'chromium') return;
  await page.evaluate(preferH264);
  await inbound(page, 'video', now => now.framesDecoded > framesDecoded + 50 && now.keyFramesDecoded > keyFramesDecoded);
  assert.equal(await page.evaluate(coded, 'inbound-rtp'), 'video/H264');
  assertAlike(await page.evaluate(looksAt, 'video.theirs'), ladder, 'H.264');
}

// Bits per second of the picture that come within some seconds.
async function rate(page, seconds) {
  const before = await inbound(page, 'video', () => true);
  await sleep(seconds * 1000);
  const after = await inbound(page, 'video', () => true);
  return (after.bytesReceived - before.bytesReceived) * 8000 / (after.timestamp - before.timestamp);
}

// b=AS:40 is 22 kbit/s (RFC 9429 section 5.10), half of what the film has of its own.
async function isModest(page) {
  const free = await rate(page, 3);
  assert.ok(free > 35000, `${free} bit/s`);
  await page.evaluate(take, 40);
  let now;
  await until(20000, '22 kbit/s', async () => (now = await rate(page, 3)) > 15000 && now < 27500, () => `${now} bit/s`);
}

// FFmpeg sends plain RTP, is replaced by another FFmpeg, and who listens by another listener.
function far(port) {
  const child = spawn('ffmpeg', ['-nostdin', '-v', 'quiet', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=25', '-c:v', 'libvpx',
    '-deadline', 'realtime', '-g', '12', '-f', 'rtp', `rtp://127.0.0.1:${port}?pkt_size=1100`], { stdio: 'ignore' });
  return () => child.kill('SIGKILL');
}

// What FFmpeg sees that is told of the stream by a description (RFC 8866), as a program there would be.
async function listen(folder, port) {
  const path = join(folder, 'far.sdp');
  writeFileSync(path, `v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=video ${port} RTP/AVP 96\na=rtpmap:96 VP8/90000\n`);
  return picturesOf(['-protocol_whitelist', 'file,udp,rtp', '-i', path], ['-frames:v', '10'], 20000);
}

async function goesOn(page, folder) {
  const test = await picturesOf(['-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=25'], ['-frames:v', '400']);
  for (let round = 0, last = 0; round < 2; round++) {
    const stop = far(5000);
    try {
      const now = await inbound(page, 'video', ({ framesDecoded }) => framesDecoded > last + 50);
      assert.equal(`${now.frameWidth} x ${now.frameHeight}`, '160 x 120');
      last = now.framesDecoded;
      assertAlike(await page.evaluate(looksAt, 'video.theirs'), test, 'the far picture');
      const [seen, made] = await Promise.all([listen(folder, 5002), page.evaluate(looksAt, 'video.own', 30)]);
      assertAlike(seen, made, 'the camera');
    } finally {
      stop();
    }
    await sleep(1000);
  }
}

// What the first page sends reaches both others, the later one too: its counter, as far as it has come, and its tone.
async function spreads(first, browser, origin, program) {
  const tone = await first.evaluate(`${findTone}(window.call.media.getAudioTracks()[0].clone(), 2000)`);
  for (const number of [1, 2]) {
    await meet(browser, origin, program.member(number), { offers: false, counter: COUNTER }, async page => {
      await inbound(page, 'video', ({ framesDecoded }) => framesDecoded > 20);
      const heard = page.evaluate(`${findTone}(document.querySelector('audio.theirs').srcObject.getTracks()[0].clone(), 2000)`);
      await page.evaluate(() => void window.counter.watch(document.querySelector('video.theirs').srcObject.getVideoTracks()[0]));
      assertTone(await heard, tone);
      const seen = await until(10000, 'ten pictures', async () => {
        const numbers = await page.evaluate(() => window.counter.seen.map(({ number }) => number));
        return numbers.length > 10 && numbers;
      });
      const sent = await first.evaluate(() => window.counter.sent());
      assert.ok(seen.every((now, i) => i === 0 || now >= seen[i - 1]), `${seen}`);
      assert.ok(sent - seen.at(-1) < 20, `${seen.at(-1)} was seen and ${sent} sent`);
    });
  }
}

// In the page of `kith serve`: frames that were decoded.
const decoded = async () => [...(await window.kithDemo.peer.pc?.getStats() ?? new Map()).values()]
  .find(({ type, kind }) => type === 'inbound-rtp' && kind === 'video')?.framesDecoded ?? 0;
const startCall = () => document.getElementById('call-start').click();
const canCall = () => !document.getElementById('call-start').disabled;

async function isSeen(command, isCalled) {
  const serve = await startServe(kith, '--', ...command);
  try {
    const page = await browser.open(isCalled ? `${serve.url}#call` : serve.url);
    if (isCalled) {
      await until(20000, 'the button', () => page.evaluate(canCall));
      await page.evaluate(startCall);
    }
    await until(20000, 'the picture', async () => await page.evaluate(decoded) > 20);
    assert.equal(await page.evaluate(() => document.getElementById('call-view').hidden), false);
    assert.equal(await page.evaluate(() => document.getElementById('trouble').textContent), '');
  } finally {
    assert.equal(await serve.stop(), 0, serve.log());
  }
}

// README's first program and the page of `kith serve` in a room; who comes again is another page.
async function meetsThePage() {
  const serve = await startServe(kith);
  const room = `${serve.url.replace('http', 'ws')}attic`;
  const first = start(program('first_program'), [room], { stdio: ['pipe', 'pipe', 'pipe'] });
  let heard = '';
  first.stdout.on('data', data => (heard += data));
  try {
    const page = await browser.open(`${serve.url}?room=attic`);
    const greets = () => page.evaluate(() => document.body.textContent.includes('Hello from C'));
    await until(20000, 'the greeting', greets, () => `${first.stderrText()}`);
    await page.evaluate(() => window.kithDemo.peer.say('Hello from the page'));
    await until(10000, 'the answer', () => heard === 'Hello from the page\n', () => heard);
    await page.evaluate(() => location.reload());
    await until(20000, 'another page', () => page.evaluate(() => window.kithDemo?.peer.pc?.connectionState === 'connected')
      .catch(() => false));
  } finally {
    await stop(first);
    assert.equal(await serve.stop(), 0, serve.log());
  }
}

// docs/signalling.md has the page's part, as it stands there.
const pageOfOne = () => readFileSync(join(dirname(fileURLToPath(import.meta.url)), '../../docs/signalling.md'), 'utf8')
  .match(/```js\n([^]*?)```/)[1];

async function negotiates(origin) {
  const peer = new Peer(program('own_signalling'));
  const page = await browser.open(origin.url);
  try {
    await page.evaluate(`(() => {
      const said = [], waiting = [];
      let turn = Promise.resolve(), receive;
      const send = message => (waiting.length ? waiting.shift()([message]) : said.push(message));
      ${pageOfOne()}
      const texts = [], channels = [];
      pc.ondatachannel = ({ channel }) => { channels.push(channel); channel.onmessage = ({ data }) => texts.push(data); };
      window.own = { pc, texts, channels,
        take: () => (said.length ? Promise.resolve(JSON.stringify(said.splice(0))) : new Promise(resolve => waiting.push(all => resolve(JSON.stringify(all))))),
        hear: text => (turn = turn.then(() => receive(JSON.parse(text)))) };
    })()`);
    (async () => {
      for (;;)
        for (const message of JSON.parse(await page.evaluate(() => window.own.take()))) peer.send(message);
    })().catch(() => {});
    let failure;
    peer.listen(isSignal, signal => page.evaluate(text => window.own.hear(text), JSON.stringify(signal)).catch(error => (failure = error)));
    const open = label => page.evaluate(wanted => window.own.channels.some(({ label, readyState }) => label === wanted && readyState === 'open'), label);
    const say = text => page.evaluate(said => window.own.channels[0].send(said), text);
    await until(20000, 'the channel', () => open('chat'), () => `${failure} ${peer.log()}`);
    await say('again');
    await until(20000, 'another channel', () => open('another'));
    // Both offer at once: the page adds a track while the program restarts ICE.
    const ufrag = () => page.evaluate(() => /ice-ufrag:(.*)/.exec(window.own.pc.remoteDescription.sdp)[1]);
    const before = await ufrag();
    await page.evaluate(() => { window.own.channels[0].send('restart'); window.own.pc.addTransceiver('audio'); });
    await until(20000, 'both', async () => await ufrag() !== before && page.evaluate(() => window.own.pc.signalingState === 'stable' &&
      Boolean(window.own.pc.getTransceivers()[0].currentDirection)), () => `${failure} ${peer.log()}`);
    await say('after it');
    await until(10000, 'an echo', () => page.evaluate(() => window.own.texts.includes('after it')));
    assert.equal(failure, undefined);
    assert.equal(await peer.close(), 0, peer.log());
  } finally {
    await peer.kill();
    await page.close?.();
  }
}

const origin = await openOrigin();
const browser = await launch({ windows: true });
try {
  await check('record: mute, another size and another codec', () => inFolder(async folder => {
    const made = {};
    await call(browser, origin, [program('record'), folder], { offers: true, delay: 0 }, page => within(60000, 'the recording', live(page, made)));
    await checkRecords(folder, made);
  }));
  for (const delay of [0, 500])
    await check(`send: the film is seen, signalling ${delay} ms late`, () =>
      call(browser, origin, [program('send'), film], { offers: false, delay }, page => within(60000, 'the film', plays(page))));
  await check('gateway: both far programs are replaced', () => inFolder(folder =>
    call(browser, origin, [program('gateway'), '5000', '5002'], { offers: false, delay: 0 }, page => within(90000, 'both', goesOn(page, folder)))));
  await check('relay: what one browser sends reaches the others', async () => {
    const relay = new Relay(program('relay'));
    await meet(browser, origin, relay.member(0), { offers: true, counter: COUNTER }, first =>
      within(90000, 'all of them', spreads(first, browser, origin, relay)));
    assert.equal(await relay.close(), 0);
  });
  if (existsSync(program('encoder')))
    await check('encoder: key frames, the codec and no more bits than asked for', () =>
      call(browser, origin, [program('encoder')], { offers: false, delay: 0 }, page => within(60000, 'the picture', isObeyed(page))));
  await check("README's first program meets the page", meetsThePage);
  await check('own_signalling: negotiation by the code of docs/signalling.md', () => negotiates(origin));
  await check('kith serve -- send: the page shows the film', () => isSeen([program('send'), film], false));
  await check('kith serve -- mirror: the page calls, and is mirrored', () => isSeen([program('mirror')], true));
  if (existsSync(program('encoder')))
    await check('kith serve -- encoder: the page shows what is encoded', () => isSeen([program('encoder')], false));
} finally {
  await browser.close();
  origin.close();
}
finish();
