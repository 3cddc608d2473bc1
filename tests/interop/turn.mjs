// A browser through kith's own TURN server alone: the page of `kith serve --turn` with the program and in a room, and a
// page of one's own with `kith turn`. Both sides tell and use relay candidates only, but the peer beside the server.
//
//     lib/netns.sh node turn.mjs KITH chromium|firefox
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import readline from 'node:readline';
import { BrowserPeer } from './lib/browser-peer.mjs';
import { browserNamed } from './lib/browsers.mjs';
import { openOrigin } from './lib/call.mjs';
import { removeFolder, start, stop, temporaryFolder } from './lib/children.mjs';
import { Peer } from './lib/peer.mjs';
import { check, finish } from './lib/report.mjs';
import { startServe } from './lib/serve.mjs';
import { until, within } from './lib/wait.mjs';

const [kith, name] = process.argv.slice(2);
const ADDRESS = '192.0.2.1'; // netns.sh's
const NAME = 'turn.example.org'; // of that address
const PRIVATE = '10.9.8.7'; // a server's clients do not reach such a network, but the peer beside it

let browser = await browserNamed(name).launch();
console.log(browser.name);

async function openPage(serve, query) {
  const page = await browser.open(serve.url + query);
  const trouble = () => page.evaluate(() => document.getElementById('trouble').textContent);
  page.ready = () => within(20000, 'the page to connect', page.evaluate(() => window.kithDemo.ready), () => '')
    .catch(async error => { throw new Error(`${error.message}: ${await trouble()}`); });
  return page;
}

// The types of the page's own candidates, and of those of the pair that is used: data may flow before one is nominated.
const usesRelay = page => until(10000, 'a nominated pair', () => page.evaluate(async () => {
  const stats = [...(await window.kithDemo.peer.pc.getStats()).values()];
  const local = stats.filter(({ type }) => type === 'local-candidate');
  const pair = stats.find(({ type, nominated, state }) => type === 'candidate-pair' && nominated && state === 'succeeded');
  return pair && { all: local.map(({ candidateType }) => candidateType), used: local.find(({ id }) => id === pair.localCandidateId).candidateType };
}));

async function assertRelayed(page) {
  const { all, used } = await usesRelay(page);
  assert.equal(used, 'relay');
  assert.ok(all.every(type => type === 'relay'), String(all));
}

async function transfer(page) {
  const receipt = await page.evaluate(() => window.kithDemo.sendFile(new Blob([new Uint8Array(300000)]), 'through the relay.bin'));
  assert.equal(receipt.ok, true, receipt.reason);
}

execFileSync('ip', ['address', 'add', `${PRIVATE}/24`, 'dev', 'kith0']);
for (const listen of ['127.0.0.1:0', `${ADDRESS}:0`, `${PRIVATE}:0`]) {
  const serve = await startServe(kith, '--listen', listen, '--turn');
  await check(`the page at ${listen} connects through the server alone`, async () => {
    const page = await openPage(serve, '?relay');
    await page.ready();
    await page.evaluate(() => window.kithDemo.greeting);
    assert.match(await page.evaluate(() => window.kithDemo.chat('path')), /talks to your (relay|prflx) candidate/);
    await transfer(page);
    await assertRelayed(page);
  });
  await check(`two pages at ${listen} meet through the server alone`, async () => {
    const first = await openPage(serve, '?room=relayed&relay');
    const second = await openPage(serve, '?room=relayed&relay');
    await Promise.all([first.ready(), second.ready()]);
    await transfer(first);
    for (const page of [first, second]) await assertRelayed(page);
  });
  await check(`kith serve at ${listen} ends when asked`, async () => assert.equal(await serve.stop(), 0, serve.log()));
}

await check('a page that wants a relay where there is none says so', async () => {
  const serve = await startServe(kith);
  const page = await browser.open(`${serve.url}?relay`);
  await within(5000, 'the words', page.evaluate(() => new Promise(resolve => {
    const look = () => (document.getElementById('trouble').textContent.includes('kith serve --turn') ? resolve() : requestAnimationFrame(look));
    look();
  })));
  await serve.stop();
});

// Firefox asks by TLS only whom it knows by a name.
await browser.close();
browser = await browserNamed(name).launch({ anyCertificate: true,
  flags: [`--host-resolver-rules=MAP ${NAME} ${ADDRESS}`], preferences: { 'network.dns.forceResolve': ADDRESS } });

const folder = temporaryFolder('kith-turn-');
const [certificate, key] = ['certificate.pem', 'key.pem'].map(file => path.join(folder, file));
execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=kith',
  '-addext', `subjectAltName=DNS:${NAME}`, '-keyout', key, '-out', certificate], { stdio: 'ignore' });
const turn = start(kith, ['turn', '--listen', `${ADDRESS}:3478`, '--cert', certificate, '--key', key], { stdio: ['ignore', 'pipe', 'pipe'] });
const [line] = await within(10000, 'kith turn', new Promise(resolve =>
  readline.createInterface({ input: turn.stdout }).once('line', text => resolve([text]))), turn.stderrText);
const [{ urls, username, credential }] = JSON.parse(line.replace(/^kith turn: iceServers: /, ''));
const origin = await openOrigin();

// The browser by that URL, kith by UDP.
async function throughTurn(url, offerer) {
  const peer = new Peer(kith, 'peer', offerer === 'kith' ? 'offer' : 'answer', '--relay', '--echo', '--ice-server',
    urls[0].replace('turn:', `turn:${username}:${credential}@`));
  const page = new BrowserPeer(await browser.open(origin.url));
  try {
    await page.start({ role: offerer === 'kith' ? 'answer' : 'offer', trickle: true,
      configuration: { iceServers: [{ urls: [url], username, credential }], iceTransportPolicy: 'relay' } });
    await page.connect(peer);
    for (const text of ['through the relay', 'x'.repeat(60000)]) {
      await page.send({ text });
      assert.deepEqual(await page.message(), { text });
    }
    const candidates = await page.candidates();
    assert.ok(candidates.length > 0 && candidates.every(text => text.includes(' typ relay')), candidates.join('\n'));
  } finally {
    await page.close();
    await peer.kill();
  }
}

assert.equal(urls.length, 3);
for (const url of urls.map(text => (text.startsWith('turns:') ? text.replace(ADDRESS, NAME) : text)))
  for (const offerer of ['kith', 'browser'])
    await check(`through ${url}, ${offerer} offers`, () => throughTurn(url, offerer));
origin.close();
await stop(turn);
removeFolder(folder);
await browser.close();
finish();
