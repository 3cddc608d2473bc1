// What kith's getStats says of a call beside what the browser's says of it: both ways, through a path of 50 ms that loses
// nothing, or 5 % either way; the estimate of the path (REMB); and while kith offers again. The picture ends before both are
// asked, so that nothing of it is on its way.
//
//     node stats.mjs WITNESS chromium|firefox
import assert from 'node:assert/strict';
import { browserNamed } from './lib/browsers.mjs';
import { call, inbound, openOrigin, outbound } from './lib/call.mjs';
import { Path } from './lib/path.mjs';
import { check, finish } from './lib/report.mjs';
import { sleep, until } from './lib/wait.mjs';

const [witness, name] = process.argv.slice(2);
const { launch } = browserNamed(name);
const COUNTER = { width: 640, height: 480, rate: 20, noise: 20 };
const ROUND_TRIP = 0.05;

const ask = async peer => {
  peer.send({ stats: true });
  return (await peer.take('a report', object => 'report' in object)).report;
};

// Of each type and kind there is one: { video: { kith: { inbound, … }, browser: { … } }, audio, pair }.
async function reports(page, peer) {
  const [theirs, ours] = [await page.evaluate(async () => [...(await window.call.pc.getStats()).values()]), await ask(peer)];
  const sort = (report, kind) => Object.fromEntries(['inbound', 'outbound', 'remote-inbound', 'remote-outbound'].map(type => {
    const found = report.filter(entry => entry.type === `${type}-rtp` && entry.kind === kind);
    assert.equal(found.length, 1, `${type} of ${kind}`);
    return [type.replace(/-(.)/, (_, letter) => letter.toUpperCase()), found[0]];
  }));
  const told = kind => ({ kith: sort(ours, kind), browser: sort(theirs, kind) });
  return { video: told('video'), audio: told('audio'), pair: theirs.find(({ type, bytesSent }) => type === 'candidate-pair' && bytesSent) };
}

const is = (what, ours, theirs) => assert.equal(ours, theirs, `${what}: kith has ${ours}, ${name} ${theirs}`);
// Within a part of it, and so many more.
const isAbout = (what, ours, theirs, part, more = 0) =>
  assert.ok(Math.abs(ours - theirs) <= theirs * part + more, `${what}: kith has ${ours}, ${name} ${theirs}`);

// What holds of any call. `slack`: how many packets may be on their way.
function agree({ kith, browser }, kind, slack, lost) {
  for (const [ours, theirs] of [['inbound', 'outbound'], ['outbound', 'inbound'], ['remoteInbound', 'inbound'], ['remoteOutbound', 'outbound']]) {
    is(`${kind} ${ours}: ssrc`, kith[ours].ssrc, browser[theirs].ssrc);
    for (const member of ['firCount', 'pliCount'])
      if (kith[ours][member] !== undefined && !lost) is(`${kind} ${ours}: ${member}`, kith[ours][member], browser[theirs][member]);
  }
  isAbout(`${kind}: bytes of a packet sent`, kith.outbound.bytesSent / kith.outbound.packetsSent, browser.inbound.bytesReceived / browser.inbound.packetsReceived, 0.03);
  for (const [way, reported, received] of [['here', browser.remoteInbound, kith.inbound], ['there', kith.remoteInbound, browser.inbound]]) {
    assert.ok(reported.packetsLost <= received.packetsLost + 2, `${kind}: ${reported.packetsLost} of ${received.packetsLost} lost ${way}`);
    // Of what goes on the last report is of some seconds ago.
    if (kind === 'video') isAbout(`lost on the way ${way}`, reported.packetsLost, received.packetsLost, 0.15, 4);
  }
  // Measured at other times: on a machine that is busy they differ.
  const trips = [kith, browser].map(({ remoteInbound: { totalRoundTripTime, roundTripTimeMeasurements } }) => totalRoundTripTime / roundTripTimeMeasurements);
  assert.ok(Math.min(...trips) >= ROUND_TRIP && Math.max(...trips) < 4 * Math.min(...trips), `${kind}: round trips of ${trips}`);
  if (!lost) isAbout(`${kind}: came there`, kith.outbound.packetsSent, browser.inbound.packetsReceived, 0, slack);
}

function agreeWithoutLoss({ video, audio }) {
  const { kith, browser } = video;
  agree(video, 'video', 0);
  agree(audio, 'audio', 0.15 * audio.kith.outbound.packetsSent);
  for (const [member, theirs] of [['packetsSent', 'packetsReceived'], ['bytesSent', 'bytesReceived'], ['headerBytesSent', 'headerBytesReceived']])
    if (browser.inbound[theirs] !== undefined) is(`outbound: ${member}`, kith.outbound[member], browser.inbound[theirs]);
  // What is late within a picture is asked for, and comes.
  is('inbound: nackCount', kith.inbound.nackCount, browser.outbound.nackCount);
  is('inbound: packetsLost', kith.inbound.packetsLost, 0);
  is('inbound: framesReceived', kith.inbound.framesReceived, browser.outbound.framesSent);
  is('outbound: framesSent', kith.outbound.framesSent, browser.inbound.framesDecoded + browser.inbound.framesDropped);
  if (browser.outbound.keyFramesEncoded !== undefined) is('outbound: keyFramesEncoded', kith.outbound.keyFramesEncoded, browser.outbound.keyFramesEncoded);
  is('inbound: frameWidth', kith.inbound.frameWidth, browser.outbound.frameWidth);
  // Browsers count the padding with which they probe among what they sent.
  for (const [member, theirs] of [['packetsReceived', 'packetsSent'], ['bytesReceived', 'bytesSent']]) {
    assert.ok(kith.inbound[member] <= browser.outbound[theirs], `inbound: ${member}`);
    isAbout(`inbound: ${member}`, kith.inbound[member], browser.outbound[theirs], 0.3);
  }
  for (const member of ['packetsSent', 'bytesSent']) {
    is(`remote-outbound: ${member}`, kith.remoteOutbound[member], browser.outbound[member]);
    isAbout(`the browser's remote-outbound: ${member}`, kith.outbound[member], browser.remoteOutbound[member], 0.1, 5);
  }
}

function agreeUnderLoss({ video, audio }) {
  const { kith, browser } = video;
  agree(video, 'video', 0, true);
  agree(audio, 'audio', 25, true);
  // A request that is lost is told by one side alone.
  assert.ok(browser.outbound.nackCount <= kith.inbound.nackCount && kith.outbound.nackCount <= browser.inbound.nackCount, 'more requests came than were sent');
  isAbout('inbound: nackCount', kith.inbound.nackCount, browser.outbound.nackCount, 0.2, 3);
  isAbout('outbound: nackCount', kith.outbound.nackCount, browser.inbound.nackCount, 0.2, 3);
  // Each that was lost came after all, but for the last.
  isAbout('inbound: retransmittedPacketsReceived', kith.inbound.retransmittedPacketsReceived, kith.inbound.packetsLost, 0.1, 3);
  // What is asked for late is sent again twice: all of it on a machine that is busy.
  const again = kith.outbound.retransmittedPacketsSent, lost = browser.inbound.packetsLost;
  assert.ok(again >= 0.75 * lost - 5 && again <= 2.5 * lost + 5, `outbound: retransmittedPacketsSent: kith has ${again}, ${name} lost ${lost}`);
  assert.ok(kith.inbound.retransmittedPacketsReceived <= browser.outbound.retransmittedPacketsSent, 'more was sent again than the browser says');
  isAbout('inbound: framesReceived', kith.inbound.framesReceived, browser.outbound.framesSent, 0.03);
  isAbout('outbound: framesSent', kith.outbound.framesSent, browser.inbound.framesDecoded + browser.inbound.framesDropped, 0.03);
}

// The picture stands still: nothing of it is on its way any more. Firefox sends one that does once a second.
async function still(page) {
  await page.evaluate(() => window.counter.stop());
  for (let before, now, times = 0; times < 10 && (!now || now !== before); times++) {
    before = now;
    await sleep(700);
    const { framesDecoded, packetsReceived } = await inbound(page, 'video', () => true);
    now = `${framesDecoded} ${packetsReceived}`;
  }
}

// What both say is the same once their reports of it have come, which are seconds apart and may be lost.
async function judged(page, peer, judge) {
  let failure;
  await until(30000, 'both say the same', async () => {
    try {
      judge(await reports(page, peer));
      return true;
    } catch (error) {
      failure = error;
      return false;
    }
  }, () => failure.message);
}

// A picture of some seconds, and some reports on it.
const FRAMES = 150;
const watched = page => inbound(page, 'video', ({ framesDecoded }) => framesDecoded > FRAMES, 60000);

// A call through such a path; `during` is what is done while it lasts.
async function talk(loss, judge, during = watched) {
  const path = await Path.open({ loss, delay: ROUND_TRIP * 500, seed: 1 });
  try {
    await call(browser, origin, [witness], { offers: true, counter: COUNTER, path }, async (page, peer) => {
      await inbound(page, 'video', ({ framesDecoded }) => framesDecoded > 0);
      await during(page, peer);
      await still(page);
      await judged(page, peer, judge);
    });
  } finally {
    await path.close();
  }
}

const comeMore = async (page, frames) => {
  const { framesDecoded: before } = await inbound(page, 'video', () => true);
  await inbound(page, 'video', ({ framesDecoded }) => framesDecoded >= before + frames);
};

// kith offers, the browser answers, and the picture goes on.
async function offerAgain(page, peer) {
  await page.evaluate(() => {
    const { pc } = window.call;
    window.negotiated = new Promise(resolve => {
      let offered = false;
      pc.onsignalingstatechange = () => {
        if (offered && pc.signalingState === 'stable') resolve();
        offered = true;
      };
    });
  });
  peer.send({ offer: true });
  await page.evaluate(() => window.negotiated);
  await comeMore(page, 10);
}

const origin = await openOrigin();
const browser = await launch({ windows: true });
try {
  await check('nothing is lost: both say the same', () => talk(0, agreeWithoutLoss));
  await check('5 % is lost: both say the same', () => talk(0.05, agreeUnderLoss, async page => {
    await inbound(page, 'video', ({ packetsLost }) => packetsLost > 30, 60000);
    await outbound(page, 'video', ({ nackCount }) => nackCount > 30, 60000);
  }));
  if (name === 'chromium')
    await check('what the browser takes the path to carry is what the encoder is told (REMB)', () => talk(0, ({ video, audio, pair }) => {
      isAbout('targetBitrate', video.kith.outbound.targetBitrate + audio.kith.outbound.targetBitrate, pair.availableIncomingBitrate, 0.1);
    }));
  // Once, a Firefox whose offer was answered with fewer codecs begins to count what it receives anew, and loses some of it:
  // so it does with itself.
  await check('kith offers again: nothing is lost', () => {
    let before;
    const since = (after, side, stream, member) => after.video[side][stream][member] - before.video[side][stream][member];
    return talk(0, after => {
      is('packets there', since(after, 'kith', 'outbound', 'packetsSent'), since(after, 'browser', 'inbound', 'packetsReceived'));
      is('frames there', since(after, 'kith', 'outbound', 'framesSent'),
        since(after, 'browser', 'inbound', 'framesDecoded') + since(after, 'browser', 'inbound', 'framesDropped'));
      is('frames here', since(after, 'kith', 'inbound', 'framesReceived'), since(after, 'browser', 'outbound', 'framesSent'));
      if (name === 'chromium') is('all', after.video.kith.outbound.packetsSent, after.video.browser.inbound.packetsReceived);
    }, async (page, peer) => {
      await comeMore(page, 30);
      await offerAgain(page, peer);
      await still(page);
      before = await reports(page, peer);
      await page.evaluate(() => window.counter.start());
      for (let i = 0; i < 5; i++) await offerAgain(page, peer);
    });
  });
} finally {
  await browser.close();
  origin.close();
}
finish();
