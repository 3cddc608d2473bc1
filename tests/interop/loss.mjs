// A picture of 640 x 480 that counts its frames, for 30 s through a path that loses 5 % of the packets of either direction
// and takes 50 ms for a round trip: recorded by docs/examples/record.c, sent by send.c, mirrored by mirror.c. What came
// is told by the browser's own getStats and by the numbers in the picture.
//
//     node loss.mjs EXAMPLES chromium|firefox [SEED]
//     node loss.mjs yardstick chromium|firefox [SEED]      two pages of the browser: what can be had here
//
// The losses follow from a seed, and yet no run is like another: when a browser sends is its own affair. That a request
// and the next one are lost, too, is chance: a bound on freezes is to be kept by one of three runs. What must never happen,
// a frame that is lost for good or comes out of order, happens in none.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { browserNamed } from './lib/browsers.mjs';
import { call, inbound, meet, openOrigin, outbound } from './lib/call.mjs';
import { removeFolder, temporaryFolder } from './lib/children.mjs';
import { PagePeer } from './lib/page-peer.mjs';
import { Path } from './lib/path.mjs';
import { picturesOf } from './lib/pictures.mjs';
import { check, finish } from './lib/report.mjs';
import { sleep } from './lib/wait.mjs';

const [examples, name, firstSeed = '1'] = process.argv.slice(2);
const { launch } = browserNamed(name);
const folder = temporaryFolder('kith-loss-');
const SECONDS = 30;
const RUNS = 3;
const COUNTER = { width: 640, height: 480, rate: 20, noise: 40 };
// Of one way; for a mirrored picture, which goes there and back, half as much again: what it is without a browser's chance
// tests/sim/test_freezes.c holds. Milliseconds, a part of one, kbit/s.
const BOUND = { longest: 300, total: 600, part: 0.97, rate: 800 };
// A machine that has a packet or a page's timer wait so many milliseconds is too busy to tell what was the path's doing.
const BUSY = 30;

// Runs in the page: window.watched has the freezes of the picture that comes, and how late a timer was at most.
function watch() {
  const watched = (window.watched = { freezes: [], late: 0 });
  window.counter.watch(document.querySelector('video.theirs').srcObject.getVideoTracks()[0]);
  let before = performance.now();
  setInterval(() => {
    const now = performance.now();
    watched.late = Math.max(watched.late, now - before - 20);
    before = now;
  }, 20);
  let last;
  const look = async () => {
    const now = (await window.call.stats()).find(entry => entry.type === 'inbound-rtp' && entry.kind === 'video');
    if (last && now.freezeCount > last.freezeCount)
      watched.freezes.push(Math.round((now.totalFreezesDuration - last.totalFreezesDuration) * 1000));
    last = now;
    setTimeout(look, 100);
  };
  look();
}

const statistics = page => page.evaluate(async () => {
  const all = await window.call.stats();
  const find = type => all.find(entry => entry.type === type && entry.kind === 'video');
  return { out: find('outbound-rtp'), in: find('inbound-rtp'), time: performance.now() };
});

// The numbers in a picture: how many came, of how many, and how often they began anew.
function count(numbers) {
  const told = { seen: 0, drawn: 0, restarts: 0 };
  numbers.forEach((number, i) => {
    const step = i === 0 ? 1 : number - numbers[i - 1];
    told.seen += step !== 0;
    told.drawn += step < 0 ? 1 : step;
    told.restarts += step < 0;
  });
  return told;
}

// What comes to a page in so many seconds. `place`: that of a number among those that were sent; else it is the page's own picture that
// comes, and ends.
async function receive(page, place, seconds = SECONDS) {
  await inbound(page, 'video', ({ framesDecoded }) => framesDecoded > 0);
  await page.evaluate(watch);
  const looks = [await statistics(page)];
  for (let i = 0; i < seconds / 5; i++) {
    await sleep(5000);
    looks.push(await statistics(page));
  }
  const { watched, shown } = await page.evaluate(() => ({ watched: window.watched, shown: window.counter.seen.length }));
  if (!place) {
    // What is on its way still comes. Firefox sends a picture that stands still once a second.
    await page.evaluate(() => window.counter.stop());
    for (let before, times = 0; before !== looks.at(-1).in.framesDecoded && times < 10; times++) {
      before = looks.at(-1).in.framesDecoded;
      await sleep(700);
      looks.push(await statistics(page));
    }
  }
  const seen = await page.evaluate(() => window.counter.seen);
  const since = (type, member) => looks.at(-1)[type][member] - looks[0][type][member];
  const rates = looks.slice(1).map((look, i) => (look.in.bytesReceived - looks[i].in.bytesReceived) * 8 / (look.time - looks[i].time));
  return {
    sent: since('out', 'framesSent'), decoded: since('in', 'framesDecoded'), dropped: since('in', 'framesDropped'),
    lost: since('in', 'packetsLost'), rate: Math.round(Math.max(...rates)), freezes: watched.freezes,
    gaps: seen.slice(1, shown).map(({ time }, i) => Math.round(time - seen[i].time)).sort((a, b) => b - a),
    ...count(seen.map(({ number }) => place?.(number) ?? number)), late: Math.round(watched.late),
  };
}

const describe = ({ gaps, ...came }) => JSON.stringify({ ...came, gaps: gaps.slice(0, 5) }).replaceAll('"', '');
const sum = numbers => numbers.reduce((all, number) => all + number, 0);

function assertWhole(came, sent, seesAll = name === 'chromium') {
  // A browser that is busy drops some of what comes.
  const dropped = came.late > BUSY ? came.dropped : 0;
  assert.ok(came.decoded + dropped >= sent * BOUND.part, `too few of ${sent} frames were decoded: ${describe(came)}`);
  // Firefox tells no page of every frame.
  if (seesAll) assert.ok(came.seen + dropped >= sent * BOUND.part, `too few of ${sent} pictures were seen: ${describe(came)}`);
}

// What chance may spoil, in words.
function missed(came, ways) {
  const longest = Math.max(0, ...came.freezes, came.gaps[0]);
  return [
    came.rate < BOUND.rate && `${came.rate} kbit/s`,
    longest > BOUND.longest * ways && `no picture for ${longest} ms`,
    sum(came.freezes) > BOUND.total * ways && `freezes of ${sum(came.freezes)} ms`,
  ].filter(Boolean);
}

// `run` is given a path of a seed of its own each time; what it gives is to keep so many times the bound once.
async function once(ways, run) {
  const failures = [];
  for (let i = 0; i < RUNS && failures.filter(({ late }) => late > BUSY).length < 2; i++) {
    const lossy = await Path.open({ loss: 0.05, delay: 25, seed: Number(firstSeed) + i });
    try {
      const came = await run(lossy);
      const late = Math.round(Math.max(came.late, ...(await lossy.told()).map(direction => direction.late)));
      console.log(`      ${describe({ ...came, late })}`);
      const failure = missed(came, ways);
      if (!failure.length) return;
      failures.push({ failure, late });
    } finally {
      await lossy.close();
    }
  }
  assert.ok(failures.every(({ late }) => late > BUSY), JSON.stringify(failures));
  console.log('      the machine is too busy to tell');
}

// What ffmpeg makes of a film, and how much of it there is.
async function look(film, sent) {
  const bytes = fs.readFileSync(film);
  const rates = [];
  let frames = 0;
  for (let at = 32; at + 12 <= bytes.length; frames++) {
    const size = bytes.readUInt32LE(at);
    const window = Math.floor(Number(bytes.readBigUInt64LE(at + 4)) / 90000 / 5);
    rates[window] = (rates[window] ?? 0) + size * 8 / 5000;
    at += 12 + size;
  }
  // One pixel for each square of the counter.
  const numbers = (await picturesOf(['-i', film])).map(picture => Array.from({ length: 16 }, (_, bit) => (picture[bit * 4 + 1] > 127) << bit)
    .reduce((all, bit) => all | bit));
  return { came: { sent, decoded: frames, dropped: 0, rate: Math.round(Math.max(...rates)), freezes: [], gaps: [0], ...count(numbers), late: 0 }, numbers };
}

// The film, and the place of each number in it.
const film = path.join(folder, 'film');
let places;

async function record(lossy) {
  let sent;
  await call(browser, origin, [program('record'), folder], { offers: true, counter: COUNTER, path: lossy }, async page => {
    await outbound(page, 'video', ({ framesSent }) => framesSent > 0);
    await sleep((SECONDS + 5) * 1000);
    sent = (await statistics(page)).out.framesSent;
  });
  const films = fs.readdirSync(folder).filter(file => file.endsWith('.ivf'));
  assert.equal(films.length, 1);
  fs.renameSync(path.join(folder, films[0]), film);
  const { came, numbers } = await look(film, sent);
  places = new Map(numbers.map((number, i) => [number, i]));
  assertWhole(came, sent, true);
  assert.equal(came.restarts, 0);
  return came;
}

async function see(lossy, command, offers, place, { codecs, seconds } = {}) {
  let came;
  await call(browser, origin, command, { offers, counter: COUNTER, path: lossy, codecs }, async page => {
    came = await receive(page, place, seconds);
    if (!codecs) return;
    const all = await page.evaluate(() => window.call.stats());
    const used = all.filter(({ type, kind }) => /^(in|out)bound-rtp$/.test(type) && kind === 'video')
      .map(({ codecId }) => all.find(({ id }) => id === codecId)?.mimeType);
    assert.deepEqual(used, [codecs[0], codecs[0]]);
  });
  return came;
}

// A film begins anew where the browser wants a key frame: at its beginning.
async function send(lossy) {
  const came = await see(lossy, [program('send'), film], false, number => places.get(number));
  assertWhole(came, came.drawn);
  assert.ok(came.restarts <= 1, describe(came));
  return came;
}

// As packets; or, in frames, by tests/interop/witness.c.
async function mirror(lossy, command = [program('mirror')], options) {
  const came = await see(lossy, command, true, undefined, options);
  assertWhole(came, came.sent);
  assert.equal(came.restarts, 0, describe(came));
  return came;
}

// With what repairs it: of a kind that is among them no other codec is received (lib/call.mjs).
const H264 = { codecs: ['video/H264', 'video/rtx'], seconds: 15 };
const witness = lossy => mirror(lossy, [path.join(examples, 'witness')], H264);

async function yardstick(lossy, { codecs, seconds } = {}) {
  const peer = await PagePeer.open(browser, origin, COUNTER);
  let came;
  try {
    await meet(browser, origin, peer, { offers: true, counter: COUNTER, path: lossy, codecs }, async page => {
      came = await receive(page, number => number, seconds);
    });
  } finally {
    await peer.close();
  }
  return came;
}

const program = example => path.join(examples, `example-${example}`);
const origin = await openOrigin();
const browser = await launch({ windows: true });
try {
  if (examples === 'yardstick') {
    await check('the browser with itself', () => once(1, yardstick));
    if (name === 'chromium') await check('the browser with itself: H.264', () => once(1, lossy => yardstick(lossy, H264)));
  } else {
    await check('recorded: next to all frames come whole', () => once(1, record));
    await check('sent: no long freeze', () => once(1, send));
    await check('mirrored, through the path twice: no long freeze', () => once(1.5, lossy => mirror(lossy)));
    if (name === 'chromium')
      await check('H.264 mirrored as frames, through the path twice: no long freeze', () => once(1.5, witness));
  }
} finally {
  removeFolder(folder);
  await browser.close();
  origin.close();
}
finish();
