// Codecs that kith does not know, VP9 and G.722: tests/interop/packets.c declares them, and mirrors a browser's packets. Its
// picture and its tone come back, each side offering.
//
//     node codecs.mjs PACKETS chromium|firefox
import assert from 'node:assert/strict';
import { browserNamed } from './lib/browsers.mjs';
import { call, inbound, openOrigin } from './lib/call.mjs';
import { comparePictures } from './lib/recognise.mjs';
import { check, finish } from './lib/report.mjs';
import { within } from './lib/wait.mjs';

const [packets, name] = process.argv.slice(2);
const { launch } = browserNamed(name);
const codecs = ['audio/G722', 'video/VP9'];

async function comesBack(page) {
  const first = await inbound(page, 'video', ({ framesDecoded }) => framesDecoded > 0);
  await inbound(page, 'audio', ({ packetsReceived, totalAudioEnergy }) => packetsReceived > 50 && totalAudioEnergy > 0);
  const all = await page.evaluate(() => window.call.stats());
  for (const type of ['inbound-rtp', 'outbound-rtp']) {
    const used = all.filter(entry => entry.type === type).map(({ codecId }) => all.find(({ id }) => id === codecId)?.mimeType);
    assert.deepEqual(used.sort(), codecs, type);
  }
  await inbound(page, 'video', ({ framesDecoded }) => framesDecoded >= first.framesDecoded + 40);
  const { least, contrast } = await page.evaluate(comparePictures, 'video.own', 'video.theirs');
  // Chromium shows VP9 otherwise than the camera, by 17 of 255; Firefox does not.
  assert.ok(least < 24 && contrast > 60, `the picture differs by ${least} of 255, its contrast is ${contrast}`);
}

const origin = await openOrigin();
const browser = await launch();
try {
  for (const offers of [true, false])
    await check(`${offers ? 'the browser' : 'kith'} offers: VP9 and G.722 come back as packets`, () =>
      call(browser, origin, offers ? [packets] : [packets, 'offer'], { offers, codecs },
        page => within(60000, 'picture and sound', comesBack(page))));
} finally {
  await browser.close();
  origin.close();
}
finish();
