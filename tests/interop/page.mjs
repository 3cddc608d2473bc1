// Drives the page of `kith serve` in a browser as a visitor would: connects, chats, measures, sends a file each way,
// meets another page and a program in a room. Leaves screenshots in artifacts/.
//
//     node page.mjs KITH chromium|firefox [--loopback]     --loopback: for a host whose only network is loopback
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import WebSocket from 'ws';
import { browserNamed } from './lib/browsers.mjs';
import { Peer } from './lib/peer.mjs';
import { check, finish } from './lib/report.mjs';
import { startServe } from './lib/serve.mjs';
import { within } from './lib/wait.mjs';

const [kith, name, ...flags] = process.argv.slice(2);
const loopback = flags.includes('--loopback');
const artifacts = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), 'artifacts');

const { launch } = browserNamed(name);
const serve = await startServe(kith);
const browser = await launch({
  hideAddresses: !loopback, // as every visitor's browser does; but hidden ones need multicast
  flags: loopback ? ['--allow-loopback-in-peer-connection'] : [],
  preferences: loopback ? { 'media.peerconnection.ice.loopback': true } : {},
});
console.log(browser.name);

async function screenshot(page, title) {
  fs.mkdirSync(artifacts, { recursive: true });
  fs.writeFileSync(path.join(artifacts, `${title}-${name}.png`), await page.screenshot());
}

// In the page: until an element's text has these words.
const untilShown = (id, words) => new Promise(resolve => {
  const look = () => (document.getElementById(id).textContent.includes(words) ? resolve() : requestAnimationFrame(look));
  look();
});

const trouble = page => page.evaluate(() => document.getElementById('trouble').textContent);

async function openPage(query = '') {
  const page = await browser.open(serve.url + query);
  page.ready = () => within(20000, 'the page to connect', page.evaluate(() => window.kithDemo.ready), () => '')
    .catch(async error => { throw new Error(`${error.message}: ${await trouble(page)}`); });
  return page;
}

const page = await openPage();

await check('the page connects to the peer in the program', async () => {
  await page.ready();
  // The program tells its states through the WebSocket, which may be slower than the channel.
  await within(5000, "the program's state", page.evaluate(() => new Promise(resolve => {
    const isTold = step => step.side === 'kith' && step.name === 'connectionState' && step.value === 'connected';
    const look = () => (window.kithDemo.steps.some(isTold) ? resolve() : requestAnimationFrame(look));
    look();
  })), () => '');
  const steps = await page.evaluate(() => window.kithDemo.steps);
  const values = (side, step) => steps.filter(s => s.side === side && s.name === step).map(s => s.value);
  assert.ok(values('browser', 'connectionState').includes('connected'));
  assert.deepEqual(values('kith', 'connectionState'), ['connecting', 'connected']);
  assert.equal(await page.evaluate(() => document.getElementById('connection-state').textContent), 'connected');
});

await check('chat: the program greets and answers', async () => {
  assert.match(await within(5000, 'the greeting', page.evaluate(() => window.kithDemo.greeting)), /^Hello from a C program/);
  assert.equal(await page.evaluate(() => window.kithDemo.chat('good day, program')), 'You said: good day, program');
  assert.match(await page.evaluate(() => window.kithDemo.chat('version')), /^kith \d+\.\d+\.\d+$/);
  assert.match(await page.evaluate(() => window.kithDemo.chat('path')), /candidate .* talks to your/);
});

await check('a ping comes back', async () => {
  const rtt = await page.evaluate(() => window.kithDemo.ping());
  assert.ok(rtt > 0 && rtt < 1000, `${rtt} ms`);
  assert.ok(await page.evaluate(() => crossOriginIsolated), 'time is not fine');
});

for (const size of [0, 1, 65536, 3_000_000]) {
  await check(`a file of ${size} bytes goes to the program`, async () => {
    const receipt = await page.evaluate(n => {
      const bytes = new Uint8Array(n);
      for (let at = 0; at < n; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
      return window.kithDemo.sendFile(new Blob([bytes]), 'from the page.bin');
    }, size);
    assert.equal(receipt.ok, true, receipt.reason);
    assert.equal(receipt.size, size);
  });
  await check(`a file of ${size} bytes comes from the program`, async () => {
    const receipt = await page.evaluate(n => window.kithDemo.getFile(n), size);
    assert.deepEqual([receipt.ok, receipt.size], [true, size]);
  });
}

await check('throughput runs both ways', async () => {
  for (const direction of ['download', 'upload']) {
    const run = await page.evaluate(d => window.kithDemo[d](1500), direction);
    assert.ok(run.bytes > 0 && run.bytes === run.sent, JSON.stringify(run));
    console.log(`      ${direction} ${(run.rate / 1e6).toFixed(1)} MB/s`);
  }
});

await check('the chosen pair and the readings are shown', async () => {
  await within(10000, 'a chosen pair', page.evaluate(() => new Promise(resolve => {
    const look = () => (document.querySelectorAll('#candidates tr.chosen').length === 2 ? resolve(true) : requestAnimationFrame(look));
    look();
  })));
  assert.match(await page.evaluate(() => document.getElementById('fact-rtt').textContent), /ms$/);
  assert.equal(await trouble(page), '');
});
await screenshot(page, 'page');

await check('at 1280 x 800 the essential is above the fold, transfers included', async () => {
  const [width, bottoms] = await page.evaluate(() => [innerWidth, Object.fromEntries(
    ['wire', 'chat-form', 'rtt-graph', 'speed-graph', 'upload', 'pick-label', 'get', 'files'].map(id =>
      [id, document.getElementById(id).getBoundingClientRect().bottom + scrollY]))]);
  assert.equal(width, 1280);
  for (const [id, bottom] of Object.entries(bottoms)) assert.ok(bottom <= 800, `${id} ends at ${bottom}`);
});

await check('two pages meet in a room', async () => {
  const first = await openPage('?room=two-pages');
  const second = await openPage('?room=two-pages');
  await Promise.all([first.ready(), second.ready()]);
  const heard = second.evaluate(() => new Promise(resolve =>
    window.kithDemo.peer.addEventListener('chat', event => resolve(event.detail), { once: true })));
  await first.evaluate(() => window.kithDemo.peer.say('hello, other page'));
  assert.equal(await within(5000, 'the other page to hear', heard), 'hello, other page');
  const receipt = await first.evaluate(() => window.kithDemo.sendFile(new Blob(['between pages']), 'note.txt'));
  assert.equal(receipt.ok, true, receipt.reason);
  await screenshot(second, 'room');
});

// An echo by the program, and its clean end.
async function meet(meeting, peer) {
  await meeting.ready();
  assert.equal(await meeting.evaluate(() => window.kithDemo.chat('hello, program')), 'hello, program');
  await peer.take('the message', object => object.text === 'hello, program');
  assert.equal(await peer.close(), 0, peer.log());
}

for (const role of ['offer', 'answer']) {
  for (const programFirst of [true, false]) {
    await check(`a page and kith peer ${role} meet in a room, ${programFirst ? 'the program' : 'the page'} first`, async () => {
      const room = `page-and-${role}-${programFirst}`;
      const signal = `${serve.url.replace('http', 'ws')}ws/${room}`;
      const startPeer = () => new Peer(kith, 'peer', role, '--echo', '--signal', signal, ...(loopback ? ['--loopback'] : []));
      const peer = programFirst ? startPeer() : undefined;
      if (peer) await peer.take('the room', object => object.room === room && !object.present);
      const meeting = await openPage(`?room=${room}`);
      if (!peer) await within(5000, 'the page to wait', meeting.evaluate(untilShown, 'connection-state', 'waiting'));
      await meet(meeting, peer ?? startPeer());
    });
  }
}

// The page meets a member of its room that speaks only as it is told.
await check('a page that is connecting shows what it waits for', async () => {
  const hub = new WebSocket(`${serve.url.replace('http', 'ws')}ws/slow`);
  await new Promise(resolve => hub.once('open', resolve));
  const heard = words => within(5000, words, new Promise(resolve =>
    hub.on('message', text => text.includes(words) && resolve(JSON.parse(text)))));
  const offered = heard('"offer"');
  const waiting = await openPage('?room=slow');
  const shows = words => within(5000, words, waiting.evaluate(untilShown, 'waits-for', words));
  const offer = await offered;
  await shows('the other’s answer');
  const peer = new Peer(kith, 'peer', 'answer', '--no-trickle', '--loopback');
  peer.send(offer);
  const answer = await peer.description('answer');
  await peer.kill();
  hub.send(JSON.stringify({ ...answer, sdp: answer.sdp.replace(/a=(candidate:.*|end-of-candidates)\r\n/g, '') }));
  await shows('a candidate of the other');
  hub.send(JSON.stringify({ candidate: 'candidate:1 1 udp 2130706431 192.0.2.77 9 typ host', sdpMid: '0' }));
  await shows('an answer to its connectivity checks');
  await screenshot(waiting, 'connecting');
  hub.close();
});

// Both ways to end: what is told by the system alone, and what the program says itself.
for (const signal of ['SIGKILL', 'SIGTERM']) {
  await check(`the page says within 6 s that the program is gone (${signal})`, async () => {
    const mortal = await startServe(kith);
    const left = await browser.open(mortal.url);
    await within(20000, 'the page to connect', left.evaluate(() => window.kithDemo.ready));
    const told = within(6000, 'the trouble', left.evaluate(untilShown, 'trouble', 'kith serve has ended'));
    await mortal.kill(signal);
    await told;
    assert.equal(await left.evaluate(() => document.getElementById('connection-state').textContent), 'closed');
    assert.ok(await left.evaluate(() => document.getElementById('chat-text').disabled), 'the chat is still open');
    await screenshot(left, `gone-${signal}`);
  });
}

await check('kith serve ends when asked', async () => assert.equal(await serve.stop(), 0, serve.log()));
await browser.close();
finish();
