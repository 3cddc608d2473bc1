// A browser and kith where no datagram passes: the browser connects to kith's TCP port (RFC 6544).
//
//     lib/netns.sh node tcp.mjs KITH chromium|firefox
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { BrowserPeer } from './lib/browser-peer.mjs';
import { browserNamed, skip } from './lib/browsers.mjs';
import { call, inbound, openOrigin } from './lib/call.mjs';
import { temporaryFolder } from './lib/children.mjs';
import { Peer } from './lib/peer.mjs';
import { check, finish } from './lib/report.mjs';
import { until } from './lib/wait.mjs';

const [kith, name] = process.argv.slice(2);
const PORT = '7000';

// What comes: a browser that cannot send would not even ask.
function blockUdp() {
  try {
    execFileSync('nft', ['add', 'table', 'inet', 'kith'], { stdio: 'ignore' });
  } catch {
    skip('nft may not be used here');
  }
  execFileSync('nft', ['add', 'chain', 'inet', 'kith', 'in', '{ type filter hook input priority 0; }']);
  execFileSync('nft', ['add', 'rule', 'inet', 'kith', 'in', 'meta', 'l4proto', 'udp', 'drop']);
}

// The protocol of both candidates of the nominated pair, in the browser's words. Data flows before it: kith nominates TCP
// when nothing better came for 2 s.
const selected = page => until(10000, 'a nominated pair', () => page.evaluate(async () => {
  const stats = new Map(await (window.call ?? window.peer).pc.getStats());
  const pairs = [...stats.values()].filter(({ type }) => type === 'candidate-pair');
  const pair = pairs.find(({ selected }) => selected) ?? pairs.find(({ nominated, state }) => nominated && state === 'succeeded');
  return pair && [pair.localCandidateId, pair.remoteCandidateId].map(id => stats.get(id).protocol);
}));

async function data(page, offerer) {
  const peer = new Peer(kith, 'peer', offerer === 'kith' ? 'offer' : 'answer', '--tcp-port', PORT, '--echo');
  const browser = new BrowserPeer(page);
  try {
    await browser.start({ role: offerer === 'kith' ? 'answer' : 'offer', trickle: true });
    await browser.connect(peer);
    for (let i = 0; i < 100; i++) await browser.send({ text: `${i} ${'x'.repeat(10000)}` });
    for (let i = 0; i < 100; i++) assert.equal((await browser.message()).text.split(' ')[0], String(i));
    assert.deepEqual(await selected(page), ['tcp', 'tcp']);
  } finally {
    await browser.close();
    await peer.kill();
  }
}

// Audio and video both ways.
async function media(browser, origin, offerer) {
  const file = name => ['--media', path.join(path.dirname(fileURLToPath(import.meta.url)), '../data/media', name)];
  const record = temporaryFolder('kith-tcp-');
  const command = [kith, 'peer', offerer === 'kith' ? 'offer' : 'answer', '--tcp-port', PORT, '--record', record,
    ...file('opus.ogg'), ...file('vp8.ivf')];
  await call(browser, origin, command, { offers: offerer === 'browser' }, async page => {
    const first = await inbound(page, 'video', ({ framesDecoded }) => framesDecoded > 0);
    const last = await inbound(page, 'video', ({ framesDecoded }) => framesDecoded >= first.framesDecoded + 60);
    assert.equal(last.packetsLost, 0);
    await inbound(page, 'audio', ({ packetsReceived, totalAudioEnergy }) => packetsReceived > 100 && totalAudioEnergy > 0);
    assert.deepEqual(await selected(page), ['tcp', 'tcp']);
  });
  const sizes = ['0-audio.ogg', '1-video.ivf'].map(file => fs.statSync(path.join(record, file)).size);
  assert.ok(sizes.every(size => size > 10000), String(sizes));
}

const browserOf = browserNamed(name);
blockUdp();
const origin = await openOrigin();
const browser = await browserOf.launch({ preferences: { 'media.peerconnection.ice.tcp': true } });
const page = await browser.open(origin.url);
for (const offerer of ['kith', 'browser']) await check(`${name}, ${offerer} offers data`, () => data(page, offerer));
for (const offerer of ['kith', 'browser'])
  await check(`${name}, ${offerer} offers audio and video`, () => media(browser, origin, offerer));
await browser.close();
origin.close();
finish();
