// kith and a browser: each side offering, trickle and not, every kind of channel and message, closing from either side,
// and candidates that are `.local` names.
//
//     node interop.mjs KITH chromium|firefox
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';
import { BrowserPeer } from './lib/browser-peer.mjs';
import { browserNamed } from './lib/browsers.mjs';
import { Peer } from './lib/peer.mjs';
import { check, finish } from './lib/report.mjs';

const [kith, name] = process.argv.slice(2);
const { launch } = browserNamed(name);

// An empty page of its own origin: about:blank has no WebRTC permissions to speak of in Firefox.
const server = http.createServer((_, response) => response.setHeader('content-type', 'text/html').end('<!doctype html>'));
await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
const blank = `http://127.0.0.1:${server.address().port}/`;

const digest = base64 => createHash('sha256').update(Buffer.from(base64, 'base64')).digest('hex').slice(0, 16);

// `run` gets both sides with an open channel; afterwards kith ends cleanly, or with the status that `run` returns.
async function meet(browser, { offerer, trickle = true, options = [], drop, ...rest }, run) {
  const peer = new Peer(kith, 'peer', offerer === 'kith' ? 'offer' : 'answer', ...(trickle ? [] : ['--no-trickle']), ...options);
  const page = new BrowserPeer(await browser.page());
  try {
    await page.start({ role: offerer === 'kith' ? 'answer' : 'offer', trickle, ...rest });
    await page.connect(peer, drop);
    await peer.state('connected');
    await peer.channel('kith', true);
    const status = await run({ peer, page });
    assert.equal(await peer.close(), status ?? 0, peer.log());
  } finally {
    await peer.close(2000).catch(() => {});
    await page.close();
  }
}

// There and back by --echo, and unasked from kith's side.
async function exchange({ peer, page }, sizes) {
  for (const text of ['good day', '', '\u00e4\u4e16\u{1f600} "quoted"\n']) {
    await page.send({ text });
    assert.deepEqual(await page.message(), { text });
    assert.equal(await peer.message(), text);
    peer.sendText(text);
    assert.deepEqual(await page.message(), { text });
  }
  for (const size of sizes) {
    const binary = randomBytes(size).toString('base64');
    await page.send({ binary });
    assert.equal(digest((await page.message()).binary), digest(binary), `${size} bytes`);
    await peer.message();
    peer.sendBinary(Buffer.from(binary, 'base64'));
    assert.equal(digest((await page.message()).binary), digest(binary), `${size} bytes unasked`);
  }
}

async function describeMatrix(browser) {
  for (const offerer of ['kith', 'browser']) {
    for (const trickle of [true, false]) {
      const how = `${offerer} offers, ${trickle ? 'trickle' : 'no trickle'}`;
      await check(`${how}: text and binary of 0 bytes, 1200, 16 KiB, 256 KiB`, () =>
        meet(browser, { offerer, trickle, options: ['--echo'] }, sides => exchange(sides, [0, 1, 1200, 16384, 262144])));
    }
    const channels = [
      ['unordered', ['--unordered'], { ordered: false }],
      ['no retransmission', ['--unordered', '--max-retransmits', '0'], { ordered: false, maxRetransmits: 0 }],
      ['a life time', ['--max-packet-life-time', '3000'], { maxPacketLifeTime: 3000 }],
      ['negotiated', ['--negotiated', '5'], { negotiated: true, id: 5 }],
    ];
    for (const [what, options, init] of channels) {
      await check(`${offerer} offers, channel: ${what}`, () =>
        meet(browser, { offerer, options: ['--echo', ...options], init }, async sides => {
          const properties = await sides.page.properties();
          for (const key of Object.keys(init)) assert.equal(properties[key], init[key], key);
          await exchange(sides, [0, 16384]);
        }));
    }
    await check(`${offerer} offers, the browser closes the channel`, () =>
      meet(browser, { offerer }, async ({ peer, page }) => {
        await page.closeChannel();
        await peer.channel('kith', false);
        await page.closed();
      }));
    await check(`${offerer} offers, kith closes the channel`, () =>
      meet(browser, { offerer }, async ({ peer, page }) => {
        peer.send({ close: 'kith' });
        await page.closed();
        await peer.channel('kith', false);
      }));
    await check(`${offerer} offers, the browser closes the connection`, () =>
      meet(browser, { offerer }, async ({ peer, page }) => {
        await page.close();
        await peer.channel('kith', false);
        await peer.state('closed');
      }));
    await check(`${offerer} offers, the last message before closing arrives`, () =>
      meet(browser, { offerer }, async ({ peer, page }) => {
        for (let number = 0; number < 50; number++) peer.sendBinary(randomBytes(16384));
        peer.sendText('the last');
        const closed = peer.close();
        for (let number = 0; number < 50; number++) await page.message();
        assert.deepEqual(await page.message(), { text: 'the last' });
        assert.equal(await closed, 0, peer.log());
        await page.closed();
      }));
  }
}

// Audio and video are answered in their places, on the transport of the data beside them, which connects: kith would
// receive them, and has nothing to send.
function assertMedia({ sections, directions, state }, expected) {
  assert.equal(state, 'stable');
  assert.deepEqual(sections.map(line => line.replace(/ [1-9]\d*$/, ' accepted').replace(/ 0$/, ' rejected')), expected.map(line => `m=${line}`));
  for (const direction of directions) assert.equal(direction, 'sendonly');
}

async function describeMedia(browser) {
  const beforeData = ['audio accepted', 'video accepted', 'application accepted'];
  const afterData = ['application accepted', 'audio accepted', 'video accepted'];
  for (const bundlePolicy of ['balanced', 'max-compat', 'max-bundle']) {
    const options = { offerer: 'browser', media: true, bundlePolicy, options: ['--echo'] };
    for (const trickle of [true, false]) {
      await check(`browser offers audio, video and data, ${bundlePolicy}, ${trickle ? 'trickle' : 'no trickle'}`, () =>
        meet(browser, { ...options, trickle }, async sides => {
          assertMedia(await sides.page.agreement(), beforeData);
          await exchange(sides, [16384]);
        }));
    }
    await check(`browser offers audio, video and data, ${bundlePolicy}, and restarts ICE later`, () =>
      meet(browser, options, async sides => {
        await sides.page.restartIce(sides.peer);
        assertMedia(await sides.page.agreement(), beforeData);
        await exchange(sides, [16384]);
      }));
  }
  for (const offerer of ['kith', 'browser']) {
    await check(`${offerer} offers, the browser adds audio and video later`, () =>
      meet(browser, { offerer, options: ['--echo'] }, async sides => {
        await sides.page.addMedia(sides.peer);
        assertMedia(await sides.page.agreement(), afterData);
        await exchange(sides, [16384]);
      }));
  }
}

// The page begins anew, as when it is loaded again: another RTCPeerConnection goes on with the same kith. The channel of
// the one before ends with an error, so kith ends with status 1.
async function describeReplacement(browser) {
  for (const offerer of ['kith', 'browser']) {
    for (const again of ['kith', 'browser']) {
      await check(`${offerer} offers, the page begins anew, ${again} offers again`, () =>
        meet(browser, { offerer, options: ['--echo'] }, async sides => {
          await exchange(sides, [16384]);
          await sides.page.replace(sides.peer, again);
          await sides.peer.channel('kith', false);
          await sides.peer.channel('kith', true);
          await exchange(sides, [0, 16384, 262144]);
          return 1;
        }));
    }
  }
}

// The browser's host candidates are names that only multicast DNS resolves. Without kith's candidates the browser
// cannot begin: the connection stands only when kith found out the browser's address.
async function describeLocalNames(browser) {
  for (const offerer of ['kith', 'browser']) {
    for (const trickle of [true, false]) {
      await check(`${offerer} offers, ${trickle ? 'trickle' : 'no trickle'}: .local candidates`, () =>
        meet(browser, { offerer, trickle, options: ['--echo'] }, async sides => {
          assert.ok((await sides.page.candidates()).every(candidate => /\.local /.test(candidate)));
          await exchange(sides, [0, 16384]);
        }));
    }
    await check(`${offerer} offers: kith resolves a .local name`, () =>
      meet(browser, { offerer, options: ['--echo'], drop: (side, signal) => side === 'kith' && Boolean(signal.candidate) },
        async sides => exchange(sides, [16384])));
  }
}

async function withBrowser(options, run) {
  const browser = await launch(options);
  let page; // one page for all: a tab each would cost more than what happens in it
  console.log(`${browser.name} ${JSON.stringify(options)}`);
  await run({ page: async () => (page ??= await browser.open(blank)) });
  await browser.close();
}

await withBrowser({ hideAddresses: false }, async browser => {
  await describeMatrix(browser);
  await describeMedia(browser);
  await describeReplacement(browser);
});
await withBrowser({ hideAddresses: true }, describeLocalNames);
server.close();
finish();
