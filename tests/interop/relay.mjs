// kith with kith, and kith with a browser, through coturn alone, by UDP, TCP and TLS: both sides tell and use relay
// candidates only.
//
//     lib/netns.sh node relay.mjs KITH [chromium|firefox]
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import dgram from 'node:dgram';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { BrowserPeer } from './lib/browser-peer.mjs';
import { browserNamed } from './lib/browsers.mjs';
import { call, inbound, openOrigin } from './lib/call.mjs';
import { start, stop, temporaryFolder } from './lib/children.mjs';
import { isSignal } from './lib/inbox.mjs';
import { Peer } from './lib/peer.mjs';
import { check, finish } from './lib/report.mjs';
import { until, within } from './lib/wait.mjs';

const [kith, name] = process.argv.slice(2);
const ADDRESS = '192.0.2.1'; // netns.sh's
const USER = 'kith';
const PASSWORD = 'a-secret';

const folder = temporaryFolder('kith-coturn-');
const run = (...options) => start('turnserver', [
  '-n', '--no-cli', '--no-dtls', '--no-tcp-relay', ...(options.includes('--cert') ? [] : ['--no-tls', '--no-tcp']), '--lt-cred-mech', '--realm', 'kith.test',
  '--user', `${USER}:${PASSWORD}`, '--listening-ip', ADDRESS, '--relay-ip', ADDRESS, '--pidfile', path.join(folder, 'pid'),
  '--userdb', path.join(folder, 'db'), '--log-file', 'stdout', '--no-stdout-log', ...options]);

// Until it answers a Binding request (RFC 8489 section 5).
const serve = (...options) => serveAt(3478, ...options);

async function serveAt(port, ...options) {
  const server = run('--listening-port', String(port), ...options);
  const socket = dgram.createSocket('udp4');
  let hasAnswered = false;
  socket.on('message', () => (hasAnswered = true));
  const request = Buffer.from('000100002112a442' + '6b697468'.repeat(3), 'hex');
  await until(10000, 'coturn', () => (socket.send(request, port, ADDRESS), hasAnswered), () => server.stderrText());
  socket.close();
  return server;
}

const relayed = `turn:${USER}:${PASSWORD}@${ADDRESS}`;
const peerOf = (role, ...options) => new Peer(kith, 'peer', role, ...options);

// Carries the signals of each to the other and keeps the candidates.
function introduce(one, other, lines = []) {
  for (const [from, to] of [[one, other], [other, one]])
    from.listen(isSignal, signal => {
      lines.push(...(signal.sdp ?? signal.candidate).split(/\r?\n/).filter(line => line.includes('candidate:')));
      to.send(signal);
    });
  return lines;
}

const onlyRelays = lines => lines.length > 0 && lines.every(line => line.includes(' typ relay'));

async function kithWithKith(...server) {
  const how = server.length > 0 ? server : ['--ice-server', relayed];
  const one = peerOf('offer', '--relay', ...how);
  const other = peerOf('answer', '--relay', ...how, '--echo');
  try {
    const lines = introduce(one, other);
    await one.state('connected');
    for (let i = 0; i < 200; i++) one.sendText(`${i} ${'x'.repeat(3000)}`);
    for (let i = 0; i < 200; i++) assert.equal((await one.message()).split(' ')[0], String(i));
    assert.ok(onlyRelays(lines), lines.join('\n'));
  } finally {
    await one.close();
    await other.kill();
  }
}

// The server's refusal in words: kith says it on standard error.
async function refused(url, code) {
  const one = peerOf('offer', '--relay', '--ice-server', url, '--verbose');
  try {
    await one.description('offer');
    await until(10000, 'the refusal', () => code.test(one.log()), () => one.log());
  } finally {
    await one.kill();
  }
}

// One allocation for a user, and another peer has it.
async function quota() {
  const one = peerOf('offer', '--relay', '--ice-server', relayed);
  try {
    const found = [];
    one.listen(isSignal, signal => found.push(signal.sdp ?? signal.candidate));
    await until(10000, 'a relayed candidate', () => found.some(text => text.includes(' typ relay')));
    await refused(relayed, /486/);
  } finally {
    await one.kill();
  }
}

// The server forgets every allocation in mid-call; `again` starts another. An ICE restart finds the new allocations.
async function restart(again) {
  const one = peerOf('offer', '--relay', '--ice-server', relayed);
  const other = peerOf('answer', '--relay', '--ice-server', relayed, '--echo');
  try {
    introduce(one, other);
    await one.state('connected');
    one.sendText('before');
    assert.equal(await one.message(), 'before');
    await again();
    one.sendText('meanwhile');
    one.send({ restart: true });
    assert.equal(await one.message(), 'meanwhile');
    for (let i = 0; i < 200; i++) one.sendText(`${i} ${'x'.repeat(3000)}`);
    for (let i = 0; i < 200; i++) assert.equal((await one.message()).split(' ')[0], String(i));
  } finally {
    await one.kill();
    await other.kill();
  }
}

const configurationOf = transport => ({
  iceServers: [{ urls: `turn:${ADDRESS}?transport=${transport}`, username: USER, credential: PASSWORD }],
  iceTransportPolicy: 'relay',
});

// Audio and video both ways: the browser plays kith's files, kith writes what the browser's camera and microphone see.
async function callWithBrowser(browser, origin, offerer, server = ['--ice-server', relayed], transport = 'udp') {
  const media = name => ['--media', path.join(path.dirname(fileURLToPath(import.meta.url)), '../data/media', name)];
  const record = fs.mkdtempSync(path.join(folder, 'record-'));
  const command = [kith, 'peer', offerer === 'kith' ? 'offer' : 'answer', '--relay', ...server, '--record', record,
    ...media('opus.ogg'), ...media('vp8.ivf')];
  await call(browser, origin, command, { offers: offerer === 'browser', configuration: configurationOf(transport) }, async page => {
    const first = await inbound(page, 'video', ({ framesDecoded }) => framesDecoded > 0);
    const last = await inbound(page, 'video', ({ framesDecoded }) => framesDecoded >= first.framesDecoded + 60);
    assert.equal(last.packetsLost, 0);
    await inbound(page, 'audio', ({ packetsReceived, totalAudioEnergy }) => packetsReceived > 100 && totalAudioEnergy > 0);
    const types = await within(10000, 'statistics', page.evaluate(async () =>
      [...(await window.call.pc.getStats()).values()].filter(({ type }) => type === 'local-candidate').map(({ candidateType }) => candidateType)));
    assert.ok(types.length > 0 && types.every(type => type === 'relay'), String(types));
  });
  const sizes = ['0-audio.ogg', '1-video.ivf'].map(file => fs.statSync(path.join(record, file)).size);
  assert.ok(sizes.every(size => size > 10000), String(sizes));
}

async function kithWithBrowser(page, offerer, server = ['--ice-server', relayed], transport = 'udp') {
  const peer = peerOf(offerer === 'kith' ? 'offer' : 'answer', '--relay', ...server, '--echo');
  const configuration = configurationOf(transport);
  const browser = new BrowserPeer(page);
  try {
    await browser.start({ role: offerer === 'kith' ? 'answer' : 'offer', trickle: true, configuration });
    await browser.connect(peer);
    await browser.send({ text: 'through the relay' });
    assert.deepEqual(await browser.message(), { text: 'through the relay' });
    assert.ok(onlyRelays(await browser.candidates()));
  } finally {
    await browser.close();
    await peer.kill();
  }
}

// By TCP, and by TLS with a certificate of the server's address.
const [certificateFile, keyFile] = ['cert.pem', 'key.pem'].map(file => path.join(folder, file));
execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=kith',
  '-addext', `subjectAltName=IP:${ADDRESS}`, '-keyout', keyFile, '-out', certificateFile], { stdio: 'ignore' });
const certificate = ['--cert', certificateFile, '--pkey', keyFile];
const streams = {
  TCP: ['--ice-server', `${relayed}?transport=tcp`],
  TLS: ['--ice-server', relayed.replace('turn:', 'turns:'), '--tls-roots', certificateFile],
};

let coturn = await serve();
await check('kith with kith', () => kithWithKith());
await check('a wrong password', () => refused(`turn:${USER}:wrong@${ADDRESS}`, /401/));
await check('a restart of the server in mid-call', () => restart(async () => {
  await stop(coturn);
  coturn = await serve();
}));
await stop(coturn);
coturn = await serve('--user-quota=1');
await check('a quota that is used up', quota);
await stop(coturn);
const elsewhere = await serveAt(3479);
coturn = await serve(`--alternate-server=${ADDRESS}:3479`);
await check('a redirection to another server', () => kithWithKith());
await stop(coturn);
await stop(elsewhere);
const impatient = await serve('--stale-nonce=600', '--max-allocate-lifetime=60');
await check('kith with kith, allocations of a minute', () => kithWithKith());
if (name) {
  const origin = await openOrigin();
  const browser = await browserNamed(name).launch();
  const page = await browser.open(origin.url);
  for (const offerer of ['kith', 'browser'])
    await check(`${name}, ${offerer} offers`, () => kithWithBrowser(page, offerer));
  for (const offerer of ['kith', 'browser'])
    await check(`${name}, ${offerer} offers audio and video`, () => callWithBrowser(browser, origin, offerer));
  await stop(impatient);
  coturn = await serve(...certificate);
  for (const [way, server] of Object.entries(streams))
    for (const offerer of ['kith', 'browser']) {
      await check(`${name}, ${offerer} offers, kith by ${way} and the browser by TCP`, () => kithWithBrowser(page, offerer, server, 'tcp'));
      await check(`${name}, ${offerer} offers audio and video, kith by ${way} and the browser by TCP`,
        () => callWithBrowser(browser, origin, offerer, server, 'tcp'));
    }
  await browser.close();
  origin.close();
} else {
  await stop(impatient);
  coturn = await serve(...certificate);
}
for (const [way, server] of Object.entries(streams)) await check(`kith with kith by ${way}`, () => kithWithKith(...server));
await stop(coturn);
finish();
