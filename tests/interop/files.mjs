// A browser and `kith peer --media --record`: it plays the files that are sent, and its camera and microphone are written
// into files that FFmpeg decodes; also as max-bundle has it.
//
//     node files.mjs KITH chromium|firefox
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { browserNamed } from './lib/browsers.mjs';
import { call, inbound, openOrigin } from './lib/call.mjs';
import { check, finish } from './lib/report.mjs';
import { within } from './lib/wait.mjs';

const [kith, name] = process.argv.slice(2);
const { launch } = browserNamed(name);
const data = join(dirname(fileURLToPath(import.meta.url)), '../data/media');

// Both files are heard and seen, without a torn frame.
async function plays(page, size) {
  const first = await inbound(page, 'video', ({ framesDecoded }) => framesDecoded > 0);
  const last = await inbound(page, 'video', ({ framesDecoded }) => framesDecoded >= first.framesDecoded + 30);
  assert.equal(`${last.frameWidth} x ${last.frameHeight}`, size);
  assert.ok(last.keyFramesDecoded >= 4, `${last.keyFramesDecoded} key frames`);
  assert.equal(last.packetsLost, 0);
  await inbound(page, 'audio', ({ packetsReceived, totalAudioEnergy }) => packetsReceived > 100 && totalAudioEnergy > 0);
}

// FFmpeg decodes the file, with no word about an error; its frames, of which some in WAV are half a second.
function decode(path) {
  const done = spawnSync('ffmpeg', ['-nostdin', '-v', 'error', '-i', path, '-vsync', 'passthrough', '-enc_time_base', '-1', '-f', 'framemd5', '-'], { encoding: 'utf8' });
  if (done.error) return null;
  assert.equal(done.stderr, '', path);
  return done.stdout.split('\n').filter(line => line && line[0] !== '#').length;
}

// All that is sent has one transport, the data channel too, for which the page adds the section where it is not there
// (RFC 8843).
async function isBundled(page, offers) {
  const { port, only, transports, echo } = await page.evaluate(async mine => {
    const { pc } = window.call;
    const channel = pc.createDataChannel('late');
    if (mine) window.call.inTurn(window.call.describe);
    const echo = await new Promise(resolve => {
      channel.onopen = () => channel.send('through the bundle');
      channel.onmessage = ({ data }) => resolve(data);
    });
    const offer = (mine ? pc.currentLocalDescription : pc.currentRemoteDescription).sdp;
    const used = [pc.sctp.transport, ...pc.getTransceivers().flatMap(({ sender, receiver }) => [sender.transport, receiver.transport])];
    return { port: offer.match(/^m=\S+ 0 /gm)?.length, only: offer.match(/^a=bundle-only\r$/gm)?.length, transports: new Set(used).size, echo };
  }, offers);
  assert.equal(echo, 'through the bundle');
  assert.equal(transports, 1);
  // RFC 8843 section 6: bundle-only sections are offered with port 0; only new ones are.
  if (!offers) assert.deepEqual({ port, only }, { port: 2, only: 2 });
}

async function playAndRecord(browser, origin, { offers, media, size, names, isMaxBundle }) {
  const folder = mkdtempSync(join(tmpdir(), 'kith-files-'));
  const role = offers ? 'answer' : 'offer';
  try {
    await call(browser, origin, [kith, 'peer', role, '--loopback', '--record', folder,
      ...media.flatMap(file => ['--media', join(data, file)]), ...(isMaxBundle ? ['--echo', '--max-bundle'] : [])],
    { offers, delay: 0, configuration: isMaxBundle && { bundlePolicy: 'max-bundle' } }, async page => {
      await within(60000, 'the files', plays(page, size));
      if (isMaxBundle) await within(20000, 'the bundle', isBundled(page, offers));
    });
    assert.deepEqual(readdirSync(folder).sort(), names);
    for (const file of names) {
      const frames = decode(join(folder, file));
      assert.ok(frames === null || frames >= (file.endsWith('.wav') ? 4 : 20), `${file}: ${frames} frames`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const vp8 = { media: ['opus.ogg', 'vp8.ivf'], size: '96 x 64', names: ['0-audio.ogg', '1-video.ivf'] };
const h264 = { media: ['pcma.wav', 'h264.264'], size: '98 x 62', names: ['0-audio.wav', '1-video.h264'] };

const origin = await openOrigin();
const browser = await launch();
try {
  for (const offers of [true, false]) {
    const who = offers ? 'the browser' : 'kith';
    await check(`${who} offers: VP8 and Opus are played and recorded`, () => playAndRecord(browser, origin, { offers, ...vp8 }));
    await check(`${who} offers: max-bundle, with a data channel`, () => playAndRecord(browser, origin, { offers, ...vp8, isMaxBundle: true }));
    // Firefox here has no H.264.
    if (name === 'chromium')
      await check(`${who} offers: H.264 and G.711 are played and recorded`, () => playAndRecord(browser, origin, { offers, ...h264 }));
  }
} finally {
  await browser.close();
  origin.close();
}
finish();
