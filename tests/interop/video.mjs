// A browser and docs/examples/video.c: the browser decodes the file that the program sends, the program records the
// browser's camera, both in whole frames.
//
//     node video.mjs VIDEO FILE.ivf chromium|firefox
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { browserNamed } from './lib/browsers.mjs';
import { call, inbound, openOrigin } from './lib/call.mjs';
import { check, finish } from './lib/report.mjs';
import { within } from './lib/wait.mjs';

const [video, file, name] = process.argv.slice(2);
const { launch } = browserNamed(name);
const folder = mkdtempSync(join(tmpdir(), 'kith-video-'));
const record = join(folder, 'camera.ivf');

// The file's picture, decoded without a torn frame.
async function plays(page) {
  const first = await inbound(page, 'video', ({ framesDecoded }) => framesDecoded > 0);
  const last = await inbound(page, 'video', ({ framesDecoded }) => framesDecoded >= first.framesDecoded + 75);
  assert.equal(`${last.frameWidth} x ${last.frameHeight}`, '96 x 64');
  assert.ok(last.keyFramesDecoded >= 10, `${last.keyFramesDecoded} key frames`);
  assert.equal(last.packetsLost, 0);
}

// What was recorded: frames of VP8 in order, the first a key frame.
function checkRecord() {
  const bytes = readFileSync(record);
  assert.equal(bytes.toString('latin1', 0, 12), 'DKIF\0\0\x20\0VP80');
  let frames = 0, keys = 0, last = -1, at = 32;
  for (; at < bytes.length; frames++) {
    const size = bytes.readUInt32LE(at), time = bytes.readUInt32LE(at + 4), isKey = bytes[at + 12] % 2 === 0;
    assert.ok(frames > 0 || isKey, 'the first frame is no key frame');
    assert.ok(last < 0 || ((time - last) >>> 0) < 2 ** 31, 'the order of frames');
    if (isKey) assert.equal(bytes.toString('hex', at + 15, at + 18), '9d012a');
    keys += isKey;
    last = time;
    at += 12 + size;
  }
  assert.equal(at, bytes.length);
  assert.ok(frames >= 30, `${frames} frames were recorded`);
  assert.ok(keys >= 1);
}

const origin = await openOrigin();
const browser = await launch();
try {
  for (const delay of [0, 500])
    await check(`signalling ${delay} ms late: the file is seen, and the camera recorded`, async () => {
      await call(browser, origin, [video, file, record], { offers: false, delay }, page => within(60000, 'the picture', plays(page)));
      checkRecord();
    });
} finally {
  await browser.close();
  origin.close();
  rmSync(folder, { recursive: true });
}
finish();
