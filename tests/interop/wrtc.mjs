// kith and libwebrtc (npm @roamhq/wrtc): each side offering, trickle and not.
//
//     node wrtc.mjs KITH
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { skip } from './lib/browsers.mjs';
import { Peer } from './lib/peer.mjs';
import { check, finish } from './lib/report.mjs';

const [kith] = process.argv.slice(2);
const program = fileURLToPath(new URL('./lib/wrtc-peer.mjs', import.meta.url));
try {
  createRequire(import.meta.url).resolve('@roamhq/wrtc');
} catch {
  skip('libwebrtc is not installed (npm ci in tests/interop)');
}

// Carries one side's signals to the other until the last candidate, or the only description.
async function carry(from, to, trickle) {
  for (;;) {
    const signal = await from.take('a signal', object => 'sdp' in object || 'candidate' in object);
    to.send(signal);
    if (!trickle || signal.candidate === '') return;
  }
}

async function meet({ offerer, trickle }, run) {
  const roles = offerer === 'kith' ? ['offer', 'answer'] : ['answer', 'offer'];
  const flags = trickle ? [] : ['--no-trickle'];
  const ours = new Peer(kith, 'peer', roles[0], '--echo', ...flags);
  const theirs = new Peer(process.execPath, program, roles[1], ...flags);
  try {
    carry(ours, theirs, trickle).catch(() => {});
    carry(theirs, ours, trickle).catch(() => {});
    await Promise.all([ours.channel('kith', true), theirs.channel('kith', true)]);
    await run(ours, theirs);
    assert.equal(await ours.close(), 0, ours.log());
  } finally {
    await ours.close(2000).catch(() => {});
    await theirs.close(5000).catch(() => {});
  }
}

async function exchange(ours, theirs) {
  for (const text of ['good day', '', '\u4e16\u{1f600}']) {
    theirs.sendText(text);
    assert.equal(await theirs.message(), text);
    assert.equal(await ours.message(), text);
  }
  for (const size of [0, 1, 16384, 262144]) {
    const bytes = randomBytes(size);
    theirs.sendBinary(bytes);
    assert.ok(bytes.equals(await theirs.message()), `${size} bytes`);
    await ours.message();
    ours.sendBinary(bytes);
    assert.ok(bytes.equals(await theirs.message()), `${size} bytes unasked`);
  }
}

for (const offerer of ['kith', 'libwebrtc'])
  for (const trickle of [true, false])
    await check(`${offerer} offers, ${trickle ? 'trickle' : 'no trickle'}: messages both ways`, () =>
      meet({ offerer, trickle }, exchange));
finish();
