// The columns of the table. Each check meets the peer in a session of its own and throws where something is not as it
// should be; Unable where the peer itself says that it cannot.
//
// { group, name, quick, options, run }: `options` are for Session.start, an object or a function of { kithOffers };
// `quick` ones are enough for a first look; `only: 'answers'` makes sense only where kith answers.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { removeFolder, temporaryFolder } from '../lib/children.mjs';
import { sleep } from '../lib/wait.mjs';

export class Unable extends Error {
  constructor(why) {
    super(why);
    this.why = why;
  }
}

const KIB = 1024;
const WORDS = 'good day \u00e4\u4e16\u{1f600} "quoted"\n';
// How long a restarted connection is watched: longer than the old one would take to be missed.
const WATCH_MS = 3000;

const connect = (group, trickle, delay, quick) => ({
  group, name: `${delay}`, quick, options: { trickle, delay }, run: session => session.echo(WORDS),
});

const carry = (name, size, quick) => ({
  group: 'messages', name, quick,
  async run(session) {
    const limit = session.theirMaxMessageSize();
    if (size > limit) throw new Unable(`it announces a max-message-size of ${limit}`);
    await session.echo('kith '.repeat(size).slice(0, size));
    await session.echo(randomBytes(size));
  },
});

// A channel with properties, made by whoever offers.
const channelOf = (name, kithOptions, init) => ({
  group: 'channels', name, quick: true,
  options: ({ kithOffers }) => (kithOffers ? { kithOptions } : { init }),
  async run(session) {
    session.assertProperties(init);
    await session.echo(WORDS);
    await session.echo(randomBytes(16 * KIB));
  },
});

const bothOpen = {
  group: 'channels', name: 'both', quick: true,
  options: ({ kithOffers }) => ({ kithOptions: kithOffers ? [] : ['--label', 'ours'] }),
  async run(session, { kithOffers }) {
    if (!kithOffers) await session.open('ours');
    session.theirs.send({ open: 'theirs', init: {} });
    await session.open('theirs');
    for (const label of ['kith', 'theirs', ...(kithOffers ? [] : ['ours'])]) await session.echo(`to ${label}`, label);
  },
};

const kithCloses = {
  group: 'channels', name: 'kith closes', quick: true,
  async run(session) {
    session.ours.send({ close: session.label });
    await session.closed();
  },
};

const peerCloses = {
  group: 'channels', name: 'peer closes', quick: true,
  async run(session) {
    session.theirs.send({ close: session.label });
    await session.closed();
  },
};

const restart = (offerer, name, age, quick) => ({
  group: 'ICE restart', name, quick,
  async run(session) {
    await session.echo('before the restart');
    await sleep(age);
    await session.restart(offerer);
    await session.echoFor(WATCH_MS);
    session.assertNeverDisconnected();
  },
});

const offerAgain = {
  group: 'offers', name: 'again', quick: true,
  async run(session) {
    await session.negotiate('theirs', { offer: true });
    await session.echoFor(1000);
    session.assertNeverDisconnected();
  },
};

const assertMedia = session =>
  assert.deepEqual(session.theirSections().sort(), ['application', 'audio', 'video']);

const mediaAtOnce = {
  group: 'offers', name: 'media', quick: true, only: 'answers',
  options: { media: true },
  async run(session) {
    assertMedia(session);
    await session.echoFor(1000);
  },
};

const mediaLater = {
  group: 'offers', name: 'media later', quick: true,
  async run(session) {
    session.theirs.send({ media: true });
    await session.negotiate('theirs', { offer: true });
    assertMedia(session);
    await session.echoFor(1000);
    session.assertNeverDisconnected();
  },
};

// kith sends a film and a tone, and so does the peer, or what came: the peer decodes it, where it decodes, and what
// kith recorded FFmpeg decodes, without an error.
const film = ['opus.ogg', 'vp8.ivf'].flatMap(name =>
  ['--media', fileURLToPath(new URL(`../../data/media/${name}`, import.meta.url))]);
const call = (kind, extension, least) => ({
  group: 'call', name: kind, quick: true,
  options(context) {
    context.folder = temporaryFolder('kith-call-');
    return { call: true, kithOptions: [...film, '--record', context.folder] };
  },
  async run(session, { folder }) {
    await session.theirs.take(`${kind} of kith`, ({ track }) => track === kind, 15000);
    const { recording } = await session.ours.take(`${kind} of the peer`, said => said.recording?.endsWith(extension), 15000);
    await sleep(2000); // of media, which comes in its own time
    await session.ours.close().catch(() => {}); // how it ends is looked at elsewhere
    const frames = decode(recording);
    removeFolder(folder);
    assert.ok(frames >= least, `${frames} frames`);
  },
});

// How many frames there are in a file.
function decode(path) {
  const { stdout, stderr } = spawnSync('ffmpeg', ['-nostdin', '-v', 'error', '-i', path, '-vsync', 'passthrough',
    '-enc_time_base', '-1', '-f', 'framemd5', '-'], { encoding: 'utf8' });
  assert.equal(stderr, '', path);
  return stdout.split('\n').filter(line => line && line[0] !== '#').length;
}

// All that was sent before the end arrives, and the channel closes in order.
const kithEnds = {
  group: 'end', name: 'kith', quick: true,
  async run(session) {
    const messages = [...Array.from({ length: 20 }, () => randomBytes(16 * KIB)), 'the last'];
    for (const message of messages) session.sayFromKith(message);
    const status = session.ours.close();
    await session.peerHeardBeforeClosing(messages);
    assert.equal(await status, 0, 'the exit status of kith peer');
  },
};

const peerEnds = {
  group: 'end', name: 'peer', quick: true,
  async run(session) {
    session.theirs.send({ bye: true });
    assert.equal(await session.ours.exited(5000), 0, 'the exit status of kith peer');
  },
};

export const checks = [
  connect('trickle', true, 0, true), connect('trickle', true, 100), connect('trickle', true, 500),
  connect('whole', false, 0, true), connect('whole', false, 100), connect('whole', false, 500),
  carry('1', 1, true), carry('16K', 16 * KIB, true), carry('64K', 64 * KIB), carry('256K', 256 * KIB, true),
  bothOpen,
  channelOf('unordered', ['--unordered', '--max-retransmits', '0'], { ordered: false, maxRetransmits: 0 }),
  channelOf('life time', ['--max-packet-life-time', '3000'], { ordered: true, maxPacketLifeTime: 3000 }),
  kithCloses, peerCloses,
  restart('theirs', 'peer 0 s', 0, true), restart('theirs', 'peer 5 s', 5000),
  restart('ours', 'kith 0 s', 0, true), restart('ours', 'kith 5 s', 5000),
  offerAgain, mediaAtOnce, mediaLater,
  call('audio', '.ogg', 40), call('video', '.ivf', 20),
  kithEnds, peerEnds,
];

export const nameOf = ({ group, name }) => `${group} ${name}`;
