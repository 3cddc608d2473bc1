// A browser's camera and microphone, mirrored by docs/examples/mirror.c: each side offering, with signalling at once, a
// tenth and half a second late, in every codec that both have. The browser's own getStats tells what came back, and its
// picture and its tone are recognised.
//
//     node media.mjs MIRROR chromium|firefox
import assert from 'node:assert/strict';
import { browserNamed } from './lib/browsers.mjs';
import { call, inbound, openOrigin } from './lib/call.mjs';
import { comparePictures, findTone } from './lib/recognise.mjs';
import { check, finish } from './lib/report.mjs';
import { within } from './lib/wait.mjs';

const [mirror, name] = process.argv.slice(2);
const { launch } = browserNamed(name);

// Firefox has no H.264 here: it fetches OpenH264 from the network.
const VIDEO = { chromium: ['video/VP8', 'video/H264'], firefox: ['video/VP8'] }[name];
const calls = [
  ['audio/opus', VIDEO[0]],
  ['audio/PCMU', VIDEO.at(-1)],
  ['audio/PCMA', VIDEO.at(-1)],
];

async function looksAlike(page) {
  const { least, contrast } = await page.evaluate(comparePictures, 'video.own', 'video.theirs');
  assert.ok(least < 12, `the picture differs by ${least} of 255`);
  assert.ok(contrast > 60, `the picture's contrast is ${contrast}`);
}

async function soundsAlike(page) {
  const [own, theirs] = await page.evaluate(`(async () => {
    const find = ${findTone};
    const tracks = ['own', 'theirs'].map(side => document.querySelector('audio.' + side).srcObject.getTracks()[0].clone());
    return Promise.all(tracks.map(track => find(track, 2000)));
  })()`);
  const found = JSON.stringify({ own, theirs });
  assert.ok(own.loudness > 0.005 && theirs.loudness > 0.005, found);
  assert.ok(Math.abs(own.frequency - theirs.frequency) <= 20, found);
}

// The camera is seen for some seconds, and the microphone heard, in these codecs.
async function sees(page, codecs) {
  const first = await inbound(page, 'video', ({ framesDecoded }) => framesDecoded > 0);
  await inbound(page, 'audio', ({ packetsReceived }) => packetsReceived > 0);
  const all = await page.evaluate(() => window.call.stats());
  for (const type of ['inbound-rtp', 'outbound-rtp']) {
    const used = all.filter(entry => entry.type === type).map(({ codecId }) => all.find(({ id }) => id === codecId)?.mimeType);
    assert.deepEqual(used.sort(), [...codecs].sort(), type);
  }
  await Promise.all([looksAlike(page), soundsAlike(page)]);
  await inbound(page, 'video', ({ framesDecoded }) => framesDecoded >= first.framesDecoded + 40);
}

const origin = await openOrigin();
const browser = await launch();
try {
  await check(`${name} has ${VIDEO.join(' and ')} of ours`, async () => {
    const page = await browser.open(origin.url);
    const has = await page.evaluate(() => RTCRtpSender.getCapabilities('video').codecs.map(({ mimeType }) => mimeType));
    assert.deepEqual(['video/VP8', 'video/H264'].filter(mimeType => has.includes(mimeType)), VIDEO);
  });
  for (const codecs of calls)
    for (const offerer of ['browser', 'kith'])
      for (const delay of [0, 100, 500])
        await check(`${codecs.join(' and ')}, ${offerer} offers, signalling ${delay} ms late: they come back`, () =>
          call(browser, origin, offerer === 'kith' ? [mirror, 'offer'] : [mirror], { offers: offerer === 'browser', delay, codecs },
            page => within(60000, 'picture and tone', sees(page, codecs))));
} finally {
  await browser.close();
  origin.close();
}
finish();
