// A page that has a camera and a microphone and calls a program, which speaks JSON lines on standard input and output.
import assert from 'node:assert/strict';
import http from 'node:http';
import { installCounter } from './counter.mjs';
import { Peer } from './peer.mjs';
import { isSignal } from './inbox.mjs';
import { until } from './wait.mjs';

// A page of its own origin, and a secure one: the camera is for no other.
export async function openOrigin() {
  const server = http.createServer((_, response) => response.setHeader('content-type', 'text/html').end('<!doctype html>'));
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

// Runs in the page. `codecs` are mime types: of a kind that one is among them, no other is received.
export async function install({ offers, codecs = [], configuration = {} }) {
  // A picture of the test's, where there is one (lib/counter.mjs), else the camera's.
  const signals = [];
  const pc = new RTCPeerConnection(configuration);
  const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: !window.counter && { width: 640, height: 480 } });
  window.counter?.stream.getTracks().forEach(track => media.addTrack(track));
  const call = (window.call = { pc, media, states: [] });
  pc.onicecandidate = ({ candidate }) => candidate && call.say(candidate.toJSON());
  pc.onconnectionstatechange = () => call.states.push(pc.connectionState);
  const show = (track, side) => {
    const element = document.body.appendChild(document.createElement(track.kind));
    element.className = side;
    element.autoplay = true;
    element.muted = side === 'own'; // who is not heard has no totalAudioEnergy
    element.srcObject = new MediaStream([track]);
  };
  pc.ontrack = ({ track }) => show(track, 'theirs');
  media.getTracks().forEach(track => show(track, 'own'));
  call.say = signal => (call.taker ? call.taker([signal]) : signals.push(signal));
  call.take = () => new Promise(resolve => {
    if (signals.length) return resolve(signals.splice(0));
    call.taker = taken => { call.taker = null; resolve(taken); };
  });
  call.describe = async () => {
    await pc.setLocalDescription();
    call.say(pc.localDescription.toJSON());
  };
  // What a browser sends is what its peer wants most: the order of the formats in the peer's m= lines.
  const mostWanted = sdp => sdp.replace(/^m=(audio|video) .*(\r\n(?!m=).*)*/gm, section => {
    const types = codecs.flatMap(mimeType => [...section.matchAll(/^a=rtpmap:(\d+) ([^/]+)\//gm)]
      .filter(([, , name]) => mimeType.endsWith(`/${name}`)).map(([, type]) => type));
    const [line] = /^m=.*/.exec(section);
    const [kind, port, proto, ...formats] = line.split(' ');
    return section.replace(line, [kind, port, proto, ...types, ...formats.filter(type => !types.includes(type))].join(' '));
  });
  const add = () => {
    media.getTracks().forEach(track => pc.addTrack(track, media));
    for (const transceiver of pc.getTransceivers()) {
      const { kind } = transceiver.receiver.track;
      const wanted = RTCRtpReceiver.getCapabilities(kind).codecs.filter(({ mimeType }) => codecs.includes(mimeType));
      if (wanted.length) transceiver.setCodecPreferences(wanted);
    }
  };
  // One thing after the other: what is heard, and what a test does (webrtc-pc section 4.7.3).
  let turn = Promise.resolve();
  call.inTurn = run => (turn = turn.then(run, run));
  // The page is the impolite one: the program's offer gives way to its own (webrtc-pc section 10.7).
  call.hear = signal => call.inTurn(async () => {
    if (!signal.sdp) return pc.addIceCandidate(signal);
    if (signal.type === 'offer' && pc.signalingState !== 'stable') return;
    await pc.setRemoteDescription({ ...signal, sdp: mostWanted(signal.sdp) });
    if (signal.type !== 'offer') return call.answered?.();
    if (!pc.getSenders().some(sender => sender.track)) add();
    await call.describe();
  });
  call.stats = async () => [...(await pc.getStats()).values()].filter(({ type }) => /rtp$|^codec$/.test(type));
  if (!offers) return;
  add();
  await call.describe();
}

// Signals both ways, `delay` milliseconds late, until the page closes.
function relay(page, peer, { delay, path }, failed) {
  const carry = (side, signal, hear) => {
    const carried = path ? path.carry(side, signal) : signal;
    if (carried) setTimeout(hear, delay, carried);
  };
  (async () => {
    for (;;)
      for (const signal of await page.evaluate(() => window.call.take()))
        carry(0, signal, heard => peer.send(heard));
  })().catch(() => {});
  let last = Promise.resolve();
  peer.listen(isSignal, signal => carry(1, signal, heard => {
    last = last.then(() => page.evaluate(said => window.call.hear(said), heard)).catch(failed);
  }));
}

// A page and a program talk, with signals `delay` milliseconds late, until `run` is done with them. `counter`: the picture
// that is sent counts its frames (lib/counter.mjs). `path`: what the packets go through (lib/path.mjs).
export async function call(browser, origin, command, options, run) {
  const peer = new Peer(...command);
  try {
    await meet(browser, origin, peer, options, run);
    assert.equal(await peer.close(), 0, peer.log());
  } finally {
    await peer.kill();
  }
}

// The same with a peer that is there and stays.
export async function meet(browser, origin, peer, { offers, delay = 0, codecs, counter, configuration, path }, run) {
  const page = await browser.open(origin.url);
  let fail;
  const failure = new Promise((_, reject) => (fail = reject));
  failure.catch(() => {});
  try {
    if (counter) await page.evaluate(installCounter, counter);
    await page.evaluate(install, { offers, codecs, configuration });
    relay(page, peer, { delay, path }, fail);
    await Promise.race([failure, run(page, peer)]);
  } finally {
    await page.evaluate(() => { window.counter?.stop(); window.call?.pc.close(); window.call?.media.getTracks().forEach(track => track.stop()); }).catch(() => {});
  }
}

// What getStats says of the stream of a kind, once `holds`.
async function stream(type, page, kind, holds, milliseconds) {
  let all = [];
  return until(milliseconds, kind, async () => {
    all = await page.evaluate(() => window.call.stats());
    return all.find(entry => entry.type === type && entry.kind === kind && holds(entry));
  }, () => JSON.stringify(all).slice(0, 4000));
}
export const inbound = (page, kind, holds, milliseconds = 20000) => stream('inbound-rtp', page, kind, holds, milliseconds);
export const outbound = (page, kind, holds, milliseconds = 20000) => stream('outbound-rtp', page, kind, holds, milliseconds);
