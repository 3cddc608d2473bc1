// A browser's camera and microphone, mirrored by docs/examples/mirror.c: each side offering, with signalling at once and
// half a second late. The browser's own getStats tells what came back.
//
//     node media.mjs MIRROR chromium|firefox
import { browserNamed } from './lib/browsers.mjs';
import { call, inbound, openOrigin } from './lib/call.mjs';
import { check, finish } from './lib/report.mjs';
import { within } from './lib/wait.mjs';

const [mirror, name] = process.argv.slice(2);
const { launch } = browserNamed(name);

// The camera is seen for some seconds, and the microphone heard.
async function sees(page) {
  const first = await inbound(page, 'video', ({ framesDecoded }) => framesDecoded > 0);
  await inbound(page, 'video', ({ framesDecoded }) => framesDecoded >= first.framesDecoded + 60);
  const heard = await inbound(page, 'audio', ({ totalAudioEnergy }) => totalAudioEnergy > 0);
  await inbound(page, 'audio', ({ totalAudioEnergy }) => totalAudioEnergy > heard.totalAudioEnergy);
}

const origin = await openOrigin();
const browser = await launch();
try {
  for (const offerer of ['browser', 'kith'])
    for (const delay of [0, 500])
      await check(`${offerer} offers, signalling ${delay} ms late: camera and microphone come back`, () =>
        call(browser, origin, offerer === 'kith' ? [mirror, 'offer'] : [mirror], { offers: offerer === 'browser', delay }, page => within(60000, 'the picture', sees(page))));
} finally {
  await browser.close();
  origin.close();
}
finish();
