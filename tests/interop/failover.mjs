// Two networks between kith and a browser, of which the one that carries the data fails: how long nothing arrives, with
// either side offering (who offers controls ICE).
//
//     lib/netns.sh node failover.mjs KITH chromium
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import { BrowserPeer } from './lib/browser-peer.mjs';
import { browserNamed } from './lib/browsers.mjs';
import { start, stop } from './lib/children.mjs';
import { Peer } from './lib/peer.mjs';
import { check, finish } from './lib/report.mjs';
import { sleep, within } from './lib/wait.mjs';

const [kith, name] = process.argv.slice(2);
const { launch } = browserNamed(name);

// The longest times without a message, in milliseconds. What kith decides, 1 s for an interface that is seen to go and 7 s
// for a network that dies without a word, the simulator holds to the microsecond (tests/sim/test_failover.c). Here it is two
// processes and a browser on whatever machine there is: the limits tell a failover from none (consent is lost after 30 s).
// Chromium's own part is in what kith hears: while it controls it sends where it likes, and leaves a pair on which it
// hears nothing after 4 to 6 s, whatever its interfaces say.
const SEEN = { browser: 2000, kith: 2000 };
const SILENT = { browser: 10000, kith: 10000 };
const CHROMIUM_CHOOSES = { browser: 2000, kith: 10000 };

// ---- the networks: an Ethernet each, from this namespace, which is the browser's, to kith's ----

const networks = [
  { theirs: 'kitha0', ours: 'kitha1', prefix: '198.51.100', table: '101' },
  { theirs: 'kithb0', ours: 'kithb1', prefix: '203.0.113', table: '102' },
];
const namespace = start('unshare', ['-n', '--', 'sleep', 'infinity']);
const inside = ['nsenter', '-t', String(namespace.pid), '-n', '--'];
const here = (...words) => execFileSync('ip', words, { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
const there = (...words) => execFileSync(inside[0], [...inside.slice(1), 'ip', ...words], { stdio: ['ignore', 'pipe', 'pipe'] }).toString();

// What has an address of one network as its source leaves by that network alone.
function bring(ip, device, { prefix, table }, host) {
  ip('link', 'set', device, 'addrgenmode', 'none', 'up');
  ip('address', 'add', `${prefix}.${host}/24`, 'dev', device);
  ip('route', 'add', `${prefix}.0/24`, 'dev', device, 'table', table);
  ip('route', 'add', 'unreachable', 'default', 'table', table);
  ip('rule', 'add', 'from', `${prefix}.${host}`, 'lookup', table);
}

function build() {
  for (const network of networks) {
    here('link', 'add', network.theirs, 'type', 'veth', 'peer', 'name', network.ours, 'netns', String(namespace.pid));
    bring(here, network.theirs, network, 1);
    bring(there, network.ours, network, 2);
  }
  here('route', 'add', 'default', 'dev', networks[0].theirs);
  there('route', 'add', 'default', 'dev', networks[0].ours);
}

function demolish() {
  for (const { theirs, table } of networks) {
    here('link', 'delete', theirs);
    for (const ip of [here, there]) {
      ip('rule', 'delete', 'lookup', table);
      ip('route', 'flush', 'table', table);
    }
  }
}

// Frames go to a station that does not exist, and nobody is told.
function die({ theirs, ours, prefix }) {
  here('neighbour', 'replace', `${prefix}.2`, 'lladdr', '02:00:00:00:00:99', 'nud', 'permanent', 'dev', theirs);
  there('neighbour', 'replace', `${prefix}.1`, 'lladdr', '02:00:00:00:00:99', 'nud', 'permanent', 'dev', ours);
}

// ---- the conversation ----

// Notes when the messages of a peer come.
class Listener {
  constructor(peer) {
    peer.listen(object => 'text' in object, () => this.note());
    this.begin();
  }

  begin() {
    this.last = performance.now();
    this.gap = 0;
  }

  note() {
    const now = performance.now();
    this.gap = Math.max(this.gap, now - this.last);
    this.last = now;
  }
}

// Both sides send ten times a second; for each, the longest time without a message until now.
async function watch({ peer, page, listener }, milliseconds) {
  listener.begin();
  const speaking = setInterval(() => peer.sendText('from kith'), 100);
  const gap = await page.longestGap(milliseconds);
  clearInterval(speaking);
  listener.note();
  return { kith: Math.round(listener.gap), browser: Math.round(gap) };
}

// The network over which the data goes: that of the selected pair.
async function carrying(page) {
  const address = await page.selectedAddress();
  const network = networks.find(({ prefix }) => address.startsWith(prefix));
  assert.ok(network, `the data goes over ${address}`);
  return network;
}

async function fail(offerer, how, limit) {
  build();
  const peer = new Peer(inside[0], ...inside.slice(1), kith, 'peer', offerer === 'kith' ? 'offer' : 'answer');
  const page = new BrowserPeer(browserPage);
  const sides = { peer, page, listener: new Listener(peer) };
  try {
    await page.start({ role: offerer === 'kith' ? 'answer' : 'offer', trickle: true });
    await page.connect(peer);
    await peer.state('connected');
    await sleep(3000);
    const network = await carrying(page);
    const before = await watch(sides, 1500);
    assert.ok(Math.max(before.kith, before.browser) < 1000, `before: ${JSON.stringify(before)}`);
    how(network);
    const gap = await watch(sides, 15000);
    console.log(`      longest time without a message: kith ${gap.kith} ms, the browser ${gap.browser} ms`);
    assert.ok(gap.kith <= limit.kith && gap.browser <= limit.browser, JSON.stringify(gap) + peer.log());
    assert.notEqual(await carrying(page), network);
  } finally {
    await peer.kill();
    await page.close();
    demolish();
  }
}

const namespaceOf = pid => fs.readlinkSync(`/proc/${pid}/ns/net`);
const entered = async () => {
  while (namespaceOf(namespace.pid) === namespaceOf('self')) await sleep(10);
};
await within(5000, 'a network namespace', entered());
there('link', 'set', 'lo', 'up');
here('link', 'delete', 'kith0');
const server = http.createServer((_, response) => response.setHeader('content-type', 'text/html').end('<!doctype html>'));
await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
const { open, close } = await launch();
const browserPage = await open(`http://127.0.0.1:${server.address().port}/`);
for (const offerer of ['kith', 'browser']) {
  const seen = offerer === 'kith' ? SEEN : CHROMIUM_CHOOSES;
  await check(`${offerer} offers, the network dies without a word`, () => fail(offerer, die, SILENT));
  await check(`${offerer} offers, kith's interface goes`, () =>
    fail(offerer, ({ ours }) => there('link', 'set', ours, 'down'), seen));
  await check(`${offerer} offers, the browser's interface goes`, () =>
    fail(offerer, ({ theirs }) => here('link', 'set', theirs, 'down'), seen));
}
await close();
await stop(namespace);
finish();
