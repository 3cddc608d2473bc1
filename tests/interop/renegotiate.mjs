// A hundred renegotiations, in an order by a seed, that add, turn, silence and stop sections beside a call that
// docs/examples/mirror.c mirrors: its picture loses no frame, by getStats and by a counter in the picture, and the
// descriptions do not grow beyond the sections in use.
//
//     node renegotiate.mjs MIRROR chromium|firefox
import assert from 'node:assert/strict';
import { browserNamed } from './lib/browsers.mjs';
import { call, inbound, openOrigin } from './lib/call.mjs';
import { check, finish } from './lib/report.mjs';
import { sleep, within } from './lib/wait.mjs';

const [mirror, name] = process.argv.slice(2);
const { launch } = browserNamed(name);
const COUNT = 100;

// Runs in the page: window.renegotiate() does one thing and comes back when it is negotiated.
function install({ seed, byKind }) {
  const { pc } = window.call;
  let state = seed;
  const random = n => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % n;
  };
  const MOST = 5;
  const small = Object.assign(document.createElement('canvas'), { width: 64, height: 48 });
  const pen = small.getContext('2d');
  const timer = setInterval(() => { pen.fillStyle = `hsl(${Date.now() % 360} 50% 50%)`; pen.fillRect(0, 0, 64, 48); }, 200);
  const picture = () => small.captureStream(5).getVideoTracks()[0];
  const sound = () => window.call.media.getAudioTracks()[0].clone();
  const added = [];
  const pick = () => added[random(added.length)];
  const deeds = {
    add() {
      const kind = random(2) ? 'video' : 'audio';
      added.push(pc.addTransceiver(kind === 'video' ? picture() : sound(), { direction: 'sendrecv' }));
    },
    turn() {
      pick().direction = ['sendrecv', 'sendonly', 'recvonly', 'inactive'][random(4)];
    },
    remove() {
      pc.removeTrack(pick().sender);
    },
    stop() {
      const transceiver = pick();
      added.splice(added.indexOf(transceiver), 1);
      transceiver.sender.track?.stop();
      transceiver.stop();
    },
  };
  // Firefox gives a section that is free to its kind alone.
  const kinds = byKind ? ['audio', 'video'] : [''];
  const peaks = kinds.map(() => 0);
  const count = () => {
    const live = pc.getTransceivers().filter(({ currentDirection }) => currentDirection !== 'stopped');
    kinds.forEach((kind, i) => {
      peaks[i] = Math.max(peaks[i], live.filter(({ receiver }) => receiver.track.kind.startsWith(kind)).length);
    });
    return peaks.reduce((sum, n) => sum + n, 0);
  };
  const choose = () => {
    const allowed = added.length === 0 ? ['add'] : added.length === MOST ? ['turn', 'remove', 'stop'] : Object.keys(deeds);
    return allowed[random(allowed.length)];
  };
  window.renegotiate = async () => {
    let deed, negotiated, most;
    await window.call.inTurn(() => {
      negotiated = new Promise(resolve => (window.call.answered = resolve));
      deed = choose();
      deeds[deed]();
      most = count();
      return window.call.describe();
    });
    await negotiated;
    const sections = [pc.localDescription, pc.remoteDescription].map(({ sdp }) => sdp.match(/^m=/gm).length);
    return { deed, sections, most, directions: pc.getTransceivers().map(t => `${t.mid} ${t.direction} ${t.currentDirection}`) };
  };
  window.endRenegotiation = () => clearInterval(timer);
}

// The stream of the counter is the one that was there first.
const streams = (page, first) => page.evaluate(async ssrcs => {
  const all = await window.call.stats();
  const find = (type, kind) => all.find(entry => entry.type === type && entry.kind === kind && (!ssrcs || ssrcs.includes(entry.ssrc)));
  return { out: find('outbound-rtp', 'video'), in: find('inbound-rtp', 'video'), sound: find('inbound-rtp', 'audio'), drawn: window.counter.sent() };
}, first);

async function survives(page, seed) {
  await inbound(page, 'video', ({ framesDecoded }) => framesDecoded > 20);
  await inbound(page, 'audio', ({ packetsReceived }) => packetsReceived > 20);
  await page.evaluate(install, { seed, byKind: name === 'firefox' });
  await page.evaluate(() => void window.counter.watch(document.querySelector('video.theirs').srcObject.getVideoTracks()[0]));
  await within(10000, 'a picture', page.evaluate(() => new Promise(resolve => {
    const look = () => (window.counter.seen.length ? resolve() : setTimeout(look, 50));
    look();
  })));
  const before = await streams(page);
  const ssrcs = [before.out.ssrc, before.in.ssrc, before.sound.ssrc];
  for (let i = 0; i < COUNT; i++) {
    const { deed, sections, most, directions } = await within(15000, `renegotiation ${i}`, page.evaluate(() => window.renegotiate()));
    for (const count of sections) assert.ok(count <= most, `${i}: after ${deed} there are ${count} sections, ${most} were in use: ${directions}`);
    await sleep(20);
  }
  await page.evaluate(() => window.counter.stop());
  await sleep(1500);
  const after = await streams(page, ssrcs);
  const seen = (await page.evaluate(() => window.counter.seen)).map(({ number }) => number);
  const sent = after.out.framesSent - before.out.framesSent;
  const decoded = after.in.framesDecoded - before.in.framesDecoded;
  console.log(`      ${sent} frames sent, ${decoded} decoded, ${new Set(seen).size} seen, ${after.in.packetsLost} + ${after.sound.packetsLost} packets lost`);
  assert.equal(after.in.packetsLost, 0, 'packets of the picture');
  assert.equal(after.sound.packetsLost, 0, 'packets of the sound');
  assert.ok(decoded >= sent - 1, `${decoded} of ${sent} frames were decoded`);
  assert.ok(seen.every((number, i) => i === 0 || number >= seen[i - 1]), 'the order of the pictures');
  // A browser that is busy drops what it has decoded, and says so; Firefox tells no page of every frame.
  const dropped = after.in.framesDropped - before.in.framesDropped;
  if (name === 'chromium') assert.ok(new Set(seen).size + dropped >= sent - 1, `${new Set(seen).size} of ${sent} pictures were seen, ${dropped} dropped`);
  await page.evaluate(() => window.endRenegotiation());
}

const origin = await openOrigin();
const browser = await launch();
try {
  for (const seed of [1, 2])
    await check(`${COUNT} renegotiations, seed ${seed}: the picture loses no frame, the descriptions do not grow`, () =>
      call(browser, origin, [mirror], { offers: true, counter: { width: 320, height: 240, rate: 15 } },
        page => within(120000, 'the renegotiations', survives(page, seed))));
} finally {
  await browser.close();
  origin.close();
}
finish();
