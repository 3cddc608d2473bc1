// Drives the page of `kith serve` in a browser as a visitor would: connects, chats, measures, sends a file each way,
// meets another page and a program in a room, calls and is mirrored. Leaves screenshots in artifacts/.
//
//     node page.mjs KITH chromium|firefox [--loopback]     --loopback: for a host whose only network is loopback
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import WebSocket from 'ws';
import { browserNamed } from './lib/browsers.mjs';
import { Peer } from './lib/peer.mjs';
import { comparePictures, findTone } from './lib/recognise.mjs';
import { check, finish } from './lib/report.mjs';
import { startServe } from './lib/serve.mjs';
import { until as untilHere, within } from './lib/wait.mjs';

const [kith, name, ...flags] = process.argv.slice(2);
const loopback = flags.includes('--loopback');
const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
const artifacts = path.join(here, 'artifacts');

const { launch } = browserNamed(name);
const film = ['vp8.ivf', 'opus.ogg'].flatMap(file => ['--media', path.join(here, '..', 'data', 'media', file)]);
const serve = await startServe(kith, ...film);
const browser = await launch({
  hideAddresses: !loopback, // as every visitor's browser does; but hidden ones need multicast
  flags: loopback ? ['--allow-loopback-in-peer-connection'] : [],
  preferences: loopback ? { 'media.peerconnection.ice.loopback': true } : {},
});
console.log(browser.name);

async function screenshot(page, title) {
  fs.mkdirSync(artifacts, { recursive: true });
  fs.writeFileSync(path.join(artifacts, `${title}-${name}.png`), await page.screenshot());
}

// In the page: until an element's text has these words.
const untilShown = (id, words) => new Promise(resolve => {
  const look = () => (document.getElementById(id).textContent.includes(words) ? resolve() : requestAnimationFrame(look));
  look();
});

const trouble = page => page.evaluate(() => document.getElementById('trouble').textContent);

async function openPage(query = '') {
  const page = await browser.open(serve.url + query);
  page.ready = () => within(20000, 'the page to connect', page.evaluate(() => window.kithDemo.ready), () => '')
    .catch(async error => { throw new Error(`${error.message}: ${await trouble(page)}`); });
  return page;
}

const page = await openPage();

await check('the page connects to the peer in the program', async () => {
  await page.ready();
  // The program tells its states through the WebSocket, which may be slower than the channel.
  await within(5000, "the program's state", page.evaluate(() => new Promise(resolve => {
    const isTold = step => step.side === 'kith' && step.name === 'connectionState' && step.value === 'connected';
    const look = () => (window.kithDemo.steps.some(isTold) ? resolve() : requestAnimationFrame(look));
    look();
  })), () => '');
  const steps = await page.evaluate(() => window.kithDemo.steps);
  const values = (side, step) => steps.filter(s => s.side === side && s.name === step).map(s => s.value);
  assert.ok(values('browser', 'connectionState').includes('connected'));
  assert.deepEqual(values('kith', 'connectionState'), ['connecting', 'connected']);
  assert.equal(await page.evaluate(() => document.getElementById('connection-state').textContent), 'connected');
});

await check('chat: the program greets and answers', async () => {
  assert.match(await within(5000, 'the greeting', page.evaluate(() => window.kithDemo.greeting)), /^Hello from a C program/);
  assert.equal(await page.evaluate(() => window.kithDemo.chat('good day, program')), 'You said: good day, program');
  assert.match(await page.evaluate(() => window.kithDemo.chat('version')), /^kith \d+\.\d+\.\d+$/);
  assert.match(await page.evaluate(() => window.kithDemo.chat('path')), /candidate .* talks to your/);
});

await check('a ping comes back', async () => {
  const rtt = await page.evaluate(() => window.kithDemo.ping());
  assert.ok(rtt > 0 && rtt < 1000, `${rtt} ms`);
  assert.ok(await page.evaluate(() => crossOriginIsolated), 'time is not fine');
});

for (const size of [0, 1, 65536, 3_000_000]) {
  await check(`a file of ${size} bytes goes to the program`, async () => {
    const receipt = await page.evaluate(n => {
      const bytes = new Uint8Array(n);
      for (let at = 0; at < n; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
      return window.kithDemo.sendFile(new Blob([bytes]), 'from the page.bin');
    }, size);
    assert.equal(receipt.ok, true, receipt.reason);
    assert.equal(receipt.size, size);
  });
  await check(`a file of ${size} bytes comes from the program`, async () => {
    const receipt = await page.evaluate(n => window.kithDemo.getFile(n), size);
    assert.deepEqual([receipt.ok, receipt.size], [true, size]);
  });
}

await check('throughput runs both ways', async () => {
  for (const direction of ['download', 'upload']) {
    const run = await page.evaluate(d => window.kithDemo[d](1500), direction);
    assert.ok(run.bytes > 0 && run.bytes === run.sent, JSON.stringify(run));
    console.log(`      ${direction} ${(run.rate / 1e6).toFixed(1)} MB/s`);
  }
});

await check('the chosen pair and the readings are shown', async () => {
  await within(10000, 'a chosen pair', page.evaluate(() => new Promise(resolve => {
    const look = () => (document.querySelectorAll('#candidates tr.chosen').length === 2 ? resolve(true) : requestAnimationFrame(look));
    look();
  })));
  assert.match(await page.evaluate(() => document.getElementById('fact-rtt').textContent), /ms$/);
  assert.equal(await trouble(page), '');
});
await screenshot(page, 'page');

await check('at 1280 x 800 the essential is above the fold, transfers included', async () => {
  const [width, bottoms] = await page.evaluate(() => [innerWidth, Object.fromEntries(
    ['wire', 'chat-form', 'rtt-graph', 'speed-graph', 'upload', 'pick-label', 'get', 'files'].map(id =>
      [id, document.getElementById(id).getBoundingClientRect().bottom + scrollY]))]);
  assert.equal(width, 1280);
  for (const [id, bottom] of Object.entries(bottoms)) assert.ok(bottom <= 800, `${id} ends at ${bottom}`);
});

await check('at 1280 x 800 buttons that belong together stand in a row', async () => {
  const tops = await page.evaluate(() => ['download', 'upload', 'pick-label', 'get-size', 'get'].map(id =>
    Math.round(document.getElementById(id).getBoundingClientRect().top)));
  assert.equal(tops[0], tops[1], `${tops}`);
  assert.deepEqual([tops[3], tops[4]], [tops[2], tops[2]], `${tops}`);
});

// Beside the words at its left edge there is more to be seen than the lines of the scale.
const isFilled = (at, id) => at.evaluate(graph => {
  const canvas = document.getElementById(graph);
  const pixels = canvas.getContext('2d').getImageData(canvas.width * 0.2, 0, canvas.width * 0.1, canvas.height).data;
  return new Set(new Uint32Array(pixels.buffer)).size > 3;
}, id);

await check('a plot uses its whole width from its beginning on', async () => {
  assert.ok(await isFilled(page, 'rtt-graph'));
});

await check('two pages meet in a room', async () => {
  const first = await openPage('?room=two-pages');
  const second = await openPage('?room=two-pages');
  await Promise.all([first.ready(), second.ready()]);
  const heard = second.evaluate(() => new Promise(resolve =>
    window.kithDemo.peer.addEventListener('chat', event => resolve(event.detail), { once: true })));
  await first.evaluate(() => window.kithDemo.peer.say('hello, other page'));
  assert.equal(await within(5000, 'the other page to hear', heard), 'hello, other page');
  const receipt = await first.evaluate(() => window.kithDemo.sendFile(new Blob(['between pages']), 'note.txt'));
  assert.equal(receipt.ok, true, receipt.reason);
  await screenshot(second, 'room');
});

// An echo by the program, and its clean end.
async function meet(meeting, peer) {
  await meeting.ready();
  assert.equal(await meeting.evaluate(() => window.kithDemo.chat('hello, program')), 'hello, program');
  await peer.take('the message', object => object.text === 'hello, program');
  assert.equal(await peer.close(), 0, peer.log());
}

for (const role of ['offer', 'answer']) {
  for (const programFirst of [true, false]) {
    await check(`a page and kith peer ${role} meet in a room, ${programFirst ? 'the program' : 'the page'} first`, async () => {
      const room = `page-and-${role}-${programFirst}`;
      const signal = `${serve.url.replace('http', 'ws')}ws/${room}`;
      const startPeer = () => new Peer(kith, 'peer', role, '--echo', '--signal', signal, ...(loopback ? ['--loopback'] : []));
      const peer = programFirst ? startPeer() : undefined;
      if (peer) await peer.take('the room', object => object.room === room && !object.present);
      const meeting = await openPage(`?room=${room}`);
      if (!peer) await within(5000, 'the page to wait', meeting.evaluate(untilShown, 'connection-state', 'waiting'));
      await meet(meeting, peer ?? startPeer());
    });
  }
}

// The page meets a member of its room that speaks only as it is told.
await check('a page that is connecting shows what it waits for', async () => {
  const hub = new WebSocket(`${serve.url.replace('http', 'ws')}ws/slow`);
  await new Promise(resolve => hub.once('open', resolve));
  const heard = words => within(5000, words, new Promise(resolve =>
    hub.on('message', text => text.includes(words) && resolve(JSON.parse(text)))));
  const offered = heard('"offer"');
  const waiting = await openPage('?room=slow');
  const shows = words => within(5000, words, waiting.evaluate(untilShown, 'waits-for', words));
  const offer = await offered;
  await shows('the other’s answer');
  const peer = new Peer(kith, 'peer', 'answer', '--no-trickle', '--loopback');
  peer.send(offer);
  const answer = await peer.description('answer');
  await peer.kill();
  hub.send(JSON.stringify({ ...answer, sdp: answer.sdp.replace(/a=(candidate:.*|end-of-candidates)\r\n/g, '') }));
  await shows('a candidate of the other');
  hub.send(JSON.stringify({ candidate: 'candidate:1 1 udp 2130706431 192.0.2.77 9 typ host', sdpMid: '0' }));
  await shows('an answer to its connectivity checks');
  await screenshot(waiting, 'connecting');
  hub.close();
});

// ---- a call ----

await browser.allowCamera();
const caller = await openPage('#call');

// In the page: until a condition holds, which is an expression.
const until = (milliseconds, what, condition, at = caller) => within(milliseconds, what, at.evaluate(`new Promise(resolve => {
  const look = () => (${condition} ? resolve(true) : setTimeout(look, 50));
  look();
})`)).catch(async error => { throw new Error(`${error.message}: ${await at.evaluate(() => JSON.stringify(window.kithDemo.steps.slice(-12)))}`); });
const press = (id, at = caller) => at.evaluate(button => document.getElementById(button).click(), id);
const plays = number => `[...document.querySelectorAll('.kith-tile video')].filter(video => video.videoWidth > 0 && !video.closest('.dark')).length === ${number}`;
const isStable = 'window.kithDemo.peer.pc.signalingState === "stable"';
const isSettled = `!document.getElementById("call-stop").disabled && ${isStable}`;
const filmTile = '.pair.alone .kith-tile video';
const reading = id => caller.evaluate(name => document.getElementById(name).textContent, id);

await check('a call: the picture comes back', async () => {
  await caller.ready();
  await press('call-start');
  await until(20000, 'the mirrored picture', plays(1));
  const { least, contrast } = await caller.evaluate(comparePictures, '.browser-tile video', '.kith-tile video');
  assert.ok(least < 12, `it differs by ${least} of 255`);
  assert.ok(contrast > 60, `its contrast is ${contrast}`);
});

await check('a call: the tone comes back', async () => {
  const [own, theirs] = await caller.evaluate(`(async () => {
    const find = ${findTone};
    const { own, transceiver } = window.kithDemo.call.lines.find(({ kind }) => kind === 'audio');
    return Promise.all([own.clone(), transceiver.receiver.track].map(track => find(track, 2500)));
  })()`);
  assert.ok(own.loudness > 0.005 && theirs.loudness > 0.005, JSON.stringify({ own, theirs }));
  assert.ok(Math.abs(own.frequency - theirs.frequency) <= 20, JSON.stringify({ own, theirs }));
});

await check('a call: what getStats tells is drawn as it comes', async () => {
  for (const id of ['bits-sent', 'bits-received', 'frames-sent', 'frames-received', 'lost-sent', 'lost-received',
    'roundtrip-sent', 'jitter-sent', 'jitter-received'])
    await until(15000, id, `/[0-9]/.test(document.getElementById('${id}').textContent)`);
  await until(10000, 'frames', "Number(document.getElementById('frames-received').textContent) >= 5");
  assert.equal(await reading('lost-received'), '0');
  const isDrawn = await caller.evaluate(() => [...document.querySelectorAll('canvas.small')].map(canvas => {
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    return new Set(new Uint32Array(pixels.buffer)).size > 3;
  }));
  assert.deepEqual(isDrawn, [true, true, true, true, true]);
  assert.ok(await isFilled(caller, 'bits-graph'));
});
await screenshot(caller, 'call');

await check('a call at 1280 x 800: pictures, buttons and plots are above the fold, with two cameras, too', async () => {
  await press('call-second');
  await until(20000, 'two mirrored pictures', `${plays(2)} && ${isSettled}`);
  const [width, bottoms] = await caller.evaluate(() => [innerWidth, Object.fromEntries(
    ['stage', 'call-trouble', 'call-stop', 'jitter-graph'].map(id => [id, document.getElementById(id).getBoundingClientRect().bottom + scrollY]))]);
  assert.equal(width, 1280);
  for (const [id, bottom] of Object.entries(bottoms)) assert.ok(bottom <= 800, `${id} ends at ${bottom}`);
  await screenshot(caller, 'call-two');
  // The figures are those of the first picture: both together would be twice as many.
  const { told, sent } = await caller.evaluate(async () => {
    const { call } = window.kithDemo;
    const { sender } = call.own('video')[0].transceiver;
    const count = async () => [...(await sender.getStats()).values()].find(({ type }) => type === 'outbound-rtp');
    const next = () => new Promise(resolve => call.addEventListener('measured', ({ detail }) => resolve(detail.sent.frames), { once: true }));
    await next();
    const before = await count();
    let told = 0;
    for (let i = 0; i < 6; i++) told += await next() / 6;
    const after = await count();
    return { told, sent: (after.framesSent - before.framesSent) * 1000 / (after.timestamp - before.timestamp) };
  });
  assert.ok(told > 0.5 * sent && told < 1.5 * sent, `${told} frames a second are told of ${sent}`);
  await press('call-second');
  await until(10000, 'one picture', `${plays(1)} && ${isSettled}`);
});

// The camera's frames from its beginning, as its sender and its receiver count them.
const cameraFrames = () => caller.evaluate(async () => {
  const { sender, receiver } = window.kithDemo.call.own('video')[0].transceiver;
  const find = async (end, type) => [...(await end.getStats()).values()].find(entry => entry.type === type);
  return { sent: (await find(sender, 'outbound-rtp')).framesSent, received: (await find(receiver, 'inbound-rtp')).framesReceived };
});

// The camera rests until none of its frames is on the way.
async function allCameBack() {
  await caller.evaluate(async () => {
    const { own, transceiver } = window.kithDemo.call.own('video')[0];
    await transceiver.sender.replaceTrack(null);
    window.goOn = () => transceiver.sender.replaceTrack(own);
  });
  let last;
  await untilHere(20000, 'every frame to come back', async () => {
    last = await cameraFrames();
    return last.received >= last.sent;
  }, () => JSON.stringify(last));
  await caller.evaluate(() => window.goOn());
  return last;
}

await check('a call: the camera loses no frame while other sections are added, turned, removed and stopped', async () => {
  const before = await cameraFrames();
  const is = (line, direction) => `window.kithDemo.call.${line}.transceiver.currentDirection ${direction} && ${isSettled}`;
  await press('call-second');
  await until(20000, 'a second picture', `${plays(2)} && ${isSettled}`);
  for (const direction of ['inactive', 'sendrecv']) {
    await press('call-mute');
    await until(10000, `sound that is ${direction}`, is("own('audio')[0]", `=== '${direction}'`));
  }
  await caller.evaluate(() => window.kithDemo.peer.pc.removeTrack(window.kithDemo.call.own('video')[1].transceiver.sender));
  await until(10000, 'its track to be removed', is("own('video')[1]", "!== 'sendrecv'"));
  await press('call-second');
  await until(10000, 'one picture', `${plays(1)} && ${isSettled}`);
  assert.ok((await allCameBack()).sent > before.sent);
  // The program's offers. A Firefox that answers where it offered before makes its receiving stream anew, whose counts
  // begin at 0.
  await press('call-film');
  await until(20000, 'a film', `${plays(2)} && ${isSettled}`);
  await press('call-film');
  await until(10000, 'no film', `${plays(1)} && ${isSettled}`);
  if (name === 'chromium') await allCameBack();
});

await check('on a phone both pictures and all buttons are above the fold, and nothing is wider than the screen', async () => {
  await caller.resize(390, 844);
  const { width, ...bottoms } = await caller.evaluate(() => ({
    width: document.documentElement.scrollWidth,
    ...Object.fromEntries(['stage', 'call-stop'].map(id => [id, document.getElementById(id).getBoundingClientRect().bottom + scrollY])),
  }));
  assert.ok(width <= 390, `${width}`);
  for (const [id, bottom] of Object.entries(bottoms)) assert.ok(bottom <= 844, `${id} ends at ${bottom}`);
  await screenshot(caller, 'phone-call');
  await page.resize(390, 844);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= 390);
  await screenshot(page, 'phone');
  await caller.resize(1280, 800);
});

// Each press is an offer and an answer on the connection that is there.
await check('a call: mute and unmute, camera off and on, all by renegotiation', async () => {
  const direction = kind => caller.evaluate(wanted => window.kithDemo.call.lines.find(line => line.kind === wanted).transceiver.currentDirection, kind);
  const negotiated = (kind, wanted) => until(10000, `${kind} ${wanted}`,
    `window.kithDemo.call.lines.find(line => line.kind === '${kind}').transceiver.currentDirection === '${wanted}' && ${isSettled}`);
  await press('call-mute');
  await negotiated('audio', 'inactive');
  assert.equal(await direction('video'), 'sendrecv');
  await press('call-mute');
  await negotiated('audio', 'sendrecv');
  await press('call-camera');
  await negotiated('video', 'inactive');
  await until(5000, 'no picture', plays(0));
  await press('call-camera');
  await negotiated('video', 'sendrecv');
  await until(10000, 'the picture', plays(1));
  await until(10000, 'frames', "Number(document.getElementById('frames-received').textContent) >= 5");
  const { least } = await caller.evaluate(comparePictures, '.browser-tile video', '.kith-tile video');
  assert.ok(least < 12, `it differs by ${least} of 255`);
});

await check('a call: an offer close behind an answer is answered, too', async () => {
  await caller.evaluate(() => {
    const { peer } = window.kithDemo;
    const take = peer.takeDescriptionOrCandidate;
    const held = [];
    peer.takeDescriptionOrCandidate = message => {
      held.push(message);
      if (message.type !== 'offer') return;
      delete peer.takeDescriptionOrCandidate;
      held.forEach(one => take.call(peer, one));
    };
  });
  await press('call-stop');
  await until(5000, 'its own offer', "window.kithDemo.peer.pc.signalingState === 'have-local-offer'");
  await press('call-film');
  await until(20000, 'both descriptions', "!Object.hasOwn(window.kithDemo.peer, 'takeDescriptionOrCandidate')");
  await until(10000, 'the film', `document.querySelector('${filmTile}')?.videoWidth === 96 && ${isStable}`);
  assert.equal(await trouble(caller), '');
  await press('call-film');
  await until(10000, 'the end of the film', `${isStable} && !document.querySelector('${filmTile}')`);
  await press('call-start');
  await until(20000, 'the mirrored picture', `${plays(1)} && ${isSettled}`);
});

await check('a call: stop, and another call on the same connection', async () => {
  await press('call-stop');
  await until(10000, 'the invitation', `!document.getElementById('invitation').hidden && window.kithDemo.peer.pc.signalingState === 'stable'`);
  await until(5000, 'no transceivers', "window.kithDemo.peer.pc.getTransceivers().every(t => t.currentDirection === 'stopped')");
  assert.match(await caller.evaluate(() => window.kithDemo.chat('version')), /^kith/);
  await press('call-start');
  await until(20000, 'the mirrored picture', `${plays(1)} && ${isSettled}`);
  assert.equal(await trouble(caller), '');
  await press('call-stop');
});

await check('a film is played by the program, beside a call, and stopped', async () => {
  await press('call-film');
  await until(20000, 'the film', `document.querySelector('${filmTile}')?.videoWidth === 96 && ${isStable}`);
  const { contrast } = await caller.evaluate(comparePictures, filmTile, filmTile, 5);
  assert.ok(contrast > 60, `its contrast is ${contrast}`);
  await press('call-stop');
  await until(20000, 'the mirrored picture beside it', plays(2));
  await screenshot(caller, 'film');
  await press('call-film');
  await until(10000, 'one picture', `${plays(1)} && ${isSettled} && !document.querySelector('${filmTile}')`);
  await press('call-stop');
  await until(10000, 'the invitation', "!document.getElementById('invitation').hidden");
  assert.equal(await trouble(caller), '');
});

for (const [error, words] of [['NotAllowedError', 'does not let this page'], ['NotFoundError', 'There is no camera and no microphone here']]) {
  await check(`a call without a camera says so in words (${error})`, async () => {
    const without = await openPage('#call');
    await without.evaluate(name => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', name)); }, error);
    await without.ready();
    await press('call-start', without);
    await within(5000, 'the words', without.evaluate(untilShown, 'call-trouble', words));
    assert.equal(await without.evaluate(() => document.getElementById('call-start').disabled), false);
  });
}

await check('a call with a microphone alone says what is missing', async () => {
  const deaf = await openPage('#call');
  await deaf.evaluate(() => {
    const get = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = wanted => (wanted.video ? Promise.reject(new DOMException('', 'NotFoundError')) : get(wanted));
  });
  await deaf.ready();
  await press('call-start', deaf);
  await within(5000, 'the words', deaf.evaluate(untilShown, 'call-trouble', 'There is no camera: only the sound is sent.'));
  await until(10000, 'bits', "/[1-9]/.test(document.getElementById('bits-received').textContent)", deaf);
});

await check('a page that is not secure is told what to do', async () => {
  const insecure = await openPage('#call');
  await insecure.evaluate(() => Object.defineProperty(navigator, 'mediaDevices', { value: undefined }));
  await insecure.ready();
  await press('call-start', insecure);
  await within(5000, 'the words', insecure.evaluate(untilShown, 'call-trouble', 'http://localhost:'));
});

// ---- a program behind the page ----

// A page whose program this is.
async function withProgram(program, run) {
  const served = await startServe(kith, '--', ...program);
  const visitor = await browser.open(served.url);
  try {
    await run(visitor);
  } finally {
    assert.equal(await served.stop(), 0, served.log());
  }
}

const member = [kith, 'peer', ...(loopback ? ['--loopback'] : [])];

await check('a program that is started for the page sends it a picture, which is seen at once', () =>
  withProgram([...member, 'offer', ...film], async visitor => {
    await until(20000, 'the picture', plays(1), visitor);
    await until(5000, 'the words', 'document.getElementById("title").textContent === "This page is talking to kith."', visitor);
    const isHinted = at => at.evaluate(() => document.getElementById('program-hint').checkVisibility());
    assert.deepEqual([await isHinted(page), await isHinted(visitor)], [true, false]);
    await until(5000, 'the heading', 'document.getElementById("call-heading").textContent === "You, and kith"', visitor);
    await until(10000, 'the round trip', '/ms$/.test(document.getElementById("fact-rtt").textContent)', visitor);
    const { contrast } = await visitor.evaluate(comparePictures, '.kith-tile video', '.kith-tile video', 5);
    assert.ok(contrast > 60, `its contrast is ${contrast}`);
    await screenshot(visitor, 'program');
  }));

await check('a program that is started for the page records its camera', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'kith-page-'));
  try {
    await withProgram([...member, 'answer', '--record', folder], async visitor => {
      await until(20000, 'the button', "!document.getElementById('call-start').disabled", visitor);
      await press('call-start', visitor);
      await until(20000, 'frames to leave', "Number(document.getElementById('frames-sent').textContent) >= 5", visitor);
    });
    const [video] = fs.readdirSync(folder).filter(file => /-video\./.test(file));
    assert.ok(fs.statSync(path.join(folder, video)).size > 1000, video);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

await check('a page whose program ends says so', () =>
  withProgram(['sh', '-c', 'read offer; exit 7'], async visitor => {
    await within(10000, 'the words', visitor.evaluate(untilShown, 'trouble', 'sh has ended with status 7. Reload'));
    assert.equal(await visitor.evaluate(() => document.getElementById('connection-state').textContent), 'closed');
  }));

// Both ways to end: what is told by the system alone, and what the program says itself.
for (const signal of ['SIGKILL', 'SIGTERM']) {
  await check(`the page says within 6 s that the program is gone (${signal})`, async () => {
    const mortal = await startServe(kith);
    const left = await browser.open(mortal.url);
    await within(20000, 'the page to connect', left.evaluate(() => window.kithDemo.ready));
    const told = within(6000, 'the trouble', left.evaluate(untilShown, 'trouble', 'kith serve has ended'));
    await mortal.kill(signal);
    await told;
    assert.equal(await left.evaluate(() => document.getElementById('connection-state').textContent), 'closed');
    assert.ok(await left.evaluate(() => document.getElementById('chat-text').disabled), 'the chat is still open');
    await screenshot(left, `gone-${signal}`);
  });
}

await check('kith serve ends when asked', async () => assert.equal(await serve.stop(), 0, serve.log()));
await browser.close();
finish();
